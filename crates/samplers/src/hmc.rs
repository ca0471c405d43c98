//! Hamiltonian Monte Carlo with trajectories of a fixed or of a random length.

use ergodic_core::{
    ArgumentError, Claims, EnergyGradient, MarkovKernel, Randomness, TargetError, WarmupStep,
};

use crate::TrajectoryInfo;
use crate::hamiltonian::{Metric, PhasePoint, WarmupSettings};
use crate::trajectory::{Dynamics, check_length, check_steps, dynamics_settings, uniform_steps};

/// How long a trajectory of [`Hmc`] is.
///
/// ```
/// use ergodic_samplers::{Hmc, TrajectoryLength};
///
/// assert!(Hmc::new(TrajectoryLength::Steps(0)).is_err());
/// assert!(Hmc::new(TrajectoryLength::Time(1.5)).is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum TrajectoryLength {
    /// A number of leapfrog steps, at least 1.
    Steps(usize),
    /// A time `T > 0`: `T/ε` steps, so that a warm-up that changes `ε` keeps the length. With a
    /// metric that fits, `π/2` takes a normal target to independent points.
    Time(f64),
}

/// How the length of a trajectory of [`Hmc`] varies from step to step, which keeps it from
/// resonating with periods of the target.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Jitter {
    /// Not at all. On a normal target a trajectory of half a period maps `x` to `−x` for ever.
    None,
    /// The number of steps is uniform from 1 to twice its mean less one (Mackenzie, *Phys. Lett.
    /// B* 226, 369, 1989; Neal 2011, section 5.5.2).
    #[default]
    Steps,
    /// The step size is uniform on `ε(1 − a)` to `ε(1 + a)`, `0 < a < 1` (Neal 2011, section
    /// 5.4.2.2): one continuous draw.
    StepSize(f64),
    /// The number of steps is one more than the whole part of an exponential number of steps:
    /// durations without memory (Bou-Rabee and Sanz-Serna, *Ann. Appl. Probab.* 27, 2159, 2017),
    /// for which geometric ergodicity is known. One continuous draw.
    Exponential,
}

/// Hamiltonian Monte Carlo: draw a momentum, follow the leapfrog for some steps, accept the end
/// with probability `min(1, e^{−ΔH})`.
///
/// `H(x, p) = E(x) + ½|p|²` with the whitened momentum of [`hamiltonian`](crate::hamiltonian).
/// Duane, Kennedy, Pendleton and Roweth, *Phys. Lett. B* 195, 216 (1987); Neal, *MCMC using
/// Hamiltonian dynamics* (2011). The leapfrog is reversible and preserves volume, so detailed
/// balance holds exactly for any step size; the length of the trajectory may be random, as its
/// law does not depend on the state. The momentum is drawn anew at each step.
///
/// An end with `ΔH > 1000`, or of non-finite energy, is rejected and counted as divergent. It
/// claims ergodicity with [`Jitter::Steps`] and [`Jitter::Exponential`], where one leapfrog step,
/// of positive density everywhere, is among the choices.
///
/// NUTS chooses the length by itself; use this kernel where the length is known, cheap
/// to find, or has to be one number (in the inner kernels of tempering and sequential Monte
/// Carlo). Cost: one gradient per leapfrog step, nothing allocated.
///
/// A warm-up learns the metric from positions and gradients, and the step size for a mean
/// acceptance of 0.8: [`WarmupSettings`].
///
/// ```
/// use ergodic_conformance::Quadrature;
/// use ergodic_core::{Energy, EnergyGradient};
/// use ergodic_samplers::{Hmc, TrajectoryLength};
///
/// /// `E(x) = x⁴/4 − x²`.
/// struct DoubleWell;
/// impl Energy for DoubleWell {
///     type State = [f64];
///     fn energy(&self, x: &[f64]) -> f64 {
///         0.25 * x[0].powi(4) - x[0].powi(2)
///     }
/// }
/// impl EnergyGradient for DoubleWell {
///     fn dim(&self) -> usize {
///         1
///     }
///     fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
///         grad[0] = x[0].powi(3) - 2.0 * x[0];
///         self.energy(x)
///     }
/// }
/// let kernel = Hmc::new(TrajectoryLength::Steps(3))?.with_step_size(0.4)?;
/// let report = Quadrature::new(&[(-5.0, 5.0)])?.check(&kernel, &DoubleWell, 1e-4)?;
/// assert!(report.passed(), "{report}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Hmc {
    length: TrajectoryLength,
    jitter: Jitter,
    max_steps: usize,
    dynamics: Dynamics,
}

impl Hmc {
    /// With trajectories of the given mean length, [`Jitter::Steps`], step size 0.1 and the
    /// identity as metric until a warm-up finds better ones.
    ///
    /// # Errors
    /// If the length is not above 0.
    pub fn new(length: TrajectoryLength) -> Result<Self, ArgumentError> {
        match length {
            TrajectoryLength::Steps(n) => {
                check_steps("length", n)?;
            }
            TrajectoryLength::Time(t) => {
                check_length("length", t)?;
            }
        }
        Ok(Self {
            length,
            jitter: Jitter::default(),
            max_steps: 1024,
            dynamics: Dynamics::new(0.8),
        })
    }

