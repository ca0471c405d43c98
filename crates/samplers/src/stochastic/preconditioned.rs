//! Stochastic-gradient Langevin dynamics with a learnt diagonal preconditioner.

use ergodic_core::{
    ArgumentError, Claims, MarkovKernel, Randomness, Stationarity, StochasticGradient, TargetError,
    WarmupStep,
};

use super::{ControlVariate, MiniBatch, NoControl, StepSchedule, StochasticInfo, StochasticState};
use crate::phase::positive;

/// Preconditioned SGLD (pSGLD), `x′ = x − h G ĝ + √(2h G) ξ` with
/// `G = diag(1/(λ + √Vᵢ))`, `V ← αV + (1 − α) (ĝ/N)²`.
///
/// Li, Chen, Carlson and Carin (AAAI 2016); the preconditioner is that of RMSprop, of the mean
/// gradient per data term `ĝ/N`.
///
/// **`V` is learnt in the warm-up and then frozen.** The paper goes on to average while it samples
/// and leaves out the drift `Γᵢ = Σⱼ ∂Gᵢⱼ/∂xⱼ` that a preconditioner which follows the position
/// needs; that leaves a bias which no step size removes. With a constant `G` that term is zero, and
/// what is left is the `O(h)` of [`Sgld`](super::Sgld) in the coordinates `G^(−1/2) x`. Without a
/// warm-up `G` is the identity.
///
/// Use it where coordinates have unlike scales. Cost: as [`Sgld`](super::Sgld).
///
/// ```
/// # use ergodic_core::{Energy, EnergyGradient, StochasticGradient};
/// # struct Mean(Vec<f64>);
/// # impl Energy for Mean {
/// #     type State = [f64];
/// #     fn energy(&self, x: &[f64]) -> f64 { self.0.iter().map(|y| 0.5 * (x[0] - y).powi(2)).sum() }
/// # }
/// # impl EnergyGradient for Mean {
/// #     fn dim(&self) -> usize { 1 }
/// #     fn energy_gradient(&self, x: &[f64], g: &mut [f64]) -> f64 {
/// #         g[0] = self.0.iter().map(|y| x[0] - y).sum();
/// #         self.energy(x)
/// #     }
/// # }
/// # impl StochasticGradient for Mean {
/// #     fn num_terms(&self) -> usize { self.0.len() }
/// #     fn base_gradient(&self, _: &[f64], g: &mut [f64]) { g.fill(0.0); }
/// #     fn add_terms_gradient(&self, x: &[f64], b: &[usize], scale: f64, g: &mut [f64]) {
/// #         for &i in b { g[0] += scale * (x[0] - self.0[i]); }
/// #     }
/// # }
/// use ergodic_core::{MarkovKernel, WarmupStep};
/// use ergodic_samplers::{MiniBatch, PreconditionedSgld, StepSchedule};
///
/// let target = Mean((0..100).map(|i| f64::from(i % 10)).collect());
/// let mut kernel = PreconditionedSgld::new(StepSchedule::constant(1e-4)?, MiniBatch::new(10)?);
/// let mut state = kernel.init(&target, &[0.0])?;
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// for step in 0..500 {
///     let info = kernel.step(&target, &mut state, &mut rng)?;
///     kernel.adapt(&target, &mut state, Some(&info), WarmupStep { step, of: 500 }, &mut rng)?;
/// }
/// assert!(kernel.preconditioner()[0] > 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PreconditionedSgld<C = NoControl> {
    schedule: StepSchedule,
    batch: MiniBatch<C>,
    memory: f64,
    floor: f64,
    /// `G`, empty for the identity.
    preconditioner: Vec<f64>,
    /// `V` while it is being learnt.
    squares: Option<Box<[f64]>>,
}

impl<C: ControlVariate> PreconditionedSgld<C> {
    /// With `α = 0.99` and `λ = 10⁻⁵`, the settings of the paper.
    pub const fn new(schedule: StepSchedule, batch: MiniBatch<C>) -> Self {
        Self {
            schedule,
            batch,
            memory: 0.99,
            floor: 1e-5,
            preconditioner: Vec::new(),
            squares: None,
        }
    }

