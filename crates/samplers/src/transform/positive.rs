//! Positive parameters, by their logarithm.

use ergodic_core::ArgumentError;
use ergodic_math::Real;

use super::{Bijection, at_least, outside};

/// Parameters `x > 0` as `x = eᵘ`, with `log |det ∂x/∂u| = Σ u`.
///
/// Domain: `x` is 0 below `u = −745` and infinite above 709.8; energies there are the target's at
/// the edge of its support. Cost: one exponential each.
///
/// ```
/// use ergodic_samplers::transform::{Bijection, Positive};
///
/// let mut u = [0.0];
/// Positive::new(1)?.unconstrain(&[1.0], &mut u)?;
/// assert_eq!(u, [0.0]);
/// assert!(Positive::new(1)?.unconstrain(&[-1.0], &mut u).is_err());
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Positive {
    parameters: usize,
}

impl Positive {
    /// So many positive parameters.
    ///
    /// # Errors
    /// If there are none.
    pub fn new(parameters: usize) -> Result<Self, ArgumentError> {
        Ok(Self {
            parameters: at_least("parameters", parameters, 1)?,
        })
    }
}

impl Bijection for Positive {
    fn dim(&self) -> usize {
        self.parameters
    }
    fn num_parameters(&self) -> usize {
        self.parameters
    }
    fn constrain(&self, u: &[f64], x: &mut [f64]) -> f64 {
        for (x, &u) in x.iter_mut().zip(u) {
            *x = Real::exp(u);
        }
        u.iter().sum()
    }
    fn unconstrain(&self, x: &[f64], u: &mut [f64]) -> Result<(), ArgumentError> {
        for (i, (u, &x)) in u.iter_mut().zip(x).enumerate() {
            if !(x > 0.0 && x.is_finite()) {
                return Err(outside(i, x, "finite and above 0"));
            }
            *u = Real::ln(x);
        }
        Ok(())
    }
    fn pull_back(&self, _: &[f64], x: &[f64], gradient_x: &[f64], gradient_u: &mut [f64]) {
        for ((u, g), x) in gradient_u.iter_mut().zip(gradient_x).zip(x) {
            *u = g * x - 1.0;
        }
    }
}
