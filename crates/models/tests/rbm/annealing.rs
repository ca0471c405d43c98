//! AIS and RAISE on machines whose answers are known, and the arithmetic of the path.

use ergodic_core::{MarkovKernel, Path, Population};
use ergodic_free_energy::{Ais, Ladder, Raise};
use ergodic_math::rng;
use ergodic_models::rbm::{BlockGibbs, Rbm, RbmPath};

use crate::common::{
    annealed, binomial_quantile, bits, for_all, machines, random, sigmoid, softplus, to_f32, twice,
};

/// The weights of `rbm` after `steps` steps of exact gradient ascent on `rows`.
fn ascended(mut rbm: Rbm<f64>, rows: &[u8], steps: usize, rate: f64) -> Rbm<f64> {
    for _ in 0..steps {
        let gradient = rbm.log_likelihood_gradient_exact(rows).unwrap();
        for (p, g) in rbm.parameters_mut().iter_mut().zip(gradient) {
            *p += rate * g;
        }
    }
    rbm
}

/// Add-one base rates.
fn rates(rows: &[u8], visible: usize) -> Vec<f64> {
    let n = (rows.len() / visible) as f64;
    (0..visible)
        .map(|i| {
            let ones = rows.chunks(visible).filter(|v| v[i] == 1).count();
            (ones as f64 + 1.0) / (n + 2.0)
        })
        .collect()
}

/// Forty random machines and ten trained ones, each with base rates and rows.
fn fifty() -> Vec<(Rbm<f64>, Vec<f64>, Vec<u8>)> {
    (0..50u64)
        .map(|seed| {
            let (n, m) = (3 + seed as usize % 4, 2 + seed as usize % 3);
            let rows: Vec<u8> = (0..5)
                .flat_map(|k| bits((k * 37 + seed as usize * 11) % (1 << n), n))
                .collect();
            let rbm = if seed < 40 {
                random(n, m, 3.0, seed)
            } else {
                ascended(random(n, m, 0.5, seed), &rows, 300, 0.5)
            };
            let rates = rates(&rows, n);
            (rbm, rates, rows)
        })
        .collect()
}

#[test]
fn the_ais_lower_bound_holds_at_its_rate() {
    // 50 machines × 4 seeds at 90 %: a valid bound misses more often than this quantile with
    // probability below 1e-6.
    let (mut misses, mut gap) = (0, 0.0);
    for (k, (rbm, rates, _)) in fifty().iter().enumerate() {
        let exact = rbm.log_z_exact().unwrap();
        let path = RbmPath::new(rbm, rates).unwrap();
        for seed in 0..4 {
            let ais = Ais::builder()
                .ladder(Ladder::linear(20).unwrap())
                .runs(40)
                .block(16)
                .seed(100 * k as u64 + seed)
                .confidence(0.9)
                .rounding_allowance(path.rounding_allowance(20));
            let found = ais.build().unwrap().run(&path, &BlockGibbs).unwrap().log_z;
            let lower = found.lower.unwrap();
            assert!(lower.rests_on.is_unconditional());
            misses += usize::from(lower.value > exact);
            gap += (exact - lower.value) / 200.0;
        }
    }
    let allowed = binomial_quantile(200, 0.1, 1e-6);
    assert!(misses <= allowed, "{misses} of 200, allowed {allowed}");
    // And it says something.
    assert!(gap < 1.0, "{gap}");
}

#[test]
fn ais_weights_have_the_exact_mean() {
    // 4000 runs: the estimate lies within six standard errors of log Z, whose bias and skewness
    // are small here (standard error below 0.02).
    let rbm = random::<f64>(6, 4, 1.5, 77);
    let path = RbmPath::new(&rbm, &[0.5, 0.3, 0.6, 0.5, 0.8, 0.4]).unwrap();
    let ais = Ais::builder()
        .ladder(Ladder::linear(30).unwrap())
        .runs(4000)
        .seed(5);
    let found = ais.build().unwrap().run(&path, &BlockGibbs).unwrap().log_z;
    let (value, error) = (found.estimate.value, found.estimate.std_err);
    let exact = rbm.log_z_exact().unwrap();
    assert!(error < 0.02, "{error}");
    assert!(
        (value - exact).abs() < 6.0 * error,
        "{value} {exact} ± {error}"
    );
}

