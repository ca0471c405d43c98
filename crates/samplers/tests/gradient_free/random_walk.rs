//! Gaussian random-walk Metropolis and what it learns.

use ergodic_conformance::{Quadrature, QuasiMonteCarlo};
use ergodic_core::{Energy, MarkovKernel, Randomness, StepInfo, TargetError, WarmupStep};
use ergodic_math::rng::stream;
use ergodic_samplers::{Gaussian, Learning, RandomWalk};

use crate::targets::{Banana, Correlated, DoubleWell, Drawn, Logistic, Skewed};

fn walk(scale: f64) -> RandomWalk {
    RandomWalk::new(scale).unwrap()
}

fn line(target: &impl Drawn) -> Quadrature {
    target.quadrature().nodes(200, 200).unwrap()
}

ergodic_conformance::kernel!(random_walk_on_a_double_well {
    kernel: walk(1.0),
    target: DoubleWell,
    quadrature: line(&DoubleWell),
    tolerance: 1e-5,
    energy_shift: 1e-9,
    serde: true,
});

ergodic_conformance::kernel!(random_walk_on_a_skewed_law {
    kernel: walk(2.0),
    target: Skewed,
    quadrature: line(&Skewed),
    tolerance: 1e-5,
    energy_shift: 1e-9,
    serde: true,
});

ergodic_conformance::kernel!(random_walk_on_heavy_tails {
    kernel: walk(4.0),
    target: Logistic,
    quadrature: line(&Logistic),
    tolerance: 1e-5,
    energy_shift: 1e-9,
    serde: true,
});

ergodic_conformance::kernel!(random_walk_in_a_correlated_plane {
    kernel: walk(1.0).covariance(2, &[1.0, 1.0, 1.0, 4.0]).unwrap(),
    target: Correlated,
    quadrature: Correlated.quadrature().nodes(14, 14).unwrap(),
    tolerance: 5e-3,
    energy_shift: 1e-9,
    serde: true,
});

ergodic_conformance::kernel!(random_walk_on_a_curved_ridge {
    kernel: walk(0.5).covariance(2, &[1.0, 0.4, 0.4, 2.0]).unwrap(),
    target: Banana,
    exact: |rng: &mut dyn Randomness| Banana.exact(rng),
    tapes: QuasiMonteCarlo::new().points(10).unwrap(),
});

/// Answers every normal draw with one value.
struct Fixed(f64);
impl Randomness for Fixed {
    fn bernoulli(&mut self, p: f64) -> bool {
        p >= 1.0
    }
    fn index(&mut self, _: usize) -> usize {
        0
    }
    fn categorical(&mut self, _: &[f64]) -> usize {
        0
    }
    fn uniform(&mut self) -> f64 {
        0.5
    }
    fn normal(&mut self) -> f64 {
        self.0
    }
    fn exponential(&mut self) -> f64 {
        1.0
    }
}

#[test]
fn acceptance_on_a_normal_law_is_an_arctangent() {
    // (2/π) atan(2/s), by the midpoint rule over position and draw; kinks cost O(h²).
    let target = Gaussian::standard(1).unwrap();
    let n = 600;
    let h = 16.0 / f64::from(n);
    let node = |k: i32| -8.0 + (f64::from(k) + 0.5) * h;
    let weight = |x: f64| (-0.5 * x * x).exp() * h / std::f64::consts::TAU.sqrt();
    for s in [0.5, 1.0, 2.4, 6.0] {
        let mut kernel = walk(s);
        let mut state = kernel.init(&target, &[0.0]).unwrap();
        let mut mean = 0.0;
        for x in (0..n).map(node) {
            let mut row = 0.0;
            for xi in (0..n).map(node) {
                kernel.reset(&target, &mut state, Some(&[x])).unwrap();
                let info = kernel.step(&target, &mut state, &mut Fixed(xi)).unwrap();
                row += weight(xi) * info.stats().acceptance.unwrap();
            }
            mean += weight(x) * row;
        }
        let exact = 2.0 / std::f64::consts::PI * (2.0 / s).atan();
        assert!((mean - exact).abs() < 2e-4, "s = {s}: {mean} for {exact}");
    }
}

/// Runs a warm-up, then returns the mean acceptance of as many steps of the frozen kernel.
fn warmed<T: Energy<State = [f64]>>(
    mut kernel: RandomWalk,
    target: &T,
    start: &[f64],
    steps: usize,
) -> (RandomWalk, f64) {
    let mut rng = stream(7, 0);
    let mut state = kernel.init(target, start).unwrap();
    for step in 0..steps {
        let info = kernel.step(target, &mut state, &mut rng).unwrap();
        let at = WarmupStep { step, of: steps };
        kernel
            .adapt(target, &mut state, Some(&info), at, &mut rng)
            .unwrap();
    }
    let frozen = kernel.clone();
    let mut acceptance = 0.0;
    for _ in 0..steps {
        let info = kernel.step(target, &mut state, &mut rng).unwrap();
        acceptance += info.acceptance / steps as f64;
    }
    assert_eq!(kernel, frozen, "a step outside the warm-up changes nothing");
    (frozen, acceptance)
}

