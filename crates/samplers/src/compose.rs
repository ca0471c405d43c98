//! Composition by value: one kernel after another, one or another, one many times.

use ergodic_core::{
    ArgumentError, Claims, Energy, MarkovKernel, Randomness, Stationarity, StepInfo, StepStats,
    TargetError, WarmupStep,
};

/// `first`, then `second`: the product of two kernels for one target, which may carry unlike
/// states.
///
/// Each kernel keeps its own state; before a kernel steps, it is [`reset`](MarkovKernel::reset)
/// to the position that the other has reached, which rebuilds its caches (for gradient kernels
/// one gradient). The position of the cycle is that of the kernel that stepped last. Products
/// nest: `Cycle::new(a, Cycle::new(b, c))`.
///
/// A product of invariant kernels is invariant. It is not reversible in general, and that both
/// parts are ergodic does not make it ergodic (two alternating shifts may cancel), so neither is
/// claimed. [`palindrome`](Self::palindrome) runs `first, second, first`, which is reversible if
/// both are.
///
/// ```
/// use ergodic_conformance::{check, strategies::PairwiseSpins};
/// use ergodic_samplers::{Cycle, Gibbs, Metropolis, Scan, UniformSite};
///
/// let target = PairwiseSpins::torus(2, 0.4)?;
/// let kernel = Cycle::new(
///     Gibbs::new(Scan::Random),
///     Metropolis::new(UniformSite::new(4)?),
/// );
/// check(&kernel.palindrome(), &target, &target.states(), 1e-14)?.assert();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycle<A, B> {
    first: A,
    second: B,
    palindrome: bool,
}

impl<A, B> Cycle<A, B> {
    /// `first`, then `second`.
    pub const fn new(first: A, second: B) -> Self {
        Self {
            first,
            second,
            palindrome: false,
        }
    }

    /// `first`, `second`, `first`: reversible if both are.
    pub fn palindrome(mut self) -> Self {
        self.palindrome = true;
        self
    }
}

impl<T, A, B> MarkovKernel<T> for Cycle<A, B>
where
    T: Energy + ?Sized,
    A: MarkovKernel<T>,
    B: MarkovKernel<T>,
{
    type State = (A::State, B::State);
    /// What the first kernel reported (twice in a palindrome), and the second.
    type Info = (Repeated<A::Info>, B::Info);

    fn claims(&self) -> Claims {
        let (a, b) = (self.first.claims(), self.second.claims());
        let product = a.then(b);
        if self.palindrome
            && a.stationarity == Stationarity::Reversible
            && b.stationarity == Stationarity::Reversible
        {
            Claims {
                stationarity: Stationarity::Reversible,
                ..product
            }
        } else {
            product
        }
    }

    fn init(&self, target: &T, x: &T::State) -> Result<Self::State, TargetError> {
        Ok((self.first.init(target, x)?, self.second.init(target, x)?))
    }

    fn position<'s>(&self, target: &T, state: &'s Self::State) -> &'s T::State
    where
        T: 's,
    {
        if self.palindrome {
            self.first.position(target, &state.0)
        } else {
            self.second.position(target, &state.1)
        }
    }

    fn reset(
        &self,
        target: &T,
        (a, b): &mut Self::State,
        x: Option<&T::State>,
    ) -> Result<(), TargetError> {
        if self.palindrome {
            self.first.reset(target, a, x)?;
            self.second
                .reset(target, b, Some(self.first.position(target, a)))
        } else {
            self.second.reset(target, b, x)?;
            self.first
                .reset(target, a, Some(self.second.position(target, b)))
        }
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        (a, b): &mut Self::State,
        rng: &mut R,
    ) -> Result<Self::Info, TargetError> {
        if !self.palindrome {
            self.first
                .reset(target, a, Some(self.second.position(target, b)))?;
        }
        let mut first = Repeated::once(self.first.step(target, a, rng)?);
        self.second
            .reset(target, b, Some(self.first.position(target, a)))?;
        let second = self.second.step(target, b, rng)?;
        if self.palindrome {
            self.first
                .reset(target, a, Some(self.second.position(target, b)))?;
            first.then(self.first.step(target, a, rng)?);
        }
        Ok((first, second))
    }

    fn adapt<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        (a, b): &mut Self::State,
        info: Option<&Self::Info>,
        at: WarmupStep,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let first = info.map(|i| i.0.last());
        self.first.adapt(target, a, first, at, rng)?;
        self.second.adapt(target, b, info.map(|i| &i.1), at, rng)
    }
}

