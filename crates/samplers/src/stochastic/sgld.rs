//! Stochastic-gradient Langevin dynamics.

use ergodic_core::{
    ArgumentError, Claims, MarkovKernel, Randomness, Stationarity, StochasticGradient, TargetError,
};

use super::{ControlVariate, MiniBatch, NoControl, StepSchedule, StochasticInfo, StochasticState};

/// Stochastic-gradient Langevin dynamics, `x′ = x − h ĝ + √(2h) ξ` with an unbiased estimate `ĝ` of
/// `∇E(x)` from a [`MiniBatch`].
///
/// Welling and Teh (ICML 2011), whose `ε` is `2h`. The noise is independent of the gradient and of
/// variance `2h`; at a temperature `T`, that is for `Tempered { target, beta: 1/T }` and `η = h/T`,
/// of variance `2ηT`. With a control variate it is SGLD-FP (Baker et al., 2019), SVRG-LD or SAGA-LD
/// (Dubey et al., 2016).
///
/// The noise of the batches adds to that of the bath: where `ĝ` has variance `V`, a step of
/// constant `h` adds `h²V` to `2h`, a bias of `O(h)` beside that of
/// [`UnadjustedLangevin`](crate::UnadjustedLangevin). On `E = ax²/2` the stationary variance is
/// `(2 + hV)/(a(2 − ha))` exactly, so that `hV ≪ 2` decides; `V` grows as `N²/n` without a control
/// variate. Energies are never evaluated after the start: a target that forbids regions is not for
/// this kernel. One batch per step.
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
/// use ergodic_core::MarkovKernel;
/// use ergodic_samplers::{FixedMode, MiniBatch, Sgld, StepSchedule};
///
/// // The mean of 100 observations: posterior N(ȳ, 1/100).
/// let target = Mean((0..100).map(|i| f64::from(i % 10)).collect());
/// let batch = MiniBatch::new(5)?.control(FixedMode::new(vec![4.5])?);
/// let mut kernel = Sgld::new(StepSchedule::constant(1e-3)?, batch);
/// let mut state = kernel.init(&target, &[4.5])?;
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let (mut sum, n) = (0.0, 20_000);
/// for _ in 0..n {
///     kernel.step(&target, &mut state, &mut rng)?;
///     sum += state.position()[0];
/// }
/// assert!((sum / f64::from(n) - 4.5).abs() < 0.02);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sgld<C = NoControl> {
    schedule: StepSchedule,
    batch: MiniBatch<C>,
}

impl<C: ControlVariate> Sgld<C> {
    /// With step sizes by `schedule` and gradients from `batch`.
    pub const fn new(schedule: StepSchedule, batch: MiniBatch<C>) -> Self {
        Self { schedule, batch }
    }

    /// With a constant step size.
    ///
    /// # Errors
    /// If it is not a finite number above 0.
    pub fn constant(step_size: f64, batch: MiniBatch<C>) -> Result<Self, ArgumentError> {
        Ok(Self::new(StepSchedule::constant(step_size)?, batch))
    }

    /// The step sizes.
    pub const fn schedule(&self) -> &StepSchedule {
        &self.schedule
    }
}

impl<T, C> MarkovKernel<T> for Sgld<C>
where
    T: StochasticGradient + ?Sized,
    C: ControlVariate,
{
    type State = StochasticState<C::Memory>;
    type Info = StochasticInfo;

    /// Ergodicity is claimed for constant step sizes, where each step has a positive density
    /// everywhere. The order holds for the largest step size.
    fn claims(&self) -> Claims {
        Claims {
            stationarity: Stationarity::Asymptotic { order: 1 },
            ergodic: self.schedule.is_constant() && !C::REMEMBERS,
        }
    }

    fn init(&self, target: &T, x: &[f64]) -> Result<Self::State, TargetError> {
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
        let noise = if sampling { (2.0 * h).sqrt() } else { 0.0 };
        let (x, _, gradient) = state.parts();
        for (x, g) in x.iter_mut().zip(gradient) {
            *x -= h * g;
            if sampling {
                *x += noise * rng.normal();
            }
        }
        Ok(state.settle((h, sampling), terms))
    }
}
