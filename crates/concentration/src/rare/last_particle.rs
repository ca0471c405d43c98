//! Splitting of a static law: moving the particles that lag behind above the last of them.

use ergodic_core::{ArgumentError, Bias, Randomness};

use super::splitting::{AdaptiveSplitting, Population, SplittingEstimate};
use super::{RareEventError, Streams};

/// A law with a score, and moves that keep the law given that the score is above a level.
pub trait LevelMoves: Sync {
    /// A point.
    type State: Clone + Send;

    /// A draw from the law.
    fn draw<R: Randomness + ?Sized>(&self, rng: &mut R) -> Self::State;

    /// What has to reach the level; not NaN.
    fn score(&self, state: &Self::State) -> f64;

    /// Moves a draw from the law given `score > level` so that it is again one, with its score above the level:
    /// by any number of steps of a Markov kernel that rejects what is not above, or by a fresh draw.
    fn move_above<R: Randomness + ?Sized>(&self, state: &mut Self::State, level: f64, rng: &mut R);

    /// Whether [`move_above`](Self::move_above) is a fresh draw that depends on the state in no way.
    fn is_exact(&self) -> bool {
        false
    }
}

/// The last-particle method: the probability that the score of a draw reaches a level.
///
/// `n` draws; again and again the lowest, with all that tie with it, is replaced by a copy of one of the others,
/// moved. The estimate is `∏ (1 − K/n)` over the levels, `K = 1` without ties, times the share of draws that reached
/// the level. With exact moves it is unbiased and `log P̂` has variance near `−log P/n`, the number of levels being
/// Poisson of mean `−n log P` (Guyader, Hengartner and Matzner-Løber, *Appl. Math. Optim.* 64, 2011; with ties
/// Bréhier, Lelièvre and Rousset, *ESAIM: Probab. Stat.* 19, 2015). With Markov moves the copies remember their
/// parents, and nothing is promised of the bias but that it falls with more steps a move: the estimate says so.
///
/// ```
/// use ergodic_concentration::rare::{LastParticle, LevelMoves};
/// use ergodic_core::{Bias, Randomness};
/// use ergodic_math::special::{normal_cdf, normal_quantile};
///
/// /// A standard normal, redrawn above a level by inversion.
/// struct Normal;
/// impl LevelMoves for Normal {
///     type State = f64;
///     fn draw<R: Randomness + ?Sized>(&self, rng: &mut R) -> f64 {
///         rng.normal()
///     }
///     fn score(&self, x: &f64) -> f64 {
///         *x
///     }
///     fn move_above<R: Randomness + ?Sized>(&self, x: &mut f64, level: f64, rng: &mut R) {
///         let mass = (1.0 - rng.uniform()) * normal_cdf(-level);
///         *x = normal_quantile(mass).map_or(level, |q| (-q).max(level.next_up()));
///     }
///     fn is_exact(&self) -> bool {
///         true
///     }
/// }
/// let found = LastParticle::new().runs(50).build()?.estimate(&Normal, 6.0)?.estimate;
/// assert!((found.value - 9.865876450377e-10).abs() < 5.0 * found.std_err);
/// assert!(found.std_err < 0.2 * found.value);
/// assert_eq!(found.bias, Bias::Bounded(0.0));
/// # Ok::<(), ergodic_concentration::rare::RareEventError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LastParticle {
    splitting: AdaptiveSplitting,
}

impl Default for LastParticle {
    fn default() -> Self {
        Self::new()
    }
}

impl LastParticle {
    /// 100 particles, of which the last is replaced, 32 runs, intervals at 95 %, seed 1.
    pub fn new() -> Self {
        Self {
            splitting: AdaptiveSplitting::new().kills(1),
        }
    }

    /// The number `n` of particles, at least 2.
    pub fn particles(mut self, particles: usize) -> Self {
        self.splitting = self.splitting.replicas(particles);
        self
    }

    /// The least number of particles that are replaced at a level, 1 or more.
    pub fn kills(mut self, kills: usize) -> Self {
        self.splitting = self.splitting.kills(kills);
        self
    }

    /// The number of independent runs, at least 2.
    pub fn runs(mut self, runs: usize) -> Self {
        self.splitting = self.splitting.runs(runs);
        self
    }

    /// Moves that a run may make.
    pub fn moves(mut self, moves: u64) -> Self {
        self.splitting = self.splitting.steps(moves);
        self
    }

    /// The confidence of the interval, in `(0, 1)`.
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.splitting = self.splitting.confidence(confidence);
        self
    }

    /// The seed.
    pub fn seed(mut self, seed: u64) -> Self {
        self.splitting = self.splitting.seed(seed);
        self
    }

    /// The checked settings.
    ///
    /// # Errors
    /// A setting outside its domain.
    pub fn build(mut self) -> Result<Self, ArgumentError> {
        self.splitting = self.splitting.build().map_err(|mut error| {
            if error.argument == "replicas" {
                error.argument = "particles";
            }
            error
        })?;
        Ok(self)
    }

    /// The probability that the score of a draw reaches `level`.
    ///
    /// # Errors
    /// If a setting is outside its domain, the level or a score is NaN, or a run exceeds its moves.
    pub fn estimate<M: LevelMoves>(
        &self,
        law: &M,
        level: f64,
    ) -> Result<SplittingEstimate, RareEventError> {
        let (method, bias) = if law.is_exact() {
            (
                "last particle with exact moves; normal interval over independent runs",
                Bias::Bounded(0.0),
            )
        } else {
            (
                "last particle with Markov moves, whose bias is not known; normal interval over independent runs",
                Bias::Unknown,
            )
        };
        self.splitting
            .average(&Points(law), level, Streams::LastParticle, method, bias)
    }
}

