//! Chernoff's bound at its best: relative entropy as the exponent.

use ergodic_core::{ArgumentError, Estimate, ExponentialFamily, Interval};
use ergodic_expfam::Member;

use super::bernstein::bennett_function;
use super::{Bounded, BoundedMean, Reflect, TailBound, estimate, smallest_double};
use crate::argument;

/// `kl(q, p) = q log(q/p) + (1 − q) log((1 − q)/(1 − p))`, the relative entropy of Bernoulli laws,
/// in nats.
///
/// Computed as `p h(r/p) + (1 − p) h(−r/(1 − p))` with `r = q − p` and Bennett's `h`: two terms of at
/// least 0, so that the relative error is a few ulp where the laws are close too. Infinite where `p`
/// is 0 or 1 and `q` is not.
///
/// # Errors
/// Unless both are between 0 and 1.
///
/// ```
/// use ergodic_concentration::inequality::bernoulli_divergence;
///
/// assert!((bernoulli_divergence(0.6, 0.5)? - 0.020135513550688863).abs() < 1e-17);
/// // r²/2p(1 − p) for tiny differences
/// assert!((bernoulli_divergence(0.5 + 2f64.powi(-30), 0.5)? / 2f64.powi(-59) - 1.0).abs() < 1e-12);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn bernoulli_divergence(q: f64, p: f64) -> Result<f64, ArgumentError> {
    check_unit("q", q)?;
    check_unit("p", p)?;
    Ok(divergence(q, p))
}

fn check_unit(argument: &'static str, p: f64) -> Result<(), ArgumentError> {
    argument::require(argument, p, (0.0..=1.0).contains(&p), "between 0 and 1")
}

fn divergence(q: f64, p: f64) -> f64 {
    let r = q - p;
    if r == 0.0 {
        return 0.0;
    }
    scaled(p, r) + scaled(1.0 - p, -r)
}

/// `p h(r/p)` for `r ≥ −p`; `∞` for `p = 0`.
fn scaled(p: f64, r: f64) -> f64 {
    if p == 0.0 {
        return f64::INFINITY;
    }
    let u = r / p;
    if u < 1e300 {
        // A rounded quotient may fall below −1 by an ulp.
        p * bennett_function(if u < -1.0 { -1.0 } else { u })
    } else {
        r * (libm::log(r) - libm::log(p) - 1.0)
    }
}

/// The upper end of `{p : kl(q, p) ≤ c}`, rounded outwards: the smallest `f64` above it, or 1.
///
/// Some 60 evaluations of the divergence.
///
/// # Errors
/// Unless `0 ≤ q ≤ 1` and `c ≥ 0`.
///
/// ```
/// use ergodic_concentration::inequality::bernoulli_divergence_upper;
///
/// // No success in n trials: p ≤ 1 − e^{−c}.
/// let p = bernoulli_divergence_upper(0.0, 0.1)?;
/// assert!((p + (-0.1f64).exp_m1()).abs() < 1e-16);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn bernoulli_divergence_upper(q: f64, c: f64) -> Result<f64, ArgumentError> {
    check_inverse(q, c)?;
    Ok(smallest_double(q, 1.0, |p| divergence(q, p) <= c).unwrap_or(1.0))
}

/// The lower end of `{p : kl(q, p) ≤ c}`, rounded outwards: the largest `f64` below it, or 0.
///
/// # Errors
/// Unless `0 ≤ q ≤ 1` and `c ≥ 0`.
///
/// ```
/// use ergodic_concentration::inequality::bernoulli_divergence_lower;
///
/// // Nothing but successes: p ≥ e^{−c}.
/// assert!((bernoulli_divergence_lower(1.0, 0.1)? - (-0.1f64).exp()).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn bernoulli_divergence_lower(q: f64, c: f64) -> Result<f64, ArgumentError> {
    check_inverse(q, c)?;
    let inside = smallest_double(0.0, q, |p| divergence(q, p) > c).unwrap_or(q);
    Ok(if inside > 0.0 {
        inside.next_down()
    } else {
        0.0
    })
}

fn check_inverse(q: f64, c: f64) -> Result<(), ArgumentError> {
    check_unit("q", q)?;
    argument::require("c", c, c >= 0.0, "at least 0")
}

