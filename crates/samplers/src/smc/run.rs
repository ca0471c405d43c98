//! Particles that are weighed, resampled and moved from the base of a path to its target.

use std::borrow::Borrow;

use ergodic_core::{
    ArgumentError, Estimate, MarkovKernel, Randomness, Stationarity, StepInfo, TargetError,
    WarmupStep,
};
use ergodic_math::Real;
use ergodic_math::rng::stream;
use ergodic_math::special::{log_mean_exp, log_sum_exp};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::Resampling;
use crate::TemperatureLadder;
use crate::annealing_path::{AnnealingError, AnnealingPath, OwnedOf};
use crate::batch_means;

/// The families of random streams; within a family one stream per block of particles.
const PARTICLE_STREAMS: u64 = 0x53C << 40;
const RESAMPLING_STREAM: u64 = 0x53D << 40;
const TUNING_STREAM: u64 = 0x53E << 40;
/// Independent populations of one run are this many streams apart within a family; the second of
/// two runs begins at population `SECOND_RUN`.
const POPULATION: u64 = 1 << 24;
const SECOND_RUN: u64 = 1 << 15;
/// Particles per block, hence per random stream: fixed, so that bits do not depend on threads.
const BLOCK: usize = 64;

/// Where the stages of a run come from.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SmcLadder {
    /// The next `t` is where the conditional effective sample size
    /// `(Σ Wᵢwᵢ)²/Σ Wᵢwᵢ²` of the incremental weights falls to this share of the particles
    /// (Zhou, Johansen and Aston, *J. Comput. Graph. Stat.* 25, 701 (2016)), strictly between 0
    /// and 1. The ladder then depends on the particles that it weighs: the estimate of `Z` is
    /// consistent (Beskos, Jasra, Kantas and Thiery, *Ann. Appl. Probab.* 26, 1111 (2016)), not
    /// unbiased.
    Adaptive(f64),
    /// Levels that were known before, from 0 to 1: the estimate of `Z` is unbiased for kernels that
    /// leave their targets invariant.
    Fixed(TemperatureLadder),
}

/// Settings of [`Smc`]; every setter replaces a default, and the whole is checked by
/// [`Smc::new`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SmcSettings {
    /// Particles, at least 2. Default 1024.
    pub particles: usize,
    /// The stages. Default: adaptive at 0.9.
    pub ladder: SmcLadder,
    /// How ancestors are drawn. Default systematic.
    pub resampling: Resampling,
    /// Resample when the effective sample size is below this share of the particles, in
    /// `(0, 1]`; at 1 before every stage. Default 0.5.
    pub threshold: f64,
    /// Steps of the kernel per particle and stage, at least 1. Default 1.
    pub steps: usize,
    /// Steps of a chain aside that tunes the kernel at each stage of an adaptive run; it starts
    /// at a particle and its positions are not used. Default 0: the kernel as it is given.
    pub tuning_steps: usize,
    /// Independent populations, at most 32,768, for a standard error that rests on nothing but
    /// their number. Default 1.
    pub populations: usize,
    /// Of intervals, strictly between 0 and 1. Default 0.95.
    pub confidence: f64,
    /// Of all random streams. Default 0.
    pub seed: u64,
}

impl Default for SmcSettings {
    fn default() -> Self {
        Self {
            particles: 1024,
            ladder: SmcLadder::Adaptive(0.9),
            resampling: Resampling::Systematic,
            threshold: 0.5,
            steps: 1,
            tuning_steps: 0,
            populations: 1,
            confidence: 0.95,
            seed: 0,
        }
    }
}

