//! HMC and NUTS along one orbit of their leapfrog: every choice enumerated, `Σᵢ wᵢPᵢⱼ = wⱼ` to
//! rounding, from the kernels' own `step`.

use ergodic_conformance::targets::{Correlated, LogGamma};
use ergodic_conformance::{Orbit, Phase, check_integrator};
use ergodic_core::{Energy, EnergyGradient, MarkovKernel};
use ergodic_samplers::hamiltonian::{Metric, PhasePoint};
use ergodic_samplers::{Hmc, Nuts, TrajectoryLength};

/// The library's leapfrog as a map of phase space, with the identity as metric.
fn leapfrog<T: EnergyGradient>(target: &T, step: f64, z: &mut Phase) {
    let metric = Metric::identity();
    let mut point = PhasePoint::new(target, &metric, &z.x).unwrap();
    point.momentum_mut().copy_from_slice(&z.p);
    point.leapfrog(target, &metric, step);
    z.x.copy_from_slice(point.position());
    z.p.copy_from_slice(point.momentum());
}

fn balances<T, K>(kernel: &K, target: &T, step: f64, reach: usize, x: &[f64], p: &[f64])
where
    T: EnergyGradient + Energy<State = [f64]>,
    K: MarkovKernel<T>,
{
    let orbit = Orbit::new(
        Phase::new(x, p),
        reach,
        |z| leapfrog(target, step, z),
        |z| leapfrog(target, -step, z),
        |z| target.energy(&z.x) + 0.5 * z.p.iter().map(|p| p * p).sum::<f64>(),
    )
    .unwrap();
    orbit
        .check(kernel, target, |z| z.p.clone(), 1e-12)
        .unwrap()
        .assert();
}

#[test]
fn nuts_keeps_the_weights_of_its_orbit() {
    for step in [0.3, 0.75] {
        let kernel = Nuts::new()
            .with_step_size(step)
            .unwrap()
            .with_max_depth(3)
            .unwrap();
        balances(&kernel, &LogGamma(1), step, 7, &[-1.5], &[0.2]);
        let correlated = Correlated::new(2, 0.7).unwrap();
        balances(&kernel, &correlated, step, 7, &[0.4, 1.1], &[-0.6, 0.8]);
    }
}

#[test]
fn hmc_keeps_the_weights_of_its_orbit() {
    let kernel = Hmc::new(TrajectoryLength::Steps(3))
        .unwrap()
        .with_step_size(0.4)
        .unwrap();
    // Jittered numbers of steps go up to twice the mean.
    balances(&kernel, &LogGamma(1), 0.4, 6, &[0.5], &[0.9]);
    let correlated = Correlated::new(2, 0.7).unwrap();
    balances(&kernel, &correlated, 0.4, 6, &[0.4, 1.1], &[-0.6, 0.8]);
}

#[test]
fn the_leapfrog_of_the_library_is_undone_and_keeps_volume() {
    let target = LogGamma(3);
    let map = |step: f64| {
        move |z: &mut [f64]| {
            let mut phase = Phase::new(&z[..3], &z[3..]);
            leapfrog(&target, step, &mut phase);
            z[..3].copy_from_slice(&phase.x);
            z[3..].copy_from_slice(&phase.p);
        }
    };
    let points = [
        vec![0.5, -0.3, 1.0, 0.2, -1.0, 0.4],
        vec![1.4, 0.9, -0.8, -0.5, 0.1, 1.9],
    ];
    check_integrator(map(0.2), map(-0.2), &points, 1e-9).assert();
}
