//! Conjugate priors: Bayes' rule as addition.

use ergodic_core::{ArgumentError, ExponentialFamily};

use crate::Fit;

/// A family with a conjugate prior `π(θ) ∝ exp(χ·θ − νA(θ))` that is itself a family of this crate.
///
/// Data with statistics `Σ T(xᵢ)` and `n` observations turn `(χ, ν)` into `(χ + Σ T, ν + n)`; the
/// evidence is the ratio of normalisers. Reference: Diaconis and Ylvisaker, *Ann. Statist.* 7, 1979.
pub trait Conjugate: ExponentialFamily {
    /// The family of priors and posteriors, in its own natural parameters.
    type Prior: ExponentialFamily;

    /// The prior's family.
    fn prior(&self) -> Self::Prior;

    /// The posterior's natural parameters, from the prior's and the statistics of a sample.
    ///
    /// # Errors
    /// If the prior is outside its natural domain.
    fn posterior(&self, prior: &[f64], sample: &Fit) -> Result<Vec<f64>, ArgumentError>;

    /// The log evidence `log ∫ ∏ p(xᵢ|θ) π(θ) dθ` of the sample, in nats.
    ///
    /// # Errors
    /// If the prior is outside its natural domain.
    fn log_evidence(&self, prior: &[f64], sample: &Fit) -> Result<f64, ArgumentError>;

    /// The log posterior predictive density of one observation, in nats.
    ///
    /// # Errors
    /// If the prior is outside its natural domain, or `x` outside the support.
    fn log_predictive(&self, prior: &[f64], x: &Self::Sample) -> Result<f64, ArgumentError>;
}
