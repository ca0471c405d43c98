//! Geweke's joint test and simulation-based calibration accept right samplers and reject wrong ones.
//!
//! Error probability: a right sampler is rejected at 10⁻⁸ in each of seven tests (by Bonferroni's
//! bound over the quantities, the ESS-based errors being known to a few per cent).

use ergodic_core::{Claims, Energy, MarkovKernel, Randomness, TargetError};
use ergodic_diagnostics::{
    Calibration, CalibrationSettings, DiagnosticsError, GenerativeModel, JointTest,
    JointTestSettings, kernel_transition,
};

const ALPHA: f64 = 1e-8;

/// θ₀ ∼ N(0, 1), θ₁ ∼ Exponential(1), y₁, y₂, y₃ ∼ N(θ₀, 1/(1 + θ₁)).
struct Model;

impl GenerativeModel for Model {
    type Parameters = Vec<f64>;
    type Data = [f64; 3];
    fn draw_parameters<R: Randomness + ?Sized>(&self, rng: &mut R) -> Vec<f64> {
        vec![rng.normal(), rng.exponential()]
    }
    fn draw_data<R: Randomness + ?Sized>(&self, theta: &Vec<f64>, rng: &mut R) -> [f64; 3] {
        [(); 3].map(|()| theta[0] + rng.normal() / (1.0 + theta[1]).sqrt())
    }
    fn names(&self) -> Vec<String> {
        ["location", "precision", "log-likelihood"]
            .map(str::to_owned)
            .into()
    }
    fn quantities(&self, theta: &Vec<f64>, data: &[f64; 3], out: &mut [f64]) {
        out[0] = theta[0];
        out[1] = theta[1];
        out[2] = -Posterior::right(data).misfit(theta);
    }
}

/// `−log p(θ | y)`, with a place for mistakes.
struct Posterior {
    data: [f64; 3],
    prior_scale: f64,
    with_normaliser: bool,
}

impl Posterior {
    fn right(data: &[f64; 3]) -> Self {
        Self {
            data: *data,
            prior_scale: 1.0,
            with_normaliser: true,
        }
    }
    fn misfit(&self, theta: &[f64]) -> f64 {
        let square: f64 = self.data.iter().map(|y| (y - theta[0]).powi(2)).sum();
        let normaliser = if self.with_normaliser {
            1.5 * (1.0 + theta[1]).ln()
        } else {
            0.0
        };
        0.5 * (1.0 + theta[1]) * square - normaliser
    }
}

impl Energy for Posterior {
    type State = [f64];
    fn energy(&self, theta: &[f64]) -> f64 {
        if theta[1] < 0.0 {
            return f64::INFINITY;
        }
        0.5 * (theta[0] / self.prior_scale).powi(2) + theta[1] + self.misfit(theta)
    }
}

/// Random-walk Metropolis, with a place for mistakes.
#[derive(Clone)]
struct Walk {
    /// Multiplies θ₁ by e^ε; the Hastings factor of that is e^ε too.
    multiplicative: bool,
    hastings: bool,
}

impl MarkovKernel<Posterior> for Walk {
    type State = Vec<f64>;
    type Info = ();
    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }
    fn init(&self, _: &Posterior, x: &[f64]) -> Result<Vec<f64>, TargetError> {
        Ok(x.to_vec())
    }
    fn position<'s>(&self, _: &Posterior, state: &'s Vec<f64>) -> &'s [f64]
    where
        Posterior: 's,
    {
        state
    }
    fn reset(
        &self,
        _: &Posterior,
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
        target: &Posterior,
        state: &mut Vec<f64>,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let mut proposal = state.clone();
        proposal[0] += 0.8 * rng.normal();
        let step = rng.normal();
        let mut log_ratio = 0.0;
        if self.multiplicative {
            proposal[1] *= step.exp();
            log_ratio = if self.hastings { step } else { 0.0 };
        } else {
            proposal[1] += step;
        }
        log_ratio += target.energy(state) - target.energy(&proposal);
        if rng.bernoulli(log_ratio.exp().min(1.0)) {
            *state = proposal;
        }
        Ok(())
    }
}