impl SmcSettings {
    /// Sets [`particles`](Self::particles).
    pub fn particles(self, particles: usize) -> Self {
        Self { particles, ..self }
    }
    /// Sets [`ladder`](Self::ladder).
    pub fn ladder(self, ladder: SmcLadder) -> Self {
        Self { ladder, ..self }
    }
    /// Sets [`resampling`](Self::resampling).
    pub fn resampling(self, resampling: Resampling) -> Self {
        Self { resampling, ..self }
    }
    /// Sets [`threshold`](Self::threshold).
    pub fn threshold(self, threshold: f64) -> Self {
        Self { threshold, ..self }
    }
    /// Sets [`steps`](Self::steps).
    pub fn steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }
    /// Sets [`tuning_steps`](Self::tuning_steps).
    pub fn tuning_steps(self, tuning_steps: usize) -> Self {
        Self {
            tuning_steps,
            ..self
        }
    }
    /// Sets [`populations`](Self::populations).
    pub fn populations(self, populations: usize) -> Self {
        Self {
            populations,
            ..self
        }
    }
    /// Sets [`confidence`](Self::confidence).
    pub fn confidence(self, confidence: f64) -> Self {
        Self { confidence, ..self }
    }
    /// Sets [`seed`](Self::seed).
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    fn check(&self) -> Result<(), ArgumentError> {
        for (argument, found, least) in [
            ("particles", self.particles, 2),
            ("steps", self.steps, 1),
            ("populations", self.populations, 1),
        ] {
            if found < least {
                let allowed = format!("at least {least}");
                return Err(ArgumentError::new(argument, found, allowed));
            }
        }
        if self.populations as u64 > SECOND_RUN {
            let allowed = format!("at most {SECOND_RUN}");
            return Err(ArgumentError::new("populations", self.populations, allowed));
        }
        if !(self.threshold > 0.0 && self.threshold <= 1.0) {
            let allowed = "above 0 and at most 1";
            return Err(ArgumentError::new("threshold", self.threshold, allowed));
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            let allowed = "strictly between 0 and 1";
            return Err(ArgumentError::new("confidence", self.confidence, allowed));
        }
        match &self.ladder {
            SmcLadder::Adaptive(share) if !(*share > 0.0 && *share < 1.0) => Err(
                ArgumentError::new("ladder", share, "a share strictly between 0 and 1"),
            ),
            SmcLadder::Fixed(ladder)
                if ladder.levels()[0] != 0.0 || ladder.levels()[ladder.pairs()] <= 0.0 =>
            {
                Err(ArgumentError::new(
                    "ladder",
                    format!("{:?}", ladder.levels()),
                    "levels that start at 0",
                ))
            }
            _ => Ok(()),
        }
    }
}

/// A sequential Monte Carlo sampler (Del Moral, Doucet and Jasra, *J. R. Statist. Soc. B* 68, 411
/// (2006)) over any kernel and any [`AnnealingPath`] with a base.
///
/// Particles are drawn exactly from the base; at each stage they are weighed by `exp(−W)`, `W`
/// the work from the last level to the next, resampled where the weights have become uneven, and
/// moved by the kernel at the new level. They arrive as a weighted sample of the target, with
/// `log Z = log Z_base + Σ log Σ Wᵢ exp(−wᵢ)`.
///
/// The path ends at `t = 1`, or at the last level of a fixed ladder.
///
/// # What the estimate of `Z` is
/// On a fixed ladder with fixed kernels `E[Ẑ] = Z` for every number of particles, whether or not
/// resampling waits for uneven weights (Whiteley, Lee and Heine, *Bernoulli* 22, 494 (2016));
/// `log Ẑ` is then biased low by about half its variance. A ladder chosen on the way makes `Ẑ`
/// consistent only. [`run_twice`](Self::run_twice) does both: an adaptive run, and a second one
/// with new random streams on the ladder and kernels of the first.
///
/// The standard error of a single population is that of Lee and Whiteley, *Biometrika* 105, 609
/// (2018), from the genealogy: with `Eᵢ` the ancestor of particle `i` at the base and `r`
/// resamplings, `V = 1 − (N/(N−1))^{r+1} Σ_{Eᵢ≠Eⱼ} WᵢWⱼ` estimates the relative variance under
/// multinomial resampling (`Ẑ²V` is unbiased for the variance of `Ẑ` where the times of resampling
/// are fixed). The power takes away what `r` multinomial draws add to the families by themselves.
/// The other schemes add less, by an amount that is not known: there `r` is set to 0, which takes
/// away nothing and errs towards large errors. `V` cannot exceed 1, and says little when few
/// families are left: below an effective number `1/Σ F²` of 8, `F` the weights of the families, the
/// standard error is infinite. With several populations it is their spread.
///
/// Cost: `particles × stages × steps` kernel steps, one `reset` and one or (where the path has no
/// slope) some fifty works per particle and stage.
///
/// Particles move in parallel on rayon's current pool in blocks of 64 with one random stream each:
/// the same bits for any number of threads.
///
/// [`start`](Self::start), [`advance`](Self::advance) and [`finish`](Self::finish) are
/// [`run`](Self::run) in pieces: an [`SmcRun`] can be stored between them (feature `serde`) and goes
/// on with the same bits.
///
/// ```
/// use ergodic_conformance::strategies::FiniteTable;
/// use ergodic_core::{GeometricPath, PathBase, Randomness};
/// use ergodic_samplers::{Gibbs, Scan, Smc, SmcSettings};
///
/// #[derive(Clone)]
/// struct Uniform;
/// impl PathBase<usize> for Uniform {
///     fn log_z(&self) -> f64 {
///         3f64.ln()
///     }
///     fn sample<R: Randomness + ?Sized>(&self, rng: &mut R) -> usize {
///         rng.index(3)
///     }
/// }
/// let table = FiniteTable::new(vec![0.0, 2.0, -1.5])?;
/// let path = GeometricPath { target: &table, base: Uniform };
/// let settings = SmcSettings::default().particles(4000).confidence(0.9999).seed(1);
/// let report = Smc::new(path, Gibbs::new(Scan::Random), settings)?.run()?;
/// let exact = (1.0 + (-2f64).exp() + 1.5f64.exp()).ln();
/// assert!(report.log_z.interval.contains(exact), "{}", report.log_z);
/// assert!(!report.unbiased);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Smc<A, K> {
    path: A,
    kernel: K,
    settings: SmcSettings,
}

