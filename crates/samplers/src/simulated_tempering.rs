//! Simulated tempering: one chain that wanders through the temperatures.

use std::borrow::Borrow;

use ergodic_core::{
    ArgumentError, Claims, Energy, Estimate, MarkovKernel, Randomness, StepInfo, StepStats,
    TargetError,
};
use ergodic_math::Real;
use ergodic_math::rng::stream;
use rand_chacha::ChaCha8Rng;

use crate::annealing_path::{AnnealingError, AnnealingPath, OwnedOf, StateOf};
use crate::batch_means;
use crate::tempering::TemperatureLadder;
use crate::tempering::exchange::Replica;

const TUNING_STREAM: u64 = 0x517 << 40;
const RUN_STREAM: u64 = 0x518 << 40;
/// Batches of a run, for standard errors.
const BATCHES: usize = 32;

/// A state and the level where it is.
#[derive(Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AtLevel<X> {
    /// The state.
    pub x: X,
    /// The level on the ladder, from 0.
    pub level: usize,
}

impl<X: Clone> Clone for AtLevel<X> {
    fn clone(&self) -> Self {
        Self {
            x: self.x.clone(),
            level: self.level,
        }
    }

    /// Keeps the memory of the state, as a reset within a step has to.
    fn clone_from(&mut self, other: &Self) {
        self.x.clone_from(&other.x);
        self.level = other.level;
    }
}

/// The joint law of a state and a level, `π(x, k) ∝ exp(g_k − E_{t_k}(x))`.
///
/// The target of [`SimulatedTempering`]. Level `k` has probability `∝ Z_k e^{g_k}`: with
/// `g_k = −log Z_k` all levels are visited alike. Given the level, `x` has its law, whatever the
/// weights. At a level 0 with exact draws that law is the base's, also where `E_0` is `+∞` because
/// the target forbids the state.
#[derive(Clone, Debug)]
pub struct LevelMixture<A: AnnealingPath> {
    path: A,
    ladder: TemperatureLadder,
    targets: Vec<A::Target>,
    log_weights: Vec<f64>,
    exact: bool,
}

impl<A: AnnealingPath> LevelMixture<A> {
    /// With the log weights `g_k` of the levels, such as the negative
    /// [`log_ratios`](crate::TemperingReport::log_ratios) of a tempering run.
    ///
    /// # Errors
    /// If there is not one finite log weight per level.
    pub fn new(
        path: A,
        ladder: TemperatureLadder,
        log_weights: Vec<f64>,
    ) -> Result<Self, ArgumentError> {
        if log_weights.len() != ladder.len() || log_weights.iter().any(|g| !g.is_finite()) {
            return Err(ArgumentError::new(
                "log_weights",
                format!("{log_weights:?}"),
                format!("{} finite numbers", ladder.len()),
            ));
        }
        let targets = ladder.levels().iter().map(|&t| path.at(t)).collect();
        let exact = ladder.levels()[0] == 0.0 && path.log_z_base().is_some();
        Ok(Self {
            path,
            ladder,
            targets,
            log_weights,
            exact,
        })
    }

    /// The path.
    pub fn path(&self) -> &A {
        &self.path
    }

    /// The ladder.
    pub fn ladder(&self) -> &TemperatureLadder {
        &self.ladder
    }

    /// The log weights `g_k`.
    pub fn log_weights(&self) -> &[f64] {
        &self.log_weights
    }
}

impl<A: AnnealingPath> Energy for LevelMixture<A>
where
    OwnedOf<A>: Clone,
{
    type State = AtLevel<OwnedOf<A>>;
    /// `E_{t_k}(x) − g_k`; `+∞` for a level that there is not.
    fn energy(&self, at: &Self::State) -> f64 {
        match self
            .targets
            .get(at.level)
            .zip(self.log_weights.get(at.level))
        {
            Some((target, g)) => target.energy(at.x.borrow()) - g,
            None => f64::INFINITY,
        }
    }
}

