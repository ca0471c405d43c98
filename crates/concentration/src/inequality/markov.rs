//! Markov's inequality.

use ergodic_core::ArgumentError;
use ergodic_math::Real;

use super::{NonNegative, TailBound};

/// `P(mean ≥ μ + t) ≤ μ/(μ + t)` for variables of at least 0 with mean `μ`, dependent or not.
///
/// No sample size improves it, so [`sample_size`](TailBound::sample_size) is 1 or an error. Sharp: the
/// law on `{0, μ + t}` attains it. Source: Boucheron, Lugosi and Massart, *Concentration
/// Inequalities*, 2013, §2.1.
///
/// ```
/// use ergodic_concentration::inequality::{Markov, NonNegative, TailBound};
///
/// let bound = Markov::new(NonNegative::new(1.0)?);
/// assert_eq!(bound.tail(5, 3.0)?, 0.25);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Markov {
    assumption: NonNegative,
}

impl Markov {
    /// Under this assumption.
    pub fn new(assumption: NonNegative) -> Self {
        Self { assumption }
    }
}

impl TailBound for Markov {
    fn name(&self) -> &'static str {
        "Markov"
    }

    fn two_sided(&self) -> bool {
        false
    }

    fn evaluate(&self, _: f64, t: f64) -> Result<f64, ArgumentError> {
        let mean = self.assumption.mean();
        if t == 0.0 {
            return Ok(0.0);
        }
        let ratio = t / mean;
        Ok(if ratio.is_finite() {
            -Real::ln_1p(ratio)
        } else {
            libm::log(mean) - libm::log(t) // −∞ for a mean of 0
        })
    }
}
