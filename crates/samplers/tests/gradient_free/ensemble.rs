//! Ensembles of walkers.

use ergodic_conformance::suite;
use ergodic_core::{Energy, Independent, MarkovKernel, Randomness, StepInfo};
use ergodic_math::rng::stream;
use ergodic_samplers::{DifferentialEvolution, Ensemble, EnsembleMove, Stretch};

use crate::exact_start::{SIGMAS, Zero};
use crate::targets::{Banana, Correlated, DoubleWell, Drawn, Logistic, Skewed};

/// Statistics of an ensemble: means over walkers of each half, and products across walkers.
fn statistics(walkers: &[Vec<f64>]) -> Vec<f64> {
    let half = walkers.len() / 2;
    let mut out = Vec::new();
    let f: [fn(&[f64]) -> f64; 4] = [
        |x| x[0].tanh(),
        |x| x[x.len() - 1].cos(),
        |x| (2.0 * x[0] + 1.0).sin(),
        |x| (-(x[x.len() - 1] - 1.0).powi(2)).exp(),
    ];
    for f in f {
        for part in walkers.chunks(half) {
            out.push(part.iter().map(|x| f(x)).sum::<f64>());
        }
        // Dependence that a wrong kernel makes between walkers.
        out.push(f(&walkers[0]) * f(&walkers[half]));
        out.push(f(&walkers[0]) * f(&walkers[half - 1]));
    }
    out
}

fn deviation<T, M>(rule: M, target: T, walkers: usize, ensembles: usize, seed: u64) -> f64
where
    T: Drawn,
    M: EnsembleMove,
    Ensemble<M>: MarkovKernel<Independent<T>>,
{
    let mut kernel = Ensemble::new(rule);
    let target = Independent(target);
    let mut rng = stream(seed, 0);
    let mut z: Vec<Zero> = Vec::new();
    for _ in 0..ensembles {
        let x: Vec<Vec<f64>> = (0..walkers)
            .map(|_| target.0.exact(&mut rng as &mut dyn Randomness))
            .collect();
        let mut state = kernel.init(&target, &x).unwrap();
        // Several steps: what a wrong step does to the law adds up.
        for _ in 0..10 {
            kernel.step(&target, &mut state, &mut rng).unwrap();
        }
        let after = statistics(kernel.position(&target, &state));
        let before = statistics(&x);
        z.resize(before.len(), Zero::default());
        for ((z, a), b) in z.iter_mut().zip(after).zip(before) {
            z.push(a - b);
        }
    }
    z.iter().map(Zero::sigmas).fold(0.0, f64::max)
}

#[track_caller]
fn holds<T: Drawn, M: EnsembleMove>(rule: M, target: T, walkers: usize, seed: u64) {
    let name = target.name();
    let worst = deviation(rule, target, walkers, 20_000, seed);
    assert!(worst < SIGMAS, "{name}: {worst} standard errors");
}

#[test]
fn stretch_moves_leave_the_law_of_all_walkers_invariant() {
    holds(Stretch::default(), DoubleWell, 4, 900);
    holds(Stretch::new(4.0).unwrap(), Skewed, 6, 901);
    holds(Stretch::default(), Logistic, 4, 902);
    holds(Stretch::default(), Correlated, 6, 903);
    holds(Stretch::new(3.0).unwrap(), Banana, 8, 904);
}

#[test]
fn differential_evolution_leaves_the_law_of_all_walkers_invariant() {
    let rule = |d| DifferentialEvolution::for_dimension(d).unwrap();
    holds(rule(1), DoubleWell, 4, 910);
    holds(rule(1), Skewed, 6, 911);
    holds(rule(2), Correlated, 6, 912);
    let bold = DifferentialEvolution::new(1.0, 0.5, 0.3).unwrap();
    holds(bold, Banana, 8, 913);
}

#[test]
fn a_stretch_without_its_jacobian_is_caught() {
    #[derive(Clone)]
    struct Bare;
    impl EnsembleMove for Bare {
        fn propose<R: Randomness + ?Sized>(
            &self,
            x: &[f64],
            others: &[Vec<f64>],
            candidate: &mut [f64],
            rng: &mut R,
        ) -> f64 {
            Stretch::default().propose(x, others, candidate, rng);
            0.0
        }
    }
    assert!(deviation(Bare, Correlated, 6, 20_000, 920) > 2.0 * SIGMAS);
}

/// The banana seen through an affine map `y = b + Ax`, `A` lower triangular.
struct Mapped {
    a: [[f64; 2]; 2],
    b: [f64; 2],
}
impl Mapped {
    /// Shear, unlike scales and a shift.
    const SHEARED: Self = Self {
        a: [[100.0, 0.0], [30.0, 0.01]],
        b: [7.0, -2.0],
    };
    /// Powers of two: the map and its inverse round nothing.
    const EXACT: Self = Self {
        a: [[-128.0, 0.0], [0.0, 1.0 / 512.0]],
        b: [0.0, 0.0],
    };
    fn forward(&self, x: &[f64]) -> Vec<f64> {
        let Self { a, b } = self;
        let row = |i: usize| b[i] + a[i][0] * x[0] + a[i][1] * x[1];
        vec![row(0), row(1)]
    }
    /// The largest size of the terms of a coordinate: what its rounding is relative to.
    fn size(&self, x: &[f64]) -> f64 {
        let Self { a, b } = self;
        let row = |i: usize| b[i].abs() + (a[i][0] * x[0]).abs() + (a[i][1] * x[1]).abs();
        row(0).max(row(1))
    }
}
impl Energy for Mapped {
    type State = [f64];
    fn energy(&self, y: &[f64]) -> f64 {
        let Self { a, b } = self;
        let x = (y[0] - b[0]) / a[0][0];
        Banana.energy(&[x, (y[1] - b[1] - a[1][0] * x) / a[1][1]])
    }
}

