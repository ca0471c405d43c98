//! The Metropolis-adjusted Langevin algorithm.

use ergodic_core::{
    ArgumentError, Claims, EnergyGradient, MarkovKernel, Randomness, TargetError, WarmupStep,
};

use crate::hamiltonian::{Metric, WarmupSettings};
use crate::trajectory::{Dynamics, dynamics_settings};
use crate::{HmcState, TrajectoryInfo};

/// The Metropolis-adjusted Langevin algorithm: a gradient step with noise, accepted or rejected.
///
/// With step size `ε` and metric `Σ = A Aᵀ` the proposal is
///
/// `x′ = x − (ε²/2) Σ∇E(x) + ε A ξ`, `ξ ~ N(0, I)`,
///
/// a step of the Langevin diffusion over the time `τ = ε²/2`, accepted with the
/// Metropolis–Hastings probability (Rossky, Doll and Friedman, *J. Chem. Phys.* 69, 4628, 1978;
/// Roberts and Tweedie, *Bernoulli* 2, 341, 1996). That is one leapfrog step of [`Hmc`](crate::Hmc)
/// from the momentum `ξ`, and the ratio of proposal densities is the change of kinetic energy:
/// it is computed so, as `min(1, e^{−ΔH})`.
///
/// Reversible and ergodic. Mixes a normal target in `O(d^{1/3})` steps, where trajectories of
/// many steps take `O(d^{1/4})` gradients and have smaller constants: use it where one gradient
/// per draw is what can be paid, or as a part of other kernels. Cost: one gradient per step,
/// nothing allocated.
///
/// A warm-up learns the metric, and the step size for the mean acceptance 0.574 that is best for
/// products in many dimensions (Roberts and Rosenthal, *JRSS B* 60, 255, 1998): [`WarmupSettings`].
///
/// ```
/// use ergodic_conformance::Quadrature;
/// use ergodic_core::{Energy, EnergyGradient};
/// use ergodic_samplers::Mala;
///
/// /// A standard normal.
/// struct Normal;
/// impl Energy for Normal {
///     type State = [f64];
///     fn energy(&self, x: &[f64]) -> f64 {
///         0.5 * x[0] * x[0]
///     }
/// }
/// impl EnergyGradient for Normal {
///     fn dim(&self) -> usize {
///         1
///     }
///     fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
///         grad[0] = x[0];
///         self.energy(x)
///     }
/// }
/// let kernel = Mala::new().with_step_size(1.2)?;
/// let report = Quadrature::new(&[(-9.0, 9.0)])?.check(&kernel, &Normal, 1e-4)?;
/// assert!(report.passed(), "{report}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Mala {
    dynamics: Dynamics,
}

impl Default for Mala {
    fn default() -> Self {
        Self::new()
    }
}

impl Mala {
    /// Step size 0.1 and identity metric: to be warmed up, or to be set by hand.
    pub fn new() -> Self {
        Self {
            dynamics: Dynamics::new(0.574),
        }
    }

    dynamics_settings!();
}

impl<T: EnergyGradient + ?Sized> MarkovKernel<T> for Mala {
    type State = HmcState;
    type Info = TrajectoryInfo;

    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }

    fn init(&self, target: &T, x: &[f64]) -> Result<HmcState, TargetError> {
        HmcState::new(target, &self.dynamics.metric, x)
    }

    fn position<'s>(&self, _: &T, state: &'s HmcState) -> &'s [f64]
    where
        T: 's,
    {
        state.point.position()
    }

    fn reset(
        &self,
        target: &T,
        state: &mut HmcState,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        state.reset(target, &self.dynamics.metric, x)
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut HmcState,
        rng: &mut R,
    ) -> Result<TrajectoryInfo, TargetError> {
        let plan = (self.dynamics.step_size, 1);
        Ok(state.transition(target, &self.dynamics.metric, plan, rng))
    }

    fn adapt<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut HmcState,
        info: Option<&TrajectoryInfo>,
        at: WarmupStep,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        // A divergence here is one rejected proposal, which a goal of 0.574 expects: it must not
        // make the goal more careful, as it does where it ends a trajectory.
        let info = info.map(|&info| TrajectoryInfo {
            divergent: false,
            ..info
        });
        state.adapt(&mut self.dynamics, target, info.as_ref(), at, rng)
    }
}
