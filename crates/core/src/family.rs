//! Exponential families.

use crate::{ArgumentError, Randomness};

/// An exponential family `p(x) = h(x) exp(θ·T(x) − A(θ))`.
///
/// Parameters are slices of length [`dim`](Self::dim): natural parameters `θ`, mean parameters
/// `μ = E[T] = ∇A(θ)`. The log-partition `A` is convex, `∇²A` is the covariance of `T` (the
/// Fisher information), its conjugate is `A*(μ) = θ·μ − A(θ)`, the negative entropy relative to
/// `h`. Reference: Wainwright and Jordan, *Graphical Models, Exponential Families, and
/// Variational Inference*, 2008, ch. 3. Implemented by the families of `ergodic-expfam`.
///
/// ```
/// use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
///
/// /// Bernoulli: T(x) = x, A(θ) = log(1 + e^θ).
/// struct Bernoulli;
/// impl ExponentialFamily for Bernoulli {
///     type Sample = bool;
///     fn dim(&self) -> usize {
///         1
///     }
///     fn sufficient_statistics(&self, x: &bool, out: &mut [f64]) {
///         out[0] = f64::from(u8::from(*x));
///     }
///     fn log_base_measure(&self, _: &bool) -> f64 {
///         0.0
///     }
///     fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
///         Ok(ergodic_math::special::log1p_exp(natural[0]))
///     }
///     fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
///         mean[0] = ergodic_math::special::sigmoid(natural[0]);
///         Ok(())
///     }
///     fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
///         if !(mean[0] > 0.0 && mean[0] < 1.0) {
///             return Err(ArgumentError::new("mean", mean[0], "strictly between 0 and 1"));
///         }
///         natural[0] = (mean[0] / (1.0 - mean[0])).ln();
///         Ok(())
///     }
///     fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
///         let p = ergodic_math::special::sigmoid(natural[0]);
///         out[0] = p * (1.0 - p);
///         Ok(())
///     }
///     fn sample<R: Randomness + ?Sized>(&self, natural: &[f64], rng: &mut R) -> Result<bool, ArgumentError> {
///         Ok(rng.bernoulli(ergodic_math::special::sigmoid(natural[0])))
///     }
/// }
/// let logp = Bernoulli.log_density(&[0.0], &true).unwrap();
/// assert!((logp + 2f64.ln()).abs() < 1e-15);
/// ```
pub trait ExponentialFamily {
    /// One observation.
    type Sample: ?Sized + ToOwned;

    /// The number of natural parameters.
    fn dim(&self) -> usize;

    /// `T(x)`.
    fn sufficient_statistics(&self, x: &Self::Sample, out: &mut [f64]);

    /// `log h(x)`; `−∞` outside the support.
    fn log_base_measure(&self, x: &Self::Sample) -> f64;

    /// `A(θ)`.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError>;

    /// `μ = ∇A(θ)`.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError>;

    /// The inverse of [`mean_from_natural`](Self::mean_from_natural).
    ///
    /// # Errors
    /// If `μ` is not in the interior of the mean domain.
    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError>;

    /// `∇²A(θ)`, row-major `dim × dim`.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError>;

    /// One draw.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<<Self::Sample as ToOwned>::Owned, ArgumentError>;

    /// `log p(x) = log h(x) + θ·T(x) − A(θ)`.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    fn log_density(&self, natural: &[f64], x: &Self::Sample) -> Result<f64, ArgumentError> {
        let mut t = vec![0.0; self.dim()];
        self.sufficient_statistics(x, &mut t);
        let dot: f64 = t.iter().zip(natural).map(|(t, n)| t * n).sum();
        Ok(self.log_base_measure(x) + dot - self.log_partition(natural)?)
    }
}