#[test]
fn the_raise_lower_bound_holds_at_its_rate_on_the_annealed_model() {
    let (mut misses, mut gap) = (0, 0.0);
    let ladder = Ladder::linear(10).unwrap();
    for (k, (rbm, rates, rows)) in fifty().iter().enumerate() {
        let n = rbm.visible();
        let law = annealed(rbm, rates, ladder.rungs());
        let place = |v: &[u8]| {
            v.iter()
                .enumerate()
                .map(|(i, b)| usize::from(*b) << i)
                .sum::<usize>()
        };
        let examples = rows.len() / n;
        let truth = rows.chunks(n).map(|v| law[place(v)].ln()).sum::<f64>() / examples as f64;
        let path = RbmPath::new(rbm, rates).unwrap();
        for seed in 0..4 {
            let raise = Raise::builder()
                .ladder(ladder.clone())
                .chains(4)
                .block(8)
                .seed(100 * k as u64 + seed)
                .confidence(0.9)
                .rounding_allowance(path.rounding_allowance(20));
            let block_of = |wanted: &[usize]| {
                let v = wanted.iter().flat_map(|r| &rows[r * n..(r + 1) * n]);
                rbm.block(v.copied().collect()).unwrap()
            };
            let raise = raise.build().unwrap();
            let found = raise.run(&path, &BlockGibbs, examples, block_of).unwrap();
            assert!(found.lower.rests_on.is_unconditional());
            misses += usize::from(found.lower.value > truth);
            gap += (truth - found.lower.value) / 200.0;
        }
    }
    let allowed = binomial_quantile(200, 0.1, 1e-6);
    assert!(misses <= allowed, "{misses} of 200, allowed {allowed}");
    assert!(gap < 1.5, "{gap}");
}

#[test]
fn raise_estimates_have_the_exact_mean() {
    // p̂ averages 20,000 chains per example; six standard errors by the delta method.
    let rbm = random::<f64>(4, 3, 1.5, 78);
    let rates = [0.5, 0.3, 0.6, 0.8];
    let ladder = Ladder::linear(5).unwrap();
    let law = annealed(&rbm, &rates, ladder.rungs());
    let path = RbmPath::new(&rbm, &rates).unwrap();
    for s in [0usize, 6, 15] {
        let raise = Raise::builder()
            .ladder(ladder.clone())
            .chains(20_000)
            .seed(6);
        let block_of = |rows: &[usize]| rbm.block(bits(s, 4).repeat(rows.len())).unwrap();
        let found = raise
            .build()
            .unwrap()
            .run(&path, &BlockGibbs, 1, block_of)
            .unwrap();
        let error = found.monte_carlo_std_err.unwrap();
        assert!(error < 0.03, "{error}");
        assert!((found.log_p[0] - law[s].ln()).abs() < 6.0 * error);
    }
}

