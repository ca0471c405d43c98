//! Delayed rejection: a second, other proposal where the first was refused.

use std::borrow::{Borrow, BorrowMut};

use ergodic_core::{
    ArgumentError, Claims, Energy, MarkovKernel, Randomness, Stationarity, StepInfo, StepStats,
    TargetError,
};
use ergodic_math::special::log1m_exp;

use crate::{Acceptance, Reach, Threshold, start};

/// The two proposals of [`DelayedRejection`]: `q₁(x → y)` and, when `y` was rejected,
/// `q₂(x, y → z)`, which may learn from `y`.
///
/// Log densities are up to a constant: one for all of `q₁`, one for all of `q₂`; `−∞` where a
/// proposal cannot go.
///
/// ```
/// use ergodic_core::{Energy, Randomness};
/// use ergodic_samplers::DelayedProposal;
///
/// /// A long step, and if that fails a short one back towards where it came from.
/// #[derive(Clone)]
/// struct LongShort;
/// impl<T: Energy<State = f64> + ?Sized> DelayedProposal<T> for LongShort {
///     fn first<R: Randomness + ?Sized>(&self, _: &T, x: &f64, y: &mut f64, rng: &mut R) {
///         *y = x + 4.0 * rng.normal();
///     }
///     fn log_first(&self, _: &T, x: &f64, y: &f64) -> f64 {
///         -0.5 * ((y - x) / 4.0).powi(2)
///     }
///     fn second<R: Randomness + ?Sized>(&self, _: &T, x: &f64, y: &f64, z: &mut f64, rng: &mut R) {
///         *z = x + 0.1 * (y - x) + 0.5 * rng.normal();
///     }
///     fn log_second(&self, _: &T, x: &f64, y: &f64, z: &f64) -> f64 {
///         -0.5 * ((z - x - 0.1 * (y - x)) / 0.5).powi(2)
///     }
/// }
/// ```
pub trait DelayedProposal<T: Energy + ?Sized>: Clone {
    /// Overwrites `y`, which has the shape of `x` and an arbitrary content, by a draw from
    /// `q₁(x → ·)`.
    fn first<R: Randomness + ?Sized>(
        &self,
        target: &T,
        x: &T::State,
        y: &mut T::State,
        rng: &mut R,
    );

    /// `log q₁(x → y)`.
    fn log_first(&self, target: &T, x: &T::State, y: &T::State) -> f64;

    /// Overwrites `z` by a draw from `q₂(x, y → ·)`, `y` having been rejected.
    fn second<R: Randomness + ?Sized>(
        &self,
        target: &T,
        x: &T::State,
        y: &T::State,
        z: &mut T::State,
        rng: &mut R,
    );

    /// `log q₂(x, y → z)`.
    fn log_second(&self, target: &T, x: &T::State, y: &T::State, z: &T::State) -> f64;

    /// How far the *first* proposal reaches; [`Reach::Unknown`] if nothing is said.
    fn reach(&self) -> Reach {
        Reach::Unknown
    }
}

/// Gaussian steps of two scales, both from the position: `N(x, s²I)`, then `N(x, (ρs)²I)`.
///
/// The scale form of Green and Mira (*Biometrika* 88, 1035, 2001) and of DRAM (Haario et al.,
/// *Stat. Comput.* 16, 339, 2006): a first step that is bold, and a second that is safe.
///
/// ```
/// use ergodic_samplers::GaussianScales;
///
/// assert!(GaussianScales::new(2.4, 0.2).is_ok());
/// assert!(GaussianScales::new(2.4, 0.0).is_err());
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianScales {
    scale: f64,
    ratio: f64,
}

impl GaussianScales {
    /// Standard deviations `scale` and `ratio · scale` per coordinate, in the units of the
    /// coordinates.
    ///
    /// # Errors
    /// If either is not finite and above 0.
    pub fn new(scale: f64, ratio: f64) -> Result<Self, ArgumentError> {
        for (name, value) in [("scale", scale), ("ratio", ratio)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(ArgumentError::new(name, value, "a finite number above 0"));
            }
        }
        Ok(Self { scale, ratio })
    }
}

fn walk<R: Randomness + ?Sized>(x: &[f64], scale: f64, to: &mut [f64], rng: &mut R) {
    rng.fill_normal(to);
    for (to, x) in to.iter_mut().zip(x) {
        *to = x + scale * *to;
    }
}