/// How a chain of [`SimulatedTempering`] changes its level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum LevelMove {
    /// One up or down with probability ½ each, accepted with
    /// `min(1, exp(g_{k′} − g_k − W))`; a step off the ladder is rejected. One work.
    #[default]
    Neighbour,
    /// A draw from `P(k | x)` over all levels. Crosses the ladder faster; one work per level
    /// (one evaluation in all where the path has a slope).
    HeatBath,
}

/// Simulated tempering over any kernel: a chain on states and levels.
///
/// A step moves the state by the kernel of its level, then the level by a [`LevelMove`] with
/// `W = E_{t_{k′}}(x) − E_{t_k}(x)` (Marinari and Parisi, *Europhys. Lett.* 19, 451 (1992); Geyer and
/// Thompson, *J. Am. Stat. Assoc.* 90, 909 (1995)). On arrival the kernel is
/// [`reset`](MarkovKernel::reset) to the new law. Where the path has exact draws at `t = 0` and the
/// ladder starts there, level 0 is drawn anew instead of moved.
///
/// Invariant as the kernel is; both halves of a step are reversible if it is, their product is
/// not. Ergodicity is not claimed.
///
/// One chain instead of the many of parallel tempering: for large states and many temperatures.
/// It needs good weights; [`tune`](Self::tune) finds them, or a short run of
/// [`Tempering`](crate::Tempering) does. [`run`](Self::run) makes a run of one chain, with
/// [`start`](Self::start) in pieces that can be stored.
///
/// ```
/// use ergodic_conformance::{check, strategies::PairwiseSpins};
/// use ergodic_samplers::{
///     AtLevel, Gibbs, LevelMixture, Scan, SimulatedTempering, TemperatureLadder, Temperatures,
/// };
///
/// let spins = PairwiseSpins::torus(2, 0.4)?;
/// let ladder = TemperatureLadder::linear(0.2, 1.0, 2)?;
/// let target = LevelMixture::new(Temperatures(&spins), ladder, vec![0.0, -0.7, -1.6])?;
/// let kernel = SimulatedTempering::new(Gibbs::new(Scan::Random), 3);
/// let states: Vec<_> = (0..3)
///     .flat_map(|level| spins.states().into_iter().map(move |x| AtLevel { x, level }))
///     .collect();
/// check(&kernel, &target, &states, 1e-13)?.assert();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SimulatedTempering<K> {
    kernels: Vec<K>,
    moves: LevelMove,
    steps: usize,
}

/// What [`SimulatedTempering`] carries.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SimulatedTemperingState<S, X> {
    replica: Replica<S, X>,
    at: AtLevel<X>,
    /// Scratch of the heat bath: weights of the levels.
    scratch: Vec<f64>,
}

/// What a step of [`SimulatedTempering`] did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimulatedTemperingInfo {
    /// The account of the move within the level.
    pub within: StepStats,
    /// The level after the step.
    pub level: usize,
    /// The probability with which the chain left its level.
    pub leaving: f64,
}

impl StepInfo for SimulatedTemperingInfo {
    /// As within the level, but for the energy, which is of another law after a change of level.
    fn stats(&self) -> StepStats {
        StepStats {
            energy: None,
            ..self.within
        }
    }
}

impl<K: Clone> SimulatedTempering<K> {
    /// The same kernel at each of `levels` levels.
    pub fn new(kernel: K, levels: usize) -> Self {
        Self::with_kernels(vec![kernel; levels])
    }
}

impl<K> SimulatedTempering<K> {
    /// A kernel of its own for each level, such as those that a tempering run has tuned.
    pub fn with_kernels(kernels: Vec<K>) -> Self {
        Self {
            kernels,
            moves: LevelMove::Neighbour,
            steps: 1,
        }
    }

    /// With other moves between levels.
    pub fn level_move(mut self, moves: LevelMove) -> Self {
        self.moves = moves;
        self
    }

    /// With `steps` steps of the kernel between moves of the level; 1 by default.
    ///
    /// # Errors
    /// If `steps` is 0.
    pub fn steps_per_move(mut self, steps: usize) -> Result<Self, ArgumentError> {
        if steps == 0 {
            return Err(ArgumentError::new("steps_per_move", steps, "at least 1"));
        }
        self.steps = steps;
        Ok(self)
    }

