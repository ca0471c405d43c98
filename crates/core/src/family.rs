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

    /// Whether `θ` is in the natural domain, where `A` is finite (its interior, in a family whose
    /// domain is closed somewhere).
    ///
    /// # Errors
    /// If it is not: the parameter and its domain are named.
    fn check_natural(&self, natural: &[f64]) -> Result<(), ArgumentError> {
        self.log_partition(natural).map(|_| ())
    }

    /// Whether `μ` is in the interior of the mean domain.
    ///
    /// # Errors
    /// If it is not: the parameter and its domain are named.
    fn check_mean(&self, mean: &[f64]) -> Result<(), ArgumentError> {
        self.natural_from_mean(mean, &mut vec![0.0; self.dim()])
    }

    /// The conjugate `A*(μ) = sup_θ θ·μ − A(θ)`, at the mean parameters of a member of the family:
    /// its negative entropy relative to the base measure.
    ///
    /// # Errors
    /// If `μ` is not in the interior of the mean domain.
    fn conjugate(&self, mean: &[f64]) -> Result<f64, ArgumentError> {
        let mut natural = vec![0.0; self.dim()];
        self.natural_from_mean(mean, &mut natural)?;
        let dot: f64 = natural.iter().zip(mean).map(|(n, m)| n * m).sum();
        Ok(dot - self.log_partition(&natural)?)
    }

    /// `KL(p_θ‖p_φ) = A(φ) − A(θ) − ∇A(θ)·(φ − θ)`, the Bregman divergence of `A`, in nats.
    ///
    /// The difference loses digits where the laws are close, as does any difference of values of
    /// `A`: the absolute error is that of `A`. Families with a better form override it.
    ///
    /// # Errors
    /// If a parameter is outside the natural domain.
    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        let mut mean = vec![0.0; self.dim()];
        self.mean_from_natural(natural, &mut mean)?;
        let slope: f64 = mean
            .iter()
            .zip(other.iter().zip(natural))
            .map(|(m, (o, n))| m * (o - n))
            .sum();
        let divergence = self.log_partition(other)? - self.log_partition(natural)? - slope;
        // Convexity: only rounding makes it negative.
        Ok(divergence.max(0.0))
    }

    /// `A(θ)` and `∇A(θ)` of many members at once: `natural` and `mean` hold `dim` columns of
    /// equal length, the first parameter of all members, then the second; `log_partition` one
    /// value per member.
    ///
    /// # Errors
    /// If a slice has the wrong length, or a member is outside the natural domain; what has been
    /// written then is unspecified.
    fn evaluate_columns(
        &self,
        natural: &[f64],
        log_partition: &mut [f64],
        mean: &mut [f64],
    ) -> Result<(), ArgumentError> {
        let (members, dim) = (log_partition.len(), self.dim());
        check_columns("natural", natural.len(), dim, members)?;
        check_columns("mean", mean.len(), dim, members)?;
        let (mut theta, mut mu) = (vec![0.0; dim], vec![0.0; dim]);
        for (member, a) in log_partition.iter_mut().enumerate() {
            for (k, t) in theta.iter_mut().enumerate() {
                *t = natural[k * members + member];
            }
            *a = self.log_partition(&theta)?;
            self.mean_from_natural(&theta, &mut mu)?;
            for (k, m) in mu.iter().enumerate() {
                mean[k * members + member] = *m;
            }
        }
        Ok(())
    }

    /// `log p(x) = log h(x) + θ·T(x) − A(θ)`, `−∞` outside the support.
    ///
    /// The sum loses digits where its terms are large; families with a better form override it.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    fn log_density(&self, natural: &[f64], x: &Self::Sample) -> Result<f64, ArgumentError> {
        let a = self.log_partition(natural)?;
        let base = self.log_base_measure(x);
        if base == f64::NEG_INFINITY {
            return Ok(base); // statistics outside the support may be anything
        }
        let mut t = vec![0.0; self.dim()];
        self.sufficient_statistics(x, &mut t);
        let dot: f64 = t.iter().zip(natural).map(|(t, n)| t * n).sum();
        Ok(base + dot - a)
    }
}

/// Whether `found` numbers are `dim` columns of `members`.
fn check_columns(
    argument: &'static str,
    found: usize,
    dim: usize,
    members: usize,
) -> Result<(), ArgumentError> {
    if found == dim * members {
        return Ok(());
    }
    Err(ArgumentError::new(
        argument,
        format!("a slice of {found} numbers"),
        format!("{dim} columns of {members}"),
    ))
}
