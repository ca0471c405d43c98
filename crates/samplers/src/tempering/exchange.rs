//! Replicas, and the exchange of temperatures between them: what the kernel on the product space
//! and the parallel driver share.

use std::borrow::Borrow;

use ergodic_core::{
    Energy, MarkovKernel, Randomness, StepInfo, StepStats, TargetError, WarmupStep,
};
use ergodic_math::Real;

use crate::annealing_path::{AnnealingPath, OwnedOf, StateOf};

/// Which pairs of neighbouring levels try to swap after a scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SwapScheme {
    /// The even pairs (0,1), (2,3), … and the odd pairs (1,2), (3,4), … in turn ("deterministic
    /// even-odd"): non-reversible, and the round trips do not slow down with the number of
    /// levels. Okabe et al., *Chem. Phys. Lett.* 335, 435 (2001); Syed et al. (2022).
    #[default]
    EvenOdd,
    /// Even or odd pairs by a fair coin ("stochastic even-odd"): replicas diffuse along the
    /// ladder, `O(N²)` scans per crossing. For comparison.
    Stochastic,
}

/// A chain that wanders through the levels of a ladder.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Replica<S, X> {
    /// What the kernel carries.
    pub(crate) state: S,
    /// An exact draw from the base, where `drawn`; then `state` is stale. The kernel may be
    /// unable to carry such a draw, as it may lie outside the support of its target.
    pub(crate) draw: X,
    pub(crate) drawn: bool,
    /// Where on the ladder.
    pub(crate) level: usize,
}

impl<S, X> Replica<S, X> {
    pub(crate) fn position<'s, T, K>(&'s self, target: &T, kernel: &K) -> &'s T::State
    where
        T: Energy + 's,
        T::State: ToOwned<Owned = X>,
        X: Borrow<T::State>,
        K: MarkovKernel<T, State = S>,
    {
        if self.drawn {
            self.draw.borrow()
        } else {
            kernel.position(target, &self.state)
        }
    }

    /// Moves within the level: an exact draw at a base that has them, else `steps` steps of the
    /// kernel, with `warmup` telling it where the warm-up stands.
    pub(crate) fn explore<A, K, R>(
        &mut self,
        path: &A,
        target: &A::Target,
        kernel: &mut K,
        exact: bool,
        steps: usize,
        warmup: Option<WarmupStep>,
        rng: &mut R,
    ) -> Result<StepStats, TargetError>
    where
        A: AnnealingPath,
        StateOf<A>: ToOwned<Owned = X>,
        X: Borrow<StateOf<A>>,
        K: MarkovKernel<A::Target, State = S>,
        R: Randomness + ?Sized,
    {
        if exact && self.level == 0 {
            if !path.sample_base_into(&mut self.draw, rng) {
                return Err(TargetError::new(
                    "the path has no exact draws from its base",
                ));
            }
            self.drawn = true;
            return Ok(StepStats::default());
        }
        let mut stats: Option<StepStats> = None;
        for step in 0..steps {
            let info = kernel.step(target, &mut self.state, rng)?;
            if let Some(at) = warmup {
                let at = WarmupStep {
                    step: at.step * steps + step,
                    of: at.of * steps,
                };
                kernel.adapt(target, &mut self.state, Some(&info), at, rng)?;
            }
            let now = info.stats();
            stats = Some(stats.map_or(now, |s| s.then(now)));
        }
        Ok(stats.unwrap_or_default())
    }

    /// Takes up another level: the caches of the kernel are rebuilt for its law.
    pub(crate) fn arrive<T, K>(
        &mut self,
        level: usize,
        target: &T,
        kernel: &K,
        exact: bool,
    ) -> Result<(), TargetError>
    where
        T: Energy,
        T::State: ToOwned<Owned = X>,
        X: Borrow<T::State>,
        K: MarkovKernel<T, State = S>,
    {
        self.level = level;
        if exact && level == 0 {
            // The next move there is an exact draw, which no cache can survive.
            return Ok(());
        }
        if self.drawn {
            self.drawn = false;
            kernel.reset(target, &mut self.state, Some(self.draw.borrow()))
        } else {
            kernel.reset(target, &mut self.state, None)
        }
    }
}

/// A replica at a base draw, or a start: a position from which a kernel can set out.
pub(crate) fn start<A, R>(path: &A, above: f64, rng: &mut R) -> Result<OwnedOf<A>, TargetError>
where
    A: AnnealingPath,
    R: Randomness + ?Sized,
{
    const ATTEMPTS: usize = 10_000;
    for _ in 0..ATTEMPTS {
        let x = path.sample_base(rng).ok_or_else(|| {
            TargetError::new("the path has no base to draw from: give the replicas a start")
        })?;
        // A draw outside the support of the target is no place to start from.
        if path.work(x.borrow(), 0.0, above).is_finite() {
            return Ok(x);
        }
    }
    Err(TargetError::new(format!(
        "none of {ATTEMPTS} draws from the base has finite energy at t = {above}"
    )))
}

/// What a proposed exchange was worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Exchange {
    /// `E_{i+1}(x_i) − E_i(x_i)`.
    pub(crate) up: f64,
    /// `E_i(x_{i+1}) − E_{i+1}(x_{i+1})`.
    pub(crate) down: f64,
    /// `min(1, exp(−up − down))`.
    pub(crate) acceptance: f64,
}

/// Weighs the exchange of the positions `low` at `t_low` and `high` at `t_high`.
pub(crate) fn weigh<A: AnnealingPath>(
    path: &A,
    low: &StateOf<A>,
    high: &StateOf<A>,
    t_low: f64,
    t_high: f64,
) -> Result<Exchange, TargetError> {
    let up = path.work(low, t_low, t_high);
    let down = path.work(high, t_high, t_low);
    for work in [up, down] {
        if work.is_nan() || work == f64::NEG_INFINITY {
            return Err(TargetError::non_finite("the work between two levels", work));
        }
    }
    // π_i(x_j) π_j(x_i) / (π_i(x_i) π_j(x_j)): both works are energy gained.
    let total = up + down;
    let acceptance = if total <= 0.0 { 1.0 } else { Real::exp(-total) };
    Ok(Exchange {
        up,
        down,
        acceptance,
    })
}
