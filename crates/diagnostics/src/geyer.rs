//! Geyer's initial monotone sequence over several chains: from autocovariances to an effective
//! sample size.

use crate::lags::Autocovariance;

/// The effective sample size of the mean of `C` chains of `n` draws each.
///
/// With `W` the mean variance within chains (divisor `n − 1`) and `V⁺ = W(n − 1)/n + B/n` that
/// which also sees the chains' means differ, `ρ̂ₖ = 1 − (W − γ̂ₖ)/V⁺`. Sums `P̂ⱼ = ρ̂₂ⱼ + ρ̂₂ⱼ₊₁` are
/// positive and fall for a reversible chain, so `τ̂ = −1 + 2 Σⱼ min_{i≤j} P̂ᵢ` runs over those
/// before the first that is not positive, the even half of which is added once if it is
/// positive. `τ̂ ≥ 1/log₁₀(Cn)` bounds what antithetic chains can gain, and the size is `Cn/τ̂`
/// (Geyer, *Stat. Sci.* 7, 1992; Vehtari et al., *Bayesian Anal.* 16, 2021, eqs. 10–14).
///
/// `V⁺` must not be 0.
pub(crate) fn effective_sample_size(series: &mut impl Autocovariance) -> f64 {
    let (chains, draws) = (series.chains(), series.draws());
    let n = draws as f64;
    let within = series.at(0) * n / (n - 1.0);
    let variance = within * (n - 1.0) / n + series.variance_of_means();
    let mut rho = |lag: usize| 1.0 - (within - series.at(lag)) / variance;
    // The pair that was looked at last, and the sum over those before it.
    let (mut even, mut pair) = (1.0, 1.0 + rho(1));
    let (mut sum, mut smallest) = (0.0, f64::INFINITY);
    let mut lag = 1;
    while pair > 0.0 && lag + 3 < draws {
        smallest = pair.min(smallest);
        sum += smallest;
        even = rho(lag + 1);
        pair = even + rho(lag + 2);
        lag += 2;
    }
    let last = if even > 0.0 || pair >= 0.0 { even } else { 0.0 };
    let total = n * chains as f64;
    let tau = (-1.0 + 2.0 * sum + last).max(1.0 / libm::log10(total));
    total / tau
}
