//! Parameters with a bound on one side.

use ergodic_core::ArgumentError;
use ergodic_math::Real;

use super::{Bijection, at_least, outside};

fn finite(argument: &'static str, bound: f64) -> Result<f64, ArgumentError> {
    if bound.is_finite() {
        Ok(bound)
    } else {
        Err(ArgumentError::new(argument, bound, "finite"))
    }
}

/// Parameters `x > a` as `x = a + eᵘ`, with `log |det ∂x/∂u| = Σ u`.
///
/// Distances from the bound below `ε|a|` are lost to rounding: take [`Positive`](super::Positive)
/// and add `a` in the target where they count.
///
/// ```
/// use ergodic_samplers::transform::{Bijection, LowerBound};
///
/// let mut x = [0.0];
/// LowerBound::new(1, 3.0)?.constrain(&[0.0], &mut x);
/// assert_eq!(x, [4.0]);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LowerBound {
    parameters: usize,
    bound: f64,
}

impl LowerBound {
    /// So many parameters above `bound`.
    ///
    /// # Errors
    /// If there are none, or the bound is not finite.
    pub fn new(parameters: usize, bound: f64) -> Result<Self, ArgumentError> {
        Ok(Self {
            parameters: at_least("parameters", parameters, 1)?,
            bound: finite("bound", bound)?,
        })
    }
}

impl Bijection for LowerBound {
    fn dim(&self) -> usize {
        self.parameters
    }
    fn num_parameters(&self) -> usize {
        self.parameters
    }
    fn constrain(&self, u: &[f64], x: &mut [f64]) -> f64 {
        for (x, &u) in x.iter_mut().zip(u) {
            *x = self.bound + Real::exp(u);
        }
        u.iter().sum()
    }
    fn unconstrain(&self, x: &[f64], u: &mut [f64]) -> Result<(), ArgumentError> {
        for (i, (u, &x)) in u.iter_mut().zip(x).enumerate() {
            if !(x > self.bound && x.is_finite()) {
                return Err(outside(i, x, &format!("finite and above {}", self.bound)));
            }
            *u = Real::ln(x - self.bound);
        }
        Ok(())
    }
    fn pull_back(&self, u: &[f64], _: &[f64], gradient_x: &[f64], gradient_u: &mut [f64]) {
        for ((out, g), &u) in gradient_u.iter_mut().zip(gradient_x).zip(u) {
            *out = g * Real::exp(u) - 1.0;
        }
    }
}

/// Parameters `x < b` as `x = b − eᵘ`, with `log |det ∂x/∂u| = Σ u`; see [`LowerBound`].
///
/// ```
/// use ergodic_samplers::transform::{Bijection, UpperBound};
///
/// let mut x = [0.0];
/// UpperBound::new(1, 3.0)?.constrain(&[0.0], &mut x);
/// assert_eq!(x, [2.0]);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UpperBound {
    parameters: usize,
    bound: f64,
}

impl UpperBound {
    /// So many parameters below `bound`.
    ///
    /// # Errors
    /// If there are none, or the bound is not finite.
    pub fn new(parameters: usize, bound: f64) -> Result<Self, ArgumentError> {
        Ok(Self {
            parameters: at_least("parameters", parameters, 1)?,
            bound: finite("bound", bound)?,
        })
    }
}

impl Bijection for UpperBound {
    fn dim(&self) -> usize {
        self.parameters
    }
    fn num_parameters(&self) -> usize {
        self.parameters
    }
    fn constrain(&self, u: &[f64], x: &mut [f64]) -> f64 {
        for (x, &u) in x.iter_mut().zip(u) {
            *x = self.bound - Real::exp(u);
        }
        u.iter().sum()
    }
    fn unconstrain(&self, x: &[f64], u: &mut [f64]) -> Result<(), ArgumentError> {
        for (i, (u, &x)) in u.iter_mut().zip(x).enumerate() {
            if !(x < self.bound && x.is_finite()) {
                return Err(outside(i, x, &format!("finite and below {}", self.bound)));
            }
            *u = Real::ln(self.bound - x);
        }
        Ok(())
    }
    fn pull_back(&self, u: &[f64], _: &[f64], gradient_x: &[f64], gradient_u: &mut [f64]) {
        for ((out, g), &u) in gradient_u.iter_mut().zip(gradient_x).zip(u) {
            *out = -g * Real::exp(u) - 1.0;
        }
    }
}