#[test]
fn the_annealed_log_likelihood_of_a_machine_is_that_of_its_two_ladders() {
    // Two annealed models, of 5 and of 10 steps, known exactly; 500 chains per example, six
    // standard errors of the chains.
    let rbm = random::<f64>(4, 3, 1.5, 79);
    let rates = [0.5, 0.3, 0.6, 0.8];
    let rows: Vec<u8> = [0usize, 6, 9, 15]
        .iter()
        .flat_map(|s| bits(*s, 4))
        .collect();
    let settings = ergodic_free_energy::RaiseSettings {
        ladder: Ladder::linear(5).unwrap(),
        chains: 500,
        seed: 11,
        ..Default::default()
    };
    let found = rbm
        .annealed_log_likelihood(&rows, &rates, &settings, &|_| ())
        .unwrap();
    for (result, steps) in [(&found.single, 5), (&found.doubled, 10)] {
        let law = annealed(&rbm, &rates, Ladder::linear(steps).unwrap().rungs());
        let truth: f64 = [0usize, 6, 9, 15].iter().map(|s| law[*s].ln()).sum::<f64>() / 4.0;
        let error = 6.0 * result.monte_carlo_std_err.unwrap();
        assert_eq!(result.steps, steps);
        assert!(
            (result.estimate.value - truth).abs() < error && error < 0.2,
            "{} {truth} {error}",
            result.estimate.value
        );
        assert!(result.lower.rounding_allowance > 0.0);
        assert_eq!(result.lower.confidence, settings.confidence);
    }
    let bad = rbm.annealed_log_likelihood(&[2, 0, 0, 0], &rates, &settings, &|_| ());
    assert!(bad.unwrap_err().to_string().contains("visible"));
}

#[test]
fn an_over_fitted_machine_is_less_likely_than_its_annealed_model() {
    // RAISE does not bound the likelihood of the machine: here the annealed model is better.
    let (n, m) = (8, 6);
    let rows: Vec<u8> = [19usize, 200, 77, 146, 60, 233, 101, 6]
        .iter()
        .flat_map(|s| bits(*s, n))
        .collect();
    let rbm = ascended(random(n, m, 0.1, 5), &rows, 3000, 0.5);
    let held_out: Vec<u8> = (0..16).flat_map(|k| bits((k * 53 + 9) % 256, n)).collect();
    let rates = rates(&rows, n);
    let likelihood = rbm.mean_log_likelihood_exact(&held_out).unwrap();
    let excess = |steps| {
        let law = annealed(&rbm, &rates, Ladder::linear(steps).unwrap().rungs());
        let place = |v: &[u8]| {
            v.iter()
                .enumerate()
                .map(|(i, b)| usize::from(*b) << i)
                .sum::<usize>()
        };
        let sum: f64 = held_out.chunks(n).map(|v| law[place(v)].ln()).sum();
        sum / 16.0 - likelihood
    };
    let (few, many) = (excess(100), excess(1000));
    assert!(few > 1e-3, "{few}");
    assert!(many < 0.5 * few, "{few} {many}");
}

/// Base biases, energies of the block's own inputs at `t`, in `f64` from the definition.
fn reference_work(rbm: &Rbm<f64>, v: &[u8], x: &[f64], rates: &[f64], from: f64, to: f64) -> f64 {
    let mut sum = 0.0;
    for (i, r) in rates.iter().enumerate() {
        let a = (r / (1.0 - r)).ln();
        sum += f64::from(v[i]) * (to - from) * (rbm.visible_bias()[i] - a);
    }
    for (x, c) in x.iter().zip(rbm.hidden_bias()) {
        let y = x + c;
        sum += softplus(to * y) - softplus(from * y);
    }
    -sum
}

const GRID: [f64; 7] = [0.0, 0.001, 0.25, 0.2501, 0.5, 0.999, 1.0];

#[test]
fn work_is_the_difference_of_the_energies() {
    for_all(30, (machines(5, 20, 3.0), 0usize..32), |(rbm, s)| {
        let rates = vec![0.3; rbm.visible()];
        let path = RbmPath::new(&rbm, &rates).unwrap();
        let block = rbm.block(bits(s, rbm.visible())).unwrap();
        for from in GRID {
            for to in GRID {
                let (mut work, mut start, mut end) = ([0.0], [0.0], [0.0]);
                path.work(&block, from, to, &mut work);
                path.at(from).energies(&block, &mut start);
                path.at(to).energies(&block, &mut end);
                let exact = end[0] - start[0];
                assert!((work[0] - exact).abs() < 1e-12, "{} {exact}", work[0]);
            }
        }
    });
}

/// Machines with one visible unit on, so that the inputs are the weights.
fn inputs(sizes: &[f64]) -> Rbm<f64> {
    let m = sizes.len();
    let mut parameters = sizes.to_vec();
    parameters.push(0.7); // b
    parameters.extend((0..m).map(|j| 0.01 * (j as f64).sin()));
    Rbm::from_parameters(1, m, parameters).unwrap()
}

