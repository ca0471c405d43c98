//! The driver: runs the chains of a kernel on a target and returns their draws.
//!
//! [`Sampler`] is the way in, [`Run`] what comes out.

mod chain;
#[cfg(feature = "serde")]
mod checkpoint;
mod error;
mod observer;
mod progress_lines;
mod record;
mod sink;
mod stats;
mod verdict;

use std::sync::atomic::{AtomicBool, AtomicUsize};

use ergodic_core::{ArgumentError, Draws, Energy, MarkovKernel};
use ergodic_math::rng::stream;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

#[cfg(feature = "serde")]
use chain::Keep;
use chain::{Chain, Plan};
use record::Owned;
use sink::{InMemory, Memory};

pub use error::{FileError, SampleError, SinkError};
pub use observer::{Observer, Progress};
pub use progress_lines::ProgressLines;
pub use record::{
    Coordinates, GivenStarts, Observe, Positions, Record, Starts, StartsWith, UniformStarts,
};
pub use sink::{Both, ChainSink, DrawSink, RunShape};
pub use stats::{Stats, Totals};
pub use verdict::{Problem, Verdict};

/// Runs chains of one kernel on one target.
///
/// Each chain has its own copy of the kernel and its own stream of random numbers,
/// `ergodic_math::rng::stream(seed, chain)`, from which its start is drawn too; it makes
/// [`warmup`](Self::warmup) steps, after each of which the kernel
/// [adapts](MarkovKernel::adapt), and then [`draws`](Self::draws) draws with the frozen kernel.
/// Chains run in parallel, and the same seed gives the same bits for any number of threads.
///
/// | setting | default |
/// |---|---|
/// | [`chains`](Self::chains) | 4 |
/// | [`warmup`](Self::warmup) | 1000 |
/// | [`draws`](Self::draws) | 1000 |
/// | [`thin`](Self::thin) | 1 |
/// | [`seed`](Self::seed) | 0 |
/// | [`threads`](Self::threads) | those of the surrounding rayon pool |
/// | starts | uniform on `(−2, 2)ᵈ` ([`UniformStarts`]; needs an `EnergyGradient`) |
/// | what is recorded | [`Positions`]: what the target says of itself, or else its coordinates |
///
/// Settings are checked when the run begins.
///
/// # A log density
///
/// ```
/// use ergodic_samplers::{LogDensity, Nuts, Sampler};
///
/// let normal = LogDensity::new(2, |x: &[f64], gradient: &mut [f64]| {
///     gradient.copy_from_slice(&[-x[0], -x[1]]);
///     -0.5 * (x[0] * x[0] + x[1] * x[1])
/// });
/// let run = Sampler::new(Nuts::new(), &normal)
///     .names(["a", "b"])
///     .warmup(300)
///     .draws(500)
///     .seed(1)
///     .run()?;
/// run.verdict()?; // an error if there were divergences, say
/// let draws = run.draws.parameter(0).flatten().collect::<Vec<_>>();
/// assert!((draws.iter().sum::<f64>() / 2000.0).abs() < 0.2);
/// assert!(run.stats.step_size(0).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Spins, or any other state
///
/// ```
/// use ergodic_conformance::strategies::PairwiseSpins;
/// use ergodic_core::Energy;
/// use ergodic_samplers::{Gibbs, Sampler, Scan};
///
/// let ising = PairwiseSpins::torus(3, 0.2)?;
/// let run = Sampler::new(Gibbs::new(Scan::Sweep), &ising)
///     .starts(vec![vec![1; 9]]) // one for all chains
///     .observe(["energy", "magnetisation"], |target: &PairwiseSpins, s: &[i8], out| {
///         out[0] = target.energy(s);
///         out[1] = s.iter().map(|&s| f64::from(s)).sum::<f64>() / 9.0;
///     })
///     .chains(2)
///     .warmup(100)
///     .draws(500)
///     .seed(1)
///     .run()?;
/// assert_eq!(run.draws.names(), ["energy", "magnetisation"]);
/// assert_eq!((run.draws.num_chains(), run.draws.num_draws()), (2, 500));
/// run.verdict()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Stopping
///
/// [`stop`](Self::stop) takes a flag that is looked at between draws; what was drawn is kept. For
/// Ctrl-C, with the crate `ctrlc`:
///
/// ```text
/// static STOP: AtomicBool = AtomicBool::new(false);
/// ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed))?;
/// let run = Sampler::new(kernel, &target).stop(&STOP).checkpoint("run.ckpt", 1000).run()?;
/// ```
pub struct Sampler<'a, K, T, R = Positions, S = UniformStarts>
where
    T: Energy + ?Sized,
    K: MarkovKernel<T>,
{
    kernel: K,
    target: &'a T,
    record: R,
    starts: S,
    settings: Settings,
    names: Option<Vec<String>>,
    observer: Option<Box<dyn Observer + 'a>>,
    stop: Option<&'a AtomicBool>,
    #[cfg(feature = "serde")]
    files: checkpoint::Files<K, K::State>,
}

