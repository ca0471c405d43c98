//! Miller and Madow's correction of the plug-in estimator.

use std::borrow::Cow;

use super::rule::{AdditiveRule, Terms, surprise};
use crate::InfoError;

/// The plug-in estimator with its bias of first order added,
/// `Ĥ = Ĥ_plug-in + (m − 1)/2n`, `m` the number of symbols seen (Miller, in *Information Theory in
/// Psychology*, 1955).
///
/// * **Bias**: `O(1/n²)` for a fixed law; worst over laws on a known alphabet, computed.
/// * **Interval**: jackknife standard error and, where the alphabet is known, the worst bias.
/// * **Cost**: that of the plug-in.
/// * **Not** when many symbols are unseen: `m` then falls short of the alphabet. The value may
///   exceed `log K` (by up to `(K − 1)/2n`), as an unbiased one must now and then; the interval then
///   reaches from below `log K` to the value, so that it holds both. It is not 0 only where more than
///   one symbol was seen.
///
/// ```
/// use ergodic_info::discrete::MillerMadow;
/// use ergodic_info::{Counts, Estimator};
///
/// let h = MillerMadow::new().value(&Counts::new([2, 2])?)?;
/// assert!((h - (2f64.ln() + 1.0 / 8.0)).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MillerMadow;

impl MillerMadow {
    /// The estimator.
    pub const fn new() -> Self {
        Self
    }
}

impl AdditiveRule for MillerMadow {
    fn name(&self) -> Cow<'static, str> {
        "Miller–Madow".into()
    }

    fn terms(&self, total: u64, _alphabet: Option<u64>) -> Result<Terms<'_>, InfoError> {
        let half = 0.5 / total as f64;
        Ok(Terms {
            constant: -half,
            of_count: Box::new(move |count| {
                if count == 0 {
                    0.0
                } else {
                    surprise(count, total) + half
                }
            }),
        })
    }
}
