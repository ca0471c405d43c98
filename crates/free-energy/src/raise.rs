//! Reverse annealing from data: lower bounds on the log-probability of the annealed model.

use std::borrow::Borrow;
use std::fmt;
use std::ops::ControlFlow;

use ergodic_core::{
    ArgumentError, Energy, Estimate, Interval, MarkovKernel, Path, Population, Randomness,
    Stationarity, TargetError,
};
use ergodic_math::rng;

use crate::blocks::{Progress, Streams, at_rung, over_blocks};
use crate::{Bound, FreeEnergyError, Ladder, LadderOrigin, RestsOn, check, log_mean_exp_std_err};
use ergodic_math::special::log_mean_exp;

/// The settings of [`Raise`]; checked by [`Raise::new`] and [`RaiseBuilder::build`].
#[derive(Clone, Debug, PartialEq)]
pub struct RaiseSettings {
    /// The rungs; default linear with 1000 steps. They are part of the model that is certified.
    pub ladder: Ladder,
    /// Independent reverse chains per example, at least 1; default 1. More of them bring the
    /// bound closer to the log-probability.
    pub chains: usize,
    /// Chains per block, at least 1; default 64.
    pub block: usize,
    /// The seed; default 0.
    pub seed: u64,
    /// The confidence of bound and interval, strictly between 0 and 1; default 0.99.
    pub confidence: f64,
    /// Nats per example, not negative, that the bound gives away for the rounding of energies in
    /// the model's arithmetic over a whole run; default 0, to be stated by models in `f32`.
    pub rounding_allowance: f64,
}

impl Default for RaiseSettings {
    fn default() -> Self {
        Self {
            ladder: Ladder::default(),
            chains: 1,
            block: 64,
            seed: 0,
            confidence: 0.99,
            rounding_allowance: 0.0,
        }
    }
}

/// RAISE, the reverse annealed importance sampling estimator (Burda, Grosse and Salakhutdinov,
/// AISTATS 2015).
///
/// The *annealed model* of a path, a ladder and a kernel is the law `p_ann` of `x_K` when `x₀` is
/// drawn from the base and `x_k` by a step of the kernel at `t_k` from `x_{k−1}`,
/// `k = 1, …, K`: what [`Ais::run_with_draws`](crate::Ais::run_with_draws) samples. It is a
/// normalised model of its own, close to the law at the end of the path where the kernel keeps up
/// with the ladder. Every number here is about `p_ann`; **none is a bound on the law at the end of
/// the path**, which can be more or less probable at the data.
///
/// A chain from `x_K = v` that takes the reversible kernels in reverse order, `x_{k−1}` by a step
/// at `t_k` from `x_k` for `k = K, …, 1`, gives the estimate
///
/// `log p̂(v) = −E₁(v) − log Z_base + Σ_{k=0}^{K−1} [E_{t_{k+1}}(x_k) − E_{t_k}(x_k)]`
///
/// with `E[p̂(v)] = p_ann(v)` exactly; several chains per example are averaged as `p̂`. For
/// independent `p̂ᵢ` of `n` examples the product of the ratios `p̂ᵢ/p_ann(vᵢ)` has mean 1, so by
/// Markov's inequality
///
/// `(1/n) Σ log p_ann(vᵢ) ≥ (1/n) [Σ log p̂ᵢ − log(1/δ)]`
///
/// with probability at least `1 − δ`, for any kernel with detailed balance, however badly it
/// mixes.
///
/// Parallel over blocks of chains as [`Ais`](crate::Ais), at the same cost per block and step.
#[derive(Clone, Debug)]
pub struct Raise {
    settings: RaiseSettings,
}

/// What [`Raise`] found about the annealed model.
#[derive(Clone, Debug, PartialEq)]
pub struct RaiseResult {
    /// `log p̂(vᵢ)` of every example: below `log p_ann(vᵢ)` on average.
    pub log_p: Vec<f64>,
    /// The mean over the examples. Its standard error is over examples and chains together, so
    /// the interval speaks of further examples of the same origin; the bias of each `log p̂` is
    /// towards lower values.
    pub estimate: Estimate,
    /// The standard error of the mean from the chains alone, the examples given, by the delta
    /// method; with at least two chains per example.
    pub monte_carlo_std_err: Option<f64>,
    /// A lower bound on the mean `log p_ann` of these examples.
    pub lower: Bound,
    /// Chains per example.
    pub chains: usize,
    /// Steps of the ladder.
    pub steps: usize,
    /// Where the ladder comes from.
    pub ladder: LadderOrigin,
}