/// One stage of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SmcStage {
    /// The level that was reached.
    pub t: f64,
    /// The conditional effective sample size of the incremental weights, as a share of the
    /// particles.
    pub conditional_ess: f64,
    /// The effective sample size `1/Σ Wᵢ²` after the weighing, in particles.
    pub ess: f64,
    /// Whether the particles were resampled after it.
    pub resampled: bool,
    /// `log Z_t/Z_base` so far.
    pub log_ratio: f64,
    /// The mean acceptance of the moves, where the kernel has one.
    pub acceptance: Option<f64>,
    /// Particles whose ancestors at the base differ.
    pub ancestors: usize,
}

/// What [`Smc`] hands back.
#[derive(Clone, Debug)]
pub struct SmcReport<K, X> {
    /// `log Z` of the target.
    pub log_z: Estimate,
    /// Whether `E[Ẑ] = Z`: the ladder and the kernels did not depend on the particles, and the
    /// kernel claims to leave its target invariant.
    pub unbiased: bool,
    /// `log Ẑ` of each population.
    pub log_z_populations: Vec<f64>,
    /// The levels of the first population.
    pub ladder: TemperatureLadder,
    /// The kernel of each stage of the first population, frozen.
    pub kernels: Vec<K>,
    /// The stages of the first population.
    pub stages: Vec<SmcStage>,
    /// The particles of all populations.
    pub particles: Vec<X>,
    /// Their normalised weights; populations count in proportion to their `Ẑ`, as they have to
    /// for averages to be consistent.
    pub weights: Vec<f64>,
    /// The ancestor at the base of each particle, within its population.
    pub ancestors: Vec<usize>,
}

impl<K, X> SmcReport<K, X> {
    /// The effective sample size `1/Σ Wᵢ²` of the weighted particles. Says nothing about modes
    /// that no particle has found.
    pub fn ess(&self) -> f64 {
        effective(&self.weights)
    }

    /// The weighted mean of `f`.
    pub fn mean(&self, f: impl Fn(&X) -> f64) -> f64 {
        let mut sum = 0.0;
        for (x, w) in self.particles.iter().zip(&self.weights) {
            // A particle without weight may lie where `f` is not defined.
            if *w > 0.0 {
                sum += w * f(x);
            }
        }
        sum
    }

    /// `count` equally weighted draws, by systematic resampling.
    ///
    /// # Errors
    /// Never for the weights of a run.
    pub fn resampled<R: Randomness + ?Sized>(
        &self,
        count: usize,
        rng: &mut R,
    ) -> Result<Vec<X>, ArgumentError>
    where
        X: Clone,
    {
        let mut chosen = vec![0; count];
        Resampling::Systematic.draw(&self.weights, &mut chosen, rng)?;
        Ok(chosen.iter().map(|&i| self.particles[i].clone()).collect())
    }
}

/// `(Σ w)²/Σ w²`.
fn effective(weights: &[f64]) -> f64 {
    let (mut sum, mut squares) = (0.0, 0.0);
    for w in weights {
        sum += w;
        squares += w * w;
    }
    sum * sum / squares
}

/// A particle: its position, and what the kernel carries for it once it has moved.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Particle<S, X> {
    x: X,
    state: Option<S>,
    /// Its ancestor at the base.
    ancestor: usize,
    acceptance: Option<f64>,
}

/// One population on its path.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Population<K, S, X> {
    particles: Vec<Particle<S, X>>,
    /// Normalised.
    log_weights: Vec<f64>,
    log_ratio: f64,
    resamplings: i32,
    /// The level that was reached.
    t: f64,
    stages: Vec<SmcStage>,
    kernels: Vec<K>,
    /// One stream per block of particles.
    streams: Vec<ChaCha8Rng>,
    resampling: ChaCha8Rng,
    tuning: ChaCha8Rng,
}

impl<K, S, X> Population<K, S, X> {
    fn ancestors(&self) -> Vec<usize> {
        self.particles.iter().map(|p| p.ancestor).collect()
    }
}

