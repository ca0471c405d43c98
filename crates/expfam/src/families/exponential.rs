//! Laws whose one statistic is exponentially distributed: exponential, Laplace, Weibull, Pareto,
//! Rayleigh.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::Real;

use super::columns::one_parameter;
use super::ratio::ratio_divergence;
use crate::domain;

/// The rate of a natural parameter, `−θ`.
fn rate(natural: &[f64]) -> Result<f64, ArgumentError> {
    domain::finite("natural", natural, 1)?;
    domain::require("natural", natural, 0, natural[0] < 0.0, "below 0")?;
    let invertible = (1.0 / natural[0]).is_finite();
    domain::require("natural", natural, 0, invertible, "no subnormal number")?;
    Ok(-natural[0])
}

/// The family whose statistic `t(x) ≥ 0` has the density `λ e^{−λt}`: `A = −log(−θ)`, `μ = −1/θ`.
/// What differs is `statistic`, `base` (log `h`), and `of_draw`, which makes `x` of a draw of `t`.
macro_rules! exponential_family {
    ($family:ty, |$s:ident, $x:ident| $statistic:expr, $base:expr, |$d:ident, $t:ident, $rng:ident| $of_draw:expr) => {
        impl ExponentialFamily for $family {
            type Sample = f64;

            fn dim(&self) -> usize {
                1
            }

            fn sufficient_statistics(&self, x: &f64, out: &mut [f64]) {
                let ($s, $x) = (self, *x);
                out[0] = $statistic;
            }

            fn log_base_measure(&self, x: &f64) -> f64 {
                let ($s, $x) = (self, *x);
                $base
            }

            fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
                Ok(-Real::ln(rate(natural)?))
            }

            fn mean_from_natural(
                &self,
                natural: &[f64],
                mean: &mut [f64],
            ) -> Result<(), ArgumentError> {
                mean[0] = 1.0 / rate(natural)?;
                Ok(())
            }

            fn natural_from_mean(
                &self,
                mean: &[f64],
                natural: &mut [f64],
            ) -> Result<(), ArgumentError> {
                domain::finite("mean", mean, 1)?;
                domain::require("mean", mean, 0, mean[0] > 0.0, "above 0")?;
                natural[0] = -1.0 / mean[0];
                domain::require(
                    "mean",
                    mean,
                    0,
                    natural[0].is_finite(),
                    "no subnormal number",
                )
            }

            fn fisher_information(
                &self,
                natural: &[f64],
                out: &mut [f64],
            ) -> Result<(), ArgumentError> {
                let scale = 1.0 / rate(natural)?;
                out[0] = scale * scale;
                Ok(())
            }

            fn sample<R: Randomness + ?Sized>(
                &self,
                natural: &[f64],
                rng: &mut R,
            ) -> Result<f64, ArgumentError> {
                let ($d, $rng) = (self, rng);
                let $t = $rng.exponential() / rate(natural)?;
                let x: f64 = $of_draw;
                if self.log_base_measure(&x) > f64::NEG_INFINITY {
                    return Ok(x);
                }
                Err(ArgumentError::new(
                    "natural",
                    format!("a law with a draw of {x}"),
                    "such that draws are within the range of f64",
                ))
            }

            /// `r − log(1 + r)` with `r = (λ₂ − λ₁)/λ₁`: relative accuracy where the laws are close.
            fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
                let (here, there) = (rate(natural)?, rate(other)?);
                Ok(ratio_divergence(there, here))
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
                    |theta| (-Real::ln(-theta), -1.0 / theta),
                )
            }
        }
    };
}

/// `value` if `x` is inside the support, else `−∞`.
fn supported(inside: bool, value: f64) -> f64 {
    if inside { value } else { f64::NEG_INFINITY }
}

/// The exponential family of laws on `x ≥ 0`: `p(x) = λ e^{−λx}`, `θ = −λ`.
///
/// Natural domain `θ < 0`, mean domain `μ > 0`.
///
/// Reference: Johnson, Kotz and Balakrishnan, *Continuous Univariate Distributions* 1, 1994, ch. 19.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::Exponential;
///
/// let log_p = Exponential.log_density(&Exponential::natural(2.0)?, &0.5)?;
/// assert!((log_p - (2f64.ln() - 1.0)).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exponential;