/// One of two things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Either<A, B> {
    /// Of the first kernel.
    First(A),
    /// Of the second kernel.
    Second(B),
}

impl<A: StepInfo, B: StepInfo> StepInfo for Either<A, B> {
    fn stats(&self) -> StepStats {
        match self {
            Self::First(a) => a.stats(),
            Self::Second(b) => b.stats(),
        }
    }
}

/// What a [`Mixture`] carries: the states of both kernels, and which of them holds the position.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MixtureState<A, B> {
    first: A,
    second: B,
    in_first: bool,
}

/// `first` with probability `weight`, else `second`: `w P + (1 − w) Q`.
///
/// Reversible if both are, invariant if both are, and ergodic if either is. The kernel that is
/// chosen is reset to the other's position if the other stepped last. Weight 0 or 1 is excluded:
/// use the kernel itself.
///
/// ```
/// use ergodic_conformance::{check, strategies::PairwiseSpins};
/// use ergodic_samplers::{Gibbs, MetropolisSweep, Mixture, Scan};
///
/// // A sweep alone may be trapped; with some Gibbs updates it is ergodic.
/// let target = PairwiseSpins::torus(2, 0.4)?;
/// let kernel = Mixture::new(0.9, MetropolisSweep::new(4, Scan::Sweep)?, Gibbs::new(Scan::Random))?;
/// check(&kernel, &target, &target.states(), 1e-14)?.assert();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixture<A, B> {
    weight: f64,
    first: A,
    second: B,
}

impl<A, B> Mixture<A, B> {
    /// `first` with probability `weight`, else `second`.
    ///
    /// # Errors
    /// If the weight is not strictly between 0 and 1.
    pub fn new(weight: f64, first: A, second: B) -> Result<Self, ArgumentError> {
        if !(weight > 0.0 && weight < 1.0) {
            return Err(ArgumentError::new(
                "weight",
                weight,
                "strictly between 0 and 1",
            ));
        }
        Ok(Self {
            weight,
            first,
            second,
        })
    }
}

impl<T, A, B> MarkovKernel<T> for Mixture<A, B>
where
    T: Energy + ?Sized,
    A: MarkovKernel<T>,
    B: MarkovKernel<T>,
{
    type State = MixtureState<A::State, B::State>;
    type Info = Either<A::Info, B::Info>;

    fn claims(&self) -> Claims {
        let (a, b) = (self.first.claims(), self.second.claims());
        let stationarity = match (a.stationarity, b.stationarity) {
            (Stationarity::Reversible, Stationarity::Reversible) => Stationarity::Reversible,
            // As for a product: the worse of the two.
            _ => a.then(b).stationarity,
        };
        Claims {
            stationarity,
            ergodic: a.ergodic || b.ergodic,
        }
    }

    fn init(&self, target: &T, x: &T::State) -> Result<Self::State, TargetError> {
        Ok(MixtureState {
            first: self.first.init(target, x)?,
            second: self.second.init(target, x)?,
            in_first: true,
        })
    }

    fn position<'s>(&self, target: &T, state: &'s Self::State) -> &'s T::State
    where
        T: 's,
    {
        if state.in_first {
            self.first.position(target, &state.first)
        } else {
            self.second.position(target, &state.second)
        }
    }

    fn reset(
        &self,
        target: &T,
        state: &mut Self::State,
        x: Option<&T::State>,
    ) -> Result<(), TargetError> {
        let MixtureState { first, second, .. } = state;
        if state.in_first {
            self.first.reset(target, first, x)?;
            self.second
                .reset(target, second, Some(self.first.position(target, first)))
        } else {
            self.second.reset(target, second, x)?;
            self.first
                .reset(target, first, Some(self.second.position(target, second)))
        }
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<Self::Info, TargetError> {
        let MixtureState {
            first,
            second,
            in_first,
        } = state;
        if rng.bernoulli(self.weight) {
            if !*in_first {
                self.first
                    .reset(target, first, Some(self.second.position(target, second)))?;
                *in_first = true;
            }
            self.first.step(target, first, rng).map(Either::First)
        } else {
            if *in_first {
                self.second
                    .reset(target, second, Some(self.first.position(target, first)))?;
                *in_first = false;
            }
            self.second.step(target, second, rng).map(Either::Second)
        }
    }

    fn adapt<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut Self::State,
        info: Option<&Self::Info>,
        at: WarmupStep,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let (a, b) = match info {
            Some(Either::First(a)) => (Some(a), None),
            Some(Either::Second(b)) => (None, Some(b)),
            None => (None, None),
        };
        self.first.adapt(target, &mut state.first, a, at, rng)?;
        self.second.adapt(target, &mut state.second, b, at, rng)
    }
}

