//! The independence sampler: proposals that do not look at the position.

use std::borrow::{Borrow, BorrowMut};

use ergodic_core::{Claims, MarkovKernel, Randomness, Stationarity, TargetError};

use crate::{Acceptance, ExactLaw, MetropolisState, ProposalInfo, Threshold, start};

/// Independence sampler: draw `x′ ∼ q`, accept with `min(1, w(x′)/w(x))`, `w = π/q`.
///
/// Hastings (1970); Tierney, *Ann. Stat.* 22, 1701 (1994). Reversible; uniformly ergodic with rate
/// `1 − 1/sup w` if `w` is bounded (Mengersen and Tweedie, *Ann. Stat.* 24, 101, 1996), and stuck
/// for long where it is not: the tails of `q` have to be at least as heavy as the target's.
///
/// Cost: one draw and two energies (the target's and that of `q`) per step. Use it where a good
/// approximation of the target is at hand (a Laplace or variational fit, the prior), in a
/// [`Mixture`](crate::Mixture) with a local kernel.
///
/// ```
/// use ergodic_core::{Energy, MarkovKernel, StepInfo};
/// use ergodic_samplers::{Gaussian, Independence};
///
/// /// A normal target and a wider proposal: the exact mean acceptance of N(0, 1) under N(0, 4) is
/// /// (2/π)·2·atan(1/2).
/// let target = Gaussian::standard(1)?;
/// let mut kernel = Independence::new(Gaussian::independent(vec![0.0], vec![2.0])?);
/// let mut state = kernel.init(&target, &[0.0])?;
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let mut acceptance = 0.0;
/// for _ in 0..20_000 {
///     acceptance += kernel.step(&target, &mut state, &mut rng)?.acceptance;
/// }
/// let exact = 4.0 / std::f64::consts::PI * 0.5f64.atan();
/// assert!((acceptance / 2e4 - exact).abs() < 0.02);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Independence<Q, A = Threshold> {
    law: Q,
    rule: A,
}

impl<Q> Independence<Q> {
    /// Proposing from `law`.
    pub const fn new(law: Q) -> Self {
        Self {
            law,
            rule: Threshold,
        }
    }
}

impl<Q, A> Independence<Q, A> {
    /// With another acceptance rule.
    pub fn with_rule<B: Acceptance>(self, rule: B) -> Independence<Q, B> {
        Independence {
            law: self.law,
            rule,
        }
    }
}

/// What an [`Independence`] sampler carries: position, energy, and the energy of the position
/// under the proposal.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IndependenceState<X> {
    inner: MetropolisState<X>,
    /// `−log q` of the position.
    law_energy: f64,
}

impl<T, Q, A> MarkovKernel<T> for Independence<Q, A>
where
    T: ergodic_core::Energy + ?Sized,
    <T::State as ToOwned>::Owned: Clone + BorrowMut<T::State>,
    Q: ExactLaw<State = T::State> + Clone,
    A: Acceptance,
{
    type State = IndependenceState<<T::State as ToOwned>::Owned>;
    type Info = ProposalInfo;

    fn claims(&self) -> Claims {
        Claims {
            stationarity: Stationarity::Reversible,
            // A proposal of full support reaches everything, and the position itself.
            ergodic: self.law.full_support(),
        }
    }

    fn init(&self, target: &T, x: &T::State) -> Result<Self::State, TargetError> {
        Ok(IndependenceState {
            inner: MetropolisState::begin(target, x)?,
            law_energy: self.energy_of_law(x)?,
        })
    }

    fn position<'s>(&self, _: &T, state: &'s Self::State) -> &'s T::State
    where
        T: 's,
    {
        state.inner.position.borrow()
    }

    fn reset(
        &self,
        target: &T,
        state: &mut Self::State,
        x: Option<&T::State>,
    ) -> Result<(), TargetError> {
        let law_energy = self.energy_of_law(x.unwrap_or(state.inner.position.borrow()))?;
        state.inner.again(target, x)?;
        state.law_energy = law_energy;
        Ok(())
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<ProposalInfo, TargetError> {
        let candidate: &mut T::State = state.inner.candidate.borrow_mut();
        self.law.draw(candidate, rng);
        let law_energy = self.law.energy(candidate);
        if !law_energy.is_finite() {
            let what = "energy of the proposal's law at its own draw";
            return Err(TargetError::non_finite(what, law_energy));
        }
        // log q(x) − log q(x′)
        let log_hastings = law_energy - state.law_energy;
        let info = state.inner.decide(target, log_hastings, &self.rule, rng)?;
        if info.accepted {
            state.law_energy = law_energy;
        }
        Ok(info)
    }
}

impl<Q: ExactLaw, A> Independence<Q, A> {
    /// Where the law has no density a chain would never come back to, and never leave.
    fn energy_of_law(&self, x: &Q::State) -> Result<f64, TargetError> {
        start::energy_at_start(&self.law, x).map_err(|e| {
            TargetError::new(format!("under the law of the proposal, the {}", e.reason))
        })
    }
}