    /// The number of levels, for each of which there has to be a kernel.
    fn levels_of<A: AnnealingPath>(&self, target: &LevelMixture<A>) -> Result<usize, TargetError> {
        let (found, levels) = (self.kernels.len(), target.targets.len());
        if found == levels {
            Ok(levels)
        } else {
            Err(TargetError::dimension("the list of kernels", found, levels))
        }
    }

    /// Moves the level; the level it goes to, and the probability of leaving.
    fn choose<A, R>(
        &self,
        target: &LevelMixture<A>,
        state: &mut SimulatedTemperingState<K::State, OwnedOf<A>>,
        rng: &mut R,
    ) -> Result<(usize, f64), TargetError>
    where
        A: AnnealingPath,
        OwnedOf<A>: Clone,
        K: MarkovKernel<A::Target>,
        R: Randomness + ?Sized,
    {
        let levels = target.ladder.levels();
        let from = state.replica.level;
        let x = state
            .replica
            .position(&target.targets[from], &self.kernels[from]);
        // g_{k′} − g_k − W, −∞ where x has no probability.
        let gain = |to: usize, work: f64| {
            if work.is_nan() || work == f64::NEG_INFINITY {
                return Err(TargetError::non_finite("the work between two levels", work));
            }
            Ok(target.log_weights[to] - target.log_weights[from] - work)
        };
        match self.moves {
            LevelMove::Neighbour => {
                let to = if rng.bernoulli(0.5) {
                    from + 1
                } else {
                    from.wrapping_sub(1)
                };
                let Some(&t) = levels.get(to) else {
                    return Ok((from, 0.0));
                };
                let gain = gain(to, target.path.work(x, levels[from], t))?;
                let accept = if gain >= 0.0 { 1.0 } else { Real::exp(gain) };
                Ok((if rng.bernoulli(accept) { to } else { from }, accept))
            }
            LevelMove::HeatBath => {
                let slope = target.path.slope(x);
                let mut largest = f64::NEG_INFINITY;
                for (to, (&t, out)) in levels.iter().zip(&mut state.scratch).enumerate() {
                    let work = match slope {
                        _ if to == from => 0.0,
                        Some(v) if v.is_finite() => (t - levels[from]) * v,
                        Some(v) => v,
                        None => target.path.work(x, levels[from], t),
                    };
                    *out = gain(to, work)?;
                    largest = largest.max(*out);
                }
                let (mut total, mut stay) = (0.0, 0.0);
                for (to, w) in state.scratch.iter_mut().enumerate() {
                    *w = Real::exp(*w - largest);
                    total += *w;
                    if to == from {
                        stay = *w;
                    }
                }
                let to = rng.categorical(&state.scratch);
                Ok((to, 1.0 - stay / total))
            }
        }
    }
}

