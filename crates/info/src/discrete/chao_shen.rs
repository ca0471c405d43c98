//! Chao and Shen's estimator by sample coverage.

use std::borrow::Cow;

use ergodic_math::reduce;

use super::Multiplicities;
use super::rule::EntropyRule;
use crate::InfoError;

/// Chao and Shen's estimator, `Ĥ = −Σᵢ p̃ᵢ log p̃ᵢ / (1 − (1 − p̃ᵢ)ⁿ)` over the symbols seen, with
/// `p̃ᵢ = C·nᵢ/n` and the coverage `C = 1 − f₁/n` of Good and Turing, `f₁` the number of singletons
/// (Chao and Shen, *Environmental and Ecological Statistics* 10, 2003). The denominator is the chance
/// to see the symbol at all (Horvitz and Thompson). If all observations are singletons, `f₁ = n − 1`
/// stands in for `n`, as the coverage would be 0.
///
/// * **Bias**: no bound is known; unlike the others it may be positive: +.066 nats for Zipf's law of
///   10⁴ symbols from 10⁵ observations.
/// * **Interval**: jackknife standard error alone.
/// * **Cost**: some elementary functions per distinct count.
/// * **Not** for heavy tails, where unseen symbols are much rarer than singletons.
///   [`ChaoWangJost`](super::ChaoWangJost) is the same authors' better answer.
///
/// ```
/// use ergodic_info::discrete::ChaoShen;
/// use ergodic_info::{Counts, Estimator};
///
/// // Without singletons C = 1: p̃ = ½ twice, log 2 over 1 − 2⁻⁴.
/// let h = ChaoShen::new().value(&Counts::new([2, 2])?)?;
/// assert!((h - 2f64.ln() / (1.0 - 1.0 / 16.0)).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChaoShen;

impl ChaoShen {
    /// The estimator.
    pub const fn new() -> Self {
        Self
    }
}

fn coverage(singletons: u64, total: u64) -> f64 {
    let unseen = if singletons == total {
        total - 1
    } else {
        singletons
    };
    (total - unseen) as f64 / total as f64
}

fn term(count: u64, total: u64, coverage: f64) -> f64 {
    let n = total as f64;
    let p = coverage * (count as f64 / n);
    if count == 0 || p >= 1.0 {
        return 0.0;
    }
    -p * libm::log(p) / -libm::expm1(n * libm::log1p(-p))
}

fn sum(data: &Multiplicities, total: u64, coverage: f64) -> f64 {
    let terms: Vec<f64> = data
        .pairs()
        .iter()
        .map(|(count, number)| *number as f64 * term(*count, total, coverage))
        .collect();
    reduce::sum(&terms)
}

impl EntropyRule for ChaoShen {
    fn name(&self) -> Cow<'static, str> {
        "Chao–Shen".into()
    }

    fn entropy(&self, data: &Multiplicities) -> Result<f64, InfoError> {
        let n = data.total();
        Ok(sum(data, n, coverage(data.seen(1), n)))
    }

    /// Only three coverages arise: without a singleton, without one of a pair, and else.
    fn leave_one_out(&self, data: &Multiplicities) -> Result<Option<Vec<f64>>, InfoError> {
        let n = data.total();
        if n == 1 {
            return Ok(None);
        }
        if let [(count, 1)] = data.pairs() {
            let f1 = u64::from(*count == 2);
            return Ok(Some(vec![term(count - 1, n - 1, coverage(f1, n - 1))]));
        }
        let f1 = data.seen(1);
        let all = [f1.saturating_sub(1), f1 + 1, f1].map(|singletons| {
            let c = coverage(singletons.min(n - 1), n - 1);
            (c, sum(data, n - 1, c))
        });
        let left = data.pairs().iter().map(|(count, _)| {
            let (c, all) = all[(*count).min(3) as usize - 1];
            all - term(*count, n - 1, c) + term(count - 1, n - 1, c)
        });
        Ok(Some(left.collect()))
    }
}
