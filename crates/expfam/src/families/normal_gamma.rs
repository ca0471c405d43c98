//! Mean and precision of a normal law.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::Real;
use ergodic_math::special::{HALF_LN_2PI, digamma, ln_gamma, trigamma};

use super::gamma::shape_of_gap;
use crate::{domain, sampling};

/// The normal–gamma family of pairs `(m, τ)`: `τ` gamma of shape `α` and rate `β`, `m` given `τ` normal
/// around `m₀` with precision `κτ`. Statistics `log τ, τ, τm, τm²`,
/// `θ = (α − ½, −β − κm₀²/2, κm₀, −κ/2)`, `A = log Γ(α) − α log β − ½ log κ`, base measure `1/√2π`.
///
/// The conjugate prior of [`Normal`](super::Normal). Natural domain `θ₀ > −½`, `θ₃ < 0`,
/// `θ₁ < θ₂²/4θ₃`; mean domain `μ₁ > 0`, `μ₀ < log μ₁`, `μ₁μ₃ > μ₂²`.
///
/// Where `κm₀²` is large against `β`, natural parameters hold few of the digits of `β`: then take the data less
/// a constant. Reference: Bernardo and Smith, *Bayesian Theory*, 1994, §3.2 and app. A.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::NormalGamma;
///
/// let natural = NormalGamma::natural(1.0, 2.0, 3.0, 4.0)?; // m₀, κ, α, β
/// let mut mean = [0.0; 4];
/// NormalGamma.mean_from_natural(&natural, &mut mean)?;
/// assert!((mean[1] - 0.75).abs() < 1e-15); // E τ = α/β
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NormalGamma;

/// `m₀, κ, α, β`.
pub(crate) struct Parts {
    pub(crate) location: f64,
    pub(crate) kappa: f64,
    pub(crate) shape: f64,
    pub(crate) rate: f64,
}

impl NormalGamma {
    /// Of location `m₀`, its weight `κ`, shape `α` and rate `β`.
    ///
    /// # Errors
    /// Unless all are finite and the last three above 0, and the natural parameters hold them.
    pub fn natural(
        location: f64,
        kappa: f64,
        shape: f64,
        rate: f64,
    ) -> Result<[f64; 4], ArgumentError> {
        domain::finite("location", &[location], 1)?;
        domain::positive("kappa", kappa)?;
        domain::positive("shape", shape)?;
        domain::positive("rate", rate)?;
        let natural = [
            shape - 0.5,
            -rate - 0.5 * kappa * location * location,
            kappa * location,
            -0.5 * kappa,
        ];
        // Rounding may leave the domain.
        Self::parts(&natural)?;
        Ok(natural)
    }

    /// Location `m₀`, its weight `κ`, shape `α` and rate `β`.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(natural: &[f64]) -> Result<(f64, f64, f64, f64), ArgumentError> {
        let p = Self::parts(natural)?;
        Ok((p.location, p.kappa, p.shape, p.rate))
    }

    pub(crate) fn parts(natural: &[f64]) -> Result<Parts, ArgumentError> {
        domain::finite("natural", natural, 4)?;
        domain::require("natural", natural, 0, natural[0] > -0.5, "above -1/2")?;
        domain::require("natural", natural, 3, natural[3] < 0.0, "below 0")?;
        let kappa = -2.0 * natural[3];
        let location = natural[2] / kappa;
        let rate = -natural[1] - 0.5 * natural[2] * location;
        let inside = rate > 0.0 && rate.is_finite();
        domain::require("natural", natural, 1, inside, "below θ₂²/4θ₃")?;
        let finite = ((natural[0] + 0.5) / rate).is_finite();
        domain::require("natural", natural, 1, finite, "of a finite mean precision")?;
        Ok(Parts {
            location,
            kappa,
            shape: natural[0] + 0.5,
            rate,
        })
    }
}

impl ExponentialFamily for NormalGamma {
    /// Mean and precision.
    type Sample = (f64, f64);

    fn dim(&self) -> usize {
        4
    }

    fn sufficient_statistics(&self, (mean, precision): &(f64, f64), out: &mut [f64]) {
        out.copy_from_slice(&[
            Real::ln(*precision),
            *precision,
            precision * mean,
            precision * mean * mean,
        ]);
    }

    fn log_base_measure(&self, (mean, precision): &(f64, f64)) -> f64 {
        if mean.is_finite() && *precision > 0.0 && precision.is_finite() {
            -HALF_LN_2PI
        } else {
            f64::NEG_INFINITY
        }
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        let u = Self::parts(natural)?;
        domain::computed(ln_gamma(u.shape) - u.shape * Real::ln(u.rate) - 0.5 * Real::ln(u.kappa))
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        let u = Self::parts(natural)?;
        let precision = u.shape / u.rate;
        mean.copy_from_slice(&[
            digamma(u.shape) - Real::ln(u.rate),
            precision,
            precision * u.location,
            precision * u.location * u.location + 1.0 / u.kappa,
        ]);
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, 4)?;
        domain::require("mean", mean, 1, mean[1] > 0.0, "above 0")?;
        let gap = Real::ln(mean[1]) - mean[0];
        domain::require(
            "mean",
            mean,
            0,
            gap > 0.0,
            "below the log of the mean precision",
        )?;
        let location = mean[2] / mean[1];
        let spread = libm::fma(-mean[2], location, mean[3]);
        domain::require("mean", mean, 3, spread > 0.0, "above μ₂²/μ₁")?;
        let shape = shape_of_gap(gap);
        let found = Self::natural(location, 1.0 / spread, shape, shape / mean[1])
            .map_err(|e| ArgumentError::new("mean", e.found, "of finite natural parameters"))?;
        natural.copy_from_slice(&found);
        domain::found(self, mean, natural)
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        let u = Self::parts(natural)?;
        let (m, b) = (u.location, u.rate);
        // τm = τm₀ + √(τ/κ)z, τm² = τm₀² + 2m₀√(τ/κ)z + z²/κ with a standard normal z.
        let v = u.shape / (b * b);
        let w = u.shape / (b * u.kappa);
        let rows = [
            [trigamma(u.shape), 1.0 / b, m / b, m * m / b],
            [1.0 / b, v, m * v, m * m * v],
            [m / b, m * v, m * m * v + w, m * m * m * v + 2.0 * m * w],
            [
                m * m / b,
                m * m * v,
                m * m * m * v + 2.0 * m * w,
                m * m * m * m * v + 4.0 * m * m * w + 2.0 / (u.kappa * u.kappa),
            ],
        ];
        for (out, entry) in out.iter_mut().zip(rows.iter().flatten()) {
            *out = *entry;
        }
        domain::no_nan("Fisher information", out)
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<(f64, f64), ArgumentError> {
        let u = Self::parts(natural)?;
        let log = sampling::ln_gamma(u.shape, rng) - Real::ln(u.rate);
        let precision = Real::exp(log);
        if !(precision > 0.0 && precision.is_finite()) {
            return Err(ArgumentError::new(
                "natural",
                format!("a law with a precision of e^{log}"),
                "such that draws are within the range of f64",
            ));
        }
        let mean = u.location + rng.normal() * Real::exp(-0.5 * log) / u.kappa.sqrt();
        Ok((mean, precision))
    }
}
