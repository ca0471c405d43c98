//! Mutual information of normal laws from a sample: unbiased, with intervals.

use std::borrow::Cow;

use ergodic_core::{Bias, Estimate, Interval};
use ergodic_math::Real;
use ergodic_math::special::{digamma, normal_quantile};

use super::{by_parts, canonical_correlations, information_of};
use crate::{Estimator, Inference, InfoError, Pair, Points, Sample, Triple};

/// The mutual information of data that are jointly normal, from second moments, in nats:
/// `−½ Σ log(1 − rᵢ²)` over the sample's canonical correlations, less its exact bias.
///
/// If `(X, Y)` is normal, `E[log |S|] = log |Σ| + Σ_{i≤d} [ψ((n − i)/2) + log 2]` makes the value
/// unbiased for every `n > p + q` (Misra, Singh and Demchuk, *J. Multivariate Anal.* 92, 2005); an
/// unbiased value may be below 0 where there is little information. The interval: for one column
/// each, Fisher's `z = atanh r`, normal with variance `1/(n − 3)`; for more, the amounts at or
/// above 0 that the value does not refute by the central limit, with variance `Σ ρᵢ²/n` plus the
/// `p q/(2n²)` that is left where all `ρᵢ = 0`.
/// Constant columns carry nothing and are left out; if a side is constant, the answer is 0
/// exactly. `O(n (p + q)² + (p + q)³)`.
///
/// Not for data that are not normal: it sees linear dependence alone, and is neither an upper nor a
/// lower bound of the mutual information there.
///
/// ```
/// use ergodic_info::gaussian::GaussianMutualInformation;
/// use ergodic_info::{Estimator, Inference, Pair, Points};
///
/// let mut z = vec![0.0; 2 * 1000];
/// ergodic_math::rng::fill_normal(&mut ergodic_math::rng::stream(1, 0), &mut z);
/// let (x, e) = z.split_at(1000);
/// let y: Vec<f64> = x.iter().zip(e).map(|(x, e)| 0.9 * x + 0.19f64.sqrt() * e).collect();
/// let pair = Pair::new(Points::scalar(x)?, Points::scalar(y)?)?;
/// let i = GaussianMutualInformation.estimate(&pair, &Inference::new())?;
/// assert!(i.interval.contains(0.8303656034108254));
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GaussianMutualInformation;

/// The conditional mutual information `I(X; Y | Z)` of data that are jointly normal, in nats: as
/// [`GaussianMutualInformation`], with partial canonical correlations, and `n` less by the columns
/// of `Z`.
///
/// For `Y` the next value of a series, `X` another series and `Z` the past of `Y`, this is the
/// transfer entropy of a linear process, half its Granger causality (Barnett, Barrett and Seth,
/// *Phys. Rev. Lett.* 103, 2009).
///
/// ```
/// use ergodic_info::gaussian::GaussianConditionalMutualInformation;
/// use ergodic_info::{Estimator, Inference, Points, Triple};
///
/// // x and y both follow z, and only that.
/// let mut e = vec![0.0; 3 * 500];
/// ergodic_math::rng::fill_normal(&mut ergodic_math::rng::stream(1, 0), &mut e);
/// let z: Vec<f64> = e[..500].to_vec();
/// let x: Vec<f64> = z.iter().zip(&e[500..1000]).map(|(z, e)| z + 0.5 * e).collect();
/// let y: Vec<f64> = z.iter().zip(&e[1000..]).map(|(z, e)| z + 0.5 * e).collect();
/// let all = Triple::new(Points::scalar(x)?, Points::scalar(y)?, Points::scalar(z)?)?;
/// let i = GaussianConditionalMutualInformation.estimate(&all, &Inference::new())?;
/// assert!(i.interval.contains(0.0));
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GaussianConditionalMutualInformation;

/// What the sample says.
struct Fit {
    value: f64,
    /// Squared canonical correlations; none where a side is constant.
    squares: Vec<f64>,
    /// Columns that vary on either side.
    widths: (usize, usize),
    /// Observations less the columns that were conditioned on.
    effective: f64,
}