/// A run of [`Smc`] between two stages: everything that a checkpoint stores.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SmcRun<K, S, X> {
    /// Which streams the first population has.
    first: u64,
    /// Levels and kernels that were chosen before, for a second run.
    given: Option<(Vec<f64>, Vec<K>)>,
    /// Populations at the end of their path; the last one may be under way.
    populations: Vec<Population<K, S, X>>,
    complete: bool,
}

impl<K, S, X> SmcRun<K, S, X> {
    /// The populations that have arrived.
    pub fn arrived(&self) -> usize {
        self.populations.len() - usize::from(!self.complete && !self.populations.is_empty())
    }

    /// The stages so far of the population that is under way, or of the last one.
    pub fn stages(&self) -> &[SmcStage] {
        self.populations.last().map_or(&[], |p| &p.stages)
    }
}

/// What the stages of a population follow.
enum Plan<'a, K> {
    Adaptive(f64),
    Fixed(&'a [f64], &'a [K]),
}

impl<K> Plan<'_, K> {
    /// Whether the population is at the end of the path.
    fn ends<S, X>(&self, population: &Population<K, S, X>) -> bool {
        match self {
            Plan::Adaptive(_) => population.t >= 1.0,
            Plan::Fixed(levels, _) => population.stages.len() + 1 >= levels.len(),
        }
    }
}

/// The run of kernel `K` along path `A`.
type RunOf<A, K> = SmcRun<K, <K as MarkovKernel<<A as AnnealingPath>::Target>>::State, OwnedOf<A>>;
/// One of its populations.
type PopulationOf<A, K> =
    Population<K, <K as MarkovKernel<<A as AnnealingPath>::Target>>::State, OwnedOf<A>>;

impl<A, K> Smc<A, K> {
    /// Along `path` with `kernel`.
    ///
    /// # Errors
    /// If a setting is outside its domain, or the path has no base.
    pub fn new(path: A, kernel: K, settings: SmcSettings) -> Result<Self, ArgumentError>
    where
        A: AnnealingPath,
    {
        settings.check()?;
        if path.log_z_base().is_none() {
            let allowed = "a path whose base can be drawn exactly";
            return Err(ArgumentError::new("path", "without a base", allowed));
        }
        Ok(Self {
            path,
            kernel,
            settings,
        })
    }
}

