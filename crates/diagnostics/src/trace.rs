//! What each chain did: summaries chain by chain, autocorrelation, and thinning.

use ergodic_core::{ArgumentError, Draws};
use ergodic_math::autocovariance::autocorrelation as of_series;

use crate::rhat::varied;
use crate::series::Series;
use crate::workspace::Workspace;
use crate::{DiagnosticsError, ess_bulk, ess_mean};

/// One chain of one quantity.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ChainSummary {
    /// The mean of the draws.
    pub mean: f64,
    /// Their standard deviation, divisor `n − 1`.
    pub sd: f64,
    /// The smallest draw.
    pub min: f64,
    /// The largest draw.
    pub max: f64,
    /// [`ess_mean`] of this chain alone; none if it never moved.
    pub ess_mean: Option<f64>,
    /// The most draws in a row that are one value: how long a chain that rejects has stood still.
    pub longest_stall: usize,
    /// The share of draws that differ from the one before.
    pub moved: f64,
}

/// A summary of each chain of one quantity, so that the chain that is unlike the others can be
/// seen.
///
/// Domain: one chain or more, of one length, at least 4 draws each, finite. `O(N log N)`.
///
/// # Errors
/// Outside the domain.
///
/// ```
/// let stuck = [1.0, 2.0, 2.0, 2.0, 3.0];
/// let summary = &ergodic_diagnostics::trace_summary(&[stuck])?[0];
/// assert_eq!((summary.mean, summary.longest_stall, summary.moved), (2.0, 3, 0.5));
/// # Ok::<(), ergodic_diagnostics::DiagnosticsError>(())
/// ```
pub fn trace_summary<C: AsRef<[f64]>>(chains: &[C]) -> Result<Vec<ChainSummary>, DiagnosticsError> {
    let series = Series::new(chains)?;
    Ok((0..series.chains)
        .map(|c| {
            let chain = series.chain(c);
            let own = Series {
                values: chain.into(),
                chains: 1,
                draws: series.draws,
            };
            let constant = own.is_constant();
            let standard = own.standardized();
            let (mut longest, mut stall, mut moves) = (1, 1, 0usize);
            for pair in chain.windows(2) {
                if pair[0] == pair[1] {
                    stall += 1;
                } else {
                    stall = 1;
                    moves += 1;
                }
                longest = longest.max(stall);
            }
            let fold = |f: fn(f64, f64) -> f64| chain.iter().copied().fold(chain[0], f);
            ChainSummary {
                mean: if constant { chain[0] } else { standard.mean },
                sd: if constant {
                    0.0
                } else {
                    standard.standard_deviation()
                },
                min: fold(f64::min),
                max: fold(f64::max),
                ess_mean: ess_mean(&[chain]).ok(),
                longest_stall: longest,
                moved: moves as f64 / (chain.len() - 1) as f64,
            }
        })
        .collect())
}

/// The autocorrelation `ρ̂₀ = 1, ρ̂₁, …` of each chain about its own mean, up to `max_lag`.
///
/// A chain that never moved has none: its lags from 1 on are 1. Domain: chains as for
/// [`trace_summary`], `max_lag` below their length. `O(N log N)`.
///
/// # Errors
/// Outside the domain.
pub fn autocorrelation<C: AsRef<[f64]>>(
    chains: &[C],
    max_lag: usize,
) -> Result<Vec<Vec<f64>>, DiagnosticsError> {
    let series = Series::new(chains)?;
    if max_lag >= series.draws {
        return Err(ArgumentError::new(
            "max_lag",
            max_lag,
            format!("below the number of draws, {}", series.draws),
        )
        .into());
    }
    Ok((0..series.chains)
        .map(|c| of_series(series.chain(c), max_lag).unwrap_or_else(|_| vec![1.0; max_lag + 1]))
        .collect())
}

