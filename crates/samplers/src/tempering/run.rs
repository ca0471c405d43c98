//! Parallel tempering as a run: tuning rounds, parallel replicas, checkpoints, estimates.

use std::borrow::Borrow;

use ergodic_core::{ArgumentError, Estimate, MarkovKernel, StepStats, TargetError, WarmupStep};
use ergodic_math::rng::stream;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::exchange::{Replica, start, weigh};
use super::statistics::{RoundTrips, SwapStatistics};
use super::{Barrier, LevelProduct, ParallelTempering, SwapScheme, TemperatureLadder};
use crate::annealing_path::{AnnealingError, AnnealingPath, OwnedOf};

/// The families of random streams of a run; within a family one stream per replica.
const REPLICA_STREAMS: u64 = 0x7E3 << 40;
const START_STREAM: u64 = 0x7E4 << 40;
const SWAP_STREAM: u64 = 0x7E5 << 40;

/// Settings of [`Tempering`]; every setter replaces a default, and the whole is checked by
/// [`Tempering::new`].
///
/// ```
/// use ergodic_samplers::TemperingSettings;
///
/// let settings = TemperingSettings::default().scans(5000).steps_per_scan(2).seed(7);
/// assert_eq!(settings.tuning_rounds, 8);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TemperingSettings {
    /// Which pairs swap. Default [`SwapScheme::EvenOdd`].
    pub scheme: SwapScheme,
    /// Steps of the kernel between swaps, at least 1. Default 1.
    pub steps_per_scan: usize,
    /// Rounds that tune kernels and ladder before the scans that count. Default 8.
    pub tuning_rounds: u32,
    /// Scans of the first round, at least 2; each next one is twice as long. Default 32.
    pub first_round: usize,
    /// Scans with everything frozen, at least 1. Default 10,000.
    pub scans: usize,
    /// Every how many scans the state at the target level is kept, at least 1. Default 1.
    pub thin: usize,
    /// Whether the level of every replica after every frozen scan is kept. Default no.
    pub record_index: bool,
    /// Whether replicas move on all threads of rayon's current pool. Default yes. Handing a scan
    /// out takes some ten microseconds: not worth it where all its moves take less. The bits are
    /// the same.
    pub parallel: bool,
    /// Of intervals, strictly between 0 and 1. Default 0.95.
    pub confidence: f64,
    /// Of all random streams. Default 0.
    pub seed: u64,
}

impl Default for TemperingSettings {
    fn default() -> Self {
        Self {
            scheme: SwapScheme::EvenOdd,
            steps_per_scan: 1,
            tuning_rounds: 8,
            first_round: 32,
            scans: 10_000,
            thin: 1,
            record_index: false,
            parallel: true,
            confidence: 0.95,
            seed: 0,
        }
    }
}

impl TemperingSettings {
    /// Sets [`scheme`](Self::scheme).
    pub fn scheme(self, scheme: SwapScheme) -> Self {
        Self { scheme, ..self }
    }
    /// Sets [`steps_per_scan`](Self::steps_per_scan).
    pub fn steps_per_scan(self, steps_per_scan: usize) -> Self {
        Self {
            steps_per_scan,
            ..self
        }
    }
    /// Sets [`tuning_rounds`](Self::tuning_rounds).
    pub fn tuning_rounds(self, tuning_rounds: u32) -> Self {
        Self {
            tuning_rounds,
            ..self
        }
    }
    /// Sets [`first_round`](Self::first_round).
    pub fn first_round(self, first_round: usize) -> Self {
        Self {
            first_round,
            ..self
        }
    }
    /// Sets [`scans`](Self::scans).
    pub fn scans(self, scans: usize) -> Self {
        Self { scans, ..self }
    }
    /// Sets [`thin`](Self::thin).
    pub fn thin(self, thin: usize) -> Self {
        Self { thin, ..self }
    }
    /// Sets [`record_index`](Self::record_index).
    pub fn record_index(self, record_index: bool) -> Self {
        Self {
            record_index,
            ..self
        }
    }
    /// Sets [`parallel`](Self::parallel).
    pub fn parallel(self, parallel: bool) -> Self {
        Self { parallel, ..self }
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
            ("steps_per_scan", self.steps_per_scan, 1),
            ("first_round", self.first_round, 2),
            ("scans", self.scans, 1),
            ("thin", self.thin, 1),
        ] {
            if found < least {
                return Err(ArgumentError::new(
                    argument,
                    found,
                    format!("at least {least}"),
                ));
            }
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            let allowed = "strictly between 0 and 1";
            return Err(ArgumentError::new("confidence", self.confidence, allowed));
        }
        let steps = |scans: usize| scans.checked_mul(self.steps_per_scan);
        if self.tuning_rounds > 0
            && self
                .round_length(self.tuning_rounds - 1)
                .and_then(steps)
                .is_none()
        {
            return Err(ArgumentError::new(
                "tuning_rounds",
                self.tuning_rounds,
                "so few that the steps of the last one can be counted",
            ));
        }
        Ok(())
    }

    /// The scans of tuning round `round`, or `None` if they cannot be counted.
    fn round_length(&self, round: u32) -> Option<usize> {
        self.first_round.checked_mul(1usize.checked_shl(round)?)
    }
}

