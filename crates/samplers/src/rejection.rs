//! Rejection sampling: exact draws under an envelope.

use std::borrow::{Borrow, BorrowMut};
use std::fmt;

use ergodic_core::{
    ArgumentError, Claims, Energy, MarkovKernel, Randomness, StepInfo, StepStats, TargetError,
};
use ergodic_math::Real;

use crate::{ExactLaw, start};

/// Why rejection sampling gave no draw.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RejectionError {
    /// The target is above the envelope at a proposal: the draws so far may be biased too.
    EnvelopeViolated {
        /// `log π̃(x) − log q̃(x)` there.
        log_ratio: f64,
        /// The bound that was promised.
        log_bound: f64,
    },
    /// No proposal was accepted among as many as were allowed.
    Exhausted {
        /// The limit.
        proposals: u64,
    },
    /// The target, or the law of the proposals, failed.
    Target(TargetError),
}

impl fmt::Display for RejectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnvelopeViolated {
                log_ratio,
                log_bound,
            } => write!(
                f,
                "the envelope is violated: the log ratio of target and proposal is {log_ratio} at a \
                 proposal, but log_bound promises at most {log_bound}"
            ),
            Self::Exhausted { proposals } => {
                write!(f, "none of {proposals} proposals was accepted")
            }
            Self::Target(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for RejectionError {}

impl From<TargetError> for RejectionError {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}

impl From<RejectionError> for TargetError {
    fn from(error: RejectionError) -> Self {
        match error {
            RejectionError::Target(e) => e,
            other => Self::new(other.to_string()),
        }
    }
}

/// Rejection sampling: draw `x ∼ q`, take it with probability `π̃(x) / (c q̃(x))`, else draw again.
///
/// Von Neumann (1951). With unnormalised densities `π̃ = e^{−E}` and `q̃ = e^{−E_q}` the envelope is
/// `E_q(x) − E(x) ≤ log c` for every `x`; each step is then an independent draw from exactly the
/// target. The mean acceptance is `Z/(c Z_q)`, so that its estimate also estimates `Z`. A proposal
/// above the envelope (beyond the rounding of the energies) is an error, never a clamped
/// probability: the user's `log c` was wrong.
///
/// Cost: `c Z_q/Z` draws and pairs of energies per step on average, exponential in the dimension for
/// all but the best envelopes. Use it in few dimensions, for truncated laws, and as a reference.
///
/// ```
/// use ergodic_core::{Energy, MarkovKernel, StepInfo};
/// use ergodic_samplers::{Gaussian, Rejection};
///
/// /// x⁴ above a standard normal: E = x⁴ + x²/2 ≥ E_q, so log c = 0.
/// struct Quartic;
/// impl Energy for Quartic {
///     type State = [f64];
///     fn energy(&self, x: &[f64]) -> f64 {
///         x[0].powi(4) + 0.5 * x[0] * x[0]
///     }
/// }
/// let mut kernel = Rejection::new(Gaussian::standard(1)?, 0.0)?;
/// let mut state = kernel.init(&Quartic, &[0.0])?;
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let (mut proposals, draws) = (0, 10_000);
/// for _ in 0..draws {
///     proposals += kernel.step(&Quartic, &mut state, &mut rng)?.proposals;
/// }
/// // Z/Z_q = ∫ exp(−x⁴ − x²/2) dx/√(2π) = 0.6186…
/// assert!((f64::from(draws) / proposals as f64 - 0.6186).abs() < 0.02);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rejection<Q> {
    law: Q,
    log_bound: f64,
    max_proposals: u64,
}

impl<Q> Rejection<Q> {
    /// Proposing from `law`, with `log_bound` the promised maximum of `E_q(x) − E(x)`.
    ///
    /// # Errors
    /// If the bound is not finite.
    pub fn new(law: Q, log_bound: f64) -> Result<Self, ArgumentError> {
        if !log_bound.is_finite() {
            return Err(ArgumentError::new("log_bound", log_bound, "finite"));
        }
        Ok(Self {
            law,
            log_bound,
            max_proposals: 100_000_000,
        })
    }

