//! Parallel tempering as a Markov kernel on the product of all levels.

use std::borrow::Borrow;

use ergodic_core::{
    ArgumentError, Claims, Energy, MarkovKernel, Randomness, Stationarity, StepInfo, StepStats,
    TargetError,
};

use super::exchange::{Replica, weigh};
use super::{SwapScheme, TemperatureLadder};
use crate::annealing_path::{AnnealingPath, OwnedOf};

/// The law of independent replicas, one at each level of a ladder:
/// `E(x₀, …, x_N) = Σ_k E_{t_k}(x_k)`.
///
/// The target of [`ParallelTempering`]. A position is a `Vec` of one state per level, in the
/// order of the ladder. At a level 0 with exact draws the law is the base's, also where `E_0` is
/// `+∞` because the target forbids the state.
#[derive(Clone, Debug)]
pub struct LevelProduct<A: AnnealingPath> {
    path: A,
    ladder: TemperatureLadder,
    targets: Vec<A::Target>,
    exact: bool,
}

impl<A: AnnealingPath> LevelProduct<A> {
    /// The levels of `ladder` on `path`.
    pub fn new(path: A, ladder: TemperatureLadder) -> Self {
        let targets = ladder.levels().iter().map(|&t| path.at(t)).collect();
        let exact = ladder.levels()[0] == 0.0 && path.log_z_base().is_some();
        Self {
            path,
            ladder,
            targets,
            exact,
        }
    }

    /// The path.
    pub fn path(&self) -> &A {
        &self.path
    }

    /// The ladder.
    pub fn ladder(&self) -> &TemperatureLadder {
        &self.ladder
    }

    /// The law at level `k`.
    pub fn level(&self, k: usize) -> Option<&A::Target> {
        self.targets.get(k)
    }
}

impl<A: AnnealingPath> Energy for LevelProduct<A>
where
    OwnedOf<A>: Clone,
{
    type State = Vec<OwnedOf<A>>;
    /// The sum over the levels; NaN for another number of states.
    fn energy(&self, x: &Self::State) -> f64 {
        if x.len() != self.targets.len() {
            return f64::NAN;
        }
        let mut sum = 0.0;
        for (target, x) in self.targets.iter().zip(x) {
            sum += target.energy(x.borrow());
        }
        sum
    }
}

/// Parallel tempering (replica exchange) over any kernel, as one kernel on the
/// [`LevelProduct`].
///
/// Every replica moves within its level; then neighbours exchange their *temperatures* with
/// probability `min(1, exp(−W_up − W_down))`, `W_up = E_{i+1}(x_i) − E_i(x_i)`,
/// `W_down = E_i(x_{i+1}) − E_{i+1}(x_{i+1})` (Geyer, *Computing Science and Statistics* 23, 156
/// (1991); Hukushima and Nemoto, *J. Phys. Soc. Jpn.* 65, 1604 (1996)). A replica that takes up
/// another level is [`reset`](MarkovKernel::reset), so that no cached `βE` or gradient survives.
/// Where the path has exact draws at `t = 0` and the ladder starts there, level 0 is drawn anew
/// instead of moved.
///
/// One step with [`SwapScheme::EvenOdd`] is a whole cycle: moves, even swaps, moves, odd swaps.
/// The alternation depends on time; its cycle does not, and is invariant (not reversible: that is
/// its point). With [`SwapScheme::Stochastic`] a step is moves and then the pairs that a coin
/// chooses. Invariant as the kernel within the levels is; ergodicity is not claimed, as for every
/// product.
///
/// For long runs, tuning of the ladder and estimates take [`Tempering`](super::Tempering), which
/// runs the same moves and swaps in parallel.
///
/// Cost of a step: one or two moves per level, two works per swap, one `reset` per replica that
/// has changed its level, and a copy of every position.
///
/// ```
/// use ergodic_conformance::{check, strategies::PairwiseSpins};
/// use ergodic_samplers::{
///     Gibbs, LevelProduct, ParallelTempering, Scan, TemperatureLadder, Temperatures,
/// };
///
/// let spins = PairwiseSpins::new(vec![0.0, 1.0, 1.0, 0.0], vec![0.3, 0.0])?;
/// let ladder = TemperatureLadder::new(vec![0.2, 1.0])?;
/// let target = LevelProduct::new(Temperatures(&spins), ladder);
/// let kernel = ParallelTempering::new(Gibbs::new(Scan::Random), 2);
/// let one = spins.states();
/// let pairs: Vec<_> = one
///     .iter()
///     .flat_map(|a| one.iter().map(|b| vec![a.clone(), b.clone()]))
///     .collect();
/// check(&kernel, &target, &pairs, 1e-13)?.assert();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ParallelTempering<K> {
    kernels: Vec<K>,
    scheme: SwapScheme,
    steps: usize,
}