impl<A, K> Smc<A, K>
where
    A: AnnealingPath + Sync,
    A::Target: Sync,
    OwnedOf<A>: Clone + Send + Sync,
    K: MarkovKernel<A::Target> + Send + Sync,
    K::State: Send + Sync,
{
    /// One run with the settings' ladder.
    ///
    /// # Errors
    /// If the target fails, or every particle has lost its weight.
    pub fn run(&self) -> Result<SmcReport<K, OwnedOf<A>>, AnnealingError> {
        self.complete(self.start())
    }

    /// The adaptive run, and a run with new random streams on the ladder and the kernels that the
    /// first population of it has chosen, whose `Ẑ` is unbiased. On a fixed ladder, two independent
    /// unbiased runs.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    #[allow(clippy::type_complexity)]
    pub fn run_twice(
        &self,
    ) -> Result<(SmcReport<K, OwnedOf<A>>, SmcReport<K, OwnedOf<A>>), AnnealingError> {
        let first = self.run()?;
        let second = self.complete(self.start_again(&first))?;
        Ok((first, second))
    }

    fn complete(&self, mut run: RunOf<A, K>) -> Result<SmcReport<K, OwnedOf<A>>, AnnealingError> {
        while !self.advance(&mut run, usize::MAX)? {}
        self.finish(run)
    }

    /// A run that has not begun.
    pub fn start(&self) -> RunOf<A, K> {
        SmcRun {
            first: 0,
            given: None,
            populations: Vec::new(),
            complete: false,
        }
    }

    /// A run that has not begun, with new random streams on the ladder and the kernels of `report`:
    /// the second of [`run_twice`](Self::run_twice).
    pub fn start_again(&self, report: &SmcReport<K, OwnedOf<A>>) -> RunOf<A, K> {
        SmcRun {
            first: SECOND_RUN,
            given: Some((report.ladder.levels().to_vec(), report.kernels.clone())),
            populations: Vec::new(),
            complete: false,
        }
    }

    /// Goes on by `stages` stages at most; whether the run is complete.
    ///
    /// # Errors
    /// If the target fails, or every particle has lost its weight; the run is then spent.
    pub fn advance(&self, run: &mut RunOf<A, K>, stages: usize) -> Result<bool, AnnealingError> {
        let RunOf::<A, K> {
            first,
            given,
            populations,
            complete,
        } = run;
        let plan = match (given, &self.settings.ladder) {
            (Some((levels, kernels)), _) => Plan::Fixed(levels, kernels),
            (None, SmcLadder::Adaptive(share)) => Plan::Adaptive(*share),
            (None, SmcLadder::Fixed(ladder)) => Plan::Fixed(ladder.levels(), &[]),
        };
        let mut arrived = true;
        if let Some(last) = populations.last() {
            arrived = plan.ends(last);
        }
        for _ in 0..stages {
            if arrived {
                if populations.len() == self.settings.populations {
                    break;
                }
                populations.push(self.population(*first + populations.len() as u64)?);
            }
            if let Some(last) = populations.last_mut() {
                self.stage(last, &plan)?;
                arrived = plan.ends(last);
                if arrived {
                    // No kernel moves them any more.
                    last.particles.iter_mut().for_each(|p| p.state = None);
                }
            }
        }
        *complete = arrived && populations.len() == self.settings.populations;
        Ok(*complete)
    }

    /// The report of a complete run.
    ///
    /// # Errors
    /// If the run is not complete.
    pub fn finish(&self, run: RunOf<A, K>) -> Result<SmcReport<K, OwnedOf<A>>, AnnealingError> {
        let settings = &self.settings;
        if !run.complete || run.populations.len() != settings.populations {
            return Err(ArgumentError::new(
                "run",
                format!("of {} populations that have arrived", run.arrived()),
                format!("advanced until all {} have", settings.populations),
            )
            .into());
        }
        let fixed = run.given.is_some() || matches!(settings.ladder, SmcLadder::Fixed(_));
        let populations = run.populations;

        // Moves that leave another law invariant bias the weights of all later stages.
        let claims = MarkovKernel::<A::Target>::claims(&self.kernel);
        let invariant = !matches!(claims.stationarity, Stationarity::Asymptotic { .. });

        // `new` has seen that there is a base.
        let base = self.path.log_z_base().unwrap_or(f64::NAN);
        let log_z_populations: Vec<f64> = populations.iter().map(|p| base + p.log_ratio).collect();
        let log_z = if settings.populations > 1 {
            spread(&log_z_populations, settings.confidence)?
        } else {
            let p = &populations[0];
            // What the other schemes add to the families is below that and not known.
            let (resamplings, note) = match settings.resampling {
                Resampling::Multinomial => (p.resamplings, ""),
                _ => (0, ", from above"),
            };
            let variance = genealogical_variance(&p.log_weights, &p.ancestors(), resamplings);
            let method = format!(
                "sequential Monte Carlo on {} ladder; central limit theorem, genealogical variance \
                 of Lee and Whiteley{note}",
                if fixed { "a fixed" } else { "an adaptive" },
            );
            let std_err = variance.map_or(f64::INFINITY, f64::sqrt);
            Estimate::normal(
                method,
                log_z_populations[0],
                std_err,
                settings.particles,
                settings.confidence,
            )?
        };

        let all: Vec<f64> = populations
            .iter()
            .flat_map(|p| p.log_weights.iter().map(|w| w + p.log_ratio))
            .collect();
        let norm = log_sum_exp(&all);
        let weights = all.iter().map(|w| Real::exp(w - norm)).collect();
        let (mut particles, mut ancestors) = (Vec::new(), Vec::new());
        let (mut stages, mut kernels) = (Vec::new(), Vec::new());
        for (p, population) in populations.into_iter().enumerate() {
            ancestors.extend(population.ancestors());
            particles.extend(population.particles.into_iter().map(|p| p.x));
            if p == 0 {
                (stages, kernels) = (population.stages, population.kernels);
            }
        }
        let levels = std::iter::once(0.0).chain(stages.iter().map(|s| s.t));
        Ok(SmcReport {
            log_z,
            unbiased: fixed && invariant,
            log_z_populations,
            ladder: TemperatureLadder::new(levels.collect())?,
            kernels,
            stages,
            particles,
            weights,
            ancestors,
        })
    }

    /// A population at the base.
    fn population(&self, id: u64) -> Result<PopulationOf<A, K>, AnnealingError> {
        let (settings, path) = (&self.settings, &self.path);
        let n = settings.particles;
        let offset = id * POPULATION;
        let mut streams: Vec<ChaCha8Rng> = (0..n.div_ceil(BLOCK))
            .map(|b| stream(settings.seed, PARTICLE_STREAMS + offset + b as u64))
            .collect();
        let mut particles = Vec::with_capacity(n);
        for i in 0..n {
            let x = path.sample_base(&mut streams[i / BLOCK]);
            particles.push(Particle {
                x: x.ok_or_else(|| TargetError::new("the path has no exact draws from its base"))?,
                state: None,
                ancestor: i,
                acceptance: None,
            });
        }
        Ok(Population {
            particles,
            log_weights: vec![-Real::ln(n as f64); n],
            log_ratio: 0.0,
            resamplings: 0,
            t: 0.0,
            stages: Vec::new(),
            kernels: Vec::new(),
            streams,
            resampling: stream(settings.seed, RESAMPLING_STREAM + offset),
            tuning: stream(settings.seed, TUNING_STREAM + offset),
        })
    }

    /// Weighs, resamples and moves a population that has not arrived.
    fn stage(
        &self,
        population: &mut PopulationOf<A, K>,
        plan: &Plan<'_, K>,
    ) -> Result<(), AnnealingError> {
        let (settings, path) = (&self.settings, &self.path);
        let n = settings.particles;
        let stage = population.stages.len();
        let PopulationOf::<A, K> {
            particles,
            log_weights,
            log_ratio,
            resamplings,
            t,
            stages,
            kernels,
            streams,
            resampling,
            tuning,
        } = population;
        let (next, works) = self.next_level(particles, log_weights, *t, stage, plan)?;

        // Weigh.
        let conditional_ess = conditional_ess(log_weights, &works);
        for (weight, work) in log_weights.iter_mut().zip(&works) {
            *weight -= work;
        }
        let step = log_sum_exp(log_weights);
        if step == f64::NEG_INFINITY {
            return Err(no_particle(next).into());
        }
        *log_ratio += step;
        for weight in &mut *log_weights {
            *weight -= step;
        }
        let weights: Vec<f64> = log_weights.iter().map(|w| Real::exp(*w)).collect();
        let ess = effective(&weights);

        // Resample. At the end weights are handed back as they are.
        let last = match plan {
            Plan::Adaptive(_) => next >= 1.0,
            Plan::Fixed(levels, _) => stage + 2 >= levels.len(),
        };
        let resampled = settings.threshold == 1.0 || ess < settings.threshold * n as f64;
        if resampled && !last {
            let mut parents = vec![0; n];
            settings
                .resampling
                .draw(&weights, &mut parents, resampling)?;
            *particles = parents.iter().map(|&p| particles[p].clone()).collect();
            log_weights.fill(-Real::ln(n as f64));
            *resamplings += 1;
        }

        // Move.
        let target = path.at(next);
        let kernel = match plan {
            Plan::Fixed(_, given) if stage < given.len() => given[stage].clone(),
            Plan::Fixed(..) => self.kernel.clone(),
            Plan::Adaptive(_) => {
                let from = kernels.last().unwrap_or(&self.kernel);
                self.tune(&target, from, particles, log_weights, tuning)?
            }
        };
        self.moves(&target, &kernel, particles, log_weights, streams)
            .map_err(|mut e| {
                e.draw = Some(stage);
                e
            })?;
        stages.push(SmcStage {
            t: next,
            conditional_ess,
            ess,
            resampled: resampled && !last,
            log_ratio: *log_ratio,
            acceptance: mean_acceptance(particles),
            ancestors: distinct(particles.iter().map(|p| p.ancestor), n),
        });
        kernels.push(kernel);
        *t = next;
        Ok(())
    }

    /// The next level and the work of every particle on the way there.
    fn next_level(
        &self,
        particles: &[Particle<K::State, OwnedOf<A>>],
        log_weights: &[f64],
        t: f64,
        stage: usize,
        plan: &Plan<'_, K>,
    ) -> Result<(f64, Vec<f64>), TargetError> {
        // Particles without weight have no say, and may lie anywhere.
        let over = |f: &(dyn Fn(&OwnedOf<A>) -> f64 + Sync)| -> Vec<f64> {
            particles
                .par_iter()
                .zip(log_weights)
                .with_min_len(BLOCK)
                .map(|(p, w)| {
                    if *w == f64::NEG_INFINITY {
                        0.0
                    } else {
                        f(&p.x)
                    }
                })
                .collect()
        };
        let checked = |works: Vec<f64>| match works
            .iter()
            .position(|w| w.is_nan() || *w == f64::NEG_INFINITY)
        {
            Some(i) => {
                Err(TargetError::non_finite("the work between two levels", works[i]).at(i, stage))
            }
            None => Ok(works),
        };
        let goal = match plan {
            Plan::Fixed(levels, _) => {
                let next = levels[stage + 1];
                let works = over(&|x| self.path.work(x.borrow(), t, next));
                return Ok((next, checked(works)?));
            }
            Plan::Adaptive(share) => *share,
        };
        // One evaluation per particle serves every `t` of a linear path.
        let slopes = particles
            .first()
            .and_then(|p| self.path.slope(p.x.borrow()))
            .is_some()
            .then(|| over(&|x| self.path.slope(x.borrow()).unwrap_or(f64::NAN)));
        let works = |to: f64| {
            checked(match &slopes {
                Some(slopes) => slopes
                    .iter()
                    .map(|v| {
                        if *v == f64::INFINITY {
                            *v
                        } else {
                            (to - t) * v
                        }
                    })
                    .collect(),
                None => over(&|x| self.path.work(x.borrow(), t, to)),
            })
        };
        let all = works(1.0)?;
        if conditional_ess(log_weights, &all) >= goal {
            return Ok((1.0, all));
        }
        // `low` is always acceptable, `high` never: the share falls from 1 as `t` grows.
        // Near 0 doubles are dense: the first step may be as small as the energies ask.
        let (mut low, mut high) = (t, 1.0);
        while high - low > 1e-9 * (low - t) {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            if conditional_ess(log_weights, &works(middle)?) >= goal {
                low = middle;
            } else {
                high = middle;
            }
        }
        if low <= t {
            if conditional_ess(log_weights, &works(high)?) == 0.0 {
                return Err(no_particle(high));
            }
            return Err(TargetError::new(format!(
                "the energies of the particles differ so much that no step from t = {t} keeps a \
                 share of {goal} of their weights"
            )));
        }
        Ok((low, works(low)?))
    }

    /// The kernel of a stage, tuned by a chain aside.
    fn tune(
        &self,
        target: &A::Target,
        kernel: &K,
        particles: &[Particle<K::State, OwnedOf<A>>],
        log_weights: &[f64],
        rng: &mut ChaCha8Rng,
    ) -> Result<K, TargetError> {
        let mut kernel = kernel.clone();
        let of = self.settings.tuning_steps;
        let alive = log_weights.iter().position(|w| *w > f64::NEG_INFINITY);
        let Some(i) = alive.filter(|_| of > 0) else {
            return Ok(kernel);
        };
        let mut state = kernel.init(target, particles[i].x.borrow())?;
        for step in 0..of {
            let info = kernel.step(target, &mut state, rng)?;
            let at = WarmupStep { step, of };
            kernel.adapt(target, &mut state, Some(&info), at, rng)?;
        }
        Ok(kernel)
    }

    /// Moves every particle that has weight.
    fn moves(
        &self,
        target: &A::Target,
        kernel: &K,
        particles: &mut [Particle<K::State, OwnedOf<A>>],
        log_weights: &[f64],
        streams: &mut [ChaCha8Rng],
    ) -> Result<(), TargetError> {
        let steps = self.settings.steps;
        let moved: Vec<Result<(), TargetError>> = particles
            .par_chunks_mut(BLOCK)
            .zip(log_weights.par_chunks(BLOCK))
            .zip(streams)
            .enumerate()
            .map(|(block, ((particles, log_weights), rng))| {
                let mut kernel = kernel.clone();
                for (i, (particle, weight)) in particles.iter_mut().zip(log_weights).enumerate() {
                    particle.acceptance = None;
                    if *weight == f64::NEG_INFINITY {
                        continue;
                    }
                    particle
                        .step(target, &mut kernel, steps, rng)
                        .map_err(|e| e.at(block * BLOCK + i, 0))?;
                }
                Ok(())
            })
            .collect();
        moved.into_iter().collect()
    }
}

