//! Molecular dynamics at constant temperature: velocity Verlet with a thermostat.

mod andersen;
mod chi_squared;
mod nose_hoover;
mod velocity_rescaling;

pub use andersen::Andersen;
pub use nose_hoover::{NoseHoover, SuzukiYoshida};
pub use velocity_rescaling::VelocityRescaling;

use ergodic_core::{StepInfo, StepStats};

/// What a step of molecular dynamics did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThermostatInfo {
    /// Whether the step left the region where the energy is finite, or its error is above 1000
    /// nats: it was not made, and all momenta are reversed.
    pub divergent: bool,
    /// The error of the energy of the step in nats, exact heat left out: the change of the
    /// conserved quantity over `kT`; `+∞` for a step to where the energy is not finite.
    pub energy_error: f64,
    /// `E + K/kT` after the step, without the variables of the thermostat.
    pub energy: f64,
    /// The length of the step.
    pub step_size: f64,
    /// Gradients evaluated.
    pub gradients: u64,
}

/// Whether a step with this error is to be trusted; if not, the chain goes back.
pub(crate) fn was_made(error: Option<f64>) -> bool {
    error.is_some_and(|e| e <= 1000.0)
}

impl ThermostatInfo {
    /// Of a step of length `h` whose integrator erred by `error`.
    pub(crate) fn new(
        error: Option<f64>,
        state: &crate::PhaseState,
        momenta: &crate::Momenta,
        step_size: f64,
    ) -> Self {
        Self {
            divergent: !was_made(error),
            energy_error: error.unwrap_or(f64::INFINITY),
            energy: state.energy()
                + momenta.kinetic_energy(state.momentum()) / momenta.temperature(),
            step_size,
            gradients: 1,
        }
    }
}

impl StepInfo for ThermostatInfo {
    fn stats(&self) -> StepStats {
        StepStats {
            divergent: self.divergent,
            energy: Some(self.energy),
            energy_error: Some(self.energy_error),
            step_size: Some(self.step_size),
            gradients: self.gradients,
            forbidden: u64::from(self.energy_error == f64::INFINITY),
            ..StepStats::default()
        }
    }
}
