//! Adaptive multilevel splitting of paths, in the form that is unbiased with ties.

use ergodic_core::{ArgumentError, Bias, Estimate, Randomness};
use ergodic_math::rng;
use rayon::prelude::*;

use super::{RareEventError, Streams, at_least, mean_of_runs, not_nan};
use crate::argument::open_unit;

/// A Markov process whose paths end, with a score that says how near a state is to the event.
///
/// The event is that the score reaches a level before the path ends. Any score that does so is right; the best
/// is the probability of the event from the state, or a monotone function of it. What the future depends on
/// belongs to the state, the time included where it matters.
pub trait SplittingProcess: Sync {
    /// A state of the process.
    type State: Clone + Send;

    /// The first state of a path.
    fn start<R: Randomness + ?Sized>(&self, rng: &mut R) -> Self::State;

    /// Whether the path ends in this state.
    fn ended(&self, state: &Self::State) -> bool;

    /// One step of a path that has not ended.
    fn step<R: Randomness + ?Sized>(&self, state: &mut Self::State, rng: &mut R);

    /// How near the state is to the event; not NaN.
    fn score(&self, state: &Self::State) -> f64;
}

/// What is killed and replaced: a path, or a point.
pub(super) trait Population: Sync {
    type Particle: Send;

    fn start<R: Randomness + ?Sized>(
        &self,
        budget: &mut u64,
        rng: &mut R,
    ) -> Result<Self::Particle, RareEventError>;

    /// The score that decides who is killed.
    fn score(&self, particle: &Self::Particle) -> f64;

    /// A particle of score above `level`, from one that has it.
    fn branch<R: Randomness + ?Sized>(
        &self,
        parent: &Self::Particle,
        level: f64,
        budget: &mut u64,
        rng: &mut R,
    ) -> Result<Self::Particle, RareEventError>;
}

/// One run: the estimate, and how many levels it took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Run {
    pub(super) value: f64,
    pub(super) levels: usize,
}

/// Replicas, of which all at or below the `kills`-th lowest score are killed and replaced by branches of the
/// others, until that score reaches the level.
pub(super) fn run<P: Population, R: Randomness + ?Sized>(
    population: &P,
    level: f64,
    replicas: usize,
    kills: usize,
    steps: u64,
    rng: &mut R,
) -> Result<Run, RareEventError> {
    let mut budget = steps;
    let out = |error| match error {
        RareEventError::Endless { .. } => RareEventError::Endless { steps },
        other => other,
    };
    let mut particles = Vec::with_capacity(replicas);
    for _ in 0..replicas {
        particles.push(population.start(&mut budget, rng).map_err(out)?);
    }
    let (mut weight, mut levels) = (1.0, 0);
    let mut scores = vec![0.0; replicas];
    loop {
        for (score, particle) in scores.iter_mut().zip(&particles) {
            *score = population.score(particle);
        }
        if scores.iter().any(|s| s.is_nan()) {
            return Err(RareEventError::Score);
        }
        let mut sorted = scores.clone();
        sorted.sort_by(f64::total_cmp);
        let line = sorted[kills - 1];
        if line >= level {
            let reached = scores.iter().filter(|s| **s >= level).count();
            return Ok(Run {
                value: weight * reached as f64 / replicas as f64,
                levels,
            });
        }
        // All that tie with the line go, however many: with fewer the estimate would be biased.
        let survivors: Vec<usize> = (0..replicas).filter(|&i| scores[i] > line).collect();
        if survivors.is_empty() {
            return Ok(Run { value: 0.0, levels });
        }
        levels += 1;
        weight *= survivors.len() as f64 / replicas as f64;
        for i in 0..replicas {
            if scores[i] <= line {
                let parent = survivors[rng.index(survivors.len())];
                let child = population
                    .branch(&particles[parent], line, &mut budget, rng)
                    .map_err(out)?;
                particles[i] = child;
            }
        }
    }
}

