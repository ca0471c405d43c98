//! Failures before a success.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::Real;
use ergodic_math::special::x_minus_ln_1p;

use super::columns::one_parameter;
use super::large_counts::{log_binomial, log_choose};
use crate::{domain, sampling};

/// The negative binomial family of fixed `r > 0`:
/// `p(x) = Γ(x + r)/(x! Γ(r)) exp(θx + r log(1 − e^θ))`, `x = 0, 1, …` failures before success `r`,
/// `θ = log(1 − p)`.
///
/// Natural domain `θ < 0`, mean domain `μ > 0`.
///
/// Reference: Johnson, Kemp and Kotz, *Univariate Discrete Distributions*, 2005, ch. 5.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::NegativeBinomial;
///
/// let two = NegativeBinomial::new(2.0)?;
/// // Two failures, then the second success last: 3 p² (1 − p)².
/// let log_p = two.log_density(&NegativeBinomial::natural(0.5)?, &2)?;
/// assert!((log_p.exp() - 3.0 / 16.0).abs() < 1e-14);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NegativeBinomial {
    successes: f64,
}

impl NegativeBinomial {
    /// Until this number of successes, which need not be whole.
    ///
    /// # Errors
    /// Unless it is finite and above 0.
    pub fn new(successes: f64) -> Result<Self, ArgumentError> {
        domain::positive("successes", successes)?;
        Ok(Self { successes })
    }

    /// `log(1 − p)`, `p` the probability of success.
    ///
    /// # Errors
    /// Unless `0 < p < 1`.
    pub fn natural(p: f64) -> Result<[f64; 1], ArgumentError> {
        if p > 0.0 && p < 1.0 {
            return Ok([Real::ln_1p(-p)]);
        }
        Err(ArgumentError::new("p", p, "strictly between 0 and 1"))
    }

    /// `p`, which rounds to 1 far out.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(natural: &[f64]) -> Result<f64, ArgumentError> {
        Self::success(natural)
    }

    /// The number of successes.
    pub fn successes(&self) -> f64 {
        self.successes
    }

    /// Until the first success.
    pub(crate) const fn one() -> Self {
        ONE
    }

    /// `p = 1 − e^θ`.
    fn success(natural: &[f64]) -> Result<f64, ArgumentError> {
        domain::finite("natural", natural, 1)?;
        domain::require("natural", natural, 0, natural[0] < 0.0, "below 0")?;
        Ok(-Real::exp_m1(natural[0]))
    }
}

/// `log(1 − e^θ)` for `θ < 0`, to some ulp: as `log1m_exp`, without a branch.
#[inline(always)]
fn log_success(theta: f64) -> f64 {
    let near = Real::ln(-Real::exp_m1(theta));
    let far = Real::ln_1p(-Real::exp(theta));
    if theta > -std::f64::consts::LN_2 {
        near
    } else {
        far
    }
}

impl ExponentialFamily for NegativeBinomial {
    type Sample = u64;

    fn dim(&self) -> usize {
        1
    }

    fn sufficient_statistics(&self, x: &u64, out: &mut [f64]) {
        out[0] = *x as f64;
    }

    fn log_base_measure(&self, x: &u64) -> f64 {
        let x = *x as f64;
        if self.successes == 1.0 {
            return 0.0;
        }
        // Γ(x + r)/(x! Γ(r)) = C(x + r, x) r/(x + r)
        log_choose(x, self.successes) - Real::ln_1p(x / self.successes)
    }

    /// To some ulp also where the binomial coefficient is large.
    fn log_density(&self, natural: &[f64], x: &u64) -> Result<f64, ArgumentError> {
        let p = Self::success(natural)?;
        let (x, q) = (*x as f64, Real::exp(natural[0]));
        if self.successes == 1.0 {
            return Ok(natural[0] * x + log_success(natural[0]));
        }
        if q == 0.0 {
            // It underflows: what is left is exact.
            let coefficient = log_choose(x, self.successes) - Real::ln_1p(x / self.successes);
            return Ok(coefficient + natural[0] * x);
        }
        Ok(log_binomial(x, self.successes, q, p) - Real::ln_1p(x / self.successes))
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        Self::success(natural)?;
        domain::computed(-self.successes * log_success(natural[0]))
    }