/// What a kernel reported that ran several times in one step: the last report, and the account of
/// all.
///
/// ```
/// use ergodic_core::StepInfo;
/// use ergodic_samplers::Repeated;
///
/// let mut all = Repeated::once(true);
/// all.then(false);
/// all.then(false);
/// assert_eq!((all.times(), *all.last()), (3, false));
/// assert_eq!(all.stats().acceptance, Some(1.0 / 3.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Repeated<I> {
    last: I,
    times: u32,
    stats: StepStats,
    /// Acceptances, as a sum and a count: their mean weighs every repetition alike.
    acceptance: (f64, u32),
}

impl<I: StepInfo> Repeated<I> {
    /// The report of the first run.
    pub fn once(info: I) -> Self {
        let stats = info.stats();
        Self {
            last: info,
            times: 1,
            stats,
            acceptance: stats.acceptance.map_or((0.0, 0), |a| (a, 1)),
        }
    }

    /// Adds the report of one more run.
    pub fn then(&mut self, info: I) {
        let stats = info.stats();
        if let Some(a) = stats.acceptance {
            self.acceptance.0 += a;
            self.acceptance.1 += 1;
        }
        self.stats = self.stats.then(stats);
        if self.acceptance.1 > 0 {
            self.stats.acceptance = Some(self.acceptance.0 / f64::from(self.acceptance.1));
        }
        self.last = info;
        self.times += 1;
    }

    /// What the last run reported.
    pub const fn last(&self) -> &I {
        &self.last
    }

    /// How many runs there were.
    pub const fn times(&self) -> u32 {
        self.times
    }
}

impl<I> StepInfo for Repeated<I> {
    fn stats(&self) -> StepStats {
        self.stats
    }
}

/// A kernel `times` times: `Pⁿ`, with every claim of `P`.
///
/// The report holds what the last repetition said and the account of all of them
/// ([`Repeated`]); [`adapt`](MarkovKernel::adapt) hands the former on, so that a warm-up learns from
/// one repetition of each step. A power of an irreducible *aperiodic* kernel stays so; reversibility and invariance survive any power. Beware of even powers of a kernel that may
/// alternate: two Metropolis flips of a single free spin are the identity.
///
/// ```
/// use ergodic_conformance::{check, strategies::PairwiseSpins};
/// use ergodic_samplers::{Gibbs, Repeat, Scan};
///
/// let target = PairwiseSpins::torus(2, 0.4)?;
/// let kernel = Repeat::new(3, Gibbs::new(Scan::Random))?;
/// check(&kernel, &target, &target.states(), 1e-14)?.assert();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat<K> {
    times: usize,
    kernel: K,
}

impl<K> Repeat<K> {
    /// `kernel`, `times` times per step.
    ///
    /// # Errors
    /// If `times` is 0.
    pub fn new(times: usize, kernel: K) -> Result<Self, ArgumentError> {
        if times == 0 {
            return Err(ArgumentError::new("times", times, "at least 1"));
        }
        Ok(Self { times, kernel })
    }
}

impl<T, K> MarkovKernel<T> for Repeat<K>
where
    T: Energy + ?Sized,
    K: MarkovKernel<T>,
{
    type State = K::State;
    type Info = Repeated<K::Info>;

    fn claims(&self) -> Claims {
        self.kernel.claims()
    }

    fn init(&self, target: &T, x: &T::State) -> Result<Self::State, TargetError> {
        self.kernel.init(target, x)
    }

    fn position<'s>(&self, target: &T, state: &'s Self::State) -> &'s T::State
    where
        T: 's,
    {
        self.kernel.position(target, state)
    }

    fn reset(
        &self,
        target: &T,
        state: &mut Self::State,
        x: Option<&T::State>,
    ) -> Result<(), TargetError> {
        self.kernel.reset(target, state, x)
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<Self::Info, TargetError> {
        let mut all = Repeated::once(self.kernel.step(target, state, rng)?);
        for _ in 1..self.times {
            all.then(self.kernel.step(target, state, rng)?);
        }
        Ok(all)
    }

    fn adapt<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut Self::State,
        info: Option<&Self::Info>,
        at: WarmupStep,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let last = info.map(Repeated::last);
        self.kernel.adapt(target, state, last, at, rng)
    }
}
