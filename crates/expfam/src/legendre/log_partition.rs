//! The log-partition of a family and its conjugate as convex functions.

use ergodic_core::ExponentialFamily;
use ergodic_info::Convex;
use nalgebra::DMatrix;

use super::{Legendre, Smooth};

/// The log-partition `A(θ)` of a family: its divergence is `D_A(φ‖θ) = KL(p_θ‖p_φ)`, its gradient the
/// mean, its Hessian the Fisher information, its conjugate [`MeanConjugate`].
///
/// `∞` outside the natural domain. Error and cost are those of the family. Reference: Wainwright and
/// Jordan, *Found. Trends Mach. Learn.* 1, 2008, §3.6.
///
/// ```
/// use ergodic_expfam::{families::Poisson, legendre::LogPartition};
/// use ergodic_info::Bregman;
///
/// let poisson = Bregman::new(LogPartition::new(Poisson));
/// // KL between Poisson laws of rates 1 and e: 1·log(1/e) + e − 1.
/// let d = poisson.between(&[1.0], &[0.0])?;
/// assert!((d - (1f64.exp() - 2.0)).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPartition<F> {
    family: F,
}

impl<F: ExponentialFamily> LogPartition<F> {
    /// Of this family.
    pub const fn new(family: F) -> Self {
        Self { family }
    }

    /// The family.
    pub const fn family(&self) -> &F {
        &self.family
    }
}

impl<F: ExponentialFamily> Convex for LogPartition<F> {
    fn value(&self, x: &[f64]) -> f64 {
        self.family.log_partition(x).unwrap_or(f64::INFINITY)
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
        if self.family.mean_from_natural(x, gradient).is_err() {
            gradient.fill(f64::NAN);
        }
    }

    fn contains(&self, x: &[f64]) -> bool {
        x.len() == self.family.dim() && self.family.check_natural(x).is_ok()
    }

    fn domain(&self) -> &'static str {
        "in the natural domain of the family"
    }

    fn divergence(&self, x: &[f64], y: &[f64]) -> f64 {
        self.family.kl_divergence(y, x).unwrap_or(f64::INFINITY)
    }
}

impl<F: ExponentialFamily> Smooth for LogPartition<F> {
    fn hessian(&self, x: &[f64], hessian: &mut [f64]) {
        if self.family.fisher_information(x, hessian).is_err() {
            hessian.fill(f64::NAN);
        }
    }
}

impl<F: ExponentialFamily + Clone> Legendre for LogPartition<F> {
    type Conjugate = MeanConjugate<F>;

    fn conjugate(&self) -> MeanConjugate<F> {
        MeanConjugate {
            family: self.family.clone(),
        }
    }
}

/// The conjugate `A*(μ)` of a log-partition on the interior of the mean domain, the negative entropy
/// relative to the base measure: its divergence is `D_{A*}(μ‖ν) = KL(p_μ‖p_ν)`, its gradient `θ(μ)`, its
/// Hessian the inverse of the Fisher information.
///
/// ```
/// use ergodic_expfam::{families::Bernoulli, legendre::{Legendre, LogPartition}};
/// use ergodic_info::Convex;
///
/// let negative_entropy = LogPartition::new(Bernoulli).conjugate();
/// assert!((negative_entropy.value(&[0.5]) + 2f64.ln()).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeanConjugate<F> {
    family: F,
}

impl<F: ExponentialFamily> MeanConjugate<F> {
    /// Of this family.
    pub const fn new(family: F) -> Self {
        Self { family }
    }

    /// The natural parameters, none outside the mean domain.
    fn natural(&self, mean: &[f64]) -> Option<Vec<f64>> {
        let mut natural = vec![0.0; self.family.dim()];
        self.family.natural_from_mean(mean, &mut natural).ok()?;
        Some(natural)
    }
}

impl<F: ExponentialFamily> Convex for MeanConjugate<F> {
    fn value(&self, x: &[f64]) -> f64 {
        self.family.conjugate(x).unwrap_or(f64::INFINITY)
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
        if self.family.natural_from_mean(x, gradient).is_err() {
            gradient.fill(f64::NAN);
        }
    }

    fn contains(&self, x: &[f64]) -> bool {
        x.len() == self.family.dim() && self.family.check_mean(x).is_ok()
    }

    fn domain(&self) -> &'static str {
        "in the interior of the mean domain of the family"
    }

    fn divergence(&self, x: &[f64], y: &[f64]) -> f64 {
        match (self.natural(x), self.natural(y)) {
            (Some(x), Some(y)) => self.family.kl_divergence(&x, &y).unwrap_or(f64::INFINITY),
            _ => f64::INFINITY,
        }
    }
}

impl<F: ExponentialFamily> Smooth for MeanConjugate<F> {
    fn hessian(&self, x: &[f64], hessian: &mut [f64]) {
        let dim = self.family.dim();
        let inverse = self.natural(x).and_then(|natural| {
            self.family.fisher_information(&natural, hessian).ok()?;
            let fisher = DMatrix::from_row_slice(dim, dim, hessian);
            Some(fisher.cholesky()?.inverse())
        });
        match inverse {
            Some(inverse) => hessian.copy_from_slice(inverse.as_slice()),
            None => hessian.fill(f64::NAN),
        }
    }
}

impl<F: ExponentialFamily + Clone> Legendre for MeanConjugate<F> {
    type Conjugate = LogPartition<F>;

    fn conjugate(&self) -> LogPartition<F> {
        LogPartition {
            family: self.family.clone(),
        }
    }
}
