//! Normal and log-normal laws.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::Real;
use ergodic_math::simd::{Vectorize, vectorize};
use ergodic_math::special::HALF_LN_2PI;

use super::columns::one_parameter;
use super::ratio::ratio_divergence;
use crate::domain;

/// The normal family: statistics `x, x²`, `θ = (m/v, −1/2v)`,
/// `A = −θ₀²/4θ₁ − ½ log(−2θ₁)`, base measure `1/√2π`; mean `m`, variance `v`.
///
/// Natural domain `θ₁ < 0`; mean domain `μ₁ > μ₀²`: where the variance is small against the square
/// of the mean, mean parameters hold few of its digits.
///
/// Reference: Johnson, Kotz and Balakrishnan, *Continuous Univariate Distributions* 1, 1994, ch. 13.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::Normal;
///
/// let natural = Normal::natural(1.0, 4.0)?; // mean, variance
/// let log_p = Normal.log_density(&natural, &3.0)?;
/// assert!((log_p + 0.5 + 0.5 * (8.0 * std::f64::consts::PI).ln()).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Normal;

impl Normal {
    /// `(m/v, −1/2v)`.
    ///
    /// # Errors
    /// If the mean is not finite, the variance not finite and above 0, or a quotient overflows.
    pub fn natural(mean: f64, variance: f64) -> Result<[f64; 2], ArgumentError> {
        domain::positive("variance", variance)?;
        domain::finite("mean", &[mean], 1)?;
        let natural = [mean / variance, -0.5 / variance];
        Self::usual(&natural)?;
        Ok(natural)
    }

    /// Mean and variance.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(natural: &[f64]) -> Result<(f64, f64), ArgumentError> {
        domain::finite("natural", natural, 2)?;
        domain::require("natural", natural, 1, natural[1] < 0.0, "below 0")?;
        let variance = -0.5 / natural[1];
        domain::require("natural", natural, 1, variance.is_finite(), "not subnormal")?;
        let mean = natural[0] * variance;
        let inside = (natural[0] * mean).is_finite() && (mean * mean + variance).is_finite();
        domain::require(
            "natural",
            natural,
            0,
            inside,
            "of finite log-partition and mean",
        )?;
        Ok((mean, variance))
    }
}

/// `log N(x; m, v)`, to some ulp however far `m` is from 0 in units of `√v`.
pub(crate) fn log_normal_density(x: f64, mean: f64, variance: f64) -> f64 {
    if !x.is_finite() {
        return f64::NEG_INFINITY;
    }
    let off = x - mean;
    -HALF_LN_2PI - 0.5 * (Real::ln(variance) + off / variance * off)
}

impl ExponentialFamily for Normal {
    type Sample = f64;

    fn dim(&self) -> usize {
        2
    }

    fn sufficient_statistics(&self, x: &f64, out: &mut [f64]) {
        out[0] = *x;
        out[1] = x * x;
    }

    fn log_base_measure(&self, x: &f64) -> f64 {
        if x.is_finite() {
            -HALF_LN_2PI
        } else {
            f64::NEG_INFINITY
        }
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        let (mean, _) = Self::usual(natural)?;
        Ok(0.5 * (natural[0] * mean - Real::ln(-2.0 * natural[1])))
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        let (m, v) = Self::usual(natural)?;
        mean[0] = m;
        mean[1] = m * m + v;
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, 2)?;
        // μ₁ − μ₀² with one rounding.
        let variance = libm::fma(-mean[0], mean[0], mean[1]);
        domain::require(
            "mean",
            mean,
            1,
            variance > 0.0,
            "above the square of the mean",
        )?;
        natural.copy_from_slice(&Self::natural(mean[0], variance).map_err(|e| {
            ArgumentError::new("mean", e.found, "such that the variance has an inverse")
        })?);
        Ok(())
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        let (m, v) = Self::usual(natural)?;
        out.copy_from_slice(&[v, 2.0 * m * v, 2.0 * m * v, v * (4.0 * m * m + 2.0 * v)]);
        Ok(())
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<f64, ArgumentError> {
        let (m, v) = Self::usual(natural)?;
        Ok(m + v.sqrt() * rng.normal())
    }

    /// In terms of `x − m`: without the cancellation of `m²/v`.
    fn log_density(&self, natural: &[f64], x: &f64) -> Result<f64, ArgumentError> {
        let (m, v) = Self::usual(natural)?;
        Ok(log_normal_density(*x, m, v))
    }

