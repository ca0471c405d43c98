//! One toss of a coin.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::Real;
use ergodic_math::special::{log1p_exp, logit, sigmoid, x_minus_ln_1p};

use super::columns::one_parameter;
use crate::domain;

/// The Bernoulli family: `p(x) = exp(θx − log(1 + e^θ))`, `x ∈ {0, 1}`, `θ = logit p`.
///
/// Natural domain ℝ, mean domain `(0, 1)`.
///
/// Reference: Johnson, Kemp and Kotz, *Univariate Discrete Distributions*, 2005, ch. 3.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::Bernoulli;
///
/// let natural = Bernoulli::natural(0.25)?;
/// assert!((Bernoulli.log_density(&natural, &true)? - 0.25f64.ln()).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bernoulli;

impl Bernoulli {
    /// `logit p`.
    ///
    /// # Errors
    /// Unless `0 < p < 1`.
    pub fn natural(p: f64) -> Result<[f64; 1], ArgumentError> {
        success("p", p)
    }

    /// `p`, which rounds to 0 or 1 far out.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(natural: &[f64]) -> Result<f64, ArgumentError> {
        domain::finite("natural", natural, 1)?;
        Ok(sigmoid(natural[0]))
    }
}

/// `logit p` as the natural parameter.
pub(super) fn success(argument: &'static str, p: f64) -> Result<[f64; 1], ArgumentError> {
    match logit(p) {
        Ok(theta) if theta.is_finite() => Ok([theta]),
        _ => Err(ArgumentError::new(argument, p, "strictly between 0 and 1")),
    }
}

/// The divergence of the coin `natural` from the coin `other`, with relative accuracy where they are
/// close, as far as the difference of the parameters has it.
///
/// With `p ≤ ½` (sides swapped if need be), `x = e^d − 1` and `w(y) = y − log(1 + y)` it is
/// `p w(x) − w(px)`, in which less than half cancels.
pub(super) fn divergence(natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
    domain::finite("natural", natural, 1)?;
    domain::finite("other", other, 1)?;
    let sign = if natural[0] > 0.0 { -1.0 } else { 1.0 };
    let (a, b) = (sign * natural[0], sign * other[0]);
    let (p, step) = (sigmoid(a), b - a);
    let divergence = if step.abs() < 0.5 {
        let x = Real::exp_m1(step);
        p * x_minus_ln_1p(x) - x_minus_ln_1p(p * x)
    } else if p == 0.0 {
        log1p_exp(b) // underflow
    } else {
        log1p_exp(b) - log1p_exp(a) - p * step
    };
    Ok(divergence.max(0.0))
}

impl ExponentialFamily for Bernoulli {
    type Sample = bool;

    fn dim(&self) -> usize {
        1
    }

    fn sufficient_statistics(&self, x: &bool, out: &mut [f64]) {
        out[0] = f64::from(u8::from(*x));
    }

    fn log_base_measure(&self, _: &bool) -> f64 {
        0.0
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        domain::finite("natural", natural, 1)?;
        Ok(log1p_exp(natural[0]))
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("natural", natural, 1)?;
        mean[0] = sigmoid(natural[0]);
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::length("mean", mean, 1)?;
        natural[0] = success("mean", mean[0])?[0];
        Ok(())
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("natural", natural, 1)?;
        out[0] = sigmoid(natural[0]) * sigmoid(-natural[0]);
        Ok(())
    }

    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        divergence(natural, other)
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<bool, ArgumentError> {
        domain::finite("natural", natural, 1)?;
        Ok(rng.bernoulli(sigmoid(natural[0])))
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
            |theta| (Real::log1p_exp(theta), Real::sigmoid(theta)),
        )
    }
}