#[test]
fn work_is_accurate_for_large_inputs_in_both_directions() {
    let sizes: Vec<f64> = (-200..=200).map(f64::from).collect();
    for size in sizes {
        let rbm = inputs(&[size, -size, 0.37 * size]);
        let path = RbmPath::new(&rbm, &[0.2]).unwrap();
        let block = rbm.block(vec![1]).unwrap();
        for from in GRID {
            for to in GRID {
                let mut work = [0.0];
                path.work(&block, from, to, &mut work);
                let exact = reference_work(&rbm, &[1], block.inputs(), &[0.2], from, to);
                assert!((work[0] - exact).abs() < 1e-12, "{size} {from} {to}");
                let mut back = [0.0];
                path.work(&block, to, from, &mut back);
                assert_eq!(back[0], -work[0]);
            }
        }
    }
}

#[test]
fn work_in_f32_is_within_its_derived_bound() {
    // With s = |y| and d = (to − from) s, in units of ε: y, from and to − from are rounded by ½
    // each, so d and from·s by 1.5 with their products. σ(−from·s) is off by 1.5·from·s through
    // its argument and 2.5 of its own; e^{−d} − 1 by 1.5 through its argument (condition number at
    // most 1) and 2; their product by ½; log(1 + z) on z ∈ [−½, 0] multiplies by at most 1.45 and
    // adds 1.5. So u is off by (2.2 from·s + 10.9) ε |u|. As |u| ≤ 1.39 σ(−from·s) d, σ ≤ ½ and
    // x σ(−x) ≤ 0.28, that is at most 8.5 ε d; d itself adds 1.5 ε d and the last sum ½ ε d. Below
    // 12 ε Σ d in all, and 1e-37 where σ is flushed to zero. The rest is in f64, with base biases
    // rounded to f32.
    let epsilon = f64::from(f32::EPSILON);
    let steps = [0.001, 0.01, 0.3, 1.0];
    for size in (-200..=200).map(f64::from) {
        let wide = inputs(&[size, -0.3 * size, 0.01 * size, 0.0]);
        let rbm = to_f32(&wide);
        let wide = rbm.to_f64();
        let path = RbmPath::new(&rbm, &[0.2]).unwrap();
        let block = rbm.block(vec![1]).unwrap();
        let x: Vec<f64> = block.inputs().iter().map(|x| f64::from(*x)).collect();
        let spread: f64 = x
            .iter()
            .zip(wide.hidden_bias())
            .map(|(x, c)| (x + c).abs())
            .sum();
        for from in [0.0, 0.1, 0.35, 0.7, 0.999] {
            for step in steps {
                let to = from + step;
                if to > 1.0 {
                    continue;
                }
                for (a, b) in [(from, to), (to, from)] {
                    let mut work = [0.0];
                    path.work(&block, a, b, &mut work);
                    let exact = reference_work(&wide, &[1], &x, &[0.2], a, b);
                    let bound = step * epsilon * (12.0 * spread + 2.0) + 1e-14 * (1.0 + spread);
                    let error = (work[0] - exact).abs();
                    assert!(error <= bound, "{size} {a} {b}: {error} {bound}");
                }
            }
        }
    }
}

