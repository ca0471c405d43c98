//! Sub-Gaussian tails, and Lipschitz functions of normal variables.

use ergodic_core::ArgumentError;

use super::{Bounded, Pivotal, Reflect, TailBound};
use crate::argument;

/// `log E e^{λ(X − μ)} ≤ σ²λ²/2` for all `λ`, so that `P(mean − μ ≥ t) ≤ exp(−nt²/2σ²)`.
///
/// `σ²` is the variance proxy, at least the variance. Source: Boucheron, Lugosi and Massart,
/// *Concentration Inequalities*, 2013, §2.3.
///
/// ```
/// use ergodic_concentration::inequality::{Bounded, SubGaussian, TailBound};
///
/// assert!((SubGaussian::new(4.0)?.log_tail(8, 1.0)? + 1.0).abs() < 1e-15);
/// // Hoeffding's lemma: a range r makes a proxy r²/4.
/// assert_eq!(SubGaussian::bounded(Bounded::new(0.0, 2.0)?), SubGaussian::new(1.0)?);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SubGaussian {
    variance_proxy: f64,
}

impl SubGaussian {
    /// With this variance proxy `σ²`.
    ///
    /// # Errors
    /// Unless it is finite and above 0.
    pub fn new(variance_proxy: f64) -> Result<Self, ArgumentError> {
        argument::positive("variance_proxy", variance_proxy)?;
        Ok(Self { variance_proxy })
    }

    /// Of a law with a range: `(b − a)²/4`, by Hoeffding's lemma.
    pub fn bounded(range: Bounded) -> Self {
        Self {
            variance_proxy: range.largest_variance(),
        }
    }

    /// `σ²`.
    pub fn variance_proxy(&self) -> f64 {
        self.variance_proxy
    }
}

impl TailBound for SubGaussian {
    fn name(&self) -> &'static str {
        "sub-Gaussian"
    }

    fn two_sided(&self) -> bool {
        false
    }

    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError> {
        let standardised = t / self.variance_proxy.sqrt();
        Ok(-0.5 * n * standardised * standardised)
    }
}

impl Pivotal for SubGaussian {}

impl Reflect for SubGaussian {
    fn reflected(&self) -> Self {
        *self
    }
}

/// A function with `|f(x) − f(y)| ≤ L‖x − y‖` of independent normal variables of standard deviation
/// `σ` (of a normal vector: `σ²` the largest eigenvalue of its covariance).
///
/// ```
/// use ergodic_concentration::inequality::Lipschitz;
/// assert!(Lipschitz::new(0.0, 1.0).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lipschitz {
    scale: f64,
}

impl Lipschitz {
    /// With this constant `L` and this standard deviation `σ`.
    ///
    /// # Errors
    /// Unless both, and their product, are finite and above 0.
    pub fn new(constant: f64, standard_deviation: f64) -> Result<Self, ArgumentError> {
        argument::positive("constant", constant)?;
        argument::positive("standard_deviation", standard_deviation)?;
        let scale = constant * standard_deviation;
        argument::positive("constant", scale)?;
        Ok(Self { scale })
    }
}

/// `P(f − E f ≥ t) ≤ exp(−nt²/2L²σ²)` for the mean of `n` copies of a Lipschitz function of normal
/// variables, in any dimension.
///
/// Sharp for linear functions. Source: Tsirelson, Ibragimov and Sudakov 1976; Boucheron, Lugosi and
/// Massart, *Concentration Inequalities*, 2013, theorem 5.6.
///
/// ```
/// use ergodic_concentration::inequality::{GaussianLipschitz, Lipschitz, TailBound};
///
/// // The norm of a standard normal vector is within 3 of its mean, in every dimension.
/// let norm = GaussianLipschitz::new(Lipschitz::new(1.0, 1.0)?);
/// assert!((norm.log_tail(1, 3.0)? + 4.5).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianLipschitz {
    assumption: Lipschitz,
}

impl GaussianLipschitz {
    /// Under this assumption.
    pub fn new(assumption: Lipschitz) -> Self {
        Self { assumption }
    }
}

impl TailBound for GaussianLipschitz {
    fn name(&self) -> &'static str {
        "Gaussian Lipschitz"
    }

    fn two_sided(&self) -> bool {
        false
    }

    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError> {
        let standardised = t / self.assumption.scale;
        Ok(-0.5 * n * standardised * standardised)
    }
}

impl Pivotal for GaussianLipschitz {}

impl Reflect for GaussianLipschitz {
    fn reflected(&self) -> Self {
        *self
    }
}
