//! Nosé–Hoover thermostats: one, or a chain of them.

use ergodic_core::{
    ArgumentError, Claims, EnergyGradient, MarkovKernel, Randomness, Stationarity, TargetError,
};
use ergodic_math::Real;

use super::{ThermostatInfo, was_made};
use crate::phase::positive;
use crate::{Conserved, Momenta, PhaseKernel, PhaseState};

/// How the motion of the thermostats over half a step is composed of symmetric parts.
///
/// Suzuki, *Phys. Lett. A* 146, 319 (1990); Yoshida, *Phys. Lett. A* 150, 262 (1990).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SuzukiYoshida {
    /// One part: order 2.
    Order2,
    /// Three parts: order 4. The default.
    #[default]
    Order4,
    /// Five parts, all shorter than the whole: order 4 with a smaller error.
    Order4Suzuki,
    /// Seven parts: order 6.
    Order6,
}

impl SuzukiYoshida {
    /// The lengths of the parts; they sum to 1.
    pub fn weights(self) -> &'static [f64] {
        // 1/(2 − ∛2), and 1/(4 − ∛4).
        const THREE: f64 = 1.351_207_191_959_657_6;
        const FIVE: f64 = 0.414_490_771_794_375_7;
        // Yoshida's solution A.
        const W1: f64 = -1.177_679_984_178_87;
        const W2: f64 = 0.235_573_213_359_357;
        const W3: f64 = 0.784_513_610_477_56;
        match self {
            Self::Order2 => &[1.0],
            Self::Order4 => &[THREE, 1.0 - 2.0 * THREE, THREE],
            Self::Order4Suzuki => &[FIVE, FIVE, 1.0 - 4.0 * FIVE, FIVE, FIVE],
            Self::Order6 => &[W3, W2, W1, 1.0 - 2.0 * (W1 + W2 + W3), W1, W2, W3],
        }
    }
}

/// A Nosé–Hoover thermostat, or a chain of them: deterministic dynamics with the law
/// `π(x) ⊗ N(p; 0, M kT) ⊗ Πₖ N(ξₖ; 0, kT/Qₖ)`.
///
/// Nosé, *J. Chem. Phys.* 81, 511 (1984); Hoover, *Phys. Rev. A* 31, 1695 (1985); chains:
/// Martyna, Klein and Tuckerman, *J. Chem. Phys.* 97, 2635 (1992); the integrator: Martyna,
/// Tuckerman, Tobias and Klein, *Mol. Phys.* 87, 1117 (1996). With `d` degrees of freedom,
///
/// ```text
/// ẋ = M⁻¹p,  ṗ = −kT ∇E − ξ₁ p,
/// ξ̇₁ = (pᵀM⁻¹p − d kT)/Q₁ − ξ₁ ξ₂,  ξ̇ₖ = (Qₖ₋₁ ξₖ₋₁² − kT)/Qₖ − ξₖ ξₖ₊₁,
/// ```
///
/// where the last thermostat has no `ξₖ₊₁` to damp it. One step is half a step of the thermostats,
/// velocity Verlet, half a step of the thermostats; the half steps are composed as
/// [`SuzukiYoshida`] says, each part a symmetric product of exact flows. The map is reversible
/// (reverse `p` and `ξ`) and the bias `O(h²)`.
///
/// # Conserved quantity
///
/// `kT E + K + Σ Qₖ ξₖ²/2 + kT (d η₁ + η₂ + …)` with `η̇ₖ = ξₖ`. The last term is accumulated as
/// `−kT` times the logarithm of the Jacobian of the map, to rounding: the drift of the conserved
/// quantity over a step is therefore `−kT` times the logarithm of the weight by which that step
/// misses the stationary law, and the average of `e^{−Δ/kT}` over that law is 1.
///
/// # Not ergodic
///
/// Without random decisions a trajectory may never fill the space: a single thermostat on a
/// harmonic oscillator provably does not (Legoll, Luskin and Moeckel, *Arch. Ration. Mech. Anal.*
/// 184, 449, 2007), while its `⟨p²⟩` is right from every start, as `ξ` stays bounded. So a test of
/// the temperature shows nothing: look at histograms, from several starts. Chains of three or more
/// with masses `Qₖ ≈ kT τ²`, `τ` a period of the system, behave well in practice; no ergodicity is
/// claimed. Momenta and `ξ` are drawn at the first step after `init`. For randomness that makes
/// it ergodic, use [`Langevin`](crate::Langevin). One gradient per step; the thermostats cost
/// `O(d + M)` per part.
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
/// use ergodic_core::MarkovKernel;
/// use ergodic_samplers::{Conserved, NoseHoover};
///
/// let mut kernel = NoseHoover::chain(0.05, vec![1.0; 3])?;
/// let mut state = kernel.init(&Normal, &[1.0])?;
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// kernel.step(&Normal, &mut state, &mut rng)?; // draws the momenta
/// let start = kernel.conserved_quantity(&Normal, &state);
/// for _ in 0..10_000 {
///     kernel.step(&Normal, &mut state, &mut rng)?;
/// }
/// assert!((kernel.conserved_quantity(&Normal, &state) - start).abs() < 0.02);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NoseHoover {
    step_size: f64,
    /// `Q₁, Q₂, …`
    thermostats: Vec<f64>,
    composition: SuzukiYoshida,
    multiple: usize,
    momenta: Momenta,
}