/// Adaptive multilevel splitting: the probability that a process reaches a level before its path ends.
///
/// `n` paths are drawn. Again and again all paths whose highest score is at most the `k`-th lowest of these,
/// `z`, are killed (`K ≥ k` of them, more than `k` where scores tie), and each is replaced by a copy of a
/// surviving path up to the first state with a score *above* `z`, continued independently from there. When the
/// `k`-th lowest reaches the level, the estimate is `∏ (1 − K/n)` times the share of paths that did; it is 0 if all
/// paths are killed at once.
///
/// Unbiased for any score, any `n` and `k`, in this form (Bréhier, Gazeau, Goudenège, Lelièvre and Rousset,
/// *Ann. Appl. Probab.* 26, 2016): killing all ties, and branching above and not at the line, is what makes it so
/// for processes in discrete time. Of Cérou and Guyader, *Stoch. Anal. Appl.* 25, 2007.
///
/// Runs are independent and in parallel. The interval is the normal one over runs: for some dozens of runs or
/// more. Memory per path: the states at which its score rose. Cost: about `n log 1/P` paths a run.
///
/// ```
/// use ergodic_concentration::rare::{AdaptiveSplitting, SplittingProcess};
/// use ergodic_core::Randomness;
///
/// /// A gambler who wins with probability 0.4, from 1 to ruin at 0.
/// struct Gambler;
/// impl SplittingProcess for Gambler {
///     type State = i32;
///     fn start<R: Randomness + ?Sized>(&self, _: &mut R) -> i32 {
///         1
///     }
///     fn ended(&self, x: &i32) -> bool {
///         *x == 0
///     }
///     fn step<R: Randomness + ?Sized>(&self, x: &mut i32, rng: &mut R) {
///         *x += if rng.bernoulli(0.4) { 1 } else { -1 };
///     }
///     fn score(&self, x: &i32) -> f64 {
///         f64::from(*x)
///     }
/// }
/// let found = AdaptiveSplitting::new().runs(64).build()?.estimate(&Gambler, 20.0)?;
/// let exact = 0.5 / (1.5f64.powi(20) - 1.0); // 1.5e-4
/// assert!((found.estimate.value - exact).abs() < 5.0 * found.estimate.std_err);
/// # Ok::<(), ergodic_concentration::rare::RareEventError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AdaptiveSplitting {
    replicas: usize,
    kills: usize,
    runs: usize,
    steps: u64,
    confidence: f64,
    seed: u64,
}

/// The mean over runs of splitting.
#[derive(Clone, Debug, PartialEq)]
pub struct SplittingEstimate {
    /// The probability.
    pub estimate: Estimate,
    /// The mean number of levels of a run.
    pub levels: f64,
    /// Runs that ended with all particles killed at once: their value is 0.
    pub extinctions: usize,
}

impl Default for AdaptiveSplitting {
    fn default() -> Self {
        Self::new()
    }
}

impl AdaptiveSplitting {
    /// 100 replicas of which 10 are killed at least, 32 runs of 10⁸ steps at most, intervals at 95 %, seed 1.
    pub fn new() -> Self {
        Self {
            replicas: 100,
            kills: 10,
            runs: 32,
            steps: 100_000_000,
            confidence: 0.95,
            seed: 1,
        }
    }

