//! A classical ideal gas as a system.

use ergodic_core::ArgumentError;
use ergodic_math::Real;
use ergodic_math::special::ln_gamma;
use nalgebra::DMatrix;

use super::{LN_2PI, one_positive, outside};
use crate::domain;
use crate::thermodynamics::{Equilibrium, System};

/// A classical ideal gas of `N` particles, each with `g` quadratic degrees of freedom (3 for an atom);
/// the work parameter is the volume `V`.
///
/// `log Z = N log V − log N! + (Ng/2) log(2π/β)` in units of unit mass and action. `U = gNT/2`,
/// `f = −P = −NT/V`, at `β > 0` only. `N` may be any positive number: moles in units of kJ/mol.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IdealGas {
    particles: f64,
    degrees: f64,
}

impl IdealGas {
    /// Of this number of particles and degrees of freedom of each.
    ///
    /// # Errors
    /// Unless both are finite and above 0.
    pub fn new(particles: f64, degrees: f64) -> Result<Self, ArgumentError> {
        domain::positive("particles", particles)?;
        domain::positive("degrees", degrees)?;
        Ok(Self { particles, degrees })
    }
}

impl System for IdealGas {
    fn work_parameters(&self) -> usize {
        1
    }

    fn equilibrium(&self, beta: f64, work: &[f64]) -> Result<Equilibrium, ArgumentError> {
        let volume = one_positive(beta, work)?;
        let n = self.particles;
        let kinetic = 0.5 * n * self.degrees;
        Equilibrium::new(
            beta,
            work,
            n * Real::ln(volume) - ln_gamma(n + 1.0) + kinetic * (LN_2PI - Real::ln(beta)),
            kinetic / beta,
            vec![-n / beta / volume],
            DMatrix::from_row_slice(
                2,
                2,
                &[kinetic / beta / beta, 0.0, 0.0, -n / volume / volume],
            ),
        )
        .map_err(|e| outside(beta, work, e))
    }

    /// A gas that expands into the void keeps its energy; a wall cannot be thrown into a gas.
    fn energy_after_switch(
        &self,
        beta: f64,
        work: &[f64],
        switched: &[f64],
    ) -> Result<f64, ArgumentError> {
        let state = self.equilibrium(beta, work)?;
        let volume = one_positive(beta, switched)?;
        if volume < work[0] {
            return Err(ArgumentError::new(
                "switched",
                volume,
                format!(
                    "at least the volume {}: a smaller one costs infinite energy",
                    work[0]
                ),
            ));
        }
        Ok(state.energy())
    }

    fn fisher_information(&self, beta: f64, work: &[f64]) -> Result<DMatrix<f64>, ArgumentError> {
        self.equilibrium(beta, work)?;
        Err(ArgumentError::new(
            "system",
            "an ideal gas, whose support moves with its volume",
            "one whose law has a Fisher information; a gas at given pressure is a gamma law of the volume",
        ))
    }
}
