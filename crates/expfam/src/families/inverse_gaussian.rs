//! First-passage times of drifting Brownian motion.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::Real;
use ergodic_math::special::HALF_LN_2PI;

use super::ratio::ratio_divergence;
use crate::{domain, sampling};

/// The inverse Gaussian family on `x > 0`: `p(x) = √(λ/2πx³) exp(−λ(x − m)²/2m²x)`, statistics
/// `x, 1/x`, `θ = (−λ/2m², −λ/2)`, `A = −2√(θ₀θ₁) − ½ log(−2θ₁)`, base measure `1/√(2πx³)`.
///
/// Natural domain `θ < 0` (its boundary `θ₀ = 0`, the Lévy law, has no mean); mean domain `μ > 0`,
/// `μ₀μ₁ > 1`.
///
/// Reference: Tweedie, *Ann. Math. Statist.* 28, 1957.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::InverseGaussian;
///
/// let natural = InverseGaussian::natural(1.0, 2.0)?; // mean, shape
/// let log_p = InverseGaussian.log_density(&natural, &1.0)?;
/// assert!((log_p - 0.5 * (1.0 / std::f64::consts::PI).ln()).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InverseGaussian;

impl InverseGaussian {
    /// `(−λ/2m², −λ/2)` of mean `m` and shape `λ`.
    ///
    /// # Errors
    /// Unless both are finite and above 0.
    pub fn natural(mean: f64, shape: f64) -> Result<[f64; 2], ArgumentError> {
        domain::positive("mean", mean)?;
        domain::positive("shape", shape)?;
        let natural = [-0.5 * shape / mean / mean, -0.5 * shape];
        Self::usual(&natural)?;
        Ok(natural)
    }

    /// Mean and shape.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(natural: &[f64]) -> Result<(f64, f64), ArgumentError> {
        domain::finite("natural", natural, 2)?;
        for k in 0..2 {
            domain::require("natural", natural, k, natural[k] < 0.0, "below 0")?;
        }
        let ratio = natural[1] / natural[0];
        let mean = if ratio.is_normal() {
            ratio.sqrt()
        } else {
            (-natural[1]).sqrt() / (-natural[0]).sqrt()
        };
        domain::require(
            "natural",
            natural,
            0,
            mean > 0.0 && mean.is_finite(),
            "of a finite mean",
        )?;
        Ok((mean, -2.0 * natural[1]))
    }
}

impl ExponentialFamily for InverseGaussian {
    type Sample = f64;

    fn dim(&self) -> usize {
        2
    }

    fn sufficient_statistics(&self, x: &f64, out: &mut [f64]) {
        out[0] = *x;
        out[1] = 1.0 / x;
    }

    fn log_base_measure(&self, x: &f64) -> f64 {
        if *x > 0.0 && x.is_finite() {
            -1.5 * Real::ln(*x) - HALF_LN_2PI
        } else {
            f64::NEG_INFINITY
        }
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        let (mean, shape) = Self::usual(natural)?;
        domain::computed(-shape / mean - 0.5 * Real::ln(shape))
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        let (m, shape) = Self::usual(natural)?;
        mean[0] = m;
        mean[1] = 1.0 / m + 1.0 / shape;
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, 2)?;
        domain::require("mean", mean, 0, mean[0] > 0.0, "above 0")?;
        // 1/λ = μ₁ − 1/μ₀ = (μ₀μ₁ − 1)/μ₀
        let inverse = libm::fma(mean[0], mean[1], -1.0) / mean[0];
        domain::require(
            "mean",
            mean,
            1,
            inverse > 0.0,
            "above the inverse of the mean of x",
        )?;
        let found = Self::natural(mean[0], 1.0 / inverse)
            .map_err(|e| ArgumentError::new("mean", e.found, "such that the shape is finite"))?;
        natural.copy_from_slice(&found);
        Ok(())
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        let (m, shape) = Self::usual(natural)?;
        let spread = m / shape;
        out.copy_from_slice(&[
            m * m * spread,
            -spread,
            -spread,
            (1.0 / m + 2.0 / shape) / shape,
        ]);
        Ok(())
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<f64, ArgumentError> {
        let (mean, shape) = Self::usual(natural)?;
        let x = sampling::inverse_gaussian(mean, shape, rng);
        if x > 0.0 && x.is_finite() {
            return Ok(x);
        }
        Err(ArgumentError::new(
            "natural",
            format!("a law with a draw that rounds to {x}"),
            "such that draws are within the range of f64",
        ))
    }

    /// `½ [r − log(1 + r)] + λ₂(m₁ − m₂)²/2m₁m₂²` with `r = (λ₂ − λ₁)/λ₁`: relative accuracy where the laws are
    /// close.
    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        let ((m1, shape1), (m2, shape2)) = (Self::usual(natural)?, Self::usual(other)?);
        let off = (m1 - m2) / m2;
        Ok(0.5 * (ratio_divergence(shape2, shape1) + shape2 / m1 * off * off))
    }

    /// `½ log λ/2πx³ − λ((x − m)/m)²/2x`: without the cancellation of `λ/m`.
    fn log_density(&self, natural: &[f64], x: &f64) -> Result<f64, ArgumentError> {
        let (mean, shape) = Self::usual(natural)?;
        let base = self.log_base_measure(x);
        if base == f64::NEG_INFINITY {
            return Ok(base);
        }
        let off = (x - mean) / mean;
        Ok(base + 0.5 * (Real::ln(shape) - shape / x * off * off))
    }
}