    /// With `m = e^θ/(1 − e^θ)`, `x = e^{φ−θ} − 1` and `w(y) = y − log(1 + y)` it is `r(w(−mx) + m w(x))`:
    /// relative accuracy where the laws are close, as far as the difference of the parameters has it.
    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        let (p, q) = (Self::success(natural)?, Self::success(other)?);
        let odds = Real::exp(natural[0]) / p;
        let step = other[0] - natural[0];
        let divergence = if step.abs() < 0.5 {
            let x = Real::exp_m1(step);
            // 1 − mx is the quotient of the success probabilities; −mx = (q − p)/p.
            let quotient = -odds * x;
            let successes = if quotient.abs() < 0.5 {
                x_minus_ln_1p(quotient)
            } else {
                quotient + (Real::ln(p) - Real::ln(q))
            };
            successes + odds * x_minus_ln_1p(x)
        } else if odds == 0.0 {
            -Real::ln(q) // underflow
        } else {
            (Real::ln(p) - Real::ln(q)) - odds * step
        };
        Ok(self.successes * divergence.max(0.0))
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        let p = Self::success(natural)?;
        mean[0] = self.successes * Real::exp(natural[0]) / p;
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, 1)?;
        domain::require("mean", mean, 0, mean[0] > 0.0, "above 0")?;
        // 1 − p = μ/(μ + r) = 1/(1 + r/μ)
        natural[0] = -Real::ln_1p(self.successes / mean[0]);
        let inside = natural[0] < 0.0 && natural[0].is_finite();
        domain::require(
            "mean",
            mean,
            0,
            inside,
            "such that r/μ is neither 0 nor infinite",
        )
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        let p = Self::success(natural)?;
        out[0] = self.successes * Real::exp(natural[0]) / (p * p);
        Ok(())
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<u64, ArgumentError> {
        let p = Self::success(natural)?;
        if self.successes == 1.0 {
            // The whole part of an exponential draw.
            let draw = rng.exponential() / -natural[0];
            let countable = draw <= (1u64 << 53) as f64;
            let allowed = "such that draws are below 2⁵³";
            domain::require("natural", natural, 0, countable, allowed)?;
            return Ok(draw as u64);
        }
        let rate = sampling::gamma(self.successes, rng) * Real::exp(natural[0]) / p;
        let countable = rate <= (1u64 << 53) as f64;
        domain::require(
            "natural",
            natural,
            0,
            countable,
            "such that draws are below 2⁵³",
        )?;
        Ok(sampling::poisson(rate, rng))
    }

    fn evaluate_columns(
        &self,
        natural: &[f64],
        log_partition: &mut [f64],
        mean: &mut [f64],
    ) -> Result<(), ArgumentError> {
        let r = self.successes;
        one_parameter(
            self,
            natural,
            log_partition,
            mean,
            #[inline(always)]
            |theta| {
                (
                    -r * log_success(theta),
                    r * Real::exp(theta) / -Real::exp_m1(theta),
                )
            },
        )
    }
}

/// The geometric family: failures before the first success, `p(x) = p(1 − p)^x`,
/// `θ = log(1 − p) < 0`: the [`NegativeBinomial`] family of one success.
///
/// Natural domain `θ < 0`, mean domain `μ > 0`. Reference: Johnson, Kemp and Kotz, *Univariate Discrete
/// Distributions*, 2005, ch. 5.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::Geometric;
///
/// let log_p = Geometric.log_density(&Geometric::natural(0.25)?, &3)?;
/// assert!((log_p.exp() - 0.25 * 0.75f64.powi(3)).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Geometric;

const ONE: NegativeBinomial = NegativeBinomial { successes: 1.0 };

impl Geometric {
    /// `log(1 − p)`.
    ///
    /// # Errors
    /// Unless `0 < p < 1`.
    pub fn natural(p: f64) -> Result<[f64; 1], ArgumentError> {
        NegativeBinomial::natural(p)
    }

    /// `p`, which rounds to 1 far out.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(natural: &[f64]) -> Result<f64, ArgumentError> {
        NegativeBinomial::usual(natural)
    }
}

impl ExponentialFamily for Geometric {
    type Sample = u64;

    fn dim(&self) -> usize {
        1
    }

    fn sufficient_statistics(&self, x: &u64, out: &mut [f64]) {
        ONE.sufficient_statistics(x, out);
    }

    fn log_base_measure(&self, x: &u64) -> f64 {
        ONE.log_base_measure(x)
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        ONE.log_partition(natural)
    }

    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        ONE.kl_divergence(natural, other)
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        ONE.mean_from_natural(natural, mean)
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        ONE.natural_from_mean(mean, natural)
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        ONE.fisher_information(natural, out)
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<u64, ArgumentError> {
        ONE.sample(natural, rng)
    }

    fn log_density(&self, natural: &[f64], x: &u64) -> Result<f64, ArgumentError> {
        ONE.log_density(natural, x)
    }

    fn evaluate_columns(
        &self,
        natural: &[f64],
        log_partition: &mut [f64],
        mean: &mut [f64],
    ) -> Result<(), ArgumentError> {
        ONE.evaluate_columns(natural, log_partition, mean)
    }
}
