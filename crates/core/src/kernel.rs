//! Markov kernels and what they claim.

use crate::{Energy, Randomness, StepInfo, TargetError};

/// How a kernel relates to its target.
///
/// ```
/// use ergodic_core::{Claims, Stationarity};
///
/// // An unadjusted step after an exact one leaves the bias of the former.
/// let ula = Claims {
///     stationarity: Stationarity::Asymptotic { order: 1 },
///     ergodic: true,
/// };
/// let product = Claims::REVERSIBLE.then(ula);
/// assert_eq!(product.stationarity, Stationarity::Asymptotic { order: 1 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stationarity {
    /// Detailed balance, `π(x) P(x, y) = π(y) P(y, x)`; implies invariance.
    Reversible,
    /// `πP = π`.
    Invariant,
    /// The stationary law differs from `π` by `O(hᵖ)` in the step size `h`: unadjusted
    /// integrators. Tested as a one-step defect of order `p + 1`.
    Asymptotic {
        /// The order `p ≥ 1`.
        order: u32,
    },
}

/// What a kernel promises, checked from its own code by `ergodic-conformance`.
///
/// ```
/// use ergodic_core::{Claims, Stationarity};
///
/// let sweep = Claims::REVERSIBLE.then(Claims::REVERSIBLE);
/// assert_eq!(sweep.stationarity, Stationarity::Invariant); // a product of reversible kernels
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Invariance or reversibility.
    pub stationarity: Stationarity,
    /// Irreducible and aperiodic for every target of the kernel's type whose energies are finite
    /// (on finite spaces: some power of the matrix is positive). States of infinite energy may
    /// disconnect the rest for a kernel that moves one site at a time.
    pub ergodic: bool,
}

impl Claims {
    /// Reversible and ergodic.
    pub const REVERSIBLE: Self = Self {
        stationarity: Stationarity::Reversible,
        ergodic: true,
    };
    /// Invariant and ergodic.
    pub const INVARIANT: Self = Self {
        stationarity: Stationarity::Invariant,
        ergodic: true,
    };

    /// The same claims without ergodicity: a kernel that needs company.
    pub const fn not_ergodic(self) -> Self {
        Self {
            ergodic: false,
            ..self
        }
    }

    /// The claims of "this kernel, then that one": invariance survives, reversibility does not,
    /// and ergodicity of a product does not follow from that of its factors.
    pub const fn then(self, next: Self) -> Self {
        Self {
            stationarity: match (self.stationarity, next.stationarity) {
                (Stationarity::Asymptotic { order: a }, Stationarity::Asymptotic { order: b }) => {
                    Stationarity::Asymptotic {
                        order: if a < b { a } else { b },
                    }
                }
                (Stationarity::Asymptotic { order }, _)
                | (_, Stationarity::Asymptotic { order }) => Stationarity::Asymptotic { order },
                _ => Stationarity::Invariant,
            },
            ergodic: false,
        }
    }
}