impl NoseHoover {
    /// A single thermostat of mass `Q` (energy times time squared); unit masses, `kT = 1`. To
    /// relax a system of `d` degrees of freedom within a time `τ`, `Q = d kT τ²`.
    ///
    /// # Errors
    /// If the step size or the mass is not a finite number above 0.
    pub fn single(step_size: f64, mass: f64) -> Result<Self, ArgumentError> {
        Self::chain(step_size, vec![mass])
    }

    /// A chain of thermostats of masses `Q₁, Q₂, …`; usually `Q₁ = d kT τ²` and `Qₖ = kT τ²`.
    ///
    /// # Errors
    /// If the step size or a mass is not a finite number above 0, or there is no thermostat.
    pub fn chain(step_size: f64, thermostats: Vec<f64>) -> Result<Self, ArgumentError> {
        positive("step_size", step_size)?;
        if thermostats.is_empty() {
            return Err(ArgumentError::new(
                "thermostats",
                "empty",
                "at least one mass",
            ));
        }
        for &mass in &thermostats {
            positive("thermostats", mass)?;
        }
        Ok(Self {
            step_size,
            thermostats,
            composition: SuzukiYoshida::default(),
            multiple: 1,
            momenta: Momenta::unit(),
        })
    }

    /// With other masses or another temperature.
    pub fn momenta(mut self, momenta: Momenta) -> Self {
        self.momenta = momenta;
        self
    }

    /// With another composition of the thermostats' half steps.
    pub fn composition(mut self, composition: SuzukiYoshida) -> Self {
        self.composition = composition;
        self
    }

    /// With the thermostats' half steps divided in `times` equal ones, for light thermostats.
    ///
    /// # Errors
    /// If it is 0.
    pub fn multiple_steps(mut self, times: usize) -> Result<Self, ArgumentError> {
        if times == 0 {
            return Err(ArgumentError::new("times", times, "at least 1"));
        }
        self.multiple = times;
        Ok(self)
    }

    /// The length of a step.
    pub const fn step_size(&self) -> f64 {
        self.step_size
    }

    /// The masses `Q₁, Q₂, …` of the thermostats.
    pub fn thermostats(&self) -> &[f64] {
        &self.thermostats
    }

    /// The flow of the thermostats over half a step.
    fn half_step(&self, state: &mut PhaseState) {
        let (p, xi, heat) = state.momentum_and_auxiliary();
        let degrees = p.len() as f64;
        let kt = self.momenta.temperature();
        let mut twice_kinetic = 2.0 * self.momenta.kinetic_energy(p);
        let mut scale = 1.0;
        let masses = &self.thermostats;
        let last = masses.len() - 1;
        // Heat is what the momenta and thermostats lose beside their own energies: kT log J.
        let mut volume = 0.0;
        let push = |xi: &mut [f64], k: usize, t: f64, twice_kinetic: f64| {
            let drive = if k == 0 {
                twice_kinetic - degrees * kt
            } else {
                masses[k - 1] * xi[k - 1] * xi[k - 1] - kt
            };
            xi[k] += t * drive / masses[k];
        };
        // Thermostat k is damped by the next one around its push, which keeps the part symmetric.
        let update = |xi: &mut [f64], k: usize, t: f64, twice: f64, volume: &mut f64| {
            let damping = 0.5 * t * xi[k + 1];
            let factor = Real::exp(-damping);
            xi[k] *= factor;
            push(xi, k, t, twice);
            xi[k] *= factor;
            *volume -= 2.0 * damping;
        };
        for _ in 0..self.multiple {
            for weight in self.composition.weights() {
                let t = 0.5 * self.step_size * weight / self.multiple as f64;
                push(xi, last, 0.5 * t, twice_kinetic);
                for k in (0..last).rev() {
                    update(xi, k, 0.5 * t, twice_kinetic, &mut volume);
                }
                let factor = Real::exp(-t * xi[0]);
                volume -= degrees * t * xi[0];
                scale *= factor;
                twice_kinetic *= factor * factor;
                for k in 0..last {
                    update(xi, k, 0.5 * t, twice_kinetic, &mut volume);
                }
                push(xi, last, 0.5 * t, twice_kinetic);
            }
        }
        for p in p.iter_mut() {
            *p *= scale;
        }
        *heat += kt * volume;
    }