#[derive(Clone, Copy)]
struct Settings {
    chains: usize,
    warmup: usize,
    draws: usize,
    thin: usize,
    seed: u64,
    threads: Option<usize>,
}

impl Settings {
    fn check(&self) -> Result<(), ArgumentError> {
        for (argument, found) in [
            ("chains", self.chains),
            ("draws", self.draws),
            ("thin", self.thin),
            ("threads", self.threads.unwrap_or(1)),
        ] {
            if found == 0 {
                return Err(ArgumentError::new(argument, found, "at least 1"));
            }
        }
        let total = self
            .draws
            .checked_mul(self.thin)
            .and_then(|n| n.checked_add(self.warmup));
        if total.is_none() {
            return Err(ArgumentError::new(
                "draws",
                self.draws,
                "so few that warmup + draws · thin can be counted",
            ));
        }
        Ok(())
    }
}

impl<'a, K, T> Sampler<'a, K, T>
where
    T: Energy + ?Sized,
    K: MarkovKernel<T>,
{
    /// Chains of `kernel` on `target`, with the settings of the table above.
    pub fn new(kernel: K, target: &'a T) -> Self {
        Self {
            kernel,
            target,
            record: Positions,
            starts: UniformStarts,
            settings: Settings {
                chains: 4,
                warmup: 1000,
                draws: 1000,
                thin: 1,
                seed: 0,
                threads: None,
            },
            names: None,
            observer: None,
            stop: None,
            #[cfg(feature = "serde")]
            files: checkpoint::Files::default(),
        }
    }
}

