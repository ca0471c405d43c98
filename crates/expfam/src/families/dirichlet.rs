//! Beta and Dirichlet laws.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::Real;
use ergodic_math::special::{digamma, digamma_inverse, ln_gamma, log_sum_exp, trigamma};

use super::large_counts::log_multinomial;
use crate::{domain, sampling};

/// The Dirichlet family on the open simplex of `K` parts: `p(x) = Γ(Σα)/∏Γ(αₖ) ∏ xₖ^{αₖ−1}` with
/// respect to `dx₁ … dx_{K−1}`; statistics `log xₖ`, `θ = α`, base measure `∏ 1/xₖ`.
///
/// Natural domain `α > 0`; mean domain `{μ : Σ e^μₖ < 1}`. The inverse solves
/// `ψ(αₖ) = μₖ + ψ(Σα)`, one equation for `s = Σα` by Newton's iteration in `log s` (after Minka,
/// *Estimating a Dirichlet distribution*, 2000). Cost `O(K)`, Fisher information `O(K²)`.
///
/// Reference: Kotz, Balakrishnan and Johnson, *Continuous Multivariate Distributions* 1, 2000, ch. 49.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::Dirichlet;
///
/// let uniform = Dirichlet::new(3)?;
/// let log_p = uniform.log_density(&[1.0, 1.0, 1.0], &[0.2, 0.5, 0.3])?;
/// assert!((log_p - 2f64.ln()).abs() < 1e-14); // 1/area of the triangle
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dirichlet {
    parts: usize,
}

/// How far the sum of a point of the simplex may be from 1.
const SUM: f64 = 1e-9;

impl Dirichlet {
    /// Of this number of parts.
    ///
    /// # Errors
    /// If there are fewer than two.
    pub fn new(parts: usize) -> Result<Self, ArgumentError> {
        if parts < 2 {
            return Err(ArgumentError::new("parts", parts, "at least 2"));
        }
        Ok(Self { parts })
    }

    /// Of at least two parts, as the caller knows.
    pub(super) const fn of(parts: usize) -> Self {
        Self { parts }
    }

    fn check(self, natural: &[f64]) -> Result<f64, ArgumentError> {
        domain::finite("natural", natural, self.parts)?;
        for k in 0..self.parts {
            domain::require("natural", natural, k, natural[k] > 0.0, "above 0")?;
        }
        let total: f64 = natural.iter().sum();
        domain::require("natural", natural, 0, total.is_finite(), "of finite sum")?;
        Ok(total)
    }
}

impl ExponentialFamily for Dirichlet {
    type Sample = [f64];

    fn dim(&self) -> usize {
        self.parts
    }

    fn sufficient_statistics(&self, x: &[f64], out: &mut [f64]) {
        for (o, x) in out.iter_mut().zip(x) {
            *o = Real::ln(*x);
        }
    }