impl<S: Clone, X> Particle<S, X> {
    fn step<T, K, R>(
        &mut self,
        target: &T,
        kernel: &mut K,
        steps: usize,
        rng: &mut R,
    ) -> Result<(), TargetError>
    where
        T: ergodic_core::Energy,
        T::State: ToOwned<Owned = X>,
        X: Borrow<T::State>,
        K: MarkovKernel<T, State = S>,
        R: Randomness + ?Sized,
    {
        match &mut self.state {
            Some(state) => kernel.reset(target, state, None)?,
            none => *none = Some(kernel.init(target, self.x.borrow())?),
        }
        let Some(state) = &mut self.state else {
            return Ok(());
        };
        let mut sum = 0.0;
        let mut counted = 0;
        for _ in 0..steps {
            let info = kernel.step(target, state, rng)?;
            if let Some(acceptance) = info.stats().acceptance {
                sum += acceptance;
                counted += 1;
            }
        }
        self.acceptance = (counted > 0).then(|| sum / f64::from(counted));
        kernel.position(target, state).clone_into(&mut self.x);
        Ok(())
    }
}

fn no_particle(t: f64) -> TargetError {
    TargetError::new(format!(
        "no particle has finite energy at t = {t}: more particles are needed"
    ))
}

fn mean_acceptance<S, X>(particles: &[Particle<S, X>]) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0u32);
    for acceptance in particles.iter().filter_map(|p| p.acceptance) {
        sum += acceptance;
        count += 1;
    }
    (count > 0).then(|| sum / f64::from(count))
}