impl<'a, K, T, R, S> Sampler<'a, K, T, R, S>
where
    T: Energy + ?Sized,
    K: MarkovKernel<T>,
{
    /// The number of chains, at least 1.
    pub fn chains(mut self, chains: usize) -> Self {
        self.settings.chains = chains;
        self
    }

    /// The steps of each chain in which its kernel adapts; nothing of them is recorded.
    pub fn warmup(mut self, steps: usize) -> Self {
        self.settings.warmup = steps;
        self
    }

    /// The draws of each chain, at least 1.
    pub fn draws(mut self, draws: usize) -> Self {
        self.settings.draws = draws;
        self
    }

    /// The steps for each draw, at least 1. Thinning saves memory, never time: it loses
    /// information (Link and Eaton, *Methods Ecol. Evol.* 3, 112, 2012).
    pub fn thin(mut self, steps: usize) -> Self {
        self.settings.thin = steps;
        self
    }

    /// The seed; with the number of the chain it fixes every bit of that chain.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Runs on a pool of so many threads of its own, at least 1; 1 is the calling thread.
    pub fn threads(mut self, threads: usize) -> Self {
        self.settings.threads = Some(threads);
        self
    }

    /// Names of what is recorded, instead of `x[0]`, `x[1]`, … or the target's own.
    pub fn names<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Tells `observer` how the run goes: a function of [`Progress`], or [`ProgressLines`].
    pub fn progress(mut self, observer: impl Observer + 'a) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Stops the run once `flag` is set: every chain finishes the draw that it is at, and what was
    /// drawn is kept, chains cut to the length of the shortest.
    pub fn stop(mut self, flag: &'a AtomicBool) -> Self {
        self.stop = Some(flag);
        self
    }

    /// Records functions of the position: `function` writes one value for each name.
    pub fn observe<N: Into<String>, F>(
        self,
        names: impl IntoIterator<Item = N>,
        function: F,
    ) -> Sampler<'a, K, T, Observe<F>, S>
    where
        F: Fn(&T, &T::State, &mut [f64]) + Sync,
    {
        let names = names.into_iter().map(Into::into).collect();
        self.with(|_| Observe { names, function }, |starts| starts)
    }

    /// Starts at these positions: one for each chain, or one for all.
    pub fn starts(
        self,
        positions: Vec<<T::State as ToOwned>::Owned>,
    ) -> Sampler<'a, K, T, R, GivenStarts<<T::State as ToOwned>::Owned>> {
        self.with(|record| record, |_| GivenStarts { positions })
    }

    /// Starts at what `function` makes of the target, the number of the chain, and the stream of
    /// the chain.
    pub fn start_with<F>(self, function: F) -> Sampler<'a, K, T, R, StartsWith<F>>
    where
        F: Fn(&T, usize, &mut ChaCha8Rng) -> <T::State as ToOwned>::Owned + Sync,
    {
        self.with(|record| record, |_| StartsWith { function })
    }

    fn with<R2, S2>(
        self,
        record: impl FnOnce(R) -> R2,
        starts: impl FnOnce(S) -> S2,
    ) -> Sampler<'a, K, T, R2, S2> {
        Sampler {
            kernel: self.kernel,
            target: self.target,
            record: record(self.record),
            starts: starts(self.starts),
            settings: self.settings,
            names: self.names,
            observer: self.observer,
            stop: self.stop,
            #[cfg(feature = "serde")]
            files: self.files,
        }
    }
}

/// Checkpoints need the kernel and its state to be serialisable, which every kernel of this crate
/// is.
#[cfg(feature = "serde")]
impl<K, T, R, S> Sampler<'_, K, T, R, S>
where
    T: Energy + ?Sized,
    K: MarkovKernel<T> + serde::Serialize + serde::de::DeserializeOwned,
    K::State: serde::Serialize + serde::de::DeserializeOwned,
{
    /// Writes everything that the rest of the run depends on to `path`, each time a chain has
    /// done another `every` warm-up steps or draws, and once when the run ends or is stopped.
    ///
    /// The file is replaced as a whole, so a kill at any time leaves a good one. It holds all draws
    /// so far: a write takes the longer the more there are, and there are
    /// `chains · (warmup + draws) / every` writes.
    pub fn checkpoint(mut self, path: impl Into<std::path::PathBuf>, every: usize) -> Self {
        self.files.write = Some((path.into(), every, checkpoint::Codec::new()));
        self
    }

    /// Continues the run whose checkpoint is at `path`, with the bits that it would have had
    /// without a break: in the warm-up or after it, on any number of threads.
    ///
    /// Seed, chains, warm-up, thinning, names, kernel, its settings, and the energy of the target
    /// at the positions have to be those of the file, or the run is refused. The number of draws
    /// may be larger, to lengthen a run that was finished.
    pub fn resume(mut self, path: impl Into<std::path::PathBuf>) -> Self {
        self.files.resume = Some((path.into(), checkpoint::Codec::new()));
        self
    }
}

/// A run that was made: its draws, the account of its steps, and its chains.
#[derive(Clone, Debug)]
#[must_use]
pub struct Run<K, S> {
    /// The draws, chains × draws × parameters.
    pub draws: Draws,
    /// What the steps did, draw by draw.
    pub stats: Stats,
    /// The chains as they ended.
    pub chains: Vec<ChainEnd<K, S>>,
    /// Whether the run was stopped before it was done. Chains are then cut to the length of the
    /// shortest; each says its own.
    pub interrupted: bool,
}

