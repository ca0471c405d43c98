//! Intervals from subsamples, for any estimator.
//!
//! An estimator `θ̂` of rate `√n` is asked again on `B` random subsamples of `b` of the `n`
//! observations, taken without replacement. The *roots*
//!
//! ```text
//! rᵢ = √(b/(n − b)) · (θ̂ᵢ − mean θ̂)
//! ```
//!
//! then vary as `θ̂ₙ − θ` does: a subsample's estimate has variance `σ²/b` over the law, of which
//! the share `1 − b/n` is left when the data are held fixed, as subsamples overlap (the
//! finite-population factor); `θ̂ₙ` has `σ²/n`. For a mean this is exact: over all subsamples, the
//! mean of `rᵢ²` is `s²/n`. It is the delete-`d` jackknife of Shao and Wu (*Ann. Statist.* 17,
//! 1989) with `d = n − b`; the quantiles of the roots make the interval of Politis and Romano
//! (*Ann. Statist.* 22, 1994).
//!
//! The roots are centred at their own mean, not at `θ̂ₙ`: the difference of the two is bias, which
//! [`bias`](super::bias) takes care of, and not noise.
//!
//! # When not to use it
//! Where the rate is not `√n` (entropy of a law with infinite variance of `log p`, high-dimensional
//! nearest neighbours), where the subsamples are too small for the estimator, and at the edge of
//! the parameter space (mutual information of independent symbols, where `θ̂ₙ − θ` is of order
//! `1/n`): use [`permutation`](super::permutation) tests there. Dependent data need blocks:
//! [`series`](crate::series).

use ergodic_core::Interval;
use ergodic_math::reduce;
use rayon::prelude::*;

use super::Resample;
use crate::{Estimator, InfoError};

/// The deviations of the estimates of subsamples, scaled to those of the full data's estimate.
///
/// ```
/// # use std::borrow::Cow;
/// # use ergodic_core::Estimate;
/// # use ergodic_info::{Estimator, InfoError, Inference, Points, Sample};
/// use ergodic_info::inference::subsample::Roots;
/// # struct Mean;
/// # impl Estimator<Points> for Mean {
/// #     fn method(&self) -> Cow<'static, str> { "mean".into() }
/// #     fn value(&self, data: &Points) -> Result<f64, InfoError> {
/// #         Ok(data.as_slice().iter().sum::<f64>() / data.len() as f64)
/// #     }
/// #     fn estimate(&self, _: &Points, _: &Inference) -> Result<Estimate, InfoError> { unreachable!() }
/// # }
///
/// let data = Points::scalar((0..100).map(f64::from).collect::<Vec<_>>())?;
/// // `Mean` is an estimator of the mean. The standard error of 0, …, 99 is 2.901.
/// let roots = Roots::draw(&Mean, &data, 0.5, 400, 1)?;
/// assert!((roots.std_err() - 2.901).abs() < 0.4);
/// let interval = roots.interval(49.5, 0.95)?;
/// assert!(interval.contains(49.5) && interval.upper < 57.0);
/// # Ok::<(), InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Roots {
    /// In increasing order.
    sorted: Vec<f64>,
    std_err: f64,
    size: usize,
}

impl Roots {
    /// Asks `estimator` on `number` random subsamples of `share` of the observations, rounded.
    ///
    /// Subsample `i` is drawn from stream `i` of `seed`, so the result does not depend on the
    /// number of threads. Cost: `number` estimates of that size, in parallel.
    ///
    /// # Errors
    /// If `share` is not in `(0, 1)` or leaves fewer than two observations in or none out of a
    /// subsample, if `number < 2`, or the estimator refuses a subsample.
    pub fn draw<D, E>(
        estimator: &E,
        data: &D,
        share: f64,
        number: usize,
        seed: u64,
    ) -> Result<Self, InfoError>
    where
        D: Resample,
        E: Estimator<D> + ?Sized,
    {
        let total = data.size();
        let size = (share * total as f64).round();
        if !(share > 0.0 && share < 1.0 && size >= 2.0 && size < total as f64) {
            return Err(InfoError::argument(
                "share",
                format!("{share} of {total} observations"),
                "between 0 and 1, such that at least two observations are in and one is out",
            ));
        }
        if number < 2 {
            return Err(InfoError::argument("number", number, "at least 2"));
        }
        let size = size as usize;
        let values = (0..number as u64)
            .into_par_iter()
            .map(|i| {
                let mut rng = ergodic_math::rng::stream(seed, i);
                estimator.value(&data.part(size, &mut rng))
            })
            .collect::<Result<Vec<f64>, InfoError>>()?;
        Self::of(values, size, total)
    }