    fn log_base_measure(&self, x: &[f64]) -> f64 {
        let inside = x.len() == self.parts
            && x.iter().all(|x| *x > 0.0)
            && (x.iter().sum::<f64>() - 1.0).abs() <= SUM;
        if !inside {
            return f64::NEG_INFINITY;
        }
        -x.iter().map(|x| Real::ln(*x)).sum::<f64>()
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        let total = self.check(natural)?;
        domain::computed(natural.iter().map(|a| ln_gamma(*a)).sum::<f64>() - ln_gamma(total))
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        let total = digamma(self.check(natural)?);
        for (m, a) in mean.iter_mut().zip(natural) {
            *m = digamma(*a) - total;
        }
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, self.parts)?;
        // By Jensen's inequality and strict concavity of the logarithm.
        let slack = -log_sum_exp(mean);
        domain::require(
            "mean",
            mean,
            0,
            slack > 0.0,
            "such that the exponentials sum to less than 1",
        )?;
        // α(s) = ψ⁻¹(μ + ψ(s)); find Σ α(s) = s. For large s the excess is s(e^{−slack} − 1) + (K − 1)/2,
        // which gives the start; Newton in log s.
        let mut s = (0.5 * (self.parts as f64 - 1.0) / -Real::exp_m1(-slack)).max(1e-3);
        for _ in 0..200 {
            let psi = digamma(s);
            let (mut sum, mut slope) = (0.0, 0.0);
            for (a, m) in natural.iter_mut().zip(mean) {
                *a = digamma_inverse(m + psi);
                sum += *a;
                slope += 1.0 / trigamma(*a);
            }
            // f(s) = log Σα(s) − log s
            let f = Real::ln(sum / s);
            let df = s * trigamma(s) * slope / sum - 1.0;
            let step = (-f / df).clamp(-3.0, 3.0);
            let step = if step.is_finite() { step } else { -f.signum() };
            s *= Real::exp(step);
            if step.abs() < 2e-16 {
                break;
            }
        }
        domain::found(self, mean, natural)
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        let total = trigamma(self.check(natural)?);
        for i in 0..self.parts {
            for j in 0..self.parts {
                let own = if i == j { trigamma(natural[i]) } else { 0.0 };
                out[i * self.parts + j] = own - total;
            }
        }
        domain::no_nan("Fisher information", out)
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        self.check(natural)?;
        let mut x: Vec<f64> = natural
            .iter()
            .map(|a| sampling::ln_gamma(*a, rng))
            .collect();
        let total = log_sum_exp(&x);
        for x in &mut x {
            *x = Real::exp(*x - total);
            // A part below the smallest number cannot be held: no point of the open simplex.
            if *x <= 0.0 {
                return Err(ArgumentError::new(
                    "natural",
                    format!("{natural:?}, with a draw below the smallest number"),
                    "not as near to 0",
                ));
            }
        }
        Ok(x)
    }

    /// To some ulp also of large parameters.
    fn log_density(&self, natural: &[f64], x: &[f64]) -> Result<f64, ArgumentError> {
        let total = self.check(natural)?;
        if self.log_base_measure(x) == f64::NEG_INFINITY {
            return Ok(f64::NEG_INFINITY);
        }
        // Γ(s)/∏Γ(αₖ) = Γ(s + 1)/∏Γ(αₖ + 1) · ∏αₖ/s
        let logs = natural
            .iter()
            .zip(x)
            .map(|(a, x)| Real::ln(*a) - Real::ln(*x));
        Ok(log_multinomial(natural, x) + logs.sum::<f64>() - Real::ln(total))
    }
}

/// The beta family on `(0, 1)`: `p(x) = x^{α−1}(1 − x)^{β−1}/B(α, β)`, statistics
/// `log x, log(1 − x)`, `θ = (α, β)`, base measure `1/x(1 − x)`: [`Dirichlet`] of two parts.
///
/// Natural domain `α, β > 0`, mean domain `{μ : e^μ₀ + e^μ₁ < 1}`. Small parameters have draws that round to 0
/// or 1, which are refused. Reference: Johnson, Kotz and Balakrishnan, *Continuous Univariate Distributions* 2,
/// 1995, ch. 25.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::Beta;
///
/// let log_p = Beta.log_density(&[2.0, 3.0], &0.25)?;
/// assert!((log_p - (12.0 * 0.25 * 0.75 * 0.75f64).ln()).abs() < 1e-14);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beta;

const TWO: Dirichlet = Dirichlet { parts: 2 };

impl ExponentialFamily for Beta {
    type Sample = f64;

    fn dim(&self) -> usize {
        2
    }

    fn sufficient_statistics(&self, x: &f64, out: &mut [f64]) {
        out[0] = Real::ln(*x);
        out[1] = Real::ln_1p(-*x);
    }

    fn log_base_measure(&self, x: &f64) -> f64 {
        if *x > 0.0 && *x < 1.0 {
            -Real::ln(*x) - Real::ln_1p(-*x)
        } else {
            f64::NEG_INFINITY
        }
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        TWO.log_partition(natural)
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        TWO.mean_from_natural(natural, mean)
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        TWO.natural_from_mean(mean, natural)
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        TWO.fisher_information(natural, out)
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<f64, ArgumentError> {
        TWO.check(natural)?;
        let (ln_x, _) = sampling::ln_beta(natural[0], natural[1], rng);
        let x = Real::exp(ln_x);
        if x > 0.0 && x < 1.0 {
            return Ok(x);
        }
        Err(ArgumentError::new(
            "natural",
            format!("{natural:?}, with a draw that rounds to {x}"),
            "not as near to 0",
        ))
    }

    /// To some ulp also of large parameters.
    fn log_density(&self, natural: &[f64], x: &f64) -> Result<f64, ArgumentError> {
        let total = TWO.check(natural)?;
        if !(*x > 0.0 && *x < 1.0) {
            return Ok(f64::NEG_INFINITY);
        }
        let rest = 1.0 - x;
        let logs = Real::ln(natural[0]) + Real::ln(natural[1]) - Real::ln(total);
        Ok(log_multinomial(natural, &[*x, rest]) + logs - Real::ln(*x) - Real::ln(rest))
    }
}