struct Points<'a, M>(&'a M);

impl<M: LevelMoves> Population for Points<'_, M> {
    type Particle = M::State;

    fn start<R: Randomness + ?Sized>(
        &self,
        _: &mut u64,
        rng: &mut R,
    ) -> Result<M::State, RareEventError> {
        Ok(self.0.draw(rng))
    }

    fn score(&self, particle: &M::State) -> f64 {
        self.0.score(particle)
    }

    fn branch<R: Randomness + ?Sized>(
        &self,
        parent: &M::State,
        level: f64,
        budget: &mut u64,
        rng: &mut R,
    ) -> Result<M::State, RareEventError> {
        if *budget == 0 {
            return Err(RareEventError::Endless { steps: 0 });
        }
        *budget -= 1;
        let mut state = parent.clone();
        self.0.move_above(&mut state, level, rng);
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exponential, rounded down to a lattice or not: the law above a level is the level and a fresh draw.
    struct Exponential {
        rounded: bool,
    }

    impl LevelMoves for Exponential {
        type State = f64;
        fn draw<R: Randomness + ?Sized>(&self, rng: &mut R) -> f64 {
            let x = rng.exponential();
            if self.rounded {
                (2.0 * x).floor() / 2.0
            } else {
                x
            }
        }
        fn score(&self, x: &f64) -> f64 {
            *x
        }
        fn move_above<R: Randomness + ?Sized>(&self, x: &mut f64, level: f64, rng: &mut R) {
            let above = if self.rounded { level + 0.5 } else { level };
            *x = above + self.draw(rng);
            if *x <= level {
                *x = level.next_up();
            }
        }
        fn is_exact(&self) -> bool {
            true
        }
    }

    /// 4 cases at 5.2 standard errors of 20,000 runs, 8e-7 in all by the normal law. The variance is
    /// `P²(P^{−1/n} − 1)` without ties and one killed at a time.
    #[test]
    fn the_last_particle_is_unbiased_with_the_variance_of_poisson_levels() {
        for (rounded, particles, kills) in
            [(false, 10, 1), (false, 20, 5), (true, 10, 1), (true, 15, 4)]
        {
            let level = 5.0;
            let exact = f64::exp(-level);
            let settings = LastParticle::new()
                .particles(particles)
                .kills(kills)
                .runs(20_000);
            let found = settings
                .build()
                .unwrap()
                .estimate(&Exponential { rounded }, level)
                .unwrap();
            let e = &found.estimate;
            let z = (e.value - exact) / e.std_err;
            assert!(z.abs() < 5.2, "{rounded} {particles} {kills}: {z} {e:?}");
            assert_eq!(e.bias, Bias::Bounded(0.0));
            if !rounded && kills == 1 {
                let relative = (exact.powf(-1.0 / particles as f64) - 1.0).sqrt();
                let found_relative = e.std_err * (20_000f64).sqrt() / exact;
                assert!(
                    (found_relative / relative - 1.0).abs() < 0.06,
                    "{found_relative} {relative}"
                );
                assert!((found.levels / (particles as f64 * level) - 1.0).abs() < 0.05);
            }
        }
    }

    /// A normal law whose moves are steps of Metropolis: not far off with many steps, and said to be biased.
    #[test]
    fn markov_moves_are_labelled() {
        struct Metropolis;
        impl LevelMoves for Metropolis {
            type State = f64;
            fn draw<R: Randomness + ?Sized>(&self, rng: &mut R) -> f64 {
                rng.normal()
            }
            fn score(&self, x: &f64) -> f64 {
                *x
            }
            fn move_above<R: Randomness + ?Sized>(&self, x: &mut f64, level: f64, rng: &mut R) {
                for _ in 0..20 {
                    let y = 0.9 * *x + (1.0f64 - 0.81).sqrt() * rng.normal();
                    if y > level {
                        *x = y;
                    }
                }
            }
        }
        let settings = LastParticle::new().runs(100).build().unwrap();
        let e = settings.estimate(&Metropolis, 4.0).unwrap().estimate;
        assert_eq!(e.bias, Bias::Unknown);
        assert!(e.method.contains("bias"));
        assert!(
            (e.value / 3.167_124_183_311_992e-5).ln().abs() < 0.3,
            "{e:?}"
        );
        let few = LastParticle::new().moves(10).estimate(&Metropolis, 4.0);
        assert_eq!(few, Err(RareEventError::Endless { steps: 10 }));
        assert_eq!(
            LastParticle::new()
                .particles(1)
                .build()
                .unwrap_err()
                .argument,
            "particles"
        );
    }
}