impl fmt::Display for RaiseResult {
    /// `annealed model of 1000 steps: -15.9 per example, at least -16.1 at 99 %`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(4);
        write!(
            f,
            "annealed model of {} steps: {:.digits$} per example, at least {:.digits$} at {} %",
            self.steps,
            self.estimate.value,
            self.lower.value,
            100.0 * self.lower.confidence
        )
    }
}

/// [`Raise`] on a ladder and on the doubled one: two annealed models.
///
/// A small `change` is a sign, not a proof, that the annealed models have come close to the law
/// at the end of the path.
#[derive(Clone, Debug, PartialEq)]
pub struct RaiseDoubling {
    /// On the ladder of the settings.
    pub single: RaiseResult,
    /// On the doubled ladder, from random streams of its own.
    pub doubled: RaiseResult,
    /// Mean of `log p̂` on the doubled ladder minus that on the single one, with the standard
    /// error of the paired differences over the examples.
    pub change: Estimate,
}

impl Raise {
    /// A builder with the default settings.
    pub fn builder() -> RaiseBuilder {
        RaiseBuilder {
            settings: RaiseSettings::default(),
        }
    }

    /// An estimator with checked settings.
    ///
    /// # Errors
    /// If `chains` or `block` is 0, the confidence not strictly between 0 and 1, or the allowance
    /// negative or not finite.
    pub fn new(settings: RaiseSettings) -> Result<Self, ArgumentError> {
        check::at_least(1, "chains", settings.chains)?;
        check::at_least(1, "block", settings.block)?;
        check::confidence(settings.confidence)?;
        check::rounding_allowance(settings.rounding_allowance)?;
        Ok(Self { settings })
    }

    /// The settings.
    pub fn settings(&self) -> &RaiseSettings {
        &self.settings
    }

    /// Runs reverse chains from `examples` examples. `block_of(rows)` makes a block whose chain
    /// `j` sits at example `rows[j]`; rows repeat where there are several chains per example, and
    /// a block holds at most as many as the settings say.
    ///
    /// # Errors
    /// If there are no examples, the kernel does not claim reversibility, or the target or kernel
    /// fails.
    pub fn run<P, K, B>(
        &self,
        path: &P,
        kernel: &K,
        examples: usize,
        block_of: impl Fn(&[usize]) -> B + Sync,
    ) -> Result<RaiseResult, FreeEnergyError>
    where
        P: Path + Sync,
        K: MarkovKernel<P::Target> + Sync,
        B: Borrow<<P::Target as Energy>::State>,
    {
        self.run_with_progress(path, kernel, examples, block_of, &|_| ())
    }

    /// [`run`](Self::run), with a call to `progress` after about every thousandth part of it,
    /// from the thread that gets there.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_with_progress<P, K, B>(
        &self,
        path: &P,
        kernel: &K,
        examples: usize,
        block_of: impl Fn(&[usize]) -> B + Sync,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<RaiseResult, FreeEnergyError>
    where
        P: Path + Sync,
        K: MarkovKernel<P::Target> + Sync,
        B: Borrow<<P::Target as Energy>::State>,
    {
        let ladder = &self.settings.ladder;
        let streams = Streams::Raise;
        self.drive(path, kernel, examples, &block_of, progress, ladder, streams)
    }

    /// Runs on the ladder and on the doubled one (three times the cost of [`run`](Self::run)),
    /// and compares. `progress` counts both.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_with_doubling<P, K, B>(
        &self,
        path: &P,
        kernel: &K,
        examples: usize,
        block_of: impl Fn(&[usize]) -> B + Sync,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<RaiseDoubling, FreeEnergyError>
    where
        P: Path + Sync,
        K: MarkovKernel<P::Target> + Sync,
        B: Borrow<<P::Target as Energy>::State>,
    {
        let s = &self.settings;
        let twice = s.ladder.doubled();
        let blocks = examples.saturating_mul(s.chains).div_ceil(s.block) as u64;
        let single_total = blocks * s.ladder.steps() as u64;
        let total = single_total + blocks * twice.steps() as u64;
        let shifted = |by: u64| {
            move |p: Progress| {
                progress(Progress {
                    done: p.done + by,
                    total,
                });
            }
        };
        let (first, second) = (shifted(0), shifted(single_total));
        let single = self.drive(
            path,
            kernel,
            examples,
            &block_of,
            &first,
            &s.ladder,
            Streams::Raise,
        )?;
        let doubled = self.drive(
            path,
            kernel,
            examples,
            &block_of,
            &second,
            &twice,
            Streams::RaiseDoubled,
        )?;
        let pairs = doubled.log_p.iter().zip(&single.log_p);
        // Two examples of probability zero have not changed.
        let differences: Vec<f64> = pairs
            .map(|(d, s)| if d == s { 0.0 } else { d - s })
            .collect();
        let method = "change of the mean log-probability as the ladder doubles; CLT over examples";
        let change = mean_estimate(method.to_owned(), &differences, s.confidence)?;
        Ok(RaiseDoubling {
            single,
            doubled,
            change,
        })
    }