#[test]
fn the_rounding_allowance_covers_the_work_of_runs_in_f32() {
    for seed in 0..4 {
        let narrow = random::<f32>(40, 30, 1.0, seed);
        let wide = narrow.to_f64();
        let rates = vec![0.35; 40];
        let (path, exact) = (
            RbmPath::new(&narrow, &rates).unwrap(),
            RbmPath::new(&wide, &rates).unwrap(),
        );
        let (chains, rungs) = (10, 200);
        let mut rng = rng::stream(seed, 50);
        let start = path.sample_base(chains, &mut rng);
        let mut kernel = BlockGibbs;
        let mut state = kernel.init(&path.at(0.0), &start).unwrap();
        let mut totals = vec![0.0; chains];
        let mut largest = 0.0f64;
        for k in 1..=rungs {
            let (from, to) = ((k - 1) as f64 / rungs as f64, k as f64 / rungs as f64);
            let (mut a, mut b) = (vec![0.0; chains], vec![0.0; chains]);
            path.work(state.block(), from, to, &mut a);
            let block = wide.block(state.block().visible().to_vec()).unwrap();
            exact.work(&block, from, to, &mut b);
            for ((t, a), b) in totals.iter_mut().zip(a).zip(b) {
                *t += a - b;
            }
            kernel.step(&path.at(to), &mut state, &mut rng).unwrap();
        }
        for total in totals {
            largest = largest.max(total.abs());
        }
        let allowance = path.rounding_allowance(rungs);
        assert!(
            0.0 < largest && largest <= allowance,
            "{largest} {allowance}"
        );
        // In f64 both prices of rounding are negligible.
        assert!(exact.rounding_allowance(10_000) < 1e-7);
        assert!(exact.coverage_loss(10_000, 100) < 1e-3);
    }
}

#[test]
fn the_coverage_loss_covers_the_kernel_in_f32() {
    // The total variation between the hidden draws of one step with f32 conditionals and with
    // exact ones is at most the sum of |p̂ − p|.
    for_all(40, (machines(4, 4, 3.0), 0usize..16), |(rbm, v)| {
        let narrow = to_f32(&rbm);
        let wide = narrow.to_f64();
        let (n, m) = (rbm.visible(), rbm.hidden());
        let v = bits(v, n);
        let path = RbmPath::new(&narrow, &vec![0.5; n]).unwrap();
        let block = narrow.block(v.clone()).unwrap();
        let exact = wide.block(v).unwrap();
        let distance: f64 = (0..m)
            .map(|j| {
                let x = block.inputs()[j] + narrow.hidden_bias()[j];
                let p = f64::from(ergodic_math::Real::sigmoid(x));
                (p - sigmoid(exact.inputs()[j] + wide.hidden_bias()[j])).abs()
            })
            .sum();
        let loss = path.coverage_loss(1, 1);
        assert!(distance <= loss, "{distance} {loss}");
    });
}

#[test]
fn a_confidence_that_rounding_cannot_pay_for_is_a_typed_error() {
    let machine = random::<f32>(40, 35, 1.0, 1);
    let settings = ergodic_free_energy::AisSettings {
        confidence: 1.0 - 1e-13,
        ..Default::default()
    };
    let error = machine.log_z(&[0.5; 40], &settings, &|_| ()).unwrap_err();
    assert!(error.to_string().contains("confidence"), "{error}");
}

#[test]
fn log_z_is_exact_for_small_machines_and_certified_for_large_ones() {
    let settings = ergodic_free_energy::AisSettings {
        ladder: Ladder::linear(100).unwrap(),
        runs: 64,
        ..Default::default()
    };
    let small = random::<f32>(9, 5, 1.0, 3);
    let found = small.log_z(&[0.5; 9], &settings, &|_| ()).unwrap();
    assert!(found.is_exact());
    assert!((found.estimate.value - crate::common::brute_log_z(&small)).abs() < 1e-12);
    // Two machines side by side, 32 + 32 units: log Z is the sum of the parts, each of which can
    // be enumerated.
    let part = random::<f64>(16, 16, 0.3, 4);
    let both = twice(&part);
    let exact = 2.0 * part.log_z_exact().unwrap();
    let found = both.log_z(&[0.5; 32], &settings, &|_| ()).unwrap();
    assert!(!found.is_exact() && found.upper.is_none());
    let lower = found.lower.unwrap();
    assert!(
        lower.value < exact && exact - lower.value < 0.5,
        "{lower:?} {exact}"
    );
    assert!((found.estimate.value - exact).abs() < 6.0 * found.estimate.std_err + 0.01);
}
