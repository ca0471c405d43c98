//! The plug-in estimator: the entropy of the empirical law.

use std::borrow::Cow;

use ergodic_core::{Bias, Estimate};

use super::Multiplicities;
use super::rule::{
    AdditiveRule, BiasBounds, EntropyRule, Terms, largest_entropy, surprise, widened,
};
use crate::{Counts, Inference, InfoError};

/// The plug-in (maximum-likelihood) estimator of Shannon entropy,
/// `Ĥ = −Σᵢ (nᵢ/n) log(nᵢ/n)`.
///
/// * **Bias**: never positive, on an alphabet of `K` symbols at least `−log(1 + (K − 1)/n)`
///   (Paninski, *Neural Computation* 15, 2003, proposition 1), to first order `−(K − 1)/2n`.
/// * **Interval**: jackknife standard error, and where the alphabet is known the worst bias;
///   [`rigorous`](Self::rigorous) has one that holds at every `n`.
/// * **Cost**: one pass over the counts and a logarithm per distinct count.
/// * **Not** when `n` is below some ten times the number of symbols: then the bias rules. Every
///   other estimator of this module is better there.
///
/// ```
/// use ergodic_info::discrete::PlugIn;
/// use ergodic_info::{Counts, Estimator};
///
/// let h = PlugIn::new().value(&Counts::new([2, 1, 1])?)?;
/// assert!((h - 1.5 * 2f64.ln()).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlugIn;

impl PlugIn {
    /// The estimator.
    pub const fn new() -> Self {
        Self
    }

    /// The estimate with an interval that covers at the stated confidence for every law on the known
    /// alphabet and every `n`: half-width `log n · √(2 log(2/δ)/n)` for confidence `1 − δ`, as one
    /// observation moves `Ĥ` by at most `2 log(n)/n` (McDiarmid's inequality; Antos and
    /// Kontoyiannis, *Random Structures and Algorithms* 19, 2001), and above it the bound of the
    /// bias. It is wide: several times the asymptotic one. No standard error
    /// is stated (it is infinite).
    ///
    /// # Errors
    /// If the alphabet is unknown: then no interval below infinity covers for every law. If the
    /// settings are outside their domain.
    ///
    /// ```
    /// use ergodic_info::discrete::PlugIn;
    /// use ergodic_info::{Counts, Inference};
    ///
    /// let coin = Counts::new([520, 480])?;
    /// let h = PlugIn::new().rigorous(&coin, &Inference::new())?;
    /// assert!(h.interval.lower < h.value && h.interval.contains(2f64.ln()));
    /// # Ok::<(), ergodic_info::InfoError>(())
    /// ```
    pub fn rigorous(self, data: &Counts, inference: &Inference) -> Result<Estimate, InfoError> {
        inference.check()?;
        let data = Multiplicities::of(data);
        let Some(alphabet) = data.alphabet() else {
            return Err(InfoError::argument(
                "counts",
                "a histogram over an unknown alphabet",
                "over a known one (`Counts::new`) for an interval that holds for every law",
            ));
        };
        let value = self.entropy(&data)?;
        let n = data.total() as f64;
        let half = if data.total() == 1 {
            f64::INFINITY
        } else {
            let delta = 1.0 - inference.confidence_level();
            libm::log(n) * (2.0 * libm::log(2.0 / delta) / n).sqrt()
        };
        let bounds = paninski(data.total(), alphabet);
        let mut estimate = Estimate::new(
            "Shannon entropy, plug-in; McDiarmid's inequality and Paninski's bound of the bias",
            value,
            f64::INFINITY,
            widened(value, (half, half), Some(bounds), largest_entropy(&data)),
            usize::try_from(data.total()).unwrap_or(usize::MAX),
            inference.confidence_level(),
        )?;
        estimate.bias = Bias::Bounded(bounds.absolute());
        Ok(estimate)
    }
}

/// `−log(1 + (K − 1)/n) ≤ bias ≤ 0`.
fn paninski(total: u64, alphabet: u64) -> BiasBounds {
    BiasBounds {
        lower: -libm::log1p((alphabet - 1) as f64 / total as f64),
        upper: 0.0,
    }
}

impl AdditiveRule for PlugIn {
    fn name(&self) -> Cow<'static, str> {
        "plug-in".into()
    }

    fn terms(&self, total: u64, _alphabet: Option<u64>) -> Result<Terms<'_>, InfoError> {
        Ok(Terms {
            constant: 0.0,
            of_count: Box::new(move |count| surprise(count, total)),
        })
    }

    fn theorem(&self, total: u64, alphabet: u64) -> Option<BiasBounds> {
        Some(paninski(total, alphabet))
    }
}