/// One step of a Markov chain whose stationary law is that of the target.
///
/// * [`init`](Self::init) builds what the chain carries: its position with cached energy and
///   gradient. That is also what a checkpoint stores.
/// * [`step`](Self::step) moves it, allocates nothing, and takes every random decision through
///   [`Randomness`], accept/reject through [`Randomness::bernoulli`].
/// * [`reset`](Self::reset) rebuilds the caches after the position or the target has changed:
///   tempering and annealing call it within their steps, so it allocates nothing where the shape
///   stays; a stale `βE` is the classic bug.
/// * [`adapt`](Self::adapt) tunes the kernel during a warm-up and freezes it at its end. A kernel
///   outside a warm-up is homogeneous in time: `step` never changes how the next step behaves.
/// * [`claims`](Self::claims) says what the step leaves invariant; `ergodic-conformance` checks
///   it exactly where that is possible.
///
/// A proposal of non-finite energy is a state of probability zero: rejected, counted in `Info`.
/// An error is fatal for the run and never a panic.
///
/// Implemented by every sampler of `ergodic-samplers` and by the block kernels of
/// `ergodic-models`.
///
/// ```
/// use ergodic_core::*;
///
/// /// Metropolis on a spin with energy `−h s`: propose the flip, accept with `min(1, e^{−ΔE})`.
/// #[derive(Clone)]
/// struct Flip;
/// struct Field(f64);
/// impl Energy for Field {
///     type State = i8;
///     fn energy(&self, s: &i8) -> f64 {
///         -self.0 * f64::from(*s)
///     }
/// }
/// impl MarkovKernel<Field> for Flip {
///     type State = i8;
///     type Info = bool;
///     fn claims(&self) -> Claims {
///         Claims::REVERSIBLE.not_ergodic() // periodic at h = 0
///     }
///     fn init(&self, _: &Field, s: &i8) -> Result<i8, TargetError> {
///         Ok(*s)
///     }
///     fn position<'s>(&self, _: &Field, state: &'s i8) -> &'s i8
///     where
///         Field: 's,
///     {
///         state
///     }
///     fn reset(&self, _: &Field, state: &mut i8, s: Option<&i8>) -> Result<(), TargetError> {
///         *state = *s.unwrap_or(state);
///         Ok(())
///     }
///     fn step<R: Randomness + ?Sized>(&mut self, t: &Field, s: &mut i8, rng: &mut R) -> Result<bool, TargetError> {
///         let delta = t.energy(&-*s) - t.energy(s);
///         let accept = rng.bernoulli((-delta).exp().min(1.0));
///         if accept {
///             *s = -*s;
///         }
///         Ok(accept)
///     }
/// }
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let (mut up, mut s) = (0, Flip.init(&Field(1.0), &1).unwrap());
/// for _ in 0..10_000 {
///     Flip.step(&Field(1.0), &mut s, &mut rng).unwrap();
///     up += usize::from(s == 1);
/// }
/// assert!((up as f64 / 1e4 - 1.0 / (1.0 + (-2.0f64).exp())).abs() < 0.02);
/// ```
pub trait MarkovKernel<T: Energy + ?Sized>: Clone {
    /// What the chain carries between steps.
    type State: Clone;
    /// What a step reports: acceptance, divergence, depth, gradients spent. Returned, not stored.
    type Info: StepInfo + 'static;

    /// What the kernel promises for targets of this type.
    fn claims(&self) -> Claims;

    /// The state of a chain that starts at `x`.
    ///
    /// # Errors
    /// If `x` has the wrong shape or its energy is not finite.
    fn init(&self, target: &T, x: &T::State) -> Result<Self::State, TargetError>;

    /// The current position of the chain.
    fn position<'s>(&self, target: &T, state: &'s Self::State) -> &'s T::State
    where
        T: 's;

    /// Moves to `x` if there is one, and rebuilds every cache for `target`.
    ///
    /// # Errors
    /// As [`init`](Self::init). The state is then valid but unspecified, as after an error of
    /// [`step`](Self::step).
    fn reset(
        &self,
        target: &T,
        state: &mut Self::State,
        x: Option<&T::State>,
    ) -> Result<(), TargetError>;

    /// One transition.
    ///
    /// # Errors
    /// If the target fails for good. The state is then valid but unspecified: a step of several
    /// parts may have done some of them, and caches may be stale. [`reset`](Self::reset) it to a
    /// position of your own before it is used again.
    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<Self::Info, TargetError>;

    /// Learns from the warm-up step that has just been made: step size, metric, scale.
    ///
    /// Called after every [`step`](Self::step) of a warm-up and never afterwards. What is being
    /// learnt begins at [`WarmupStep::is_first`] and ends at [`WarmupStep::is_last`], where the
    /// kernel takes its final settings and drops what it learnt from. `info` is `None` if a
    /// composition gave this step to another kernel. By default there is nothing to learn.
    ///
    /// # Errors
    /// If the target fails for good, as in [`step`](Self::step).
    fn adapt<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut Self::State,
        info: Option<&Self::Info>,
        at: WarmupStep,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let _ = (target, state, info, at, rng);
        Ok(())
    }
}

