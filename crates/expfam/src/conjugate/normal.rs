//! Priors of normal laws.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::Real;
use nalgebra::DVector;

use super::{Conjugate, check, ln_1p_ratio};
use crate::families::large_counts::ln_gamma_step;
use crate::families::multivariate_normal::log_det;
use crate::families::normal::log_normal_density;
use crate::families::{
    Componentwise, DiagonalNormal, LogNormal, MultivariateNormal,
    MultivariateNormalKnownCovariance, Normal, NormalGamma, NormalInverseWishart,
    NormalKnownVariance,
};
use crate::{Fit, domain, symmetric};

impl Conjugate for NormalKnownVariance {
    type Prior = Normal;

    fn prior(&self) -> Normal {
        Normal
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        let precision = sample.samples() as f64 / self.variance();
        vec![sample.sums()[0] / self.variance(), -0.5 * precision]
    }

    fn sample_natural<R: Randomness + ?Sized>(
        &self,
        prior: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        Ok(vec![Normal.sample(prior, rng)? / self.variance()])
    }

    /// The variances add.
    fn log_predictive(&self, prior: &[f64], x: &f64) -> Result<f64, ArgumentError> {
        check(self, prior, x)?;
        let (mean, variance) = Normal::usual(prior)?;
        Ok(log_normal_density(*x, mean, variance + self.variance()))
    }
}

impl Conjugate for MultivariateNormalKnownCovariance {
    type Prior = MultivariateNormal;

    fn prior(&self) -> MultivariateNormal {
        self.unknown()
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        let sums = DVector::from_column_slice(sample.sums());
        let linear = self.factor().solve(&sums);
        let mut both = linear.as_slice().to_vec();
        let d = both.len();
        both.resize(d + symmetric::length(d), 0.0);
        let precision = self.factor().inverse() * (-0.5 * sample.samples() as f64);
        symmetric::pack(&precision, &mut both[d..]);
        both
    }

    fn sample_natural<R: Randomness + ?Sized>(
        &self,
        prior: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        let mean = self.unknown().sample(prior, rng)?;
        let natural = self.factor().solve(&DVector::from_vec(mean));
        Ok(natural.as_slice().to_vec())
    }

    /// The covariances add.
    fn log_predictive(&self, prior: &[f64], x: &[f64]) -> Result<f64, ArgumentError> {
        check(self, prior, x)?;
        let family = self.unknown();
        let (mean, covariance) = family.usual(prior)?;
        let wide = family.natural(&mean, &(covariance + self.covariance()))?;
        family.log_density(&wide, x)
    }
}

/// What the numbers, sums and sums of squares of a normal sample add to a normal–gamma prior.
fn normal_gamma_increment(n: f64, sum: f64, squares: f64) -> [f64; 4] {
    [0.5 * n, -0.5 * squares, sum, -0.5 * n]
}

/// `(τm, −τ/2)` of a draw of mean and precision.
fn normal_draw<R: Randomness + ?Sized>(
    prior: &[f64],
    rng: &mut R,
) -> Result<[f64; 2], ArgumentError> {
    let (mean, precision) = NormalGamma.sample(prior, rng)?;
    Ok([precision * mean, -0.5 * precision])
}

/// Student's t of `2α` degrees around `m₀`, with squared scale `β(κ + 1)/ακ`.
fn log_student(prior: &[f64], x: f64) -> Result<f64, ArgumentError> {
    let u = NormalGamma::parts(prior)?;
    let off = x - u.location;
    let scale = Real::ln(2.0 * std::f64::consts::PI) + Real::ln(u.rate) + ln_1p_ratio(1.0, u.kappa);
    // κ/(κ + 1) · (x − m₀)²/2
    let form = off / (1.0 + 1.0 / u.kappa) * off * 0.5;
    let tail = (u.shape + 0.5) * ln_1p_ratio(form, u.rate);
    Ok(ln_gamma_step(u.shape, 0.5) - 0.5 * scale - tail)
}

impl Conjugate for Normal {
    type Prior = NormalGamma;