impl<K: Clone> ParallelTempering<K> {
    /// The same kernel at each of `levels` levels.
    pub fn new(kernel: K, levels: usize) -> Self {
        Self::with_kernels(vec![kernel; levels])
    }
}

impl<K> ParallelTempering<K> {
    /// A kernel of its own for each level, tuned there.
    pub fn with_kernels(kernels: Vec<K>) -> Self {
        Self {
            kernels,
            scheme: SwapScheme::EvenOdd,
            steps: 1,
        }
    }

    /// With another choice of pairs.
    pub fn scheme(mut self, scheme: SwapScheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// With `steps` steps of the kernel between swaps; 1 by default.
    ///
    /// # Errors
    /// If `steps` is 0.
    pub fn steps_per_scan(mut self, steps: usize) -> Result<Self, ArgumentError> {
        if steps == 0 {
            return Err(ArgumentError::new("steps_per_scan", steps, "at least 1"));
        }
        self.steps = steps;
        Ok(self)
    }
}

/// What [`ParallelTempering`] carries: the replicas, who is where, and the positions in the order
/// of the levels.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ParallelTemperingState<S, X> {
    replicas: Vec<Replica<S, X>>,
    replica_at: Vec<usize>,
    positions: Vec<X>,
}

impl<S, X> ParallelTemperingState<S, X> {
    /// The replica at each level.
    pub fn replica_at(&self) -> &[usize] {
        &self.replica_at
    }
}

/// What a step of [`ParallelTempering`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ParallelTemperingInfo {
    /// Swaps proposed.
    pub proposed: usize,
    /// Swaps accepted.
    pub accepted: usize,
    /// The sum of their acceptance probabilities.
    pub acceptance: f64,
    /// The account of the move at the highest level, that of the target.
    pub target: StepStats,
}

impl StepInfo for ParallelTemperingInfo {
    /// As at the highest level, but for the energy, which a swap may have changed since.
    fn stats(&self) -> StepStats {
        StepStats {
            energy: None,
            ..self.target
        }
    }
}

impl<K> ParallelTempering<K> {
    /// The number of levels, for each of which there has to be a kernel.
    fn levels_of<A: AnnealingPath>(&self, target: &LevelProduct<A>) -> Result<usize, TargetError> {
        let (found, levels) = (self.kernels.len(), target.targets.len());
        if found == levels {
            Ok(levels)
        } else {
            Err(TargetError::dimension("the list of kernels", found, levels))
        }
    }

    fn explore<A, R>(
        &mut self,
        target: &LevelProduct<A>,
        state: &mut ParallelTemperingState<K::State, OwnedOf<A>>,
        rng: &mut R,
    ) -> Result<StepStats, TargetError>
    where
        A: AnnealingPath,
        OwnedOf<A>: Clone,
        K: MarkovKernel<A::Target>,
        R: Randomness + ?Sized,
    {
        let mut last = StepStats::default();
        for (level, (kernel, law)) in self.kernels.iter_mut().zip(&target.targets).enumerate() {
            let replica = &mut state.replicas[state.replica_at[level]];
            let (exact, steps) = (target.exact, self.steps);
            last = replica.explore(&target.path, law, kernel, exact, steps, None, rng)?;
        }
        Ok(last)
    }

    fn swap<A, R>(
        &self,
        target: &LevelProduct<A>,
        state: &mut ParallelTemperingState<K::State, OwnedOf<A>>,
        parity: usize,
        info: &mut ParallelTemperingInfo,
        rng: &mut R,
    ) -> Result<(), TargetError>
    where
        A: AnnealingPath,
        OwnedOf<A>: Clone,
        K: MarkovKernel<A::Target>,
        R: Randomness + ?Sized,
    {
        let levels = target.ladder.levels();
        for i in (parity..levels.len() - 1).step_by(2) {
            let (low, high) = (state.replica_at[i], state.replica_at[i + 1]);
            let exchange = weigh(
                &target.path,
                state.replicas[low].position(&target.targets[i], &self.kernels[i]),
                state.replicas[high].position(&target.targets[i + 1], &self.kernels[i + 1]),
                levels[i],
                levels[i + 1],
            )?;
            info.proposed += 1;
            info.acceptance += exchange.acceptance;
            if rng.bernoulli(exchange.acceptance) {
                info.accepted += 1;
                for (replica, level) in [(low, i + 1), (high, i)] {
                    let (law, kernel) = (&target.targets[level], &self.kernels[level]);
                    state.replicas[replica].arrive(level, law, kernel, target.exact)?;
                }
                state.replica_at.swap(i, i + 1);
            }
        }
        Ok(())
    }
}

