//! The scheme of Leimkuhler and Matthews: overdamped dynamics with averaged noise.

use ergodic_core::{
    ArgumentError, Claims, EnergyGradient, MarkovKernel, Randomness, Stationarity, TargetError,
};

use super::{OverdampedInfo, OverdampedState};
use crate::phase::positive;

/// The scheme of Leimkuhler and Matthews, `x′ = x − h ∇E(x) + √(h/2) (ξₙ + ξₙ₊₁)`: overdamped
/// Langevin dynamics whose noise overlaps from step to step.
///
/// Leimkuhler and Matthews, *Appl. Math. Res. Express* 2013, 34; Leimkuhler, Matthews and
/// Tretyakov, *Proc. R. Soc. A* 470, 20140120 (2014): the bias of the stationary law is `O(h²)`
/// instead of the `O(h)` of [`UnadjustedLangevin`](crate::UnadjustedLangevin), at the same cost of
/// one gradient and `d` normal draws per step, and normal targets are sampled exactly at every
/// stable `h`. It is `BAOAB` at infinite friction with the step `√(2h)`, whose positions these
/// are.
///
/// `ξₙ` is part of the state, so that the position alone is no Markov chain. At the start of a
/// chain there is no `ξₙ` that belongs to the position: the first step draws it and drifts by
/// `h/2` only, as `BAOAB` does. That step misses the target's law by `O(h²)`, hence the claim of
/// order 1, which is what one step can show; the stationary law is better than that.
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
/// use ergodic_samplers::LeimkuhlerMatthews;
///
/// let mut kernel = LeimkuhlerMatthews::new(0.5)?;
/// let mut state = kernel.init(&Normal, &[0.0])?;
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let (mut square, n) = (0.0, 100_000);
/// for _ in 0..n {
///     kernel.step(&Normal, &mut state, &mut rng)?;
///     square += kernel.position(&Normal, &state)[0].powi(2);
/// }
/// assert!((square / f64::from(n) - 1.0).abs() < 0.03); // Euler–Maruyama: 1.333
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LeimkuhlerMatthews {
    step_size: f64,
    noise: f64,
}

impl LeimkuhlerMatthews {
    /// Steps of size `h`, in squared units of the position.
    ///
    /// # Errors
    /// If it is not a finite number above 0.
    pub fn new(step_size: f64) -> Result<Self, ArgumentError> {
        positive("step_size", step_size)?;
        Ok(Self {
            step_size,
            noise: (0.5 * step_size).sqrt(),
        })
    }

    /// The step size `h`.
    pub const fn step_size(&self) -> f64 {
        self.step_size
    }
}

/// What [`LeimkuhlerMatthews`] carries: the position with energy and gradient, and the noise that
/// the next step shares with the last.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LeimkuhlerMatthewsState {
    at: OverdampedState,
    noise: Vec<f64>,
    fresh: bool,
}

impl<T: EnergyGradient + ?Sized> MarkovKernel<T> for LeimkuhlerMatthews {
    type State = LeimkuhlerMatthewsState;
    type Info = OverdampedInfo;

    /// Irreducible, as each step has a positive density everywhere.
    fn claims(&self) -> Claims {
        Claims {
            stationarity: Stationarity::Asymptotic { order: 1 },
            ergodic: true,
        }
    }

    fn init(&self, target: &T, x: &[f64]) -> Result<LeimkuhlerMatthewsState, TargetError> {
        Ok(LeimkuhlerMatthewsState {
            at: OverdampedState::start(target, x)?,
            noise: vec![0.0; x.len()],
            fresh: true,
        })
    }

    fn position<'s>(&self, _: &T, state: &'s LeimkuhlerMatthewsState) -> &'s [f64]
    where
        T: 's,
    {
        state.at.position()
    }

    fn reset(
        &self,
        target: &T,
        state: &mut LeimkuhlerMatthewsState,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        state.at.restart(target, x)?;
        // The old noise belongs to the position that it led to.
        state.fresh = true;
        Ok(())
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut LeimkuhlerMatthewsState,
        rng: &mut R,
    ) -> Result<OverdampedInfo, TargetError> {
        let mut drift = self.step_size;
        if state.fresh {
            rng.fill_normal(&mut state.noise);
            drift *= 0.5;
        }
        let noise = &mut state.noise;
        let mut info = state.at.euler(target, drift, |i| {
            let old = noise[i];
            noise[i] = rng.normal();
            self.noise * (old + noise[i])
        })?;
        // A step that was not made leaves a position to which its noise does not belong.
        state.fresh = info.divergent;
        info.step_size = self.step_size;
        Ok(info)
    }
}
