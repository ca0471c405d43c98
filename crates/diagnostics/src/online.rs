//! R̂ and effective sample sizes of a run that is too long to keep.

use ergodic_core::ArgumentError;

use crate::DiagnosticsError;
use crate::lags::mean_and_variance;

/// A chain holds between this many batches and twice as many.
const BATCHES: usize = 128;

/// Larger values have squares whose sum over 10⁸ draws may leave the range of `f64`.
const LARGEST: f64 = 1e150;

/// Count, mean and sum of squared deviations of neighbouring draws.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Batch {
    count: u64,
    mean: f64,
    square: f64,
}

impl Batch {
    #[inline]
    fn push(&mut self, x: f64) {
        self.count += 1;
        let step = x - self.mean;
        self.mean += step / self.count as f64;
        self.square += step * (x - self.mean);
    }

    /// As if one had seen both (Chan, Golub and LeVeque, *COMPSTAT*, 1982).
    fn and(self, other: Self) -> Self {
        if self.count == 0 || other.count == 0 {
            return if self.count == 0 { other } else { self };
        }
        let (n, m) = (self.count as f64, other.count as f64);
        let step = other.mean - self.mean;
        Self {
            count: self.count + other.count,
            mean: self.mean + step * (m / (n + m)),
            square: self.square + other.square + step * step * (n * m / (n + m)),
        }
    }
}

/// The batches of one parameter in one chain, all of one size but the last.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Batches {
    /// Whole ones, at most `2·BATCHES − 1`.
    full: Vec<Batch>,
    current: Batch,
}

impl Batches {
    fn push(&mut self, x: f64, size: u64) {
        self.current.push(x);
        if self.current.count == size {
            self.full.push(std::mem::take(&mut self.current));
        }
    }

    fn halve(&mut self) {
        for i in 0..self.full.len() / 2 {
            self.full[i] = self.full[2 * i].and(self.full[2 * i + 1]);
        }
        self.full.truncate(self.full.len() / 2);
    }
}

/// One chain.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Chain {
    batch_size: u64,
    draws: u64,
    parameters: Vec<Batches>,
}

/// Diagnostics of chains that are not kept: 6 kB a parameter and chain, however long the run.
///
/// Each chain cuts its draws into batches, of one draw at first; at 256 batches neighbours are
/// joined and the size doubles, so there are always 128 to 255 of them (of which only whole ones
/// count). From `C` chains with `a` batches of `b` draws each:
///
/// * the effective sample size of the mean is `N s²/(b·s_b²)`, `s²` the variance of all draws and
///   `s_b²` that of all batch means about the mean of all chains, so that chains which disagree
///   count for little. It is right to `O(τ/b)` and to a relative standard error of about
///   `√(2/(Ca))`, 6 % for four chains (Flegal and Jones, *Ann. Stat.* 38, 2010). While `b` is
///   below the autocorrelation time it comes out too large: see
///   [`batch_size`](OnlineRow::batch_size);
/// * R̂ is the classic split one, of the first and the second half of each chain's batches (in
///   whole batches, so up to 1/128 of the draws is in neither).
///
/// Chains are filled apart, one accumulator per chain and thread, and [`merge`](Self::merge)d in
/// their order. Feature `serde` stores it in a checkpoint; a resumed run gives the same bits.
///
/// ```
/// use ergodic_diagnostics::OnlineDiagnostics;
///
/// let mut all = OnlineDiagnostics::default();
/// for chain in 0..4 {
///     let mut random = ergodic_math::rng::stream(1, chain);
///     let mut online = OnlineDiagnostics::one_chain(2)?;
///     let mut draw = [0.0; 2];
///     for _ in 0..10_000 {
///         ergodic_math::rng::fill_normal(&mut random, &mut draw);
///         online.push(&draw)?;
///     }
///     all.merge(online)?;
/// }
/// let rows = all.rows()?;
/// assert!(rows[0].rhat.unwrap() < 1.01);
/// assert!((rows[0].ess_mean.unwrap() / 40_000.0 - 1.0).abs() < 0.5);
/// # Ok::<(), ergodic_diagnostics::DiagnosticsError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OnlineDiagnostics {
    chains: Vec<Chain>,
}

/// What is known about one parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OnlineRow {
    /// Draws of all chains.
    pub draws: u64,
    /// The mean of all draws.
    pub mean: f64,
    /// Their standard deviation, divisor `N − 1`.
    pub sd: f64,
    /// Classic split R̂; none while a chain has fewer than four whole batches or nothing has moved.
    /// Infinite if every half stands still at a value of its own.
    pub rhat: Option<f64>,
    /// The effective sample size of the mean; none as for `rhat`.
    pub ess_mean: Option<f64>,
    /// The standard error of the mean, `sd/√ESS`.
    pub mcse_mean: Option<f64>,
    /// The largest batch of a chain: the effective sample size can be trusted if this is many
    /// times `draws/ess_mean`.
    pub batch_size: u64,
}

impl OnlineDiagnostics {
    /// An empty chain of `parameters` parameters.
    ///
    /// # Errors
    /// If there is no parameter.
    pub fn one_chain(parameters: usize) -> Result<Self, DiagnosticsError> {
        if parameters == 0 {
            return Err(ArgumentError::new("parameters", parameters, "at least 1").into());
        }
        Ok(Self {
            chains: vec![Chain {
                batch_size: 1,
                draws: 0,
                parameters: vec![
                    Batches {
                        full: Vec::with_capacity(2 * BATCHES),
                        current: Batch::default(),
                    };
                    parameters
                ],
            }],
        })
    }

