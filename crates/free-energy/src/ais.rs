//! Annealed importance sampling.

use std::borrow::Borrow;
use std::ops::ControlFlow;

use ergodic_core::{
    ArgumentError, Energy, MarkovKernel, Path, Randomness, Stationarity, TargetError,
};
use ergodic_math::rng;

use crate::blocks::{Progress, Streams, at_rung, over_blocks};
use crate::{FreeEnergyError, Ladder, LogZ, Method, check};

/// The settings of [`Ais`]; checked by [`Ais::new`] and [`AisBuilder::build`].
#[derive(Clone, Debug, PartialEq)]
pub struct AisSettings {
    /// The rungs; default linear with 1000 steps.
    pub ladder: Ladder,
    /// Independent runs, at least 1; default 100. To be fixed before any result is seen.
    pub runs: usize,
    /// Chains per block, at least 1; default 64. Part of what determines the result, unlike the
    /// number of threads.
    pub block: usize,
    /// The seed; default 0.
    pub seed: u64,
    /// The confidence of lower bound and interval, strictly between 0 and 1; default 0.99.
    pub confidence: f64,
    /// Nats, not negative, that the lower bound gives away for the rounding of energies in the
    /// model's arithmetic over a whole run; default 0, to be stated by models in `f32`.
    pub rounding_allowance: f64,
}

impl Default for AisSettings {
    fn default() -> Self {
        Self {
            ladder: Ladder::default(),
            runs: 100,
            block: 64,
            seed: 0,
            confidence: 0.99,
            rounding_allowance: 0.0,
        }
    }
}

/// Annealed importance sampling (Neal, *Stat. Comput.* 11, 2001; Jarzynski, *Phys. Rev. Lett.*
/// 78, 1997): independent runs from the base law of a path to its end.
///
/// One run draws `x₀` from the base and alternates, for `k = 1, …, K`, the weight
/// `log w ← log w − [E_{t_k}(x) − E_{t_{k−1}}(x)]` with a step of the kernel at `t_k`. Then
/// `E[w] = Z/Z_base` *exactly*, for any ladder and however badly the kernel mixes: all it needs is
/// exact base draws, kernels that leave each target invariant, and rungs fixed beforehand. Poor
/// mixing makes the weights spread, not biased; their spread is what the standard error and the
/// effective number of runs show.
///
/// The average is taken over `w` (log-mean-exp). The mean of `log w` estimates something smaller
/// than `log Z/Z_base`, by the dissipated work.
///
/// Parallel over blocks of chains under `rayon`, each with its own random stream; the same seed
/// gives the same bits for any number of threads. Cost per block and step: one `path.work`, one
/// `path.at`, one reset and one step of the kernel, and nothing else that grows; no allocation of
/// its own.
///
/// ```
/// use ergodic_core::*;
/// use ergodic_free_energy::{Ais, Ladder};
///
/// // Three spins in a field t·h: log Z(t) = 3 log(2 cosh t h).
/// #[derive(Clone, Copy)]
/// struct Field(f64);
/// impl Energy for Field {
///     type State = [i8; 3];
///     fn energy(&self, s: &[i8; 3]) -> f64 {
///         -self.0 * s.iter().map(|&s| f64::from(s)).sum::<f64>()
///     }
/// }
/// struct Coins;
/// impl PathBase<[i8; 3]> for Coins {
///     fn log_z(&self) -> f64 {
///         3.0 * 2f64.ln()
///     }
///     fn sample<R: Randomness + ?Sized>(&self, rng: &mut R) -> [i8; 3] {
///         [0; 3].map(|_| if rng.bernoulli(0.5) { 1 } else { -1 })
///     }
/// }
/// // Metropolis: flip one spin, chosen at random.
/// #[derive(Clone)]
/// struct Flip;
/// impl<T: Energy<State = [i8; 3]>> MarkovKernel<T> for Flip {
///     type State = [i8; 3];
///     type Info = ();
///     fn claims(&self) -> Claims {
///         Claims::REVERSIBLE.not_ergodic()
///     }
///     fn init(&self, _: &T, s: &[i8; 3]) -> Result<[i8; 3], TargetError> {
///         Ok(*s)
///     }
///     fn position<'s>(&self, _: &T, state: &'s [i8; 3]) -> &'s [i8; 3]
///     where
///         T: 's,
///     {
///         state
///     }
///     fn reset(&self, _: &T, state: &mut [i8; 3], s: Option<&[i8; 3]>) -> Result<(), TargetError> {
///         *state = *s.unwrap_or(state);
///         Ok(())
///     }
///     fn step<R: Randomness + ?Sized>(&mut self, t: &T, s: &mut [i8; 3], rng: &mut R) -> Result<(), TargetError> {
///         let mut flipped = *s;
///         flipped[rng.index(3)] *= -1;
///         if rng.bernoulli((t.energy(s) - t.energy(&flipped)).exp().min(1.0)) {
///             *s = flipped;
///         }
///         Ok(())
///     }
/// }
///
/// let path = GeometricPath { target: Field(1.0), base: Coins };
/// let ais = Ais::builder().ladder(Ladder::linear(100)?).runs(200).seed(1).build()?;
/// let result = ais.run(&path, &EachChain(Flip))?;
/// let exact = 3.0 * (2.0 * 1f64.cosh()).ln();
/// let lower = result.log_z.lower.unwrap();
/// assert!(lower.rests_on.is_unconditional() && lower.value < exact);
/// assert!((result.log_z.estimate.value - exact).abs() < 0.1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Ais {
    settings: AisSettings,
}