impl Fit {
    fn new(x: &Points, y: &Points, z: Option<&Points>) -> Result<Self, InfoError> {
        let n = x.len();
        let parts: Vec<&Points> = [Some(x), Some(y), z].into_iter().flatten().collect();
        let dim = parts.iter().map(|p| p.dim()).sum();
        let varying = |part: &Points, first: usize| -> Vec<usize> {
            (0..part.dim())
                .filter(|c| !part.is_constant(*c))
                .map(|c| first + c)
                .collect()
        };
        let keep = (
            varying(x, 0),
            varying(y, x.dim()),
            z.map_or_else(Vec::new, |z| varying(z, x.dim() + y.dim())),
        );
        let (p, q, r) = (keep.0.len(), keep.1.len(), keep.2.len());
        let mut fit = Self {
            value: 0.0,
            squares: Vec::new(),
            widths: (p, q),
            effective: n as f64 - r as f64,
        };
        if p == 0 || q == 0 {
            return Ok(fit);
        }
        if n <= p + q + r {
            return Err(InfoError::argument(
                "data",
                format!("a sample of {n} observations"),
                format!("more than {}, the number of columns", p + q + r),
            ));
        }
        fit.squares = canonical_correlations(&scatter(&parts).0, dim, &keep.0, &keep.1, &keep.2)
            .map_err(|_| {
                InfoError::argument(
                    "data",
                    "a sample in which a column is a linear function of others",
                    "of linearly independent columns: the information is infinite or undefined",
                )
            })?;
        // Σ_{i=1}^{d} ψ((n − i)/2) for d = p + r, q + r, r, p + q + r: what is common cancels.
        let terms = |from: usize, to: usize| -> f64 {
            (from + 1..=to).map(|i| digamma(0.5 * (n - i) as f64)).sum()
        };
        let bias = 0.5 * (terms(r, r + p) - terms(r + q, r + q + p));
        fit.value = information_of(&fit.squares).nats() - bias;
        Ok(fit)
    }

    fn estimate(
        &self,
        method: Cow<'static, str>,
        samples: usize,
        confidence: f64,
    ) -> Result<Estimate, InfoError> {
        let sum: f64 = self.squares.iter().sum();
        let n = self.effective;
        let independent = (self.widths.0 * self.widths.1) as f64;
        // E[Σ r²] is about Σ ρ² + p q/n.
        let signal = (sum - independent / n).max(0.0);
        let std_err = if self.squares.is_empty() {
            0.0
        } else {
            (signal / n + 0.5 * independent / (n * n)).sqrt()
        };
        let quantile = -normal_quantile(0.5 - 0.5 * confidence)
            .map_err(|e| InfoError::argument("confidence", e, "strictly between 0 and 1"))?;
        let interval = if self.squares.is_empty() {
            Interval {
                lower: 0.0,
                upper: 0.0,
            }
        } else if self.widths == (1, 1) {
            self.fisher(quantile)?
        } else {
            self.score(quantile)
        };
        let mut estimate =
            Estimate::new(method, self.value, std_err, interval, samples, confidence)?;
        estimate.bias = Bias::Bounded(0.0);
        Ok(estimate)
    }

    /// The amounts `I ≥ 0` from which the value is no more than `quantile` of *their* standard
    /// errors away (Wilson's idea): near 0 the standard error changes as fast as the amount.
    ///
    /// The standard error at `I` is that of `m` equal canonical correlations with this
    /// information, `Σρ² = m (1 − e^{−2I/m})`, where `m` is what the sample's own correlations
    /// amount to.
    fn score(&self, quantile: f64) -> Interval {
        let n = self.effective;
        let independent = (self.widths.0 * self.widths.1) as f64;
        let raw = information_of(&self.squares).nats();
        let sum: f64 = self.squares.iter().sum();
        let equal = |m: f64, amount: f64| -m * Real::exp_m1(-2.0 * amount / m);
        let most = self.squares.len() as f64;
        // `equal` rises with m; bisection to the rounding.
        let m = bisect(1.0, most, |m| equal(m, raw) < sum);
        let std_err =
            |amount: f64| (equal(m, amount) / n + 0.5 * independent / (n * n)).sqrt() * quantile;
        let start = self.value.max(0.0);
        Interval {
            lower: bisect(0.0, start, |amount| self.value - amount > std_err(amount)),
            upper: bisect(start, start + std_err(f64::INFINITY), |amount| {
                amount - self.value < std_err(amount)
            }),
        }
    }

    /// The interval of `atanh ρ`, taken to `log cosh` of it.
    fn fisher(&self, quantile: f64) -> Result<Interval, InfoError> {
        if self.effective <= 3.0 {
            return Err(InfoError::argument(
                "data",
                format!(
                    "a sample of {} observations beyond the columns conditioned on",
                    self.effective
                ),
                "of more than 3, for an interval",
            ));
        }
        let r = self.squares[0].sqrt().min(1.0 - f64::EPSILON);
        let z = 0.5 * (Real::ln_1p(r) - Real::ln_1p(-r)) - 0.5 * r / (self.effective - 1.0);
        let half = quantile / (self.effective - 3.0).sqrt();
        // log cosh z = |z| + log(1 + e^{−2|z|}) − log 2
        let information = |z: f64| {
            let t = Real::exp_m1(-2.0 * z.abs());
            z.abs() + Real::ln_1p(0.5 * t)
        };
        Ok(Interval {
            lower: if z <= half {
                0.0
            } else {
                information(z - half)
            },
            upper: information((z + half).max(half - z)),
        })
    }
}