    /// How many proposals one draw may take before it is an error; 10⁸ by default.
    ///
    /// # Errors
    /// If it is 0.
    pub fn max_proposals(mut self, proposals: u64) -> Result<Self, ArgumentError> {
        if proposals == 0 {
            return Err(ArgumentError::new("max_proposals", proposals, "at least 1"));
        }
        self.max_proposals = proposals;
        Ok(self)
    }
}

/// What a draw by rejection took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RejectionInfo {
    /// Proposals, the accepted one included.
    pub proposals: u64,
    /// The mean probability of acceptance over these proposals. Its average over draws is biased
    /// upwards (a draw ends with a success): estimate the acceptance as draws per proposals.
    pub acceptance: f64,
    /// Proposals of infinite energy, or NaN.
    pub forbidden: u64,
    /// The energy of the draw.
    pub energy: f64,
}

impl StepInfo for RejectionInfo {
    fn stats(&self) -> StepStats {
        StepStats {
            acceptance: Some(self.acceptance),
            energy: Some(self.energy),
            energies: self.proposals,
            forbidden: self.forbidden,
            ..StepStats::default()
        }
    }
}

impl<Q: ExactLaw> Rejection<Q> {
    /// Overwrites `x`, which has the right shape, by a draw from the target.
    ///
    /// # Errors
    /// [`RejectionError`]; `x` is then not a draw.
    pub fn draw<T, R>(
        &self,
        target: &T,
        x: &mut T::State,
        rng: &mut R,
    ) -> Result<RejectionInfo, RejectionError>
    where
        T: Energy<State = Q::State> + ?Sized,
        R: Randomness + ?Sized,
    {
        let (mut total, mut forbidden) = (0.0, 0);
        for proposals in 1..=self.max_proposals {
            self.law.draw(x, rng);
            let energy = start::proposed_energy(target, x)?;
            let law_energy = self.law.energy(x);
            if !law_energy.is_finite() {
                let what = "energy of the proposal's law at its own draw";
                return Err(TargetError::non_finite(what, law_energy).into());
            }
            let log_ratio = law_energy - energy;
            let excess = log_ratio - self.log_bound;
            let rounding =
                8.0 * f64::EPSILON * (law_energy.abs() + energy.abs() + self.log_bound.abs());
            if excess > rounding {
                return Err(RejectionError::EnvelopeViolated {
                    log_ratio,
                    log_bound: self.log_bound,
                });
            }
            let acceptance = if excess >= 0.0 {
                1.0
            } else {
                Real::exp(excess)
            };
            total += acceptance;
            forbidden += u64::from(energy == f64::INFINITY);
            if rng.bernoulli(acceptance) {
                return Ok(RejectionInfo {
                    proposals,
                    acceptance: total / proposals as f64,
                    forbidden,
                    energy,
                });
            }
        }
        Err(RejectionError::Exhausted {
            proposals: self.max_proposals,
        })
    }
}

impl<T, Q> MarkovKernel<T> for Rejection<Q>
where
    T: Energy + ?Sized,
    <T::State as ToOwned>::Owned: Clone + BorrowMut<T::State>,
    Q: ExactLaw<State = T::State> + Clone,
{
    type State = <T::State as ToOwned>::Owned;
    type Info = RejectionInfo;

    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }

    fn init(&self, target: &T, x: &T::State) -> Result<Self::State, TargetError> {
        start::begin(target, x)
    }

    fn position<'s>(&self, _: &T, state: &'s Self::State) -> &'s T::State
    where
        T: 's,
    {
        state.borrow()
    }

    fn reset(
        &self,
        target: &T,
        state: &mut Self::State,
        x: Option<&T::State>,
    ) -> Result<(), TargetError> {
        start::again(target, state, x)
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<RejectionInfo, TargetError> {
        Ok(self.draw(target, state.borrow_mut(), rng)?)
    }
}
