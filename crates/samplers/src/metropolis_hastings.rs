//! Metropolis–Hastings with a proposal of the user, on any state space.

use std::borrow::{Borrow, BorrowMut};

use ergodic_core::{
    Claims, Energy, MarkovKernel, Randomness, Stationarity, StepInfo, StepStats, TargetError,
};

use crate::{Acceptance, Threshold, start};

/// How far a proposal reaches, whatever the target: what a kernel needs to know to claim that it
/// is ergodic.
///
/// ```
/// use ergodic_samplers::Reach;
///
/// assert_eq!(Reach::default(), Reach::Unknown);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Not known: no claim is made.
    #[default]
    Unknown,
    /// Any state can be reached from any other by some number of proposals of positive
    /// probability. Ergodic with a rule that [hesitates](Acceptance::HESITATES).
    Connected,
    /// One proposal reaches every state from every other, itself included, with positive
    /// probability or density. Ergodic with every rule.
    Everywhere,
}

impl Reach {
    /// Whether a chain that accepts by the rule `A` is ergodic.
    pub(crate) const fn is_ergodic<A: Acceptance>(self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Connected => A::HESITATES,
            Self::Everywhere => true,
        }
    }
}

/// Draws candidates for [`MetropolisHastings`]: any law `q(x → x′)` on any state space.
///
/// Where the target has a cheap energy difference ([`LocalEnergy`](ergodic_core::LocalEnergy)),
/// [`Proposal`](crate::Proposal) and [`Metropolis`](crate::Metropolis) are faster.
///
/// ```
/// use ergodic_core::{Energy, Randomness};
/// use ergodic_samplers::{Propose, Reach};
///
/// /// A multiplicative walk on the positive numbers: `x′ = x e^{sξ}`. The density of `x′` has the
/// /// factor `1/x′`, so that `q(x′→x)/q(x→x′) = x′/x`.
/// #[derive(Clone)]
/// struct LogWalk(f64);
/// impl<T: Energy<State = [f64]> + ?Sized> Propose<T> for LogWalk {
///     fn propose<R: Randomness + ?Sized>(&self, _: &T, x: &[f64], candidate: &mut [f64], rng: &mut R) -> f64 {
///         let mut log_ratio = 0.0;
///         for (c, x) in candidate.iter_mut().zip(x) {
///             let step = self.0 * rng.normal();
///             *c = x * step.exp();
///             log_ratio += step;
///         }
///         log_ratio
///     }
///     fn reach(&self) -> Reach {
///         Reach::Everywhere
///     }
/// }
/// ```
pub trait Propose<T: Energy + ?Sized>: Clone {
    /// Turns `candidate`, which comes as a copy of `x`, into a draw from `q(x → ·)`, and returns
    /// `log q(x′→x) − log q(x→x′)` (0 for a symmetric proposal).
    ///
    /// The returned value is finite, or `−∞` where the way back is impossible.
    fn propose<R: Randomness + ?Sized>(
        &self,
        target: &T,
        x: &T::State,
        candidate: &mut T::State,
        rng: &mut R,
    ) -> f64;

    /// How far the proposal reaches; [`Reach::Unknown`] if nothing is said.
    fn reach(&self) -> Reach {
        Reach::Unknown
    }
}

/// What kernels carry that weigh one candidate against the position: both, and the energy of the
/// position.
///
/// `X` is the owned form of the target's state. Made by [`MarkovKernel::init`].
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetropolisState<X> {
    pub(crate) position: X,
    pub(crate) energy: f64,
    /// Scratch: what is in it between two steps has no meaning.
    pub(crate) candidate: X,
}

impl<X> MetropolisState<X> {
    /// `E(x)` of the position in nats.
    pub const fn energy(&self) -> f64 {
        self.energy
    }

    pub(crate) fn begin<T>(target: &T, x: &T::State) -> Result<Self, TargetError>
    where
        T: Energy + ?Sized,
        T::State: ToOwned<Owned = X>,
        X: Borrow<T::State>,
    {
        Ok(Self {
            energy: start::energy_at_start(target, x)?,
            position: x.to_owned(),
            candidate: x.to_owned(),
        })
    }

    /// Moves to `x` if there is one; nothing changes if it is refused.
    pub(crate) fn again<T>(&mut self, target: &T, x: Option<&T::State>) -> Result<(), TargetError>
    where
        T: Energy + ?Sized,
        T::State: ToOwned<Owned = X>,
        X: Borrow<T::State>,
    {
        self.energy = start::energy_at_start(target, x.unwrap_or(self.position.borrow()))?;
        if let Some(x) = x {
            x.clone_into(&mut self.position);
            x.clone_into(&mut self.candidate); // the same shape
        }
        Ok(())
    }

    /// Accepts the candidate by `rule`, or stays.
    #[inline]
    pub(crate) fn decide<T, A, R>(
        &mut self,
        target: &T,
        log_hastings: f64,
        rule: &A,
        rng: &mut R,
    ) -> Result<ProposalInfo, TargetError>
    where
        T: Energy + ?Sized,
        T::State: ToOwned<Owned = X>,
        X: Borrow<T::State>,
        A: Acceptance,
        R: Randomness + ?Sized,
    {
        if log_hastings.is_nan() || log_hastings == f64::INFINITY {
            return Err(TargetError::non_finite("log_hastings", log_hastings));
        }
        let proposed = start::proposed_energy(target, self.candidate.borrow())?;
        let acceptance = rule.probability(self.energy - proposed + log_hastings);
        let accepted = rng.bernoulli(acceptance);
        if accepted {
            std::mem::swap(&mut self.position, &mut self.candidate);
            self.energy = proposed;
        }
        Ok(ProposalInfo {
            accepted,
            acceptance,
            forbidden: proposed == f64::INFINITY,
            energy: self.energy,
        })
    }
}