fn log_normal(x: &[f64], scale: f64, to: &[f64]) -> f64 {
    let square: f64 = x
        .iter()
        .zip(to)
        .map(|(x, to)| {
            let z = (to - x) / scale;
            z * z
        })
        .sum();
    -0.5 * square
}

impl<T: Energy<State = [f64]> + ?Sized> DelayedProposal<T> for GaussianScales {
    fn first<R: Randomness + ?Sized>(&self, _: &T, x: &[f64], y: &mut [f64], rng: &mut R) {
        walk(x, self.scale, y, rng);
    }
    fn log_first(&self, _: &T, x: &[f64], y: &[f64]) -> f64 {
        log_normal(x, self.scale, y)
    }
    fn second<R: Randomness + ?Sized>(
        &self,
        _: &T,
        x: &[f64],
        _: &[f64],
        z: &mut [f64],
        rng: &mut R,
    ) {
        walk(x, self.ratio * self.scale, z, rng);
    }
    fn log_second(&self, _: &T, x: &[f64], _: &[f64], z: &[f64]) -> f64 {
        log_normal(x, self.ratio * self.scale, z)
    }
    fn reach(&self) -> Reach {
        Reach::Everywhere
    }
}

/// What a [`DelayedRejection`] kernel carries: the position with its energy, and room for two
/// candidates.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DelayedRejectionState<X> {
    position: X,
    energy: f64,
    first: X,
    second: X,
}

/// What a step with delayed rejection did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DelayedRejectionInfo {
    /// Whether one of the candidates was accepted.
    pub accepted: bool,
    /// The probability of accepting the first candidate.
    pub first: f64,
    /// The probability of accepting the second one, had the first been rejected; `None` if it was
    /// not.
    pub second: Option<f64>,
    /// How many of the candidates had infinite energy, or NaN.
    pub forbidden: u32,
    /// The energy after the step.
    pub energy: f64,
}

impl StepInfo for DelayedRejectionInfo {
    fn stats(&self) -> StepStats {
        StepStats {
            acceptance: Some(self.second.map_or(self.first, |s| 0.5 * (self.first + s))),
            energy: Some(self.energy),
            energies: 1 + u64::from(self.second.is_some()),
            forbidden: u64::from(self.forbidden),
            ..StepStats::default()
        }
    }
}

/// Delayed rejection in two stages: when `y ∼ q₁(x → ·)` is rejected, `z ∼ q₂(x, y → ·)` has a
/// chance before the chain stays.
///
/// Tierney and Mira, *Stat. Med.* 18, 2507 (1999); Mira, *Metron* 59, 231 (2001).
/// `α₁(x, y) = min(1, π(y)q₁(y, x) / (π(x)q₁(x, y)))` and
///
/// `α₂(x, y, z) = min(1, π(z) q₁(z, y) q₂(z, y, x) [1 − α₁(z, y)]
///                     / (π(x) q₁(x, y) q₂(x, y, z) [1 − α₁(x, y)]))`.
///
/// The imagined way back proposes the same `y` first and rejects it: that is what makes the step
/// reversible. It dominates the kernel of the first stage alone in Peskun's order, at up to two
/// energies a step. Use it where one scale cannot serve the whole target, or where a bold proposal
/// fails often.
///
/// ```
/// use ergodic_conformance::Quadrature;
/// use ergodic_samplers::{DelayedRejection, Gaussian, GaussianScales};
///
/// // Accept/reject makes kinks: 2·32 nodes per integral know a threefold one to some 1e-3.
/// let kernel = DelayedRejection::new(GaussianScales::new(3.0, 0.3)?);
/// let report = Quadrature::new(&[(-7.0, 7.0)])?
///     .nodes(32, 32)?
///     .check(&kernel, &Gaussian::standard(1)?, 2e-3)?;
/// assert!(report.passed(), "{report}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayedRejection<P> {
    proposal: P,
}

impl<P> DelayedRejection<P> {
    /// With the given pair of proposals.
    pub const fn new(proposal: P) -> Self {
        Self { proposal }
    }
}

/// `log(1 − min(1, eˡ))`.
fn log_rejection(l: f64) -> f64 {
    if l >= 0.0 {
        f64::NEG_INFINITY
    } else {
        log1m_exp(l).unwrap_or(f64::NAN) // NaN in, NaN out: reported by the caller
    }
}

