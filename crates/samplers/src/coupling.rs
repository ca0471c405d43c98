//! Coupling from the past: exact draws from monotone systems.

use std::borrow::{Borrow, BorrowMut};
use std::fmt;

use ergodic_core::{
    ArgumentError, Claims, Conditional, Energy, MarkovKernel, Randomness, StepInfo, StepStats,
    TargetError,
};
use ergodic_math::rng;

use crate::{probe, start};

/// A target on a partially ordered space with an ergodic update that keeps the order when two
/// copies share their randomness.
///
/// Promises: [`update`](Self::update) leaves the target invariant; for `x ⪯ y` and one and the same
/// randomness `update(x) ⪯ update(y)`; every state lies between [`lowest`](Self::lowest) and
/// [`highest`](Self::highest). A `bernoulli(p)` whose `p` rises with the state is monotone: it is
/// one uniform below `p` for both. The update makes the same *calls* whatever the state is.
///
/// Implemented by [`Attractive`] for spins.
///
/// ```
/// use ergodic_core::{Energy, Randomness};
/// use ergodic_samplers::Monotone;
///
/// /// A walk on 0..=9 that goes up with probability 0.4: π ∝ (2/3)^x.
/// struct Ladder;
/// impl Energy for Ladder {
///     type State = u32;
///     fn energy(&self, x: &u32) -> f64 {
///         f64::from(*x) * 1.5f64.ln()
///     }
/// }
/// impl Monotone for Ladder {
///     fn lowest(&self, x: &mut u32) {
///         *x = 0;
///     }
///     fn highest(&self, x: &mut u32) {
///         *x = 9;
///     }
///     fn precedes(&self, x: &u32, y: &u32) -> bool {
///         x <= y
///     }
///     fn update<R: Randomness + ?Sized>(&self, x: &mut u32, rng: &mut R) {
///         *x = if rng.bernoulli(0.4) { (*x + 1).min(9) } else { x.saturating_sub(1) };
///     }
/// }
/// ```
pub trait Monotone: Energy {
    /// Overwrites `x`, which has the right shape, by the lowest state.
    fn lowest(&self, x: &mut Self::State);

    /// Overwrites `x`, which has the right shape, by the highest state.
    fn highest(&self, x: &mut Self::State);

    /// Whether `x ⪯ y`.
    fn precedes(&self, x: &Self::State, y: &Self::State) -> bool;

    /// One update.
    fn update<R: Randomness + ?Sized>(&self, x: &mut Self::State, rng: &mut R);
}

/// Spins `±1` whose conditionals rise with every other spin (ferromagnets, in any field): an update
/// is a Gibbs sweep in the order of the sites.
///
/// The target's conditional of a site has to be one `bernoulli(P(up))`, `true` meaning `+1`.
///
/// ```
/// use ergodic_conformance::strategies::PairwiseSpins;
/// use ergodic_samplers::Attractive;
///
/// assert!(Attractive::new(PairwiseSpins::torus(3, 0.4)?).is_ok());
/// let error = Attractive::new(PairwiseSpins::torus(3, -0.4)?).unwrap_err();
/// assert!(error.to_string().contains("less likely"));
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attractive<T> {
    target: T,
}

impl<T: Conditional<State = [i8]>> Attractive<T> {
    /// Checks that no spin makes another less likely to be up: for every pair, at all spins down,
    /// all up, and four configurations in between, which decides it for pairwise interactions.
    ///
    /// Cost: twelve conditionals per pair of sites, once.
    ///
    /// # Errors
    /// Names the pair of sites; or that the conditional of a site is something else than one
    /// `bernoulli`, or that there are no sites.
    pub fn new(target: T) -> Result<Self, ArgumentError> {
        let n = target.num_sites();
        if n == 0 {
            return Err(ArgumentError::new(
                "target",
                "without sites",
                "of some sites",
            ));
        }
        let error = |found: String| {
            ArgumentError::new(
                "target",
                found,
                "spins whose conditionals are one bernoulli(P(up)) that rises with every spin",
            )
        };
        let up = |s: &[i8], site: usize| -> Result<f64, ArgumentError> {
            let law = probe::conditional_law(&target, s, site)
                .map_err(|why| error(why.text().to_owned()))?;
            // Paths "up" and "down" record (p, 1 − p) each; a certain outcome is one path.
            let (p, first) = (law.weights.first().copied(), law.outcomes.first());
            let value = first.and_then(|s| s.get(site).copied());
            let one = law.weights.len() == 2 * law.outcomes.len() && law.outcomes.len() <= 2;
            match (p, value) {
                (Some(p), Some(v)) if one && v == (if p > 0.0 { 1 } else { -1 }) => Ok(p),
                _ => Err(error(format!(
                    "a conditional of another form at site {site}"
                ))),
            }
        };
        let mut random = rng::stream(0, 0);
        for k in 0..6 {
            let mut s: Vec<i8> = (0..n)
                .map(|_| match k {
                    0 => -1,
                    1 => 1,
                    _ => 2 * i8::from(rng::bernoulli(&mut random, 0.5)) - 1,
                })
                .collect();
            for i in 0..n {
                for j in (0..n).filter(|&j| j != i) {
                    let kept = s[j];
                    s[j] = -1;
                    let below = up(&s, i)?;
                    s[j] = 1;
                    let above = up(&s, i)?;
                    s[j] = kept;
                    // Rounding of a local field that is summed in another order.
                    if above < below - 1e-12 {
                        return Err(error(format!(
                            "one whose spin {i} is less likely up when spin {j} is up"
                        )));
                    }
                }
            }
        }
        Ok(Self { target })
    }

