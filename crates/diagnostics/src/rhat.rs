//! R̂, the potential scale reduction: do the chains agree with each other and with themselves?

use crate::DiagnosticsError;
use crate::series::Series;
use crate::workspace::{Workspace, potential_scale_reduction};

/// Rank-normalised split R̂: the larger of [`rhat_bulk`] and [`rhat_folded`].
///
/// Vehtari, Gelman, Simpson, Carpenter and Bürkner, *Bayesian Anal.* 16, 2021. Chains are halved
/// (the middle draw of an odd number is left out), values replaced by normal scores of their ranks
/// over all chains, and `R̂ = √((B/W + n − 1)/n)` is taken of these and of the scores of the
/// distances from the median. The first sees chains in different places, the second chains of
/// different widths; both exist for laws without moments. At most 1.01 is the usual demand.
///
/// Equal to ArviZ's `rhat`, which refuses one chain: here the halves of one chain are compared
/// with each other. Infinite if every half is stuck at a value of its own.
///
/// Domain: one chain or more, of one length, at least 4 draws each, finite, not all one value.
/// `O(N)` time (one radix sort) and memory.
///
/// # Errors
/// Outside the domain.
///
/// ```
/// use ergodic_diagnostics::rhat;
///
/// let mut random = ergodic_math::rng::stream(1, 0);
/// let mut chains = vec![vec![0.0; 1000]; 4];
/// for chain in &mut chains {
///     ergodic_math::rng::fill_normal(&mut random, chain);
/// }
/// assert!(rhat(&chains)? < 1.01);
/// chains[3].iter_mut().for_each(|x| *x += 1.0); // one chain sits elsewhere
/// assert!(rhat(&chains)? > 1.05);
/// # Ok::<(), ergodic_diagnostics::DiagnosticsError>(())
/// ```
pub fn rhat<C: AsRef<[f64]>>(chains: &[C]) -> Result<f64, DiagnosticsError> {
    let series = varied(chains)?;
    let halves = series.halves();
    let mut work = Workspace::default();
    work.order.sort(&halves.values);
    let bulk = one_if_alike(work.rhat_of_scores(halves.chains));
    Ok(bulk.max(one_if_alike(work.rhat_of_distances(halves.chains))))
}

/// Split R̂ of the normal scores of the values: sees chains in different places.
///
/// Domain, cost and errors as [`rhat`].
///
/// # Errors
/// As [`rhat`].
pub fn rhat_bulk<C: AsRef<[f64]>>(chains: &[C]) -> Result<f64, DiagnosticsError> {
    let series = varied(chains)?;
    let halves = series.halves();
    let mut work = Workspace::default();
    work.order.sort(&halves.values);
    Ok(one_if_alike(work.rhat_of_scores(halves.chains)))
}

/// Split R̂ of the normal scores of the distances from the median: sees chains of different
/// widths.
///
/// Domain, cost and errors as [`rhat`].
///
/// # Errors
/// As [`rhat`].
pub fn rhat_folded<C: AsRef<[f64]>>(chains: &[C]) -> Result<f64, DiagnosticsError> {
    let series = varied(chains)?;
    let halves = series.halves();
    let mut work = Workspace::default();
    work.order.sort(&halves.values);
    Ok(one_if_alike(work.rhat_of_distances(halves.chains)))
}

/// Classic split R̂, of the values themselves (Gelman et al., *Bayesian Data Analysis*, 3rd ed.,
/// 2013, §11.4). Needs finite variances of the law; [`rhat`] does not.
///
/// Domain and errors as [`rhat`]. `O(N)`.
///
/// # Errors
/// As [`rhat`].
pub fn rhat_split<C: AsRef<[f64]>>(chains: &[C]) -> Result<f64, DiagnosticsError> {
    let series = varied(chains)?;
    let halves = series.halves();
    let values = halves.standardized().deviations;
    Ok(one_if_alike(potential_scale_reduction(
        &values,
        halves.chains,
    )))
}

/// R̂ of whole chains (Gelman and Rubin, *Stat. Sci.* 7, 1992): blind to a drift that all chains
/// share, and 1 − 1/(2n) at best for one chain. For comparison with older work.
///
/// Domain and errors as [`rhat`]. `O(N)`.
///
/// # Errors
/// As [`rhat`].
pub fn rhat_unsplit<C: AsRef<[f64]>>(chains: &[C]) -> Result<f64, DiagnosticsError> {
    let series = varied(chains)?;
    let values = series.standardized().deviations;
    Ok(one_if_alike(potential_scale_reduction(
        &values,
        series.chains,
    )))
}

/// Checked chains whose values are not all one.
pub(crate) fn varied<C: AsRef<[f64]>>(chains: &[C]) -> Result<Series<'static>, DiagnosticsError> {
    let series = Series::new(chains)?;
    if series.is_constant() {
        return Err(DiagnosticsError::Constant);
    }
    Ok(series)
}

/// `0/0` comes of halves that all have one value although the draws have not: only the middle
/// draw of an odd number differs, or all distances from the median agree. Those halves do agree.
pub(crate) fn one_if_alike(rhat: f64) -> f64 {
    if rhat.is_nan() { 1.0 } else { rhat }
}