    /// `Σ Qₖ ξₖ²/2`.
    fn thermostat_energy(&self, state: &PhaseState) -> f64 {
        let twice: f64 = self
            .thermostats
            .iter()
            .zip(state.auxiliary())
            .map(|(q, xi)| q * xi * xi)
            .sum();
        0.5 * twice
    }

    /// `(K + Σ Qₖ ξₖ²/2 − heat)/kT`.
    fn reduced(&self, state: &PhaseState) -> f64 {
        (self.momenta.kinetic_energy(state.momentum()) + self.thermostat_energy(state)
            - state.heat())
            / self.momenta.temperature()
    }
}

impl<T: EnergyGradient + ?Sized> MarkovKernel<T> for NoseHoover {
    type State = PhaseState;
    type Info = ThermostatInfo;

    fn claims(&self) -> Claims {
        Claims {
            stationarity: Stationarity::Asymptotic { order: 2 },
            ergodic: false,
        }
    }

    fn init(&self, target: &T, x: &[f64]) -> Result<PhaseState, TargetError> {
        PhaseState::start(target, &self.momenta, self.thermostats.len(), x)
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
        let kt = self.momenta.temperature();
        let deviation = |k: usize| (kt / self.thermostats[k]).sqrt();
        state.draw_once(&self.momenta, deviation, rng);
        state.save();
        let before = state.energy() + self.reduced(state);
        self.half_step(state);
        let mut error = state.verlet(target, &self.momenta, self.step_size)?;
        self.half_step(state);
        if !state.is_finite() {
            error = None;
        }
        if error.is_some() {
            error = Some(state.energy() + self.reduced(state) - before).filter(|e| e.is_finite());
        }
        if !was_made(error) {
            state.back();
        }
        Ok(ThermostatInfo::new(
            error,
            state,
            &self.momenta,
            self.step_size,
        ))
    }
}

impl<T: EnergyGradient + ?Sized> PhaseKernel<T> for NoseHoover {
    fn auxiliaries(&self, dim: usize) -> Vec<(f64, f64)> {
        let kt = self.momenta.temperature();
        (0..dim)
            .map(|i| (0.0, self.momenta.variance(i)))
            .chain(self.thermostats.iter().map(|q| (0.0, kt / q)))
            .collect()
    }

    fn point<'s>(&self, state: &'s PhaseState) -> &'s [f64] {
        state.point()
    }

    fn place(&self, target: &T, state: &mut PhaseState, point: &[f64]) -> Result<(), TargetError> {
        state.place(target, &self.momenta, point)
    }
}

/// See [the kernel](NoseHoover#conserved-quantity).
impl<T: EnergyGradient + ?Sized> Conserved<T> for NoseHoover {
    fn conserved_quantity(&self, target: &T, state: &PhaseState) -> f64 {
        state.balance(target, &self.momenta) + self.thermostat_energy(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compositions_meet_the_conditions_of_their_order() {
        // Σ w = 1, Σ w³ = 0 for order 4, Σ w⁵ = 0 as well for order 6.
        let sum = |c: SuzukiYoshida, k: i32| c.weights().iter().map(|w| w.powi(k)).sum::<f64>();
        for c in [
            SuzukiYoshida::Order2,
            SuzukiYoshida::Order4,
            SuzukiYoshida::Order4Suzuki,
            SuzukiYoshida::Order6,
        ] {
            assert!((sum(c, 1) - 1.0).abs() < 1e-15);
            assert!(c.weights().iter().eq(c.weights().iter().rev()));
        }
        assert!(sum(SuzukiYoshida::Order4, 3).abs() < 1e-14);
        assert!(sum(SuzukiYoshida::Order4Suzuki, 3).abs() < 1e-14);
        assert!(sum(SuzukiYoshida::Order6, 3).abs() < 1e-12);
        assert!(sum(SuzukiYoshida::Order6, 5).abs() < 1e-12);
    }
}