impl Exponential {
    /// `−λ`.
    ///
    /// # Errors
    /// Unless the rate is finite and above 0.
    pub fn natural(rate: f64) -> Result<[f64; 1], ArgumentError> {
        domain::positive("rate", rate)?;
        Ok([-rate])
    }

    /// The rate `λ`.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(natural: &[f64]) -> Result<f64, ArgumentError> {
        rate(natural)
    }
}

exponential_family!(
    Exponential,
    |_family, x| x,
    supported(x >= 0.0 && x.is_finite(), 0.0),
    |_family, t, _rng| t
);

/// The Laplace family of fixed location `m`: `p(x) = (λ/2) e^{−λ|x − m|}`, statistic `|x − m|`,
/// `θ = −λ = −1/scale`.
///
/// Natural domain `θ < 0`, mean domain `μ > 0`. With a free location it is no exponential family.
///
/// Reference: Johnson, Kotz and Balakrishnan, *Continuous Univariate Distributions* 2, 1995, ch. 24.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::Laplace;
///
/// let around = Laplace::new(1.0)?;
/// let log_p = around.log_density(&Laplace::natural(2.0)?, &1.0)?;
/// assert!((log_p - 0.25f64.ln()).abs() < 1e-15); // 1/(2·scale)
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Laplace {
    location: f64,
}

impl Laplace {
    /// Around this location.
    ///
    /// # Errors
    /// Unless it is finite.
    pub fn new(location: f64) -> Result<Self, ArgumentError> {
        domain::finite("location", &[location], 1)?;
        Ok(Self { location })
    }

    /// `−1/scale`.
    ///
    /// # Errors
    /// Unless the scale is finite and above 0.
    pub fn natural(scale: f64) -> Result<[f64; 1], ArgumentError> {
        domain::positive("scale", scale)?;
        Ok([-1.0 / scale])
    }

    /// The scale.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(natural: &[f64]) -> Result<f64, ArgumentError> {
        Ok(1.0 / rate(natural)?)
    }
}

exponential_family!(
    Laplace,
    |family, x| (x - family.location).abs(),
    {
        let _ = family;
        supported(x.is_finite(), -std::f64::consts::LN_2)
    },
    |family, t, rng| if rng.bernoulli(0.5) {
        family.location + t
    } else {
        family.location - t
    }
);

/// The Weibull family of fixed shape `k`: `p(x) = kλ x^{k−1} e^{−λxᵏ}` on `x > 0`, statistic `xᵏ`,
/// `θ = −λ = −scale^{−k}`.
///
/// Natural domain `θ < 0`, mean domain `μ > 0`. With a free shape it is no exponential family.
///
/// Reference: Johnson, Kotz and Balakrishnan, *Continuous Univariate Distributions* 1, 1994, ch. 21.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::Weibull;
///
/// let square = Weibull::new(2.0)?;
/// let log_p = square.log_density(&square.natural(1.0)?, &1.0)?;
/// assert!((log_p - (2f64.ln() - 1.0)).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weibull {
    shape: f64,
}

impl Weibull {
    /// Of this shape.
    ///
    /// # Errors
    /// Unless it is finite and above 0.
    pub fn new(shape: f64) -> Result<Self, ArgumentError> {
        domain::positive("shape", shape)?;
        Ok(Self { shape })
    }

    /// `−scale^{−k}`.
    ///
    /// # Errors
    /// Unless the scale is finite and above 0 and the parameter is finite and not 0.
    pub fn natural(&self, scale: f64) -> Result<[f64; 1], ArgumentError> {
        domain::positive("scale", scale)?;
        let theta = -libm::pow(scale, -self.shape);
        if theta < 0.0 && theta.is_finite() {
            return Ok([theta]);
        }
        Err(ArgumentError::new(
            "scale",
            scale,
            "such that scale^−shape is finite and above 0",
        ))
    }