const RIGHT: Walk = Walk {
    multiplicative: true,
    hastings: true,
};

fn joint() -> JointTest {
    JointTest::new(JointTestSettings {
        independent: 20_000,
        chains: 8,
        draws: 4000,
        transitions: 3,
        seed: 11,
    })
    .unwrap()
}

fn calibration() -> Calibration {
    Calibration::new(CalibrationSettings {
        replications: 1600,
        draws: 31,
        bins: 16,
        warmup: 60,
        longest: 3100,
        seed: 12,
    })
    .unwrap()
}

#[test]
fn the_joint_test_accepts_right_kernels_and_rejects_each_mistake() {
    let run = |kernel: Walk, target: fn(&[f64; 3]) -> Posterior| {
        joint()
            .run(&Model, kernel_transition::<Model, _, _>(kernel, target))
            .unwrap()
    };
    for multiplicative in [false, true] {
        let kernel = Walk {
            multiplicative,
            ..RIGHT
        };
        let report = run(kernel, Posterior::right);
        assert_eq!(report.comparisons.len(), 6);
        assert!(report.passes(ALPHA), "{report:#?}");
    }
    let no_hastings = Walk {
        hastings: false,
        ..RIGHT
    };
    let mistakes = [
        (
            "Hastings factor missing",
            run(no_hastings, Posterior::right),
        ),
        (
            "prior of scale 1.15",
            run(RIGHT, |data| Posterior {
                prior_scale: 1.15,
                ..Posterior::right(data)
            }),
        ),
        (
            "normaliser of the likelihood missing",
            run(RIGHT, |data| Posterior {
                with_normaliser: false,
                ..Posterior::right(data)
            }),
        ),
    ];
    for (mistake, report) in mistakes {
        assert!(!report.passes(ALPHA), "{mistake}: p = {}", report.p_value());
    }
}

#[test]
fn calibration_accepts_right_kernels_and_rejects_each_mistake() {
    let run = |kernel: Walk, target: fn(&[f64; 3]) -> Posterior| {
        calibration()
            .run(&Model, kernel_transition::<Model, _, _>(kernel, target))
            .unwrap()
    };
    let report = run(RIGHT, Posterior::right);
    assert!(report.passes(ALPHA), "{report:#?}");
    assert!(report.too_short < 160, "{}", report.too_short);
    assert!(report.mean_stride > 2.0, "{}", report.mean_stride);
    for q in &report.quantities {
        assert_eq!(q.ranks.len(), 1600);
        assert_eq!(q.histogram.iter().sum::<u64>(), 1600);
        assert!(q.ranks.iter().all(|&r| r <= 31));
    }
    let no_hastings = Walk {
        hastings: false,
        ..RIGHT
    };
    let mistakes = [
        (
            "Hastings factor missing",
            run(no_hastings, Posterior::right),
        ),
        (
            "normaliser of the likelihood missing",
            run(RIGHT, |data| Posterior {
                with_normaliser: false,
                ..Posterior::right(data)
            }),
        ),
    ];
    for (mistake, report) in mistakes {
        assert!(!report.passes(ALPHA), "{mistake}: p = {}", report.p_value());
    }
}

#[test]
fn calibration_of_a_discrete_quantity_breaks_ties_at_random() {
    /// A coin of unknown side, and nothing learnt: every rank is a tie or none.
    struct Coin;
    impl GenerativeModel for Coin {
        type Parameters = bool;
        type Data = ();
        fn draw_parameters<R: Randomness + ?Sized>(&self, rng: &mut R) -> bool {
            rng.bernoulli(0.5)
        }
        fn draw_data<R: Randomness + ?Sized>(&self, _: &bool, _: &mut R) {}
        fn names(&self) -> Vec<String> {
            vec!["heads".into()]
        }
        fn quantities(&self, heads: &bool, (): &(), out: &mut [f64]) {
            out[0] = f64::from(u8::from(*heads));
        }
    }
    let toss = |p: f64| {
        move |(): &(), heads: &mut bool, rng: &mut dyn Randomness| {
            *heads = rng.bernoulli(p);
            Ok(())
        }
    };
    let report = calibration().run(&Coin, toss(0.5)).unwrap();
    assert!(report.passes(ALPHA), "{}", report.p_value());
    let report = calibration().run(&Coin, toss(0.6)).unwrap();
    assert!(!report.passes(ALPHA), "{}", report.p_value());
}

