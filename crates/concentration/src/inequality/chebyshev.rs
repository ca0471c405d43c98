//! The inequalities of Chebyshev and Cantelli, from a variance alone.

use ergodic_core::ArgumentError;
use ergodic_math::Real;

use super::{FiniteVariance, Pivotal, Reflect, TailBound};

/// Chebyshev's two-sided `P(|mean − μ| ≥ t) ≤ v/nt²`.
///
/// For pairwise uncorrelated variables. Use it where nothing but a variance is known; its radius
/// grows as `1/√(1 − confidence)`. Source: Boucheron, Lugosi and Massart, *Concentration
/// Inequalities*, 2013, §2.1.
///
/// ```
/// use ergodic_concentration::inequality::{Chebyshev, FiniteVariance, Pivotal, TailBound};
///
/// let bound = Chebyshev::new(FiniteVariance::new(4.0)?);
/// assert!((bound.tail(100, 1.0)? - 0.04).abs() < 1e-16);
/// assert!((bound.radius(100, 0.96)? - 1.0).abs() < 1e-15);
/// assert!(bound.interval(3.0, 100, 0.96)?.interval.contains(2.5));
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chebyshev {
    assumption: FiniteVariance,
}

impl Chebyshev {
    /// Under this assumption.
    pub fn new(assumption: FiniteVariance) -> Self {
        Self { assumption }
    }
}

impl TailBound for Chebyshev {
    fn name(&self) -> &'static str {
        "Chebyshev"
    }

    fn two_sided(&self) -> bool {
        true
    }

    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError> {
        if t == 0.0 {
            return Ok(0.0);
        }
        // −∞ for a variance of 0.
        Ok(libm::log(self.assumption.variance()) - libm::log(n) - 2.0 * libm::log(t))
    }
}

impl Pivotal for Chebyshev {}

/// Cantelli's one-sided `P(mean − μ ≥ t) ≤ v/(v + nt²)`.
///
/// Never above Chebyshev's bound, and below 1 for every `t > 0`. Sharp for `n = 1`. For pairwise
/// uncorrelated variables. Source: Boucheron, Lugosi and Massart, *Concentration Inequalities*, 2013,
/// exercise 2.3.
///
/// ```
/// use ergodic_concentration::inequality::{Cantelli, FiniteVariance, TailBound};
///
/// let bound = Cantelli::new(FiniteVariance::new(1.0)?);
/// assert_eq!(bound.tail(1, 1.0)?, 0.5);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cantelli {
    assumption: FiniteVariance,
}

impl Cantelli {
    /// Under this assumption.
    pub fn new(assumption: FiniteVariance) -> Self {
        Self { assumption }
    }
}

impl TailBound for Cantelli {
    fn name(&self) -> &'static str {
        "Cantelli"
    }

    fn two_sided(&self) -> bool {
        false
    }

    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError> {
        if t == 0.0 {
            return Ok(0.0);
        }
        let variance = self.assumption.variance();
        let standardised = t / variance.sqrt();
        let square = n * standardised * standardised;
        Ok(if square.is_finite() {
            -Real::ln_1p(square)
        } else {
            libm::log(variance) - libm::log(n) - 2.0 * libm::log(t)
        })
    }
}

impl Pivotal for Cantelli {}

impl Reflect for Cantelli {
    fn reflected(&self) -> Self {
        *self
    }
}