    fn drive<P, K, B>(
        &self,
        path: &P,
        kernel: &K,
        examples: usize,
        block_of: &(impl Fn(&[usize]) -> B + Sync),
        progress: &(dyn Fn(Progress) + Sync),
        ladder: &Ladder,
        streams: Streams,
    ) -> Result<RaiseResult, FreeEnergyError>
    where
        P: Path + Sync,
        K: MarkovKernel<P::Target> + Sync,
        B: Borrow<<P::Target as Energy>::State>,
    {
        let found = kernel.claims().stationarity;
        if found != Stationarity::Reversible {
            return Err(FreeEnergyError::NotReversible { found });
        }
        check::at_least(1, "examples", examples)?;
        let s = &self.settings;
        let total = examples.checked_mul(s.chains).ok_or_else(|| {
            ArgumentError::new(
                "chains",
                s.chains,
                "few enough to be counted over all examples",
            )
        })?;
        let blocks = over_blocks(
            total,
            s.block,
            ladder.steps(),
            progress,
            |b, slots, ticker| {
                let mut rng = rng::stream(s.seed, streams.of_block(b));
                let rows: Vec<usize> = slots.map(|slot| slot / s.chains).collect();
                let block = block_of(&rows);
                let mut log_p = vec![0.0; rows.len()];
                let mut kernel = kernel.clone();
                reverse(
                    path,
                    &mut kernel,
                    ladder.rungs(),
                    block.borrow(),
                    &mut rng,
                    &mut log_p,
                    || ticker.tick(),
                )?;
                Ok(log_p)
            },
        )?;
        let slots = blocks.concat();
        let chains_of = || slots.chunks(s.chains);
        let log_p: Vec<f64> = chains_of().map(log_mean_exp).collect();
        let monte_carlo_std_err = if s.chains > 1 {
            let mut squares = 0.0;
            for chains in chains_of() {
                squares += log_mean_exp_std_err(chains)?.powi(2);
            }
            Some(squares.sqrt() / examples as f64)
        } else {
            None
        };
        let method = format!(
            "RAISE, annealed model of {} steps, {} chains per example; CLT over examples",
            ladder.steps(),
            s.chains
        );
        let estimate = mean_estimate(method, &log_p, s.confidence)?;
        let cost = -libm::log(1.0 - s.confidence) / examples as f64;
        let lower = Bound {
            value: estimate.value - cost - s.rounding_allowance,
            confidence: s.confidence,
            rests_on: RestsOn::UnbiasedProbabilities,
            rounding_allowance: s.rounding_allowance,
        };
        Ok(RaiseResult {
            log_p,
            estimate,
            monte_carlo_std_err,
            lower,
            chains: s.chains,
            steps: ladder.steps(),
            ladder: ladder.origin(),
        })
    }
}

/// The mean with its central-limit interval; infinite error where a value is infinite.
fn mean_estimate(method: String, x: &[f64], confidence: f64) -> Result<Estimate, ArgumentError> {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    if x.len() < 2 || !mean.is_finite() {
        let everything = Interval {
            lower: f64::NEG_INFINITY,
            upper: f64::INFINITY,
        };
        // Both infinities among the values: there is no mean to speak of.
        let value = if mean.is_nan() { 0.0 } else { mean };
        return Estimate::new(
            method,
            value,
            f64::INFINITY,
            everything,
            x.len(),
            confidence,
        );
    }
    let squares: f64 = x.iter().map(|x| (x - mean).powi(2)).sum();
    let std_err = (squares / (n - 1.0) / n).sqrt();
    Estimate::normal(method, mean, std_err, x.len(), confidence)
}

