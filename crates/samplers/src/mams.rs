//! Metropolis-adjusted microcanonical sampling.

use ergodic_core::{
    ArgumentError, Claims, EnergyGradient, MarkovKernel, Randomness, TargetError, WarmupStep,
};

use crate::hamiltonian::{Metric, WarmupSettings};
use crate::isokinetic::{IsokineticPoint, LengthTuner, crosses};
use crate::trajectory::{Dynamics, check_length, check_steps, dynamics_settings, spread_steps};
use crate::{IsokineticIntegrator, TrajectoryInfo};

/// Metropolis-adjusted microcanonical sampling (MAMS): draw a direction, follow isokinetic
/// dynamics for a random number of steps, accept the end with probability `min(1, e^{−W})`.
///
/// A particle of constant speed moves by
///
/// `dx/dt = √d A u`, `du/dt = −(√d/(d − 1)) (I − u uᵀ) Aᵀ∇E(x)`, `|u| = 1`,
///
/// with the metric `Σ = A Aᵀ`. Time is counted so that the speed is `√d`, about that of
/// [`Hmc`](crate::Hmc): step sizes and lengths of the two compare. The integrator is reversible,
/// and the logarithm of its Jacobian is minus the kinetic work `ΔK = (d−1) Σ log(cosh δ + c sinh δ)`
/// of its kicks, so accepting by
///
/// `W = E(x′) − E(x) + ΔK`
///
/// leaves the target invariant exactly, at any step size (Robnik, Cohn-Gordon and Seljak,
/// *Metropolis adjusted microcanonical Hamiltonian Monte Carlo*, arXiv 2503.01707, 2025). The
/// direction is drawn anew at each step, so the positions are a reversible chain; the number of steps is
/// uniform within half of its mean, against trajectories that close. Ergodicity is *not* claimed: one
/// step of a given size reaches a surface of dimension `d − 1`, not every open set as a step of HMC does,
/// and that several reach all there is has no proof for every target.
///
/// Each trajectory halves its step `k` times with probability `q^k(1 − q)`
/// ([`with_halving`](Self::with_halving)), keeping the number of steps. A chain whose step size is
/// too long for a narrow place would stay there for hundreds of draws and be far off in the end;
/// so it leaves after some `q^{−k}`. That costs a normal target a tenth more gradients, and halved
/// the mean squared error over chains on a banana. (Random step sizes: Neal, *MCMC using
/// Hamiltonian dynamics*, 2011, section 5.4.2.2.)
///
/// The energy error of a microcanonical trajectory grows more slowly with the dimension than that
/// of a Hamiltonian one, so that steps are longer; and a force changes the direction alone, so
/// that no start far from the mode makes the particle fast. Use it in place of NUTS where the
/// gradient is what costs, in two dimensions or more. Cost: one gradient per step (two with
/// [`IsokineticIntegrator::MinimalNorm`]), nothing allocated.
///
/// A warm-up adapts the metric, the step size to a mean acceptance of 0.9, and the mean length
/// (unless it is fixed by [`with_fixed_length`](Self::with_fixed_length)) so that the slow tenth of the
/// coordinates, taken as autoregressions, have an integrated autocorrelation time of `1/κ` draws
/// with `κ = 0.3`: a longer trajectory would decorrelate little more than it costs, a shorter one
/// makes a random walk.
///
/// ```
/// use ergodic_core::{Energy, EnergyGradient, MarkovKernel};
/// use ergodic_samplers::Mams;
///
/// /// A normal with standard deviations 1, 2, …, d.
/// struct Scales(usize);
/// impl Energy for Scales {
///     type State = [f64];
///     fn energy(&self, x: &[f64]) -> f64 {
///         (1..).zip(x).map(|(s, x)| 0.5 * (x / f64::from(s)).powi(2)).sum()
///     }
/// }
/// impl EnergyGradient for Scales {
///     fn dim(&self) -> usize {
///         self.0
///     }
///     fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
///         for (s, (x, g)) in (1..).zip(x.iter().zip(grad)) {
///             *g = x / f64::from(s).powi(2);
///         }
///         self.energy(x)
///     }
/// }
/// let (target, mut kernel) = (Scales(4), Mams::new().with_step_size(0.5)?.with_length(2.0)?);
/// let mut state = kernel.init(&target, &[1.0; 4])?;
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let (n, mut square) = (20_000, 0.0);
/// for _ in 0..n {
///     kernel.step(&target, &mut state, &mut rng)?;
///     square += kernel.position(&target, &state)[3].powi(2) / f64::from(n);
/// }
/// assert!((square - 16.0).abs() < 2.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Mams {
    length: f64,
    fixed_length: bool,
    integrator: IsokineticIntegrator,
    max_steps: usize,
    halving: f64,
    dynamics: Dynamics,
    tuner: Option<Box<LengthTuner>>,
}

/// The smallest share of the step size that a trajectory is made with.
const MOST_REFINED: f64 = 1.0 / 16.0;

impl Default for Mams {
    fn default() -> Self {
        Self::new()
    }
}

