//! The inequalities of Bernstein and Bennett, from a variance and a limit.

use ergodic_core::ArgumentError;
use ergodic_math::Real;
use ergodic_math::special::x_minus_ln_1p;

use super::{BoundedDeviation, LimitAndVariance, Pivotal, Reflect, TailBound};

/// `h(u) = (1 + u) log(1 + u) − u` for `u ≥ −1`, to a few ulp near 0 as well, where it is `u²/2`.
pub(crate) fn bennett_function(u: f64) -> f64 {
    if u == -1.0 {
        return 1.0;
    }
    if u > 0.5 {
        return (1.0 + u) * Real::ln_1p(u) - u;
    }
    // With w = −u/(1 + u): w − log(1 + w) = log(1 + u) − u/(1 + u).
    (1.0 + u) * x_minus_ln_1p(-u / (1.0 + u))
}

/// Bernstein's `P(mean − μ ≥ t) ≤ exp(−nt²/2(v + ct/3))` for independent variables with
/// `X − μ ≤ c` and variance at most `v`.
///
/// [`Bennett`] is never above it and costs a logarithm more; this one has the simpler formula. Source:
/// Boucheron, Lugosi and Massart, *Concentration Inequalities*, 2013, (2.10).
///
/// ```
/// use ergodic_concentration::inequality::{Bernstein, BoundedAbove, TailBound};
///
/// let bound = Bernstein::new(BoundedAbove::new(1.0, 0.01)?);
/// assert!((bound.log_tail(1000, 0.06)? + 1000.0 * 0.0036 / 0.06).abs() < 1e-12);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bernstein<A> {
    assumption: A,
}

impl<A: LimitAndVariance> Bernstein<A> {
    /// Under this assumption.
    pub fn new(assumption: A) -> Self {
        Self { assumption }
    }
}

impl<A: LimitAndVariance> TailBound for Bernstein<A> {
    fn name(&self) -> &'static str {
        "Bernstein"
    }

    fn two_sided(&self) -> bool {
        false
    }

    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError> {
        if t == 0.0 {
            return Ok(0.0);
        }
        let spread = self.assumption.variance() / t + self.assumption.limit() / 3.0;
        Ok(-n * (0.5 * t / spread))
    }
}

impl<A: LimitAndVariance> Pivotal for Bernstein<A> {}

impl Reflect for Bernstein<BoundedDeviation> {
    fn reflected(&self) -> Self {
        *self
    }
}

/// Bennett's `P(mean − μ ≥ t) ≤ exp(−n(v/c²) h(ct/v))`, `h(u) = (1 + u) log(1 + u) − u`, for
/// independent variables with `X − μ ≤ c` and variance at most `v`.
///
/// The tail of a Poisson law; the best that the moment generating function gives under this
/// assumption up to a lower limit on `X`. Accurate for the smallest deviations, where `h` is `u²/2`.
/// Source: G. Bennett, *J. Amer. Statist. Assoc.* 57, 1962; Boucheron, Lugosi and Massart,
/// *Concentration Inequalities*, 2013, theorem 2.9.
///
/// ```
/// use ergodic_concentration::inequality::{Bennett, BoundedAbove, TailBound};
///
/// let bound = Bennett::new(BoundedAbove::new(1.0, 0.5)?);
/// // h(2) = 3 log 3 − 2
/// assert!((bound.log_tail(10, 1.0)? + 5.0 * (3.0 * 3f64.ln() - 2.0)).abs() < 1e-14);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bennett<A> {
    assumption: A,
}

impl<A: LimitAndVariance> Bennett<A> {
    /// Under this assumption.
    pub fn new(assumption: A) -> Self {
        Self { assumption }
    }
}

impl<A: LimitAndVariance> TailBound for Bennett<A> {
    fn name(&self) -> &'static str {
        "Bennett"
    }

    fn two_sided(&self) -> bool {
        false
    }

    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError> {
        let (limit, variance) = (self.assumption.limit(), self.assumption.variance());
        if t == 0.0 {
            return Ok(0.0);
        }
        if variance == 0.0 {
            return Ok(f64::NEG_INFINITY);
        }
        // n (v/c²) h(u) = n (t/c) h(u)/u, in which nothing overflows early.
        let u = limit / variance * t;
        if u < 1e-9 {
            // h(u)/u² is ½ − u/6 to the last digit, and u² may be no number.
            let standardised = t / variance.sqrt();
            return Ok(-0.5 * n * standardised * standardised * (1.0 - u / 3.0));
        }
        let slope = if u < 1e300 {
            bennett_function(u) / u
        } else {
            libm::log(t) + libm::log(limit) - libm::log(variance) - 1.0
        };
        Ok(-n * (t / limit) * slope)
    }
}

impl<A: LimitAndVariance> Pivotal for Bennett<A> {}

impl Reflect for Bennett<BoundedDeviation> {
    fn reflected(&self) -> Self {
        *self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Σ_{k ≥ 2} (−1)ᵏ uᵏ/(k(k − 1)).
    fn series(u: f64) -> f64 {
        (2..400).rev().fold(0.0, |s, k| {
            s + f64::from(if k % 2 == 0 { 1 } else { -1 }) * u.powi(k) / f64::from(k * (k - 1))
        })
    }

    #[test]
    fn the_function_of_bennett_keeps_its_relative_accuracy_near_zero() {
        for u in [1e-150, 1e-12, 1e-5, 0.01, 0.3, 0.4999, 0.5001, 0.7] {
            for u in [u, -u] {
                let (found, expected) = (bennett_function(u), series(u));
                assert!(
                    (found / expected - 1.0).abs() < 1e-14,
                    "h({u}) is {expected}, found {found}"
                );
            }
        }
        assert!((bennett_function(2.0) - (3.0 * 3f64.ln() - 2.0)).abs() < 1e-15);
        assert_eq!(bennett_function(-1.0), 1.0);
        assert!((bennett_function(-1.0 + 1e-10) - 1.0).abs() < 1e-8);
    }
}
