//! Monte Carlo standard errors: how far an average over these draws may be from the truth.

use ergodic_math::roots::brent;
use ergodic_math::special::{beta_regularized, normal_cdf};

use crate::ess::{check_probability, ess_of_squares, sorted, squares};
use crate::order::quantile_of_sorted;
use crate::rhat::varied;
use crate::workspace::Workspace;
use crate::{DiagnosticsError, ess_mean};

/// The standard error of the mean of all draws: `sd/√ESS_mean`.
///
/// Equal to ArviZ's `mcse(method="mean")`. Needs a finite variance of the law. Domain and cost as
/// [`ess_bulk`](crate::ess_bulk).
///
/// # Errors
/// Outside the domain.
///
/// ```
/// // Two chains that take turns: the mean of each pair is exact.
/// let chain: Vec<f64> = (0..1000).map(|i| f64::from(i % 2)).collect();
/// let error = ergodic_diagnostics::mcse_mean(&[chain])?;
/// assert!(error < 0.5 / 1000f64.sqrt()); // below that of independent draws
/// # Ok::<(), ergodic_diagnostics::DiagnosticsError>(())
/// ```
pub fn mcse_mean<C: AsRef<[f64]>>(chains: &[C]) -> Result<f64, DiagnosticsError> {
    let ess = ess_mean(chains)?;
    Ok(varied(chains)?.standardized().standard_deviation() / ess.sqrt())
}

/// The standard error of the standard deviation of all draws, by the delta method:
/// `√(Var[(x − x̄)²]/ESS_sd)/(2 sd)`.
///
/// Vehtari et al., *Bayesian Anal.* 16, 2021, appendix; equal to ArviZ's `mcse(method="sd")`.
/// Needs a finite fourth moment of the law. Domain and cost as [`ess_bulk`](crate::ess_bulk);
/// squared deviations that are all one give [`DiagnosticsError::Constant`].
///
/// # Errors
/// Outside the domain.
pub fn mcse_sd<C: AsRef<[f64]>>(chains: &[C]) -> Result<f64, DiagnosticsError> {
    let series = varied(chains)?;
    let unit = series.standardized().unit;
    let squares = squares(&series);
    let ess = ess_of_squares(&squares)?;
    // Squares of standardised values: mean and variance with divisor N.
    let s = squares.standardized();
    let variance = s.sum_of_squares / s.count * s.unit * s.unit;
    Ok(unit * 0.5 * (variance / ess / s.mean).sqrt())
}

/// The standard error of the `p`-quantile: half the distance between the order statistics that
/// bound the middle 68 % of a Beta(`p·ESS + 1`, `(1 − p)·ESS + 1`) law of the rank.
///
/// Vehtari et al., *Bayesian Anal.* 16, 2021, §4.3; equal to ArviZ's `mcse(method="quantile")` up to
/// the seven digits of its 68 %. Domain: `0 < p < 1`, chains as for
/// [`ess_bulk`](crate::ess_bulk). `O(N log N)`.
///
/// # Errors
/// Outside the domain.
pub fn mcse_quantile<C: AsRef<[f64]>>(chains: &[C], p: f64) -> Result<f64, DiagnosticsError> {
    check_probability(p)?;
    let series = varied(chains)?;
    let sorted = sorted(&series);
    let ess = Workspace::default().ess_at_most(quantile_of_sorted(&sorted, p), &series.halves());
    let n = sorted.len() as f64;
    let shares = [-1.0, 1.0]
        .map(|sigma| beta_quantile(ess * p + 1.0, ess * (1.0 - p) + 1.0, normal_cdf(sigma)));
    let low = (shares[0] * n - 1.0).max(0.0).floor() as usize;
    let high = (shares[1] * n - 1.0).min(n - 1.0).ceil() as usize;
    Ok(0.5 * sorted[high] - 0.5 * sorted[low])
}

/// The `q`-quantile of the Beta(`a`, `b`) law for `a, b ≥ 1`.
fn beta_quantile(a: f64, b: f64, q: f64) -> f64 {
    // The arguments are in the domain: a, b ≥ 1 and below twice the number of draws times its
    // logarithm; the ends have different signs.
    let excess = |x: f64| beta_regularized(a, b, x).map_or(0.0, |p| p - q);
    brent(excess, 0.0, 1.0, 1e-15).map_or(a / (a + b), |root| root.x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beta_quantiles_invert_closed_forms() {
        for q in [0.1, 0.5, 0.9] {
            assert!((beta_quantile(1.0, 1.0, q) - q).abs() < 1e-14);
            assert!((beta_quantile(3.0, 1.0, q) - libm::cbrt(q)).abs() < 1e-14);
            assert!((beta_quantile(1.0, 2.0, q) - (1.0 - (1.0 - q).sqrt())).abs() < 1e-14);
        }
    }
}
