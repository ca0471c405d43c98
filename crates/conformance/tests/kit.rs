//! The parts of the kit that hold in any dimension, against a right Hamiltonian kernel and broken
//! ones.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};

use common::{Bug, Hmc, LogGamma};
use ergodic_conformance::{
    ExactStart, Law, Observable, Quadrature, QuasiMonteCarlo, Report, Tape, coordinates, suite,
};
use ergodic_core::{MarkovKernel, Randomness};

ergodic_conformance::counting_allocator!();

const fn hmc(bug: Bug) -> Hmc {
    Hmc {
        step: 0.35,
        steps: 3,
        bug,
    }
}

fn tapes() -> QuasiMonteCarlo {
    QuasiMonteCarlo::new()
}

fn line() -> Quadrature {
    Quadrature::new(&[(-9.0, 4.5)])
        .unwrap()
        .nodes(150, 150)
        .unwrap()
}

ergodic_conformance::kernel!(hmc_in_ten_dimensions {
    kernel: hmc(Bug::None),
    target: LogGamma(10),
    exact: LogGamma(10).exact(),
    tapes: tapes(),
    energy_shift: 1e-9,
    hamiltonian: true,
    serde: true,
});

ergodic_conformance::kernel!(hmc_on_the_line {
    kernel: hmc(Bug::None),
    target: LogGamma(1),
    quadrature: line(),
    tolerance: 1e-5,
    serde: true,
    energy_shift: 1e-9,
    hamiltonian: 1e-7,
    allocates: "to show the field",
});

fn in_ten_dimensions(bug: Bug) -> Report {
    tapes()
        .check(&hmc(bug), &LogGamma(10), LogGamma(10).exact())
        .unwrap()
}

#[test]
fn tapes_reject_a_momentum_that_is_one_percent_too_hot() {
    let report = in_ten_dimensions(Bug::HotMomentum);
    assert!(report.fails(Law::Invariance), "{report:#}");
}

#[test]
fn tapes_reject_a_missing_half_kick() {
    let report = in_ten_dimensions(Bug::WrongHalfKick);
    assert!(report.fails(Law::DetailedBalance), "{report:#}");
}

#[test]
fn tapes_reject_a_gradient_that_is_stale_after_a_rejection() {
    let report = in_ten_dimensions(Bug::StaleGradient);
    assert!(!report.passed(), "{report:#}");
}

#[test]
fn tapes_reject_a_frozen_kernel() {
    let report = in_ten_dimensions(Bug::Frozen);
    assert!(report.fails(Law::Moves), "{report:#}");
}

#[test]
fn the_work_identity_sees_lost_volume_and_nothing_else() {
    let finding = |bug| {
        tapes()
            .exponential_work(&hmc(bug), &LogGamma(10), LogGamma(10).exact())
            .unwrap()
    };
    // E[exp(−ΔH)] = 1/|det J| = 0.99⁻¹⁰ for a map of constant Jacobian.
    let friction = finding(Bug::Friction);
    assert!(!friction.passed);
    assert!(
        (friction.residual - (0.99f64.powi(-10) - 1.0)).abs() < 2e-2,
        "{friction:?}"
    );
    // Any map that keeps volume passes, right or wrong.
    assert!(finding(Bug::WrongHalfKick).passed);
}

fn panics(test: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(test)).is_err()
}

#[test]
fn a_step_that_allocates_is_rejected() {
    let start = [0.5; 3];
    let run = |bug| panics(|| suite::allocates_nothing(&hmc(bug), &LogGamma(3), &start));
    assert!(run(Bug::Allocates) && !run(Bug::None));
}

#[test]
fn a_kernel_that_looks_at_the_energy_is_rejected_by_a_shift() {
    let run =
        |bug| panics(|| suite::energy_shift_of_a_chain(&hmc(bug), &LogGamma(3), &[0.5; 3], 1e-9));
    assert!(run(Bug::LooksAtTheEnergy) && !run(Bug::None));
}

#[test]
fn a_shift_that_leads_to_no_number_is_rejected() {
    use ergodic_core::{Claims, Energy, TargetError};

    /// Weighs two places by `exp(−E)` itself, which is 0/0 for large energies.
    #[derive(Clone)]
    struct Weighted;
    impl<T: Energy<State = [f64]>> MarkovKernel<T> for Weighted {
        type State = Vec<f64>;
        type Info = ();
        fn claims(&self) -> Claims {
            Claims::INVARIANT
        }
        fn init(&self, _: &T, x: &[f64]) -> Result<Vec<f64>, TargetError> {
            Ok(x.to_vec())
        }
        fn position<'s>(&self, _: &T, state: &'s Vec<f64>) -> &'s [f64]
        where
            T: 's,
        {
            state
        }
        fn reset(&self, _: &T, state: &mut Vec<f64>, x: Option<&[f64]>) -> Result<(), TargetError> {
            if let Some(x) = x {
                state.copy_from_slice(x);
            }
            Ok(())
        }
        fn step<R: Randomness + ?Sized>(
            &mut self,
            target: &T,
            state: &mut Vec<f64>,
            _: &mut R,
        ) -> Result<(), TargetError> {
            let weight = (-target.energy(state).max(0.0)).exp();
            state[0] *= weight / weight;
            Ok(())
        }
    }
    assert!(panics(|| {
        suite::energy_shift_of_a_chain(&Weighted, &LogGamma(1), &[0.5], 1e-9);
    }));
}

