//! Gamma, inverse gamma and chi-squared laws.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::Real;
use ergodic_math::special::{digamma, digamma_inverse, ln_gamma, trigamma};

use super::columns::one_parameter;
use super::large_counts::log_poisson;
use super::ratio::ratio_divergence;
use crate::{domain, sampling};

/// The shape `α` with `log α − ψ(α) = gap`, for `gap > 0`.
///
/// Newton's iteration on `log α` of the convex, decreasing left-hand side, from Minka's
/// approximation (*Estimating a Gamma distribution*, 2002).
pub(crate) fn shape_of_gap(gap: f64) -> f64 {
    if gap < 1e-9 {
        return 0.5 / gap + 1.0 / 6.0; // log α − ψ(α) = 1/2α + 1/12α² + …
    }
    let mut shape = (3.0 - gap + ((gap - 3.0) * (gap - 3.0) + 24.0 * gap).sqrt()) / (12.0 * gap);
    if shape.is_nan() || shape <= 0.0 {
        shape = 1.0 / gap;
    }
    for _ in 0..60 {
        let f = gap_of_shape(shape) - gap;
        let slope = -shape * slope_of_gap(shape); // of log α − ψ(α) in log α
        let step = (-f / slope).clamp(-2.0, 2.0);
        shape *= Real::exp(step);
        if step.abs() < 4e-16 {
            break;
        }
    }
    shape
}

/// `log α − ψ(α)`, with its digits at large `α`.
pub(crate) fn gap_of_shape(shape: f64) -> f64 {
    if shape < 16.0 {
        return Real::ln(shape) - digamma(shape);
    }
    // Σ B₂ₖ/2kα²ᵏ
    let s = 1.0 / (shape * shape);
    let series = 1.0 / 240.0 - s * (1.0 / 132.0 - s * (691.0 / 32_760.0 - s / 12.0));
    0.5 / shape + s * (1.0 / 12.0 - s * (1.0 / 120.0 - s * (1.0 / 252.0 - s * series)))
}

/// `ψ′(α) − 1/α`, minus the derivative of [`gap_of_shape`], with its digits at large `α`.
pub(crate) fn slope_of_gap(shape: f64) -> f64 {
    if shape < 16.0 {
        return trigamma(shape) - 1.0 / shape;
    }
    // Σ B₂ₖ/α²ᵏ⁺¹
    let s = 1.0 / (shape * shape);
    let series = 1.0 / 30.0 - s * (5.0 / 66.0 - s * (691.0 / 2730.0 - s * 7.0 / 6.0));
    s * (0.5 + (1.0 / 6.0 - s * (1.0 / 30.0 - s * (1.0 / 42.0 - s * series))) / shape)
}

/// `log y^α e^{−y}/xΓ(α)`: the density at `x` of the gamma law with `y = βx`, and of the inverse gamma
/// law with `y = β/x`.
fn log_gamma_density(shape: f64, y: f64, ln_y: impl Fn() -> f64, x: f64) -> f64 {
    if !(x > 0.0 && x.is_finite()) {
        return f64::NEG_INFINITY;
    }
    if y < f64::MIN_POSITIVE {
        return shape * ln_y() - ln_gamma(shape) - Real::ln(x); // e^{−y} is 1
    }
    // Γ(α) = Γ(α + 1)/α
    log_poisson(shape, y) + Real::ln(shape) - Real::ln(x)
}

/// The gamma family on `x > 0`: `p(x) = β^α/Γ(α) x^{α−1} e^{−βx}`, statistics `log x, x`,
/// `θ = (α − 1, −β)`, `A = log Γ(α) − α log β`.
///
/// Natural domain `θ₀ > −1`, `θ₁ < 0`; mean domain `μ₁ > 0`, `μ₀ < log μ₁`. The inverse solves
/// `log α − ψ(α) = log μ₁ − μ₀` by Newton's iteration. As `θ₀` is the shape less 1, it holds few digits of shapes
/// below 1e-8. Reference: Johnson, Kotz and Balakrishnan, *Continuous Univariate Distributions* 1, 1994, ch. 17.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::Gamma;
///
/// let natural = Gamma::natural(3.0, 2.0)?; // shape, rate
/// let log_p = Gamma.log_density(&natural, &1.0)?;
/// assert!((log_p - (4f64.ln() - 2.0)).abs() < 1e-15); // β³/2 · e^{−β}
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gamma;