    /// `½ [r − log(1 + r) + (m₁ − m₂)²/v₂]` with `r = (v₁ − v₂)/v₂`: relative accuracy where the laws
    /// are close.
    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        let ((m1, v1), (m2, v2)) = (Self::usual(natural)?, Self::usual(other)?);
        let off = m1 - m2;
        Ok(0.5 * (ratio_divergence(v1, v2) + off * off / v2))
    }

    fn evaluate_columns(
        &self,
        natural: &[f64],
        log_partition: &mut [f64],
        mean: &mut [f64],
    ) -> Result<(), ArgumentError> {
        let n = log_partition.len();
        domain::length("natural", natural, 2 * n)?;
        domain::length("mean", mean, 2 * n)?;
        let (linear, quadratic) = natural.split_at(n);
        let (first, second) = mean.split_at_mut(n);
        if columns(linear, quadratic, log_partition, first, second) {
            return Ok(());
        }
        for member in 0..n {
            Self::usual(&[linear[member], quadratic[member]])?;
        }
        Err(ArgumentError::new(
            "natural",
            "a member whose log-partition overflows",
            "of finite log-partition and mean",
        ))
    }
}

/// The log-partitions and means of the normal laws with these parameters; false, if one of them is none.
pub(super) fn columns(
    linear: &[f64],
    quadratic: &[f64],
    log_partition: &mut [f64],
    first: &mut [f64],
    second: &mut [f64],
) -> bool {
    let n = log_partition.len();
    let mut inside = true;
    // Blocks that stay in the first-level cache between their passes.
    const BLOCK: usize = 512;
    for start in (0..n).step_by(BLOCK) {
        let range = start..(start + BLOCK).min(n);
        inside &= vectorize(Block {
            linear: &linear[range.clone()],
            quadratic: &quadratic[range.clone()],
            log_partition: &mut log_partition[range.clone()],
            first: &mut first[range.clone()],
            second: &mut second[range],
        });
    }
    inside
}

/// Independent sums of the check.
const LANES: usize = 16;

/// A block of [`Normal::evaluate_columns`]; says whether all results are finite.
struct Block<'a> {
    linear: &'a [f64],
    quadratic: &'a [f64],
    log_partition: &'a mut [f64],
    first: &'a mut [f64],
    second: &'a mut [f64],
}

impl Vectorize for Block<'_> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let n = self.linear.len();
        let (linear, quadratic) = (&self.linear[..n], &self.quadratic[..n]);
        let log_partition = &mut self.log_partition[..n];
        let (first, second) = (&mut self.first[..n], &mut self.second[..n]);
        for i in 0..n {
            let variance = -0.5 / quadratic[i];
            let mean = linear[i] * variance;
            first[i] = mean;
            second[i] = mean * mean + variance;
            // NaN where −2θ₁ ≤ 0; ln has no other way to one.
            log_partition[i] = 0.5 * (linear[i] * mean - Real::ln(-2.0 * quadratic[i]));
        }
        // ∞ − ∞ or NaN spoils a sum: 0·x is 0 for finite x alone. In lanes, as one sum is a chain of
        // additions, which takes longer than all the rest.
        let mut sums = [0.0; LANES];
        let (log_partition, second) = (log_partition.chunks(LANES), second.chunks(LANES));
        for (a, s) in log_partition.zip(second) {
            for ((sum, a), s) in sums.iter_mut().zip(a).zip(s) {
                *sum += 0.0 * a + 0.0 * s;
            }
        }
        sums.iter().sum::<f64>() == 0.0
    }
}

/// The normal family of known variance `v`: statistic `x`, `θ = m/v`, `A = vθ²/2`, base measure
/// the normal density around 0.
///
/// Natural and mean domain ℝ.
///
/// Reference: Johnson, Kotz and Balakrishnan, *Continuous Univariate Distributions* 1, 1994, ch. 13.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::NormalKnownVariance;
///
/// let unit = NormalKnownVariance::new(1.0)?;
/// assert!((unit.log_partition(&unit.natural(2.0)?)? - 2.0).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormalKnownVariance {
    variance: f64,
}

impl NormalKnownVariance {
    /// Of this variance.
    ///
    /// # Errors
    /// Unless it is finite and above 0.
    pub fn new(variance: f64) -> Result<Self, ArgumentError> {
        domain::positive("variance", variance)?;
        Ok(Self { variance })
    }

