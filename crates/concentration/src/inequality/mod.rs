//! Inequalities for tails: deviation to bound, confidence to radius, guarantee to sample size.
//!
//! A [`TailBound`] speaks of the mean of `n` independent copies. What it rests on is the type that its
//! constructor takes:
//!
//! | bound | assumption | tail of the mean of `n` copies at `μ + t` |
//! |---|---|---|
//! | [`Markov`] | [`NonNegative`]: `X ≥ 0`, mean known | `μ/(μ + t)` |
//! | [`Chebyshev`] (two-sided), [`Cantelli`] | [`FiniteVariance`] | `v/nt²`, `v/(v + nt²)` |
//! | [`Hoeffding`] | [`Bounded`]: `a ≤ X ≤ b` | `exp(−2nt²/(b − a)²)` |
//! | [`Bernstein`], [`Bennett`] | [`BoundedAbove`], [`BoundedDeviation`]: a variance and a limit | `exp(−nt²/2(v + ct/3))`, `exp(−n(v/c²) h(ct/v))` |
//! | [`Chernoff`] | [`BoundedMean`]: range and mean known | `exp(−n kl(p + t, p))` |
//! | [`FamilyChernoff`] | the law is a member of an exponential family | `exp(−n KL)` |
//! | [`SubGaussian`], [`SubGamma`], [`SubExponential`] | a bound on the logarithmic moment generating function | its conjugate |
//! | [`GaussianLipschitz`] | [`Lipschitz`] function of normal variables | `exp(−nt²/2L²σ²)` |
//! | [`McDiarmid`] | [`BoundedDifferences`] of a function of independent variables | `exp(−2nt²/Σcᵢ²)` |
//! | [`DvoretzkyKieferWolfowitz`] | independent draws of any law | `exp(−2nt²)`, for `sup Fₙ − F` |
//! | [`MatrixBernstein`], [`IntrinsicMatrixBernstein`], [`MatrixSeries`] | [`BoundedMatrix`]; fixed matrices with random signs | `d exp(−nt²/2(v + Lt/3))` |
//! | [`MarkovChainHoeffding`] | [`ReversibleChain`] or [`GeneralChain`]: stationary, with a spectral gap | `exp(−2nt²(1 − λ)/(1 + λ)(b − a)²)` |
//! | [`MaurerPontil`], [`Audibert`] ([`EmpiricalBernstein`]) | [`Bounded`], the variance is that of the sample | a radius |
//!
//! One-sided bounds that can be turned around are [`Reflect`]; [`TwoSided`] adds both sides up.
//! Bounds that do not need to know the mean are [`Pivotal`] and give intervals.
//!
//! ```
//! use ergodic_concentration::inequality::{Bounded, BoundedMean, Chernoff, Hoeffding, TailBound};
//!
//! // Fifteen heads or more in twenty tosses have probability .0207.
//! let hoeffding = Hoeffding::new(Bounded::new(0.0, 1.0)?);
//! let chernoff = Chernoff::new(BoundedMean::unit(0.5)?);
//! assert!((hoeffding.tail(20, 0.25)? - 0.0820849986238988).abs() < 1e-15);
//! assert!((chernoff.tail(20, 0.25)? - 0.07307706433667734).abs() < 1e-15);
//! // To be off by less than .05 with confidence .99:
//! assert_eq!(hoeffding.sample_size(0.05, 0.99)?, 922);
//! # Ok::<(), ergodic_core::ArgumentError>(())
//! ```

mod assumption;
mod bernstein;
mod chebyshev;
mod chernoff;
mod dvoretzky_kiefer_wolfowitz;
mod empirical_bernstein;
mod hoeffding;
mod markov;
mod markov_chain;
mod matrix;
mod mcdiarmid;
mod sub_exponential;
mod sub_gaussian;