/// A log density of the user's that has to be a number, and finite where `drawn` says that the
/// proposal has just gone there.
fn density(what: &str, value: f64, drawn: bool) -> Result<f64, TargetError> {
    if value.is_nan() || value == f64::INFINITY || (drawn && value == f64::NEG_INFINITY) {
        Err(TargetError::non_finite(what, value))
    } else {
        Ok(value)
    }
}

impl<T, P> MarkovKernel<T> for DelayedRejection<P>
where
    T: Energy + ?Sized,
    <T::State as ToOwned>::Owned: Clone + BorrowMut<T::State>,
    P: DelayedProposal<T>,
{
    type State = DelayedRejectionState<<T::State as ToOwned>::Owned>;
    type Info = DelayedRejectionInfo;

    fn claims(&self) -> Claims {
        Claims {
            stationarity: Stationarity::Reversible,
            ergodic: self.proposal.reach().is_ergodic::<Threshold>(),
        }
    }

    fn init(&self, target: &T, x: &T::State) -> Result<Self::State, TargetError> {
        Ok(DelayedRejectionState {
            energy: start::energy_at_start(target, x)?,
            position: x.to_owned(),
            first: x.to_owned(),
            second: x.to_owned(),
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
        state.energy = start::energy_at_start(target, x.unwrap_or(state.position.borrow()))?;
        if let Some(x) = x {
            x.clone_into(&mut state.position);
            x.clone_into(&mut state.first);
            x.clone_into(&mut state.second);
        }
        Ok(())
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<DelayedRejectionInfo, TargetError> {
        let q = &self.proposal;
        let log_first = |from: &T::State, to: &T::State, drawn| {
            density("log_first", q.log_first(target, from, to), drawn)
        };
        let x: &T::State = state.position.borrow();

        q.first(target, x, state.first.borrow_mut(), rng);
        let y: &T::State = state.first.borrow();
        let energy_y = start::proposed_energy(target, y)?;
        let there = log_first(x, y, true)?;
        // log r₁; a forbidden candidate is rejected whatever the densities are.
        let log_r = |energy_from: f64, back: f64, there: f64| {
            if energy_y == f64::INFINITY {
                f64::NEG_INFINITY
            } else {
                energy_from - energy_y + back - there
            }
        };
        let log_r1 = log_r(state.energy, log_first(y, x, false)?, there);
        let acceptance = Threshold.probability(log_r1);
        let mut info = DelayedRejectionInfo {
            accepted: rng.bernoulli(acceptance),
            first: acceptance,
            second: None,
            forbidden: u32::from(energy_y == f64::INFINITY),
            energy: state.energy,
        };
        if info.accepted {
            std::mem::swap(&mut state.position, &mut state.first);
            state.energy = energy_y;
            info.energy = energy_y;
            return Ok(info);
        }

        q.second(target, x, y, state.second.borrow_mut(), rng);
        let z: &T::State = state.second.borrow();
        let energy_z = start::proposed_energy(target, z)?;
        let mut log_r2 = f64::NEG_INFINITY;
        if energy_z < f64::INFINITY {
            let back = log_first(z, y, false)?;
            let log_second = |from: &T::State, to: &T::State, drawn| {
                density("log_second", q.log_second(target, from, y, to), drawn)
            };
            // Where the way back cannot propose y, α₁(z, y) has no meaning and α₂ is 0.
            if back > f64::NEG_INFINITY {
                let reject_back = log_rejection(log_r(energy_z, log_first(y, z, false)?, back));
                log_r2 = state.energy - energy_z
                    + (back - there)
                    + (log_second(z, x, false)? - log_second(x, z, true)?)
                    + (reject_back - log_rejection(log_r1));
            }
        } else {
            info.forbidden += 1;
        }
        if log_r2.is_nan() {
            return Err(TargetError::non_finite(
                "log ratio of the second stage",
                log_r2,
            ));
        }
        let acceptance = Threshold.probability(log_r2);
        info.second = Some(acceptance);
        info.accepted = rng.bernoulli(acceptance);
        if info.accepted {
            std::mem::swap(&mut state.position, &mut state.second);
            state.energy = energy_z;
            info.energy = energy_z;
        }
        Ok(info)
    }
}
