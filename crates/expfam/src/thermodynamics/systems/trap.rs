//! A harmonic trap as a system.

use ergodic_core::ArgumentError;
use ergodic_math::Real;
use nalgebra::DMatrix;

use super::{LN_2PI, one_positive, outside};
use crate::thermodynamics::{Equilibrium, System};

/// A harmonic trap in `d` dimensions, `E = k|x|²/2`, with or without `|p|²/2` of momenta; the work
/// parameter is the stiffness `k`.
///
/// `log Z = (d/2) log(2π/βk)`, and `(d/2) log(2π/β)` more with momenta (unit mass and action). Isentropic
/// changes keep `k/T`, with momenta `√k/T` (frequency over temperature). `β > 0` only: energies have no bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trap {
    dimensions: f64,
    momenta: bool,
}

impl Trap {
    /// Without momenta, as an overdamped particle.
    ///
    /// # Errors
    /// If there is no dimension.
    pub fn overdamped(dimensions: usize) -> Result<Self, ArgumentError> {
        Self::new(dimensions, false)
    }

    /// With momenta.
    ///
    /// # Errors
    /// If there is no dimension.
    pub fn with_momenta(dimensions: usize) -> Result<Self, ArgumentError> {
        Self::new(dimensions, true)
    }

    fn new(dimensions: usize, momenta: bool) -> Result<Self, ArgumentError> {
        if dimensions == 0 {
            return Err(ArgumentError::new("dimensions", 0, "at least 1"));
        }
        Ok(Self {
            dimensions: dimensions as f64,
            momenta,
        })
    }
}

impl System for Trap {
    fn work_parameters(&self) -> usize {
        1
    }

    fn equilibrium(&self, beta: f64, work: &[f64]) -> Result<Equilibrium, ArgumentError> {
        let k = one_positive(beta, work)?;
        let half = 0.5 * self.dimensions;
        let (momentum, quadratic) = if self.momenta {
            (LN_2PI - Real::ln(beta), 2.0)
        } else {
            (0.0, 1.0)
        };
        Equilibrium::new(
            beta,
            work,
            half * (LN_2PI - Real::ln(beta) - Real::ln(k) + momentum),
            half * quadratic / beta,
            vec![half / beta / k],
            DMatrix::from_row_slice(
                2,
                2,
                &[half * quadratic / beta / beta, 0.0, 0.0, half / k / k],
            ),
        )
        .map_err(|e| outside(beta, work, e))
    }

    fn energy_after_switch(
        &self,
        beta: f64,
        work: &[f64],
        switched: &[f64],
    ) -> Result<f64, ArgumentError> {
        let state = self.equilibrium(beta, work)?;
        let k = one_positive(beta, switched)?;
        Ok(state.energy() + state.forces()[0] * (k - work[0]))
    }

    fn fisher_information(&self, beta: f64, work: &[f64]) -> Result<DMatrix<f64>, ArgumentError> {
        let state = self.equilibrium(beta, work)?;
        // Cov(E, β ∂E/∂k) = f, as the Hessian's mixed entry is Cov − f = 0.
        let mut fisher = state.hessian().clone();
        fisher[(0, 1)] = state.forces()[0];
        fisher[(1, 0)] = state.forces()[0];
        Ok(fisher)
    }
}
