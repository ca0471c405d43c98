//! The unadjusted Langevin algorithm: overdamped dynamics by Euler and Maruyama.

use ergodic_core::{
    ArgumentError, Claims, EnergyGradient, MarkovKernel, Randomness, Stationarity, StepInfo,
    StepStats, TargetError,
};

use crate::phase::{may_be_at, positive, start_gradient, start_shape};

/// The unadjusted Langevin algorithm (ULA), `x′ = x − h ∇E(x) + √(2h) ξ`.
///
/// Euler–Maruyama for `dx = −∇E dt + √2 dW` (Parisi, *Nucl. Phys. B* 180, 378, 1981; Roberts and
/// Tweedie, *Bernoulli* 2, 341, 1996). The variance of the noise is `2h` whatever the gradient; at
/// a temperature `T`, that is for `Tempered { target, beta: 1/T }` and `η = h/T`, it is `2ηT`.
///
/// The stationary law is biased by `O(h)`: on `N(0, s²)` its variance is `s²/(1 − h/(2s²))`. It
/// exists only where the gradient grows no faster than linearly, with `h` below 2 over the largest
/// curvature; a chain that flies away is stopped at the last finite energy and counted as
/// divergent, step by step. Use [`LeimkuhlerMatthews`](crate::LeimkuhlerMatthews) for order 2 at
/// the same cost, one gradient per step, or the Metropolis-adjusted form (MALA) for none.
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
/// use ergodic_samplers::UnadjustedLangevin;
///
/// Quadrature::new(&[(-9.0, 9.0)])?
///     .nodes(60, 60)?
///     .asymptotic(|h| UnadjustedLangevin::new(h).unwrap(), &Normal, 0.1)?
///     .assert();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UnadjustedLangevin {
    step_size: f64,
    noise: f64,
}

impl UnadjustedLangevin {
    /// Steps of size `h`, in squared units of the position.
    ///
    /// # Errors
    /// If it is not a finite number above 0.
    pub fn new(step_size: f64) -> Result<Self, ArgumentError> {
        positive("step_size", step_size)?;
        Ok(Self {
            step_size,
            noise: (2.0 * step_size).sqrt(),
        })
    }

    /// The step size `h`.
    pub const fn step_size(&self) -> f64 {
        self.step_size
    }
}

/// What [`UnadjustedLangevin`] carries: the position with its energy and gradient, and room for
/// the next.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OverdampedState {
    x: Vec<f64>,
    gradient: Vec<f64>,
    energy: f64,
    next: Vec<f64>,
    next_gradient: Vec<f64>,
}

impl OverdampedState {
    /// The position.
    pub fn position(&self) -> &[f64] {
        &self.x
    }

    /// Its energy.
    pub const fn energy(&self) -> f64 {
        self.energy
    }

    /// The gradient of the energy there.
    pub fn gradient(&self) -> &[f64] {
        &self.gradient
    }

    pub(crate) fn start<T: EnergyGradient + ?Sized>(
        target: &T,
        x: &[f64],
    ) -> Result<Self, TargetError> {
        let dim = start_shape(target, x)?;
        let mut gradient = vec![0.0; dim];
        let energy = start_gradient(target, x, &mut gradient)?;
        Ok(Self {
            x: x.to_vec(),
            gradient,
            energy,
            next: vec![0.0; dim],
            next_gradient: vec![0.0; dim],
        })
    }

    pub(crate) fn restart<T: EnergyGradient + ?Sized>(
        &mut self,
        target: &T,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        let dim = start_shape(target, x.unwrap_or(&self.x))?;
        if dim != self.x.len() {
            return Err(TargetError::dimension("start", dim, self.x.len()));
        }
        if let Some(x) = x {
            self.x.copy_from_slice(x);
        }
        self.energy = start_gradient(target, &self.x, &mut self.gradient)?;
        Ok(())
    }

    /// `x′ᵢ = xᵢ − h ∂ᵢE + noise(i)`, if a chain can be there.
    pub(crate) fn euler<T: EnergyGradient + ?Sized>(
        &mut self,
        target: &T,
        h: f64,
        mut noise: impl FnMut(usize) -> f64,
    ) -> Result<OverdampedInfo, TargetError> {
        for (i, (next, x)) in self.next.iter_mut().zip(&self.x).enumerate() {
            *next = x - h * self.gradient[i] + noise(i);
        }
        let mut info = OverdampedInfo {
            energy: self.energy,
            divergent: true,
            step_size: h,
            gradients: 0,
        };
        if self.next.iter().all(|x| x.is_finite()) {
            info.gradients = 1;
            let energy = target.energy_gradient(&self.next, &mut self.next_gradient);
            if may_be_at(energy)? && self.next_gradient.iter().all(|g| g.is_finite()) {
                std::mem::swap(&mut self.x, &mut self.next);
                std::mem::swap(&mut self.gradient, &mut self.next_gradient);
                self.energy = energy;
                info.energy = energy;
                info.divergent = false;
            }
        }
        Ok(info)
    }
}

/// What a step of overdamped Langevin dynamics did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverdampedInfo {
    /// The energy after the step.
    pub energy: f64,
    /// Whether the step led to a point without finite energy or gradient and was not made.
    pub divergent: bool,
    /// The step size.
    pub step_size: f64,
    /// Gradients evaluated.
    pub gradients: u64,
}

impl StepInfo for OverdampedInfo {
    fn stats(&self) -> StepStats {
        StepStats {
            divergent: self.divergent,
            energy: Some(self.energy),
            step_size: Some(self.step_size),
            gradients: self.gradients,
            forbidden: u64::from(self.divergent),
            ..StepStats::default()
        }
    }
}

impl<T: EnergyGradient + ?Sized> MarkovKernel<T> for UnadjustedLangevin {
    type State = OverdampedState;
    type Info = OverdampedInfo;

    /// Irreducible, as each step has a positive density everywhere.
    fn claims(&self) -> Claims {
        Claims {
            stationarity: Stationarity::Asymptotic { order: 1 },
            ergodic: true,
        }
    }

    fn init(&self, target: &T, x: &[f64]) -> Result<OverdampedState, TargetError> {
        OverdampedState::start(target, x)
    }

    fn position<'s>(&self, _: &T, state: &'s OverdampedState) -> &'s [f64]
    where
        T: 's,
    {
        state.position()
    }

    fn reset(
        &self,
        target: &T,
        state: &mut OverdampedState,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        state.restart(target, x)
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut OverdampedState,
        rng: &mut R,
    ) -> Result<OverdampedInfo, TargetError> {
        state.euler(target, self.step_size, |_| self.noise * rng.normal())
    }
}