impl<A, K> MarkovKernel<LevelProduct<A>> for ParallelTempering<K>
where
    A: AnnealingPath,
    OwnedOf<A>: Clone,
    K: MarkovKernel<A::Target>,
{
    type State = ParallelTemperingState<K::State, OwnedOf<A>>;
    type Info = ParallelTemperingInfo;

    fn claims(&self) -> Claims {
        let stationarity = self
            .kernels
            .iter()
            .map(K::claims)
            .fold(Claims::INVARIANT, Claims::then)
            .stationarity;
        debug_assert_ne!(stationarity, Stationarity::Reversible);
        Claims {
            stationarity,
            ergodic: false,
        }
    }

    fn init(
        &self,
        target: &LevelProduct<A>,
        x: &Vec<OwnedOf<A>>,
    ) -> Result<Self::State, TargetError> {
        let levels = self.levels_of(target)?;
        if x.len() != levels {
            return Err(TargetError::dimension("the position", x.len(), levels));
        }
        let replicas = x
            .iter()
            .enumerate()
            .map(|(level, x)| {
                Ok(Replica {
                    state: self.kernels[level].init(&target.targets[level], x.borrow())?,
                    draw: x.clone(),
                    drawn: false,
                    level,
                })
            })
            .collect::<Result<_, TargetError>>()?;
        Ok(ParallelTemperingState {
            replicas,
            replica_at: (0..levels).collect(),
            positions: x.clone(),
        })
    }

    fn position<'s>(&self, _: &LevelProduct<A>, state: &'s Self::State) -> &'s Vec<OwnedOf<A>>
    where
        LevelProduct<A>: 's,
    {
        &state.positions
    }

    fn reset(
        &self,
        target: &LevelProduct<A>,
        state: &mut Self::State,
        x: Option<&Vec<OwnedOf<A>>>,
    ) -> Result<(), TargetError> {
        let levels = self.levels_of(target)?;
        if x.is_none() && state.replicas.len() != levels {
            let found = state.replicas.len();
            return Err(TargetError::dimension("the position", found, levels));
        }
        if let Some(x) = x {
            if state.replicas.len() != levels {
                *state = self.init(target, x)?;
                return Ok(());
            }
            if x.len() != levels {
                return Err(TargetError::dimension("the position", x.len(), levels));
            }
            state.positions.clone_from(x);
        }
        for (level, x) in state.positions.iter().enumerate() {
            let replica = &mut state.replicas[state.replica_at[level]];
            replica.level = level;
            // A base draw may lie where the kernel cannot follow, and is replaced anyway.
            replica.drawn = target.exact && level == 0;
            if replica.drawn {
                replica.draw.clone_from(x);
            } else {
                let (law, kernel) = (&target.targets[level], &self.kernels[level]);
                kernel.reset(law, &mut replica.state, Some(x.borrow()))?;
            }
        }
        Ok(())
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &LevelProduct<A>,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<ParallelTemperingInfo, TargetError> {
        let mut info = ParallelTemperingInfo {
            target: self.explore(target, state, rng)?,
            ..ParallelTemperingInfo::default()
        };
        match self.scheme {
            SwapScheme::EvenOdd => {
                self.swap(target, state, 0, &mut info, rng)?;
                let again = self.explore(target, state, rng)?;
                info.target = info.target.then(again);
                self.swap(target, state, 1, &mut info, rng)?;
            }
            SwapScheme::Stochastic => {
                let parity = usize::from(rng.bernoulli(0.5));
                self.swap(target, state, parity, &mut info, rng)?;
            }
        }
        for (level, x) in state.positions.iter_mut().enumerate() {
            let replica = &state.replicas[state.replica_at[level]];
            replica
                .position(&target.targets[level], &self.kernels[level])
                .clone_into(x);
        }
        Ok(info)
    }
}
