//! The James–Stein shrinkage estimator of Hausser and Strimmer.

use std::borrow::Cow;

use ergodic_math::{Real, reduce};

use super::Multiplicities;
use super::rule::{EntropyRule, second_order};
use crate::InfoError;

/// The entropy of the empirical law shrunk towards the uniform one,
/// `p̃ᵢ = λ/K + (1 − λ)·nᵢ/n` with the intensity
/// `λ = (1 − Σᵢ p̂ᵢ²)/((n − 1)·Σᵢ (1/K − p̂ᵢ)²)` within `[0, 1]` (Hausser and Strimmer, *J. Machine
/// Learning Research* 10, 2009). `K` is the alphabet if it is known, else the number of symbols seen.
///
/// * **Bias**: vanishes as `1/n` for a fixed law; no useful bound is known. Between laws far from
///   uniform with many rare symbols it is large and positive.
/// * **Interval**: standard error by the infinitesimal jackknife, the intensity's variation included;
///   as the bias is not in it, it covers near uniform laws and at `n ≫ K`.
/// * **Cost**: a logarithm per distinct count.
/// * **Not** for laws with a long tail: shrinking towards uniform is then the wrong way.
///
/// ```
/// use ergodic_info::discrete::Shrinkage;
/// use ergodic_info::{Counts, Estimator};
///
/// // One observation says nothing: the estimate is the uniform law's.
/// let h = Shrinkage::new().value(&Counts::new([1, 0, 0, 0])?)?;
/// assert!((h - 4f64.ln()).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shrinkage;

/// What the intensity is made of.
struct Shrunk {
    n: f64,
    k: f64,
    lambda: f64,
    /// `dλ/dΣp̂²`, 0 where the intensity is at an end of its range.
    slope: f64,
}

impl Shrinkage {
    /// The estimator.
    pub const fn new() -> Self {
        Self
    }

    /// The intensity `λ` of the shrinkage.
    pub fn intensity(self, data: &Multiplicities) -> f64 {
        shrunk(data).lambda
    }
}

fn shrunk(data: &Multiplicities) -> Shrunk {
    let n = data.total() as f64;
    let k = data.alphabet().unwrap_or(data.observed()) as f64;
    // 1 − Σp̂² and Σ(1/K − p̂)² = Σp̂² − 1/K as sums of terms of one sign.
    let (mut unequal, mut distance) = (0.0, (k - data.observed() as f64) / (k * k));
    for (count, number) in data.pairs() {
        let (c, m) = (*count as f64, *number as f64);
        unequal += m * (c / n) * ((n - c) / n);
        distance += m * (1.0 / k - c / n) * (1.0 / k - c / n);
    }
    let fixed = |lambda| Shrunk {
        n,
        k,
        lambda,
        slope: 0.0,
    };
    let denominator = (n - 1.0) * distance;
    if denominator <= 0.0 || unequal >= denominator {
        return fixed(1.0);
    }
    if unequal <= 0.0 {
        return fixed(0.0);
    }
    // λ = (1 − s)/((n − 1)(s − 1/K)) with s = Σp̂².
    Shrunk {
        slope: -(distance + unequal) / (denominator * distance),
        ..fixed(unequal / denominator)
    }
}

impl Shrunk {
    fn probability(&self, count: u64) -> f64 {
        self.lambda / self.k + (1.0 - self.lambda) * (count as f64 / self.n)
    }
}

fn entropy_term(p: f64) -> f64 {
    if p > 0.0 { -p * Real::ln(p) } else { 0.0 }
}

impl EntropyRule for Shrinkage {
    fn name(&self) -> Cow<'static, str> {
        "James–Stein shrinkage".into()
    }

    fn entropy(&self, data: &Multiplicities) -> Result<f64, InfoError> {
        let law = shrunk(data);
        let unseen = law.k - data.observed() as f64;
        let terms: Vec<f64> = std::iter::once((0, unseen))
            .chain(data.pairs().iter().map(|(c, m)| (*c, *m as f64)))
            .map(|(count, number)| number * entropy_term(law.probability(count)))
            .collect();
        Ok(reduce::sum(&terms))
    }

    /// The infinitesimal jackknife: with the derivative `Dᵢ` of `Ĥ` along a larger `p̂ᵢ`,
    /// `√(Σᵢ p̂ᵢ (Dᵢ − D̄)²/n)`, `D̄ = Σᵢ p̂ᵢDᵢ`, and at least the plug-in's at a uniform law.
    fn std_err(&self, data: &Multiplicities) -> Result<f64, InfoError> {
        if data.total() == 1 {
            return Ok(f64::INFINITY);
        }
        let law = shrunk(data);
        let unseen = law.k - data.observed() as f64;
        // dH/dp̃ = −log p̃ − 1; dH/dλ = Σ (1/K − p̂)·(−log p̃ − 1), the −1 cancels in both.
        let slope = |count: u64| -Real::ln(law.probability(count).max(f64::MIN_POSITIVE));
        let along_lambda: f64 = if law.slope == 0.0 {
            0.0
        } else {
            unseen / law.k * slope(0)
                + data
                    .pairs()
                    .iter()
                    .map(|(c, m)| *m as f64 * (1.0 / law.k - *c as f64 / law.n) * slope(*c))
                    .sum::<f64>()
        };
        let influences: Vec<(f64, f64)> = data
            .pairs()
            .iter()
            .map(|(count, number)| {
                let p = *count as f64 / law.n;
                let influence =
                    (1.0 - law.lambda) * slope(*count) + along_lambda * law.slope * 2.0 * p;
                (*number as f64 * p, influence)
            })
            .collect();
        let mean: f64 = influences.iter().map(|(w, d)| w * d).sum();
        let variance: f64 = influences
            .iter()
            .map(|(w, d)| w * (d - mean) * (d - mean))
            .sum();
        Ok((variance / law.n).sqrt().max(second_order(data)))
    }

    fn std_err_name(&self) -> &'static str {
        "infinitesimal jackknife"
    }
}