/// A run whose draws went to a sink.
#[derive(Clone, Debug)]
#[must_use]
pub struct Streamed<K, S, C> {
    /// The names of the parameters.
    pub names: Vec<String>,
    /// What received the draws, chain by chain.
    pub sinks: Vec<C>,
    /// The chains as they ended.
    pub chains: Vec<ChainEnd<K, S>>,
    /// Whether the run was stopped before it was done; chains may then differ in length.
    pub interrupted: bool,
}

/// A chain at the end of a run.
#[derive(Clone, Debug)]
pub struct ChainEnd<K, S> {
    /// The kernel, frozen with what it learnt in the warm-up.
    pub kernel: K,
    /// Its last state.
    pub state: S,
    /// The draws that were made.
    pub draws: usize,
    /// What the steps of the warm-up did.
    pub warmup: Totals,
    /// What the steps of the sampling did.
    pub sampling: Totals,
}

impl<K, S> ChainEnd<K, S> {
    fn divergence_problem(&self, chain: usize) -> Option<Problem> {
        (self.sampling.divergences > 0).then_some(Problem::Divergences {
            chain,
            divergences: self.sampling.divergences,
            steps: self.sampling.steps,
        })
    }
}

impl<K, S> Run<K, S> {
    /// Divergences after the warm-up, chain by chain.
    pub fn divergences(&self) -> Vec<u64> {
        self.chains.iter().map(|c| c.sampling.divergences).collect()
    }

    /// Evaluations of the gradient by all chains: in the warm-up, and after it.
    pub fn gradients(&self) -> (u64, u64) {
        self.chains.iter().fold((0, 0), |(w, s), c| {
            (w + c.warmup.gradients, s + c.sampling.gradients)
        })
    }
}

/// A chain before its first step of this run, and what its sink needs to go on.
struct Begun<K, S> {
    chain: Chain<K, S>,
    saved: Option<Vec<u8>>,
}

/// The chains that a checkpoint holds (`None` where one has not begun), and the file with the names
/// of what it recorded.
#[cfg(feature = "serde")]
type Restoration<K, S> = (
    Vec<Option<Begun<K, S>>>,
    Option<(std::path::PathBuf, Vec<String>)>,
);

/// What `drive` returns: names, chains with their sinks.
struct Driven<K, S, C> {
    shape: RunShape,
    chains: Vec<(Chain<K, S>, C)>,
}

