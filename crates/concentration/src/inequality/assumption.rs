//! What bounds rest on: ranges, variances, means.

use ergodic_core::{ArgumentError, Interval};

use crate::argument;

/// `X ≥ 0`, with a known mean.
///
/// ```
/// use ergodic_concentration::inequality::NonNegative;
/// assert!(NonNegative::new(-1.0).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonNegative {
    mean: f64,
}

impl NonNegative {
    /// With this mean.
    ///
    /// # Errors
    /// Unless it is finite and at least 0.
    pub fn new(mean: f64) -> Result<Self, ArgumentError> {
        argument::not_negative("mean", mean)?;
        Ok(Self { mean })
    }

    /// `E[X]`.
    pub fn mean(&self) -> f64 {
        self.mean
    }
}

/// `Var X ≤ v`; nothing else is known.
///
/// ```
/// use ergodic_concentration::inequality::FiniteVariance;
/// assert_eq!(FiniteVariance::new(f64::INFINITY).unwrap_err().argument, "variance");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FiniteVariance {
    variance: f64,
}

impl FiniteVariance {
    /// At most this.
    ///
    /// # Errors
    /// Unless it is finite and at least 0.
    pub fn new(variance: f64) -> Result<Self, ArgumentError> {
        argument::not_negative("variance", variance)?;
        Ok(Self { variance })
    }

    /// `v`.
    pub fn variance(&self) -> f64 {
        self.variance
    }
}

/// `a ≤ X ≤ b`.
///
/// ```
/// use ergodic_concentration::inequality::Bounded;
///
/// // Popoviciu: no law on [−1, 1] has a larger variance than the fair coin on the ends.
/// assert_eq!(Bounded::new(-1.0, 1.0)?.largest_variance(), 1.0);
/// assert!(Bounded::new(1.0, 0.0).is_err());
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounded {
    lower: f64,
    upper: f64,
}

impl Bounded {
    /// Between these.
    ///
    /// # Errors
    /// Unless they are finite and `lower < upper`, by 1e-150 to 1e150: a variance is of the order of the
    /// square.
    pub fn new(lower: f64, upper: f64) -> Result<Self, ArgumentError> {
        argument::finite("lower", lower)?;
        argument::finite("upper", upper)?;
        let range = upper - lower;
        if (1e-150..=1e150).contains(&range) {
            return Ok(Self { lower, upper });
        }
        Err(ArgumentError::new(
            "upper",
            upper,
            format!("above the lower end {lower}, by 1e-150 to 1e150"),
        ))
    }

    /// `a`.
    pub fn lower(&self) -> f64 {
        self.lower
    }

    /// `b`.
    pub fn upper(&self) -> f64 {
        self.upper
    }

    /// `b − a`.
    pub fn range(&self) -> f64 {
        self.upper - self.lower
    }

    /// `(b − a)²/4`, which no variance exceeds (Popoviciu 1935).
    pub fn largest_variance(&self) -> f64 {
        let half = 0.5 * self.range();
        half * half
    }

    /// Whether an observation is inside.
    pub(crate) fn check(&self, argument: &'static str, x: f64) -> Result<(), ArgumentError> {
        if x >= self.lower && x <= self.upper {
            return Ok(());
        }
        Err(ArgumentError::new(
            argument,
            x,
            format!("in [{}, {}]", self.lower, self.upper),
        ))
    }

    /// `[a, b]`.
    pub(crate) fn whole(self) -> Interval {
        Interval {
            lower: self.lower,
            upper: self.upper,
        }
    }

    /// `[lower, upper]` on the scale of `[0, 1]`, brought back to the range, rounded outwards and cut to
    /// the range; `None` if it is empty or outside.
    pub(crate) fn outwards(self, lower: f64, upper: f64) -> Option<Interval> {
        let lower = self.at_unit(lower).next_down();
        let upper = self.at_unit(upper).next_up();
        self.cut(Interval { lower, upper })
    }

    /// What of an interval is in the range.
    pub(crate) fn cut(self, found: Interval) -> Option<Interval> {
        let lower = if found.lower > self.lower {
            found.lower
        } else {
            self.lower
        };
        let upper = if found.upper < self.upper {
            found.upper
        } else {
            self.upper
        };
        (lower <= upper).then_some(Interval { lower, upper })
    }

    /// `(x − a)/(b − a)`, in `[0, 1]` for `x` inside.
    pub(crate) fn to_unit(self, x: f64) -> f64 {
        // The rounded quotient of numbers 0 ≤ y ≤ r is at most 1.
        (x - self.lower) / self.range()
    }

    /// `a + (b − a) y`.
    pub(crate) fn at_unit(self, y: f64) -> f64 {
        self.lower + self.range() * y
    }
}

/// `a ≤ X ≤ b` with a known mean: what a null hypothesis says.
///
/// ```
/// use ergodic_concentration::inequality::BoundedMean;
/// assert!(BoundedMean::unit(1.5).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundedMean {
    bounded: Bounded,
    /// `(μ − a)/(b − a)` and `(b − μ)/(b − a)`.
    pub(crate) unit: (f64, f64),
}