    /// How the length varies; [`Jitter::Steps`] unless said otherwise.
    ///
    /// # Errors
    /// If the amplitude of [`Jitter::StepSize`] is not between 0 and 1.
    pub fn with_jitter(mut self, jitter: Jitter) -> Result<Self, ArgumentError> {
        if let Jitter::StepSize(a) = jitter
            && !(a > 0.0 && a < 1.0)
        {
            return Err(ArgumentError::new(
                "jitter",
                a,
                "an amplitude strictly between 0 and 1",
            ));
        }
        self.jitter = jitter;
        Ok(self)
    }

    /// The most steps of a trajectory, whatever length and step size say; 1024 unless said
    /// otherwise. The cap does not depend on the state, so it breaks no balance.
    ///
    /// # Errors
    /// If it is 0.
    pub fn with_max_steps(mut self, steps: usize) -> Result<Self, ArgumentError> {
        self.max_steps = check_steps("max_steps", steps)?;
        Ok(self)
    }

    dynamics_settings!();

    /// Step size and number of steps of the next trajectory.
    fn plan<R: Randomness + ?Sized>(&self, rng: &mut R) -> (f64, usize) {
        let mean_step = self.dynamics.step_size;
        let mean = match self.length {
            TrajectoryLength::Steps(n) => n as f64,
            TrajectoryLength::Time(t) => t / mean_step,
        };
        let most = self.max_steps as f64;
        match self.jitter {
            Jitter::None => (mean_step, mean.round().clamp(1.0, most) as usize),
            Jitter::Steps => (mean_step, uniform_steps(mean, self.max_steps, rng)),
            Jitter::StepSize(a) => (
                mean_step * (1.0 + a * (2.0 * rng.uniform() - 1.0)),
                mean.round().clamp(1.0, most) as usize,
            ),
            Jitter::Exponential => {
                // 1 + ⌊Exp(m)⌋ has mean 1/(1 − e^{−1/m}) = m + ½ + O(1/m).
                let whole = (rng.exponential() * mean).floor();
                (mean_step, (1.0 + whole).min(most) as usize)
            }
        }
    }
}

/// What a chain of [`Hmc`] or [`Mala`](crate::Mala) carries: its position with energy and
/// gradient, and the scratch of a trajectory.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HmcState {
    pub(crate) point: PhasePoint,
    trial: PhasePoint,
}

impl HmcState {
    pub(crate) fn new<T: EnergyGradient + ?Sized>(
        target: &T,
        metric: &Metric,
        x: &[f64],
    ) -> Result<Self, TargetError> {
        let point = PhasePoint::new(target, metric, x)?;
        let trial = point.clone();
        Ok(Self { point, trial })
    }

    pub(crate) fn reset<T: EnergyGradient + ?Sized>(
        &mut self,
        target: &T,
        metric: &Metric,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        match x {
            Some(x) => self.point.restart(target, metric, x)?,
            None => self.point.refresh(target, metric)?,
        }
        self.trial.copy_from(&self.point);
        Ok(())
    }

    /// Learns from the step that has led here.
    pub(crate) fn adapt<T: EnergyGradient + ?Sized, R: Randomness + ?Sized>(
        &mut self,
        dynamics: &mut Dynamics,
        target: &T,
        info: Option<&TrajectoryInfo>,
        at: WarmupStep,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let here = (
            self.point.position(),
            self.point.gradient(),
            self.point.energy(),
        );
        dynamics.adapt(
            target,
            here,
            info.map(|i| (i.acceptance, i.divergent)),
            at,
            rng,
        )?;
        self.point.set_metric(&dynamics.metric);
        Ok(())
    }

    /// One transition: a new momentum, `steps` leapfrog steps of size `step_size`, the decision.
    pub(crate) fn transition<T: EnergyGradient + ?Sized, R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        metric: &Metric,
        (step_size, steps): (f64, usize),
        rng: &mut R,
    ) -> TrajectoryInfo {
        self.point.draw_momentum(rng);
        self.trial.copy_from(&self.point);
        let before = self.point.hamiltonian();
        let (mut after, mut taken) = (before, 0);
        while taken < steps && after.is_finite() {
            after = self.trial.leapfrog(target, metric, step_size);
            taken += 1;
        }
        // An energy of −∞ would be accepted and never left.
        let error = if after.is_finite() {
            after - before
        } else {
            f64::INFINITY
        };
        let info = TrajectoryInfo::decide(
            error,
            [before, after],
            (taken, taken as u64),
            step_size,
            rng,
        );
        if info.accepted {
            std::mem::swap(&mut self.point, &mut self.trial);
        }
        TrajectoryInfo {
            fresh_momentum: true,
            ..info
        }
    }
}

impl<T: EnergyGradient + ?Sized> MarkovKernel<T> for Hmc {
    type State = HmcState;
    type Info = TrajectoryInfo;

    fn claims(&self) -> Claims {
        match self.jitter {
            Jitter::Steps | Jitter::Exponential => Claims::REVERSIBLE,
            Jitter::None | Jitter::StepSize(_) => Claims::REVERSIBLE.not_ergodic(),
        }
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
        let plan = self.plan(rng);
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
        state.adapt(&mut self.dynamics, target, info, at, rng)
    }
}