/// Parallel tempering over any kernel and any [`AnnealingPath`].
///
/// The moves are those of [`ParallelTempering`]. Tuning rounds of doubling length let every
/// level's kernel adapt and, after each, move the ladder to equal rejections by the communication
/// [`Barrier`] (Syed et al. 2022). Then ladder and kernels are frozen, and only what
/// follows counts: a time-homogeneous chain to which the kernel's claims apply.
///
/// Replicas move in parallel on rayon's current pool; each has a random stream of its own, swaps
/// have one, and nothing depends on the number of threads. [`start`](Self::start),
/// [`advance`](Self::advance) and [`finish`](Self::finish) are [`run`](Self::run) in pieces: a
/// [`TemperingRun`] can be stored between them (feature `serde`) and goes on with the same bits.
///
/// Use it for several modes that the kernel does not connect and for `log Z`; about `2Λ + 1`
/// levels are best for a given number of cores, more if they are free. Swaps mix best if the
/// moves between them (`steps_per_scan`) forget the energy.
///
/// ```
/// use ergodic_conformance::strategies::PairwiseSpins;
/// use ergodic_core::{GeometricPath, PathBase, Randomness};
/// use ergodic_samplers::{Gibbs, Scan, TemperatureLadder, Tempering, TemperingSettings};
///
/// /// Nine free spins.
/// #[derive(Clone)]
/// struct Free;
/// impl PathBase<Vec<i8>> for Free {
///     fn log_z(&self) -> f64 {
///         9.0 * 2f64.ln()
///     }
///     fn sample<R: Randomness + ?Sized>(&self, rng: &mut R) -> Vec<i8> {
///         (0..9).map(|_| if rng.bernoulli(0.5) { 1 } else { -1 }).collect()
///     }
/// }
/// let spins = PairwiseSpins::torus(3, 0.4)?;
/// let path = GeometricPath { target: &spins, base: Free };
/// let report = Tempering::new(
///     path,
///     Gibbs::new(Scan::Sweep),
///     TemperatureLadder::linear(0.0, 1.0, 4)?,
///     TemperingSettings::default().scans(4000).confidence(0.9999).seed(3),
/// )?
/// .run()?;
/// let exact: f64 = spins.states().iter().map(|s| (-ergodic_core::Energy::energy(&spins, s)).exp()).sum();
/// assert!(report.log_z.as_ref().is_some_and(|z| z.interval.contains(exact.ln())));
/// assert!(report.round_trip_rate > 0.5 * report.barrier.best_rate());
/// assert_eq!(report.draws.len(), 4000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tempering<A, K> {
    path: A,
    kernel: K,
    ladder: TemperatureLadder,
    settings: TemperingSettings,
}

/// A replica of a run, with the kernel of the level where it is and a random stream of its own.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Walker<K, S, X> {
    replica: Replica<S, X>,
    kernel: K,
    stream: ChaCha8Rng,
}

/// What the kernel of a level has done.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Account {
    acceptance: f64,
    moves: u64,
    divergent: u64,
}

/// A tuning round that is over.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TuningRound {
    /// Its scans.
    pub scans: usize,
    /// The barrier on the ladder of the round.
    pub barrier: Barrier,
    /// Round trips that were completed in it.
    pub round_trips: u64,
}

