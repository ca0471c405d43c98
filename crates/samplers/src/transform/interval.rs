//! Parameters between two bounds, by their logit.

use ergodic_core::ArgumentError;
use ergodic_math::Real;

use super::{Bijection, at_least, outside};

/// Parameters `a < x < b` as `x = a + (b − a) σ(u)`, `σ(u) = 1/(1 + e^{−u})`, with
/// `log |det ∂x/∂u| = Σ log(b − a) + log σ(u) + log σ(−u)`.
///
/// `x` is computed from the nearer bound. Cost: two exponentials and two logarithms each.
///
/// ```
/// use ergodic_samplers::transform::{Bijection, Interval};
///
/// let mut x = [0.0];
/// let log_jacobian = Interval::new(1, -1.0, 3.0)?.constrain(&[0.0], &mut x);
/// assert_eq!(x, [1.0]);
/// assert!(log_jacobian.abs() < 1e-15); // slope 4/4 in the middle
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    parameters: usize,
    lower: f64,
    upper: f64,
}

impl Interval {
    /// So many parameters between `lower` and `upper`.
    ///
    /// # Errors
    /// If there are none, a bound or the distance of the bounds is not finite, or `lower` is not
    /// below `upper`.
    pub fn new(parameters: usize, lower: f64, upper: f64) -> Result<Self, ArgumentError> {
        let parameters = at_least("parameters", parameters, 1)?;
        if !(lower < upper && (upper - lower).is_finite()) {
            return Err(ArgumentError::new(
                "bounds",
                format!("({lower}, {upper})"),
                "finite, the lower below the upper",
            ));
        }
        Ok(Self {
            parameters,
            lower,
            upper,
        })
    }

    const fn width(&self) -> f64 {
        self.upper - self.lower
    }
}

impl Bijection for Interval {
    fn dim(&self) -> usize {
        self.parameters
    }
    fn num_parameters(&self) -> usize {
        self.parameters
    }
    fn constrain(&self, u: &[f64], x: &mut [f64]) -> f64 {
        let mut log_jacobian = 0.0;
        let log_width = Real::ln(self.width());
        for (x, &u) in x.iter_mut().zip(u) {
            *x = if u < 0.0 {
                self.lower + self.width() * u.sigmoid()
            } else {
                self.upper - self.width() * (-u).sigmoid()
            };
            log_jacobian += log_width - u.log1p_exp() - (-u).log1p_exp();
        }
        log_jacobian
    }
    fn unconstrain(&self, x: &[f64], u: &mut [f64]) -> Result<(), ArgumentError> {
        for (i, (u, &x)) in u.iter_mut().zip(x).enumerate() {
            if !(x > self.lower && x < self.upper) {
                let allowed = format!("strictly between {} and {}", self.lower, self.upper);
                return Err(outside(i, x, &allowed));
            }
            *u = Real::ln(x - self.lower) - Real::ln(self.upper - x);
        }
        Ok(())
    }
    fn pull_back(&self, u: &[f64], _: &[f64], gradient_x: &[f64], gradient_u: &mut [f64]) {
        for ((out, g), &u) in gradient_u.iter_mut().zip(gradient_x).zip(u) {
            let (up, down) = (u.sigmoid(), (-u).sigmoid());
            *out = g * self.width() * up * down - (down - up);
        }
    }
}
