//! Samplers: effective draws per second of every kernel on a standard target, one line each.
//!
//! A case warms its kernel up, draws a pilot run, and counts its effective draws per step: the
//! least over the first and last coordinate, the square of the first, and the energy (what stands
//! for coordinates on other spaces is said beside each target). Only if the pilot's means of the
//! first coordinate and its square agree with the exact ones are steps timed.

use std::borrow::Borrow;

use criterion::{Criterion, criterion_group, criterion_main};
use ergodic_benches::Case;
use ergodic_conformance::strategies::PairwiseSpins;
use ergodic_conformance::targets::{Correlated, DoubleWell, HeavyTail, LogGamma};
use ergodic_core::{
    Energy, EnergyGradient, Independent, MarkovKernel, Randomness, Stationarity,
    StochasticGradient, WarmupStep,
};
use ergodic_math::moments::Moments;
use ergodic_math::rng;
use ergodic_math::special::digamma;
use ergodic_samplers::{
    Andersen, AtLevel, Attractive, BlockedGibbs, Colouring, CouplingFromThePast, Cycle,
    DelayedRejection, DifferentialEvolution, Directions, EllipticalSlice, Ensemble, Expansion,
    Gaussian, GaussianScales, Gibbs, HitAndRun, Hmc, Independence, Langevin, LeimkuhlerMatthews,
    LevelMixture, LevelProduct, LinearPath, Mala, Mams, Mclmc, Metropolis, MetropolisHastings,
    MetropolisSweep, MiniBatch, Mixture, NoseHoover, Nuts, ParallelTempering, Polytope,
    PreconditionedSgld, Propose, RandomWalk, Reach, Rejection, Repeat, Scan, Sghmc, Sgld, Sgnht,
    SimulatedTempering, Slice, Smc, SmcSettings, StepSchedule, Stretch, TemperatureLadder,
    Temperatures, TrajectoryLength, UnadjustedLangevin, Uniform, UniformSite, VelocityRescaling,
};
use rand_chacha::ChaCha8Rng;

/// Steps of a warm-up, of a pilot run, and of one timed call.
const WARMUP: usize = 4000;
const PILOT: usize = 20_000;
const CALL: usize = 100;
/// How many standard errors the pilot's means may be off: beyond 6, 2e-9 of right runs.
const ALLOWED: f64 = 6.0;
/// How much the means of a kernel that claims a bias may be off besides, relative to the root mean
/// square and to the mean square.
const ALLOWED_BIAS: f64 = 0.1;

/// What a law's states are, owned.
type Owned<T> = <<T as Energy>::State as ToOwned>::Owned;

/// A target with a function whose mean, and whose mean square, are known.
trait Known: Energy {
    fn start(&self) -> Owned<Self>;
    /// The function, its square (or the mean of the squares, if it is a mean itself), and another
    /// one that is slow.
    fn observe(&self, x: &Self::State) -> [f64; 3];
    fn mean(&self) -> f64;
    fn mean_square(&self) -> f64;
}

/// The first coordinate, its square, and the last coordinate.
fn coordinates(x: &[f64]) -> [f64; 3] {
    [x[0], x[0] * x[0], x[x.len() - 1]]
}

/// `name, start, mean, mean square;` of laws in `Rᵈ`.
macro_rules! known {
    ($($target:ty, $start:expr, $mean:expr, $square:expr;)*) => {
        $(impl Known for $target {
            fn start(&self) -> Vec<f64> {
                let start: fn(&Self) -> Vec<f64> = $start;
                start(self)
            }
            fn observe(&self, x: &[f64]) -> [f64; 3] {
                coordinates(x)
            }
            fn mean(&self) -> f64 {
                $mean
            }
            fn mean_square(&self) -> f64 {
                $square
            }
        })*
    };
}

known! {
    // The variance is trigamma(3) = π²/6 − 5/4.
    LogGamma, |t| vec![0.5; t.0], digamma(3.0),
        digamma(3.0).powi(2) + std::f64::consts::PI.powi(2) / 6.0 - 1.25;
    Correlated, |t| vec![0.5; t.dim()], 0.0, 1.0;
    HeavyTail, |_| vec![0.5], 0.0, 1.25;
    DoubleWell, |_| vec![0.5], double_well(1.0)[1], double_well(1.0)[2];
    Data, |t| vec![0.5; t.dim()], t_mean(0), 1.0 + t_mean(0).powi(2);
    Uniform<Polytope>, |_| vec![0.5; 10], 0.5, 1.0 / 3.0;
}

