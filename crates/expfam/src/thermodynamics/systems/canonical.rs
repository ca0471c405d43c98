//! Any exponential family as a system.

use ergodic_core::{ArgumentError, ExponentialFamily};
use nalgebra::{DMatrix, DVector};

use super::outside;
use crate::domain;
use crate::families::{Bernoulli, Discrete};
use crate::member::dot;
use crate::thermodynamics::{Equilibrium, System};

/// Any exponential family as a system: energy `E_λ(x) = e₀ + Σⱼ (c + Mλ)ⱼ Tⱼ(x)`, natural parameters
/// `θ = −β(c + Mλ)`, `log Z = A(θ) − βe₀`.
///
/// The base measure of the family is the measure of states: degeneracies, of discrete ones. A negative `β` is
/// allowed where the natural parameters are in the domain of the family, as they always are with finitely many
/// states. Cost: one log-partition, mean and Fisher information of the family.
///
/// ```
/// use ergodic_expfam::thermodynamics::{Canonical, System};
///
/// // Two levels with gap λ = 2 at T = 1: U = λ/(1 + e^{βλ}).
/// let levels = Canonical::two_level();
/// let state = levels.equilibrium(1.0, &[2.0])?;
/// assert!((state.energy() - 2.0 / (1.0 + 2f64.exp())).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Canonical<F> {
    family: F,
    constant: f64,
    offset: DVector<f64>,
    directions: DMatrix<f64>,
}

impl<F: ExponentialFamily> Canonical<F> {
    /// From the family, `e₀`, `c` (one number per statistic) and `M` (a row per statistic, a column per
    /// work parameter).
    ///
    /// # Errors
    /// If sizes differ or a number is not finite.
    pub fn new(
        family: F,
        constant: f64,
        offset: &[f64],
        directions: DMatrix<f64>,
    ) -> Result<Self, ArgumentError> {
        domain::finite("constant", &[constant], 1)?;
        domain::finite("offset", offset, family.dim())?;
        if directions.nrows() != family.dim() {
            return Err(ArgumentError::new(
                "directions",
                format!("a matrix of {} rows", directions.nrows()),
                format!("of {} rows, one per statistic", family.dim()),
            ));
        }
        domain::finite("directions", directions.as_slice(), directions.len())?;
        Ok(Self {
            family,
            constant,
            offset: DVector::from_column_slice(offset),
            directions,
        })
    }

    /// The family.
    pub fn family(&self) -> &F {
        &self.family
    }

    /// `c + Mλ`.
    fn coefficients(&self, work: &[f64]) -> Result<DVector<f64>, ArgumentError> {
        domain::finite("work", work, self.directions.ncols())?;
        Ok(&self.offset + &self.directions * DVector::from_column_slice(work))
    }

    /// `−β(c + Mλ)`: the member of the family that is the equilibrium.
    ///
    /// # Errors
    /// If `β` is not finite or 0, or the work parameters are not finite or not as many as there should be.
    pub fn natural(&self, beta: f64, work: &[f64]) -> Result<Vec<f64>, ArgumentError> {
        domain::inverse_temperature("beta", beta)?;
        Ok((self.coefficients(work)? * -beta).as_slice().to_vec())
    }
}

impl Canonical<Bernoulli> {
    /// Two levels, 0 and the work parameter.
    pub fn two_level() -> Self {
        Self {
            family: Bernoulli,
            constant: 0.0,
            offset: DVector::zeros(1),
            directions: DMatrix::from_element(1, 1, 1.0),
        }
    }
}

impl Canonical<Discrete> {
    /// Finitely many states, `E_λ(i) = eᵢ + Σₖ λₖ aᵢₖ`, from energies, observables (a row per state) and
    /// degeneracies. Energies that are all equal are a constant.
    ///
    /// # Errors
    /// As [`Discrete::new`]: among others, observables and energies have to be affinely independent.
    ///
    /// ```
    /// use ergodic_expfam::thermodynamics::{Canonical, System};
    /// use nalgebra::DMatrix;
    ///
    /// // A spin in a field: E = −λ·s with s = ±1. log Z = log 2cosh βλ.
    /// let spin = Canonical::levels(&[0.0, 0.0], DMatrix::from_row_slice(2, 1, &[1.0, -1.0]), &[1.0; 2])?;
    /// let state = spin.equilibrium(0.5, &[3.0])?;
    /// assert!((state.log_partition() - (2.0 * 1.5f64.cosh()).ln()).abs() < 1e-15);
    /// # Ok::<(), ergodic_core::ArgumentError>(())
    /// ```
    pub fn levels(
        energies: &[f64],
        observables: DMatrix<f64>,
        degeneracies: &[f64],
    ) -> Result<Self, ArgumentError> {
        let states = energies.len();
        domain::finite("energies", energies, observables.nrows())?;
        let work = observables.ncols();
        let constant = energies.first().copied().unwrap_or(0.0);
        if energies.iter().all(|e| *e == constant) {
            let family = Discrete::new(observables, degeneracies)?;
            return Self::new(
                family,
                constant,
                &vec![0.0; work],
                DMatrix::identity(work, work),
            );
        }
        let statistics = DMatrix::from_fn(states, work + 1, |i, k| {
            if k == 0 {
                energies[i]
            } else {
                observables[(i, k - 1)]
            }
        });
        let mut offset = vec![0.0; work + 1];
        offset[0] = 1.0;
        let directions = DMatrix::from_fn(work + 1, work, |j, k| f64::from(u8::from(j == k + 1)));
        Self::new(
            Discrete::new(statistics, degeneracies)?,
            0.0,
            &offset,
            directions,
        )
    }

