//! Intervals, bias and tests for any estimator.
//!
//! | what | how |
//! |---|---|
//! | [`subsample`] | intervals from subsamples, for any estimator |
//! | [`permutation`] | p-values of independence, conditional independence, equality of laws |
//! | [`bias`] | the bias left, by extrapolation over halves, quarters and eighths of the data |
//!
//! [`attach`] puts intervals and bias around a value, as [`Inference`] asks.

pub mod bias;
pub mod permutation;
mod resample;
pub mod subsample;

pub use permutation::{PermutationTest, Pool, Significance};
pub use resample::Resample;

use ergodic_core::{Bias, Estimate};

use crate::{Estimator, Inference, InfoError, IntervalSource};

/// The [`Estimate`] around a `value` that `estimator` found from `data`, as `inference` asks.
///
/// * The interval: `value ± z·std_err` with the estimator's own standard error, or, when
///   [`IntervalSource::Subsamples`] is asked for, from subsamples ([`subsample::Roots`]). An
///   estimator without a standard error of its own (`None`) gets 40 subsamples of `10√n`
///   observations, at most a fifth (more of them where the confidence needs it).
/// * The bias: `bias` as the caller knows it. Where that is [`Bias::Unknown`] and a search is asked
///   for, [`bias::search`] looks for it by extrapolation. What it finds below the half width of the
///   interval ([`Bias::NotDetected`]) is added to the interval on the side where it would leave the
///   truth; bias beyond it ([`Bias::Dominates`]) is reported and leaves the interval as it is.
///
/// The standard error of the estimate is that of the value in every case. The interval may be wider than
/// it explains: by the bias found, or, of nearest neighbours, by an extrapolation; then the method says
/// so, and the interval is what to report.
///
/// This is what an [`Estimator`] calls at the end of [`estimate`](Estimator::estimate). Cost beside
/// the value: one estimate per subsample, and about three for the search.
///
/// # Errors
/// If the settings are outside their domain, a subsample is outside the estimator's, or the
/// value is NaN.
///
/// ```
/// use std::borrow::Cow;
/// use ergodic_core::{Bias, Estimate};
/// use ergodic_info::{Estimator, InfoError, Inference, Points, Sample, inference};
///
/// /// The mean of the first coordinate.
/// struct Mean;
/// impl Estimator<Points> for Mean {
///     fn method(&self) -> Cow<'static, str> {
///         "mean".into()
///     }
///     fn value(&self, data: &Points) -> Result<f64, InfoError> {
///         Ok((0..data.len()).map(|i| data.row(i)[0]).sum::<f64>() / data.len() as f64)
///     }
///     fn estimate(&self, data: &Points, ask: &Inference) -> Result<Estimate, InfoError> {
///         inference::attach(self, data, ask, self.value(data)?, None, Bias::Bounded(0.0))
///     }
/// }
///
/// let data = Points::scalar((0..100).map(f64::from).collect::<Vec<_>>())?;
/// let ask = Inference::new().interval(ergodic_info::IntervalSource::Subsamples {
///     share: 0.25,
///     number: 400,
/// });
/// let mean = Mean.estimate(&data, &ask)?;
/// // s/√n of 0, …, 99 is 2.901.
/// assert!((mean.std_err - 2.901).abs() < 0.4);
/// assert!(mean.interval.contains(49.5));
/// # Ok::<(), InfoError>(())
/// ```
pub fn attach<D, E>(
    estimator: &E,
    data: &D,
    inference: &Inference,
    value: f64,
    std_err: Option<f64>,
    bias: Bias,
) -> Result<Estimate, InfoError>
where
    D: Resample,
    E: Estimator<D> + ?Sized,
{
    inference.check()?;
    let (confidence, seed) = (inference.confidence_level(), inference.seed_value());
    let mut method = estimator.method();
    let source = match (inference.interval_source(), std_err) {
        (IntervalSource::Own, Some(std_err)) => Ok(std_err),
        (IntervalSource::Own, None) => {
            if data.size() < FEWEST {
                return Err(InfoError::argument(
                    "data",
                    format!("a sample of {} observations", data.size()),
                    format!("of at least {FEWEST}, for an interval from subsamples"),
                ));
            }
            let size = data.size() as f64;
            Err((
                (10.0 / size.sqrt()).min(0.2),
                subsample::number(confidence, NUMBER)?,
            ))
        }
        (IntervalSource::Subsamples { share, number }, _) => Err((share, number)),
    };
    let mut estimate = match source {
        Ok(std_err) => Estimate::normal("", value, std_err, data.size(), confidence)?,
        Err((share, number)) => {
            let roots = subsample::Roots::draw(estimator, data, share, number, seed)?;
            method = format!(
                "{method}; interval from {number} subsamples of {}",
                roots.size()
            )
            .into();
            let interval = roots.interval(value, confidence)?;
            Estimate::new(
                "",
                value,
                roots.std_err(),
                interval,
                data.size(),
                confidence,
            )?
        }
    };
    estimate.units = estimator.units();
    estimate.bias = bias;
    if bias == Bias::Unknown && inference.searches_bias() {
        let half_width = 0.5 * (estimate.interval.upper - estimate.interval.lower);
        estimate.bias = bias::search(estimator, data, value, half_width, seed);
    }
    estimate.method = method;
    if bias == Bias::Unknown {
        let found = bias_found(estimate.bias);
        widen(&mut estimate, found);
    }
    Ok(estimate)
}