    fn prior(&self) -> NormalGamma {
        NormalGamma
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        let sums = sample.sums();
        normal_gamma_increment(sample.samples() as f64, sums[0], sums[1]).to_vec()
    }

    fn sample_natural<R: Randomness + ?Sized>(
        &self,
        prior: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        Ok(normal_draw(prior, rng)?.to_vec())
    }

    fn log_predictive(&self, prior: &[f64], x: &f64) -> Result<f64, ArgumentError> {
        check(self, prior, x)?;
        log_student(prior, *x)
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

    fn sample_natural<R: Randomness + ?Sized>(
        &self,
        prior: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        Normal.sample_natural(prior, rng)
    }

    fn log_predictive(&self, prior: &[f64], x: &f64) -> Result<f64, ArgumentError> {
        check(self, prior, x)?;
        let log = Real::ln(*x);
        Ok(log_student(prior, log)? - log)
    }
}

impl Conjugate for DiagonalNormal {
    type Prior = Componentwise<NormalGamma>;

    fn prior(&self) -> Componentwise<NormalGamma> {
        Componentwise::of(NormalGamma, self.dimensions())
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        let (sums, squares) = sample.sums().split_at(self.dimensions());
        let n = sample.samples() as f64;
        let places = sums.iter().zip(squares);
        places
            .flat_map(|(sum, square)| normal_gamma_increment(n, *sum, *square))
            .collect()
    }

    fn sample_natural<R: Randomness + ?Sized>(
        &self,
        prior: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        domain::length("natural", prior, self.prior().dim())?;
        let d = self.dimensions();
        let mut natural = vec![0.0; 2 * d];
        for (i, prior) in prior.chunks_exact(4).enumerate() {
            [natural[i], natural[d + i]] = normal_draw(prior, rng)?;
        }
        Ok(natural)
    }

    fn log_predictive(&self, prior: &[f64], x: &[f64]) -> Result<f64, ArgumentError> {
        check(self, prior, x)?;
        let places = prior.chunks_exact(4).zip(x);
        places.map(|(prior, x)| log_student(prior, *x)).sum()
    }
}

impl Conjugate for MultivariateNormal {
    type Prior = NormalInverseWishart;

    fn prior(&self) -> NormalInverseWishart {
        self.moments_family()
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        let n = sample.samples() as f64;
        let (linear, quadratic) = sample.sums().split_at(self.dimensions());
        let squares = quadratic.iter().map(|q| -0.5 * q);
        [-0.5 * n]
            .into_iter()
            .chain(squares)
            .chain(linear.iter().copied())
            .chain([-0.5 * n])
            .collect()
    }

    fn sample_natural<R: Randomness + ?Sized>(
        &self,
        prior: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        let (mean, precision) = self.moments_family().sample_precision(prior, rng)?;
        let mut natural = vec![0.0; self.dim()];
        let (linear, quadratic) = natural.split_at_mut(self.dimensions());
        linear.copy_from_slice((&precision * mean).as_slice());
        symmetric::pack(&(precision * -0.5), quadratic);
        Ok(natural)
    }

    /// Multivariate t of `n + 1 − d` degrees around `m₀`.
    fn log_predictive(&self, prior: &[f64], x: &[f64]) -> Result<f64, ArgumentError> {
        check(self, prior, x)?;
        let parts = self.moments_family().parts(prior)?;
        let half_d = 0.5 * self.dimensions() as f64;
        let off = DVector::from_column_slice(x) - parts.location;
        // The precision is Wishart with Ψ/2 as its matrix, S.
        let s = &parts.core.s;
        let form = 0.5 * off.dot(&s.solve(&off)) / (1.0 + 1.0 / parts.kappa);
        let spread = Real::ln(2.0 * std::f64::consts::PI) + ln_1p_ratio(1.0, parts.kappa);
        let logs = half_d * spread + 0.5 * log_det(s);
        let low = parts.core.a + 0.5 - half_d;
        let tail = (parts.core.a + 0.5) * Real::ln_1p(form);
        Ok(ln_gamma_step(low, half_d) - logs - tail)
    }
}