/// Where a warm-up stands: after which of how many steps.
///
/// ```
/// use ergodic_core::WarmupStep;
///
/// let at = WarmupStep { step: 0, of: 1 };
/// assert!(at.is_first() && at.is_last());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WarmupStep {
    /// The step that has just been made, from 0.
    pub step: usize,
    /// The number of steps of the whole warm-up.
    pub of: usize,
}

impl WarmupStep {
    /// Whether this is the first step, at which learning begins.
    pub const fn is_first(self) -> bool {
        self.step == 0
    }

    /// Whether this is the last step, at which the kernel freezes.
    pub const fn is_last(self) -> bool {
        self.step + 1 >= self.of
    }

    /// The share of the warm-up that is over, in `(0, 1]`.
    pub fn progress(self) -> f64 {
        if self.is_last() {
            1.0
        } else {
            (self.step + 1) as f64 / self.of as f64
        }
    }
}

/// The object-safe twin of [`MarkovKernel`], implemented for every kernel: one indirect call per
/// step, which costs nothing beside the step.
///
/// ```
/// use ergodic_core::*;
///
/// /// A fair coin, thrown anew at each step.
/// struct Coin;
/// impl Energy for Coin {
///     type State = bool;
///     fn energy(&self, _: &bool) -> f64 {
///         0.0
///     }
/// }
/// #[derive(Clone)]
/// struct Throw;
/// impl MarkovKernel<Coin> for Throw {
///     type State = bool;
///     type Info = ();
///     fn claims(&self) -> Claims {
///         Claims::REVERSIBLE
///     }
///     fn init(&self, _: &Coin, x: &bool) -> Result<bool, TargetError> {
///         Ok(*x)
///     }
///     fn position<'s>(&self, _: &Coin, state: &'s bool) -> &'s bool
///     where
///         Coin: 's,
///     {
///         state
///     }
///     fn reset(&self, _: &Coin, state: &mut bool, x: Option<&bool>) -> Result<(), TargetError> {
///         *state = *x.unwrap_or(state);
///         Ok(())
///     }
///     fn step<R: Randomness + ?Sized>(&mut self, _: &Coin, state: &mut bool, rng: &mut R) -> Result<(), TargetError> {
///         *state = rng.bernoulli(0.5);
///         Ok(())
///     }
/// }
///
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let (mut direct, mut through) = (true, true);
/// let mut kernel: Box<dyn DynKernel<Coin, bool, ()>> = Box::new(Throw);
/// for _ in 0..10 {
///     Throw.step(&Coin, &mut direct, &mut rng.clone())?;
///     kernel.step_dyn(&Coin, &mut through, &mut rng)?; // the same draws
///     assert_eq!(direct, through);
/// }
/// # Ok::<(), TargetError>(())
/// ```
pub trait DynKernel<T: Energy + ?Sized, S, I> {
    /// [`MarkovKernel::step`] with dynamic randomness.
    ///
    /// # Errors
    /// As the kernel's own step.
    fn step_dyn(
        &mut self,
        target: &T,
        state: &mut S,
        rng: &mut dyn Randomness,
    ) -> Result<I, TargetError>;
}

impl<T, K> DynKernel<T, K::State, K::Info> for K
where
    T: Energy + ?Sized,
    K: MarkovKernel<T>,
{
    fn step_dyn(
        &mut self,
        target: &T,
        state: &mut K::State,
        rng: &mut dyn Randomness,
    ) -> Result<K::Info, TargetError> {
        self.step(target, state, rng)
    }
}
