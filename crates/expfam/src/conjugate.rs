//! Conjugate priors: Bayes' rule as addition.

use ergodic_core::{ArgumentError, ExponentialFamily};

use crate::Fit;
use crate::families::{
    Bernoulli, Beta, Binomial, Categorical, Dirichlet, Exponential, Gamma, Geometric, Independent,
    Laplace, LogNormal, Multinomial, MultivariateNormal, NegativeBinomial, Normal, NormalGamma,
    NormalInverseWishart, NormalKnownVariance, Pareto, Poisson, Product, Rayleigh, Weibull,
};

/// A family whose conjugate prior `π(θ) ∝ exp(χ·θ − νA(θ))` is a family of this crate.
///
/// Data add their statistics to the prior's natural parameters; the evidence is the ratio of the
/// normalisers, times the base measure of the data. Reference: Diaconis and Ylvisaker, *Ann. Statist.*
/// 7, 1979.
///
/// | family | prior on | family of priors |
/// |---|---|---|
/// | [`Bernoulli`], [`Binomial`] | `p` | [`Beta`] |
/// | [`Geometric`], [`NegativeBinomial`] | `p` | [`Beta`] |
/// | [`Categorical`], [`Multinomial`] | `p₀, …` | [`Dirichlet`] |
/// | [`Poisson`], [`Exponential`], [`Laplace`], [`Weibull`], [`Pareto`], [`Rayleigh`] | the rate | [`Gamma`] |
/// | [`NormalKnownVariance`] | the mean | [`Normal`] |
/// | [`Normal`], [`LogNormal`] | mean and precision (of the logarithm) | [`NormalGamma`] |
/// | [`MultivariateNormal`] | mean and covariance | [`NormalInverseWishart`] |
/// | [`Independent`] | of one draw | of one draw |
/// | [`Product`] | of the two | [`Product`] of the two |
///
/// ```
/// use ergodic_expfam::{Conjugate, Fit, families::Binomial};
///
/// // Beta(2, 3) and 4 successes in 10 trials.
/// let ten = Binomial::new(10)?;
/// let data = Fit::of(&ten, [4u64])?;
/// assert_eq!(ten.posterior(&[2.0, 3.0], &data)?, [6.0, 9.0]);
/// assert!((ten.log_evidence(&[2.0, 3.0], &data)? + 1.9671123567059197).abs() < 1e-13);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub trait Conjugate: ExponentialFamily {
    /// The family of priors and posteriors.
    type Prior: ExponentialFamily;

    /// The family of priors and posteriors.
    fn prior(&self) -> Self::Prior;

    /// What a sample adds to the natural parameters of the prior.
    fn increment(&self, sample: &Fit) -> Vec<f64>;

    /// The posterior's natural parameters.
    ///
    /// # Errors
    /// If the prior is outside its natural domain, or the sample is of a family of another dimension.
    fn posterior(&self, prior: &[f64], sample: &Fit) -> Result<Vec<f64>, ArgumentError> {
        crate::domain::length("sample", sample.mean(), self.dim())?;
        let family = self.prior();
        family.check_natural(prior)?;
        let mut posterior = self.increment(sample);
        for (p, chi) in posterior.iter_mut().zip(prior) {
            *p += chi;
        }
        family.check_natural(&posterior)?;
        Ok(posterior)
    }

    /// The log evidence `log ∫ ∏ p(xᵢ|θ) π(θ) dθ` of the sample, in nats.
    ///
    /// # Errors
    /// As [`posterior`](Self::posterior).
    fn log_evidence(&self, prior: &[f64], sample: &Fit) -> Result<f64, ArgumentError> {
        let posterior = self.posterior(prior, sample)?;
        let family = self.prior();
        let base = sample.samples() as f64 * sample.log_base_measure();
        Ok(family.log_partition(&posterior)? - family.log_partition(prior)? + base)
    }

    /// The log density of one observation under the prior (or posterior) predictive law, in nats.
    ///
    /// # Errors
    /// If the prior is outside its natural domain, or `x` outside the support.
    fn log_predictive(&self, prior: &[f64], x: &Self::Sample) -> Result<f64, ArgumentError> {
        self.log_evidence(prior, &Fit::of(self, [x])?)
    }
}