    /// The roots of the estimates of subsamples of `size` out of `total` observations.
    fn of(values: Vec<f64>, size: usize, total: usize) -> Result<Self, InfoError> {
        let Some(mean) = reduce::mean(&values).filter(|m| m.is_finite()) else {
            return Err(InfoError::argument(
                "estimator",
                "an estimate that is not finite on a subsample",
                "one with finite estimates, for an interval from subsamples",
            ));
        };
        let scale = (size as f64 / (total - size) as f64).sqrt();
        let mut sorted: Vec<f64> = values.iter().map(|v| scale * (v - mean)).collect();
        let squares: Vec<f64> = sorted.iter().map(|r| r * r).collect();
        let std_err = (reduce::sum(&squares) / (values.len() - 1) as f64).sqrt();
        sorted.sort_by(f64::total_cmp);
        Ok(Self {
            sorted,
            std_err,
            size,
        })
    }

    /// The number of observations in a subsample.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The roots in increasing order, in the unit of the estimate.
    pub fn as_slice(&self) -> &[f64] {
        &self.sorted
    }

    /// The standard error of the full data's estimate: the root mean square of the roots, with
    /// `B − 1` for `B`.
    pub fn std_err(&self) -> f64 {
        self.std_err
    }

    /// The equal-tailed interval `[value − q(1 − α/2), value − q(α/2)]` with the quantiles `q` of
    /// the roots and `α = 1 − confidence`; a quantile is the order statistic `⌈B·p⌉` from its own
    /// end, so that neither tail is cut short.
    ///
    /// # Errors
    /// If the confidence is not in `(0, 1)`, or asks for tails with less than one of the
    /// subsamples in each: `number·(1 − confidence) < 2`.
    pub fn interval(&self, value: f64, confidence: f64) -> Result<Interval, InfoError> {
        if !(confidence > 0.0 && confidence < 1.0) {
            return Err(InfoError::argument(
                "confidence",
                confidence,
                "strictly between 0 and 1",
            ));
        }
        let number = self.sorted.len();
        let tail = 0.5 * (1.0 - confidence) * number as f64;
        // 40 subsamples at 95 % are enough whatever the rounding of 1 − 0.95.
        let beyond = (tail + 1e-9).floor();
        if beyond < 1.0 {
            return Err(InfoError::argument(
                "number",
                format!("{number} subsamples for an interval of confidence {confidence}"),
                "at least 2/(1 − confidence) subsamples",
            ));
        }
        let beyond = beyond as usize - 1;
        Ok(Interval {
            lower: value - self.sorted[number - 1 - beyond],
            upper: value - self.sorted[beyond],
        })
    }
}

/// How many subsamples an interval of this confidence needs, at least `least`.
///
/// # Errors
/// If that is more than 10⁵: nobody wants to wait for tails that far out.
pub(crate) fn number(confidence: f64, least: usize) -> Result<usize, InfoError> {
    let needed = (2.0 / (1.0 - confidence)).ceil();
    if needed > 1e5 {
        return Err(InfoError::argument(
            "confidence",
            confidence,
            "at most 1 − 2·10⁻⁵ for an interval from subsamples",
        ));
    }
    Ok(least.max(needed as usize))
}