/// What [`Ais`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct AisResult {
    /// `log w` of every run; `−∞` for a run that left the support.
    pub log_weights: Vec<f64>,
    /// `log Z` at the end of the path.
    pub log_z: LogZ,
}

/// The owned block of states of a path.
type Block<P> = <<<P as Path>::Target as Energy>::State as ToOwned>::Owned;

impl Ais {
    /// A builder with the default settings.
    pub fn builder() -> AisBuilder {
        AisBuilder {
            settings: AisSettings::default(),
        }
    }

    /// An estimator with checked settings.
    ///
    /// # Errors
    /// If `runs` or `block` is 0, the confidence not strictly between 0 and 1, or the allowance
    /// negative or not finite.
    pub fn new(settings: AisSettings) -> Result<Self, ArgumentError> {
        check::at_least(1, "runs", settings.runs)?;
        check::at_least(1, "block", settings.block)?;
        check::confidence(settings.confidence)?;
        check::rounding_allowance(settings.rounding_allowance)?;
        Ok(Self { settings })
    }

    /// The settings.
    pub fn settings(&self) -> &AisSettings {
        &self.settings
    }

    /// Runs the chains. The step at `t = 1`, which no weight depends on, is left out.
    ///
    /// # Errors
    /// If the kernel does not claim invariance, the target or kernel fails, or every run ends
    /// with weight zero.
    pub fn run<P, K>(&self, path: &P, kernel: &K) -> Result<AisResult, FreeEnergyError>
    where
        P: Path + Sync,
        K: MarkovKernel<P::Target> + Sync,
    {
        self.run_with_progress(path, kernel, &|_| ())
    }

    /// [`run`](Self::run), with a call to `progress` after about every thousandth part of it,
    /// from the thread that gets there.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_with_progress<P, K>(
        &self,
        path: &P,
        kernel: &K,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<AisResult, FreeEnergyError>
    where
        P: Path + Sync,
        K: MarkovKernel<P::Target> + Sync,
    {
        let (result, _) = self.drive(path, kernel, progress, |_, _, _| Ok(()))?;
        Ok(result)
    }

    /// [`run_with_progress`](Self::run_with_progress), and the blocks of states after a last step
    /// at `t = 1`: independent draws from the *annealed model* (see [`Raise`](crate::Raise)),
    /// which weighted by `w` follow the law at the end of the path.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_with_draws<P, K>(
        &self,
        path: &P,
        kernel: &K,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<(AisResult, Vec<Block<P>>), FreeEnergyError>
    where
        P: Path + Sync,
        Block<P>: Send,
        K: MarkovKernel<P::Target> + Sync,
    {
        let last = self.settings.ladder.steps();
        self.drive(path, kernel, progress, |kernel, mut state, rng| {
            let target = path.at(1.0);
            kernel
                .reset(&target, &mut state, None)
                .and_then(|()| kernel.step(&target, &mut state, rng))
                .map_err(|e| at_rung(e, None, last))?;
            Ok(kernel.position(&target, &state).to_owned())
        })
    }

    fn drive<P, K, D: Send>(
        &self,
        path: &P,
        kernel: &K,
        progress: &(dyn Fn(Progress) + Sync),
        finish: impl Fn(&mut K, K::State, &mut rand_chacha::ChaCha8Rng) -> Result<D, TargetError> + Sync,
    ) -> Result<(AisResult, Vec<D>), FreeEnergyError>
    where
        P: Path + Sync,
        K: MarkovKernel<P::Target> + Sync,
    {
        invariant(kernel.claims().stationarity)?;
        let s = &self.settings;
        let steps = s.ladder.steps();
        let blocks = over_blocks(s.runs, s.block, steps, progress, |block, chains, ticker| {
            let mut rng = rng::stream(s.seed, Streams::Ais.of_block(block));
            let mut kernel = kernel.clone();
            let mut log_weights = vec![0.0; chains.len()];
            let rungs = s.ladder.rungs();
            let tick = |_: usize, _: &[f64]| ticker.tick();
            let state = anneal(path, &mut kernel, rungs, &mut rng, &mut log_weights, tick)?;
            Ok((log_weights, finish(&mut kernel, state, &mut rng)?))
        })?;
        let mut log_weights = Vec::with_capacity(s.runs);
        let mut finished = Vec::with_capacity(blocks.len());
        for (weights, draws) in blocks {
            log_weights.extend(weights);
            finished.push(draws);
        }
        if log_weights.iter().all(|&w| w == f64::NEG_INFINITY) {
            return Err(FreeEnergyError::NoWeight { runs: s.runs });
        }
        let method = Method::Ais {
            runs: s.runs,
            steps,
            ladder: s.ladder.origin(),
        };
        let log_z = LogZ::from_unbiased_weights(
            &log_weights,
            path.log_z_base(),
            s.confidence,
            s.rounding_allowance,
            method,
        )?;
        Ok((AisResult { log_weights, log_z }, finished))
    }
}