fn distinct(ancestors: impl Iterator<Item = usize>, n: usize) -> usize {
    let mut seen = vec![false; n];
    ancestors
        .filter(|&a| !std::mem::replace(&mut seen[a], true))
        .count()
}

/// `(Σ Wᵢwᵢ)²/Σ Wᵢwᵢ²` over the particles that stay alive, `wᵢ = exp(−workᵢ)`, with the `Wᵢ`
/// normalised among them.
///
/// Particles that die (infinite work) die at any step, however small: they say nothing about its
/// length.
fn conditional_ess(log_weights: &[f64], works: &[f64]) -> f64 {
    let lightest = log_weights
        .iter()
        .zip(works)
        .filter(|(w, _)| **w > f64::NEG_INFINITY)
        .fold(f64::INFINITY, |m, (_, work)| m.min(*work));
    if !lightest.is_finite() {
        return 0.0;
    }
    let (mut mass, mut first, mut second) = (0.0, 0.0, 0.0);
    for (weight, work) in log_weights.iter().zip(works) {
        if work.is_finite() {
            let weight = Real::exp(*weight);
            let w = Real::exp(lightest - work);
            mass += weight;
            first += weight * w;
            second += weight * w * w;
        }
    }
    first * first / (second * mass)
}

/// The relative variance of `Ẑ` by Lee and Whiteley (2018), or `None` if there are fewer than
/// [`FEWEST_BATCHES`](batch_means::FEWEST_BATCHES) families, counted by their weights, to tell.
fn genealogical_variance(
    log_weights: &[f64],
    ancestors: &[usize],
    resamplings: i32,
) -> Option<f64> {
    let n = log_weights.len();
    let mut families = vec![0.0; n];
    for (w, a) in log_weights.iter().zip(ancestors) {
        families[*a] += Real::exp(*w);
    }
    if effective(&families) < batch_means::FEWEST_BATCHES as f64 {
        return None;
    }
    let (mut sum, mut squares) = (0.0, 0.0);
    for f in &families {
        sum += f;
        squares += f * f;
    }
    // (N/(N−1))^{r+1} − 1 without cancellation for many particles.
    let growth = Real::exp_m1(-f64::from(resamplings + 1) * Real::ln_1p(-1.0 / n as f64));
    let together = squares / (sum * sum);
    // 1 − (1 + g)(1 − s) = s − g(1 − s); it may fall below zero by noise.
    Some((together - growth * (1.0 - together)).max(0.0))
}