#[test]
fn warm_up_learns_scales_and_correlations_from_a_bad_start() {
    // Standard deviations 1, 10, …, 10⁴, neighbours correlated by .9.
    let sd = [1.0, 10.0, 100.0, 1000.0, 10_000.0];
    let covariance: Vec<f64> = (0..25)
        .map(|k| {
            let (i, j) = (k / 5, k % 5);
            sd[i] * sd[j] * 0.9f64.powi((i as i32 - j as i32).abs())
        })
        .collect();
    let target = Gaussian::new(vec![0.0; 5], &covariance).unwrap();
    let start = [3.0, 30.0, 300.0, 3000.0, 30_000.0];
    let (kernel, acceptance) = warmed(walk(1.0), &target, &start, 40_000);
    assert!((acceptance - 0.234).abs() < 0.06, "{acceptance}");
    for (i, sd) in sd.iter().enumerate() {
        let ratio = kernel.step_sd(i) / sd / (2.38 / 5f64.sqrt());
        assert!((0.6..1.6).contains(&ratio), "coordinate {i}: {ratio}");
    }
    // Variances alone reach the same acceptance with shorter steps; the scale alone too.
    for learning in [Learning::Variances, Learning::Scale] {
        let (_, acceptance) = warmed(walk(1.0).learning(learning), &target, &start, 40_000);
        assert!(
            (acceptance - 0.234).abs() < 0.08,
            "{learning:?} {acceptance}"
        );
    }
}

#[test]
fn warm_up_finds_the_scale_of_one_dimension() {
    // Acceptance .44 on N(0, σ²): s = 2σ/tan(.44·π/2).
    let target = Gaussian::independent(vec![0.0], vec![1e-3]).unwrap();
    let (kernel, acceptance) = warmed(walk(1.0), &target, &[1e-3], 20_000);
    assert!((acceptance - 0.44).abs() < 0.05, "{acceptance}");
    let exact = 2e-3 / (0.44 * std::f64::consts::FRAC_PI_2).tan();
    assert!((kernel.step_sd(0) / exact - 1.0).abs() < 0.2);
}

#[test]
fn learning_nothing_changes_nothing() {
    let target = Gaussian::standard(2).unwrap();
    let before = walk(0.3).learning(Learning::Nothing);
    let (after, _) = warmed(before.clone(), &target, &[0.0, 0.0], 100);
    assert_eq!(before, after);
}

#[test]
fn warm_up_of_one_step_or_in_another_kernels_company_freezes() {
    let target = Gaussian::standard(1).unwrap();
    let (kernel, _) = warmed(walk(0.3), &target, &[0.0], 1);
    assert!(kernel.scale().is_finite());
    let mut kernel = walk(0.3);
    let mut state = kernel.init(&target, &[0.0]).unwrap();
    for step in 0..5 {
        let at = WarmupStep { step, of: 5 };
        kernel
            .adapt(&target, &mut state, None, at, &mut stream(1, 0))
            .unwrap();
    }
    assert!((kernel.scale() - 0.3).abs() < 1e-15 && kernel.step_sd(0) == kernel.scale());
}

/// Flat on (−1, 1), NaN beyond, −∞ from 10 on.
struct Odd;
impl Energy for Odd {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        if x[0].abs() < 1.0 {
            0.0
        } else if x[0] < 10.0 {
            f64::NAN
        } else {
            f64::NEG_INFINITY
        }
    }
}

#[test]
fn an_energy_that_is_not_a_number_is_rejected_and_counted() {
    let mut kernel = walk(2.0);
    let mut state = kernel.init(&Odd, &[0.0]).unwrap();
    let info = kernel.step(&Odd, &mut state, &mut Fixed(1.0)).unwrap();
    assert!(info.forbidden && !info.accepted && info.acceptance == 0.0);
    assert_eq!(info.stats().forbidden, 1);
    assert_eq!(kernel.position(&Odd, &state), [0.0]);
    // A density of infinity is a broken target.
    let error = kernel.step(&Odd, &mut state, &mut Fixed(6.0)).unwrap_err();
    assert!(error.to_string().contains("energy is -inf"));
}

#[test]
fn bad_settings_and_starts_are_named() {
    for scale in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(RandomWalk::new(scale).unwrap_err().argument, "scale");
    }
    assert!(walk(1.0).covariance(2, &[1.0, 2.0, 2.0, 1.0]).is_err());
    for acceptance in [0.0, 1.0, f64::NAN] {
        assert!(walk(1.0).acceptance(acceptance).is_err());
    }
    let message = |r: Result<_, TargetError>| r.map(|_| ()).unwrap_err().to_string();
    let target = Gaussian::standard(2).unwrap();
    assert!(message(walk(1.0).init(&target, &[])).contains("dimension 0"));
    assert!(message(walk(1.0).init(&target, &[0.0, f64::NAN])).contains("NaN"));
    let dense = walk(1.0).covariance(1, &[1.0]).unwrap();
    assert!(message(dense.init(&target, &[0.0, 0.0])).contains("length 2"));
    assert!(message(walk(1.0).init(&Odd, &[2.0])).contains("energy at the start is NaN"));
}

#[test]
fn a_window_that_a_mixture_left_open_is_not_lost() {
    // 150 steps make one window, closed by step 134: the mixture gives that one to another kernel.
    let target = Gaussian::independent(vec![0.0; 2], vec![0.1, 10.0]).unwrap();
    let mut kernel = walk(1.0).learning(Learning::Variances);
    let mut state = kernel.init(&target, &[0.0; 2]).unwrap();
    let mut rng = stream(1, 0);
    for step in 0..150 {
        let info = kernel.step(&target, &mut state, &mut rng).unwrap();
        let info = (step != 134).then_some(&info);
        let at = WarmupStep { step, of: 150 };
        kernel
            .adapt(&target, &mut state, info, at, &mut rng)
            .unwrap();
    }
    assert!(kernel.step_sd(1) > 3.0 * kernel.step_sd(0));
}