/// The interval `{μ : n kl(mean, μ) ≤ log(2/(1 − confidence))}` for the mean of independent variables
/// in a range, on the scale of `[0, 1]`.
///
/// Covers with probability at least `confidence` at every `n`, and lies within Hoeffding's interval;
/// near the ends of the range it is far shorter. Ends are rounded outwards. The inversion of
/// [`Chernoff`]'s two tails. Cost: 120 evaluations of the divergence. Source: W. Hoeffding, *J. Amer.
/// Statist. Assoc.* 58, 1963, theorem 1.
///
/// # Errors
/// If the mean is outside the range, `n` is 0 or above 2⁵³, or the confidence is outside `(0, 1)`.
///
/// ```
/// use ergodic_concentration::inequality::{Bounded, chernoff_interval};
///
/// // A hundred times zero.
/// let interval = chernoff_interval(Bounded::new(0.0, 1.0)?, 0.0, 100, 0.95)?.interval;
/// assert_eq!(interval.lower, 0.0);
/// assert!((interval.upper - 0.0362).abs() < 1e-4);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn chernoff_interval(
    range: Bounded,
    mean: f64,
    n: u64,
    confidence: f64,
) -> Result<Estimate, ArgumentError> {
    range.check("mean", mean)?;
    let size = argument::sample_size(n)?;
    let c = (std::f64::consts::LN_2 - argument::log_risk(confidence)?) / size;
    let interval = divergence_ball(range, mean, c)?;
    estimate("Chernoff", mean, interval, n, confidence)
}

/// `{μ : kl(mean, μ) ≤ c}` on the scale of the range, rounded outwards and within it.
pub(crate) fn divergence_ball(
    range: Bounded,
    mean: f64,
    c: f64,
) -> Result<Interval, ArgumentError> {
    let q = range.to_unit(mean);
    let lower = bernoulli_divergence_lower(q, c)?;
    let upper = bernoulli_divergence_upper(q, c)?;
    // It holds q, so it is not empty.
    Ok(range.outwards(lower, upper).unwrap_or(range.whole()))
}

/// `P(mean − μ ≥ t) ≤ exp(−n kl(p + r, p))` for independent variables in `[a, b]` whose mean `μ` is
/// known, with `p = (μ − a)/(b − a)` and `r = t/(b − a)`.
///
/// Among bounds from the moment generating function the best for Bernoulli variables, and never above
/// [`Hoeffding`](super::Hoeffding) (Pinsker). A deviation beyond the range is impossible: `−∞`; one
/// that is the largest possible up to rounding counts as possible. Source: W. Hoeffding,
/// *J. Amer. Statist. Assoc.* 58, 1963, theorem 1. For intervals: [`chernoff_interval`].
///
/// ```
/// use ergodic_concentration::inequality::{BoundedMean, Chernoff, TailBound, TwoSided};
///
/// let fair = Chernoff::new(BoundedMean::unit(0.5)?);
/// assert!((fair.tail(20, 0.25)? - 0.07307706433667734).abs() < 1e-16);
/// assert_eq!(fair.log_tail(20, 0.6)?, f64::NEG_INFINITY);
/// // A coin with p = .01 leaves its mean upwards more easily than downwards.
/// let rare = Chernoff::new(BoundedMean::unit(0.01)?);
/// assert!(TwoSided::new(rare).tail(100, 0.02)? < 2.0 * rare.tail(100, 0.02)?);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chernoff {
    assumption: BoundedMean,
}

impl Chernoff {
    /// Under this assumption.
    pub fn new(assumption: BoundedMean) -> Self {
        Self { assumption }
    }
}

impl TailBound for Chernoff {
    fn name(&self) -> &'static str {
        "Chernoff"
    }

    fn two_sided(&self) -> bool {
        false
    }

    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError> {
        let (p, rest) = self.assumption.unit;
        let r = t / self.assumption.bounded().range();
        if r == 0.0 {
            return Ok(0.0);
        }
        let rounding = self.assumption.rounding();
        if r > rest + rounding || p == 0.0 && r > rounding {
            return Ok(f64::NEG_INFINITY);
        }
        if p == 0.0 || rest == 0.0 {
            return Ok(0.0); // the mean itself, for sure
        }
        let r = if r < rest { r } else { rest };
        Ok(-n * (scaled(p, r) + scaled(rest, -r)))
    }
}

impl Reflect for Chernoff {
    fn reflected(&self) -> Self {
        Self {
            assumption: self.assumption.reflected(),
        }
    }
}