impl Gamma {
    /// `(α − 1, −β)` of shape `α` and rate `β`.
    ///
    /// # Errors
    /// Unless both are finite and above 0, and the shape less 1 above −1.
    pub fn natural(shape: f64, rate: f64) -> Result<[f64; 2], ArgumentError> {
        domain::positive("shape", shape)?;
        domain::positive("rate", rate)?;
        above_rounding("shape", shape, shape - 1.0)?;
        Ok([shape - 1.0, -rate])
    }

    /// Shape and rate.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(natural: &[f64]) -> Result<(f64, f64), ArgumentError> {
        domain::finite("natural", natural, 2)?;
        domain::require("natural", natural, 0, natural[0] > -1.0, "above -1")?;
        domain::require("natural", natural, 1, natural[1] < 0.0, "below 0")?;
        Ok((natural[0] + 1.0, -natural[1]))
    }
}

impl ExponentialFamily for Gamma {
    type Sample = f64;

    fn dim(&self) -> usize {
        2
    }

    fn sufficient_statistics(&self, x: &f64, out: &mut [f64]) {
        out[0] = Real::ln(*x);
        out[1] = *x;
    }

    fn log_base_measure(&self, x: &f64) -> f64 {
        if *x > 0.0 && x.is_finite() {
            0.0
        } else {
            f64::NEG_INFINITY
        }
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        let (shape, rate) = Self::usual(natural)?;
        domain::computed(ln_gamma(shape) - shape * Real::ln(rate))
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        let (shape, rate) = Self::usual(natural)?;
        mean[0] = digamma(shape) - Real::ln(rate);
        mean[1] = shape / rate;
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, 2)?;
        domain::require("mean", mean, 1, mean[1] > 0.0, "above 0")?;
        let gap = Real::ln(mean[1]) - mean[0];
        domain::require("mean", mean, 0, gap > 0.0, "below the log of the mean of x")?;
        let shape = shape_of_gap(gap);
        natural[0] = shape - 1.0;
        natural[1] = -shape / mean[1];
        domain::found(self, mean, natural)
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        let (shape, rate) = Self::usual(natural)?;
        out.copy_from_slice(&[
            trigamma(shape),
            1.0 / rate,
            1.0 / rate,
            shape / (rate * rate),
        ]);
        Ok(())
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<f64, ArgumentError> {
        let (shape, rate) = Self::usual(natural)?;
        positive_draw(sampling::ln_gamma(shape, rng) - Real::ln(rate))
    }

    /// To some ulp also of large shapes.
    fn log_density(&self, natural: &[f64], x: &f64) -> Result<f64, ArgumentError> {
        let (shape, rate) = Self::usual(natural)?;
        let ln_y = || Real::ln(rate) + Real::ln(*x);
        Ok(log_gamma_density(shape, rate * x, ln_y, *x))
    }
}

/// Refuses a shape that vanishes in the natural parameter, the shape less 1.
fn above_rounding(argument: &'static str, shape: f64, natural: f64) -> Result<(), ArgumentError> {
    if natural > -1.0 {
        return Ok(());
    }
    Err(ArgumentError::new(
        argument,
        shape,
        "above 1e-16: natural parameters are the shape less 1",
    ))
}

/// `eˡ`, at least the smallest number and at most the largest: shapes near 0 draw below and above.
fn positive_draw(log: f64) -> Result<f64, ArgumentError> {
    let x = Real::exp(log);
    if x > 0.0 && x.is_finite() {
        return Ok(x);
    }
    Err(ArgumentError::new(
        "natural",
        format!("a law with a draw of e^{log}"),
        "such that draws are within the range of f64",
    ))
}

