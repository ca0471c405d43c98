//! Directions: unit vectors, from a vector of any length.

use ergodic_core::ArgumentError;
use ergodic_math::Real;

use super::{Bijection, at_least};

/// A unit vector `x = u/|u|` of `n ≥ 2` components, from `n` coordinates.
///
/// No map from `Rⁿ⁻¹` covers a sphere without a seam, so the length of `u` is kept as a variable of
/// its own, independent of the direction: `u` gets the energy `E(u/|u|) + |u|²/2`. That is the law
/// of a direction with density `e^{−E}` *with respect to the uniform law on the sphere*, times
/// that of a length with density `∝ |u|ⁿ⁻¹ e^{−|u|²/2}`; with `E = 0` it is the normal law, whose
/// direction is uniform (Muller, *Commun. ACM* 2(4), 19, 1959). What stands for the log-Jacobian
/// is `−|u|²/2`; it is no determinant, as the map is not one to one.
///
/// The origin has no direction: there the energy is infinite, a state of probability zero.
///
/// ```
/// use ergodic_samplers::transform::{Bijection, UnitVector};
///
/// let mut x = [0.0; 2];
/// UnitVector::new(2)?.constrain(&[3.0, 4.0], &mut x);
/// assert_eq!(x, [0.6, 0.8]);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitVector {
    parameters: usize,
}

impl UnitVector {
    /// A unit vector of so many components, at least 2.
    ///
    /// # Errors
    /// If there are fewer.
    pub fn new(parameters: usize) -> Result<Self, ArgumentError> {
        Ok(Self {
            parameters: at_least("parameters", parameters, 2)?,
        })
    }
}

fn square(u: &[f64]) -> f64 {
    u.iter().map(|u| u * u).sum()
}

impl Bijection for UnitVector {
    fn dim(&self) -> usize {
        self.parameters
    }
    fn num_parameters(&self) -> usize {
        self.parameters
    }
    fn constrain(&self, u: &[f64], x: &mut [f64]) -> f64 {
        let square = square(u);
        let length = Real::sqrt(square);
        if !(length > 0.0 && length.is_finite()) {
            // Some direction, for a target to be asked at; the energy is infinite anyhow.
            x.fill(0.0);
            x[0] = 1.0;
            return f64::NEG_INFINITY;
        }
        for (x, u) in x.iter_mut().zip(u) {
            *x = u / length;
        }
        -0.5 * square
    }

    /// The vector itself times `√(n − 1)`, the most probable length.
    fn unconstrain(&self, x: &[f64], u: &mut [f64]) -> Result<(), ArgumentError> {
        let length = Real::sqrt(square(x));
        if length.is_nan() || (length - 1.0).abs() > 1e-8 {
            let found = format!("a vector of length {length}");
            return Err(ArgumentError::new("x", found, "a vector of length 1"));
        }
        let stretch = Real::sqrt((self.parameters - 1) as f64) / length;
        for (u, x) in u.iter_mut().zip(x) {
            *u = stretch * x;
        }
        Ok(())
    }
    fn pull_back(&self, u: &[f64], x: &[f64], gradient_x: &[f64], gradient_u: &mut [f64]) {
        let length = Real::sqrt(square(u));
        if !(length > 0.0 && length.is_finite()) {
            gradient_u.fill(0.0); // at a state of probability zero
            return;
        }
        // The part of the gradient along x changes the length alone.
        let along: f64 = x.iter().zip(gradient_x).map(|(x, g)| x * g).sum();
        for (((out, g), x), u) in gradient_u.iter_mut().zip(gradient_x).zip(x).zip(u) {
            *out = (g - along * x) / length + u;
        }
    }
}
