//! Ordered parameters, by their increments.

use ergodic_core::ArgumentError;
use ergodic_math::Real;

use super::{Bijection, at_least, outside};

/// Parameters `x₁ < x₂ < … < xₙ` as `x₁ = u₁`, `xₖ = xₖ₋₁ + e^{uₖ}`, with
/// `log |det ∂x/∂u| = Σ_{k ≥ 2} uₖ`.
///
/// For cut points and for the components of a mixture, whose labels would otherwise switch.
/// Increments below `ε|x|` are lost to rounding.
///
/// ```
/// use ergodic_samplers::transform::{Bijection, Ordered};
///
/// let mut x = [0.0; 3];
/// let log_jacobian = Ordered::new(3)?.constrain(&[-1.0, 0.0, 0.0], &mut x);
/// assert_eq!((x, log_jacobian), ([-1.0, 0.0, 1.0], 0.0));
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ordered {
    parameters: usize,
}

impl Ordered {
    /// So many parameters in increasing order.
    ///
    /// # Errors
    /// If there are none.
    pub fn new(parameters: usize) -> Result<Self, ArgumentError> {
        Ok(Self {
            parameters: at_least("parameters", parameters, 1)?,
        })
    }
}

impl Bijection for Ordered {
    fn dim(&self) -> usize {
        self.parameters
    }
    fn num_parameters(&self) -> usize {
        self.parameters
    }
    fn constrain(&self, u: &[f64], x: &mut [f64]) -> f64 {
        let (mut last, mut log_jacobian) = (0.0, 0.0);
        for (k, (x, &u)) in x.iter_mut().zip(u).enumerate() {
            if k == 0 {
                last = u;
            } else {
                last += Real::exp(u);
                log_jacobian += u;
            }
            *x = last;
        }
        log_jacobian
    }
    fn unconstrain(&self, x: &[f64], u: &mut [f64]) -> Result<(), ArgumentError> {
        let mut last = f64::NEG_INFINITY;
        for (k, (u, &x)) in u.iter_mut().zip(x).enumerate() {
            if !(x > last && x.is_finite()) {
                return Err(outside(k, x, "finite and above the one before"));
            }
            *u = if k == 0 { x } else { Real::ln(x - last) };
            last = x;
        }
        Ok(())
    }
    fn pull_back(&self, u: &[f64], _: &[f64], gradient_x: &[f64], gradient_u: &mut [f64]) {
        // An increment moves all that come behind it.
        let mut behind = 0.0;
        for k in (0..gradient_u.len()).rev() {
            behind += gradient_x[k];
            gradient_u[k] = if k == 0 {
                behind
            } else {
                behind * Real::exp(u[k]) - 1.0
            };
        }
    }
}