impl BoundedMean {
    /// In this range, with this mean.
    ///
    /// # Errors
    /// Unless `a ≤ mean ≤ b`.
    pub fn new(bounded: Bounded, mean: f64) -> Result<Self, ArgumentError> {
        bounded.check("mean", mean)?;
        let range = bounded.range();
        Ok(Self {
            bounded,
            unit: (
                (mean - bounded.lower) / range,
                (bounded.upper - mean) / range,
            ),
        })
    }

    /// In `[0, 1]` with mean `p`, as a Bernoulli variable is.
    ///
    /// # Errors
    /// Unless `0 ≤ p ≤ 1`.
    pub fn unit(p: f64) -> Result<Self, ArgumentError> {
        argument::require("p", p, (0.0..=1.0).contains(&p), "between 0 and 1")?;
        Self::new(Bounded::new(0.0, 1.0)?, p)
    }

    /// The range.
    pub fn bounded(&self) -> Bounded {
        self.bounded
    }

    /// What a deviation that was computed as a difference may have gained, on the scale of `[0, 1]`.
    pub(crate) fn rounding(&self) -> f64 {
        let (a, b) = (self.bounded.lower.abs(), self.bounded.upper.abs());
        4.0 * f64::EPSILON * (if a > b { a } else { b } / self.bounded.range())
    }

    /// The mirror image.
    pub(crate) fn reflected(self) -> Self {
        Self {
            bounded: Bounded {
                lower: -self.bounded.upper,
                upper: -self.bounded.lower,
            },
            unit: (self.unit.1, self.unit.0),
        }
    }
}

/// `X − μ ≤ c` and `Var X ≤ v`: what upper tails of [`Bernstein`](super::Bernstein) and
/// [`Bennett`](super::Bennett) need.
///
/// ```
/// use ergodic_concentration::inequality::BoundedAbove;
/// assert!(BoundedAbove::new(0.0, 1.0).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundedAbove {
    limit: f64,
    variance: f64,
}

impl BoundedAbove {
    /// With the limit `c` and the variance `v`.
    ///
    /// # Errors
    /// Unless the limit is finite and above 0, the variance finite and at least 0.
    pub fn new(limit: f64, variance: f64) -> Result<Self, ArgumentError> {
        argument::positive("limit", limit)?;
        argument::not_negative("variance", variance)?;
        Ok(Self { limit, variance })
    }
}

/// `|X − μ| ≤ c` and `Var X ≤ v`: both tails.
///
/// ```
/// use ergodic_concentration::inequality::{Bounded, BoundedDeviation};
///
/// // A law on [0, 1] of variance .1 deviates by at most 1 from its mean, wherever that is.
/// let rare = BoundedDeviation::in_range(Bounded::new(0.0, 1.0)?, 0.1)?;
/// assert_eq!(rare, BoundedDeviation::new(1.0, 0.1)?);
/// assert!(BoundedDeviation::in_range(Bounded::new(0.0, 1.0)?, 0.3).is_err());
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundedDeviation {
    limit: f64,
    variance: f64,
}

impl BoundedDeviation {
    /// With the limit `c` and the variance `v`.
    ///
    /// # Errors
    /// Unless the limit is finite and above 0, the variance in `[0, c²]`.
    pub fn new(limit: f64, variance: f64) -> Result<Self, ArgumentError> {
        argument::positive("limit", limit)?;
        check_variance(variance, limit * limit)?;
        Ok(Self { limit, variance })
    }

    /// Of a law in this range with variance at most `v` and any mean: `c = b − a`.
    ///
    /// # Errors
    /// Unless the variance is in `[0, (b − a)²/4]`.
    pub fn in_range(bounded: Bounded, variance: f64) -> Result<Self, ArgumentError> {
        check_variance(variance, bounded.largest_variance())?;
        Ok(Self {
            limit: bounded.range(),
            variance,
        })
    }
}

/// A variance that the range allows.
pub(crate) fn check_variance(variance: f64, largest: f64) -> Result<(), ArgumentError> {
    argument::not_negative("variance", variance)?;
    if variance <= largest {
        return Ok(());
    }
    Err(ArgumentError::new(
        "variance",
        variance,
        format!("at most {largest}, the largest that the range allows"),
    ))
}

/// A limit `c` on deviations and a variance `v`.
pub trait LimitAndVariance: Clone {
    /// `c`.
    fn limit(&self) -> f64;
    /// `v`.
    fn variance(&self) -> f64;
}

impl LimitAndVariance for BoundedAbove {
    fn limit(&self) -> f64 {
        self.limit
    }
    fn variance(&self) -> f64 {
        self.variance
    }
}

impl LimitAndVariance for BoundedDeviation {
    fn limit(&self) -> f64 {
        self.limit
    }
    fn variance(&self) -> f64 {
        self.variance
    }
}