    /// The scale.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain, or the scale outside the range of `f64`.
    pub fn usual(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        let scale = libm::pow(rate(natural)?, -1.0 / self.shape);
        if scale > 0.0 && scale.is_finite() {
            return Ok(scale);
        }
        Err(ArgumentError::new(
            "natural",
            format!("of scale {scale}"),
            "of a scale that f64 can hold",
        ))
    }
}

exponential_family!(
    Weibull,
    |family, x| libm::pow(x, family.shape),
    supported(
        x > 0.0 && x.is_finite(),
        Real::ln(family.shape) + (family.shape - 1.0) * Real::ln(x)
    ),
    |family, t, _rng| libm::pow(t, 1.0 / family.shape)
);

/// The Pareto family of fixed scale `m`: `p(x) = α m^α/x^{α+1}` on `x ≥ m`, statistic `log x/m`,
/// `θ = −α`.
///
/// Natural domain `θ < 0`, mean domain `μ > 0`. With a free scale it is no exponential family.
///
/// Reference: Johnson, Kotz and Balakrishnan, *Continuous Univariate Distributions* 1, 1994, ch. 20.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::Pareto;
///
/// let above = Pareto::new(2.0)?;
/// let log_p = above.log_density(&Pareto::natural(3.0)?, &4.0)?;
/// assert!((log_p - (3.0 * 8.0 / 256.0f64).ln()).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pareto {
    scale: f64,
}

impl Pareto {
    /// Above this scale.
    ///
    /// # Errors
    /// Unless it is finite and above 0.
    pub fn new(scale: f64) -> Result<Self, ArgumentError> {
        domain::positive("scale", scale)?;
        Ok(Self { scale })
    }

    /// `−α`, the exponent of the survival function.
    ///
    /// # Errors
    /// Unless it is finite and above 0.
    pub fn natural(shape: f64) -> Result<[f64; 1], ArgumentError> {
        domain::positive("shape", shape)?;
        Ok([-shape])
    }

    /// `α`.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(natural: &[f64]) -> Result<f64, ArgumentError> {
        rate(natural)
    }
}

exponential_family!(
    Pareto,
    |family, x| {
        let ratio = x / family.scale;
        if ratio.is_finite() {
            Real::ln(ratio)
        } else {
            Real::ln(x) - Real::ln(family.scale)
        }
    },
    supported(x >= family.scale && x.is_finite(), -Real::ln(x)),
    |family, t, _rng| family.scale * Real::exp(t)
);

/// The Rayleigh family: `p(x) = (x/σ²) e^{−x²/2σ²}` on `x > 0`, statistic `x²/2`, `θ = −1/σ²`.
///
/// Natural domain `θ < 0`, mean domain `μ > 0`.
///
/// Reference: Johnson, Kotz and Balakrishnan, *Continuous Univariate Distributions* 1, 1994, ch. 18.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::Rayleigh;
///
/// let log_p = Rayleigh.log_density(&Rayleigh::natural(2.0)?, &2.0)?;
/// assert!((log_p - (0.5f64.ln() - 0.5)).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rayleigh;

impl Rayleigh {
    /// `−1/σ²`.
    ///
    /// # Errors
    /// Unless the scale is finite and above 0 and its square neither 0 nor infinite.
    pub fn natural(sigma: f64) -> Result<[f64; 1], ArgumentError> {
        domain::positive("sigma", sigma)?;
        let theta = -1.0 / (sigma * sigma);
        if theta < 0.0 && theta.is_finite() {
            return Ok([theta]);
        }
        Err(ArgumentError::new(
            "sigma",
            sigma,
            "such that 1/σ² is finite and above 0",
        ))
    }

    /// `σ`.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(natural: &[f64]) -> Result<f64, ArgumentError> {
        Ok(1.0 / rate(natural)?.sqrt())
    }
}

exponential_family!(
    Rayleigh,
    |_family, x| 0.5 * x * x,
    supported(x > 0.0 && x.is_finite(), Real::ln(x)),
    |_family, t, _rng| (2.0 * t).sqrt()
);