pub use assumption::{
    Bounded, BoundedAbove, BoundedDeviation, BoundedMean, FiniteVariance, LimitAndVariance,
    NonNegative,
};
pub(crate) use bernstein::bennett_function;
pub use bernstein::{Bennett, Bernstein};
pub use chebyshev::{Cantelli, Chebyshev};
pub(crate) use chernoff::divergence_ball;
pub use chernoff::{
    Chernoff, FamilyChernoff, bernoulli_divergence, bernoulli_divergence_lower,
    bernoulli_divergence_upper, chernoff_interval,
};
pub use dvoretzky_kiefer_wolfowitz::{Band, DvoretzkyKieferWolfowitz};
pub use empirical_bernstein::{Audibert, EmpiricalBernstein, MaurerPontil};
pub use hoeffding::Hoeffding;
pub use markov::Markov;
pub use markov_chain::{GeneralChain, MarkovChainHoeffding, Mixing, ReversibleChain};
pub use matrix::{BoundedMatrix, IntrinsicMatrixBernstein, MatrixBernstein, MatrixSeries};
pub use mcdiarmid::{BoundedDifferences, McDiarmid};
pub use sub_exponential::{SubExponential, SubGamma};
pub use sub_gaussian::{GaussianLipschitz, Lipschitz, SubGaussian};

use ergodic_core::{ArgumentError, Estimate, Interval, Units};
use ergodic_math::Real;
use ergodic_math::special::log_add_exp;

use crate::argument::{self, LARGEST_SAMPLE};

/// An upper bound on the probability that the mean of `n` independent copies deviates by `t` or more.
///
/// Probabilities are logarithms, so that `10⁻⁴⁰⁰` is a number. Where the copies are no scalars the
/// implementor says what "mean" and "deviation" are. Values are correct to a few units in the last
/// place of the logarithm; they are not rounded upwards.
pub trait TailBound {
    /// The name of the inequality.
    fn name(&self) -> &'static str;

    /// Whether it speaks of `|mean − μ| ≥ t`, not of `mean − μ ≥ t` alone.
    fn two_sided(&self) -> bool;

    /// The logarithm of the bound at arguments that were checked: `n` an exact count of at least 1,
    /// `t ≥ 0` finite. May exceed 0. Callers use [`log_tail`](Self::log_tail).
    ///
    /// # Errors
    /// If the bound does not reach as far as `t`; then it does not at any larger one.
    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError>;

    /// The logarithm of the bound on `P(mean − μ ≥ t)` (or of `|mean − μ|`, see
    /// [`two_sided`](Self::two_sided)); `−∞` where the event is impossible, never above 0.
    ///
    /// # Errors
    /// If `n` is 0 or above 2⁵³, or `t` negative or not finite.
    fn log_tail(&self, n: u64, t: f64) -> Result<f64, ArgumentError> {
        let n = argument::sample_size(n)?;
        argument::deviation(t)?;
        Ok(Real::min(self.evaluate(n, t)?, 0.0))
    }

    /// The bound itself, `exp` of [`log_tail`](Self::log_tail); 0 where that is below about −745.
    ///
    /// # Errors
    /// As [`log_tail`](Self::log_tail).
    fn tail(&self, n: u64, t: f64) -> Result<f64, ArgumentError> {
        Ok(Real::exp(self.log_tail(n, t)?))
    }

    /// The deviation that is exceeded with probability at most `1 − confidence`.
    ///
    /// # Errors
    /// If `n` is 0 or above 2⁵³, the confidence is outside `(0, 1)`, or no deviation has so small a
    /// bound.
    fn radius(&self, n: u64, confidence: f64) -> Result<f64, ArgumentError> {
        let n_checked = argument::sample_size(n)?;
        let log_risk = argument::log_risk(confidence)?;
        smallest_deviation(self, n_checked, log_risk).ok_or_else(|| {
            ArgumentError::new(
                "confidence",
                confidence,
                "one that some deviation reaches at this sample size",
            )
        })
    }

    /// [`radius`](Self::radius) for a risk given by its logarithm, which reaches where
    /// `1 − confidence` has no digits: the smallest `f64` at which the bound is at most `e^log_risk`
    /// while it is above at the one before. Some 60 evaluations.
    ///
    /// # Errors
    /// If `n` is 0 or above 2⁵³, `log_risk` is not finite and below 0, or no deviation has so small a
    /// bound.
    fn radius_at(&self, n: u64, log_risk: f64) -> Result<f64, ArgumentError> {
        let n = argument::sample_size(n)?;
        check_log_risk(log_risk)?;
        smallest_deviation(self, n, log_risk).ok_or_else(|| {
            ArgumentError::new(
                "log_risk",
                log_risk,
                "one that some deviation reaches at this sample size",
            )
        })
    }