#[test]
fn a_kernel_with_a_global_counter_is_rejected_by_threads() {
    use std::sync::atomic::{AtomicU64, Ordering};

    use ergodic_core::{Claims, TargetError};

    static COUNT: AtomicU64 = AtomicU64::new(0);
    #[derive(Clone)]
    struct Shared;
    impl MarkovKernel<LogGamma> for Shared {
        type State = Vec<f64>;
        type Info = ();
        fn claims(&self) -> Claims {
            Claims::REVERSIBLE
        }
        fn init(&self, _: &LogGamma, x: &[f64]) -> Result<Vec<f64>, TargetError> {
            Ok(x.to_vec())
        }
        fn position<'s>(&self, _: &LogGamma, state: &'s Vec<f64>) -> &'s [f64]
        where
            LogGamma: 's,
        {
            state
        }
        fn reset(
            &self,
            _: &LogGamma,
            state: &mut Vec<f64>,
            x: Option<&[f64]>,
        ) -> Result<(), TargetError> {
            if let Some(x) = x {
                state.copy_from_slice(x);
            }
            Ok(())
        }
        fn step<R: Randomness + ?Sized>(
            &mut self,
            _: &LogGamma,
            state: &mut Vec<f64>,
            rng: &mut R,
        ) -> Result<(), TargetError> {
            state[0] += rng.normal() + COUNT.fetch_add(1, Ordering::Relaxed) as f64;
            Ok(())
        }
    }
    assert!(panics(|| suite::threads(&Shared, &LogGamma(1), &[0.0])));
}

#[test]
fn a_tape_answers_each_draw_from_a_point_that_is_uniform() {
    // Moments of every kind of draw over one net, beyond its dimension too.
    let (n, mut tape) = (1 << 12, Tape::new(4, 7, 0));
    let (mut sums, mut counts) = ([0.0f64; 6], [0usize; 3]);
    for _ in 0..n {
        tape.advance();
        let (z, e) = (tape.normal(), tape.exponential());
        counts[tape.categorical(&[0.25, 0.0, 0.75])] += 1;
        let (i, u, beyond) = (tape.index(10) as f64, tape.uniform(), tape.normal());
        assert_eq!(tape.used(), 6);
        for (sum, x) in sums.iter_mut().zip([z, z * z, e, i, u, beyond]) {
            *sum += x / f64::from(n);
        }
    }
    let expected = [0.0, 1.0, 1.0, 4.5];
    for (k, (found, expected)) in sums.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < 4e-3, "{k}: {found}");
    }
    assert_eq!(counts[1], 0);
    assert!((counts[0] as f64 / f64::from(n) - 0.25).abs() < 1e-3);
    // Draws 5 and 6 are independent: five standard errors.
    assert!((sums[4] - 0.5).abs() < 0.023 && sums[5].abs() < 0.08);
}

#[test]
fn bad_arguments_to_a_tape_are_failures_that_name_the_call() {
    use ergodic_core::{Claims, TargetError};

    #[derive(Clone)]
    struct Nan;
    impl MarkovKernel<LogGamma> for Nan {
        type State = Vec<f64>;
        type Info = ();
        fn claims(&self) -> Claims {
            Claims::REVERSIBLE
        }
        fn init(&self, _: &LogGamma, x: &[f64]) -> Result<Vec<f64>, TargetError> {
            Ok(x.to_vec())
        }
        fn position<'s>(&self, _: &LogGamma, state: &'s Vec<f64>) -> &'s [f64]
        where
            LogGamma: 's,
        {
            state
        }
        fn reset(
            &self,
            _: &LogGamma,
            state: &mut Vec<f64>,
            x: Option<&[f64]>,
        ) -> Result<(), TargetError> {
            if let Some(x) = x {
                state.copy_from_slice(x);
            }
            Ok(())
        }
        fn step<R: Randomness + ?Sized>(
            &mut self,
            _: &LogGamma,
            _: &mut Vec<f64>,
            rng: &mut R,
        ) -> Result<(), TargetError> {
            rng.bernoulli(f64::NAN);
            Ok(())
        }
    }
    let error = tapes()
        .check(&Nan, &LogGamma(2), LogGamma(2).exact())
        .unwrap_err();
    assert!(error.to_string().contains("bernoulli(NaN)"), "{error}");
}

#[test]
fn bad_settings_of_tapes_are_named() {
    assert!(tapes().points(3).is_err() && tapes().points(31).is_err());
    assert!(tapes().randomisations(3).is_err() && tapes().steps(0).is_err());
    assert!(tapes().functions(vec![]).is_err());
}

fn from_exact_draws(bug: Bug) -> Report {
    ExactStart::new()
        .steps(8)
        .unwrap()
        .check(
            &Hmc {
                step: 0.6,
                ..hmc(bug)
            },
            &LogGamma(10),
            LogGamma(10).exact(),
            &coordinates(10),
        )
        .unwrap()
}

#[test]
fn exact_starts_keep_the_law_under_a_right_kernel() {
    from_exact_draws(Bug::None).assert();
}

#[test]
fn exact_starts_reject_a_missing_half_kick_and_a_stale_gradient() {
    let report = from_exact_draws(Bug::WrongHalfKick);
    assert!(!report.passed(), "{report:#}");
    let report = from_exact_draws(Bug::StaleGradient);
    assert!(!report.passed(), "{report:#}");
}

#[test]
fn a_known_distribution_function_replaces_the_fresh_draws() {
    use ergodic_math::special::gamma_p;

    let gamma = |shift: f64| {
        Observable::new("x₁", |x: &[f64]| x[0])
            .distributed_as(move |x| gamma_p(3.0, (x + shift).exp()).unwrap_or(1.0))
    };
    let check = |shift| {
        ExactStart::new()
            .check(
                &hmc(Bug::None),
                &LogGamma(1),
                LogGamma(1).exact(),
                &[gamma(shift)],
            )
            .unwrap()
    };
    check(0.0).assert();
    assert!(check(0.1).fails(Law::Distribution));
}
