//! Priors of the laws of counts.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::Real;
use ergodic_math::special::log1p_exp;

use super::{Conjugate, check, ln_1p_ratio};
use crate::families::large_counts::log_binomial;
use crate::families::{
    Bernoulli, Beta, Binomial, Categorical, Dirichlet, Gamma, Geometric, Multinomial,
    NegativeBinomial, Poisson,
};
use crate::{Fit, sampling};

/// `log x/(1 − x)` of a beta draw.
fn logit_draw<R: Randomness + ?Sized>(prior: &[f64], rng: &mut R) -> Result<f64, ArgumentError> {
    Beta.check_natural(prior)?;
    Ok(sampling::ln_gamma(prior[0], rng) - sampling::ln_gamma(prior[1], rng))
}

/// `log n!/∏ xₖ! · B(α + x)/B(α)`, the law of counts under a Dirichlet law of their probabilities, for `xₖ ≥ 0`
/// and `αₖ > 0`; to some ulp however large both are.
///
/// As the multivariate hypergeometric law in terms of binomial ones (after Loader): with `p = n/(n + s)`,
/// `∏ C(xₖ + αₖ, xₖ)/C(n + s, n)` is the quotient of binomial probabilities, in which the powers of `p` cancel.
/// None, where the counts vanish beside the sum of the `α`.
fn log_dirichlet_multinomial(x: &[f64], alpha: &[f64]) -> Option<f64> {
    let (n, s): (f64, f64) = (x.iter().sum(), alpha.iter().sum());
    if n == 0.0 {
        return Some(0.0);
    }
    let (p, q) = (n / (n + s), s / (n + s));
    if q < f64::MIN_POSITIVE {
        // Γ(x + α)/(x! Γ(α)) is α/x to rounding, or 1.
        let seen = x.iter().zip(alpha).filter(|(x, _)| **x > 0.0);
        let sum: f64 = seen.map(|(x, a)| Real::ln(*a) - Real::ln(*x)).sum();
        return Some(sum + Real::ln(n) - Real::ln(s));
    }
    if p < f64::MIN_POSITIVE {
        return None;
    }
    // Γ(x + α)/(x! Γ(α)) = C(x + α, x) α/(x + α)
    let mut sum = ln_1p_ratio(n, s) - log_binomial(n, s, p, q);
    for (x, a) in x.iter().zip(alpha) {
        sum += log_binomial(*x, *a, p, q) - ln_1p_ratio(*x, *a);
    }
    Some(sum)
}

impl Conjugate for Bernoulli {
    type Prior = Beta;

    fn prior(&self) -> Beta {
        Beta
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        let (n, successes) = totals(sample);
        vec![successes, n - successes]
    }

    fn sample_natural<R: Randomness + ?Sized>(
        &self,
        prior: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        Ok(vec![logit_draw(prior, rng)?])
    }

    /// `log α/(α + β)` or `log β/(α + β)`.
    fn log_predictive(&self, prior: &[f64], x: &bool) -> Result<f64, ArgumentError> {
        check(self, prior, x)?;
        let (own, other) = if *x {
            (prior[0], prior[1])
        } else {
            (prior[1], prior[0])
        };
        Ok(-ln_1p_ratio(other, own))
    }
}

impl Conjugate for Binomial {
    type Prior = Beta;

    fn prior(&self) -> Beta {
        Beta
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        let (n, successes) = totals(sample);
        vec![successes, n * self.trials() as f64 - successes]
    }

    fn sample_natural<R: Randomness + ?Sized>(
        &self,
        prior: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        Bernoulli.sample_natural(prior, rng)
    }

    fn log_predictive(&self, prior: &[f64], x: &u64) -> Result<f64, ArgumentError> {
        check(self, prior, x)?;
        let counts = [*x as f64, (self.trials() - x) as f64];
        match log_dirichlet_multinomial(&counts, prior) {
            Some(log) => Ok(log),
            None => self.log_evidence(prior, &Fit::of(self, [x])?),
        }
    }
}

impl Conjugate for NegativeBinomial {
    type Prior = Beta;

    fn prior(&self) -> Beta {
        Beta
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        let (n, failures) = totals(sample);
        vec![n * self.successes(), failures]
    }

    fn sample_natural<R: Randomness + ?Sized>(
        &self,
        prior: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        // log(1 − p)
        Ok(vec![-log1p_exp(logit_draw(prior, rng)?)])
    }