#[test]
fn results_do_not_depend_on_threads() {
    let run = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
            .install(|| {
                let small = JointTest::new(JointTestSettings {
                    independent: 100,
                    draws: 100,
                    ..Default::default()
                });
                let transition = kernel_transition::<Model, _, _>(RIGHT, Posterior::right);
                let joint = small.unwrap().run(&Model, transition).unwrap();
                let small = Calibration::new(CalibrationSettings {
                    replications: 100,
                    ..Default::default()
                });
                let transition = kernel_transition::<Model, _, _>(RIGHT, Posterior::right);
                (joint, small.unwrap().run(&Model, transition).unwrap())
            })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn bad_settings_and_failing_targets_are_typed_errors() {
    let bad = JointTestSettings {
        draws: 3,
        ..Default::default()
    };
    assert!(
        JointTest::new(bad)
            .unwrap_err()
            .to_string()
            .starts_with("draws is 3")
    );
    let defaults = CalibrationSettings::default;
    for (settings, argument) in [
        (
            CalibrationSettings {
                bins: 7,
                ..defaults()
            },
            "bins",
        ),
        (
            CalibrationSettings {
                draws: 0,
                ..defaults()
            },
            "draws",
        ),
        (
            CalibrationSettings {
                replications: 79,
                ..defaults()
            },
            "replications",
        ),
        (
            CalibrationSettings {
                longest: 62,
                ..defaults()
            },
            "longest",
        ),
    ] {
        assert_eq!(Calibration::new(settings).unwrap_err().argument, argument);
    }
    let failing = |_: &[f64; 3], theta: &mut Vec<f64>, _: &mut dyn Randomness| {
        if theta[0] > 0.0 {
            return Err(TargetError::new("no more"));
        }
        Ok(())
    };
    let error = calibration().run(&Model, failing).unwrap_err();
    assert!(matches!(error, DiagnosticsError::Target { .. }), "{error}");
    assert!(joint().run(&Model, failing).is_err());
    let nan = |_: &[f64; 3], theta: &mut Vec<f64>, _: &mut dyn Randomness| {
        theta[0] = f64::NAN;
        Ok(())
    };
    for error in [
        calibration().run(&Model, nan).unwrap_err(),
        joint().run(&Model, nan).unwrap_err(),
    ] {
        assert!(
            matches!(error, DiagnosticsError::NonFinite { .. }),
            "{error}"
        );
    }
}

/// A quantity of scale 1e154, whose squares overflow only where the prior is drawn from.
struct Huge;

impl GenerativeModel for Huge {
    type Parameters = f64;
    type Data = ();
    fn draw_parameters<R: Randomness + ?Sized>(&self, rng: &mut R) -> f64 {
        rng.normal()
    }
    fn draw_data<R: Randomness + ?Sized>(&self, _: &f64, _: &mut R) {}
    fn names(&self) -> Vec<String> {
        vec!["huge".into()]
    }
    fn quantities(&self, theta: &f64, (): &(), out: &mut [f64]) {
        out[0] = 1e154 * theta;
    }
}

#[test]
fn the_joint_test_never_passes_a_wrong_kernel_because_of_an_overflow() {
    let stuck = |(): &(), theta: &mut f64, _: &mut dyn Randomness| {
        *theta = 0.0;
        Ok(())
    };
    let error = joint().run(&Huge, stuck).unwrap_err().to_string();
    assert!(error.contains("huge"), "{error}");
}