    /// The number `n` of replicas, at least 2.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas;
        self
    }

    /// The least number `k` of replicas that are killed at a level, `1 ≤ k < n`.
    pub fn kills(mut self, kills: usize) -> Self {
        self.kills = kills;
        self
    }

    /// The number of independent runs, at least 2.
    pub fn runs(mut self, runs: usize) -> Self {
        self.runs = runs;
        self
    }

    /// Steps of the process that a run may take.
    pub fn steps(mut self, steps: u64) -> Self {
        self.steps = steps;
        self
    }

    /// The confidence of the interval, in `(0, 1)`.
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.confidence = confidence;
        self
    }

    /// The seed.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The checked settings.
    ///
    /// # Errors
    /// A setting outside its domain.
    pub fn build(self) -> Result<Self, ArgumentError> {
        self.check()?;
        Ok(self)
    }

    fn check(&self) -> Result<(), ArgumentError> {
        at_least("replicas", self.replicas, 2)?;
        at_least("runs", self.runs, 2)?;
        if !(1..self.replicas).contains(&self.kills) {
            let allowed = format!("at least 1 and below the {} replicas", self.replicas);
            return Err(ArgumentError::new("kills", self.kills, allowed));
        }
        open_unit("confidence", self.confidence)
    }

    /// The probability that the score reaches `level`.
    ///
    /// # Errors
    /// If a setting is outside its domain, the level or a score is NaN, or a run exceeds its steps.
    pub fn estimate<P: SplittingProcess>(
        &self,
        process: &P,
        level: f64,
    ) -> Result<SplittingEstimate, RareEventError> {
        self.average(
            &Paths { process, level },
            level,
            Streams::Splitting,
            "adaptive multilevel splitting of paths; normal interval over independent runs",
            Bias::Bounded(0.0),
        )
    }

    pub(super) fn average<P: Population>(
        &self,
        population: &P,
        level: f64,
        streams: Streams,
        method: &'static str,
        bias: Bias,
    ) -> Result<SplittingEstimate, RareEventError> {
        self.check()?;
        not_nan("level", level)?;
        // In the order of the runs, so that the first error is the same for any number of threads.
        let runs: Vec<Result<Run, RareEventError>> = (0..self.runs)
            .into_par_iter()
            .map(|index| {
                let mut rng = rng::stream(self.seed, streams.of(index));
                run(
                    population,
                    level,
                    self.replicas,
                    self.kills,
                    self.steps,
                    &mut rng,
                )
            })
            .collect();
        let runs: Vec<Run> = runs.into_iter().collect::<Result<_, _>>()?;
        let values: Vec<f64> = runs.iter().map(|r| r.value).collect();
        let levels: usize = runs.iter().map(|r| r.levels).sum();
        Ok(SplittingEstimate {
            estimate: mean_of_runs(method, &values, self.confidence, bias)?,
            levels: levels as f64 / self.runs as f64,
            extinctions: values.iter().filter(|v| **v == 0.0).count(),
        })
    }
}

/// Paths of a process, each kept as the states at which its score rose: a branch starts at the first state above
/// some line, which is one of these.
struct Paths<'a, P> {
    process: &'a P,
    level: f64,
}

impl<P: SplittingProcess> Paths<'_, P> {
    /// Continues a path from its last state to its end, or to the level.
    fn finish<R: Randomness + ?Sized>(
        &self,
        records: &mut Vec<(f64, P::State)>,
        mut state: P::State,
        budget: &mut u64,
        rng: &mut R,
    ) -> Result<(), RareEventError> {
        let mut highest = records.last().map_or(f64::NEG_INFINITY, |r| r.0);
        while highest < self.level && !self.process.ended(&state) {
            if *budget == 0 {
                return Err(RareEventError::Endless { steps: 0 });
            }
            *budget -= 1;
            self.process.step(&mut state, rng);
            let score = self.process.score(&state);
            if score.is_nan() {
                return Err(RareEventError::Score);
            }
            if score > highest {
                highest = score;
                records.push((score, state.clone()));
            }
        }
        Ok(())
    }
}