    /// The spins.
    pub const fn target(&self) -> &T {
        &self.target
    }
}

impl<T: Conditional<State = [i8]>> Energy for Attractive<T> {
    type State = [i8];
    /// That of the spins; NaN for another number of them, which kernels refuse as a start.
    fn energy(&self, s: &[i8]) -> f64 {
        if s.len() == self.target.num_sites() {
            self.target.energy(s)
        } else {
            f64::NAN
        }
    }
}

impl<T: Conditional<State = [i8]>> Monotone for Attractive<T> {
    fn lowest(&self, s: &mut [i8]) {
        s.fill(-1);
    }
    fn highest(&self, s: &mut [i8]) {
        s.fill(1);
    }
    fn precedes(&self, s: &[i8], t: &[i8]) -> bool {
        s.iter().zip(t).all(|(s, t)| s <= t)
    }
    fn update<R: Randomness + ?Sized>(&self, s: &mut [i8], rng: &mut R) {
        for site in 0..self.target.num_sites() {
            self.target.resample_site(s, site, 1.0, rng);
        }
    }
}

/// Why coupling from the past gave no draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CouplingError {
    /// The chains from the lowest and the highest state crossed: the update is not monotone.
    NotMonotone {
        /// At which time before the present.
        time: u64,
    },
    /// They had not met after the longest past that was allowed.
    NotCoalesced {
        /// How many updates that is.
        limit: u64,
    },
}

impl fmt::Display for CouplingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMonotone { time } => write!(
                f,
                "the update is not monotone: the chain from the lowest state was not below that \
                 from the highest {time} updates before the present"
            ),
            Self::NotCoalesced { limit } => write!(
                f,
                "the chains from the lowest and the highest state had not met after {limit} updates"
            ),
        }
    }
}

impl std::error::Error for CouplingError {}

/// Coupling from the past with the randomness of the caller: leaves an exact draw in `lower` (and
/// in `upper`) and returns how many updates into the past it reached, a power of two.
///
/// `slice(t)` is the randomness of the update at time `−t`, `t ≥ 1`. It is asked for the same `t`
/// again and again and has to answer *the same* each time, and independently for different `t`:
/// a fresh stream for a slice that was used before is the classic bug, and biases the draw.
///
/// Algorithm as in [`CouplingFromThePast`], which is the comfortable form.
///
/// # Errors
/// [`CouplingError`]. The contents of `lower` and `upper` are then not a draw.
///
/// ```
/// use ergodic_conformance::strategies::PairwiseSpins;
/// use ergodic_math::rng::stream;
/// use ergodic_samplers::{Attractive, coupling_from_the_past};
///
/// let target = Attractive::new(PairwiseSpins::torus(4, 0.3)?)?;
/// let (mut lower, mut upper) = ([0i8; 16], [0i8; 16]);
/// coupling_from_the_past(&target, &mut lower, &mut upper, 1 << 20, |t| stream(1, t))?;
/// assert_eq!(lower, upper);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn coupling_from_the_past<T, R>(
    target: &T,
    lower: &mut T::State,
    upper: &mut T::State,
    limit: u64,
    mut slice: impl FnMut(u64) -> R,
) -> Result<u64, CouplingError>
where
    T: Monotone + ?Sized,
    R: Randomness,
{
    let mut past = 1u64;
    while past <= limit {
        target.lowest(lower);
        target.highest(upper);
        for time in (1..=past).rev() {
            target.update(lower, &mut slice(time));
            target.update(upper, &mut slice(time));
            if !target.precedes(lower, upper) {
                return Err(CouplingError::NotMonotone { time });
            }
        }
        if target.precedes(upper, lower) {
            return Ok(past);
        }
        past = past.saturating_mul(2);
        if past == u64::MAX {
            break;
        }
    }
    Err(CouplingError::NotCoalesced { limit })
}