/// `Z`, and the means of `x` and `x²`, of a double well at inverse temperature `beta`.
fn double_well(beta: f64) -> [f64; 3] {
    // The trapezoidal rule converges faster than any power of the step here.
    let mut sums = [0.0; 3];
    for k in -400..=400 {
        let x = f64::from(k) * 0.01;
        let weight = 0.01 * (-beta * DoubleWell.energy(&[x])).exp();
        for (sum, f) in sums.iter_mut().zip([1.0, x, x * x]) {
            *sum += weight * f;
        }
    }
    [sums[0], sums[1] / sums[0], sums[2] / sums[0]]
}

/// A hundred observations of ten unknown numbers with so much noise that their posterior has unit
/// variances: `E(x) = Σᵢ |x − yᵢ|²/200`.
struct Data(Vec<[f64; 10]>);

/// The observation `i` of the number `j`.
fn observation(i: usize, j: usize) -> f64 {
    3.0 * libm::sin((10 * i + j) as f64) + 0.5
}

fn t_mean(j: usize) -> f64 {
    (0..100).map(|i| observation(i, j)).sum::<f64>() / 100.0
}

impl Data {
    fn new() -> Self {
        let row = |i| std::array::from_fn(|j| observation(i, j));
        Self((0..100).map(row).collect())
    }
}

impl Energy for Data {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        self.energy_gradient(x, &mut [0.0; 10])
    }
}

impl EnergyGradient for Data {
    fn dim(&self) -> usize {
        10
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        grad.fill(0.0);
        let mut energy = 0.0;
        for y in &self.0 {
            for ((g, x), y) in grad.iter_mut().zip(x).zip(y) {
                *g += (x - y) / 100.0;
                energy += (x - y) * (x - y) / 200.0;
            }
        }
        energy
    }
}

impl StochasticGradient for Data {
    fn num_terms(&self) -> usize {
        self.0.len()
    }
    fn base_gradient(&self, _: &[f64], grad: &mut [f64]) {
        grad.fill(0.0);
    }
    fn add_terms_gradient(&self, x: &[f64], batch: &[usize], scale: f64, grad: &mut [f64]) {
        for &i in batch {
            for ((g, x), y) in grad.iter_mut().zip(x).zip(&self.0[i]) {
                *g += scale * (x - y) / 100.0;
            }
        }
    }
}

/// Twelve spins on a ring in a field.
fn ring() -> PairwiseSpins {
    let n = 12;
    let mut couplings = vec![0.0; n * n];
    for i in 0..n {
        let j = (i + 1) % n;
        (couplings[i * n + j], couplings[j * n + i]) = (0.5, 0.5);
    }
    PairwiseSpins::new(couplings, vec![0.1; n]).expect(VALID)
}

/// The mean of a function under the law of the ring, by enumeration.
fn on_the_ring(f: impl Fn(&[i8]) -> f64) -> f64 {
    let ring = ring();
    let (mut mass, mut sum) = (0.0, 0.0);
    for s in ring.states() {
        let weight = (-ring.energy(&s)).exp();
        mass += weight;
        sum += weight * f(&s);
    }
    sum / mass
}

fn magnetisation(s: &[i8]) -> f64 {
    s.iter().map(|&s| f64::from(s)).sum::<f64>() / s.len() as f64
}

macro_rules! known_spins {
    ($($target:ty),*) => {
        $(impl Known for $target {
            fn start(&self) -> Vec<i8> {
                vec![-1; 12]
            }
            fn observe(&self, s: &[i8]) -> [f64; 3] {
                let m = magnetisation(s);
                [m, m * m, f64::from(s[11])]
            }
            fn mean(&self) -> f64 {
                on_the_ring(magnetisation)
            }
            fn mean_square(&self) -> f64 {
                on_the_ring(|s| magnetisation(s).powi(2))
            }
        })*
    };
}

known_spins!(PairwiseSpins, Attractive<PairwiseSpins>);

