//! Metropolis and Metropolis–Hastings over local moves.

use std::borrow::{Borrow, BorrowMut};

use ergodic_core::{
    ArgumentError, Claims, LocalEnergy, MarkovKernel, Randomness, Stationarity, StepInfo,
    StepStats, TargetError,
};
use ergodic_math::Real;
use ergodic_math::special::sigmoid;

use crate::Scan;
use crate::start;

/// A rule that turns `log r`, `r = π(x′)q(x′→x) / (π(x)q(x→x′))`, into the probability of
/// accepting.
///
/// Detailed balance asks for `a(r) = r·a(1/r)`. Implemented by [`Threshold`] and [`Barker`].
///
/// ```
/// use ergodic_samplers::{Acceptance, Barker, Threshold};
///
/// assert_eq!(Threshold.probability(0.0), 1.0);
/// assert_eq!(Barker.probability(0.0), 0.5);
/// ```
pub trait Acceptance: Clone {
    /// Whether every move is rejected with positive probability, so that no chain is periodic.
    const HESITATES: bool;

    /// The probability of accepting, in `[0, 1]`; 0 at `−∞`.
    fn probability(&self, log_ratio: f64) -> f64;
}

/// `min(1, r)`: Metropolis et al., *J. Chem. Phys.* 21, 1087 (1953). The largest acceptance that
/// detailed balance allows.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Threshold;

impl Acceptance for Threshold {
    const HESITATES: bool = false;
    #[inline]
    fn probability(&self, log_ratio: f64) -> f64 {
        if log_ratio >= 0.0 {
            1.0
        } else {
            // Not the exponential of the platform: the same bits everywhere.
            Real::exp(log_ratio)
        }
    }
}

/// `r/(1 + r)`: Barker, *Aust. J. Phys.* 18, 119 (1965). Larger asymptotic variance than
/// [`Threshold`] (Peskun, 1973), but never periodic.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Barker;

impl Acceptance for Barker {
    const HESITATES: bool = true;
    #[inline]
    fn probability(&self, log_ratio: f64) -> f64 {
        sigmoid(log_ratio)
    }
}

/// Draws moves for [`Metropolis`].
///
/// A proposal that is not symmetric says so by its Hastings term. `x` is the current position
/// and `x′` what the move makes of it.
///
/// ```
/// use ergodic_conformance::strategies::FiniteTable;
/// use ergodic_core::Randomness;
/// use ergodic_samplers::Proposal;
///
/// /// One step up or down in a table, from an end always inward.
/// #[derive(Clone)]
/// struct Step;
/// impl Proposal<FiniteTable> for Step {
///     fn propose<R: Randomness + ?Sized>(&self, t: &FiniteTable, x: &usize, rng: &mut R) -> usize {
///         let last = t.energies().len() - 1;
///         match *x {
///             0 => 1,
///             x if x == last => last - 1,
///             x => if rng.bernoulli(0.5) { x + 1 } else { x - 1 },
///         }
///     }
///     fn log_hastings(&self, t: &FiniteTable, x: &usize, to: usize) -> f64 {
///         let last = t.energies().len() - 1;
///         let q = |at: usize| if at == 0 || at == last { 1.0f64 } else { 0.5 };
///         (q(to) / q(*x)).ln()
///     }
///     fn connects(&self) -> bool {
///         true
///     }
/// }
/// ```
pub trait Proposal<T: LocalEnergy + ?Sized>: Clone {
    /// A move from `x`, drawn from `q(x → ·)`.
    fn propose<R: Randomness + ?Sized>(&self, target: &T, x: &T::State, rng: &mut R) -> T::Move;

    /// `log q(x′→x) − log q(x→x′)`; 0 for a symmetric proposal, the default.
    fn log_hastings(&self, target: &T, x: &T::State, m: T::Move) -> f64 {
        let _ = (target, x, m);
        0.0
    }

    /// Whether any state can be reached from any other by moves of positive probability, whatever
    /// the target; `false` where that is not known.
    fn connects(&self) -> bool;
}

/// A site of `0..n`, uniformly: the symmetric single-site proposal for targets whose move is a
/// site (a spin flip) or a new value.
///
/// `n` has to be the number of sites of the target, which neither it nor
/// [`LocalEnergy`] knows: with fewer the remaining sites stay as they are, so that no claim of
/// connecting the space is made; with more the target is asked for a move that it does not have.
///
/// ```
/// use ergodic_samplers::UniformSite;
///
/// assert!(UniformSite::new(0).is_err());
/// assert_eq!(UniformSite::new(9)?.sites(), 9);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UniformSite {
    sites: usize,
}

impl UniformSite {
    /// Over `sites` sites.
    ///
    /// # Errors
    /// If there are none.
    pub fn new(sites: usize) -> Result<Self, ArgumentError> {
        if sites == 0 {
            return Err(ArgumentError::new("sites", sites, "at least 1"));
        }
        Ok(Self { sites })
    }