/// How far draws can be thinned before they lose much: see [`thinning`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Thinning {
    /// Keep every `every`-th draw.
    pub every: usize,
    /// The parameter that asks for the most draws between two that are kept.
    pub slowest: String,
    /// Its effective draws per draw, before.
    pub ess_per_draw: f64,
    /// The same after thinning, about 1.
    pub ess_per_kept_draw: f64,
    /// The draws of each chain that are left.
    pub kept: usize,
}

/// The stride at which the slowest parameter has about one effective draw per kept draw:
/// `⌈N/ESS_bulk⌉`, as far as 4 draws are left of each chain.
///
/// Thinning saves memory, never accuracy (Link and Eaton, *Methods Ecol. Evol.* 3, 2012): use it to
/// store or to feed what is expensive per draw. Parameters that are constant have no say.
///
/// # Errors
/// Draws without a diagnosis: fewer than 4 in a chain, not finite, or every parameter constant.
///
/// ```
/// use ergodic_core::Draws;
/// use ergodic_diagnostics::{thin, thinning};
///
/// let mut random = ergodic_math::rng::stream(2, 0);
/// let mut x = vec![0.0; 20_000];
/// ergodic_math::rng::fill_normal(&mut random, &mut x);
/// for i in 1..x.len() {
///     x[i] += 0.9 * x[i - 1]; // 19 draws are worth one
/// }
/// let draws = Draws::new(vec!["x".into()], 1, 20_000, x)?;
/// let plan = thinning(&draws)?;
/// assert!((12..30).contains(&plan.every) && plan.ess_per_kept_draw > 0.5);
/// assert_eq!(thin(&draws, plan.every)?.num_draws(), plan.kept);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn thinning(draws: &Draws) -> Result<Thinning, DiagnosticsError> {
    let total = (draws.num_chains() * draws.num_draws()) as f64;
    let mut slowest: Option<(usize, f64)> = None;
    for (i, name) in draws.names().iter().enumerate() {
        let chains: Vec<Vec<f64>> = draws.parameter(i).collect();
        match ess_bulk(&chains) {
            Ok(ess) if slowest.is_none_or(|(_, least)| ess < least) => slowest = Some((i, ess)),
            Ok(_) | Err(DiagnosticsError::Constant) => {}
            Err(e) => return Err(e.of_parameter(name)),
        }
    }
    let (slowest, ess) = slowest.ok_or(DiagnosticsError::Constant)?;
    let largest = (draws.num_draws() - 1) / 3; // leaves 4
    let every = ((total / ess).ceil() as usize).clamp(1, largest.max(1));
    let kept: Vec<Vec<f64>> = draws
        .parameter(slowest)
        .map(|chain| chain.into_iter().step_by(every).collect())
        .collect();
    let left = kept[0].len();
    let series = varied(&kept)?;
    let halves = series.halves();
    let mut work = Workspace::default();
    work.order.sort(&halves.values);
    let ess_kept = if halves.is_constant() {
        0.0
    } else {
        work.of_scores(halves.chains).1
    };
    Ok(Thinning {
        every,
        slowest: draws.names()[slowest].clone(),
        ess_per_draw: ess / total,
        ess_per_kept_draw: ess_kept / (left * draws.num_chains()) as f64,
        kept: left,
    })
}

/// Draws `0, every, 2·every, …` of each chain.
///
/// # Errors
/// If `every` is 0.
pub fn thin(draws: &Draws, every: usize) -> Result<Draws, ArgumentError> {
    if every == 0 {
        return Err(ArgumentError::new("every", every, "at least 1"));
    }
    let width = draws.num_parameters();
    let mut values = Vec::with_capacity(draws.values().len() / every + width);
    for chain in 0..draws.num_chains() {
        for draw in draws.chain(chain).chunks_exact(width).step_by(every) {
            values.extend_from_slice(draw);
        }
    }
    Draws::new(
        draws.names().to_vec(),
        draws.num_chains(),
        draws.num_draws().div_ceil(every),
        values,
    )
}