/// Forty walkers; effective draws are those of means over all of them.
impl<T: Known<State = [f64]>> Known for Independent<T> {
    fn start(&self) -> Vec<Vec<f64>> {
        let mut rng = rng::stream(7, 0);
        let one = self.0.start();
        let walker = |_| one.iter().map(|x| x + rng.normal()).collect();
        (0..40).map(walker).collect()
    }
    fn observe(&self, walkers: &Vec<Vec<f64>>) -> [f64; 3] {
        let mut means = [0.0; 3];
        for x in walkers {
            for (mean, value) in means.iter_mut().zip(self.0.observe(x)) {
                *mean += value / walkers.len() as f64;
            }
        }
        means
    }
    fn mean(&self) -> f64 {
        self.0.mean()
    }
    fn mean_square(&self) -> f64 {
        self.0.mean_square()
    }
}

fn ladder() -> TemperatureLadder {
    TemperatureLadder::geometric(0.2, 1.0, 3).expect(VALID)
}

/// The replica at the last level.
impl Known for LevelProduct<Temperatures<DoubleWell>> {
    fn start(&self) -> Vec<Vec<f64>> {
        vec![vec![0.5]; self.ladder().len()]
    }
    fn observe(&self, x: &Vec<Vec<f64>>) -> [f64; 3] {
        let [last, square, _] = coordinates(&x[x.len() - 1]);
        [last, square, x[0][0]]
    }
    fn mean(&self) -> f64 {
        DoubleWell.mean()
    }
    fn mean_square(&self) -> f64 {
        DoubleWell.mean_square()
    }
}

/// All levels alike, by the exact weights.
fn level_mixture() -> LevelMixture<Temperatures<DoubleWell>> {
    let weight = |beta: &f64| -double_well(*beta)[0].ln();
    let weights = ladder().levels().iter().map(weight).collect();
    LevelMixture::new(Temperatures(DoubleWell), ladder(), weights).expect(VALID)
}

/// The state where it is at the last level, else 0.
impl Known for LevelMixture<Temperatures<DoubleWell>> {
    fn start(&self) -> AtLevel<Vec<f64>> {
        AtLevel {
            x: vec![0.5],
            level: 0,
        }
    }
    fn observe(&self, at: &AtLevel<Vec<f64>>) -> [f64; 3] {
        let there = f64::from(u8::from(at.level + 1 == self.ladder().len()));
        coordinates(&at.x).map(|f| f * there)
    }
    fn mean(&self) -> f64 {
        DoubleWell.mean() / self.ladder().len() as f64
    }
    fn mean_square(&self) -> f64 {
        DoubleWell.mean_square() / self.ladder().len() as f64
    }
}

/// A symmetric normal step of all coordinates.
#[derive(Clone)]
struct Walk(f64);

