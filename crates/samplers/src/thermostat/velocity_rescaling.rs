//! Stochastic velocity rescaling of Bussi, Donadio and Parrinello.

use ergodic_core::{
    ArgumentError, Claims, EnergyGradient, MarkovKernel, Randomness, Stationarity, TargetError,
};
use ergodic_math::Real;

use super::chi_squared::chi_squared;
use super::{ThermostatInfo, was_made};
use crate::phase::positive;
use crate::{Conserved, Momenta, PhaseKernel, PhaseState};

/// Stochastic velocity rescaling: one step of velocity Verlet, then all momenta are multiplied by
/// one random factor that gives the kinetic energy its canonical law.
///
/// Bussi, Donadio and Parrinello, *J. Chem. Phys.* 126, 014101 (2007), with the exact solution
/// over a step and the sign of Bussi and Parrinello, *Comput. Phys. Commun.* 179, 26 (2008). With
/// `N` degrees of freedom, `c = e^{−h/τ}`, a normal `R` and `S` of law `χ²_{N−1}`,
///
/// ```text
/// √(2K′) = √( (√(2cK) + √((1 − c) kT) R)² + (1 − c) kT S ),
/// ```
///
/// which is the paper's formula: the kinetic energy that an Ornstein–Uhlenbeck bath of relaxation
/// time `2τ` would give, while the direction of the momenta stays. It leaves `N(0, M kT)` exactly
/// invariant, so that the bias is that of the integrator alone, `O(h²)`, as for
/// [`Andersen`](crate::Andersen). In one dimension it is that bath, sign included.
///
/// The weakest disturbance of the dynamics among thermostats with the canonical law: diffusion is
/// kept. **Not ergodic in general**, as only one degree of freedom is stirred: on an isotropic
/// oscillator a trajectory stays in its plane, and uncoupled modes never exchange energy. `N` is
/// the dimension; total momentum is not taken out. One gradient and two or more draws per step.
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
/// use ergodic_samplers::{InPhaseSpace, PhaseKernel, VelocityRescaling};
///
/// let kernel = |h| VelocityRescaling::new(h, 1.0).unwrap();
/// Quadrature::new(&[(-9.0, 9.0), (-9.0, 9.0)])?
///     .nodes(36, 36)?
///     .asymptotic(|h| InPhaseSpace(kernel(h)), &kernel(0.2).phase_space(&Normal), 0.2)?
///     .assert();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VelocityRescaling {
    step_size: f64,
    relaxation_time: f64,
    keep: f64,
    renew: f64,
    momenta: Momenta,
}

impl VelocityRescaling {
    /// Steps of length `step_size`, with a kinetic energy that relaxes within `relaxation_time`
    /// `τ`; unit masses, `kT = 1`.
    ///
    /// # Errors
    /// If either is not a finite number above 0.
    pub fn new(step_size: f64, relaxation_time: f64) -> Result<Self, ArgumentError> {
        positive("step_size", step_size)?;
        positive("relaxation_time", relaxation_time)?;
        let exponent = step_size / relaxation_time;
        Ok(Self {
            step_size,
            relaxation_time,
            keep: Real::exp(-0.5 * exponent),
            renew: -Real::exp_m1(-exponent),
            momenta: Momenta::unit(),
        })
    }

    /// With other masses or another temperature.
    pub fn momenta(mut self, momenta: Momenta) -> Self {
        self.momenta = momenta;
        self
    }

    /// The length of a step.
    pub const fn step_size(&self) -> f64 {
        self.step_size
    }

    /// The relaxation time `τ` of the kinetic energy.
    pub const fn relaxation_time(&self) -> f64 {
        self.relaxation_time
    }

