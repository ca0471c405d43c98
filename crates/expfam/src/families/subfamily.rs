//! Flat sub-families: natural parameters on an affine subspace.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use nalgebra::{DMatrix, DVector};

use crate::domain;
use crate::member::dot;
use crate::newton::{Evaluation, natural_of_mean};

/// The members of a family with natural parameters `θ = θ₀ + Bη`: statistics `BᵀT`, base measure
/// `h e^{θ₀·T}`, `A(θ₀ + Bη)` as the log-partition; its M-projections are those to an e-flat sub-family.
///
/// Natural domain `{η : θ₀ + Bη in that of the family}`; the inverse minimises `A − η·μ` by damped Newton
/// steps from `η = 0`. Some parameters fixed, others tied, log-linear models, generalised linear models at
/// one design. Cost: that of the family and `O(d²k)` for the Fisher information. Reference: Amari and
/// Nagaoka, *Methods of Information Geometry*, 2000, §2.4.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::{Member, families::{Normal, Subfamily}};
/// use nalgebra::DMatrix;
///
/// // Normal laws of variance 2: the second parameter fixed at −1/4.
/// let direction = DMatrix::from_row_slice(2, 1, &[1.0, 0.0]);
/// let family = Subfamily::new(Normal, &[0.0, -0.25], direction)?;
/// let member = Member::from_mean(family, [3.0])?;
/// assert!((member.natural()[0] - 1.5).abs() < 1e-14); // mean over variance
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Subfamily<F> {
    family: F,
    origin: Vec<f64>,
    directions: DMatrix<f64>,
}

impl<F: ExponentialFamily> Subfamily<F> {
    /// Through `origin`, along the columns of `directions`.
    ///
    /// # Errors
    /// If the origin is outside the natural domain, the directions are no finite matrix with a row per
    /// parameter and some columns, or the columns depend on each other.
    pub fn new(family: F, origin: &[f64], directions: DMatrix<f64>) -> Result<Self, ArgumentError> {
        let dim = family.dim();
        domain::finite("origin", origin, dim)?;
        family
            .check_natural(origin)
            .map_err(|e| ArgumentError::new("origin", e.found, e.allowed))?;
        let (rows, columns) = directions.shape();
        let finite = directions.iter().all(|x| x.is_finite());
        if rows != dim || columns == 0 || !finite {
            let found = format!("a {rows} × {columns} matrix");
            let allowed = format!("finite, of {dim} rows and some columns");
            return Err(ArgumentError::new("directions", found, allowed));
        }
        let mut unit = directions.clone();
        for mut column in unit.column_iter_mut() {
            column /= column.amax().max(f64::MIN_POSITIVE); // squares might leave the range of numbers
            let size = column.norm();
            column /= size.max(f64::MIN_POSITIVE);
        }
        let independent = columns <= rows && unit.singular_values().min() > 1e-10;
        if !independent {
            let found = "a matrix with dependent columns";
            return Err(ArgumentError::new(
                "directions",
                found,
                "of independent columns",
            ));
        }
        Ok(Self {
            family,
            origin: origin.to_vec(),
            directions,
        })
    }

    /// The family that this is a part of.
    pub const fn family(&self) -> &F {
        &self.family
    }

    /// `θ₀ + Bη`: the natural parameters in the whole family.
    ///
    /// # Errors
    /// If `η` has the wrong length or is not finite.
    pub fn whole(&self, natural: &[f64]) -> Result<Vec<f64>, ArgumentError> {
        domain::finite("natural", natural, self.dim())?;
        let shift = &self.directions * DVector::from_column_slice(natural);
        Ok(self.origin.iter().zip(&shift).map(|(o, s)| o + s).collect())
    }

    fn evaluate(&self, natural: &[f64]) -> Result<Evaluation, ArgumentError> {
        let theta = self.whole(natural)?;
        let dim = theta.len();
        let (mut mean, mut fisher) = (vec![0.0; dim], vec![0.0; dim * dim]);
        let log_partition = self.family.log_partition(&theta)?;
        self.family.mean_from_natural(&theta, &mut mean)?;
        self.family.fisher_information(&theta, &mut fisher)?;
        let fisher = DMatrix::from_row_slice(dim, dim, &fisher);
        Ok(Evaluation {
            log_partition,
            mean: self.directions.tr_mul(&DVector::from_vec(mean)),
            fisher: self.directions.tr_mul(&(fisher * &self.directions)),
        })
    }
}

impl<F: ExponentialFamily> ExponentialFamily for Subfamily<F> {
    type Sample = F::Sample;

    fn dim(&self) -> usize {
        self.directions.ncols()
    }

    fn sufficient_statistics(&self, x: &F::Sample, out: &mut [f64]) {
        let mut t = DVector::zeros(self.family.dim());
        self.family.sufficient_statistics(x, t.as_mut_slice());
        out.copy_from_slice(self.directions.tr_mul(&t).as_slice());
    }

    fn log_base_measure(&self, x: &F::Sample) -> f64 {
        let base = self.family.log_base_measure(x);
        if base == f64::NEG_INFINITY {
            return base;
        }
        let mut t = vec![0.0; self.family.dim()];
        self.family.sufficient_statistics(x, &mut t);
        base + dot(&self.origin, &t)
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        self.family.log_partition(&self.whole(natural)?)
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        let mut whole = DVector::zeros(self.family.dim());
        self.family
            .mean_from_natural(&self.whole(natural)?, whole.as_mut_slice())?;
        mean.copy_from_slice(self.directions.tr_mul(&whole).as_slice());
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, self.dim())?;
        natural.copy_from_slice(&natural_of_mean(mean, |eta| self.evaluate(eta))?);
        Ok(())
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        out.copy_from_slice(self.evaluate(natural)?.fisher.as_slice());
        Ok(())
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<<F::Sample as ToOwned>::Owned, ArgumentError> {
        self.family.sample(&self.whole(natural)?, rng)
    }

    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        self.family
            .kl_divergence(&self.whole(natural)?, &self.whole(other)?)
    }

    fn log_density(&self, natural: &[f64], x: &F::Sample) -> Result<f64, ArgumentError> {
        self.family.log_density(&self.whole(natural)?, x)
    }
}
