//! The stochastic-gradient Nosé–Hoover thermostat.

use ergodic_core::{
    ArgumentError, Claims, MarkovKernel, Randomness, Stationarity, StochasticGradient, TargetError,
};

use super::{ControlVariate, MiniBatch, NoControl, StepSchedule, StochasticInfo, StochasticState};
use crate::PhaseKernel;
use crate::phase::positive;

/// The stochastic-gradient Nosé–Hoover thermostat (SGNHT):
/// `p′ = p − hξp − hĝ(x) + √(2Ah) N`, `x′ = x + hp′`, `ξ′ = ξ + h(p′ᵀp′/d − 1)`.
///
/// Ding, Fang, Babbush, Chen, Skeel and Neven (NIPS 2014), Algorithm 2. The stationary law is
/// `π(x) ⊗ N(p; 0, 1) ⊗ N(ξ; A, 1/d)` up to `O(h)`. The thermostat adapts: gradient noise of an
/// unknown variance `V`, equal in all components, moves the mean of `ξ` to `A + hV/2` and leaves
/// positions and momenta as they are, which [`Sghmc`](super::Sghmc) can do for a known `V` only.
///
/// Momenta and `ξ` survive a step: see [`InPhaseSpace`](crate::InPhaseSpace). They are drawn at the
/// first step after `init`. One batch per step.
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
/// use ergodic_samplers::{MiniBatch, Sgnht, StepSchedule};
///
/// let target = Mean((0..100).map(|i| f64::from(i % 10)).collect());
/// let mut kernel = Sgnht::new(StepSchedule::constant(0.005)?, 1.0, MiniBatch::new(50)?)?;
/// let mut state = kernel.init(&target, &[4.5])?;
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let (mut sum, n) = (0.0, 20_000);
/// for _ in 0..n {
///     kernel.step(&target, &mut state, &mut rng)?;
///     sum += state.position()[0];
/// }
/// assert!((sum / f64::from(n) - 4.5).abs() < 0.1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sgnht<C = NoControl> {
    schedule: StepSchedule,
    batch: MiniBatch<C>,
    diffusion: f64,
}

impl<C: ControlVariate> Sgnht<C> {
    /// With the diffusion `A` of the bath, an inverse time.
    ///
    /// # Errors
    /// If it is not a finite number above 0.
    pub fn new(
        schedule: StepSchedule,
        diffusion: f64,
        batch: MiniBatch<C>,
    ) -> Result<Self, ArgumentError> {
        positive("diffusion", diffusion)?;
        Ok(Self {
            schedule,
            batch,
            diffusion,
        })
    }
}

impl<T, C> MarkovKernel<T> for Sgnht<C>
where
    T: StochasticGradient + ?Sized,
    C: ControlVariate,
{
    type State = StochasticState<C::Memory>;
    type Info = StochasticInfo;

    /// Irreducible with a constant step size, as the next position has a positive density
    /// everywhere.
    fn claims(&self) -> Claims {
        Claims {
            stationarity: Stationarity::Asymptotic { order: 1 },
            ergodic: self.schedule.is_constant() && !C::REMEMBERS,
        }
    }

    fn init(&self, target: &T, x: &[f64]) -> Result<Self::State, TargetError> {
        StochasticState::start(target, &self.batch, x.len() + 1, x)
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
        let dim = state.position().len();
        if state.take_fresh() {
            let (_, rest, _) = state.parts();
            rng.fill_normal(rest);
            rest[dim] = self.diffusion + rest[dim] / (dim as f64).sqrt();
        }
        state.save();
        let terms = state.estimate(target, &self.batch, rng);
        let noise = (2.0 * self.diffusion * h).sqrt();
        let (x, rest, gradient) = state.parts();
        let (p, xi) = rest.split_at_mut(dim);
        let mut twice_kinetic = 0.0;
        for ((x, p), g) in x.iter_mut().zip(p).zip(gradient) {
            *p -= h * (xi[0] * *p + g);
            if sampling {
                *p += noise * rng.normal();
            }
            *x += h * *p;
            twice_kinetic += *p * *p;
        }
        xi[0] += h * (twice_kinetic / dim as f64 - 1.0);
        Ok(state.settle((h, sampling), terms))
    }
}

impl<T, C> PhaseKernel<T> for Sgnht<C>
where
    T: StochasticGradient + ?Sized,
    C: ControlVariate,
{
    fn auxiliaries(&self, dim: usize) -> Vec<(f64, f64)> {
        let mut all = vec![(0.0, 1.0); dim];
        all.push((self.diffusion, 1.0 / dim as f64));
        all
    }

    fn point<'s>(&self, state: &'s Self::State) -> &'s [f64] {
        state.point()
    }

    fn place(&self, target: &T, state: &mut Self::State, point: &[f64]) -> Result<(), TargetError> {
        state.place(target, &self.batch, point)
    }
}