    /// The smallest `n` at which a deviation of `t` or more has probability at most `1 − confidence`.
    ///
    /// # Errors
    /// If `t` is not finite and above 0, the confidence is outside `(0, 1)`, or no `n` up to 2⁵³ is
    /// enough.
    fn sample_size(&self, t: f64, confidence: f64) -> Result<u64, ArgumentError> {
        self.sample_size_at(t, argument::log_risk(confidence)?)
    }

    /// [`sample_size`](Self::sample_size) for a risk given by its logarithm. Exact for the bound as
    /// computed; some 100 evaluations.
    ///
    /// # Errors
    /// If `t` is not finite and above 0, `log_risk` is not finite and below 0, or no `n` up to 2⁵³ is
    /// enough.
    fn sample_size_at(&self, t: f64, log_risk: f64) -> Result<u64, ArgumentError> {
        argument::positive("t", t)?;
        check_log_risk(log_risk)?;
        let holds = |n: u64| Ok(self.evaluate(n as f64, t)? <= log_risk);
        smallest_sample(holds)?.ok_or_else(|| {
            ArgumentError::new("t", t, "so large that some sample size up to 2⁵³ is enough")
        })
    }
}

fn check_log_risk(log_risk: f64) -> Result<(), ArgumentError> {
    argument::require(
        "log_risk",
        log_risk,
        log_risk < 0.0 && log_risk.is_finite(),
        "finite and below 0",
    )
}

/// The smallest `n` up to 2⁵³ that holds, of a property that stays true.
pub(crate) fn smallest_sample(
    holds: impl Fn(u64) -> Result<bool, ArgumentError>,
) -> Result<Option<u64>, ArgumentError> {
    let mut high = 1;
    while !holds(high)? {
        if high == LARGEST_SAMPLE {
            return Ok(None);
        }
        high *= 2;
    }
    let mut low = high / 2; // fails, or is 0
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(Some(high))
}

/// The smallest deviation whose bound is at most the risk, by bisection over the doubles themselves.
///
/// A deviation that the bound does not reach lies beyond the answer, or there is none.
fn smallest_deviation<B: TailBound + ?Sized>(bound: &B, n: f64, log_risk: f64) -> Option<f64> {
    let t = smallest_double(0.0, f64::MAX, |t| {
        bound.evaluate(n, t).is_ok_and(|log| log > log_risk)
    })?;
    bound.evaluate(n, t).is_ok().then_some(t)
}

/// [`smallest_double`] for the property `f ≥ 0` of a falling function, in fewer evaluations: false
/// position (Dowell and Jarratt 1971) narrows the bracket before the doubles in it are bisected.
pub(crate) fn smallest_negative(low: f64, high: f64, f: impl Fn(f64) -> f64) -> Option<f64> {
    let (mut low, mut high) = (low + 0.0, high + 0.0);
    let (mut above, mut below) = (f(low), f(high));
    if !(above >= 0.0 && below < 0.0) {
        return smallest_double(low, high, |x| f(x) >= 0.0);
    }
    let mut rising = None;
    for _ in 0..30 {
        let x = low + (high - low) * (above / (above - below));
        if !(x > low && x < high) {
            break; // the root is at one end, to rounding
        }
        let value = f(x);
        // An end that stays twice in a row counts half.
        let up = value >= 0.0;
        let weight = if rising == Some(up) { 0.5 } else { 1.0 };
        if up {
            (low, above, below) = (x, value, below * weight);
        } else {
            (high, below, above) = (x, value, above * weight);
        }
        rising = Some(up);
    }
    // The other end may still be far: from the near one in strides that grow.
    let (mut from, mut to) = (low.to_bits(), high.to_bits());
    let from_below = above <= -below;
    for stride in (0..60).step_by(4).map(|k| 1u64 << k) {
        if stride >= to - from {
            break;
        }
        let x = if from_below {
            from + stride
        } else {
            to - stride
        };
        let up = f(f64::from_bits(x)) >= 0.0;
        if up {
            from = x;
        } else {
            to = x;
        }
        if up != from_below {
            break;
        }
    }
    smallest_double(f64::from_bits(from), f64::from_bits(to), |x| f(x) >= 0.0)
}