impl<A, K> MarkovKernel<LevelMixture<A>> for SimulatedTempering<K>
where
    A: AnnealingPath,
    OwnedOf<A>: Clone,
    K: MarkovKernel<A::Target>,
{
    type State = SimulatedTemperingState<K::State, OwnedOf<A>>;
    type Info = SimulatedTemperingInfo;

    fn claims(&self) -> Claims {
        self.kernels
            .iter()
            .map(K::claims)
            .fold(Claims::INVARIANT, Claims::then)
            .not_ergodic()
    }

    fn init(
        &self,
        target: &LevelMixture<A>,
        at: &AtLevel<OwnedOf<A>>,
    ) -> Result<Self::State, TargetError> {
        let levels = self.levels_of(target)?;
        let Some(law) = target.targets.get(at.level) else {
            return Err(no_level(at.level, levels));
        };
        Ok(SimulatedTemperingState {
            replica: Replica {
                state: self.kernels[at.level].init(law, at.x.borrow())?,
                draw: at.x.clone(),
                drawn: false,
                level: at.level,
            },
            at: at.clone(),
            scratch: vec![0.0; levels],
        })
    }

    fn position<'s>(&self, _: &LevelMixture<A>, state: &'s Self::State) -> &'s AtLevel<OwnedOf<A>>
    where
        LevelMixture<A>: 's,
    {
        &state.at
    }

    fn reset(
        &self,
        target: &LevelMixture<A>,
        state: &mut Self::State,
        at: Option<&AtLevel<OwnedOf<A>>>,
    ) -> Result<(), TargetError> {
        let levels = self.levels_of(target)?;
        let level = at.map_or(state.at.level, |at| at.level);
        if level >= levels {
            return Err(no_level(level, levels));
        }
        if let Some(at) = at {
            state.at.clone_from(at);
        }
        state.scratch.resize(levels, 0.0);
        let SimulatedTemperingState { replica, at, .. } = state;
        replica.level = at.level;
        // A base draw may lie where the kernel cannot follow, and is replaced anyway.
        replica.drawn = target.exact && at.level == 0;
        if replica.drawn {
            replica.draw.clone_from(&at.x);
            return Ok(());
        }
        let (law, kernel) = (&target.targets[at.level], &self.kernels[at.level]);
        kernel.reset(law, &mut replica.state, Some(at.x.borrow()))
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &LevelMixture<A>,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<SimulatedTemperingInfo, TargetError> {
        let from = state.replica.level;
        let within = state.replica.explore(
            &target.path,
            &target.targets[from],
            &mut self.kernels[from],
            target.exact,
            self.steps,
            None,
            rng,
        )?;
        let (level, leaving) = self.choose(target, state, rng)?;
        let (law, kernel) = (&target.targets[level], &self.kernels[level]);
        if level != from {
            state.replica.arrive(level, law, kernel, target.exact)?;
        }
        state.at.level = level;
        state
            .replica
            .position(law, kernel)
            .clone_into(&mut state.at.x);
        Ok(SimulatedTemperingInfo {
            within,
            level,
            leaving,
        })
    }
}

fn no_level(level: usize, levels: usize) -> TargetError {
    TargetError::new(format!(
        "the level is {level}, but the ladder has {levels} levels from 0"
    ))
}

/// The outcome of [`SimulatedTempering::run`].
#[derive(Clone, Debug)]
pub struct SimulatedTemperingReport<X> {
    /// Steps that ended at each level.
    pub visits: Vec<u64>,
    /// `log Z_N/Z_0` from the visits of both ends, `log(n_N/n_0) + g_0 − g_N`. Its standard error
    /// is infinite below 8 round trips: fewer say nothing of how the visits vary.
    pub log_ratio: Estimate,
    /// The mean probability of leaving a level.
    pub leaving: f64,
    /// From level 0 to the last and back.
    pub round_trips: u64,
    /// States at the last level, in order.
    pub draws: Vec<X>,
}