    /// `m/v`.
    ///
    /// # Errors
    /// If the mean or the quotient is not finite.
    pub fn natural(&self, mean: f64) -> Result<[f64; 1], ArgumentError> {
        let natural = [mean / self.variance];
        domain::finite("mean", &natural, 1)?;
        Ok(natural)
    }

    /// The mean.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain, or the mean overflows.
    pub fn usual(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        domain::finite("natural", natural, 1)?;
        let mean = natural[0] * self.variance;
        domain::require("natural", natural, 0, mean.is_finite(), "of a finite mean")?;
        Ok(mean)
    }

    /// The variance.
    pub fn variance(&self) -> f64 {
        self.variance
    }
}

impl ExponentialFamily for NormalKnownVariance {
    type Sample = f64;

    fn dim(&self) -> usize {
        1
    }

    fn sufficient_statistics(&self, x: &f64, out: &mut [f64]) {
        out[0] = *x;
    }

    fn log_base_measure(&self, x: &f64) -> f64 {
        -0.5 * x * x / self.variance - 0.5 * Real::ln(self.variance) - HALF_LN_2PI
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        domain::finite("natural", natural, 1)?;
        domain::computed(0.5 * self.variance * natural[0] * natural[0])
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("natural", natural, 1)?;
        mean[0] = self.variance * natural[0];
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, 1)?;
        natural[0] = self.natural(mean[0])?[0];
        domain::found(self, mean, natural)
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("natural", natural, 1)?;
        out[0] = self.variance;
        Ok(())
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<f64, ArgumentError> {
        domain::finite("natural", natural, 1)?;
        Ok(self.variance * natural[0] + self.variance.sqrt() * rng.normal())
    }

    fn log_density(&self, natural: &[f64], x: &f64) -> Result<f64, ArgumentError> {
        self.check_natural(natural)?;
        Ok(log_normal_density(
            *x,
            self.variance * natural[0],
            self.variance,
        ))
    }

    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        domain::finite("natural", natural, 1)?;
        domain::finite("other", other, 1)?;
        let off = natural[0] - other[0];
        Ok(0.5 * self.variance * off * off)
    }

    fn evaluate_columns(
        &self,
        natural: &[f64],
        log_partition: &mut [f64],
        mean: &mut [f64],
    ) -> Result<(), ArgumentError> {
        let v = self.variance;
        one_parameter(
            self,
            natural,
            log_partition,
            mean,
            #[inline(always)]
            |theta| (0.5 * v * theta * theta, v * theta),
        )
    }
}

/// The log-normal family on `x > 0`: [`Normal`] of `log x`, base measure `1/x√2π`.
///
/// Domains as of [`Normal`]. Reference: Johnson, Kotz and Balakrishnan, *Continuous Univariate Distributions*
/// 1, 1994, ch. 14.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::{LogNormal, Normal};
///
/// let natural = Normal::natural(0.0, 1.0)?; // of log x
/// let log_p = LogNormal.log_density(&natural, &1.0)?;
/// assert!((log_p + 0.5 * (2.0 * std::f64::consts::PI).ln()).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogNormal;

impl ExponentialFamily for LogNormal {
    type Sample = f64;

    fn dim(&self) -> usize {
        2
    }

    fn sufficient_statistics(&self, x: &f64, out: &mut [f64]) {
        Normal.sufficient_statistics(&Real::ln(*x), out);
    }

    fn log_base_measure(&self, x: &f64) -> f64 {
        if *x > 0.0 && x.is_finite() {
            -HALF_LN_2PI - Real::ln(*x)
        } else {
            f64::NEG_INFINITY
        }
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        Normal.log_partition(natural)
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        Normal.mean_from_natural(natural, mean)
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        Normal.natural_from_mean(mean, natural)
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        Normal.fisher_information(natural, out)
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<f64, ArgumentError> {
        let log = Normal.sample(natural, rng)?;
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

    fn log_density(&self, natural: &[f64], x: &f64) -> Result<f64, ArgumentError> {
        let (m, v) = Normal::usual(natural)?;
        if !(*x > 0.0 && x.is_finite()) {
            return Ok(f64::NEG_INFINITY);
        }
        let log = Real::ln(*x);
        Ok(log_normal_density(log, m, v) - log)
    }

    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        Normal.kl_divergence(natural, other)
    }

    fn evaluate_columns(
        &self,
        natural: &[f64],
        log_partition: &mut [f64],
        mean: &mut [f64],
    ) -> Result<(), ArgumentError> {
        Normal.evaluate_columns(natural, log_partition, mean)
    }
}
