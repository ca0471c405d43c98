//! Gamma priors of rates.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::Real;

use super::{Conjugate, check, ln_1p_ratio};
use crate::families::large_counts::log_multinomial;
use crate::families::{Exponential, Gamma, GammaKnownShape, Laplace, Pareto, Rayleigh, Weibull};
use crate::{Fit, sampling};

/// Minus a rate drawn from its gamma prior.
fn minus_rate<R: Randomness + ?Sized>(prior: &[f64], rng: &mut R) -> Result<f64, ArgumentError> {
    let (shape, rate) = Gamma::usual(prior)?;
    Ok(-Real::exp(sampling::ln_gamma(shape, rng) - Real::ln(rate)))
}

/// The families with one exponential statistic: a gamma prior on its rate.
macro_rules! gamma_prior {
    ($($family:ty),*) => {
        $(impl Conjugate for $family {
            type Prior = Gamma;

            fn prior(&self) -> Gamma {
                Gamma
            }

            fn increment(&self, sample: &Fit) -> Vec<f64> {
                vec![sample.samples() as f64, -sample.sums()[0]]
            }

            fn sample_natural<R: Randomness + ?Sized>(
                &self,
                prior: &[f64],
                rng: &mut R,
            ) -> Result<Vec<f64>, ArgumentError> {
                Ok(vec![minus_rate(prior, rng)?])
            }

            /// `log αβ^α/(β + t)^{α + 1}` of the statistic `t`, and the base measure.
            fn log_predictive(&self, prior: &[f64], x: &f64) -> Result<f64, ArgumentError> {
                check(self, prior, x)?;
                let (shape, rate) = Gamma::usual(prior)?;
                let mut t = [0.0];
                self.sufficient_statistics(x, &mut t);
                let spread = (shape + 1.0) * ln_1p_ratio(t[0], rate);
                Ok(Real::ln(shape) - Real::ln(rate) - spread + self.log_base_measure(x))
            }
        })*
    };
}

gamma_prior!(Exponential, Laplace, Weibull, Pareto, Rayleigh);

impl Conjugate for GammaKnownShape {
    type Prior = Gamma;

    fn prior(&self) -> Gamma {
        Gamma
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        let shapes = sample.samples() as f64 * self.shape();
        vec![shapes, -sample.sums()[0]]
    }

    fn sample_natural<R: Randomness + ?Sized>(
        &self,
        prior: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        Ok(vec![minus_rate(prior, rng)?])
    }

    /// `x/(β + x)` is a beta draw of the two shapes.
    fn log_predictive(&self, prior: &[f64], x: &f64) -> Result<f64, ArgumentError> {
        check(self, prior, x)?;
        let (shape, rate) = Gamma::usual(prior)?;
        let shares = [1.0 / (1.0 + rate / x), 1.0 / (1.0 + x / rate)];
        if shares.iter().any(|s| *s < f64::MIN_POSITIVE) {
            return self.log_evidence(prior, &Fit::of(self, [x])?);
        }
        let logs = -ln_1p_ratio(shape, self.shape()) + Real::ln(shape) - Real::ln(*x);
        Ok(log_multinomial(&[self.shape(), shape], &shares) + logs)
    }
}