/// What a step did that weighs one candidate by its energy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProposalInfo {
    /// Whether the candidate was accepted.
    pub accepted: bool,
    /// The probability with which it would be.
    pub acceptance: f64,
    /// Whether the candidate had infinite energy, or NaN.
    pub forbidden: bool,
    /// The energy after the step.
    pub energy: f64,
}

impl StepInfo for ProposalInfo {
    fn stats(&self) -> StepStats {
        StepStats {
            acceptance: Some(self.acceptance),
            energy: Some(self.energy),
            energies: 1,
            forbidden: u64::from(self.forbidden),
            ..StepStats::default()
        }
    }
}

/// Metropolis–Hastings on any state space: draw `x′` from the user's `q(x → ·)`, accept it with
/// `a(r)`, `log r = E(x) − E(x′) + log q(x′→x) − log q(x→x′)`.
///
/// Hastings, *Biometrika* 57, 97 (1970). With `a = min(1, r)` ([`Threshold`], the default) or
/// Barker's `r/(1 + r)` ([`Barker`](crate::Barker)). Reversible for every proposal whose factor is
/// right; ergodic as its [`Reach`] says. A candidate whose energy is `+∞` or NaN is rejected and
/// counted.
///
/// Cost: one energy per step; the energy of the position is kept. Use it for spaces and moves of
/// your own (trees, permutations, jumps between modes); for `ℝᵈ` see [`RandomWalk`](crate::RandomWalk).
///
/// ```
/// use ergodic_core::{Energy, MarkovKernel, Randomness};
/// use ergodic_samplers::{MetropolisHastings, Propose, Reach};
///
/// /// Orders of four things; each pair in its right order saves one nat.
/// struct Order;
/// impl Energy for Order {
///     type State = [u8];
///     fn energy(&self, x: &[u8]) -> f64 {
///         let pairs = (0..4).flat_map(|i| (0..i).map(move |j| (j, i)));
///         -(pairs.filter(|&(j, i)| x[j] < x[i]).count() as f64)
///     }
/// }
/// /// Exchanges two places: symmetric.
/// #[derive(Clone)]
/// struct Exchange;
/// impl Propose<Order> for Exchange {
///     fn propose<R: Randomness + ?Sized>(&self, _: &Order, _: &[u8], c: &mut [u8], rng: &mut R) -> f64 {
///         c.swap(rng.index(4), rng.index(4));
///         0.0
///     }
///     fn reach(&self) -> Reach {
///         Reach::Connected
///     }
/// }
/// let mut kernel = MetropolisHastings::new(Exchange);
/// let mut state = kernel.init(&Order, &[3, 2, 1, 0])?;
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let mut sorted = 0;
/// for _ in 0..20_000 {
///     kernel.step(&Order, &mut state, &mut rng)?;
///     sorted += usize::from(kernel.position(&Order, &state).is_sorted());
/// }
/// // P(sorted) = e⁶/Σ e^k over the 24 orders = ∏ (1 − e⁻¹)/(1 − e⁻ᵏ), k = 2, 3, 4.
/// let q = |k: i32| (1.0 - (-1f64).exp()) / (1.0 - (-f64::from(k)).exp());
/// assert!((sorted as f64 / 2e4 - q(2) * q(3) * q(4)).abs() < 0.02);
/// # Ok::<(), ergodic_core::TargetError>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetropolisHastings<P, A = Threshold> {
    proposal: P,
    rule: A,
}

impl<P> MetropolisHastings<P> {
    /// With the acceptance `min(1, r)`.
    pub const fn new(proposal: P) -> Self {
        Self {
            proposal,
            rule: Threshold,
        }
    }
}

impl<P, A> MetropolisHastings<P, A> {
    /// With another acceptance rule.
    pub fn with_rule<B: Acceptance>(self, rule: B) -> MetropolisHastings<P, B> {
        MetropolisHastings {
            proposal: self.proposal,
            rule,
        }
    }
}

impl<T, P, A> MarkovKernel<T> for MetropolisHastings<P, A>
where
    T: Energy + ?Sized,
    <T::State as ToOwned>::Owned: Clone + BorrowMut<T::State>,
    P: Propose<T>,
    A: Acceptance,
{
    type State = MetropolisState<<T::State as ToOwned>::Owned>;
    type Info = ProposalInfo;

    fn claims(&self) -> Claims {
        Claims {
            stationarity: Stationarity::Reversible,
            ergodic: self.proposal.reach().is_ergodic::<A>(),
        }
    }

    fn init(&self, target: &T, x: &T::State) -> Result<Self::State, TargetError> {
        MetropolisState::begin(target, x)
    }

    fn position<'s>(&self, _: &T, state: &'s Self::State) -> &'s T::State
    where
        T: 's,
    {
        state.position.borrow()
    }

    fn reset(
        &self,
        target: &T,
        state: &mut Self::State,
        x: Option<&T::State>,
    ) -> Result<(), TargetError> {
        state.again(target, x)
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<ProposalInfo, TargetError> {
        let x: &T::State = state.position.borrow();
        x.clone_into(&mut state.candidate);
        let log_hastings = self
            .proposal
            .propose(target, x, state.candidate.borrow_mut(), rng);
        state.decide(target, log_hastings, &self.rule, rng)
    }
}