/// The bias that a search found below the half width of the interval, 0 for none.
pub(crate) fn bias_found(bias: Bias) -> f64 {
    match bias {
        Bias::NotDetected(found) => found,
        _ => 0.0,
    }
}

/// Widens the interval by a bias (value minus truth) to the side on which the truth then is. The
/// standard error stays: it is that of the value, whose noise the bias is not.
pub(crate) fn widen(estimate: &mut Estimate, bias: f64) {
    const NOTE: &str = "; widened by the bias found";
    if bias == 0.0 {
        return;
    }
    estimate.interval.lower -= bias.max(0.0);
    estimate.interval.upper += (-bias).max(0.0);
    if !estimate.method.ends_with(NOTE) {
        estimate.method.to_mut().push_str(NOTE);
    }
}

/// The number of subsamples where none is asked for: enough for 95 %.
const NUMBER: usize = 40;

/// The smallest sample of which a fifth is two observations.
const FEWEST: usize = 8;

#[cfg(test)]
pub(crate) mod tests {
    use std::borrow::Cow;

    use ergodic_math::reduce;

    use super::*;
    use crate::{Pair, Points, Sample};

    /// The mean of the first coordinate: linear, unbiased.
    pub(crate) struct Mean;

    impl Estimator<Points> for Mean {
        fn method(&self) -> Cow<'static, str> {
            "mean".into()
        }

        fn value(&self, data: &Points) -> Result<f64, InfoError> {
            let first: Vec<f64> = (0..data.len()).map(|i| data.row(i)[0]).collect();
            Ok(reduce::mean(&first).unwrap())
        }

