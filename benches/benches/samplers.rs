//! Samplers: effective draws per second of every kernel on a standard target, one line each.
//!
//! A case warms its kernel up, draws a pilot run, and counts its effective draws per step: the
//! least over the first and last coordinate, the square of the first, and the energy. Only if the
//! pilot's mean of the first coordinate agrees with the exact one are steps timed.

use criterion::{Criterion, criterion_group, criterion_main};
use ergodic_benches::Case;
use ergodic_conformance::targets::{Correlated, DoubleWell, HeavyTail, LogGamma};
use ergodic_core::{Energy, MarkovKernel, WarmupStep};
use ergodic_math::rng;
use ergodic_math::special::digamma;
use ergodic_samplers::{HitAndRun, Hmc, Mala, Mams, Nuts, RandomWalk, Slice, TrajectoryLength};
use rand_chacha::ChaCha8Rng;

/// Steps of a warm-up, of a pilot run, and of one timed call.
const WARMUP: usize = 4000;
const PILOT: usize = 20_000;
const CALL: usize = 100;
/// How many standard errors the pilot's mean may be off: beyond 6, 2e-9 of right runs.
const ALLOWED: f64 = 6.0;

/// A target whose first coordinate has a known mean.
trait Known: Energy<State = [f64]> {
    fn dim(&self) -> usize;
    fn mean(&self) -> f64;
}

impl Known for LogGamma {
    fn dim(&self) -> usize {
        self.0
    }
    fn mean(&self) -> f64 {
        digamma(3.0)
    }
}

impl Known for Correlated {
    fn dim(&self) -> usize {
        ergodic_core::EnergyGradient::dim(self)
    }
    fn mean(&self) -> f64 {
        0.0
    }
}

impl Known for HeavyTail {
    fn dim(&self) -> usize {
        1
    }
    fn mean(&self) -> f64 {
        0.0
    }
}

impl Known for DoubleWell {
    fn dim(&self) -> usize {
        1
    }
    fn mean(&self) -> f64 {
        // The trapezoidal rule converges faster than any power of the step here.
        let (mut mass, mut sum) = (0.0, 0.0);
        for k in -400..=400 {
            let x = f64::from(k) * 0.01;
            let weight = (-self.energy(&[x])).exp();
            mass += weight;
            sum += weight * x;
        }
        sum / mass
    }
}

/// Effective draws of the mean of a series; none if it never moved.
fn effective(x: &[f64]) -> f64 {
    ergodic_diagnostics::ess_mean(&[x]).unwrap_or(0.0)
}

/// A chain that is warm.
struct Chain<T: Energy, K: MarkovKernel<T>> {
    target: T,
    kernel: K,
    state: K::State,
    rng: ChaCha8Rng,
    /// Mean of the first coordinate over the pilot, and its standard error.
    pilot: (f64, f64),
}

impl<T: Known, K: MarkovKernel<T>> Chain<T, K> {
    /// A warm chain, and its effective draws per step.
    fn new(target: T, mut kernel: K) -> (Self, f64) {
        let mut rng = rng::stream(1, 0);
        let failed = "the target is finite everywhere";
        let mut state = kernel
            .init(&target, &vec![0.5; target.dim()])
            .expect(failed);
        for step in 0..WARMUP {
            let info = kernel.step(&target, &mut state, &mut rng).expect(failed);
            let at = WarmupStep { step, of: WARMUP };
            kernel
                .adapt(&target, &mut state, Some(&info), at, &mut rng)
                .expect(failed);
        }
        let mut series = [const { Vec::new() }; 4];
        for _ in 0..PILOT {
            kernel.step(&target, &mut state, &mut rng).expect(failed);
            let x = kernel.position(&target, &state);
            let values = [x[0], x[x.len() - 1], x[0] * x[0], target.energy(x)];
            for (all, value) in series.iter_mut().zip(values) {
                all.push(value);
            }
        }
        let least = series
            .iter()
            .map(|x| effective(x))
            .fold(f64::INFINITY, f64::min);
        let first: ergodic_math::moments::Moments = series[0].iter().copied().collect();
        let spread = first.variance().unwrap_or(f64::INFINITY);
        let std_err = (spread / effective(&series[0]).max(1.0)).sqrt();
        let pilot = (first.mean().unwrap_or(f64::NAN), std_err);
        let chain = Self {
            target,
            kernel,
            state,
            rng,
            pilot,
        };
        (chain, least / PILOT as f64)
    }

    fn check(&self) -> Result<(), String> {
        let (mean, std_err) = self.pilot;
        let exact = self.target.mean();
        if (mean - exact).abs() <= ALLOWED * std_err {
            return Ok(());
        }
        Err(format!(
            "the mean of the first coordinate is {mean} ± {std_err}, not {exact}"
        ))
    }

    fn run(&mut self) {
        for _ in 0..CALL {
            let step = self
                .kernel
                .step(&self.target, &mut self.state, &mut self.rng);
            std::hint::black_box(&step.is_ok());
        }
    }
}

fn case<T: Known, K: MarkovKernel<T>>(
    criterion: &mut Criterion,
    name: &str,
    target: impl FnOnce() -> T,
    kernel: impl FnOnce() -> K,
) {
    Case::rate(&format!("samplers/{name}"), "ESS/s", CALL as f64).run_counted(
        criterion,
        || {
            let (chain, per_step) = Chain::new(target(), kernel());
            (chain, CALL as f64 * per_step)
        },
        |chain| chain.check(),
        Chain::run,
    );
}

/// `name: kernel, on target;`: the case `samplers/name`.
macro_rules! sampler_cases {
    ($($name:ident: $kernel:expr, on $target:expr;)*) => {
        fn samplers(criterion: &mut Criterion) {
            $(case(criterion, stringify!($name), || $target, || $kernel);)*
        }
    };
}

fn correlated() -> Correlated {
    Correlated::new(10, 0.9).expect("a correlation below 1")
}

const VALID: &str = "the settings are valid";

// A line per kernel; `cargo xtask new-sampler` adds its own at the end.
sampler_cases! {
    random_walk_double_well: RandomWalk::new(1.0).expect(VALID), on DoubleWell;
    random_walk_skewed: RandomWalk::new(0.5).expect(VALID), on LogGamma(10);
    random_walk_correlated: RandomWalk::new(0.5).expect(VALID), on correlated();
    slice_heavy_tail: Slice::new(3.0).expect(VALID), on HeavyTail;
    slice_skewed: Slice::new(1.5).expect(VALID), on LogGamma(10);
    hit_and_run_skewed: HitAndRun::metropolis(1.5).expect(VALID), on LogGamma(10);
    mala_skewed: Mala::new(), on LogGamma(10);
    mala_correlated: Mala::new(), on correlated();
    hmc_skewed: Hmc::new(TrajectoryLength::Time(1.5)).expect(VALID), on LogGamma(10);
    hmc_correlated: Hmc::new(TrajectoryLength::Time(1.5)).expect(VALID), on correlated();
    nuts_heavy_tail: Nuts::new(), on HeavyTail;
    nuts_skewed: Nuts::new(), on LogGamma(10);
    nuts_correlated: Nuts::new(), on correlated();
    mams_skewed: Mams::new(), on LogGamma(10);
    mams_correlated: Mams::new(), on correlated();
}

criterion_group!(benches, samplers);
criterion_main!(benches);