/// A run of [`Tempering`] between two calls: everything that a checkpoint stores.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TemperingRun<K, S, X> {
    ladder: TemperatureLadder,
    walkers: Vec<Walker<K, S, X>>,
    replica_at: Vec<usize>,
    swap_stream: ChaCha8Rng,
    round: u32,
    scan: usize,
    statistics: SwapStatistics,
    trips: RoundTrips,
    accounts: Vec<Account>,
    rounds: Vec<TuningRound>,
    draws: Vec<X>,
    index: Vec<u32>,
}

impl<K, S, X> TemperingRun<K, S, X> {
    /// The ladder as it stands.
    pub fn ladder(&self) -> &TemperatureLadder {
        &self.ladder
    }

    /// The tuning rounds that are over.
    pub fn tuning_rounds(&self) -> &[TuningRound] {
        &self.rounds
    }

    /// The scan of the present round that comes next.
    pub fn scan(&self) -> usize {
        self.scan
    }

    fn begin(&mut self) {
        let levels = self.walkers.len();
        self.scan = 0;
        self.statistics = SwapStatistics::new(levels - 1);
        // Journeys go on: to forget them would cost every replica one round trip.
        self.trips.completed = 0;
        self.accounts = vec![Account::default(); levels];
    }

    fn barrier(&self) -> Result<Barrier, ArgumentError> {
        let pairs = self.ladder.pairs();
        let rejections: Vec<f64> = (0..pairs).map(|i| self.statistics.rejection(i)).collect();
        Barrier::new(&self.ladder, &rejections)
    }
}

/// The levels of the replicas after each frozen scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexProcess {
    replicas: usize,
    levels: Vec<u32>,
}

impl IndexProcess {
    /// The number of scans.
    pub fn scans(&self) -> usize {
        self.levels.len() / self.replicas
    }

    /// The level of every replica after scan `scan`, if there is one.
    pub fn levels(&self, scan: usize) -> Option<&[u32]> {
        self.levels.chunks_exact(self.replicas).nth(scan)
    }
}

/// The swaps of one pair of neighbouring levels in the frozen scans.
#[derive(Clone, Debug, PartialEq)]
pub struct SwapReport {
    /// The lower level.
    pub from: f64,
    /// The upper level.
    pub to: f64,
    /// Swaps proposed.
    pub proposed: u64,
    /// Swaps accepted.
    pub accepted: u64,
    /// The mean acceptance probability, with an interval that knows of autocorrelation.
    pub acceptance: Estimate,
}

/// What [`Tempering`] hands back.
#[derive(Clone, Debug)]
pub struct TemperingReport<K, X> {
    /// The frozen ladder.
    pub ladder: TemperatureLadder,
    /// The frozen kernel of each level.
    pub kernels: Vec<K>,
    /// Which pairs have swapped.
    pub scheme: SwapScheme,
    /// Steps of the kernel between swaps.
    pub steps_per_scan: usize,
    /// The communication barrier in the frozen scans.
    pub barrier: Barrier,
    /// The swaps of each pair.
    pub swaps: Vec<SwapReport>,
    /// Base to target to base, all replicas together; those under way when the ladder was frozen
    /// count when they arrive.
    pub round_trips: u64,
    /// Round trips per scan.
    pub round_trip_rate: f64,
    /// `log Z_N/Z_0` by stepping stones from below (biased low), from above (biased high), and
    /// their mean. Their bias dominates where the intervals of the two do not meet.
    pub log_ratio_forward: Estimate,
    /// See [`log_ratio_forward`](Self::log_ratio_forward).
    pub log_ratio_reverse: Estimate,
    /// See [`log_ratio_forward`](Self::log_ratio_forward).
    pub log_ratio: Estimate,
    /// `log Z` of the target, where the path has a base and the ladder starts there.
    pub log_z: Option<Estimate>,
    /// `log Z_k/Z_0` of every level: weights for
    /// [`SimulatedTempering`](crate::SimulatedTempering) with the sign turned.
    pub log_ratios: Vec<f64>,
    /// The mean acceptance of the moves within each level, where the kernel has one.
    pub acceptance: Vec<Option<f64>>,
    /// Divergent moves within each level.
    pub divergent: Vec<u64>,
    /// States at the target level, in order.
    pub draws: Vec<X>,
    /// The levels of the replicas, if they were asked for.
    pub index: Option<IndexProcess>,
    /// The tuning rounds.
    pub rounds: Vec<TuningRound>,
}

