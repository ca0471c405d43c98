//! The jackknife of the plug-in estimator.

use std::borrow::Cow;

use super::rule::{AdditiveRule, Terms, surprise};
use crate::InfoError;

/// The jackknifed plug-in estimator, `Ĥ = n·Ĥ_n − (n − 1)/n · Σⱼ Ĥ_{n−1}⁽ʲ⁾`, the second sum over
/// the samples with observation `j` left out (Zahl, *Ecology* 58, 1977); the plug-in's at `n = 1`.
///
/// * **Bias**: `O(1/n²)` for a fixed law; worst over laws on a known alphabet, computed.
/// * **Interval**: jackknife standard error (of this estimator, not of the plug-in) and, where the
///   alphabet is known, the worst bias.
/// * **Cost**: three logarithms per distinct count.
/// * **Not** when many symbols are unseen: each singleton counts as much as `log n` allows, and the
///   variance is the largest of the simple estimators'.
///
/// ```
/// use ergodic_info::discrete::Jackknife;
/// use ergodic_info::{Counts, Estimator};
///
/// // n = 2, one of each: 2·log 2 − ½·(0 + 0).
/// let h = Jackknife::new().value(&Counts::new([1, 1])?)?;
/// assert!((h - 2.0 * 2f64.ln()).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Jackknife;

impl Jackknife {
    /// The estimator.
    pub const fn new() -> Self {
        Self
    }
}

impl AdditiveRule for Jackknife {
    fn name(&self) -> Cow<'static, str> {
        "jackknife".into()
    }

    fn terms(&self, total: u64, _alphabet: Option<u64>) -> Result<Terms<'_>, InfoError> {
        Ok(Terms {
            constant: 0.0,
            of_count: Box::new(move |count| term(count, total)),
        })
    }
}

/// The term of a symbol seen `c` times: with `h_n(c) = −(c/n) log(c/n)`,
/// `n·h_n(c) − (n − 1)/n·[(n − c)·h_{n−1}(c) + c·h_{n−1}(c − 1)]`, which is
/// `(c/n)·[log(n/c) − (n − 1)·log(1 − 1/n) + (c − 1)·log(1 − 1/c)]`: nothing of size `n` cancels.
fn term(count: u64, total: u64) -> f64 {
    if count == 0 {
        return 0.0;
    }
    if total == 1 {
        return surprise(count, total);
    }
    let (c, n) = (count as f64, total as f64);
    let step = if count == 1 {
        0.0
    } else {
        (c - 1.0) * libm::log1p(-1.0 / c)
    };
    let last = libm::log1p(-1.0 / n);
    let log_ratio = if 2 * count > total {
        -libm::log1p(-((total - count) as f64) / n)
    } else {
        libm::log(n / c)
    };
    c / n * (-(n - 1.0) * last + step + log_ratio)
}