impl<K, T, R, S> Sampler<'_, K, T, R, S>
where
    T: Energy + Sync + ?Sized,
    K: MarkovKernel<T> + Send + Sync,
    K::State: Send,
    R: Record<T>,
    S: Starts<T>,
{
    /// Runs, and keeps every draw in memory.
    ///
    /// # Errors
    /// If a setting is outside its domain, a start or the target fails, a checkpoint cannot be
    /// read, written or continued, or the run was stopped before every chain had a draw. Where
    /// several chains fail, the error is that of the earliest warm-up step or draw, of the chain
    /// with the lowest number if there are several: the same for any number of threads.
    pub fn run(self) -> Result<Run<K, K::State>, SampleError> {
        let settings = self.settings;
        let driven = self.drive(&Memory)?;
        let counts = driven.counts(settings.warmup);
        let shortest = counts.iter().copied().min().unwrap_or(0);
        if shortest == 0 {
            return Err(SampleError::Interrupted {
                iterations: driven.chains.iter().map(|c| c.0.iterations).collect(),
            });
        }
        let chains = driven.chains.len();
        let parameters = driven.shape.names.len();
        let mut values = Vec::new();
        let mut rows = Vec::new();
        let mut ends = Vec::with_capacity(chains);
        for ((chain, memory), draws) in driven.chains.into_iter().zip(&counts) {
            let InMemory {
                values: v, rows: r, ..
            } = memory;
            if values.is_empty() {
                // The first chain lends its memory: one chain is not copied at all.
                (values, rows) = (v, r);
                values.truncate(shortest * parameters);
                rows.truncate(shortest);
                values.reserve_exact((chains - 1) * shortest * parameters);
                rows.reserve_exact((chains - 1) * shortest);
            } else {
                values.extend_from_slice(&v[..shortest * parameters]);
                rows.extend_from_slice(&r[..shortest]);
            }
            ends.push(chain.end(*draws));
        }
        Ok(Run {
            draws: Draws::new(driven.shape.names, chains, shortest, values)?,
            stats: Stats::new(chains, rows)?,
            chains: ends,
            interrupted: counts.iter().any(|&n| n < settings.draws),
        })
    }

    /// Runs, and gives each draw to `sink`; nothing is kept here, so memory does not grow with the
    /// number of draws.
    ///
    /// # Errors
    /// As [`run`](Self::run), and if the sink refuses a draw. A run that was stopped early is no
    /// error here.
    pub fn stream_to<D>(self, sink: &D) -> Result<Streamed<K, K::State, D::Chain>, SampleError>
    where
        D: DrawSink,
    {
        let settings = self.settings;
        let mut driven = self.drive(sink)?;
        let counts = driven.counts(settings.warmup);
        for ((_, sink), draws) in driven.chains.iter_mut().zip(&counts) {
            sink.finish(*draws)?;
        }
        let (mut chains, mut sinks) = (Vec::new(), Vec::new());
        for ((chain, sink), draws) in driven.chains.into_iter().zip(&counts) {
            chains.push(chain.end(*draws));
            sinks.push(sink);
        }
        Ok(Streamed {
            names: driven.shape.names,
            sinks,
            chains,
            interrupted: counts.iter().any(|&n| n < settings.draws),
        })
    }

    /// Begins the chains, moves them, and returns them with their sinks.
    fn drive<D: DrawSink>(
        mut self,
        sink: &D,
    ) -> Result<Driven<K, K::State, D::Chain>, SampleError> {
        self.settings.check()?;
        self.starts.check(self.settings.chains)?;
        let pool = match self.settings.threads {
            None | Some(1) => None,
            Some(threads) => Some(
                rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .map_err(|e| SampleError::Threads(e.to_string()))?,
            ),
        };
        let threads = Threads {
            pool,
            alone: self.settings.threads == Some(1) || self.settings.chains == 1,
        };

        let mut shape = RunShape {
            names: Vec::new(),
            chains: self.settings.chains,
            draws: self.settings.draws,
        };
        #[cfg(feature = "serde")]
        let (mut begun, stored_names) = self.restore::<D>(&shape)?;
        #[cfg(not(feature = "serde"))]
        let mut begun: Vec<_> = (0..self.settings.chains).map(|_| None).collect();
        threads
            .each(&mut begun, |index, slot: &mut Option<Begun<_, _>>| {
                if slot.is_none() {
                    *slot = Some(self.begin(index)?);
                }
                Ok(())
            })
            .into_iter()
            .collect::<Result<(), _>>()?;
        let begun: Vec<Begun<K, K::State>> = begun.into_iter().flatten().collect();
        shape.names = self.names_of(&begun)?;
        #[cfg(feature = "serde")]
        if let Some((path, stored)) = stored_names
            && stored != shape.names
        {
            let reason = format!(
                "cannot be continued by this run: its parameters are {stored:?}, here {:?}",
                shape.names
            );
            return Err(SampleError::Checkpoint(FileError::new(path, reason)));
        }

        let mut chains = Vec::with_capacity(begun.len());
        let resumed = begun.iter().any(|b| b.saved.is_some());
        for (index, Begun { chain, saved }) in begun.into_iter().enumerate() {
            let draws = chain.iterations.saturating_sub(self.settings.warmup);
            let sink = match saved {
                None => sink.open(index, &shape)?,
                Some(saved) => sink.resume(index, &shape, draws, &saved)?,
            };
            chains.push((chain, sink));
        }

        #[cfg(feature = "serde")]
        let keeper = self.keeper::<D>(&shape)?;
        #[cfg(feature = "serde")]
        let keeper = keeper.as_ref().map(|k| k as &dyn Keep<_, _, D::Chain>);
        #[cfg(not(feature = "serde"))]
        let keeper = None;
        let plan = Plan {
            target: self.target,
            record: &self.record,
            parameters: shape.names.len(),
            warmup: self.settings.warmup,
            draws: self.settings.draws,
            thin: self.settings.thin,
            stop: self.stop,
            failed_at: AtomicUsize::new(usize::MAX),
            observer: self.observer.as_deref(),
            keeper,
        };
        if let (Some(keeper), true) = (plan.keeper, resumed) {
            // The first file of this run must not forget chains that have not moved yet.
            for (index, (chain, sink)) in chains.iter_mut().enumerate() {
                plan.keep(keeper, index, chain, sink, false)?;
            }
        }
        let outcomes = threads.each(&mut chains, |index, (chain, sink)| {
            plan.advance(index, chain, sink)
        });
        // Of several chains that failed, the first that did: by its iterations, then its number.
        let failures = outcomes.into_iter().zip(&chains);
        let failures = failures.filter_map(|(o, (chain, _))| Some((chain.iterations, o.err()?)));
        match failures.min_by_key(|(iterations, _)| *iterations) {
            Some((_, error)) => Err(error),
            None => Ok(Driven { shape, chains }),
        }
    }

    fn begin(&self, index: usize) -> Result<Begun<K, K::State>, SampleError> {
        let mut rng = stream(self.settings.seed, index as u64);
        let start: Owned<T> = self.starts.start(self.target, index, &mut rng)?;
        let kernel = self.kernel.clone();
        let state = kernel
            .init(self.target, std::borrow::Borrow::borrow(&start))
            .map_err(|e| e.at(index, 0))?;
        Ok(Begun {
            chain: Chain {
                kernel,
                state,
                rng,
                iterations: 0,
                warmup: Totals::default(),
                sampling: Totals::default(),
            },
            saved: None,
        })
    }

    /// The names of what is recorded, checked.
    fn names_of(&mut self, begun: &[Begun<K, K::State>]) -> Result<Vec<String>, SampleError> {
        let position = |b: &Begun<K, K::State>| {
            let position = b.chain.kernel.position(self.target, &b.chain.state);
            (
                self.record.len(self.target, position),
                self.record.names(self.target, position),
            )
        };
        let mut all = begun.iter().map(position);
        let Some((length, names)) = all.next() else {
            return Err(ArgumentError::new("chains", 0, "at least 1").into());
        };
        if let Some((chain, (other, _))) = all.enumerate().find(|(_, (n, _))| *n != length) {
            return Err(ArgumentError::new(
                "starts",
                format!("of {other} values in chain {}", chain + 1),
                format!("of {length} values in every chain"),
            )
            .into());
        }
        let names = self.names.take().unwrap_or(names);
        if names.len() != length {
            return Err(ArgumentError::new(
                "names",
                format!("{} names", names.len()),
                format!("one name for each of {length} values"),
            )
            .into());
        }
        // The checks of the draws that will be made, before they are.
        Draws::new(names.clone(), 1, 1, vec![0.0; length])?;
        Ok(names)
    }
}