/// Builds a [`Raise`] from settings that are checked once, by [`build`](Self::build).
#[derive(Clone, Debug)]
pub struct RaiseBuilder {
    settings: RaiseSettings,
}

impl RaiseBuilder {
    /// Sets [`RaiseSettings::ladder`].
    pub fn ladder(mut self, ladder: Ladder) -> Self {
        self.settings.ladder = ladder;
        self
    }

    /// Sets [`RaiseSettings::chains`].
    pub fn chains(mut self, chains: usize) -> Self {
        self.settings.chains = chains;
        self
    }

    /// Sets [`RaiseSettings::block`].
    pub fn block(mut self, block: usize) -> Self {
        self.settings.block = block;
        self
    }

    /// Sets [`RaiseSettings::seed`].
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Sets [`RaiseSettings::confidence`].
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.settings.confidence = confidence;
        self
    }

    /// Sets [`RaiseSettings::rounding_allowance`].
    pub fn rounding_allowance(mut self, nats: f64) -> Self {
        self.settings.rounding_allowance = nats;
        self
    }

    /// The estimator.
    ///
    /// # Errors
    /// As [`Raise::new`].
    pub fn build(self) -> Result<Raise, ArgumentError> {
        Raise::new(self.settings)
    }
}

/// Runs one block of reverse chains from `block` and writes `log p̂` of each: the low level of
/// [`Raise`]. The kernel must be reversible, which is not checked here.
///
/// Works with any randomness; an enumerator gives the exact mean of `p̂`.
///
/// # Errors
/// If `log_p` has another length than the block has chains, the target or kernel fails, or an
/// energy or work is NaN or infinite in the wrong direction; the error names the rung, and the
/// chain where it is known.
pub fn raise_block<P, K, R>(
    path: &P,
    kernel: &mut K,
    ladder: &Ladder,
    block: &<P::Target as Energy>::State,
    rng: &mut R,
    log_p: &mut [f64],
) -> Result<(), TargetError>
where
    P: Path,
    K: MarkovKernel<P::Target>,
    R: Randomness + ?Sized,
{
    let silent = || ControlFlow::Continue(());
    reverse(path, kernel, ladder.rungs(), block, rng, log_p, silent)
}

fn reverse<P, K, R>(
    path: &P,
    kernel: &mut K,
    rungs: &[f64],
    block: &<P::Target as Energy>::State,
    rng: &mut R,
    log_p: &mut [f64],
    mut tick: impl FnMut() -> ControlFlow<()>,
) -> Result<(), TargetError>
where
    P: Path,
    K: MarkovKernel<P::Target>,
    R: Randomness + ?Sized,
{
    let last = rungs.len() - 1;
    let mut target = path.at(rungs[last]);
    let chains = target.chains(block);
    if chains != log_p.len() {
        return Err(TargetError::dimension(
            "a block of examples",
            chains,
            log_p.len(),
        ));
    }
    target.energies(block, log_p);
    let log_z_base = path.log_z_base();
    for (chain, x) in log_p.iter_mut().enumerate() {
        if x.is_nan() || *x == f64::NEG_INFINITY {
            let error = TargetError::non_finite("the energy of an example", *x);
            return Err(at_rung(error, Some(chain), last));
        }
        *x = -*x - log_z_base;
    }
    let mut work = vec![0.0; chains];
    let mut state = kernel
        .init(&target, block)
        .map_err(|e| at_rung(e, None, last))?;
    for k in (1..=last).rev() {
        if k < last {
            target = path.at(rungs[k]);
            kernel
                .reset(&target, &mut state, None)
                .map_err(|e| at_rung(e, None, k))?;
        }
        kernel
            .step(&target, &mut state, rng)
            .map_err(|e| at_rung(e, None, k))?;
        path.work(
            kernel.position(&target, &state),
            rungs[k - 1],
            rungs[k],
            &mut work,
        );
        for (chain, (x, &work)) in log_p.iter_mut().zip(&work).enumerate() {
            if work.is_finite() {
                *x += work;
            } else if work == f64::NEG_INFINITY || *x == f64::NEG_INFINITY {
                // The chain has left the support of the earlier law: no forward path leads here.
                *x = f64::NEG_INFINITY;
            } else {
                let error = TargetError::non_finite("the work", work);
                return Err(at_rung(error, Some(chain), k));
            }
        }
        if tick().is_break() {
            break;
        }
    }
    Ok(())
}