/// Builds an [`Ais`] from settings that are checked once, by [`build`](Self::build).
#[derive(Clone, Debug)]
pub struct AisBuilder {
    settings: AisSettings,
}

impl AisBuilder {
    /// Sets [`AisSettings::ladder`].
    pub fn ladder(mut self, ladder: Ladder) -> Self {
        self.settings.ladder = ladder;
        self
    }

    /// Sets [`AisSettings::runs`].
    pub fn runs(mut self, runs: usize) -> Self {
        self.settings.runs = runs;
        self
    }

    /// Sets [`AisSettings::block`].
    pub fn block(mut self, block: usize) -> Self {
        self.settings.block = block;
        self
    }

    /// Sets [`AisSettings::seed`].
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Sets [`AisSettings::confidence`].
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.settings.confidence = confidence;
        self
    }

    /// Sets [`AisSettings::rounding_allowance`].
    pub fn rounding_allowance(mut self, nats: f64) -> Self {
        self.settings.rounding_allowance = nats;
        self
    }

    /// The estimator.
    ///
    /// # Errors
    /// As [`Ais::new`].
    pub fn build(self) -> Result<Ais, ArgumentError> {
        Ais::new(self.settings)
    }
}

/// Fails for kernels that do not claim to leave their target invariant.
pub(crate) fn invariant(found: Stationarity) -> Result<(), FreeEnergyError> {
    match found {
        Stationarity::Reversible | Stationarity::Invariant => Ok(()),
        Stationarity::Asymptotic { .. } => Err(FreeEnergyError::NotInvariant { found }),
    }
}

/// Anneals one block of `log_weights.len()` chains from the base of `path` along `ladder` and
/// writes their log-weights: the low level of [`Ais`]. Returns the state of the kernel before a
/// step at `t = 1`.
///
/// Works with any randomness; an enumerator gives the exact law of the weights.
///
/// # Errors
/// If the target or kernel fails, or the work of a step is NaN or `−∞`; the error names the rung,
/// and the chain where it is known.
pub fn anneal_block<P, K, R>(
    path: &P,
    kernel: &mut K,
    ladder: &Ladder,
    rng: &mut R,
    log_weights: &mut [f64],
) -> Result<K::State, TargetError>
where
    P: Path,
    K: MarkovKernel<P::Target>,
    R: Randomness + ?Sized,
{
    let silent = |_: usize, _: &[f64]| ControlFlow::Continue(());
    anneal(path, kernel, ladder.rungs(), rng, log_weights, silent)
}

/// [`anneal_block`], with a call to `observe` after the work of every step: its number from 1 and
/// the work of each chain. A break ends the run early, with weights that mean nothing.
pub(crate) fn anneal<P, K, R>(
    path: &P,
    kernel: &mut K,
    rungs: &[f64],
    rng: &mut R,
    log_weights: &mut [f64],
    mut observe: impl FnMut(usize, &[f64]) -> ControlFlow<()>,
) -> Result<K::State, TargetError>
where
    P: Path,
    K: MarkovKernel<P::Target>,
    R: Randomness + ?Sized,
{
    let chains = log_weights.len();
    let mut work = vec![0.0; chains];
    log_weights.fill(0.0);
    let base = path.sample_base(chains, rng);
    let mut target = path.at(rungs[0]);
    let mut state = kernel
        .init(&target, base.borrow())
        .map_err(|e| at_rung(e, None, 0))?;
    drop(base);
    for k in 1..rungs.len() {
        path.work(
            kernel.position(&target, &state),
            rungs[k - 1],
            rungs[k],
            &mut work,
        );
        for (chain, (log_weight, &work)) in log_weights.iter_mut().zip(&work).enumerate() {
            if work.is_finite() {
                *log_weight -= work;
            } else if work == f64::INFINITY || *log_weight == f64::NEG_INFINITY {
                // Outside the support: weight zero from here on, whatever follows.
                *log_weight = f64::NEG_INFINITY;
            } else {
                let error = TargetError::non_finite("the work", work);
                return Err(at_rung(error, Some(chain), k));
            }
        }
        if observe(k, &work).is_break() {
            break;
        }
        if k + 1 < rungs.len() {
            target = path.at(rungs[k]);
            kernel
                .reset(&target, &mut state, None)
                .map_err(|e| at_rung(e, None, k))?;
            kernel
                .step(&target, &mut state, rng)
                .map_err(|e| at_rung(e, None, k))?;
        }
    }
    Ok(state)
}