    /// Takes in the next draw of the (last) chain. `O(1)` a parameter, no allocation.
    ///
    /// # Errors
    /// If there is no chain, the draw has another dimension, or a value is not between −10¹⁵⁰ and
    /// 10¹⁵⁰. Nothing is taken in then.
    pub fn push(&mut self, draw: &[f64]) -> Result<(), DiagnosticsError> {
        let index = self.chains.len();
        let chain = self.chains.last_mut().ok_or(DiagnosticsError::Empty)?;
        if draw.len() != chain.parameters.len() {
            return Err(ArgumentError::new(
                "draw",
                format!("of length {}", draw.len()),
                format!("of length {}", chain.parameters.len()),
            )
            .into());
        }
        if let Some(&value) = draw.iter().find(|x| !x.is_finite()) {
            return Err(DiagnosticsError::NonFinite {
                parameter: None,
                chain: index - 1,
                draw: chain.draws as usize,
                value,
            });
        }
        if let Some(&value) = draw.iter().find(|x| x.abs() > LARGEST) {
            return Err(ArgumentError::new("draw", value, "between -1e150 and 1e150").into());
        }
        chain.draws += 1;
        for (batches, &x) in chain.parameters.iter_mut().zip(draw) {
            batches.push(x, chain.batch_size);
        }
        if chain.draws == 2 * BATCHES as u64 * chain.batch_size {
            for batches in &mut chain.parameters {
                batches.halve();
            }
            chain.batch_size *= 2;
        }
        Ok(())
    }

    /// Puts the chains of `other` after the own ones.
    ///
    /// # Errors
    /// If they have other numbers of parameters.
    pub fn merge(&mut self, other: Self) -> Result<(), DiagnosticsError> {
        if let (Some(own), Some(new)) = (self.chains.first(), other.chains.first())
            && own.parameters.len() != new.parameters.len()
        {
            return Err(ArgumentError::new(
                "other",
                format!("of {} parameters", new.parameters.len()),
                format!("of {}", own.parameters.len()),
            )
            .into());
        }
        self.chains.extend(other.chains);
        Ok(())
    }

    /// The number of chains.
    pub fn num_chains(&self) -> usize {
        self.chains.len()
    }

    /// The draws of all chains so far.
    pub fn num_draws(&self) -> u64 {
        self.chains.iter().map(|c| c.draws).sum()
    }

    /// The state of every parameter.
    ///
    /// # Errors
    /// If there is no draw yet.
    pub fn rows(&self) -> Result<Vec<OnlineRow>, DiagnosticsError> {
        if self.num_draws() == 0 {
            return Err(DiagnosticsError::Short {
                found: 0,
                needed: 1,
            });
        }
        let width = self.chains.first().map_or(0, |c| c.parameters.len());
        Ok((0..width).map(|i| self.row(i)).collect())
    }

    fn row(&self, parameter: usize) -> OnlineRow {
        let join = |b: &[Batch]| b.iter().copied().fold(Batch::default(), Batch::and);
        let chains = || self.chains.iter().map(|c| &c.parameters[parameter]);
        let all = chains().fold(Batch::default(), |all, c| {
            all.and(join(&c.full)).and(c.current)
        });
        let variance = if all.count > 1 {
            all.square / (all.count - 1) as f64
        } else {
            0.0
        };
        let ready = chains().all(|c| c.full.len() >= 4) && variance > 0.0;
        let halves: Vec<Batch> = chains()
            .flat_map(|c| {
                let half = c.full.len() / 2;
                [join(&c.full[..half]), join(&c.full[c.full.len() - half..])]
            })
            .collect();
        let rhat = ready.then(|| split_rhat(&halves));
        let ess = ready.then(|| self.effective_draws(parameter, &all, variance));
        OnlineRow {
            draws: all.count,
            mean: all.mean,
            sd: variance.sqrt(),
            rhat,
            ess_mean: ess,
            mcse_mean: ess.map(|e| (variance / e).sqrt()),
            batch_size: self.chains.iter().map(|c| c.batch_size).max().unwrap_or(1),
        }
    }

    /// `N s²/(b s_b²)`; chains may have batches of different sizes, which weigh as such.
    fn effective_draws(&self, parameter: usize, all: &Batch, variance: f64) -> f64 {
        let (mut squares, mut batches) = (0.0, 0.0);
        for chain in &self.chains {
            for batch in &chain.parameters[parameter].full {
                let step = batch.mean - all.mean;
                squares += chain.batch_size as f64 * step * step;
                batches += 1.0;
            }
        }
        let long_run = squares / (batches - 1.0);
        let total = all.count as f64;
        // As in the table: what antithetic chains can gain is bounded.
        total / (long_run / variance).max(1.0 / libm::log10(total))
    }
}

/// `√((B/W + n − 1)/n)` of halves of about one length.
fn split_rhat(halves: &[Batch]) -> f64 {
    let count = halves.len() as f64;
    let n = halves.iter().map(|h| h.count as f64).sum::<f64>() / count;
    let within = halves
        .iter()
        .map(|h| h.square / (h.count as f64 - 1.0))
        .sum::<f64>()
        / count;
    let means: Vec<f64> = halves.iter().map(|h| h.mean).collect();
    let between = n * mean_and_variance(&means).1;
    let rhat = ((between / within + n - 1.0) / n).sqrt();
    if rhat.is_nan() { 1.0 } else { rhat }
}
