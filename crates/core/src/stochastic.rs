//! Energies that are sums over data, whose gradient can be estimated from a mini-batch.

use crate::{EnergyGradient, Tempered};

/// An energy `E(x) = E₀(x) + Σᵢ Eᵢ(x)` over `N` data terms: a prior and a sum of losses.
///
/// Promise: [`base_gradient`](Self::base_gradient) followed by
/// [`add_terms_gradient`](Self::add_terms_gradient) over all of `0..N` with scale 1 is the gradient
/// of [`EnergyGradient`], to rounding; so `∇E₀ + (N/n) Σ_{i∈B} ∇Eᵢ` over a uniform batch `B` of `n`
/// is unbiased for it. Used by the stochastic-gradient kernels of `ergodic-samplers`.
///
/// ```
/// use ergodic_core::{Energy, EnergyGradient, StochasticGradient};
///
/// /// Mean of a normal with unit variance, from data, under a flat prior: `½ Σ (x − yᵢ)²`.
/// struct Mean(Vec<f64>);
/// impl Energy for Mean {
///     type State = [f64];
///     fn energy(&self, x: &[f64]) -> f64 {
///         self.0.iter().map(|y| 0.5 * (x[0] - y).powi(2)).sum()
///     }
/// }
/// impl EnergyGradient for Mean {
///     fn dim(&self) -> usize {
///         1
///     }
///     fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
///         grad[0] = self.0.iter().map(|y| x[0] - y).sum();
///         self.energy(x)
///     }
/// }
/// impl StochasticGradient for Mean {
///     fn num_terms(&self) -> usize {
///         self.0.len()
///     }
///     fn base_gradient(&self, _: &[f64], grad: &mut [f64]) {
///         grad.fill(0.0);
///     }
///     fn add_terms_gradient(&self, x: &[f64], batch: &[usize], scale: f64, grad: &mut [f64]) {
///         for &i in batch {
///             grad[0] += scale * (x[0] - self.0[i]);
///         }
///     }
/// }
/// let (target, mut g) = (Mean(vec![1.0, 2.0, 6.0]), [0.0]);
/// target.base_gradient(&[0.0], &mut g);
/// target.add_terms_gradient(&[0.0], &[0, 1, 2], 1.0, &mut g);
/// assert_eq!(g, [-9.0]);
/// ```
pub trait StochasticGradient: EnergyGradient {
    /// The number `N` of data terms.
    fn num_terms(&self) -> usize;

    /// Writes `∇E₀(x)`, the part that does not depend on the data.
    fn base_gradient(&self, x: &[f64], grad: &mut [f64]);

    /// Adds `scale · Σ_{i ∈ batch} ∇Eᵢ(x)`; an index may occur more than once.
    fn add_terms_gradient(&self, x: &[f64], batch: &[usize], scale: f64, grad: &mut [f64]);
}

impl<T: StochasticGradient + ?Sized> StochasticGradient for &T {
    fn num_terms(&self) -> usize {
        (**self).num_terms()
    }
    fn base_gradient(&self, x: &[f64], grad: &mut [f64]) {
        (**self).base_gradient(x, grad);
    }
    fn add_terms_gradient(&self, x: &[f64], batch: &[usize], scale: f64, grad: &mut [f64]) {
        (**self).add_terms_gradient(x, batch, scale, grad);
    }
}

/// Prior and data at the same temperature: `β E₀` and `β Eᵢ`.
impl<T: StochasticGradient> StochasticGradient for Tempered<T> {
    fn num_terms(&self) -> usize {
        self.target.num_terms()
    }
    fn base_gradient(&self, x: &[f64], grad: &mut [f64]) {
        self.target.base_gradient(x, grad);
        for g in grad {
            *g *= self.beta;
        }
    }
    fn add_terms_gradient(&self, x: &[f64], batch: &[usize], scale: f64, grad: &mut [f64]) {
        self.target
            .add_terms_gradient(x, batch, self.beta * scale, grad);
    }
}