impl<A, K> Tempering<A, K> {
    /// With a first ladder; its ends stay, the levels between them are tuned.
    ///
    /// # Errors
    /// If a setting is outside its domain.
    pub fn new(
        path: A,
        kernel: K,
        ladder: TemperatureLadder,
        settings: TemperingSettings,
    ) -> Result<Self, ArgumentError> {
        settings.check()?;
        Ok(Self {
            path,
            kernel,
            ladder,
            settings,
        })
    }
}

/// The run of kernel `K` along path `A`.
type RunOf<A, K> =
    TemperingRun<K, <K as MarkovKernel<<A as AnnealingPath>::Target>>::State, OwnedOf<A>>;

impl<A, K> Tempering<A, K>
where
    A: AnnealingPath + Sync,
    A::Target: Sync,
    OwnedOf<A>: Clone + Send + Sync,
    K: MarkovKernel<A::Target> + Send + Sync,
    K::State: Send + Sync,
{
    fn exact(&self) -> bool {
        self.ladder.levels()[0] == 0.0 && self.path.log_z_base().is_some()
    }

    fn targets(&self, ladder: &TemperatureLadder) -> Vec<A::Target> {
        ladder.levels().iter().map(|&t| self.path.at(t)).collect()
    }

    /// A run whose replicas start at draws from the base of the path.
    ///
    /// # Errors
    /// If the path has no base, or no draw from it has finite energy.
    pub fn start(&self) -> Result<RunOf<A, K>, TargetError> {
        let mut rng = stream(self.settings.seed, START_STREAM);
        let last = self.ladder.levels()[self.ladder.pairs()];
        let starts = (0..self.ladder.len())
            .map(|_| start(&self.path, last, &mut rng))
            .collect::<Result<Vec<_>, _>>()?;
        self.start_at(&starts)
    }

    /// A run whose replicas start at `starts`, one per level.
    ///
    /// # Errors
    /// If there are more or fewer, or one has no finite energy at its level.
    pub fn start_at(&self, starts: &[OwnedOf<A>]) -> Result<RunOf<A, K>, TargetError> {
        let levels = self.ladder.len();
        if starts.len() != levels {
            return Err(TargetError::dimension(
                "the list of starts",
                starts.len(),
                levels,
            ));
        }
        let walkers = self
            .targets(&self.ladder)
            .iter()
            .zip(starts)
            .enumerate()
            .map(|(level, (target, x))| {
                let state = self.kernel.init(target, x.borrow());
                Ok(Walker {
                    replica: Replica {
                        state: state.map_err(|e| e.at(level, 0))?,
                        draw: x.clone(),
                        drawn: false,
                        level,
                    },
                    kernel: self.kernel.clone(),
                    stream: stream(self.settings.seed, REPLICA_STREAMS + level as u64),
                })
            })
            .collect::<Result<Vec<_>, TargetError>>()?;
        let mut run = TemperingRun {
            ladder: self.ladder.clone(),
            walkers,
            replica_at: (0..levels).collect(),
            swap_stream: stream(self.settings.seed, SWAP_STREAM),
            round: 0,
            scan: 0,
            statistics: SwapStatistics::new(0),
            trips: RoundTrips::new(levels),
            accounts: Vec::new(),
            rounds: Vec::new(),
            draws: Vec::new(),
            index: Vec::new(),
        };
        run.begin();
        Ok(run)
    }

    /// Goes on by `scans` scans at most; whether the run is complete.
    ///
    /// # Errors
    /// If the target fails for good; the error names replica and scan, and the run is spent.
    pub fn advance(&self, run: &mut RunOf<A, K>, scans: usize) -> Result<bool, AnnealingError> {
        let settings = &self.settings;
        let mut targets = self.targets(&run.ladder);
        for _ in 0..scans {
            if run.round >= settings.tuning_rounds {
                if run.scan >= settings.scans {
                    return Ok(true);
                }
                self.scan(run, &targets, None)?;
                if run.scan.is_multiple_of(settings.thin) {
                    let top = &run.walkers[run.replica_at[run.ladder.pairs()]];
                    let last = &targets[run.ladder.pairs()];
                    let x = top.replica.position(last, &top.kernel);
                    run.draws.push(x.to_owned());
                }
                if settings.record_index {
                    let levels = run.walkers.iter().map(|w| w.replica.level as u32);
                    run.index.extend(levels);
                }
            } else {
                // Counted when the settings were checked.
                let of = settings.round_length(run.round).unwrap_or(usize::MAX);
                let step = run.scan;
                self.scan(run, &targets, Some(WarmupStep { step, of }))?;
                if run.scan == of {
                    targets = self.tune(run)?;
                }
            }
        }
        Ok(run.round >= settings.tuning_rounds && run.scan >= settings.scans)
    }

    /// Moves of all replicas, then swaps.
    fn scan(
        &self,
        run: &mut RunOf<A, K>,
        targets: &[A::Target],
        warmup: Option<WarmupStep>,
    ) -> Result<(), TargetError> {
        let (exact, steps, scan) = (self.exact(), self.settings.steps_per_scan, run.scan);
        let explore = |walker: &mut Walker<K, K::State, OwnedOf<A>>| {
            let target = &targets[walker.replica.level];
            walker.replica.explore(
                &self.path,
                target,
                &mut walker.kernel,
                exact,
                steps,
                warmup,
                &mut walker.stream,
            )
        };
        let alone = !self.settings.parallel || rayon::current_num_threads() == 1;
        let moved: Vec<Result<StepStats, TargetError>> = if alone {
            run.walkers.iter_mut().map(explore).collect()
        } else {
            run.walkers.par_iter_mut().map(explore).collect()
        };
        for (replica, stats) in moved.into_iter().enumerate() {
            let stats = stats.map_err(|e| e.at(replica, scan))?;
            let account = &mut run.accounts[run.walkers[replica].replica.level];
            if let Some(acceptance) = stats.acceptance {
                account.acceptance += acceptance;
                account.moves += 1;
            }
            account.divergent += u64::from(stats.divergent);
        }
        self.swap(run, targets)
    }

    fn swap(&self, run: &mut RunOf<A, K>, targets: &[A::Target]) -> Result<(), TargetError> {
        use ergodic_core::Randomness;
        let (exact, scan) = (self.exact(), run.scan);
        let parity = match self.settings.scheme {
            SwapScheme::EvenOdd => scan % 2,
            SwapScheme::Stochastic => usize::from(run.swap_stream.bernoulli(0.5)),
        };
        let levels = run.ladder.levels();
        for i in (parity..levels.len() - 1).step_by(2) {
            let (low, high) = (run.replica_at[i], run.replica_at[i + 1]);
            let Ok([a, b]) = run.walkers.get_disjoint_mut([low, high]) else {
                return Err(TargetError::new("two levels hold the same replica"));
            };
            let exchange = weigh(
                &self.path,
                a.replica.position(&targets[i], &a.kernel),
                b.replica.position(&targets[i + 1], &b.kernel),
                levels[i],
                levels[i + 1],
            )
            .map_err(|e| e.at(low, scan))?;
            let accepted = run.swap_stream.bernoulli(exchange.acceptance);
            run.statistics.push(i, exchange, accepted);
            if accepted {
                // The kernel of a level stays there: it was tuned for it.
                std::mem::swap(&mut a.kernel, &mut b.kernel);
                a.replica
                    .arrive(i + 1, &targets[i + 1], &a.kernel, exact)
                    .map_err(|e| e.at(low, scan))?;
                b.replica
                    .arrive(i, &targets[i], &b.kernel, exact)
                    .map_err(|e| e.at(high, scan))?;
                run.replica_at.swap(i, i + 1);
            }
        }
        run.statistics.scan();
        let top = run.replica_at[levels.len() - 1];
        run.trips.visit(run.replica_at[0], top);
        run.scan += 1;
        Ok(())
    }

    /// Ends a tuning round: moves the ladder to equal rejections.
    fn tune(&self, run: &mut RunOf<A, K>) -> Result<Vec<A::Target>, AnnealingError> {
        let barrier = run.barrier()?;
        // Levels that would coincide in `f64` stay where they are.
        if let Ok(ladder) = barrier.equalised(run.ladder.len()) {
            run.ladder = ladder;
        }
        run.rounds.push(TuningRound {
            scans: run.scan,
            barrier,
            round_trips: run.trips.completed,
        });
        let targets = self.targets(&run.ladder);
        let exact = self.exact();
        for (id, walker) in run.walkers.iter_mut().enumerate() {
            let level = walker.replica.level;
            walker
                .replica
                .arrive(level, &targets[level], &walker.kernel, exact)
                .map_err(|e| e.at(id, run.scan))?;
        }
        run.round += 1;
        run.begin();
        Ok(targets)
    }

    /// The report of the frozen scans that have been made.
    ///
    /// # Errors
    /// If there are none yet, or some pair of levels has not seen a finite weight.
    pub fn finish(
        &self,
        run: RunOf<A, K>,
    ) -> Result<TemperingReport<K, OwnedOf<A>>, AnnealingError> {
        let TemperingSettings {
            tuning_rounds,
            confidence,
            record_index,
            scheme,
            steps_per_scan,
            ..
        } = self.settings;
        if run.round < tuning_rounds || run.scan == 0 {
            return Err(ArgumentError::new(
                "run",
                format!("in tuning round {} with {} scans", run.round, run.scan),
                "past its tuning rounds by at least one scan",
            )
            .into());
        }
        let barrier = run.barrier()?;
        let levels = run.ladder.levels();
        let swaps = (0..run.ladder.pairs())
            .map(|i| {
                let (proposed, accepted) = run.statistics.counts(i);
                Ok(SwapReport {
                    from: levels[i],
                    to: levels[i + 1],
                    proposed,
                    accepted,
                    acceptance: run.statistics.acceptance(i, confidence)?,
                })
            })
            .collect::<Result<_, ArgumentError>>()?;
        let [forward, reverse, both] = run.statistics.log_ratio(confidence)?;
        let log_z = self.path.log_z_base().filter(|_| self.exact()).map(|base| {
            let mut log_z = both.clone();
            log_z.value += base;
            log_z.interval.lower += base;
            log_z.interval.upper += base;
            log_z
        });
        let mut walkers = run.walkers;
        walkers.sort_by_key(|w| w.replica.level);
        Ok(TemperingReport {
            scheme,
            steps_per_scan,
            barrier,
            swaps,
            round_trips: run.trips.completed,
            round_trip_rate: run.trips.completed as f64 / run.scan as f64,
            log_ratio_forward: forward,
            log_ratio_reverse: reverse,
            log_ratio: both,
            log_z,
            log_ratios: run.statistics.log_ratios(),
            acceptance: run
                .accounts
                .iter()
                .map(|a| (a.moves > 0).then(|| a.acceptance / a.moves as f64))
                .collect(),
            divergent: run.accounts.iter().map(|a| a.divergent).collect(),
            draws: run.draws,
            index: record_index.then_some(IndexProcess {
                replicas: walkers.len(),
                levels: run.index,
            }),
            rounds: run.rounds,
            kernels: walkers.into_iter().map(|w| w.kernel).collect(),
            ladder: run.ladder,
        })
    }

    /// Tuning and frozen scans from draws of the base, and the report.
    ///
    /// # Errors
    /// As [`start`](Self::start), [`advance`](Self::advance) and [`finish`](Self::finish).
    pub fn run(&self) -> Result<TemperingReport<K, OwnedOf<A>>, AnnealingError> {
        let mut run = self.start()?;
        while !self.advance(&mut run, usize::MAX)? {}
        self.finish(run)
    }

    /// As [`run`](Self::run) with replicas that start at `starts`, one per level: for paths
    /// without a base.
    ///
    /// # Errors
    /// As [`start_at`](Self::start_at), [`advance`](Self::advance) and [`finish`](Self::finish).
    pub fn run_from(
        &self,
        starts: &[OwnedOf<A>],
    ) -> Result<TemperingReport<K, OwnedOf<A>>, AnnealingError> {
        let mut run = self.start_at(starts)?;
        while !self.advance(&mut run, usize::MAX)? {}
        self.finish(run)
    }
}

impl<K: Clone, X> TemperingReport<K, X> {
    /// The frozen run as a kernel on the product of its levels, with the same swaps and steps
    /// between them, and that product on `path`.
    ///
    /// # Errors
    /// If [`steps_per_scan`](Self::steps_per_scan) has been set to 0.
    #[allow(clippy::type_complexity)]
    pub fn frozen<A: AnnealingPath>(
        &self,
        path: A,
    ) -> Result<(ParallelTempering<K>, LevelProduct<A>), ArgumentError> {
        let kernel = ParallelTempering::with_kernels(self.kernels.clone())
            .scheme(self.scheme)
            .steps_per_scan(self.steps_per_scan)?;
        Ok((kernel, LevelProduct::new(path, self.ladder.clone())))
    }
}
