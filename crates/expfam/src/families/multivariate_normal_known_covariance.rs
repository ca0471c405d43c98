//! Normal laws in `ℝᵈ` of a known covariance.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::special::HALF_LN_2PI;
use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use super::MultivariateNormal;
use super::multivariate_normal::{factor, log_det};
use crate::domain;

/// The normal family in `ℝᵈ` of known covariance `Σ`: statistic `x`, `θ = Σ⁻¹m`, `A = ½ θᵀΣθ`, base measure the
/// normal density around 0.
///
/// Natural and mean domain `ℝᵈ`. Cost `O(d²)`, once `O(d³)`. Reference: Barndorff-Nielsen, *Information and
/// Exponential Families*, 1978, ch. 8.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::MultivariateNormalKnownCovariance;
/// use nalgebra::{DMatrix, DVector};
///
/// let plane = MultivariateNormalKnownCovariance::new(DMatrix::from_row_slice(2, 2, &[2.0, 1.0, 1.0, 2.0]))?;
/// let natural = plane.natural(&DVector::from_column_slice(&[3.0, 0.0]))?;
/// assert!((natural[0] - 2.0).abs() < 1e-15 && (natural[1] + 1.0).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug)]
pub struct MultivariateNormalKnownCovariance {
    covariance: DMatrix<f64>,
    factor: Cholesky<f64, Dyn>,
}

impl PartialEq for MultivariateNormalKnownCovariance {
    fn eq(&self, other: &Self) -> bool {
        self.covariance == other.covariance
    }
}

impl MultivariateNormalKnownCovariance {
    /// Of this covariance, of which the lower triangle counts.
    ///
    /// # Errors
    /// Unless it is square, not empty, finite and positive definite, and its inverse finite.
    pub fn new(covariance: DMatrix<f64>) -> Result<Self, ArgumentError> {
        let (rows, columns) = covariance.shape();
        if rows != columns || rows == 0 {
            let found = format!("a {rows} × {columns} matrix");
            return Err(ArgumentError::new("covariance", found, "square"));
        }
        let covariance = DMatrix::from_fn(rows, rows, |i, j| covariance[(i.max(j), i.min(j))]);
        let allowed = "positive definite, and finite with its inverse";
        let factor = factor("covariance", covariance.clone(), allowed)?;
        let inverse = factor.inverse();
        domain::finite("covariance", inverse.as_slice(), rows * rows)?;
        Ok(Self { covariance, factor })
    }

    /// `Σ⁻¹m`.
    ///
    /// # Errors
    /// If the mean is not `d` finite numbers, or the parameters or their log-partition overflow.
    pub fn natural(&self, mean: &DVector<f64>) -> Result<Vec<f64>, ArgumentError> {
        domain::finite("mean", mean.as_slice(), self.dim())?;
        let natural = self.factor.solve(mean);
        self.check_natural(natural.as_slice())
            .map_err(|e| ArgumentError::new("mean", e.found, "of finite natural parameters"))?;
        Ok(natural.as_slice().to_vec())
    }

    /// The mean.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(&self, natural: &[f64]) -> Result<DVector<f64>, ArgumentError> {
        self.mean(natural)
    }

    /// `Σ`.
    pub fn covariance(&self) -> &DMatrix<f64> {
        &self.covariance
    }

    pub(crate) fn factor(&self) -> &Cholesky<f64, Dyn> {
        &self.factor
    }

    /// The family of all covariances.
    pub(crate) fn unknown(&self) -> MultivariateNormal {
        MultivariateNormal::of(self.dim())
    }

    fn mean(&self, natural: &[f64]) -> Result<DVector<f64>, ArgumentError> {
        domain::finite("natural", natural, self.dim())?;
        let natural = DVector::from_column_slice(natural);
        let mean = &self.covariance * &natural;
        domain::computed(0.5 * natural.dot(&mean))?;
        Ok(mean)
    }

    /// `log N(x; m, Σ)`, unless `x` is no vector of the space.
    fn log_normal(&self, x: &[f64], mean: Option<&DVector<f64>>) -> f64 {
        if x.len() != self.dim() || x.iter().any(|x| !x.is_finite()) {
            return f64::NEG_INFINITY;
        }
        let mut off = DVector::from_column_slice(x);
        if let Some(mean) = mean {
            off -= mean;
        }
        let l = self.factor.l_dirty();
        l.solve_lower_triangular_mut(&mut off);
        let d = self.dim() as f64;
        -d * HALF_LN_2PI - 0.5 * (log_det(&self.factor) + off.norm_squared())
    }
}

impl ExponentialFamily for MultivariateNormalKnownCovariance {
    type Sample = [f64];

    fn dim(&self) -> usize {
        self.covariance.nrows()
    }

    fn sufficient_statistics(&self, x: &[f64], out: &mut [f64]) {
        for (o, x) in out.iter_mut().zip(x) {
            *o = *x;
        }
    }

    fn log_base_measure(&self, x: &[f64]) -> f64 {
        self.log_normal(x, None)
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        let mean = self.mean(natural)?;
        Ok(0.5 * DVector::from_column_slice(natural).dot(&mean))
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        mean.copy_from_slice(self.mean(natural)?.as_slice());
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        natural.copy_from_slice(&self.natural(&DVector::from_column_slice(mean))?);
        Ok(())
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        self.mean(natural)?;
        out.copy_from_slice(self.covariance.as_slice()); // symmetric
        Ok(())
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        let mean = self.mean(natural)?;
        let mut z = DVector::zeros(self.dim());
        rng.fill_normal(z.as_mut_slice());
        let draw = mean + self.factor.l() * z;
        Ok(draw.as_slice().to_vec())
    }

    /// In terms of `x − m`: without the cancellation of `mᵀΣ⁻¹m`.
    fn log_density(&self, natural: &[f64], x: &[f64]) -> Result<f64, ArgumentError> {
        let mean = self.mean(natural)?;
        Ok(self.log_normal(x, Some(&mean)))
    }

    /// `½ (θ − φ)ᵀΣ(θ − φ)`.
    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        self.mean(natural)?;
        domain::finite("other", other, self.dim())?;
        let off = DVector::from_column_slice(natural) - DVector::from_column_slice(other);
        let half = self.factor.l().tr_mul(&off);
        Ok(0.5 * half.norm_squared())
    }
}