#[cfg(feature = "serde")]
impl<K, T, R, S> Sampler<'_, K, T, R, S>
where
    T: Energy + Sync + ?Sized,
    K: MarkovKernel<T> + Send + Sync,
    K::State: Send,
{
    fn header<D>(
        &self,
        shape: &RunShape,
        codec: &checkpoint::Codec<K, K::State>,
        path: &std::path::Path,
    ) -> Result<checkpoint::Header, SampleError> {
        let Settings {
            seed, warmup, thin, ..
        } = self.settings;
        checkpoint::Header::new::<K, K::State, D>(shape, seed, warmup, thin, &self.kernel, codec)
            .map_err(|e| SampleError::Checkpoint(FileError::new(path, e)))
    }

    /// The chains of the checkpoint, if there is one to continue; `None` where a chain has not
    /// begun.
    fn restore<D>(&self, shape: &RunShape) -> Result<Restoration<K, K::State>, SampleError> {
        let Some((path, codec)) = &self.files.resume else {
            return Ok(((0..shape.chains).map(|_| None).collect(), None));
        };
        let run = self.header::<D>(shape, codec, path)?;
        let stored = checkpoint::read(path, codec, &run).map_err(SampleError::Checkpoint)?;
        let error = |reason: String| SampleError::Checkpoint(FileError::new(path, reason));
        let total = self.settings.warmup + self.settings.draws;
        let restore = |(index, stored): (usize, Option<checkpoint::Restored<K, K::State>>)| {
            let Some(stored) = stored else {
                return Ok(None);
            };
            let chain = stored.chain;
            if chain.iterations > total {
                return Err(error(format!(
                    "holds {} draws of chain {index}, but the run has {}",
                    chain.iterations - self.settings.warmup,
                    self.settings.draws
                )));
            }
            let position = chain.kernel.position(self.target, &chain.state);
            let energy = self.target.energy(position);
            let same = energy == stored.energy
                || energy.is_nan() && stored.energy.is_nan()
                || (energy - stored.energy).abs() <= 1e-9 * energy.abs().max(1.0);
            if !same {
                return Err(error(format!(
                    "cannot be continued by this run: its target has energy {} at the position of \
                     chain {index}, here it is {energy}",
                    stored.energy
                )));
            }
            Ok(Some(Begun {
                chain,
                saved: Some(stored.sink),
            }))
        };
        let chains: Result<Vec<_>, _> =
            stored.chains.into_iter().enumerate().map(restore).collect();
        Ok((chains?, Some((path.clone(), stored.header.names))))
    }

    fn keeper<D>(
        &self,
        shape: &RunShape,
    ) -> Result<Option<checkpoint::Keeper<K, K::State>>, SampleError> {
        let Some((path, every, codec)) = &self.files.write else {
            return Ok(None);
        };
        if *every == 0 {
            return Err(ArgumentError::new("every", 0, "at least 1").into());
        }
        let header = self.header::<D>(shape, codec, path)?;
        checkpoint::Keeper::new(path.clone(), *every, *codec, &header).map(Some)
    }
}

