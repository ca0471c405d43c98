//! The driver runs what other crates make: a model and its own kernel, judged by diagnostics.
#![cfg(all(feature = "models", feature = "diagnostics"))]

use ergodic::core::Energy;
use ergodic::diagnostics::{Thresholds, summary};
use ergodic::models::rbm::{BlockGibbs, Rbm};
use ergodic::samplers::Sampler;

/// A machine of six visible and four hidden units whose marginals are known by enumeration.
fn machine() -> Rbm<f64> {
    let weights =
        (0..6).flat_map(|i| (0..4).map(move |j| 0.5 * f64::from(1 + 3 * i + 2 * j).sin()));
    let visible = (0..6).map(|i| 0.1 * f64::from(i).cos());
    let hidden = (0..4).map(|j| -0.2 + 0.1 * f64::from(j));
    Rbm::from_parameters(6, 4, weights.chain(visible).chain(hidden).collect()).unwrap()
}

/// The law of the visible units, over the 64 configurations.
fn exact(rbm: &Rbm<f64>) -> ([f64; 6], f64) {
    let (mut z, mut means, mut energy) = (0.0, [0.0; 6], 0.0);
    for v in 0..64u8 {
        let bits: Vec<u8> = (0..6).map(|i| v >> i & 1).collect();
        let weight = (-rbm.energy(&bits)).exp();
        z += weight;
        energy += weight * rbm.energy(&bits);
        for (mean, &bit) in means.iter_mut().zip(&bits) {
            *mean += weight * f64::from(bit);
        }
    }
    (means.map(|m| m / z), energy / z)
}

#[test]
fn a_model_and_its_kernel_run_under_the_driver_and_keep_the_law_of_the_model() {
    let rbm = machine();
    let (means, energy) = exact(&rbm);
    // ⟨v₀⟩ of this machine, by an independent enumeration.
    assert!((means[0] - 0.5697524126).abs() < 1e-10);
    let names = ["v0", "v1", "v2", "v3", "v4", "v5", "energy"];
    let run = Sampler::new(BlockGibbs, &rbm)
        .starts(vec![vec![0u8; 6]])
        .observe(names, |rbm: &Rbm<f64>, v: &[u8], out: &mut [f64]| {
            for (o, &v) in out.iter_mut().zip(v) {
                *o = f64::from(v);
            }
            out[6] = rbm.energy(v);
        })
        .warmup(100)
        .draws(5000)
        .seed(3)
        .run()
        .unwrap();
    let table = summary(&run.draws).unwrap();
    assert!(table.failures(&Thresholds::default()).is_empty(), "{table}");
    for (row, truth) in table.rows.iter().zip(means.iter().chain([&energy])) {
        let mixing = row.mixing.as_ref().unwrap();
        // Seven two-sided tests at 1e-9 together.
        assert!(
            (row.mean - truth).abs() < 6.3 * mixing.mcse_mean,
            "{}: {} for {truth}",
            row.name,
            row.mean
        );
    }
}
