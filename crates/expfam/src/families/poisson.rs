//! Counts of rare events.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::Real;
use ergodic_math::special::{ln_gamma, x_minus_ln_1p};

use super::columns::one_parameter;
use super::large_counts::log_poisson;
use crate::{domain, sampling};

/// The Poisson family: `p(x) = exp(θx − e^θ)/x!`, `x = 0, 1, …`, `θ = log λ`.
///
/// Natural domain: finite `θ` with finite `e^θ`; mean domain `μ > 0`.
///
/// Reference: Johnson, Kemp and Kotz, *Univariate Discrete Distributions*, 2005, ch. 4.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::Poisson;
///
/// let log_p = Poisson.log_density(&Poisson::natural(2.0)?, &3)?;
/// assert!((log_p.exp() - (-2f64).exp() * 8.0 / 6.0).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Poisson;

impl Poisson {
    /// `log λ`.
    ///
    /// # Errors
    /// Unless `λ` is finite and above 0.
    pub fn natural(rate: f64) -> Result<[f64; 1], ArgumentError> {
        domain::positive("rate", rate)?;
        Ok([Real::ln(rate)])
    }

    /// The rate `λ`, which rounds to 0 far out.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(natural: &[f64]) -> Result<f64, ArgumentError> {
        Self::rate(natural)
    }

    fn rate(natural: &[f64]) -> Result<f64, ArgumentError> {
        domain::finite("natural", natural, 1)?;
        let rate = Real::exp(natural[0]);
        domain::require(
            "natural",
            natural,
            0,
            rate.is_finite(),
            "below log f64::MAX",
        )?;
        Ok(rate)
    }
}

impl ExponentialFamily for Poisson {
    type Sample = u64;

    fn dim(&self) -> usize {
        1
    }

    fn sufficient_statistics(&self, x: &u64, out: &mut [f64]) {
        out[0] = *x as f64;
    }

    fn log_base_measure(&self, x: &u64) -> f64 {
        -ln_gamma(*x as f64 + 1.0)
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        Self::rate(natural)
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        mean[0] = Self::rate(natural)?;
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, 1)?;
        domain::require("mean", mean, 0, mean[0] > 0.0, "above 0")?;
        natural[0] = Real::ln(mean[0]);
        Ok(())
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        out[0] = Self::rate(natural)?;
        Ok(())
    }

    /// `λ(e^d − 1 − d)` with `d = φ − θ`: relative accuracy where the laws are close, as far as `d` has it.
    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        let (rate, other_rate) = (Self::rate(natural)?, Self::rate(other)?);
        let step = other[0] - natural[0];
        if step.abs() < 0.5 {
            return Ok(rate * x_minus_ln_1p(Real::exp_m1(step)));
        }
        if rate == 0.0 {
            return Ok(other_rate); // underflow
        }
        Ok((other_rate - rate - rate * step).max(0.0))
    }

    /// To some ulp also where `log x!` is large.
    fn log_density(&self, natural: &[f64], x: &u64) -> Result<f64, ArgumentError> {
        let rate = Self::rate(natural)?;
        if rate == 0.0 {
            return Ok(natural[0] * *x as f64 + self.log_base_measure(x)); // underflow
        }
        Ok(log_poisson(*x as f64, rate))
    }

    /// # Errors
    /// Also if the rate is above 2⁵³, up to which counts are exact.
    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<u64, ArgumentError> {
        let rate = Self::rate(natural)?;
        let countable = rate <= (1u64 << 53) as f64;
        domain::require(
            "natural",
            natural,
            0,
            countable,
            "at most log 2⁵³ for draws",
        )?;
        Ok(sampling::poisson(rate, rng))
    }

    fn evaluate_columns(
        &self,
        natural: &[f64],
        log_partition: &mut [f64],
        mean: &mut [f64],
    ) -> Result<(), ArgumentError> {
        one_parameter(
            self,
            natural,
            log_partition,
            mean,
            #[inline(always)]
            |theta| {
                let rate = Real::exp(theta);
                (rate, rate)
            },
        )
    }
}
