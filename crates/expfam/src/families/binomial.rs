//! Successes in a fixed number of trials.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::Real;
use ergodic_math::special::{log1p_exp, sigmoid};

use super::categorical::log_ratio;
use super::large_counts::{log_binomial, log_choose};
use crate::{domain, sampling};

/// The binomial family of `n` trials: `p(x) = C(n, x) exp(θx − n log(1 + e^θ))`, `x ∈ 0..=n`,
/// `θ = logit p`.
///
/// Natural domain ℝ, mean domain `(0, n)`.
///
/// Cost: a logarithm or two, a draw `O(log n)`. Reference: Johnson, Kemp and Kotz, *Univariate Discrete
/// Distributions*, 2005, ch. 3.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::Binomial;
///
/// let ten = Binomial::new(10)?;
/// let log_p = ten.log_density(&Binomial::natural(0.5)?, &5)?;
/// assert!((log_p.exp() - 252.0 / 1024.0).abs() < 1e-14);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binomial {
    trials: u64,
}

impl Binomial {
    /// Of this number of trials.
    ///
    /// # Errors
    /// If it is 0 or above 2⁵³, up to which `f64` counts.
    pub fn new(trials: u64) -> Result<Self, ArgumentError> {
        if trials == 0 || trials > 1 << 53 {
            return Err(ArgumentError::new("trials", trials, "from 1 to 2⁵³"));
        }
        Ok(Self { trials })
    }

    /// `logit p`.
    ///
    /// # Errors
    /// Unless `0 < p < 1`.
    pub fn natural(p: f64) -> Result<[f64; 1], ArgumentError> {
        super::bernoulli::success("p", p)
    }

    /// `p`, which rounds to 0 or 1 far out.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(natural: &[f64]) -> Result<f64, ArgumentError> {
        super::Bernoulli::usual(natural)
    }

    /// The number of trials.
    pub fn trials(&self) -> u64 {
        self.trials
    }
}

impl ExponentialFamily for Binomial {
    type Sample = u64;

    fn dim(&self) -> usize {
        1
    }

    fn sufficient_statistics(&self, x: &u64, out: &mut [f64]) {
        out[0] = *x as f64;
    }

    fn log_base_measure(&self, x: &u64) -> f64 {
        if *x > self.trials {
            return f64::NEG_INFINITY;
        }
        log_choose(*x as f64, (self.trials - x) as f64)
    }

    /// To some ulp also where the binomial coefficient is large.
    fn log_density(&self, natural: &[f64], x: &u64) -> Result<f64, ArgumentError> {
        domain::finite("natural", natural, 1)?;
        if *x > self.trials {
            return Ok(f64::NEG_INFINITY);
        }
        let (x, rest) = (*x as f64, (self.trials - x) as f64);
        let (p, q) = (sigmoid(natural[0]), sigmoid(-natural[0]));
        if p == 0.0 || q == 0.0 {
            // One of them underflows: what is left is exact.
            let a = self.trials as f64 * log1p_exp(natural[0]);
            return Ok(log_choose(x, rest) + natural[0] * x - a);
        }
        Ok(log_binomial(x, rest, p, q))
    }

    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        Ok(self.trials as f64 * super::bernoulli::divergence(natural, other)?)
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        domain::finite("natural", natural, 1)?;
        domain::computed(self.trials as f64 * log1p_exp(natural[0]))
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("natural", natural, 1)?;
        mean[0] = self.trials as f64 * sigmoid(natural[0]);
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::length("mean", mean, 1)?;
        // Failures without the rounding of a quotient near 1; near the middle by the difference.
        let n = self.trials as f64;
        let (rest, off) = (n - mean[0], (mean[0] - 0.5 * n) / (n - mean[0]));
        let theta = if off.abs() < 0.25 {
            Real::ln_1p(2.0 * off)
        } else {
            log_ratio(mean[0], rest)
        };
        domain::require(
            "mean",
            mean,
            0,
            theta.is_finite(),
            "strictly between 0 and the number of trials",
        )?;
        natural[0] = theta;
        Ok(())
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("natural", natural, 1)?;
        out[0] = self.trials as f64 * sigmoid(natural[0]) * sigmoid(-natural[0]);
        Ok(())
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<u64, ArgumentError> {
        domain::finite("natural", natural, 1)?;
        Ok(sampling::binomial(self.trials, sigmoid(natural[0]), rng))
    }
}