impl<P: SplittingProcess> Population for Paths<'_, P> {
    type Particle = Vec<(f64, P::State)>;

    fn start<R: Randomness + ?Sized>(
        &self,
        budget: &mut u64,
        rng: &mut R,
    ) -> Result<Self::Particle, RareEventError> {
        let state = self.process.start(rng);
        let score = self.process.score(&state);
        if score.is_nan() {
            return Err(RareEventError::Score);
        }
        let mut records = vec![(score, state.clone())];
        self.finish(&mut records, state, budget, rng)?;
        Ok(records)
    }

    fn score(&self, particle: &Self::Particle) -> f64 {
        particle.last().map_or(f64::NEG_INFINITY, |r| r.0)
    }

    fn branch<R: Randomness + ?Sized>(
        &self,
        parent: &Self::Particle,
        level: f64,
        budget: &mut u64,
        rng: &mut R,
    ) -> Result<Self::Particle, RareEventError> {
        let above = parent.partition_point(|r| r.0 <= level);
        let mut records = parent[..=above.min(parent.len() - 1)].to_vec();
        if let Some((_, state)) = records.last() {
            let state = state.clone();
            self.finish(&mut records, state, budget, rng)?;
        }
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A walk on the integers from 1, `+2` or `+1` or `−1`, that ends at 0 or below; scores tie all the time.
    struct Walk {
        up: f64,
        coarse: bool,
    }

    impl SplittingProcess for Walk {
        type State = i32;
        fn start<R: Randomness + ?Sized>(&self, _: &mut R) -> i32 {
            1
        }
        fn ended(&self, x: &i32) -> bool {
            *x <= 0
        }
        fn step<R: Randomness + ?Sized>(&self, x: &mut i32, rng: &mut R) {
            *x += [2, 1, -1][rng.categorical(&[0.3 * self.up, 0.7 * self.up, 1.0 - self.up])];
        }
        fn score(&self, x: &i32) -> f64 {
            // A coarse score ties whole pairs of states.
            f64::from(if self.coarse { *x / 2 } else { *x })
        }
    }

    impl Walk {
        /// The probability to reach `level` from 1, by sweeps of the linear equations.
        fn exact(&self, level: i32) -> f64 {
            let reached = |x: i32| self.score(&x) >= f64::from(level);
            let mut h = vec![0.0; 200];
            for _ in 0..100_000 {
                let mut change = 0.0f64;
                for x in 1..198usize {
                    let new = if reached(x as i32) {
                        1.0
                    } else {
                        self.up * (0.3 * h[x + 2] + 0.7 * h[x + 1]) + (1.0 - self.up) * h[x - 1]
                    };
                    change = change.max((new - h[x]).abs());
                    h[x] = new;
                }
                if change < 1e-18 {
                    break;
                }
            }
            h[1]
        }
    }

    /// 4 settings with 20,000 runs each. The mean of a run has a finite variance and the mean of so many is
    /// nearly normal: beyond 5.2 standard errors with probability 2e-7 each. Killing only `k` of the ties, or
    /// branching at the line, is off by more than ten.
    #[test]
    fn splitting_is_unbiased_with_ties() {
        for (coarse, replicas, kills, level) in [
            (false, 10, 1, 9),
            (false, 7, 3, 9),
            (true, 10, 1, 5),
            (true, 25, 12, 6),
        ] {
            let walk = Walk { up: 0.35, coarse };
            let exact = walk.exact(level);
            assert!(exact < 0.1, "{exact}");
            let settings = AdaptiveSplitting::new()
                .replicas(replicas)
                .kills(kills)
                .runs(20_000);
            let found = settings
                .build()
                .unwrap()
                .estimate(&walk, f64::from(level))
                .unwrap();
            let e = &found.estimate;
            let z = (e.value - exact) / e.std_err;
            assert!(
                z.abs() < 5.2,
                "{coarse} {replicas} {kills}: {z} {e:?} {exact}"
            );
            assert!(e.std_err < 0.05 * exact, "{e:?}");
            assert!(found.levels > 1.0);
            assert_eq!(e.bias, Bias::Bounded(0.0));
        }
    }

    /// A walk with drift, far away: the relative error is that of a logarithm of the probability.
    #[test]
    fn very_rare_events_are_within_reach() {
        struct Gambler;
        impl SplittingProcess for Gambler {
            type State = i32;
            fn start<R: Randomness + ?Sized>(&self, _: &mut R) -> i32 {
                1
            }
            fn ended(&self, x: &i32) -> bool {
                *x == 0
            }
            fn step<R: Randomness + ?Sized>(&self, x: &mut i32, rng: &mut R) {
                *x += if rng.bernoulli(0.3) { 1 } else { -1 };
            }
            fn score(&self, x: &i32) -> f64 {
                f64::from(*x)
            }
        }
        let ratio = 7.0f64 / 3.0;
        let exact = (ratio - 1.0) / (ratio.powi(24) - 1.0);
        let settings = AdaptiveSplitting::new()
            .replicas(200)
            .kills(20)
            .runs(200)
            .seed(3);
        let found = settings.build().unwrap().estimate(&Gambler, 24.0).unwrap();
        assert!(exact < 3e-9);
        let e = found.estimate;
        assert!(
            (e.value - exact).abs() < 5.2 * e.std_err && e.std_err < 0.1 * exact,
            "{e:?} {exact}"
        );
        assert_eq!(found.extinctions, 0);
    }

    /// Brownian motion with drift −1 from 1, seen when it reaches a neighbour on a grid of eighths: from there the
    /// next is the upper one with probability `(1 − e^{−2h})/(e^{2h} − e^{−2h}) = 1/(e^{2h} + 1)`, so that the walk is
    /// exact, and it reaches 6 before 0 with probability `(e² − 1)/(e¹² − 1)`.
    #[test]
    fn brownian_motion_against_its_drift_reaches_a_height() {
        struct Brownian;
        impl SplittingProcess for Brownian {
            type State = i32;
            fn start<R: Randomness + ?Sized>(&self, _: &mut R) -> i32 {
                8
            }
            fn ended(&self, x: &i32) -> bool {
                *x == 0
            }
            fn step<R: Randomness + ?Sized>(&self, x: &mut i32, rng: &mut R) {
                let up = 1.0 / (0.25f64.exp() + 1.0);
                *x += if rng.bernoulli(up) { 1 } else { -1 };
            }
            fn score(&self, x: &i32) -> f64 {
                f64::from(*x) / 8.0
            }
        }
        let exact = 3.925595860610e-5;
        assert!((2f64.exp_m1() / 12f64.exp_m1() / exact - 1.0).abs() < 1e-12);
        let settings = AdaptiveSplitting::new().replicas(100).kills(10).runs(400);
        let found = settings
            .seed(5)
            .build()
            .unwrap()
            .estimate(&Brownian, 6.0)
            .unwrap();
        // 400 independent runs: beyond 5.2 standard errors with probability 2e-7.
        let e = found.estimate;
        assert!((e.value - exact).abs() < 5.2 * e.std_err, "{e:?}");
        assert!(e.std_err < 0.05 * exact, "{e:?}");
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let walk = Walk {
            up: 0.35,
            coarse: false,
        };
        let ask = || {
            AdaptiveSplitting::new()
                .runs(40)
                .seed(2)
                .estimate(&walk, 8.0)
                .unwrap()
        };
        let pool = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(ask)
        };
        assert_eq!(pool(1), pool(3));
    }

    #[test]
    fn bad_settings_scores_and_endless_paths_are_typed_errors() {
        let build = |e: AdaptiveSplitting| e.build().unwrap_err().argument;
        let new = AdaptiveSplitting::new;
        assert_eq!(build(new().replicas(1)), "replicas");
        assert_eq!(build(new().kills(0)), "kills");
        assert_eq!(build(new().kills(100)), "kills");
        assert_eq!(build(new().runs(1)), "runs");
        assert_eq!(build(new().confidence(0.0)), "confidence");
        let walk = Walk {
            up: 1.0,
            coarse: false,
        };
        let endless = new().steps(1000).estimate(&walk, f64::INFINITY);
        assert_eq!(endless, Err(RareEventError::Endless { steps: 1000 }));
        let nan = new().estimate(&walk, f64::NAN);
        assert!(matches!(nan, Err(RareEventError::Argument(e)) if e.argument == "level"));
        struct Lost;
        impl SplittingProcess for Lost {
            type State = ();
            fn start<R: Randomness + ?Sized>(&self, _: &mut R) {}
            fn ended(&self, (): &()) -> bool {
                true
            }
            fn step<R: Randomness + ?Sized>(&self, (): &mut (), _: &mut R) {}
            fn score(&self, (): &()) -> f64 {
                f64::NAN
            }
        }
        assert_eq!(new().estimate(&Lost, 1.0), Err(RareEventError::Score));
        // Reached from the start, and out of reach.
        assert_eq!(new().estimate(&walk, 1.0).unwrap().estimate.value, 1.0);
        let never = new()
            .estimate(
                &Walk {
                    up: 0.0,
                    coarse: false,
                },
                3.0,
            )
            .unwrap();
        assert_eq!((never.estimate.value, never.extinctions), (0.0, 32));
        // That 32 runs saw nothing says that a run sees it with probability 0.0894 at most, at 95 %.
        let interval = never.estimate.interval;
        assert_eq!(interval.lower, 0.0);
        assert!(((1.0 - interval.upper).powi(32) - 0.05).abs() < 1e-12);
    }
}