impl<K> SimulatedTempering<K> {
    /// Finds weights under which all levels are visited alike, from a chain of `steps` steps that
    /// starts at `start`: each visit to a level lowers its log weight by a gain that is halved
    /// whenever the histogram is flat to 20 % (Wang and Landau, *Phys. Rev. Lett.* 86, 2050
    /// (2001)), and is `levels/step` once that is more (Belardinelli and Pereyra, *Phys. Rev. E* 75,
    /// 046701 (2007)), without which the weights would stop short of their limit.
    ///
    /// The weights come back frozen: a chain that goes on changing them has no invariant law.
    ///
    /// # Errors
    /// If `steps` is 0, or the target fails.
    pub fn tune<A>(
        &self,
        path: A,
        ladder: TemperatureLadder,
        start: AtLevel<OwnedOf<A>>,
        steps: usize,
        seed: u64,
    ) -> Result<LevelMixture<A>, AnnealingError>
    where
        A: AnnealingPath,
        OwnedOf<A>: Clone,
        K: MarkovKernel<A::Target>,
    {
        if steps == 0 {
            return Err(ArgumentError::new("steps", steps, "at least 1").into());
        }
        let levels = ladder.len();
        let mut law = LevelMixture::new(path, ladder, vec![0.0; levels])?;
        let mut kernel = self.clone();
        let mut state = kernel.init(&law, &start)?;
        let mut rng = stream(seed, TUNING_STREAM);
        let (mut gain, mut settled) = (1.0, false);
        let mut visits = vec![0u64; levels];
        for step in 1..=steps {
            let info = kernel
                .step(&law, &mut state, &mut rng)
                .map_err(|e| e.at(0, step - 1))?;
            let least = levels as f64 / step as f64;
            if settled {
                gain = least;
            }
            law.log_weights[info.level] -= gain;
            visits[info.level] += 1;
            let total: u64 = visits.iter().sum();
            let flat = visits
                .iter()
                .all(|&v| v as f64 * levels as f64 >= 0.8 * total as f64);
            if flat && total >= 10 * levels as u64 {
                visits.fill(0);
                gain *= 0.5;
                settled |= gain < least;
            }
        }
        // A common constant means nothing.
        let first = law.log_weights[0];
        for g in &mut law.log_weights {
            *g -= first;
        }
        Ok(law)
    }

    /// `steps` steps of one chain with frozen weights.
    ///
    /// # Errors
    /// If `steps` is 0, the target fails, or one end of the ladder was never visited.
    pub fn run<A>(
        &self,
        law: &LevelMixture<A>,
        start: &AtLevel<OwnedOf<A>>,
        steps: usize,
        confidence: f64,
        seed: u64,
    ) -> Result<SimulatedTemperingReport<OwnedOf<A>>, AnnealingError>
    where
        A: AnnealingPath,
        OwnedOf<A>: Clone,
        K: MarkovKernel<A::Target>,
    {
        check_confidence(confidence)?;
        let mut run = self.start(law, start, steps, seed)?;
        run.advance(law, usize::MAX)?;
        run.finish(law, confidence)
    }

    /// A run of `steps` steps that has not begun: [`run`](Self::run) in pieces.
    ///
    /// # Errors
    /// If `steps` is 0, or the start has no finite energy at its level.
    pub fn start<A>(
        &self,
        law: &LevelMixture<A>,
        start: &AtLevel<OwnedOf<A>>,
        steps: usize,
        seed: u64,
    ) -> Result<SimulatedTemperingRun<K, K::State, OwnedOf<A>>, AnnealingError>
    where
        A: AnnealingPath,
        OwnedOf<A>: Clone,
        K: MarkovKernel<A::Target>,
    {
        if steps == 0 {
            return Err(ArgumentError::new("steps", steps, "at least 1").into());
        }
        let levels = law.ladder.len();
        let length = (steps / BATCHES).max(1);
        Ok(SimulatedTemperingRun {
            kernel: self.clone(),
            state: self.init(law, start)?,
            stream: stream(seed, RUN_STREAM),
            steps,
            step: 0,
            ends: vec![[0; 2]; steps / length],
            visits: vec![0; levels],
            leaving: 0.0,
            round_trips: 0,
            leg: None,
            draws: Vec::new(),
        })
    }
}

/// A run of [`SimulatedTempering`] between two steps: everything that a checkpoint stores.
///
/// It can be stored (feature `serde`) and goes on with the same bits, on the same law. A run that
/// only needs draws, and several chains of them, has its checkpoints from
/// [`Sampler`](crate::Sampler): [`SimulatedTempering`] is a kernel on a [`LevelMixture`] like any
/// other.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SimulatedTemperingRun<K, S, X> {
    kernel: SimulatedTempering<K>,
    state: SimulatedTemperingState<S, X>,
    stream: ChaCha8Rng,
    steps: usize,
    step: usize,
    /// Visits of both ends in each batch.
    ends: Vec<[u64; 2]>,
    visits: Vec<u64>,
    leaving: f64,
    round_trips: u64,
    /// The end that the chain has been to last on its way up and down.
    leg: Option<usize>,
    draws: Vec<X>,
}