    /// The number of sites.
    pub const fn sites(&self) -> usize {
        self.sites
    }
}

impl<T: LocalEnergy<Move = usize> + ?Sized> Proposal<T> for UniformSite {
    #[inline]
    fn propose<R: Randomness + ?Sized>(&self, _: &T, _: &T::State, rng: &mut R) -> usize {
        rng.index(self.sites)
    }
    fn connects(&self) -> bool {
        false // the target may have more sites
    }
}

/// What a Metropolis step did.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MetropolisInfo {
    /// Whether the move was accepted.
    pub accepted: bool,
    /// The probability with which it would be.
    pub acceptance: f64,
    /// Whether the proposal had infinite energy.
    pub forbidden: bool,
}

impl StepInfo for MetropolisInfo {
    fn stats(&self) -> StepStats {
        StepStats {
            acceptance: Some(self.acceptance),
            energies: 1,
            forbidden: u64::from(self.forbidden),
            ..StepStats::default()
        }
    }
}

/// Metropolis–Hastings: propose a move, accept it with a probability that depends on
/// `log r = −ΔE + log q(x′→x) − log q(x→x′)`.
///
/// Metropolis et al. (1953); Hastings, *Biometrika* 57, 97 (1970). Reversible for any proposal
/// whose [`log_hastings`](Proposal::log_hastings) is right. It is ergodic if the proposal
/// connects the space *and* the rule hesitates: with [`Threshold`] a flat energy accepts every
/// flip, and a chain that flips one spin per step alternates between even and odd for ever.
///
/// Cost: one `delta_energy` and at most one `apply` per step, nothing allocated. Only energy
/// differences enter, so a constant in the energy changes no bit.
///
/// ```
/// use ergodic_conformance::{check, strategies::PairwiseSpins};
/// use ergodic_samplers::{Metropolis, UniformSite};
///
/// let target = PairwiseSpins::torus(2, 0.4)?;
/// let kernel = Metropolis::new(UniformSite::new(target.len())?);
/// let report = check(&kernel, &target, &target.states(), 1e-14)?;
/// assert!(report.passed(), "{report}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metropolis<P, A = Threshold> {
    proposal: P,
    rule: A,
}

impl<P> Metropolis<P> {
    /// With the acceptance `min(1, r)`.
    pub const fn new(proposal: P) -> Self {
        Self {
            proposal,
            rule: Threshold,
        }
    }
}

impl<P, A> Metropolis<P, A> {
    /// With another acceptance rule.
    pub fn with_rule<B: Acceptance>(self, rule: B) -> Metropolis<P, B> {
        Metropolis {
            proposal: self.proposal,
            rule,
        }
    }
}

/// Takes `m` from `x` or not.
#[inline]
fn decide<T, A, R>(
    target: &T,
    x: &mut T::State,
    m: T::Move,
    log_hastings: f64,
    rule: &A,
    rng: &mut R,
) -> Result<MetropolisInfo, TargetError>
where
    T: LocalEnergy + ?Sized,
    A: Acceptance,
    R: Randomness + ?Sized,
{
    let delta = target.delta_energy(x, m);
    if delta.is_nan() || delta == f64::NEG_INFINITY {
        return Err(TargetError::non_finite("energy difference", delta));
    }
    let log_ratio = log_hastings - delta;
    if log_ratio.is_nan() {
        return Err(TargetError::non_finite("log_hastings", log_hastings));
    }
    let acceptance = rule.probability(log_ratio);
    let accepted = rng.bernoulli(acceptance);
    if accepted {
        target.apply(x, m);
    }
    Ok(MetropolisInfo {
        accepted,
        acceptance,
        forbidden: delta == f64::INFINITY,
    })
}

impl<T, P, A> MarkovKernel<T> for Metropolis<P, A>
where
    T: LocalEnergy + ?Sized,
    <T::State as ToOwned>::Owned: Clone + BorrowMut<T::State>,
    P: Proposal<T>,
    A: Acceptance,
{
    type State = <T::State as ToOwned>::Owned;
    type Info = MetropolisInfo;

    fn claims(&self) -> Claims {
        Claims {
            stationarity: Stationarity::Reversible,
            ergodic: A::HESITATES && self.proposal.connects(),
        }
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
    ) -> Result<MetropolisInfo, TargetError> {
        let x = state.borrow_mut();
        let m = self.proposal.propose(target, x, rng);
        let log_hastings = self.proposal.log_hastings(target, x, m);
        decide(target, x, m, log_hastings, &self.rule, rng)
    }
}

/// What a Metropolis sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SweepInfo {
    /// Moves accepted.
    pub accepted: usize,
    /// Moves proposed.
    pub proposed: usize,
    /// Proposals of infinite energy.
    pub forbidden: usize,
}

impl StepInfo for SweepInfo {
    fn stats(&self) -> StepStats {
        StepStats {
            acceptance: (self.proposed > 0).then(|| self.accepted as f64 / self.proposed as f64),
            energies: self.proposed as u64,
            forbidden: self.forbidden as u64,
            ..StepStats::default()
        }
    }
}