/// Where `below` turns from true to false between `low` and `high`; `low` if it is never true.
fn bisect(mut low: f64, mut high: f64, below: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

impl Estimator<Pair<Points>> for GaussianMutualInformation {
    fn method(&self) -> Cow<'static, str> {
        "mutual information of normal laws, unbiased; interval by Fisher's z if normal".into()
    }

    fn value(&self, data: &Pair<Points>) -> Result<f64, InfoError> {
        Ok(Fit::new(data.x(), data.y(), None)?.value)
    }

    fn estimate(&self, data: &Pair<Points>, inference: &Inference) -> Result<Estimate, InfoError> {
        if let Some(estimate) = by_parts(self, data, inference)? {
            return Ok(estimate);
        }
        let method = if data.x().dim() == 1 && data.y().dim() == 1 {
            Estimator::<Pair<Points>>::method(self)
        } else {
            "mutual information of normal laws, unbiased; interval by the central limit if normal"
                .into()
        };
        Fit::new(data.x(), data.y(), None)?.estimate(
            method,
            data.len(),
            inference.confidence_level(),
        )
    }
}

impl Estimator<Triple<Points>> for GaussianConditionalMutualInformation {
    fn method(&self) -> Cow<'static, str> {
        "conditional mutual information of normal laws, unbiased; interval by Fisher's z if normal"
            .into()
    }

    fn value(&self, data: &Triple<Points>) -> Result<f64, InfoError> {
        Ok(Fit::new(data.x(), data.y(), Some(data.z()))?.value)
    }

    fn estimate(
        &self,
        data: &Triple<Points>,
        inference: &Inference,
    ) -> Result<Estimate, InfoError> {
        if let Some(estimate) = by_parts(self, data, inference)? {
            return Ok(estimate);
        }
        let method = if data.x().dim() == 1 && data.y().dim() == 1 {
            Estimator::<Triple<Points>>::method(self)
        } else {
            "conditional mutual information of normal laws, unbiased; interval by the central \
             limit if normal"
                .into()
        };
        Fit::new(data.x(), data.y(), Some(data.z()))?.estimate(
            method,
            data.len(),
            inference.confidence_level(),
        )
    }
}

/// `Σᵢ (xᵢ − x̄)(xᵢ − x̄)ᵀ` of the columns of all parts beside one another, row-major, each column divided by a
/// power of two that makes its greatest value about 1, so that no square leaves the range of `f64`; and the
/// logarithms of these powers.
pub(super) fn scatter(parts: &[&Points]) -> (Vec<f64>, Vec<f64>) {
    let dim: usize = parts.iter().map(|p| p.dim()).sum();
    let n = parts.first().map_or(0, |p| p.len());
    let raw = |i: usize| parts.iter().flat_map(move |p| p.row(i).iter().copied());
    let mut largest = vec![0.0f64; dim];
    for i in 0..n {
        for (most, v) in largest.iter_mut().zip(raw(i)) {
            *most = most.max(v.abs());
        }
    }
    let powers: Vec<i32> = largest.iter().map(|most| libm::frexp(*most).1).collect();
    // In two steps, as the whole factor may not be a number.
    let factors: Vec<(f64, f64)> = powers
        .iter()
        .map(|power| {
            let half = power / 2;
            (libm::ldexp(1.0, -half), libm::ldexp(1.0, half - power))
        })
        .collect();
    let rows = |i: usize| raw(i).zip(&factors).map(|(v, f)| v * f.0 * f.1);
    let mut mean = vec![0.0; dim];
    for i in 0..n {
        for (m, v) in mean.iter_mut().zip(rows(i)) {
            *m += v;
        }
    }
    for m in &mut mean {
        *m /= n as f64;
    }
    let mut out = vec![0.0; dim * dim];
    let mut row = vec![0.0; dim];
    for i in 0..n {
        for ((x, v), m) in row.iter_mut().zip(rows(i)).zip(&mean) {
            *x = v - m;
        }
        for a in 0..dim {
            for b in 0..=a {
                out[a * dim + b] += row[a] * row[b];
            }
        }
    }
    for a in 0..dim {
        for b in 0..a {
            out[b * dim + a] = out[a * dim + b];
        }
    }
    let logs = powers
        .iter()
        .map(|power| f64::from(*power) * std::f64::consts::LN_2);
    (out, logs.collect())
}