impl<K, S, X> SimulatedTemperingRun<K, S, X> {
    /// The steps that have been made.
    pub const fn step(&self) -> usize {
        self.step
    }

    /// Goes on by `steps` steps at most; whether the run is complete.
    ///
    /// # Errors
    /// If the target fails for good, or `law` has not the levels of the run; it is then spent.
    pub fn advance<A>(
        &mut self,
        law: &LevelMixture<A>,
        steps: usize,
    ) -> Result<bool, AnnealingError>
    where
        A: AnnealingPath,
        StateOf<A>: ToOwned<Owned = X>,
        X: Borrow<StateOf<A>> + Clone,
        K: MarkovKernel<A::Target, State = S>,
    {
        let levels = self.kernel.levels_of(law)?;
        let (last, length) = (levels - 1, (self.steps / BATCHES).max(1));
        let end = self.step.saturating_add(steps).min(self.steps);
        while self.step < end {
            let info = self
                .kernel
                .step(law, &mut self.state, &mut self.stream)
                .map_err(|e| e.at(0, self.step))?;
            self.visits[info.level] += 1;
            self.leaving += info.leaving;
            let batch = self.ends.get_mut(self.step / length);
            if info.level == 0 {
                self.round_trips += u64::from(self.leg == Some(last));
                self.leg = Some(0);
                if let Some(batch) = batch {
                    batch[0] += 1;
                }
            } else if info.level == last {
                if self.leg == Some(0) {
                    self.leg = Some(last);
                }
                self.draws.push(self.state.at.x.clone());
                if let Some(batch) = batch {
                    batch[1] += 1;
                }
            }
            self.step += 1;
        }
        Ok(self.step == self.steps)
    }

    /// The report of a complete run.
    ///
    /// # Errors
    /// If the run is not complete, `confidence` is not strictly between 0 and 1, or one end of the
    /// ladder was never visited.
    pub fn finish<A>(
        self,
        law: &LevelMixture<A>,
        confidence: f64,
    ) -> Result<SimulatedTemperingReport<X>, AnnealingError>
    where
        A: AnnealingPath,
    {
        check_confidence(confidence)?;
        let steps = self.steps;
        if self.step < steps {
            return Err(ArgumentError::new(
                "run",
                format!("of {} steps", self.step),
                format!("advanced to its end, {steps} steps"),
            )
            .into());
        }
        let (levels, visits) = (self.kernel.levels_of(law)?, &self.visits);
        let (last, length) = (levels - 1, (steps / BATCHES).max(1));
        if visits[0] == 0 || visits[last] == 0 {
            return Err(ArgumentError::new(
                "steps",
                steps,
                "enough that both ends of the ladder are visited",
            )
            .into());
        }
        let per_batch = |count: u64| count as f64 / steps as f64 * length as f64;
        let deviations: Vec<f64> = self
            .ends
            .iter()
            .map(|[bottom, top]| {
                *top as f64 / per_batch(visits[last]) - *bottom as f64 / per_batch(visits[0])
            })
            .collect();
        let value = Real::ln(visits[last] as f64 / visits[0] as f64) + law.log_weights[0]
            - law.log_weights[last];
        let log_ratio = batch_means::student(
            "visits of both ends of the ladder; central limit theorem, batch means".into(),
            value,
            if self.round_trips < batch_means::FEWEST_BATCHES as u64 {
                f64::INFINITY
            } else {
                batch_means::std_err(&deviations)
            },
            deviations.len(),
            steps,
            confidence,
        )?;
        Ok(SimulatedTemperingReport {
            log_ratio,
            leaving: self.leaving / steps as f64,
            round_trips: self.round_trips,
            visits: self.visits,
            draws: self.draws,
        })
    }
}

fn check_confidence(confidence: f64) -> Result<(), ArgumentError> {
    if confidence > 0.0 && confidence < 1.0 {
        Ok(())
    } else {
        let allowed = "strictly between 0 and 1";
        Err(ArgumentError::new("confidence", confidence, allowed))
    }
}
