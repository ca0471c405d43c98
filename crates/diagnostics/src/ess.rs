//! Effective sample sizes: how many independent draws would say as much.

use ergodic_core::ArgumentError;

use crate::DiagnosticsError;
use crate::order::{quantile_of_sorted, with_more};
use crate::rhat::varied;
use crate::series::Series;
use crate::workspace::Workspace;

/// The probabilities of the two tails.
pub(crate) const TAILS: [f64; 2] = [0.05, 0.95];

/// Bulk effective sample size: of the mean of the normal scores of split chains.
///
/// Vehtari et al., *Bayesian Anal.* 16, 2021: the effective sample size of a mean by Geyer's
/// initial monotone sequence, after ranks have replaced values, so that it exists for laws
/// without moments. It speaks about location; [`ess_tail`] about the ends. At least 400 over all
/// chains is the usual demand. It may exceed the number of draws: antithetic chains do better than
/// independent ones. Equal to ArviZ's `ess(method="bulk")`.
///
/// Domain: one chain or more, of one length, at least 4 draws each, finite, not all one value
/// (ArviZ gives the number of draws there). `O(N)` time for chains that forget within 128 draws,
/// else `O(N log N)`.
///
/// # Errors
/// Outside the domain.
///
/// ```
/// use ergodic_diagnostics::ess_bulk;
///
/// // x ← 0.9 x + noise: N (1 − 0.9)/(1 + 0.9) effective draws.
/// let mut random = ergodic_math::rng::stream(1, 0);
/// let mut chain = vec![0.0; 100_000];
/// ergodic_math::rng::fill_normal(&mut random, &mut chain);
/// for i in 1..chain.len() {
///     chain[i] += 0.9 * chain[i - 1];
/// }
/// let exact = 1e5 * 0.1 / 1.9;
/// assert!((ess_bulk(&[chain])? / exact - 1.0).abs() < 0.1);
/// # Ok::<(), ergodic_diagnostics::DiagnosticsError>(())
/// ```
pub fn ess_bulk<C: AsRef<[f64]>>(chains: &[C]) -> Result<f64, DiagnosticsError> {
    let series = varied(chains)?;
    let halves = series.halves();
    if halves.is_constant() {
        return Err(DiagnosticsError::Constant);
    }
    let mut work = Workspace::default();
    work.order.sort(&halves.values);
    Ok(work.of_scores(halves.chains).1)
}

/// Tail effective sample size: the smaller of [`ess_quantile`] at 5 % and 95 %.
///
/// Equal to ArviZ's `ess(method="tail")`. Domain, cost and errors as [`ess_bulk`].
///
/// # Errors
/// As [`ess_bulk`].
pub fn ess_tail<C: AsRef<[f64]>>(chains: &[C]) -> Result<f64, DiagnosticsError> {
    let series = varied(chains)?;
    let sorted = sorted(&series);
    let halves = series.halves();
    let mut work = Workspace::default();
    let [low, high] = TAILS.map(|p| work.ess_at_most(quantile_of_sorted(&sorted, p), &halves));
    Ok(low.min(high))
}

/// The effective sample size of the mean: of the values themselves, in split chains.
///
/// Equal to ArviZ's `ess(method="mean")`. Needs a finite variance of the law. Domain, cost and
/// errors as [`ess_bulk`].
///
/// # Errors
/// As [`ess_bulk`].
pub fn ess_mean<C: AsRef<[f64]>>(chains: &[C]) -> Result<f64, DiagnosticsError> {
    let series = varied(chains)?;
    let halves = series.halves();
    if halves.is_constant() {
        return Err(DiagnosticsError::Constant);
    }
    let values = halves.standardized().deviations;
    Ok(Workspace::default().ess(&values, halves.chains))
}

/// The effective sample size of the standard deviation: of the mean of `(x − x̄)²`.
///
/// Equal to ArviZ's `ess(method="sd")`. Needs a finite fourth moment of the law. Domain, cost and
/// errors as [`ess_bulk`]; constant squares (two values, equally often) are
/// [`DiagnosticsError::Constant`] too.
///
/// # Errors
/// As [`ess_bulk`].
pub fn ess_sd<C: AsRef<[f64]>>(chains: &[C]) -> Result<f64, DiagnosticsError> {
    ess_of_squares(&squares(&varied(chains)?))
}

/// The squared deviations from the mean, in units whose squares are in range.
pub(crate) fn squares(series: &Series<'_>) -> Series<'static> {
    let mut squares = series.standardized().deviations;
    for x in &mut squares {
        *x *= *x;
    }
    Series {
        values: squares.into(),
        ..*series
    }
}

pub(crate) fn ess_of_squares(squares: &Series<'_>) -> Result<f64, DiagnosticsError> {
    let halves = squares.halves();
    if halves.is_constant() {
        return Err(DiagnosticsError::Constant);
    }
    // Squares of a spread far below the mean may be tiny.
    let values = halves.standardized().deviations;
    Ok(Workspace::default().ess(&values, halves.chains))
}

/// The effective sample size of the `p`-quantile: of the share of draws at or below it.
///
/// Equal to ArviZ's `ess(method="quantile", prob=p)`. If all draws or none are at or below the
/// quantile (a discrete law, say) the number of draws is returned, as there.
/// Domain: `0 < p < 1`, chains as for [`ess_bulk`]. `O(N log N)`.
///
/// # Errors
/// Outside the domain.
pub fn ess_quantile<C: AsRef<[f64]>>(chains: &[C], p: f64) -> Result<f64, DiagnosticsError> {
    check_probability(p)?;
    let series = varied(chains)?;
    let bound = quantile_of_sorted(&sorted(&series), p);
    Ok(Workspace::default().ess_at_most(bound, &series.halves()))
}

/// The integrated autocorrelation time `τ = N/ESS = 1 + 2 Σₖ ρₖ` of the mean, in draws.
///
/// By Geyer's initial monotone sequence over split chains, as [`ess_mean`]; `(1 + φ)/(1 − φ)` for
/// an autoregression of coefficient `φ`, below 1 for antithetic chains. Domain, cost and errors as
/// [`ess_bulk`].
///
/// # Errors
/// As [`ess_bulk`].
pub fn integrated_autocorrelation_time<C: AsRef<[f64]>>(
    chains: &[C],
) -> Result<f64, DiagnosticsError> {
    let series = varied(chains)?;
    let halves = series.halves();
    if halves.is_constant() {
        return Err(DiagnosticsError::Constant);
    }
    let values = halves.standardized().deviations;
    Ok(values.len() as f64 / Workspace::default().ess(&values, halves.chains))
}

/// All draws in ascending order.
pub(crate) fn sorted(series: &Series<'_>) -> Vec<f64> {
    with_more(&series.values, &[])
}

pub(crate) fn check_probability(p: f64) -> Result<(), DiagnosticsError> {
    if p > 0.0 && p < 1.0 {
        Ok(())
    } else {
        Err(ArgumentError::new("p", p, "strictly between 0 and 1").into())
    }
}