/// The smallest double in `[low, high]`, `0 ≤ low`, for which a property that stays false once it is
/// false has become false; `None` if it holds at the end.
pub(crate) fn smallest_double(low: f64, high: f64, still: impl Fn(f64) -> bool) -> Option<f64> {
    // −0 has the largest bits of all.
    let (low, high) = (low + 0.0, high + 0.0);
    if still(high) {
        return None;
    }
    if !still(low) {
        return Some(low);
    }
    // Doubles of one sign are ordered as their bits are.
    let (mut low, mut high) = (low.to_bits(), high.to_bits());
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if still(f64::from_bits(middle)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(f64::from_bits(high))
}

/// A one-sided bound whose assumption is about `−X` as well.
pub trait Reflect: TailBound + Sized {
    /// The bound for `−X`: the lower tail of `X`.
    fn reflected(&self) -> Self;
}

/// Both sides of a one-sided bound, by the union bound: the sum of the two tails.
///
/// ```
/// use ergodic_concentration::inequality::{Bounded, Hoeffding, TailBound, TwoSided};
///
/// let one = Hoeffding::new(Bounded::new(-1.0, 1.0)?);
/// let both = TwoSided::new(one);
/// assert!((both.tail(100, 0.3)? / one.tail(100, 0.3)? - 2.0).abs() < 1e-14);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoSided<B> {
    upper: B,
    lower: B,
}

impl<B: Reflect> TwoSided<B> {
    /// Of this bound and its reflection.
    pub fn new(bound: B) -> Self {
        let lower = bound.reflected();
        Self {
            upper: bound,
            lower,
        }
    }
}

impl<B: Reflect> TailBound for TwoSided<B> {
    fn name(&self) -> &'static str {
        self.upper.name()
    }

    fn two_sided(&self) -> bool {
        true
    }

    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError> {
        Ok(log_add_exp(
            self.upper.evaluate(n, t)?,
            self.lower.evaluate(n, t)?,
        ))
    }
}

impl<B: Reflect + Pivotal> Pivotal for TwoSided<B> {}

/// A bound that does not need to know the mean, so that it gives intervals for it.
pub trait Pivotal: TailBound {
    /// An interval for the mean from that of `n` observations: `mean ± radius`, of a one-sided bound
    /// `[mean − radius, ∞)`; it covers with probability at least `confidence`, at every `n`. The ends
    /// are rounded outwards; no standard error is claimed.
    ///
    /// # Errors
    /// If the mean is not finite, or as [`radius`](TailBound::radius).
    fn interval(&self, mean: f64, n: u64, confidence: f64) -> Result<Estimate, ArgumentError> {
        argument::finite("mean", mean)?;
        let radius = self.radius(n, confidence)?;
        let upper = if self.two_sided() {
            (mean + radius).next_up()
        } else {
            f64::INFINITY
        };
        let lower = (mean - radius).next_down();
        estimate(self.name(), mean, Interval { lower, upper }, n, confidence)
    }
}

/// An estimate with a guaranteed interval and no claim of a standard error.
pub(crate) fn estimate(
    method: &'static str,
    mean: f64,
    interval: Interval,
    n: u64,
    confidence: f64,
) -> Result<Estimate, ArgumentError> {
    let samples = usize::try_from(n)
        .map_err(|_| ArgumentError::new("n", n, "a size that fits the address space"))?;
    let mut estimate = Estimate::new(method, mean, f64::INFINITY, interval, samples, confidence)?;
    estimate.units = Units::Dimensionless;
    Ok(estimate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn false_position_finds_the_same_double_in_fewer_evaluations() {
        let functions: [&dyn Fn(f64) -> f64; 7] = [
            &|x| 0.3 - x,
            &|x| 1e-9 - x,
            &|x| 0.7 - x * x * x,
            &|x| -300.0 - 100.0 * libm::log(x + 1e-12) - 1000.0 * x,
            &|x| {
                if x < 0.4 {
                    50.0 * (0.45 - x)
                } else {
                    2.5 - 1e4 * (x - 0.4)
                }
            },
            &|x| -1.0 - x,
            &|x| 1.0 - x,
        ];
        for (which, f) in functions.iter().enumerate() {
            let calls = Cell::new(0);
            let counted = |x: f64| {
                calls.set(calls.get() + 1);
                f(x)
            };
            let found = smallest_negative(0.0, 1.0, counted);
            assert_eq!(found, smallest_double(0.0, 1.0, |x| f(x) >= 0.0));
            assert!(calls.get() <= 45, "{which}: {} evaluations", calls.get());
        }
        assert_eq!(smallest_negative(0.0, 1.0, |x| 1.0 - x), None);
    }
}