/// The log of the mean of `exp(log_z)` over independent populations, with Student's interval for
/// the mean (delta method).
fn spread(log_z: &[f64], confidence: f64) -> Result<Estimate, ArgumentError> {
    let n = log_z.len() as f64;
    let value = log_mean_exp(log_z);
    let mut squares = 0.0;
    for l in log_z {
        let deviation = Real::exp_m1(l - value);
        squares += deviation * deviation;
    }
    let std_err = (squares / (n * (n - 1.0))).sqrt();
    batch_means::student(
        "sequential Monte Carlo, log of the mean over independent populations; Student".into(),
        value,
        std_err,
        log_z.len(),
        log_z.len(),
        confidence,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_conditional_share_is_one_for_equal_works_and_ignores_the_dead() {
        let equal = [-(4f64.ln()); 4];
        assert!((conditional_ess(&equal, &[2.0; 4]) - 1.0).abs() < 1e-15);
        let dead = [2.0, f64::INFINITY, 2.0, 2.0];
        assert!((conditional_ess(&equal, &dead) - 1.0).abs() < 1e-15);
        // Weights 1 and e⁻¹ in equal parts.
        let w = (-1.0f64).exp();
        let exact = (1.0 + w) * (1.0 + w) / (2.0 * (1.0 + w * w));
        let share = conditional_ess(&equal, &[700.0, 701.0, 700.0, 701.0]);
        assert!((share - exact).abs() < 1e-12);
    }

    #[test]
    fn without_resampling_the_genealogical_variance_is_that_of_a_mean() {
        let weights: Vec<f64> = (0..16).map(|i| [0.02, 0.105][i % 2]).collect();
        let log_weights: Vec<f64> = weights.iter().map(|w| w.ln()).collect();
        // Sample variance over squared mean over N, mean 1/16.
        let mean = 0.0625;
        let variance = weights.iter().map(|w| (w - mean) * (w - mean)).sum::<f64>() / 15.0;
        let exact = variance / (mean * mean) / 16.0;
        let all: Vec<usize> = (0..16).collect();
        let found = genealogical_variance(&log_weights, &all, 0).unwrap();
        assert!((found - exact).abs() < 1e-14, "{found} for {exact}");
        // Seven families, or one: nothing to tell a variance from.
        let seven: Vec<usize> = (0..16).map(|i| i % 7).collect();
        assert_eq!(genealogical_variance(&log_weights, &seven, 3), None);
        assert_eq!(genealogical_variance(&log_weights, &[2; 16], 3), None);
    }
}