    /// Successes and failures as counts of a beta–binomial law, of which the last is a success: a share of
    /// `r/(x + r)` of their orders.
    fn log_predictive(&self, prior: &[f64], x: &u64) -> Result<f64, ArgumentError> {
        check(self, prior, x)?;
        let (r, failures) = (self.successes(), *x as f64);
        match log_dirichlet_multinomial(&[r, failures], prior) {
            Some(log) => Ok(log - ln_1p_ratio(failures, r)),
            None => self.log_evidence(prior, &Fit::of(self, [x])?),
        }
    }
}

impl Conjugate for Geometric {
    type Prior = Beta;

    fn prior(&self) -> Beta {
        Beta
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        NegativeBinomial::one().increment(sample)
    }

    fn sample_natural<R: Randomness + ?Sized>(
        &self,
        prior: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        NegativeBinomial::one().sample_natural(prior, rng)
    }

    fn log_predictive(&self, prior: &[f64], x: &u64) -> Result<f64, ArgumentError> {
        NegativeBinomial::one().log_predictive(prior, x)
    }
}

impl Conjugate for Categorical {
    type Prior = Dirichlet;

    fn prior(&self) -> Dirichlet {
        self.simplex()
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        counts(sample, 1.0)
    }

    fn sample_natural<R: Randomness + ?Sized>(
        &self,
        prior: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        self.prior().check_natural(prior)?;
        let mut logs = prior.iter().map(|a| sampling::ln_gamma(*a, rng));
        let first = logs.next().unwrap_or(0.0);
        Ok(logs.map(|log| log - first).collect())
    }

    /// `log αₓ/Σα`.
    fn log_predictive(&self, prior: &[f64], x: &usize) -> Result<f64, ArgumentError> {
        check(self, prior, x)?;
        let others = prior.iter().enumerate().filter(|(k, _)| k != x);
        Ok(-ln_1p_ratio(others.map(|(_, a)| a).sum(), prior[*x]))
    }
}

impl Conjugate for Multinomial {
    type Prior = Dirichlet;

    fn prior(&self) -> Dirichlet {
        self.categorical().simplex()
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        counts(sample, self.trials() as f64)
    }

    fn sample_natural<R: Randomness + ?Sized>(
        &self,
        prior: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        self.categorical().sample_natural(prior, rng)
    }

    fn log_predictive(&self, prior: &[f64], x: &[u64]) -> Result<f64, ArgumentError> {
        check(self, prior, x)?;
        let counts: Vec<f64> = x.iter().map(|k| *k as f64).collect();
        match log_dirichlet_multinomial(&counts, prior) {
            Some(log) => Ok(log),
            None => self.log_evidence(prior, &Fit::of(self, [x])?),
        }
    }
}

impl Conjugate for Poisson {
    type Prior = Gamma;

    fn prior(&self) -> Gamma {
        Gamma
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        let (n, events) = totals(sample);
        vec![events, -n]
    }

    fn sample_natural<R: Randomness + ?Sized>(
        &self,
        prior: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        let (shape, rate) = Gamma::usual(prior)?;
        Ok(vec![sampling::ln_gamma(shape, rng) - Real::ln(rate)])
    }

    /// Negative binomial with `r = α`, `p = β/(β + 1)`.
    fn log_predictive(&self, prior: &[f64], x: &u64) -> Result<f64, ArgumentError> {
        check(self, prior, x)?;
        let (shape, rate) = Gamma::usual(prior)?;
        let (count, p, q) = (*x as f64, rate / (1.0 + rate), 1.0 / (1.0 + rate));
        if q < f64::MIN_POSITIVE || p < f64::MIN_POSITIVE {
            return self.log_evidence(prior, &Fit::of(self, [x])?);
        }
        Ok(log_binomial(count, shape, q, p) - ln_1p_ratio(count, shape))
    }
}

/// The numbers of observations, and the sum of the first statistic.
fn totals(sample: &Fit) -> (f64, f64) {
    (sample.samples() as f64, sample.sums()[0])
}

/// Counts of all outcomes in `trials` trials per observation.
fn counts(sample: &Fit, trials: f64) -> Vec<f64> {
    let others = sample.sums();
    let first = sample.samples() as f64 * trials - others.iter().sum::<f64>();
    [first].into_iter().chain(others.iter().copied()).collect()
}
