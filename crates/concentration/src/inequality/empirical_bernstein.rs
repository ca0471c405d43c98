//! Empirical Bernstein bounds: the variance is that of the sample.

use ergodic_core::{ArgumentError, Estimate, Interval};

use super::assumption::check_variance;
use super::{Bounded, estimate, smallest_sample};
use crate::argument;

/// A bound on the deviation of the mean of `n` independent variables in a range by their own
/// variance: with probability at least `1 − δ`, the deviation is below
/// `√(2 s² L f/n) + e (b − a) L/(n − 1)` with `L = log(k/δ)`.
///
/// `s²` is the sample variance with divisor `n − 1`. The radius is random, so that
/// [`log_tail`](Self::log_tail) is the risk at which it equals `t`, not the probability of a fixed
/// event.
pub trait EmpiricalBernstein {
    /// The name of the inequality.
    fn name(&self) -> &'static str;

    /// Whether it speaks of `|mean − μ|`, not of `μ − mean` alone.
    fn two_sided(&self) -> bool;

    /// The range of the variables.
    fn bounded(&self) -> Bounded;

    /// `(√(2 s² f/n), e (b − a)/…, k)`: the coefficients of `√L` and of `L`, and the number in the
    /// logarithm, at arguments that were checked, `n ≥ 2`.
    fn coefficients(&self, n: f64, sample_variance: f64) -> (f64, f64, f64);

    /// The radius at a confidence.
    ///
    /// # Errors
    /// If `n` is below 2 or above 2⁵³, the sample variance above what the range allows, or the
    /// confidence outside `(0, 1)`.
    fn radius(&self, n: u64, sample_variance: f64, confidence: f64) -> Result<f64, ArgumentError> {
        let size = check(self.bounded(), n, sample_variance)?;
        let log_risk = argument::log_risk(confidence)?;
        Ok(radius(self.coefficients(size, sample_variance), log_risk))
    }

    /// The logarithm of the risk whose radius is `t`; never above 0.
    ///
    /// # Errors
    /// If `n` or the sample variance are not as in [`radius`](Self::radius), or `t` is negative or
    /// not finite.
    fn log_tail(&self, n: u64, sample_variance: f64, t: f64) -> Result<f64, ArgumentError> {
        let size = check(self.bounded(), n, sample_variance)?;
        argument::deviation(t)?;
        let (root, linear, number) = self.coefficients(size, sample_variance);
        // linear L + root √L = t
        let discriminant = (root * root + 4.0 * linear * t).sqrt();
        let sqrt_l = 2.0 * t / (root + discriminant);
        let log = libm::log(number) - sqrt_l * sqrt_l;
        Ok(if log < 0.0 { log } else { 0.0 })
    }

    /// The smallest `n` whose radius is at most `t`, should the sample variance turn out as stated.
    ///
    /// # Errors
    /// If `t` is not finite and above 0, the variance above a quarter of the squared range, the
    /// confidence outside `(0, 1)`, or no `n` up to 2⁵³ is enough.
    fn sample_size(
        &self,
        sample_variance: f64,
        t: f64,
        confidence: f64,
    ) -> Result<u64, ArgumentError> {
        argument::positive("t", t)?;
        check_variance(sample_variance, self.bounded().largest_variance())?;
        let log_risk = argument::log_risk(confidence)?;
        let holds = |n: u64| {
            Ok(n > 1 && radius(self.coefficients(n as f64, sample_variance), log_risk) <= t)
        };
        smallest_sample(holds)?.ok_or_else(|| {
            ArgumentError::new("t", t, "so large that some sample size up to 2⁵³ is enough")
        })
    }

    /// The interval for the mean from observations: `mean ± radius`, of a one-sided bound both sides
    /// at half the risk, cut to the range, in which the mean is in any case. Ends are rounded
    /// outwards.
    ///
    /// # Errors
    /// If there are fewer than two observations, one is outside the range, or the confidence is
    /// outside `(0, 1)`.
    fn interval(&self, observations: &[f64], confidence: f64) -> Result<Estimate, ArgumentError> {
        let range = self.bounded();
        for &x in observations {
            range.check("observations", x)?;
        }
        let n = u64::try_from(observations.len()).unwrap_or(u64::MAX);
        let size = check(range, n, 0.0)?;
        let mean = ergodic_math::reduce::mean(observations).unwrap_or(range.lower());
        let squares: Vec<f64> = observations
            .iter()
            .map(|x| (x - mean) * (x - mean))
            .collect();
        let variance = ergodic_math::reduce::sum(&squares) / (size - 1.0);
        let mut log_risk = argument::log_risk(confidence)?;
        if !self.two_sided() {
            log_risk -= std::f64::consts::LN_2;
        }
        let radius = radius(self.coefficients(size, variance), log_risk);
        let around = Interval {
            lower: (mean - radius).next_down(),
            upper: (mean + radius).next_up(),
        };
        // It holds the mean of numbers in the range.
        let interval = range.cut(around).unwrap_or(range.whole());
        estimate(self.name(), mean, interval, n, confidence)
    }
}