/// The gamma family of known shape `α`: `p(x) = β^α/Γ(α) x^{α−1} e^{−βx}` on `x > 0`, statistic `x`, `θ = −β`,
/// `A = −α log(−θ)`, base measure `x^{α−1}/Γ(α)`. Waiting times for the event of a number `α` (Erlang), and
/// with `α = ½` squares of normal draws around a known mean, `β` half their precision.
///
/// Natural domain `θ < 0`, mean domain `μ > 0`. Reference: Barndorff-Nielsen, *Information and Exponential
/// Families*, 1978, ch. 8.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::GammaKnownShape;
///
/// let third = GammaKnownShape::new(3.0)?;
/// let log_p = third.log_density(&GammaKnownShape::natural(2.0)?, &1.0)?;
/// assert!((log_p - (4f64.ln() - 2.0)).abs() < 1e-15); // β³/2 · e^{−β}
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GammaKnownShape {
    shape: f64,
}

impl GammaKnownShape {
    /// Of this shape.
    ///
    /// # Errors
    /// Unless it is finite and above 0.
    pub fn new(shape: f64) -> Result<Self, ArgumentError> {
        domain::positive("shape", shape)?;
        Ok(Self { shape })
    }

    /// `−β`.
    ///
    /// # Errors
    /// Unless the rate is finite and above 0.
    pub fn natural(rate: f64) -> Result<[f64; 1], ArgumentError> {
        domain::positive("rate", rate)?;
        Ok([-rate])
    }

    /// The rate `β`.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(natural: &[f64]) -> Result<f64, ArgumentError> {
        Self::rate(natural)
    }

    /// `α`.
    pub fn shape(&self) -> f64 {
        self.shape
    }

    fn rate(natural: &[f64]) -> Result<f64, ArgumentError> {
        domain::finite("natural", natural, 1)?;
        domain::require("natural", natural, 0, natural[0] < 0.0, "below 0")?;
        Ok(-natural[0])
    }
}

impl ExponentialFamily for GammaKnownShape {
    type Sample = f64;

    fn dim(&self) -> usize {
        1
    }

    fn sufficient_statistics(&self, x: &f64, out: &mut [f64]) {
        out[0] = *x;
    }

    fn log_base_measure(&self, x: &f64) -> f64 {
        if *x > 0.0 && x.is_finite() {
            (self.shape - 1.0) * Real::ln(*x) - ln_gamma(self.shape)
        } else {
            f64::NEG_INFINITY
        }
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        domain::computed(-self.shape * Real::ln(Self::rate(natural)?))
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        mean[0] = self.shape / Self::rate(natural)?;
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, 1)?;
        domain::require("mean", mean, 0, mean[0] > 0.0, "above 0")?;
        natural[0] = -self.shape / mean[0];
        domain::found(self, mean, natural)
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        let rate = Self::rate(natural)?;
        out[0] = self.shape / rate / rate;
        Ok(())
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<f64, ArgumentError> {
        let rate = Self::rate(natural)?;
        positive_draw(sampling::ln_gamma(self.shape, rng) - Real::ln(rate))
    }

    /// To some ulp also of large shapes.
    fn log_density(&self, natural: &[f64], x: &f64) -> Result<f64, ArgumentError> {
        let rate = Self::rate(natural)?;
        let ln_y = || Real::ln(rate) + Real::ln(*x);
        Ok(log_gamma_density(self.shape, rate * x, ln_y, *x))
    }

    /// `α(r − log(1 + r))` with `r = (β₂ − β₁)/β₁`: relative accuracy where the laws are close.
    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        let (here, there) = (Self::rate(natural)?, Self::rate(other)?);
        Ok(self.shape * ratio_divergence(there, here))
    }

    fn evaluate_columns(
        &self,
        natural: &[f64],
        log_partition: &mut [f64],
        mean: &mut [f64],
    ) -> Result<(), ArgumentError> {
        let shape = self.shape;
        one_parameter(
            self,
            natural,
            log_partition,
            mean,
            #[inline(always)]
            |theta| (-shape * Real::ln(-theta), -shape / theta),
        )
    }
}