        fn estimate(&self, data: &Points, ask: &Inference) -> Result<Estimate, InfoError> {
            let value = self.value(data)?;
            attach(self, data, ask, value, Some(0.5), Bias::Unknown)
        }
    }

    /// Kraskov's first estimator in its plainest form, `O(n²)`.
    pub(crate) struct BruteForce {
        pub(crate) k: usize,
    }

    impl Estimator<Pair<Points>> for BruteForce {
        fn method(&self) -> Cow<'static, str> {
            "mutual information, brute force".into()
        }

        fn value(&self, data: &Pair<Points>) -> Result<f64, InfoError> {
            let n = data.len();
            if self.k >= n {
                return Err(InfoError::argument("k", self.k, "below the sample's size"));
            }
            let distance = |points: &Points, i, j| {
                let both = points.row(i).iter().zip(points.row(j));
                both.fold(0.0f64, |m, (a, b)| m.max((a - b).abs()))
            };
            let digamma = |m: usize| ergodic_math::special::digamma(m as f64);
            let mut sum = 0.0;
            for i in 0..n {
                let others = (0..n).filter(|j| *j != i);
                let both: Vec<(f64, f64)> = others
                    .map(|j| (distance(data.x(), i, j), distance(data.y(), i, j)))
                    .collect();
                let mut joint: Vec<f64> = both.iter().map(|(x, y)| x.max(*y)).collect();
                let (_, radius, _) = joint.select_nth_unstable_by(self.k - 1, f64::total_cmp);
                let x = both.iter().filter(|d| d.0 < *radius).count();
                let y = both.iter().filter(|d| d.1 < *radius).count();
                sum += digamma(x + 1) + digamma(y + 1);
            }
            Ok(digamma(self.k) + digamma(n) - sum / n as f64)
        }

        fn estimate(&self, data: &Pair<Points>, ask: &Inference) -> Result<Estimate, InfoError> {
            attach(self, data, ask, self.value(data)?, None, Bias::Unknown)
        }
    }

    /// `dim` independent pairs of standard normals with correlation `rho`: I = −½ dim ln(1 − ρ²).
    pub(crate) fn correlated(n: usize, dim: usize, rho: f64, seed: u64) -> Pair<Points> {
        let mut rng = ergodic_math::rng::stream(seed, 0);
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for _ in 0..n * dim {
            let (a, b) = (
                ergodic_math::rng::normal(&mut rng),
                ergodic_math::rng::normal(&mut rng),
            );
            x.push(a);
            y.push(rho * a + (1.0 - rho * rho).sqrt() * b);
        }
        Pair::new(Points::new(x, dim).unwrap(), Points::new(y, dim).unwrap()).unwrap()
    }

    #[test]
    fn own_standard_errors_make_normal_intervals() {
        let data = Points::scalar((0..80).map(f64::from).collect::<Vec<_>>()).unwrap();
        let ask = Inference::new().search_bias(false);
        let e = Mean.estimate(&data, &ask).unwrap();
        assert_eq!((e.value, e.std_err, e.samples), (39.5, 0.5, 80));
        assert!((e.interval.upper - 39.5 - 0.5 * 1.959963984540054).abs() < 1e-12);
        assert_eq!(e.bias, Bias::Unknown);
        let e = attach(&Mean, &data, &ask, 39.5, None, Bias::Bounded(0.1)).unwrap();
        // √(80·81/12/80): subsamples know it within a third.
        assert!((e.std_err / 2.6 - 1.0).abs() < 0.34, "{e}");
        assert!(e.method.contains("40 subsamples of 16"), "{e}");
        assert_eq!(e.bias, Bias::Bounded(0.1));
    }

    /// A mean that is −20/n off, a quarter of the half width: the interval grows by it, upwards only.
    #[test]
    fn intervals_are_widened_by_the_bias_found_on_its_side() {
        struct Shifted;
        impl Estimator<Points> for Shifted {
            fn method(&self) -> Cow<'static, str> {
                "mean − 20/n".into()
            }
            fn value(&self, data: &Points) -> Result<f64, InfoError> {
                Ok(Mean.value(data)? - 20.0 / data.len() as f64)
            }
            fn estimate(&self, data: &Points, ask: &Inference) -> Result<Estimate, InfoError> {
                attach(self, data, ask, self.value(data)?, Some(0.5), Bias::Unknown)
            }
        }
        let data = Points::scalar((0..80).map(f64::from).collect::<Vec<_>>()).unwrap();
        let e = Shifted.estimate(&data, &Inference::new()).unwrap();
        let Bias::NotDetected(found) = e.bias else {
            panic!("{e}")
        };
        assert!((found / -0.25 - 1.0).abs() < 0.05, "{found}");
        let half = 0.5 * 1.959963984540054;
        assert!((e.interval.lower - (e.value - half)).abs() < 1e-12);
        assert!((e.interval.upper - (e.value + half - found)).abs() < 1e-12);
        assert!(e.method.ends_with("widened by the bias found"));
    }

    #[test]
    fn bad_settings_that_were_not_built_are_refused() {
        let data = Points::scalar([1.0, 2.0]).unwrap();
        let error = Mean.estimate(&data, &Inference::new().confidence(2.0));
        assert!(error.unwrap_err().to_string().contains("confidence"));
        let ask = Inference::new();
        let error = attach(&Mean, &data, &ask, 1.5, None, Bias::Unknown).unwrap_err();
        assert!(error.to_string().starts_with("data"), "{error}");
        let eight = Points::scalar([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]).unwrap();
        assert!(attach(&Mean, &eight, &ask, 4.5, None, Bias::Unknown).is_ok());
    }
}
