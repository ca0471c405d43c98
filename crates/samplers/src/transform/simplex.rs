//! Probabilities that sum to one, by breaking a stick.

use ergodic_core::ArgumentError;
use ergodic_math::Real;

use super::{Bijection, at_least, outside};

/// Parameters `xₖ > 0` with `Σ xₖ = 1`, from `n − 1` coordinates.
///
/// A stick of length `r₁ = 1` is broken: `zₖ = σ(uₖ − log(n − k))`, `xₖ = rₖ zₖ`,
/// `rₖ₊₁ = rₖ (1 − zₖ)`, `xₙ = rₙ` (`k = 1, …, n − 1`), so that `u = 0` is the uniform vector.
/// `log |det ∂(x₁, …, xₙ₋₁)/∂u| = Σ log zₖ + log(1 − zₖ) + log rₖ`: the density of the target is
/// that of the first `n − 1` parameters, as Dirichlet densities are written. (Sethuraman,
/// *Statist. Sinica* 4, 639, 1994, for the construction.)
///
/// Domain: `n ≥ 2`. Products of factors in `(0, 1)` lose no relative precision; parameters below
/// `10⁻³⁰⁸` are 0. Cost: two exponentials and two logarithms each.
///
/// ```
/// use ergodic_samplers::transform::{Bijection, Simplex};
///
/// let mut x = [0.0; 4];
/// Simplex::new(4)?.constrain(&[0.0; 3], &mut x);
/// assert!(x.iter().all(|x| (x - 0.25).abs() < 1e-15));
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simplex {
    parameters: usize,
}

impl Simplex {
    /// So many probabilities, at least 2.
    ///
    /// # Errors
    /// If there are fewer.
    pub fn new(parameters: usize) -> Result<Self, ArgumentError> {
        Ok(Self {
            parameters: at_least("parameters", parameters, 2)?,
        })
    }

    /// `log(n − k)` of the `k`-th break, counted from 1.
    fn shift(self, index: usize) -> f64 {
        Real::ln((self.parameters - 1 - index) as f64)
    }
}

impl Bijection for Simplex {
    fn dim(&self) -> usize {
        self.parameters - 1
    }
    fn num_parameters(&self) -> usize {
        self.parameters
    }
    fn constrain(&self, u: &[f64], x: &mut [f64]) -> f64 {
        let (mut rest, mut log_rest, mut log_jacobian) = (1.0, 0.0, 0.0);
        for (k, &u) in u.iter().enumerate() {
            let t = u - self.shift(k);
            x[k] = rest * t.sigmoid();
            let log_keep = -t.log1p_exp();
            log_jacobian += log_rest + log_keep - (-t).log1p_exp();
            rest *= (-t).sigmoid();
            log_rest += log_keep;
        }
        x[u.len()] = rest;
        log_jacobian
    }
    fn unconstrain(&self, x: &[f64], u: &mut [f64]) -> Result<(), ArgumentError> {
        let total: f64 = x.iter().sum();
        if let Some(k) = x.iter().position(|&x| !(x > 0.0 && x < 1.0)) {
            return Err(outside(k, x[k], "strictly between 0 and 1"));
        }
        if (total - 1.0).abs() > 1e-8 {
            let found = format!("a vector with sum {total}");
            return Err(ArgumentError::new("x", found, "a vector with sum 1"));
        }
        // zₖ/(1 − zₖ) = xₖ/rₖ₊₁, and rₖ₊₁ is the sum of what comes behind.
        let mut behind = x[u.len()];
        for k in (0..u.len()).rev() {
            u[k] = Real::ln(x[k]) - Real::ln(behind) + self.shift(k);
            behind += x[k];
        }
        Ok(())
    }
    fn pull_back(&self, u: &[f64], x: &[f64], gradient_x: &[f64], gradient_u: &mut [f64]) {
        // `along` is rₖ₊₁ ∂/∂rₖ₊₁ of everything that follows from it: products of x and gradient
        // alone, so nothing is divided by a short rest.
        let last = u.len();
        let mut along = x[last] * gradient_x[last];
        for k in (0..last).rev() {
            let t = u[k] - self.shift(k);
            let (z, keep) = (t.sigmoid(), (-t).sigmoid());
            let own = x[k] * gradient_x[k];
            gradient_u[k] = keep * own - z * along - (keep - z);
            along += own - 1.0;
        }
    }
}