impl Mams {
    /// With trajectories of mean length 1 (a distance `√d` in the metric), step size 0.1, the
    /// leapfrog, and the identity as metric until a warm-up finds better ones.
    pub fn new() -> Self {
        Self {
            length: 1.0,
            fixed_length: false,
            integrator: IsokineticIntegrator::Leapfrog,
            max_steps: 1024,
            halving: 0.2,
            dynamics: Dynamics::new(0.9),
            tuner: None,
        }
    }

    /// The mean length of a trajectory at which a warm-up begins, or which is kept if there is
    /// none: a time at speed `√d`, in units of the metric. With a metric that fits, 1 suits a
    /// normal target.
    ///
    /// # Errors
    /// If it is not a finite number above 0.
    pub fn with_length(mut self, length: f64) -> Result<Self, ArgumentError> {
        self.length = check_length("length", length)?;
        Ok(self)
    }

    /// A mean length that a warm-up leaves alone.
    ///
    /// # Errors
    /// If it is not a finite number above 0.
    pub fn with_fixed_length(mut self, length: f64) -> Result<Self, ArgumentError> {
        self.fixed_length = true;
        self.with_length(length)
    }

    /// The integrator; [`IsokineticIntegrator::Leapfrog`] unless said otherwise.
    pub fn with_integrator(mut self, integrator: IsokineticIntegrator) -> Self {
        self.integrator = integrator;
        self
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

    /// With another probability of each halving of the step, at least 0 and below 1; 0.2 unless
    /// said otherwise, 0 for one step size.
    ///
    /// # Errors
    /// If it is outside that range.
    pub fn with_halving(mut self, probability: f64) -> Result<Self, ArgumentError> {
        if !(0.0..1.0).contains(&probability) {
            return Err(ArgumentError::new(
                "probability",
                probability,
                "at least 0 and below 1",
            ));
        }
        self.halving = probability;
        Ok(self)
    }

    /// The factor `2^{−k}` of the next step size: `k` heads of a coin in a row, at most four.
    fn refinement<R: Randomness + ?Sized>(&self, rng: &mut R) -> f64 {
        let mut factor = 1.0;
        while factor > MOST_REFINED && self.halving > 0.0 && rng.bernoulli(self.halving) {
            factor *= 0.5;
        }
        factor
    }

    dynamics_settings!();

    /// The mean length in use.
    pub const fn length(&self) -> f64 {
        self.length
    }
}

/// What a chain of [`Mams`] carries: its position with energy and gradient, and the scratch of a
/// trajectory.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MamsState {
    point: IsokineticPoint,
    trial: IsokineticPoint,
}

impl<T: EnergyGradient + ?Sized> MarkovKernel<T> for Mams {
    type State = MamsState;
    type Info = TrajectoryInfo;

    fn claims(&self) -> Claims {
        Claims::REVERSIBLE.not_ergodic()
    }

    fn init(&self, target: &T, x: &[f64]) -> Result<MamsState, TargetError> {
        let point = IsokineticPoint::new(target, &self.dynamics.metric, x)?;
        let trial = point.clone();
        Ok(MamsState { point, trial })
    }

    fn position<'s>(&self, _: &T, state: &'s MamsState) -> &'s [f64]
    where
        T: 's,
    {
        &state.point.position
    }

    fn reset(
        &self,
        target: &T,
        state: &mut MamsState,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        if let Some(x) = x {
            x.clone_into(&mut state.point.position);
        }
        state.point.refresh(target, &self.dynamics.metric)
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut MamsState,
        rng: &mut R,
    ) -> Result<TrajectoryInfo, TargetError> {
        let step_size = self.dynamics.step_size;
        let steps = spread_steps(self.length / step_size, self.max_steps, rng);
        let step_size = step_size * self.refinement(rng);
        let MamsState { point, trial } = state;
        trial.copy_from(point);
        trial.draw_direction(rng);
        let speed = (point.position.len() as f64).sqrt();
        let (work, gradients) = trial.travel(
            target,
            &self.dynamics.metric,
            self.integrator,
            speed * step_size,
            steps,
        );
        let info = TrajectoryInfo::decide(
            trial.energy - point.energy + work,
            [point.energy, trial.energy],
            (steps, gradients),
            step_size,
            rng,
        );
        if info.accepted {
            std::mem::swap(point, trial);
        }
        Ok(info)
    }

    fn adapt<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut MamsState,
        info: Option<&TrajectoryInfo>,
        at: WarmupStep,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let point = &state.point;
        let here = (&point.position[..], &point.gradient[..], point.energy);
        self.dynamics.adapt(
            target,
            here,
            info.map(|i| (i.acceptance, i.divergent)),
            at,
            rng,
        )?;
        if !self.fixed_length {
            let tuner = self
                .tuner
                .get_or_insert_with(|| Box::new(LengthTuner::new(here.0.len())));
            tuner.push(here.0);
            if LengthTuner::WINDOWS.iter().any(|&end| crosses(at, end)) {
                self.length *= tuner.finish(0.3);
            }
        }
        if at.is_last() {
            self.tuner = None;
        }
        Ok(())
    }
}
