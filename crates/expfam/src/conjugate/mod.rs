//! Conjugate priors: Bayes' rule as addition.

mod composed;
mod counts;
mod normal;
mod rates;

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};

use crate::Fit;

/// A family whose conjugate prior `π(θ) ∝ exp(χ·θ − νA(θ))` is a family of this crate.
///
/// Data add their statistics to the prior's natural parameters; the evidence is the ratio of the
/// normalisers, times the base measure of the data. Reference: Diaconis and Ylvisaker, *Ann. Statist.*
/// 7, 1979.
///
/// | family | prior on | family of priors | predictive law |
/// |---|---|---|---|
/// | [`Bernoulli`], [`Binomial`] | `p` | [`Beta`] | beta–binomial |
/// | [`Geometric`], [`NegativeBinomial`] | `p` | [`Beta`] | beta–negative binomial |
/// | [`Categorical`], [`Multinomial`] | `p₀, …` | [`Dirichlet`] | Dirichlet–multinomial |
/// | [`Poisson`] | the rate | [`Gamma`] | negative binomial |
/// | [`Exponential`], [`Laplace`], [`Weibull`], [`Pareto`], [`Rayleigh`] | the rate | [`Gamma`] | Lomax, of the statistic |
/// | [`GammaKnownShape`] | the rate | [`Gamma`] | beta prime |
/// | [`NormalKnownVariance`] | the mean | [`Normal`] | normal |
/// | [`MultivariateNormalKnownCovariance`] | the mean | [`MultivariateNormal`] | normal |
/// | [`Normal`], [`LogNormal`] | mean and precision (of the logarithm) | [`NormalGamma`] | Student's t |
/// | [`DiagonalNormal`] | means and precisions | [`Componentwise`] [`NormalGamma`] | t in each place |
/// | [`MultivariateNormal`] | mean and covariance | [`NormalInverseWishart`] | multivariate t |
/// | [`Independent`] | of one draw | of one draw | |
/// | [`Product`], [`Componentwise`] | of the parts | the same of the priors | of the parts |
///
/// The other families have conjugate priors whose normaliser is no known function (gamma laws of unknown
/// shape, beta, Dirichlet, von Mises, Wishart, inverse Gaussian, [`Discrete`], [`Ising`] and the priors of this
/// table): for these take a sampler. Of directions with a known concentration see
/// [`VonMisesFisher::direction_posterior`].
///
/// ```
/// use ergodic_expfam::{Conjugate, Fit, families::Binomial};
///
/// // Beta(2, 3) and 4 successes in 10 trials.
/// let ten = Binomial::new(10)?;
/// let data = Fit::of(&ten, [4u64])?;
/// assert_eq!(ten.posterior(&[2.0, 3.0], &data)?, [6.0, 9.0]);
/// assert!((ten.log_evidence(&[2.0, 3.0], &data)? + 1.9671123567059197).abs() < 1e-13);
/// // What ten further trials may bring.
/// let next = ten.sample_predictive(&[6.0, 9.0], &mut ergodic_math::rng::stream(1, 0))?;
/// assert!(next <= 10);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
///
/// [`Bernoulli`]: crate::families::Bernoulli
/// [`Beta`]: crate::families::Beta
/// [`Binomial`]: crate::families::Binomial
/// [`Categorical`]: crate::families::Categorical
/// [`Componentwise`]: crate::families::Componentwise
/// [`DiagonalNormal`]: crate::families::DiagonalNormal
/// [`Dirichlet`]: crate::families::Dirichlet
/// [`Discrete`]: crate::families::Discrete
/// [`Exponential`]: crate::families::Exponential
/// [`Gamma`]: crate::families::Gamma
/// [`GammaKnownShape`]: crate::families::GammaKnownShape
/// [`Geometric`]: crate::families::Geometric
/// [`Independent`]: crate::families::Independent
/// [`Ising`]: crate::families::Ising
/// [`Laplace`]: crate::families::Laplace
/// [`LogNormal`]: crate::families::LogNormal
/// [`Multinomial`]: crate::families::Multinomial
/// [`MultivariateNormal`]: crate::families::MultivariateNormal
/// [`MultivariateNormalKnownCovariance`]: crate::families::MultivariateNormalKnownCovariance
/// [`NegativeBinomial`]: crate::families::NegativeBinomial
/// [`Normal`]: crate::families::Normal
/// [`NormalGamma`]: crate::families::NormalGamma
/// [`NormalInverseWishart`]: crate::families::NormalInverseWishart
/// [`NormalKnownVariance`]: crate::families::NormalKnownVariance
/// [`Pareto`]: crate::families::Pareto
/// [`Poisson`]: crate::families::Poisson
/// [`Product`]: crate::families::Product
/// [`Rayleigh`]: crate::families::Rayleigh
/// [`VonMisesFisher::direction_posterior`]: crate::families::VonMisesFisher::direction_posterior
/// [`Weibull`]: crate::families::Weibull
pub trait Conjugate: ExponentialFamily {
    /// The family of priors and posteriors.
    type Prior: ExponentialFamily;

    /// The family of priors and posteriors.
    fn prior(&self) -> Self::Prior;

    /// What a sample adds to the natural parameters of the prior. It has to be of this family, which
    /// [`posterior`](Self::posterior) checks.
    fn increment(&self, sample: &Fit) -> Vec<f64>;

    /// The natural parameters `θ` of a member drawn from the prior (or posterior).
    ///
    /// Drawn where they keep their digits, as the logarithm of a rate or the logit of a probability: also
    /// under priors whose draws of the usual parameter round to the end of its range.
    ///
    /// # Errors
    /// If the prior is outside its natural domain, or the draw is outside the range of numbers.
    fn sample_natural<R: Randomness + ?Sized>(
        &self,
        prior: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError>;

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
    /// A difference of log-partitions: its absolute error is some roundings of the larger one.
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
    /// The families of this crate have it in closed form, accurate also after much data, where
    /// [`log_evidence`](Self::log_evidence) is a difference of large numbers.
    ///
    /// # Errors
    /// If the prior is outside its natural domain, or `x` outside the support.
    fn log_predictive(&self, prior: &[f64], x: &Self::Sample) -> Result<f64, ArgumentError> {
        self.log_evidence(prior, &Fit::of(self, [x])?)
    }

    /// A draw of the prior (or posterior) predictive law: of a member drawn from the prior. Exact.
    ///
    /// # Errors
    /// As [`sample_natural`](Self::sample_natural), and if the member has a draw that is no number of its type.
    fn sample_predictive<R: Randomness + ?Sized>(
        &self,
        prior: &[f64],
        rng: &mut R,
    ) -> Result<<Self::Sample as ToOwned>::Owned, ArgumentError> {
        self.sample(&self.sample_natural(prior, rng)?, rng)
    }
}

/// Checks of prior and observation.
fn check<F: Conjugate>(family: &F, prior: &[f64], x: &F::Sample) -> Result<(), ArgumentError> {
    family.prior().check_natural(prior)?;
    Fit::of(family, [x]).map(|_| ())
}

/// `log(1 + part/whole)` for `part ≥ 0` and `whole > 0`, also where the quotient overflows.
fn ln_1p_ratio(part: f64, whole: f64) -> f64 {
    use ergodic_math::Real;
    let ratio = part / whole;
    if ratio.is_finite() {
        Real::ln_1p(ratio)
    } else {
        Real::ln(part) - Real::ln(whole)
    }
}