/// The inverse gamma family on `x > 0`: `p(x) = β^α/Γ(α) x^{−α−1} e^{−β/x}`, statistics
/// `log x, 1/x`, `θ = (−α − 1, −β)`, `A = log Γ(α) − α log β`.
///
/// Natural domain `θ₀ < −1`, `θ₁ < 0`; mean domain `μ₁ > 0`, `μ₀ > −log μ₁`. The law of `1/x` where `x` is
/// [`Gamma`]. Reference: Johnson, Kotz and Balakrishnan, *Continuous Univariate Distributions* 1, 1994, ch. 17.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::InverseGamma;
///
/// let natural = InverseGamma::natural(3.0, 2.0)?; // shape, scale
/// let log_p = InverseGamma.log_density(&natural, &1.0)?;
/// assert!((log_p - (4f64.ln() - 2.0)).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InverseGamma;

impl InverseGamma {
    /// `(−α − 1, −β)` of shape `α` and scale `β`.
    ///
    /// # Errors
    /// Unless both are finite and above 0, and minus the shape less 1 below −1.
    pub fn natural(shape: f64, scale: f64) -> Result<[f64; 2], ArgumentError> {
        domain::positive("shape", shape)?;
        domain::positive("scale", scale)?;
        above_rounding("shape", shape, shape - 1.0)?;
        Ok([-shape - 1.0, -scale])
    }

    /// Shape and scale.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(natural: &[f64]) -> Result<(f64, f64), ArgumentError> {
        domain::finite("natural", natural, 2)?;
        domain::require("natural", natural, 0, natural[0] < -1.0, "below -1")?;
        domain::require("natural", natural, 1, natural[1] < 0.0, "below 0")?;
        Ok((-natural[0] - 1.0, -natural[1]))
    }
}

impl ExponentialFamily for InverseGamma {
    type Sample = f64;

    fn dim(&self) -> usize {
        2
    }

    fn sufficient_statistics(&self, x: &f64, out: &mut [f64]) {
        out[0] = Real::ln(*x);
        out[1] = 1.0 / x;
    }

    fn log_base_measure(&self, x: &f64) -> f64 {
        Gamma.log_base_measure(x)
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        let (shape, scale) = Self::usual(natural)?;
        domain::computed(ln_gamma(shape) - shape * Real::ln(scale))
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        let (shape, scale) = Self::usual(natural)?;
        mean[0] = Real::ln(scale) - digamma(shape);
        mean[1] = shape / scale;
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, 2)?;
        domain::require("mean", mean, 1, mean[1] > 0.0, "above 0")?;
        let gap = Real::ln(mean[1]) + mean[0];
        domain::require(
            "mean",
            mean,
            0,
            gap > 0.0,
            "above minus the log of the mean of 1/x",
        )?;
        let shape = shape_of_gap(gap);
        natural[0] = -shape - 1.0;
        natural[1] = -shape / mean[1];
        domain::found(self, mean, natural)
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        let (shape, scale) = Self::usual(natural)?;
        out.copy_from_slice(&[
            trigamma(shape),
            -1.0 / scale,
            -1.0 / scale,
            shape / (scale * scale),
        ]);
        Ok(())
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<f64, ArgumentError> {
        let (shape, scale) = Self::usual(natural)?;
        positive_draw(Real::ln(scale) - sampling::ln_gamma(shape, rng))
    }

    /// To some ulp also of large shapes.
    fn log_density(&self, natural: &[f64], x: &f64) -> Result<f64, ArgumentError> {
        let (shape, scale) = Self::usual(natural)?;
        let ln_y = || Real::ln(scale) - Real::ln(*x);
        Ok(log_gamma_density(shape, scale / x, ln_y, *x))
    }
}