/// The numbers of observations, and the sum of the first statistic.
fn totals(sample: &Fit) -> (f64, f64) {
    let n = sample.samples() as f64;
    (n, n * sample.mean()[0])
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
}

impl Conjugate for Geometric {
    type Prior = Beta;

    fn prior(&self) -> Beta {
        Beta
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        let (n, failures) = totals(sample);
        vec![n, failures]
    }
}

/// Counts of all outcomes in `trials` trials per observation.
fn counts(sample: &Fit, trials: f64) -> Vec<f64> {
    let n = sample.samples() as f64;
    let others: Vec<f64> = sample.mean().iter().map(|m| n * m).collect();
    let first = n * trials - others.iter().sum::<f64>();
    [first].into_iter().chain(others).collect()
}

impl Conjugate for Categorical {
    type Prior = Dirichlet;

    fn prior(&self) -> Dirichlet {
        self.simplex()
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        counts(sample, 1.0)
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
                let (n, time) = totals(sample);
                vec![n, -time]
            }
        })*
    };
}

gamma_prior!(Exponential, Laplace, Weibull, Pareto, Rayleigh);

impl Conjugate for NormalKnownVariance {
    type Prior = Normal;

    fn prior(&self) -> Normal {
        Normal
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        let (n, sum) = totals(sample);
        vec![sum / self.variance(), -0.5 * n / self.variance()]
    }
}

impl Conjugate for Normal {
    type Prior = NormalGamma;

    fn prior(&self) -> NormalGamma {
        NormalGamma
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        let (n, sum) = totals(sample);
        vec![0.5 * n, -0.5 * n * sample.mean()[1], sum, -0.5 * n]
    }
}

impl Conjugate for LogNormal {
    type Prior = NormalGamma;

    fn prior(&self) -> NormalGamma {
        NormalGamma
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        Normal.increment(sample)
    }
}

/// The owned form of a family's samples.
type Owned<F> = <<F as ExponentialFamily>::Sample as ToOwned>::Owned;

impl<F: Conjugate> Conjugate for Independent<F>
where
    Owned<F>: Clone,
{
    type Prior = F::Prior;

    fn prior(&self) -> F::Prior {
        self.family().prior()
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        let each = self.family().increment(&sample.of_one_draw(self.draws()));
        each.iter().map(|i| self.draws() as f64 * i).collect()
    }
}

impl<F: Conjugate, G: Conjugate> Conjugate for Product<F, G>
where
    Owned<F>: Clone,
    Owned<G>: Clone,
    Owned<F::Prior>: Clone,
    Owned<G::Prior>: Clone,
{
    type Prior = Product<F::Prior, G::Prior>;

    fn prior(&self) -> Self::Prior {
        let (first, second) = self.factors();
        Product::new(first.prior(), second.prior())
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        let (first, second) = self.factors();
        let cut = first.dim().min(sample.mean().len());
        let rest = sample.of_statistics(cut..sample.mean().len());
        let mut both = first.increment(&sample.of_statistics(0..cut));
        both.extend(second.increment(&rest));
        both
    }
}

impl Conjugate for MultivariateNormal {
    type Prior = NormalInverseWishart;

    fn prior(&self) -> NormalInverseWishart {
        self.moments_family()
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        let n = sample.samples() as f64;
        let (linear, quadratic) = sample.mean().split_at(self.dimensions());
        let squares = quadratic.iter().map(|q| -0.5 * n * q);
        let sums = linear.iter().map(|l| n * l);
        [-0.5 * n]
            .into_iter()
            .chain(squares)
            .chain(sums)
            .chain([-0.5 * n])
            .collect()
    }
}