/// Coupling from the past (Propp and Wilson, *Random Struct. Algorithms* 9, 223, 1996): every step
/// is an independent draw from *exactly* the target, with no burn-in.
///
/// Run the chains from the lowest and the highest state from time `−T` to 0 with the same
/// randomness. If they meet, every start would have led to that state, also one in the infinite
/// past: it is a draw from the stationary law. If not, double `T`, *keeping the randomness of the
/// times that were used before*; here each time has its own stream under a key that is drawn once
/// per step.
///
/// Cost: the expected number of updates is at most `4·T_c`, `T_c` the time to meet, which is within
/// a factor of order `log n` of the mixing time; per update two, and a comparison. For the Ising
/// ferromagnet that is fast above the critical temperature and exponential in the side below.
///
/// ```
/// use ergodic_conformance::strategies::PairwiseSpins;
/// use ergodic_core::MarkovKernel;
/// use ergodic_samplers::{Attractive, CouplingFromThePast};
///
/// // One spin in a field h: P(up) = 1/(1 + e^{−2h}).
/// let target = Attractive::new(PairwiseSpins::new(vec![0.0], vec![0.5])?)?;
/// let mut kernel = CouplingFromThePast::default();
/// let mut state = kernel.init(&target, &[-1])?;
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let mut up = 0;
/// for _ in 0..10_000 {
///     kernel.step(&target, &mut state, &mut rng)?;
///     up += u32::from(kernel.position(&target, &state)[0] == 1);
/// }
/// assert!((f64::from(up) / 1e4 - 1.0 / (1.0 + (-1f64).exp())).abs() < 0.03);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CouplingFromThePast {
    limit: u64,
}

impl CouplingFromThePast {
    /// With at most `limit` updates into the past before it is an error; 2²⁰ by default. An error
    /// that strikes often would bias what is left, towards states that are reached fast: choose the
    /// limit so large that it never does.
    ///
    /// # Errors
    /// If the limit is 0.
    pub fn new(limit: u64) -> Result<Self, ArgumentError> {
        if limit == 0 {
            return Err(ArgumentError::new("limit", limit, "at least 1"));
        }
        Ok(Self { limit })
    }
}

impl Default for CouplingFromThePast {
    fn default() -> Self {
        Self { limit: 1 << 20 }
    }
}

/// What a [`CouplingFromThePast`] sampler carries: the last draw, and scratch.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq)]
pub struct CouplingState<X> {
    position: X,
    upper: X,
}

/// What a draw by coupling from the past took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CouplingInfo {
    /// How many updates into the past the successful attempt reached, a power of two; the work is
    /// below four times that.
    pub past: u64,
}

impl StepInfo for CouplingInfo {
    fn stats(&self) -> StepStats {
        StepStats {
            acceptance: Some(1.0),
            ..StepStats::default()
        }
    }
}

impl<T> MarkovKernel<T> for CouplingFromThePast
where
    T: Monotone + ?Sized,
    <T::State as ToOwned>::Owned: Clone + BorrowMut<T::State>,
{
    type State = CouplingState<<T::State as ToOwned>::Owned>;
    type Info = CouplingInfo;

    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }

    fn init(&self, target: &T, x: &T::State) -> Result<Self::State, TargetError> {
        Ok(CouplingState {
            position: start::begin(target, x)?,
            upper: x.to_owned(),
        })
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
        start::again(target, &mut state.position, x)?;
        if let Some(x) = x {
            x.clone_into(&mut state.upper);
        }
        Ok(())
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<CouplingInfo, TargetError> {
        // A key of 64 bits: the randomness argument may be anything, so its draws are not streams.
        let mut key = 0u64;
        for _ in 0..4 {
            key = key << 16 | rng.index(1 << 16) as u64;
        }
        coupling_from_the_past(
            target,
            state.position.borrow_mut(),
            state.upper.borrow_mut(),
            self.limit,
            |time| rng::stream(key, time),
        )
        .map(|past| CouplingInfo { past })
        .map_err(|e| TargetError::new(e.to_string()))
    }
}