/// The chi-squared family on `x > 0`: `p(x) ∝ x^{k/2−1} e^{−x/2}`, statistic `log x`,
/// `θ = k/2 − 1`, `A = log Γ(k/2) + (k/2) log 2`; `k` degrees of freedom, not necessarily whole.
///
/// Natural domain `θ > −1`, mean domain ℝ. The inverse is that of the digamma function. Reference: Johnson, Kotz
/// and Balakrishnan, *Continuous Univariate Distributions* 1, 1994, ch. 18.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::ChiSquared;
///
/// let log_p = ChiSquared.log_density(&ChiSquared::natural(2.0)?, &4.0)?;
/// assert!((log_p - (0.5f64.ln() - 2.0)).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChiSquared;

impl ChiSquared {
    /// `k/2 − 1` of the degrees of freedom.
    ///
    /// # Errors
    /// Unless they are finite and above 0, and half of them less 1 above −1.
    pub fn natural(degrees: f64) -> Result<[f64; 1], ArgumentError> {
        domain::positive("degrees", degrees)?;
        above_rounding("degrees", degrees, 0.5 * degrees - 1.0)?;
        Ok([0.5 * degrees - 1.0])
    }

    /// The degrees of freedom.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(natural: &[f64]) -> Result<f64, ArgumentError> {
        Ok(2.0 * Self::half(natural)?)
    }

    fn half(natural: &[f64]) -> Result<f64, ArgumentError> {
        domain::finite("natural", natural, 1)?;
        domain::require("natural", natural, 0, natural[0] > -1.0, "above -1")?;
        Ok(natural[0] + 1.0)
    }
}

impl ExponentialFamily for ChiSquared {
    type Sample = f64;

    fn dim(&self) -> usize {
        1
    }

    fn sufficient_statistics(&self, x: &f64, out: &mut [f64]) {
        out[0] = Real::ln(*x);
    }

    fn log_base_measure(&self, x: &f64) -> f64 {
        Gamma.log_base_measure(x) - 0.5 * x
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        let half = Self::half(natural)?;
        domain::computed(ln_gamma(half) + half * std::f64::consts::LN_2)
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        mean[0] = digamma(Self::half(natural)?) + std::f64::consts::LN_2;
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, 1)?;
        let half = digamma_inverse(mean[0] - std::f64::consts::LN_2);
        let inside = half > 0.0 && half.is_finite();
        domain::require("mean", mean, 0, inside, "below 700")?;
        natural[0] = half - 1.0;
        domain::require("mean", mean, 0, natural[0] > -1.0, "not that far below 0")
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        out[0] = trigamma(Self::half(natural)?);
        Ok(())
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<f64, ArgumentError> {
        let half = Self::half(natural)?;
        positive_draw(sampling::ln_gamma(half, rng) + std::f64::consts::LN_2)
    }

    /// To some ulp also of many degrees of freedom.
    fn log_density(&self, natural: &[f64], x: &f64) -> Result<f64, ArgumentError> {
        let ln_y = || Real::ln(*x) - std::f64::consts::LN_2;
        Ok(log_gamma_density(Self::half(natural)?, 0.5 * x, ln_y, *x))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against `mpmath` with 50 digits, on both sides of where the series begin.
    #[test]
    fn the_gap_of_a_shape_and_its_slope_have_full_relative_accuracy() {
        for (shape, gap, slope, tolerance) in [
            (4.5, 0.11520647041674517, 0.026502880816788154, 5e-14),
            (15.5, 0.032604781334835506, 0.002125884551017906, 5e-14),
            (16.0, 0.03157539391232087, 0.001993783403239362, 1e-15),
            (17.25, 0.029265466490811725, 0.001712767426261894, 1e-15),
            (30.0, 0.0167592489766305, 0.0005617270244066109, 1e-15),
            (1000.0, 0.000500083333325, 5.001666666333334e-07, 1e-15),
            (
                1000000000.0,
                5.000000000833333e-10,
                5.000000001666666e-19,
                1e-15,
            ),
        ] {
            let found = gap_of_shape(shape);
            assert!((found / gap - 1.0).abs() < tolerance, "{shape}: {found:e}");
            let found = slope_of_gap(shape);
            assert!(
                (found / slope - 1.0).abs() < 10.0 * tolerance,
                "{shape}: {found:e}"
            );
        }
    }
}