/// The largest distance, in units of `ε` times the size of the coordinates, between the image of a
/// step and the step from the image, with the same random numbers; infinite if not the same
/// walkers accept.
fn distance_of_images<M: EnsembleMove>(rule: &M, map: Mapped, steps: usize) -> f64 {
    let (plain, image) = (Independent(Banana), Independent(map));
    let mut worst = 0.0f64;
    for seed in 0..20 {
        let mut rng = stream(930, seed);
        let start: Vec<Vec<f64>> = (0..10)
            .map(|_| Banana.exact(&mut rng as &mut dyn Randomness))
            .collect();
        let mut k1 = Ensemble::new(rule.clone());
        let mut k2 = k1.clone();
        let mut s1 = k1.init(&plain, &start).unwrap();
        let (mut r1, mut r2) = (stream(931, seed), stream(931, seed));
        for _ in 0..steps {
            // From the image itself: errors of one step, which do not add up.
            let images: Vec<Vec<f64>> = k1
                .position(&plain, &s1)
                .iter()
                .map(|x| image.0.forward(x))
                .collect();
            let mut s2 = k2.init(&image, &images).unwrap();
            let a = k1.step(&plain, &mut s1, &mut r1).unwrap();
            let b = k2.step(&image, &mut s2, &mut r2).unwrap();
            if a.accepted != b.accepted {
                return f64::INFINITY;
            }
            let (x, y) = (k1.position(&plain, &s1), k2.position(&image, &s2));
            let size = x.iter().map(|x| image.0.size(x)).fold(0.0, f64::max);
            for (x, y) in x.iter().zip(y) {
                for (expected, found) in image.0.forward(x).iter().zip(y) {
                    worst = worst.max((expected - found).abs() / (size * f64::EPSILON));
                }
            }
        }
    }
    worst
}

#[test]
fn ensembles_commute_with_affine_maps() {
    fn law<M: EnsembleMove>(rule: M) {
        // No rounding: the same bits after many steps.
        assert_eq!(distance_of_images(&rule, Mapped::EXACT, 100), 0.0);
        // An image is off by 2 units. A candidate x + g (y − z), or the same with a walker twice,
        // has |g| ≤ 2, so that it carries at most 5 times the largest error of the walkers and 15
        // units of its own; in the second half of a step again: 5 (5·2 + 15) + 15.
        let worst = distance_of_images(&rule, Mapped::SHEARED, 20);
        assert!(worst <= 140.0, "{worst} units of rounding");
    }
    law(Stretch::default());
    law(DifferentialEvolution::for_dimension(2).unwrap());
}

/// The noise of one size for all coordinates that ter Braak's paper has, and we have not.
#[test]
fn a_noise_of_fixed_size_does_not_commute_and_is_caught() {
    #[derive(Clone)]
    struct Noisy;
    impl EnsembleMove for Noisy {
        fn propose<R: Randomness + ?Sized>(
            &self,
            x: &[f64],
            others: &[Vec<f64>],
            candidate: &mut [f64],
            rng: &mut R,
        ) -> f64 {
            let rule = DifferentialEvolution::for_dimension(2).unwrap();
            let factor = rule.propose(x, others, candidate, rng);
            for c in candidate {
                *c += 1e-9 * rng.normal();
            }
            factor
        }
    }
    assert!(distance_of_images(&Noisy, Mapped::EXACT, 20) > 1e4);
    assert!(distance_of_images(&Noisy, Mapped::SHEARED, 20) > 1e4);
}

#[test]
fn ensembles_run_the_same_twice_and_report_every_walker() {
    let target = Independent(Correlated);
    let start: Vec<Vec<f64>> = (0..6)
        .map(|k| vec![f64::from(k), f64::from(k * k)])
        .collect();
    let run = || {
        let mut kernel = Ensemble::new(Stretch::default());
        let mut state = kernel.init(&target, &start).unwrap();
        let mut rng = stream(940, 0);
        for _ in 0..50 {
            let info = kernel.step(&target, &mut state, &mut rng).unwrap();
            assert_eq!(info.stats().energies, 6);
        }
        let kept = state.clone();
        kernel.reset(&target, &mut state, None).unwrap();
        assert_eq!(kept, state, "cached energies are those of the walkers");
        kernel.position(&target, &state).clone()
    };
    assert_eq!(run(), run());
    let evolution = Ensemble::new(DifferentialEvolution::for_dimension(2).unwrap());
    suite::runs(&evolution, &target, &start);
    suite::threads(&evolution, &target, &start);
    suite::serde_round_trip(&evolution, &target, &start);
    suite::allocates_nothing(&evolution, &target, &start);
    suite::allocates_nothing(&Ensemble::new(Stretch::default()), &target, &start);
    suite::both_are_send_and_sync(&evolution, &target);
}

#[test]
fn bad_settings_are_named() {
    assert_eq!(Stretch::new(f64::NAN).unwrap_err().argument, "a");
    let argument = |g, s, j| DifferentialEvolution::new(g, s, j).unwrap_err().argument;
    assert_eq!(argument(0.0, 0.1, 0.1), "gamma");
    assert_eq!(argument(1.0, f64::INFINITY, 0.1), "sigma");
    assert_eq!(argument(1.0, 0.1, 1.0), "jump");
    assert!(DifferentialEvolution::for_dimension(0).is_err());
    let kernel = Ensemble::new(Stretch::default());
    assert!(kernel.init(&Independent(Correlated), &vec![]).is_err());
    let plane = vec![vec![1.0, 1.0]; 8];
    assert!(kernel.init(&Independent(Correlated), &plane).is_err());
}
