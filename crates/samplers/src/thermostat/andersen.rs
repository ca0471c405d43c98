//! Andersen's thermostat: velocity Verlet with random collisions.

use ergodic_core::{
    ArgumentError, Claims, EnergyGradient, MarkovKernel, Randomness, Stationarity, TargetError,
};
use ergodic_math::Real;

use super::{ThermostatInfo, was_made};
use crate::phase::positive;
use crate::{Conserved, Momenta, PhaseKernel, PhaseState};

/// Andersen's thermostat: one step of velocity Verlet, then each particle collides with the bath
/// with probability `1 − e^{−νh}` and draws new momenta from `N(0, M kT)`.
///
/// Andersen, *J. Chem. Phys.* 72, 2384 (1980); ergodicity: E and Li, *Commun. Pure Appl. Math.*
/// 61, 96 (2008). A collision leaves `π ⊗ N` exactly invariant, so that the bias is that of the
/// integrator alone, `O(h²)`: on `E = ω²x²/2` with unit mass `⟨x²⟩ = 1/(ω²(1 − h²ω²/4))` and
/// `⟨p²⟩ = kT` exactly, whatever the rate of collisions. Collisions destroy the dynamics: use
/// [`VelocityRescaling`](crate::VelocityRescaling) where diffusion matters, this where only
/// averages do. One gradient per step.
///
/// ```
/// # use ergodic_core::{Energy, EnergyGradient};
/// # struct Normal;
/// # impl Energy for Normal {
/// #     type State = [f64];
/// #     fn energy(&self, x: &[f64]) -> f64 { 0.5 * x[0] * x[0] }
/// # }
/// # impl EnergyGradient for Normal {
/// #     fn dim(&self) -> usize { 1 }
/// #     fn energy_gradient(&self, x: &[f64], g: &mut [f64]) -> f64 { g[0] = x[0]; self.energy(x) }
/// # }
/// use ergodic_conformance::Quadrature;
/// use ergodic_samplers::{Andersen, InPhaseSpace, PhaseKernel};
///
/// let kernel = |h| Andersen::new(h, 1.0).unwrap();
/// Quadrature::new(&[(-9.0, 9.0), (-9.0, 9.0)])?
///     .nodes(36, 36)?
///     .asymptotic(|h| InPhaseSpace(kernel(h)), &kernel(0.2).phase_space(&Normal), 0.2)?
///     .assert();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Andersen {
    step_size: f64,
    rate: f64,
    collision: f64,
    particle: usize,
    momenta: Momenta,
}

impl Andersen {
    /// Steps of length `step_size`, collisions at `rate` `ν` per unit of time; unit masses,
    /// `kT = 1`, and every coordinate a particle of its own.
    ///
    /// # Errors
    /// If the step size is not a finite number above 0, or the rate not a number above 0. An
    /// infinite rate draws all momenta anew at every step.
    pub fn new(step_size: f64, rate: f64) -> Result<Self, ArgumentError> {
        positive("step_size", step_size)?;
        if rate.is_nan() || rate <= 0.0 {
            return Err(ArgumentError::new("rate", rate, "above 0"));
        }
        Ok(Self {
            step_size,
            rate,
            collision: -Real::exp_m1(-rate * step_size),
            particle: 1,
            momenta: Momenta::unit(),
        })
    }

    /// With other masses or another temperature.
    pub fn momenta(mut self, momenta: Momenta) -> Self {
        self.momenta = momenta;
        self
    }

    /// Particles of `coordinates` successive coordinates each, which collide together: 3 for
    /// atoms in space. The last one has what is left.
    ///
    /// # Errors
    /// If it is 0.
    pub fn particles_of(mut self, coordinates: usize) -> Result<Self, ArgumentError> {
        if coordinates == 0 {
            return Err(ArgumentError::new("coordinates", coordinates, "at least 1"));
        }
        self.particle = coordinates;
        Ok(self)
    }

    /// The length of a step.
    pub const fn step_size(&self) -> f64 {
        self.step_size
    }

    /// The rate of collisions of a particle.
    pub const fn rate(&self) -> f64 {
        self.rate
    }
}

impl<T: EnergyGradient + ?Sized> MarkovKernel<T> for Andersen {
    type State = PhaseState;
    type Info = ThermostatInfo;

    /// Irreducible: all particles may collide at once, and the next position has then a positive
    /// density everywhere.
    fn claims(&self) -> Claims {
        Claims {
            stationarity: Stationarity::Asymptotic { order: 2 },
            ergodic: true,
        }
    }

    fn init(&self, target: &T, x: &[f64]) -> Result<PhaseState, TargetError> {
        PhaseState::start(target, &self.momenta, 0, x)
    }

    fn position<'s>(&self, _: &T, state: &'s PhaseState) -> &'s [f64]
    where
        T: 's,
    {
        state.position()
    }

    fn reset(
        &self,
        target: &T,
        state: &mut PhaseState,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        state.restart(target, x)
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut PhaseState,
        rng: &mut R,
    ) -> Result<ThermostatInfo, TargetError> {
        state.draw_once(&self.momenta, |_| 0.0, rng);
        state.save();
        let error = state.verlet(target, &self.momenta, self.step_size)?;
        if !was_made(error) {
            state.back();
        }
        let (p, _, heat) = state.momentum_and_auxiliary();
        for (k, p) in p.chunks_mut(self.particle).enumerate() {
            if rng.bernoulli(self.collision) {
                let first = k * self.particle;
                for (j, p) in p.iter_mut().enumerate() {
                    let old = *p;
                    *p = self.momenta.thermal(first + j) * rng.normal();
                    *heat += 0.5 * (*p - old) * (*p + old) * self.momenta.inverse(first + j);
                }
            }
        }
        Ok(ThermostatInfo::new(
            error,
            state,
            &self.momenta,
            self.step_size,
        ))
    }
}

impl<T: EnergyGradient + ?Sized> PhaseKernel<T> for Andersen {
    fn auxiliaries(&self, dim: usize) -> Vec<(f64, f64)> {
        (0..dim).map(|i| (0.0, self.momenta.variance(i))).collect()
    }

    fn point<'s>(&self, state: &'s PhaseState) -> &'s [f64] {
        state.point()
    }

    fn place(&self, target: &T, state: &mut PhaseState, point: &[f64]) -> Result<(), TargetError> {
        state.place(target, &self.momenta, point)
    }
}

/// `kT E + K` less the heat of the collisions.
impl<T: EnergyGradient + ?Sized> Conserved<T> for Andersen {
    fn conserved_quantity(&self, target: &T, state: &PhaseState) -> f64 {
        state.balance(target, &self.momenta)
    }
}