impl<T: Energy<State = [f64]>> Propose<T> for Walk {
    fn propose<R: Randomness + ?Sized>(
        &self,
        _: &T,
        x: &[f64],
        candidate: &mut [f64],
        rng: &mut R,
    ) -> f64 {
        rng.fill_normal(candidate);
        for (c, x) in candidate.iter_mut().zip(x) {
            *c = x + self.0 * *c;
        }
        0.0
    }
    fn reach(&self) -> Reach {
        Reach::Everywhere
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
    /// Means of the first function and its square over the pilot, and their standard errors.
    pilot: [(f64, f64); 2],
}

impl<T: Known, K: MarkovKernel<T>> Chain<T, K> {
    /// A warm chain, and its effective draws per step.
    fn new(target: T, mut kernel: K) -> (Self, f64) {
        let mut rng = rng::stream(1, 0);
        let failed = "the target is finite where the kernel goes";
        let mut state = kernel.init(&target, target.start().borrow()).expect(failed);
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
            let [first, square, last] = target.observe(x);
            let values = [first, square, last, target.energy(x)];
            for (all, value) in series.iter_mut().zip(values) {
                all.push(value);
            }
        }
        // A function that does not vary, as the energy of a uniform law, has no effective draws.
        let least = series
            .iter()
            .filter(|x| x.iter().any(|v| *v != x[0]))
            .map(|x| effective(x))
            .fold(f64::INFINITY, f64::min);
        let pilot = [0, 1].map(|k| {
            let moments: Moments = series[k].iter().copied().collect();
            let spread = moments.variance().unwrap_or(f64::INFINITY);
            let std_err = (spread / effective(&series[k]).max(1.0)).sqrt();
            (moments.mean().unwrap_or(f64::NAN), std_err)
        });
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
        let square = self.target.mean_square();
        let bias = match self.kernel.claims().stationarity {
            Stationarity::Asymptotic { .. } => ALLOWED_BIAS,
            _ => 0.0,
        };
        let exact = [
            ("mean", self.target.mean(), bias * square.sqrt()),
            ("mean square", square, bias * square),
        ];
        for ((what, exact, bias), (mean, std_err)) in exact.into_iter().zip(self.pilot) {
            let close = (mean - exact).abs() <= ALLOWED * std_err + bias;
            if !close {
                return Err(format!(
                    "the {what} of the first coordinate is {mean} ± {std_err}, not {exact}"
                ));
            }
        }
        Ok(())
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

fn normal(dim: usize, sd: f64) -> Gaussian {
    Gaussian::independent(vec![0.0; dim], vec![sd; dim]).expect(VALID)
}

/// The unit cube in ten dimensions.
fn cube() -> Polytope {
    let (mut normals, mut offsets) = (Vec::new(), Vec::new());
    for i in 0..10 {
        for (sign, offset) in [(1.0, 1.0), (-1.0, 0.0)] {
            normals.extend((0..10).map(|j| if i == j { sign } else { 0.0 }));
            offsets.push(offset);
        }
    }
    Polytope::new(10, normals, offsets).expect(VALID)
}

/// Even and odd sites of the ring.
fn two_colours() -> Colouring {
    let neighbours: Vec<_> = (0..12).map(|i| vec![(i + 1) % 12, (i + 11) % 12]).collect();
    Colouring::greedy(&neighbours).expect(VALID)
}

fn langevin(word: &str, step_size: f64) -> Langevin {
    Langevin::new(word.parse().expect(VALID), step_size, 1.0).expect(VALID)
}

fn batch() -> MiniBatch {
    MiniBatch::new(10).expect(VALID)
}

fn constant(step_size: f64) -> StepSchedule {
    StepSchedule::constant(step_size).expect(VALID)
}

/// A whole run of sequential Monte Carlo, from a normal law to the skewed one; the figure is
/// particles that arrive per second.
fn smc(criterion: &mut Criterion) {
    let settings = SmcSettings::default().steps(4).confidence(1.0 - 2e-9);
    let work = settings.particles as f64;
    let path = LinearPath {
        base: normal(10, 1.2),
        target: LogGamma(10),
    };
    let walk = RandomWalk::new(0.4).expect(VALID);
    Case::rate("samplers/smc_skewed", "particles/s", work)
        .long()
        .run(
            criterion,
            || {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
                let smc = Smc::new(path, walk, settings).expect(VALID);
                (pool.build().expect("one thread"), smc)
            },
            |(pool, smc)| {
                let found = pool.install(|| smc.run()).map_err(|e| e.to_string())?.log_z;
                let exact = 10.0 * std::f64::consts::LN_2; // Γ(3)¹⁰
                if found.interval.contains(exact) {
                    return Ok(());
                }
                Err(format!("log Z is {found}, not {exact}"))
            },
            |(pool, smc)| {
                std::hint::black_box(&pool.install(|| smc.run()).is_ok());
            },
        );
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
    metropolis_ring: Metropolis::new(UniformSite::new(12).expect(VALID)), on ring();
    metropolis_sweep_ring: MetropolisSweep::new(12, Scan::Sweep).expect(VALID), on ring();
    gibbs_ring: Gibbs::new(Scan::Sweep), on ring();
    blocked_gibbs_ring: BlockedGibbs::new(two_colours(), Scan::Sweep), on ring();
    coupling_from_the_past_ring: CouplingFromThePast::default(),
        on Attractive::new(ring()).expect(VALID);
    metropolis_hastings_skewed: MetropolisHastings::new(Walk(0.4)), on LogGamma(10);
    delayed_rejection_skewed:
        DelayedRejection::new(GaussianScales::new(0.6, 0.3).expect(VALID)), on LogGamma(10);
    independence_double_well: Independence::new(normal(1, 1.0)), on DoubleWell;
    // The energy of the standard normal law is above that of the wells by 0.8 at most.
    rejection_double_well: Rejection::new(normal(1, 1.0), 1.0).expect(VALID), on DoubleWell;
    slice_doubling_heavy_tail:
        Slice::new(3.0).and_then(|s| s.expansion(Expansion::Doubling { limit: 10 })).expect(VALID),
        on HeavyTail;
    slice_isotropic_skewed: Slice::new(1.5).expect(VALID).directions(Directions::Isotropic),
        on LogGamma(10);
    slice_palindrome_skewed:
        Slice::new(1.5).expect(VALID).directions(Directions::Coordinates(Scan::Palindrome)),
        on LogGamma(10);
    elliptical_slice_skewed: EllipticalSlice::new(normal(10, 1.2)), on LogGamma(10);
    hit_and_run_polytope: HitAndRun::exact(), on Uniform(cube());
    ensemble_stretch_correlated: Ensemble::new(Stretch::default()),
        on Independent(correlated());
    ensemble_differential_correlated:
        Ensemble::new(DifferentialEvolution::for_dimension(10).expect(VALID)),
        on Independent(correlated());
    unadjusted_langevin_skewed: UnadjustedLangevin::new(0.05).expect(VALID), on LogGamma(10);
    leimkuhler_matthews_skewed: LeimkuhlerMatthews::new(0.1).expect(VALID), on LogGamma(10);
    langevin_baoab_skewed: langevin("BAOAB", 0.4), on LogGamma(10);
    langevin_baoab_correlated: langevin("BAOAB", 0.2), on correlated();
    langevin_aboba_skewed: langevin("ABOBA", 0.4), on LogGamma(10);
    langevin_obabo_skewed: langevin("OBABO", 0.3), on LogGamma(10);
    langevin_adjusted_skewed: langevin("OBABO", 0.3).adjusted().expect(VALID), on LogGamma(10);
    langevin_adjusted_correlated: langevin("OBABO", 0.15).adjusted().expect(VALID),
        on correlated();
    andersen_skewed: Andersen::new(0.3, 1.0).expect(VALID), on LogGamma(10);
    velocity_rescaling_skewed: VelocityRescaling::new(0.3, 1.0).expect(VALID), on LogGamma(10);
    nose_hoover_skewed: NoseHoover::chain(0.3, vec![10.0, 1.0, 1.0]).expect(VALID),
        on LogGamma(10);
    sgld_data: Sgld::constant(0.1, batch()).expect(VALID), on Data::new();
    // The gradient per term is of order 0.01 here: preconditioned steps are 100 times longer.
    preconditioned_sgld_data:
        PreconditionedSgld::new(constant(2e-4), batch()).memory(0.999).expect(VALID),
        on Data::new();
    sghmc_data: Sghmc::new(constant(0.2), 1.0, batch()).expect(VALID), on Data::new();
    sgnht_data: Sgnht::new(constant(0.2), 1.0, batch()).expect(VALID), on Data::new();
    mclmc_skewed: Mclmc::new(), on LogGamma(10);
    mclmc_correlated: Mclmc::new(), on correlated();
    parallel_tempering_double_well:
        ParallelTempering::new(RandomWalk::new(1.0).expect(VALID), 4),
        on LevelProduct::new(Temperatures(DoubleWell), ladder());
    simulated_tempering_double_well:
        SimulatedTempering::new(RandomWalk::new(1.0).expect(VALID), 4), on level_mixture();
    cycle_ring:
        Cycle::new(Gibbs::new(Scan::Sweep), Metropolis::new(UniformSite::new(12).expect(VALID))),
        on ring();
    mixture_skewed:
        Mixture::new(0.9, RandomWalk::new(0.5).expect(VALID), Slice::new(1.5).expect(VALID))
            .expect(VALID),
        on LogGamma(10);
    repeat_skewed:
        Repeat::new(5, RandomWalk::new(0.5).expect(VALID)).expect(VALID), on LogGamma(10);
    mams_skewed: Mams::new(), on LogGamma(10);
    mams_correlated: Mams::new(), on correlated();
}

criterion_group!(benches, samplers, smc);
criterion_main!(benches);