/// Metropolis updates of every site in a fixed order, for targets whose move is a site.
///
/// Visits without drawing the site: about twice as many useful updates per second as a random
/// scan, and faster mixing on ferromagnets. Invariant in order, reversible as a
/// [`Palindrome`](Scan::Palindrome). It is **not ergodic in general**: with [`Threshold`] a move
/// of `ΔE = 0` is always taken, and on a 3 × 3 torus the typewriter order traps eight states for
/// ever; the palindrome undoes its own flips wherever the energy is flat, but for the last site.
/// Mix it with another kernel, use [`Barker`], or use a random scan where that matters.
///
/// `sites` has to be the number of sites of the target: fewer leave the others as they are (with
/// [`Barker`] the sweep is ergodic over all sites of finite energies, but it is not claimed for
/// that reason), and with more the target is asked for a move that it does not have.
///
/// With `Scan::Random` one site is drawn, as [`Metropolis`] does. Cost: one `delta_energy` per
/// site visited, nothing allocated.
///
/// ```
/// use ergodic_conformance::{Law, enumerate, strategies::PairwiseSpins};
/// use ergodic_core::{Claims, Energy, MarkovKernel};
/// use ergodic_samplers::{MetropolisSweep, Scan};
///
/// let target = PairwiseSpins::torus(3, 0.4)?;
/// let kernel = MetropolisSweep::new(9, Scan::Sweep)?;
/// let states = target.states();
/// let energies: Vec<f64> = states.iter().map(|s| target.energy(s)).collect();
/// let matrix = enumerate(&kernel, &target, &states)?;
/// let report = matrix.check(&energies, Claims::INVARIANT, 1e-12)?;
/// assert!(!report.fails(Law::Invariance) && report.fails(Law::Irreducibility));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetropolisSweep<A = Threshold> {
    sites: usize,
    scan: Scan,
    rule: A,
}

impl MetropolisSweep {
    /// Over the moves `0..sites` in the given order.
    ///
    /// # Errors
    /// If there are no sites.
    pub fn new(sites: usize, scan: Scan) -> Result<Self, ArgumentError> {
        if sites == 0 {
            return Err(ArgumentError::new("sites", sites, "at least 1"));
        }
        Ok(Self {
            sites,
            scan,
            rule: Threshold,
        })
    }
}

impl<A> MetropolisSweep<A> {
    /// With another acceptance rule.
    pub fn with_rule<B: Acceptance>(self, rule: B) -> MetropolisSweep<B> {
        MetropolisSweep {
            sites: self.sites,
            scan: self.scan,
            rule,
        }
    }
}

impl<T, A> MarkovKernel<T> for MetropolisSweep<A>
where
    T: LocalEnergy<Move = usize> + ?Sized,
    <T::State as ToOwned>::Owned: Clone + BorrowMut<T::State>,
    A: Acceptance,
{
    type State = <T::State as ToOwned>::Owned;
    type Info = SweepInfo;

    fn claims(&self) -> Claims {
        // A rule that hesitates gives every set of flips a positive probability, but the target
        // may have more sites than are visited.
        Claims {
            stationarity: if self.scan.is_reversible() {
                Stationarity::Reversible
            } else {
                Stationarity::Invariant
            },
            ergodic: false,
        }
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
    ) -> Result<SweepInfo, TargetError> {
        let x = state.borrow_mut();
        let mut info = SweepInfo::default();
        let mut visit = |site, rng: &mut R| -> Result<(), TargetError> {
            let one = decide(target, x, site, 0.0, &self.rule, rng)?;
            info.proposed += 1;
            info.accepted += usize::from(one.accepted);
            info.forbidden += usize::from(one.forbidden);
            Ok(())
        };
        match self.scan {
            Scan::Random => visit(rng.index(self.sites), rng)?,
            Scan::Sweep => {
                for site in 0..self.sites {
                    visit(site, rng)?;
                }
            }
            Scan::Palindrome => {
                // The last site once: flipping it twice would undo it wherever the energy is flat.
                for site in (0..self.sites).chain((0..self.sites - 1).rev()) {
                    visit(site, rng)?;
                }
            }
        }
        Ok(info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acceptance_rules_balance() {
        // a(r) = r·a(1/r), up to where a underflows.
        for l in [-700.0, -30.0, -1.0, -1e-9, 0.0, 0.5, 20.0] {
            let threshold = Threshold.probability(l) / Threshold.probability(-l);
            assert!((threshold.ln() - l).abs() <= 1e-13 * l.abs().max(1.0));
            let barker = Barker.probability(l) / Barker.probability(-l);
            assert!((barker.ln() - l).abs() <= 1e-13 * l.abs().max(1.0));
        }
        assert_eq!(Threshold.probability(f64::NEG_INFINITY), 0.0);
        assert_eq!(Barker.probability(f64::NEG_INFINITY), 0.0);
    }
}
