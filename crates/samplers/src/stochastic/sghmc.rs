//! Stochastic-gradient Hamiltonian Monte Carlo.

use ergodic_core::{
    ArgumentError, Claims, MarkovKernel, Randomness, Stationarity, StochasticGradient, TargetError,
};

use super::{ControlVariate, MiniBatch, NoControl, StepSchedule, StochasticInfo, StochasticState};
use crate::{Momenta, PhaseKernel};

/// Stochastic-gradient Hamiltonian Monte Carlo: `x′ = x + h M⁻¹p`, then
/// `p′ = p − h kT ĝ(x′) − hγp + √(2hγ M kT − h²kT² V̂) ξ`.
///
/// Chen, Fox and Guestrin (ICML 2014), Algorithm 2, with their friction matrix `C = γM` and their
/// estimate of the gradient's noise `B̂ = ½ h kT² V̂`, where `V̂` is an estimate of the variance of a
/// component of `ĝ`. Without friction the noise of the batches heats the system without bound;
/// friction with the noise that belongs to it holds `π ⊗ N(p; 0, M kT)` up to `O(h)`.
///
/// Momenta survive a step: see [`InPhaseSpace`](crate::InPhaseSpace). They are drawn at the first
/// step after `init`. One batch per step.
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
/// use ergodic_samplers::{MiniBatch, Saga, Sghmc, StepSchedule};
///
/// let target = Mean((0..100).map(|i| f64::from(i % 10)).collect());
/// let batch = MiniBatch::new(5)?.control(Saga);
/// let mut kernel = Sghmc::new(StepSchedule::constant(0.02)?, 2.0, batch)?;
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
pub struct Sghmc<C = NoControl> {
    schedule: StepSchedule,
    batch: MiniBatch<C>,
    friction: f64,
    gradient_variance: f64,
    momenta: Momenta,
}

impl<C: ControlVariate> Sghmc<C> {
    /// With friction `γ`, an inverse time; unit masses, `kT = 1`, `V̂ = 0`.
    ///
    /// # Errors
    /// If the friction is not above 0, or `hγ` is 1 or more for the largest step size: a step
    /// would reverse the momenta.
    pub fn new(
        schedule: StepSchedule,
        friction: f64,
        batch: MiniBatch<C>,
    ) -> Result<Self, ArgumentError> {
        if !(friction > 0.0 && friction * schedule.largest() < 1.0) {
            return Err(ArgumentError::new(
                "friction",
                friction,
                format!("above 0 and below 1/h = {}", 1.0 / schedule.largest()),
            ));
        }
        Ok(Self {
            schedule,
            batch,
            friction,
            gradient_variance: 0.0,
            momenta: Momenta::unit(),
        })
    }

    /// With other masses or another temperature.
    pub fn momenta(mut self, momenta: Momenta) -> Self {
        self.momenta = momenta;
        self
    }

    /// With an estimate `V̂` of the variance of a component of the gradient estimate, which the
    /// noise of the bath is reduced by. The start of a chain is refused if it exceeds what the
    /// friction provides, `2γmᵢ/(h kT)` for the largest step size.
    ///
    /// # Errors
    /// If it is negative or not finite.
    pub fn gradient_variance(mut self, variance: f64) -> Result<Self, ArgumentError> {
        if !(variance >= 0.0 && variance.is_finite()) {
            return Err(ArgumentError::new(
                "gradient_variance",
                variance,
                "a finite number of at least 0",
            ));
        }
        self.gradient_variance = variance;
        Ok(self)
    }

    /// The variance of the noise of a step of size `h` in momentum `i`.
    fn noise(&self, h: f64, i: usize) -> f64 {
        let kt = self.momenta.temperature();
        2.0 * h * self.friction * self.momenta.variance(i)
            - h * h * kt * kt * self.gradient_variance
    }

    fn fits(&self, dim: usize) -> Result<(), TargetError> {
        self.momenta.fits(dim)?;
        let h = self.schedule.largest();
        for i in 0..dim {
            let noise = self.noise(h, i);
            if noise < 0.0 {
                return Err(TargetError::new(format!(
                    "the variance of the noise of momentum {i} is {noise}, but must be at least \
                     0: the gradient variance {} is too large for step size {h} and friction {}",
                    self.gradient_variance, self.friction
                )));
            }
        }
        Ok(())
    }
}

impl<T, C> MarkovKernel<T> for Sghmc<C>
where
    T: StochasticGradient + ?Sized,
    C: ControlVariate,
{
    type State = StochasticState<C::Memory>;
    type Info = StochasticInfo;

    /// Irreducible with a constant step size: two steps have a positive density everywhere, unless
    /// `V̂` leaves no noise.
    fn claims(&self) -> Claims {
        Claims {
            stationarity: Stationarity::Asymptotic { order: 1 },
            ergodic: self.schedule.is_constant() && !C::REMEMBERS && self.gradient_variance == 0.0,
        }
    }

    fn init(&self, target: &T, x: &[f64]) -> Result<Self::State, TargetError> {
        self.fits(target.dim())?;
        StochasticState::start(target, &self.batch, x.len(), x)
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
        if state.take_fresh() {
            self.momenta.mix(state.parts().1, (0.0, 1.0), rng);
        }
        state.save();
        let (x, p, _) = state.parts();
        for (i, (x, p)) in x.iter_mut().zip(&*p).enumerate() {
            *x += h * p * self.momenta.inverse(i);
        }
        let terms = state.estimate(target, &self.batch, rng);
        let force = h * self.momenta.temperature();
        let (_, p, gradient) = state.parts();
        for (i, (p, g)) in p.iter_mut().zip(gradient).enumerate() {
            *p -= force * g + h * self.friction * *p;
            if sampling {
                *p += self.noise(h, i).sqrt() * rng.normal();
            }
        }
        Ok(state.settle((h, sampling), terms))
    }
}

impl<T, C> PhaseKernel<T> for Sghmc<C>
where
    T: StochasticGradient + ?Sized,
    C: ControlVariate,
{
    fn auxiliaries(&self, dim: usize) -> Vec<(f64, f64)> {
        (0..dim).map(|i| (0.0, self.momenta.variance(i))).collect()
    }

    fn point<'s>(&self, state: &'s Self::State) -> &'s [f64] {
        state.point()
    }

    fn place(&self, target: &T, state: &mut Self::State, point: &[f64]) -> Result<(), TargetError> {
        state.place(target, &self.batch, point)
    }
}
