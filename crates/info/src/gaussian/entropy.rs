//! The entropy of a normal law from a sample: unbiased, with an exact interval.

use std::borrow::Cow;

use ergodic_core::{Bias, Estimate, Interval};

use super::cholesky::Cholesky;
use super::log_determinant::LogDeterminantLaw;
use super::{LN_2PI, by_parts, mutual::scatter};
use crate::{Estimator, Inference, InfoError, Points, Sample};

/// The differential entropy of data that are normal, from `n > d` points:
/// `½ [d log(2πe) + log |S| − Σ_{i=1}^{d} (ψ((n − i)/2) + log 2)]`, `S` the scatter matrix about the
/// sample mean, in nats.
///
/// If the data are normal, this is unbiased for every `n > d` and of least variance (Ahmed and
/// Gokhale, *IEEE Trans. Inf. Theory* 35, 1989; Misra, Singh and Demchuk, *J. Multivariate Anal.*
/// 92, 2005), its standard error `½ √(Σ ψ′((n − i)/2))` does not depend on the law, and the
/// interval is exact: `log |S| − log |Σ|` is a sum of logarithms of `χ²`. `O(n d² + d³)`.
///
/// Not for data that are not normal: the value then estimates the entropy of the normal law of the
/// same covariance, which is an upper bound of theirs, and the interval covers neither. Use
/// nearest neighbours there.
///
/// ```
/// use ergodic_info::gaussian::GaussianEntropy;
/// use ergodic_info::{Estimator, Inference, Points};
///
/// let mut x = vec![0.0; 3 * 2000];
/// ergodic_math::rng::fill_normal(&mut ergodic_math::rng::stream(1, 0), &mut x);
/// let h = GaussianEntropy.estimate(&Points::new(x, 3)?, &Inference::new())?;
/// assert!((h.value - 4.2568155996140185).abs() < 0.1); // h(N(0, I₃))
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GaussianEntropy;

impl GaussianEntropy {
    fn parts(points: &Points) -> Result<(f64, LogDeterminantLaw), InfoError> {
        let (n, d) = (points.len(), points.dim());
        if n <= d {
            return Err(InfoError::argument(
                "data",
                format!("a sample of {n} points"),
                format!("more than {d} points, the dimension"),
            ));
        }
        let dependent = |i: usize| {
            InfoError::argument(
                "data",
                format!("a sample in which column {i} is constant or follows from those before it"),
                "of columns that are linearly independent",
            )
        };
        // The mean of equal values may differ from them in its last digit.
        if let Some(constant) = (0..d).find(|i| points.is_constant(*i)) {
            return Err(dependent(constant));
        }
        let (scatter, log_scales) = scatter(&[points]);
        let factor = Cholesky::new(&scatter, d).map_err(dependent)?;
        let law = LogDeterminantLaw::new(n, d);
        // |S| itself may overflow where its logarithm does not.
        let scale: f64 = log_scales.iter().sum();
        Ok((factor.log_determinant() + 2.0 * scale, law))
    }
}

impl Estimator<Points> for GaussianEntropy {
    fn method(&self) -> Cow<'static, str> {
        "entropy of a normal law, unbiased; interval exact if normal".into()
    }

    fn value(&self, data: &Points) -> Result<f64, InfoError> {
        let (log_determinant, law) = Self::parts(data)?;
        let d = data.dim() as f64;
        Ok(0.5 * (d * (1.0 + LN_2PI) + log_determinant - law.mean()))
    }

    fn estimate(&self, data: &Points, inference: &Inference) -> Result<Estimate, InfoError> {
        if let Some(estimate) = by_parts(self, data, inference)? {
            return Ok(estimate);
        }
        let (log_determinant, law) = Self::parts(data)?;
        let d = data.dim() as f64;
        let at = |offset: f64| 0.5 * (d * (1.0 + LN_2PI) + log_determinant - offset);
        let tail = 0.5 - 0.5 * inference.confidence_level();
        let (low, high) = law.quantiles(tail, 1.0 - tail)?;
        let interval = Interval {
            lower: at(high),
            upper: at(low),
        };
        let mut estimate = Estimate::new(
            Estimator::<Points>::method(self),
            at(law.mean()),
            0.5 * law.variance().sqrt(),
            interval,
            data.len(),
            inference.confidence_level(),
        )?;
        estimate.bias = Bias::Bounded(0.0);
        Ok(estimate)
    }
}