    /// The thermostat alone; returns the heat.
    fn rescale<R: Randomness + ?Sized>(&self, p: &mut [f64], rng: &mut R) -> f64 {
        let kinetic = self.momenta.kinetic_energy(p);
        if kinetic == 0.0 {
            // No direction to keep: that of the bath.
            return self.momenta.mix(p, (0.0, self.renew.sqrt()), rng);
        }
        let length = (2.0 * kinetic).sqrt();
        let spread = self.renew * self.momenta.temperature();
        let along = self.keep * length + spread.sqrt() * rng.normal();
        let across = spread * chi_squared(p.len() - 1, rng);
        let factor = (along * along + across).sqrt().copysign(along) / length;
        for p in p.iter_mut() {
            *p *= factor;
        }
        0.5 * (along * along + across) - kinetic
    }
}

impl<T: EnergyGradient + ?Sized> MarkovKernel<T> for VelocityRescaling {
    type State = PhaseState;
    type Info = ThermostatInfo;

    fn claims(&self) -> Claims {
        Claims {
            stationarity: Stationarity::Asymptotic { order: 2 },
            ergodic: false,
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
        *heat += self.rescale(p, rng);
        Ok(ThermostatInfo::new(
            error,
            state,
            &self.momenta,
            self.step_size,
        ))
    }
}

impl<T: EnergyGradient + ?Sized> PhaseKernel<T> for VelocityRescaling {
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

/// `kT E + K` less the heat of the rescalings, the effective energy of the paper.
impl<T: EnergyGradient + ?Sized> Conserved<T> for VelocityRescaling {
    fn conserved_quantity(&self, target: &T, state: &PhaseState) -> f64 {
        state.balance(target, &self.momenta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ergodic_conformance::Quadrature;
    use ergodic_core::Energy;

    /// The length of `degrees` momenta.
    struct Momentum {
        degrees: usize,
    }
    impl Energy for Momentum {
        type State = [f64];
        fn energy(&self, p: &[f64]) -> f64 {
            if p[0] > 0.0 {
                0.5 * p[0] * p[0] - (self.degrees as f64 - 1.0) * p[0].ln()
            } else {
                f64::INFINITY
            }
        }
    }

    #[derive(Clone)]
    struct Rescale(VelocityRescaling);
    impl MarkovKernel<Momentum> for Rescale {
        type State = Vec<f64>;
        type Info = ();
        fn claims(&self) -> Claims {
            Claims::REVERSIBLE
        }
        fn init(&self, _: &Momentum, p: &[f64]) -> Result<Vec<f64>, TargetError> {
            Ok(p.to_vec())
        }
        fn position<'s>(&self, _: &Momentum, p: &'s Vec<f64>) -> &'s [f64]
        where
            Momentum: 's,
        {
            p
        }
        fn reset(
            &self,
            _: &Momentum,
            p: &mut Vec<f64>,
            to: Option<&[f64]>,
        ) -> Result<(), TargetError> {
            if let Some(to) = to {
                p.copy_from_slice(to);
            }
            Ok(())
        }
        fn step<R: Randomness + ?Sized>(
            &mut self,
            target: &Momentum,
            p: &mut Vec<f64>,
            rng: &mut R,
        ) -> Result<(), TargetError> {
            let mut all = vec![0.0; target.degrees];
            (all[0], all[1]) = (0.6 * p[0], -0.8 * p[0]);
            self.0.rescale(&mut all, rng);
            // The direction stays, up to its sign, which the length does not show.
            assert!((0.8 * all[0] + 0.6 * all[1]).abs() < 1e-12 && all[2] == 0.0);
            p[0] = (0.6 * all[0] - 0.8 * all[1]).abs();
            Ok(())
        }
    }

    #[test]
    fn rescaling_keeps_the_law_of_the_speed_for_three_and_four_momenta() {
        // Three continuous draws for four momenta: fewer nodes.
        for (degrees, state, nodes, tolerance) in [(3, 60, 40, 1e-6), (4, 30, 14, 2e-5)] {
            let kernel = Rescale(VelocityRescaling::new(0.6, 1.0).unwrap());
            Quadrature::new(&[(0.0, 9.0)])
                .unwrap()
                .nodes(state, nodes)
                .unwrap()
                .check(&kernel, &Momentum { degrees }, tolerance)
                .unwrap()
                .assert();
        }
    }
}