    /// [`levels`](Self::levels) with one observable: `E_λ(i) = eᵢ + λaᵢ`.
    ///
    /// # Errors
    /// As [`levels`](Self::levels).
    pub fn with_observable(
        energies: &[f64],
        observable: &[f64],
        degeneracies: &[f64],
    ) -> Result<Self, ArgumentError> {
        let column = DMatrix::from_column_slice(observable.len(), 1, observable);
        Self::levels(energies, column, degeneracies)
    }

    /// The energies of all states at `λ`.
    ///
    /// # Errors
    /// If the work parameters are not finite or not as many as there should be.
    pub fn energies(&self, work: &[f64]) -> Result<Vec<f64>, ArgumentError> {
        let energies = self.family.statistics() * self.coefficients(work)?;
        Ok(energies.iter().map(|e| e + self.constant).collect())
    }

    /// The probabilities of all states at equilibrium.
    ///
    /// # Errors
    /// As [`natural`](Self::natural).
    pub fn probabilities(&self, beta: f64, work: &[f64]) -> Result<Vec<f64>, ArgumentError> {
        self.family.probabilities(&self.natural(beta, work)?)
    }
}

impl<F: ExponentialFamily> System for Canonical<F> {
    fn work_parameters(&self) -> usize {
        self.directions.ncols()
    }

    fn equilibrium(&self, beta: f64, work: &[f64]) -> Result<Equilibrium, ArgumentError> {
        let natural = self.natural(beta, work)?;
        let (dim, m) = (self.family.dim(), work.len());
        let (mut mean, mut fisher) = (vec![0.0; dim], vec![0.0; dim * dim]);
        let wrong = |e| outside(beta, work, e);
        let log_partition = self.family.log_partition(&natural).map_err(wrong)?;
        self.family
            .mean_from_natural(&natural, &mut mean)
            .map_err(wrong)?;
        self.family
            .fisher_information(&natural, &mut fisher)
            .map_err(wrong)?;
        let coefficients = self.coefficients(work)?;
        let mean = DVector::from_vec(mean);
        let forces = self.directions.tr_mul(&mean);
        let scores = self.score_matrix(beta, &coefficients);
        let fisher = DMatrix::from_row_slice(dim, dim, &fisher);
        let mut hessian = scores.tr_mul(&(&fisher * &scores));
        for i in 0..m {
            hessian[(0, i + 1)] -= forces[i];
            hessian[(i + 1, 0)] -= forces[i];
        }
        Equilibrium::new(
            beta,
            work,
            log_partition - beta * self.constant,
            coefficients.dot(&mean) + self.constant,
            forces.as_slice().to_vec(),
            hessian,
        )
        .map_err(wrong)
    }

    fn energy_after_switch(
        &self,
        beta: f64,
        work: &[f64],
        switched: &[f64],
    ) -> Result<f64, ArgumentError> {
        let natural = self.natural(beta, work)?;
        let mut mean = vec![0.0; self.family.dim()];
        self.family
            .mean_from_natural(&natural, &mut mean)
            .map_err(|e| outside(beta, work, e))?;
        Ok(dot(self.coefficients(switched)?.as_slice(), &mean) + self.constant)
    }

    fn fisher_information(&self, beta: f64, work: &[f64]) -> Result<DMatrix<f64>, ArgumentError> {
        let natural = self.natural(beta, work)?;
        let dim = self.family.dim();
        let mut fisher = vec![0.0; dim * dim];
        self.family
            .fisher_information(&natural, &mut fisher)
            .map_err(|e| outside(beta, work, e))?;
        let scores = self.score_matrix(beta, &self.coefficients(work)?);
        Ok(scores.tr_mul(&(DMatrix::from_row_slice(dim, dim, &fisher) * &scores)))
    }
}

impl<F: ExponentialFamily> Canonical<F> {
    /// `∂θ/∂(β, λ) = −(c + Mλ, βM)`.
    fn score_matrix(&self, beta: f64, coefficients: &DVector<f64>) -> DMatrix<f64> {
        let (dim, m) = self.directions.shape();
        DMatrix::from_fn(dim, m + 1, |j, k| {
            if k == 0 {
                -coefficients[j]
            } else {
                -beta * self.directions[(j, k - 1)]
            }
        })
    }
}