fn radius((root, linear, number): (f64, f64, f64), log_risk: f64) -> f64 {
    let l = libm::log(number) - log_risk;
    root * l.sqrt() + linear * l
}

fn check(range: Bounded, n: u64, sample_variance: f64) -> Result<f64, ArgumentError> {
    let size = argument::sample_size(n)?;
    if n < 2 {
        return Err(ArgumentError::new("n", n, "at least 2, to have a variance"));
    }
    // Half of the sample at each end; rounding may pass that by some ulp.
    let largest = range.largest_variance() * (size / (size - 1.0)) * (1.0 + 1e-12);
    check_variance(sample_variance, largest)?;
    Ok(size)
}

/// Maurer and Pontil's one-sided bound: `E X ≤ mean + √(2 s² L/n) + 7(b − a)L/3(n − 1)`, `L = log(2/δ)`.
///
/// The same holds below by reflection, which [`interval`](EmpiricalBernstein::interval) uses. Better
/// than Hoeffding where the variance is far below a quarter of the squared range and `n` above some
/// hundred. Source: A. Maurer and M. Pontil, *Empirical Bernstein bounds and sample variance
/// penalization*, COLT 2009, theorem 4.
///
/// ```
/// use ergodic_concentration::inequality::{Bounded, EmpiricalBernstein, MaurerPontil};
///
/// let bound = MaurerPontil::new(Bounded::new(0.0, 1.0)?);
/// let l = (2f64 / 0.05).ln();
/// let expected = (0.02 * l / 1000.0).sqrt() + 7.0 * l / 2997.0;
/// assert!((bound.radius(1000, 0.01, 0.95)? - expected).abs() < 1e-15);
/// assert!(bound.radius(1, 0.0, 0.95).is_err());
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaurerPontil {
    assumption: Bounded,
}

impl MaurerPontil {
    /// Under this assumption.
    pub fn new(assumption: Bounded) -> Self {
        Self { assumption }
    }
}

impl EmpiricalBernstein for MaurerPontil {
    fn name(&self) -> &'static str {
        "empirical Bernstein (Maurer–Pontil)"
    }

    fn two_sided(&self) -> bool {
        false
    }

    fn bounded(&self) -> Bounded {
        self.assumption
    }

    fn coefficients(&self, n: f64, sample_variance: f64) -> (f64, f64, f64) {
        let linear = 7.0 * self.assumption.range() / (3.0 * (n - 1.0));
        ((2.0 * sample_variance / n).sqrt(), linear, 2.0)
    }
}

/// The two-sided bound of Audibert, Munos and Szepesvári:
/// `|mean − E X| ≤ √(2 v L/n) + 3(b − a)L/n`, `L = log(3/δ)`, with the sample variance `v = s²(n − 1)/n`
/// of divisor `n`.
///
/// Source: J.-Y. Audibert, R. Munos and C. Szepesvári, *Theor. Comput. Sci.* 410, 2009, theorem 1.
///
/// ```
/// use ergodic_concentration::inequality::{Audibert, Bounded, EmpiricalBernstein};
///
/// let bound = Audibert::new(Bounded::new(0.0, 1.0)?);
/// let coins: Vec<f64> = (0..1000).map(|i| f64::from(i % 100 == 0)).collect();
/// let interval = bound.interval(&coins, 0.95)?;
/// assert!(interval.interval.contains(0.01) && interval.interval.upper < 0.04);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Audibert {
    assumption: Bounded,
}

impl Audibert {
    /// Under this assumption.
    pub fn new(assumption: Bounded) -> Self {
        Self { assumption }
    }
}

impl EmpiricalBernstein for Audibert {
    fn name(&self) -> &'static str {
        "empirical Bernstein (Audibert–Munos–Szepesvári)"
    }

    fn two_sided(&self) -> bool {
        true
    }

    fn bounded(&self) -> Bounded {
        self.assumption
    }

    fn coefficients(&self, n: f64, sample_variance: f64) -> (f64, f64, f64) {
        let variance = sample_variance * ((n - 1.0) / n);
        let linear = 3.0 * self.assumption.range() / n;
        ((2.0 * variance / n).sqrt(), linear, 3.0)
    }
}