/// The `t` with `P(|T| ≤ t) = confidence` for Student's law: with `x = ν/(ν + t²)`, the two tails hold
/// `Iₓ(ν/2, ½)`.
///
/// # Errors
/// If the confidence is not in `(0, 1)` or the degrees of freedom are not positive.
pub(crate) fn student_quantile(confidence: f64, degrees: f64) -> Result<f64, InfoError> {
    let tails = |x: f64| ergodic_math::special::beta_regularized(0.5 * degrees, 0.5, x);
    tails(0.5).map_err(|_| InfoError::argument("degrees", degrees, "positive"))?;
    let outside = || InfoError::argument("confidence", confidence, "strictly between 0 and 1");
    if !(confidence > 0.0 && confidence < 1.0) {
        return Err(outside());
    }
    let excess = |x: f64| tails(x).unwrap_or(f64::NAN) - (1.0 - confidence);
    let root = ergodic_math::roots::brent(excess, 0.0, 1.0, 0.0).map_err(|_| outside())?;
    Ok((degrees * (1.0 - root.x) / root.x).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::tests::Mean;
    use crate::{Points, Sample};

    fn points(values: &[f64]) -> Points {
        Points::scalar(values).unwrap()
    }

    /// Over all C(6, b) subsets, the mean squared root of a mean is s²/n exactly.
    #[test]
    fn roots_of_a_mean_have_its_variance_over_all_subsets() {
        let data = [0.3, -1.2, 2.5, 0.0, 4.0, 0.7];
        let n = data.len();
        let mean = data.iter().sum::<f64>() / n as f64;
        let s2 = data.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1) as f64;
        for b in 2..n {
            let means: Vec<f64> = (0u32..1 << n)
                .filter(|set| set.count_ones() as usize == b)
                .map(|set| {
                    let members = (0..n).filter(|i| set >> i & 1 == 1).map(|i| data[i]);
                    members.sum::<f64>() / b as f64
                })
                .collect();
            let count = means.len() as f64;
            let roots = Roots::of(means, b, n).unwrap();
            let exact = roots.std_err() * roots.std_err() * (count - 1.0) / count;
            assert!((exact - s2 / n as f64).abs() < 1e-14, "{b}: {exact}");
        }
    }

    /// Roots that are skewed to the right make an interval that is skewed to the left.
    #[test]
    fn each_end_of_an_interval_takes_the_roots_of_the_other_side() {
        // Mean 2; deviations −2 (four times) and 8; √(2/(10 − 2)) = ½.
        let roots = Roots::of(vec![0.0, 0.0, 10.0, 0.0, 0.0], 2, 10).unwrap();
        assert_eq!(roots.as_slice(), [-1.0, -1.0, -1.0, -1.0, 4.0]);
        let found = roots.interval(7.0, 0.5).unwrap();
        assert_eq!((found.lower, found.upper), (3.0, 8.0));
    }

    /// The interval of the mean of 200 normals at 90 % covers as often as it says.
    #[test]
    fn intervals_of_means_cover_at_their_confidence() {
        const RUNS: u64 = 1_000;
        for share in [0.1, 0.25, 0.5] {
            let covered = (0..RUNS)
                .filter(|run| {
                    let mut rng = ergodic_math::rng::stream(11, *run);
                    let mut x = vec![0.0; 200];
                    ergodic_math::rng::fill_normal(&mut rng, &mut x);
                    let data = points(&x);
                    let roots = Roots::draw(&Mean, &data, share, 100, *run).unwrap();
                    let value = Mean.value(&data).unwrap();
                    roots.interval(value, 0.9).unwrap().contains(0.0)
                })
                .count() as f64;
            // The order statistics 5 and 96 of 100 leave out 9.0 % more or less; six binomial
            // standard deviations (2e-9 each way) of .0095, and .015 for the 100 subsamples.
            let coverage = covered / RUNS as f64;
            assert!((coverage - 0.9).abs() < 0.072, "{share}: {coverage}");
        }
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let data = points(&(0..300).map(|i| f64::from(i * i % 71)).collect::<Vec<_>>());
        let draw = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            pool.install(|| Roots::draw(&Mean, &data, 0.3, 64, 5).unwrap())
        };
        assert_eq!(draw(1), draw(3));
        assert_ne!(draw(1), Roots::draw(&Mean, &data, 0.3, 64, 6).unwrap());
    }

    /// Cauchy's law has `t = tan(πc/2)`; two degrees have `c/√((1 − c²)/2)`; many are normal.
    #[test]
    fn student_quantiles_are_those_of_known_laws() {
        for c in [0.5, 0.9, 0.99] {
            let exact = libm::tan(0.5 * std::f64::consts::PI * c);
            let found = student_quantile(c, 1.0).unwrap();
            assert!((found / exact - 1.0).abs() < 1e-9, "{c}: {found}");
            let exact = c * (2.0 / (1.0 - c * c)).sqrt();
            let found = student_quantile(c, 2.0).unwrap();
            assert!((found / exact - 1.0).abs() < 1e-9, "{c}: {found}");
        }
        let found = student_quantile(0.95, 1e8).unwrap();
        assert!((found - 1.959963984540054).abs() < 1e-6, "{found}");
        for confidence in [0.0, 1.0, 2.0, f64::NAN] {
            assert!(student_quantile(confidence, 3.0).is_err(), "{confidence}");
        }
        assert!(student_quantile(0.9, 0.0).is_err());
    }

    #[test]
    fn subsamples_suffice_for_the_confidence() {
        assert_eq!(number(0.95, 40).unwrap(), 40);
        assert_eq!(number(0.995, 40).unwrap(), 400);
        assert_eq!(number(0.5, 40).unwrap(), 40);
        assert!(
            number(1.0 - 1e-9, 40)
                .unwrap_err()
                .to_string()
                .contains("confidence")
        );
        let data = points(&(0..500).map(f64::from).collect::<Vec<_>>());
        for confidence in [0.9, 0.95, 0.99, 0.995] {
            let needed = number(confidence, 2).unwrap();
            let roots = Roots::draw(&Mean, &data, 0.1, needed, 0).unwrap();
            assert!(
                roots.interval(0.0, confidence).is_ok(),
                "{confidence}: {needed}"
            );
        }
    }

    #[test]
    fn bad_settings_name_their_argument() {
        let data = points(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(data.len(), 4);
        let text = |share, number| {
            let error = Roots::draw(&Mean, &data, share, number, 0).unwrap_err();
            error.to_string()
        };
        for share in [0.0, 0.2, 0.9, 1.0, -1.0, f64::NAN] {
            assert!(text(share, 10).contains("share"), "{share}");
        }
        assert!(text(0.5, 1).contains("number"));
        let roots = Roots::draw(&Mean, &data, 0.5, 39, 0).unwrap();
        assert!(
            roots
                .interval(2.5, 0.95)
                .unwrap_err()
                .to_string()
                .contains("number")
        );
        assert!(
            roots
                .interval(2.5, 1.0)
                .unwrap_err()
                .to_string()
                .contains("confidence")
        );
        let roots = Roots::draw(&Mean, &data, 0.5, 40, 0).unwrap();
        assert!(roots.interval(2.5, 0.95).is_ok());
    }
}