impl<K, S> Chain<K, S> {
    fn end(self, draws: usize) -> ChainEnd<K, S> {
        ChainEnd {
            kernel: self.kernel,
            state: self.state,
            draws,
            warmup: self.warmup,
            sampling: self.sampling,
        }
    }
}

impl<K, S, C> Driven<K, S, C> {
    fn counts(&self, warmup: usize) -> Vec<usize> {
        let chains = self.chains.iter();
        chains
            .map(|(c, _)| c.iterations.saturating_sub(warmup))
            .collect()
    }
}

/// Where chains run: on the calling thread, on a pool of this run, or on the surrounding one.
struct Threads {
    pool: Option<rayon::ThreadPool>,
    alone: bool,
}

impl Threads {
    /// Applies `act` to each item with its index.
    fn each<I: Send>(
        &self,
        items: &mut [I],
        act: impl Fn(usize, &mut I) -> Result<(), SampleError> + Sync,
    ) -> Vec<Result<(), SampleError>> {
        if self.alone {
            let items = items.iter_mut().enumerate();
            items.map(|(i, item)| act(i, item)).collect()
        } else {
            let mut parallel = || {
                let items = items.par_iter_mut().with_max_len(1).enumerate();
                items.map(|(i, item)| act(i, item)).collect()
            };
            match &self.pool {
                Some(pool) => pool.install(parallel),
                None => parallel(),
            }
        }
    }
}