    /// With another weight `α` of the past.
    ///
    /// # Errors
    /// If it is not in [0, 1).
    pub fn memory(mut self, alpha: f64) -> Result<Self, ArgumentError> {
        if !(0.0..1.0).contains(&alpha) {
            return Err(ArgumentError::new("memory", alpha, "in [0, 1)"));
        }
        self.memory = alpha;
        Ok(self)
    }

    /// With another `λ`, which bounds `G` by `1/λ`.
    ///
    /// # Errors
    /// If it is not a finite number above 0.
    pub fn floor(mut self, lambda: f64) -> Result<Self, ArgumentError> {
        self.floor = positive("floor", lambda)?;
        Ok(self)
    }

    /// The diagonal of `G`; empty before it is learnt, for the identity.
    pub fn preconditioner(&self) -> &[f64] {
        &self.preconditioner
    }

    fn fits(&self, dim: usize) -> Result<(), TargetError> {
        if self.preconditioner.is_empty() || self.preconditioner.len() == dim {
            Ok(())
        } else {
            Err(TargetError::dimension(
                "preconditioner",
                self.preconditioner.len(),
                dim,
            ))
        }
    }
}

impl<T, C> MarkovKernel<T> for PreconditionedSgld<C>
where
    T: StochasticGradient + ?Sized,
    C: ControlVariate,
{
    type State = StochasticState<C::Memory>;
    type Info = StochasticInfo;

    fn claims(&self) -> Claims {
        Claims {
            stationarity: Stationarity::Asymptotic { order: 1 },
            ergodic: self.schedule.is_constant() && !C::REMEMBERS,
        }
    }

    fn init(&self, target: &T, x: &[f64]) -> Result<Self::State, TargetError> {
        self.fits(target.dim())?;
        StochasticState::start(target, &self.batch, 0, x)
    }

    fn position<'s>(&self, _: &T, state: &'s Self::State) -> &'s [f64]
    where
        T: 's,
    {
        state.position()
    }

    fn reset(
        &self,
        target: &T,
        state: &mut Self::State,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        self.fits(target.dim())?;
        state.restart(target, &self.batch, x)
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<StochasticInfo, TargetError> {
        let (h, sampling) = self.schedule.at(state.iteration());
        state.save();
        let terms = state.estimate(target, &self.batch, rng);
        let (x, _, gradient) = state.parts();
        for (i, (x, g)) in x.iter_mut().zip(gradient).enumerate() {
            let scaled = h * self.preconditioner.get(i).copied().unwrap_or(1.0);
            *x -= scaled * g;
            if sampling {
                *x += (2.0 * scaled).sqrt() * rng.normal();
            }
        }
        Ok(state.settle((h, sampling), terms))
    }

    fn adapt<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut Self::State,
        info: Option<&StochasticInfo>,
        at: WarmupStep,
        _: &mut R,
    ) -> Result<(), TargetError> {
        let gradient = state.gradient();
        if at.is_first() {
            self.squares = None;
        }
        if info.is_some_and(|i| !i.divergent) {
            let mean = |g: f64| g / target.num_terms() as f64;
            // The first square alone, so that nothing has to be made up before it.
            let squares = self
                .squares
                .get_or_insert_with(|| gradient.iter().map(|&g| mean(g) * mean(g)).collect());
            for (v, &g) in squares.iter_mut().zip(gradient) {
                *v = self.memory * *v + (1.0 - self.memory) * mean(g) * mean(g);
            }
            if squares.iter().all(|v| v.is_finite()) {
                self.preconditioner.clear();
                self.preconditioner
                    .extend(squares.iter().map(|v| 1.0 / (self.floor + v.sqrt())));
            } else {
                self.squares = None;
            }
        }
        if at.is_last() {
            self.squares = None;
        }
        Ok(())
    }
}