/// Chernoff's bound for the sufficient statistic of a one-parameter exponential family:
/// `P(mean of T − μ ≥ t) ≤ exp(−n KL(p_{μ+t}‖p_μ))`, with the members of mean `μ + t` and `μ`.
///
/// The exponent is Cramér's rate, the Legendre transform of the log-partition: the bound has the right
/// exponential order. The accuracy is that of the family's
/// [`kl_divergence`](ExponentialFamily::kl_divergence). Deviations that leave the mean domain are
/// errors, so [`radius`](TailBound::radius) is one too where all of the domain is too likely, unless
/// the range of `T` is stated ([`with_range`](Self::with_range)). Source: Dembo and Zeitouni, *Large
/// Deviations Techniques and Applications*, 2nd ed., 1998, theorem 2.2.3 and remark (c).
///
/// ```
/// use ergodic_concentration::inequality::{FamilyChernoff, Reflect, TailBound};
/// use ergodic_expfam::{Member, families::Poisson};
///
/// // Twice the expected number of events or more: e^{−nμ(2 log 2 − 1)}.
/// let counts = FamilyChernoff::new(Member::from_mean(Poisson, [3.0])?)?;
/// assert!((counts.log_tail(1, 3.0)? + 3.0 * (2.0 * 2f64.ln() - 1.0)).abs() < 1e-14);
/// // There are no counts below 0, which the family itself does not say.
/// assert!(counts.reflected().log_tail(1, 3.5).is_err());
/// let counts = counts.with_range(0.0, f64::INFINITY)?;
/// assert_eq!(counts.reflected().log_tail(1, 3.5)?, f64::NEG_INFINITY);
/// assert!((counts.reflected().log_tail(1, 3.0)? + 3.0).abs() < 1e-13); // e^{−3}, none at all
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FamilyChernoff<F> {
    member: Member<F>,
    sign: f64,
    /// Of `T`; infinite where it was not stated.
    range: (f64, f64),
}

impl<F: ExponentialFamily> FamilyChernoff<F> {
    /// For draws from this law.
    ///
    /// # Errors
    /// Unless the family has one parameter.
    pub fn new(member: Member<F>) -> Result<Self, ArgumentError> {
        match member.natural() {
            [_] => Ok(Self {
                member,
                sign: 1.0,
                range: (f64::NEG_INFINITY, f64::INFINITY),
            }),
            more => Err(ArgumentError::new(
                "member",
                format!("of a family with {} parameters", more.len()),
                "of a family with one",
            )),
        }
    }

    /// With the closed range of the statistic, an end of which may be infinite: a mean beyond it is
    /// impossible (`−∞`), one at an end up to rounding has the limit of the bounds before it.
    ///
    /// # Errors
    /// Unless `lower < mean < upper`.
    pub fn with_range(mut self, lower: f64, upper: f64) -> Result<Self, ArgumentError> {
        for &mean in self.member.mean() {
            argument::require("lower", lower, lower < mean, "below the mean")?;
            argument::require("upper", upper, upper > mean, "above the mean")?;
        }
        self.range = (lower, upper);
        Ok(self)
    }

    /// `KL(p_{μ±t}‖p_μ)`.
    fn divergence(&self, t: f64) -> Result<f64, ArgumentError> {
        let mut theta = [0.0];
        let family = self.member.family();
        let mean: Vec<f64> = self
            .member
            .mean()
            .iter()
            .map(|m| m + self.sign * t)
            .collect();
        let divergence = family
            .natural_from_mean(&mean, &mut theta)
            .and_then(|()| family.kl_divergence(&theta, self.member.natural()))
            .map_err(|error| {
                ArgumentError::new(
                    "t",
                    t,
                    format!("such that the mean stays in its domain ({error})"),
                )
            })?;
        argument::require("t", t, !divergence.is_nan(), "of a computable divergence")?;
        Ok(divergence)
    }

    /// The largest possible deviation.
    fn farthest(&self) -> f64 {
        let mean = self.member.mean().iter().sum::<f64>();
        if self.sign > 0.0 {
            self.range.1 - mean
        } else {
            mean - self.range.0
        }
    }
}

impl<F: ExponentialFamily> TailBound for FamilyChernoff<F> {
    fn name(&self) -> &'static str {
        "Chernoff"
    }

    fn two_sided(&self) -> bool {
        false
    }

    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError> {
        if t == 0.0 {
            return Ok(0.0);
        }
        let farthest = self.farthest();
        let slack = if farthest.is_finite() {
            4.0 * f64::EPSILON * (farthest + self.member.mean().iter().sum::<f64>().abs())
        } else {
            0.0
        };
        if t > farthest + slack {
            return Ok(f64::NEG_INFINITY);
        }
        let divergence = match self.divergence(t) {
            Ok(divergence) => divergence,
            Err(error) if t < farthest - slack => return Err(error),
            Err(error) => {
                // At the end: the last deviation that is inside, which is no more than that away.
                let outside = smallest_double(0.0, t, |s| self.divergence(s).is_ok());
                let inside = outside.map_or(t, f64::next_down);
                if inside < farthest - slack {
                    return Err(error);
                }
                self.divergence(inside)?
            }
        };
        Ok(-n * divergence)
    }
}

impl<F: ExponentialFamily + Clone> Reflect for FamilyChernoff<F> {
    fn reflected(&self) -> Self {
        Self {
            member: self.member.clone(),
            sign: -self.sign,
            range: self.range,
        }
    }
}
