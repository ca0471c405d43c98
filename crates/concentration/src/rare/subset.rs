//! Subset simulation of functions of many standard normals: widely used, and biased.

use ergodic_core::{ArgumentError, Bias, Estimate, Randomness};
use ergodic_math::moments::Moments;
use ergodic_math::{Real, rng};
use rayon::prelude::*;

use super::{RareEventError, Streams, at_least, mean_of_runs, not_nan};
use crate::argument::{open_unit, positive};

/// Levels that a run may take.
const MOST_LEVELS: usize = 10_000;

/// An estimate that is known to be biased, by an amount of which only the order is known.
#[derive(Clone, Debug, PartialEq)]
pub struct BiasedEstimate {
    /// The estimate. Its interval is of the mean of the estimator, which is not the probability.
    pub estimate: Estimate,
    /// The relative bias, to leading order in the inverse number of samples, is at most about this:
    /// `Σ_{i<j} δᵢδⱼ ≤ ½(m − 1) Σ δᵢ²` of the relative errors `δᵢ` of `m` levels (Au and Beck 2001).
    pub relative_bias: f64,
    /// The mean number of levels of a run.
    pub levels: f64,
}

/// Subset simulation: the probability that a score of `d` independent standard normals reaches a level.
///
/// Levels are chosen as quantiles of `N` samples, such that a share `p₀` is above; these continue as Markov chains
/// given that they stay above, by the modified Metropolis algorithm: each coordinate by itself proposes a step
/// uniform within the spread, accepted by the normal density, and the new point is accepted if its score is at
/// the level or above. The estimate is the product of the shares (Au and Beck, *Probab. Eng. Mech.* 16, 2001).
///
/// **Biased**, of order `1/N`: levels and shares come from the same samples. Where that matters, use
/// [`LastParticle`](super::LastParticle) with exact moves, or [`AdaptiveSplitting`](super::AdaptiveSplitting).
/// Runs are independent and in parallel. Cost: `runs · N · levels` scores.
///
/// ```
/// use ergodic_concentration::rare::SubsetSimulation;
///
/// // P(Z > 6) along a diagonal of 10 dimensions.
/// let score = |x: &[f64]| x.iter().sum::<f64>() / (x.len() as f64).sqrt();
/// let found = SubsetSimulation::new(10).build()?.estimate(score, 6.0)?;
/// assert!((found.estimate.value / 9.865876450377e-10).ln().abs() < 0.7);
/// assert!(found.relative_bias > 0.0);
/// # Ok::<(), ergodic_concentration::rare::RareEventError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SubsetSimulation {
    dim: usize,
    samples: usize,
    share: f64,
    spread: f64,
    runs: usize,
    confidence: f64,
    seed: u64,
}

impl SubsetSimulation {
    /// Of functions of `dim` normals: 1000 samples a level, `p₀ = 0.1`, spread 1, 16 runs, intervals at 95 %, seed 1.
    pub fn new(dim: usize) -> Self {
        Self {
            dim,
            samples: 1000,
            share: 0.1,
            spread: 1.0,
            runs: 16,
            confidence: 0.95,
            seed: 1,
        }
    }

    /// The number `N` of samples at each level, at least 10.
    pub fn samples(mut self, samples: usize) -> Self {
        self.samples = samples;
        self
    }

    /// The share `p₀` of samples above the next level, in `(0, 1)`; `p₀N` at least 1.
    pub fn share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    /// Half the width of the uniform proposal of a coordinate, above 0.
    pub fn spread(mut self, spread: f64) -> Self {
        self.spread = spread;
        self
    }

    /// The number of independent runs, at least 2.
    pub fn runs(mut self, runs: usize) -> Self {
        self.runs = runs;
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
        at_least("dim", self.dim, 1)?;
        at_least("samples", self.samples, 10)?;
        at_least("runs", self.runs, 2)?;
        open_unit("confidence", self.confidence)?;
        open_unit("share", self.share)?;
        if self.seeds() < 1 {
            let allowed = format!("at least 1/{} with as many samples", self.samples);
            return Err(ArgumentError::new("share", self.share, allowed));
        }
        positive("spread", self.spread)
    }

    fn seeds(&self) -> usize {
        (self.share * self.samples as f64).round() as usize
    }

    /// The probability that the score reaches `level`.
    ///
    /// # Errors
    /// If a setting is outside its domain, the level or a score is NaN, or more than the share of the samples ties at the highest score.
    pub fn estimate(
        &self,
        score: impl Fn(&[f64]) -> f64 + Sync,
        level: f64,
    ) -> Result<BiasedEstimate, RareEventError> {
        self.check()?;
        not_nan("level", level)?;
        let runs: Vec<Result<(f64, usize), RareEventError>> = (0..self.runs)
            .into_par_iter()
            .map(|run| {
                let mut rng = rng::stream(self.seed, Streams::Subset.of(run));
                self.run(&score, level, &mut rng)
            })
            .collect();
        let runs: Vec<(f64, usize)> = runs.into_iter().collect::<Result<_, _>>()?;
        let values: Vec<f64> = runs.iter().map(|r| r.0).collect();
        let levels = runs.iter().map(|r| r.1).sum::<usize>() as f64 / self.runs as f64;
        let estimate = mean_of_runs(
            "subset simulation, biased; normal interval of the mean of the estimator over independent runs",
            &values,
            self.confidence,
            Bias::Unknown,
        )?;
        let mut moments = Moments::new();
        for v in &values {
            moments.push(*v);
        }
        let variance = moments.variance().unwrap_or(0.0);
        let relative_bias = if estimate.value > 0.0 {
            0.5 * levels * variance / (estimate.value * estimate.value)
        } else {
            f64::INFINITY
        };
        Ok(BiasedEstimate {
            estimate,
            relative_bias,
            levels,
        })
    }

    fn run<R: Randomness + ?Sized>(
        &self,
        score: &impl Fn(&[f64]) -> f64,
        level: f64,
        rng: &mut R,
    ) -> Result<(f64, usize), RareEventError> {
        let n = self.samples;
        let mut points: Vec<(f64, Vec<f64>)> = Vec::with_capacity(n);
        for _ in 0..n {
            let mut x = vec![0.0; self.dim];
            rng.fill_normal(&mut x);
            points.push((score(&x), x));
        }
        let mut probability = 1.0;
        for levels in 0..MOST_LEVELS {
            if points.iter().any(|p| p.0.is_nan()) {
                return Err(RareEventError::Score);
            }
            points.sort_by(|a, b| b.0.total_cmp(&a.0));
            let line = points[self.seeds() - 1].0;
            if line >= level {
                let reached = points.iter().filter(|p| p.0 >= level).count();
                return Ok((probability * reached as f64 / n as f64, levels));
            }
            // All that tie with the line are at it or above.
            points.retain(|p| p.0 >= line);
            let seeds = points.len();
            if points[0].0 == line {
                return Err(RareEventError::Stuck { level: line });
            }
            probability *= seeds as f64 / n as f64;
            // Each seed starts a chain; the first ones are longer by one where they do not divide.
            for i in seeds..n {
                let next = self.step(&points[i - seeds], score, line, rng);
                points.push(next);
            }
        }
        Err(RareEventError::Endless {
            steps: MOST_LEVELS as u64,
        })
    }

    /// A step of the modified Metropolis algorithm.
    fn step<R: Randomness + ?Sized>(
        &self,
        from: &(f64, Vec<f64>),
        score: &impl Fn(&[f64]) -> f64,
        line: f64,
        rng: &mut R,
    ) -> (f64, Vec<f64>) {
        let to: Vec<f64> = from
            .1
            .iter()
            .map(|x| {
                let y = x + self.spread * (2.0 * rng.uniform() - 1.0);
                let acceptance = Real::exp(0.5 * (x * x - y * y)).min(1.0);
                if rng.bernoulli(acceptance) { y } else { *x }
            })
            .collect();
        let reached = score(&to);
        // NaN goes on, to be found.
        if reached < line {
            from.clone()
        } else {
            (reached, to)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ergodic_math::special::normal_cdf;

    /// Within the noise of 100 runs and the bias that it admits to.
    #[test]
    fn the_estimate_is_near_and_admits_to_its_bias() {
        let score = |x: &[f64]| (x[0] + x[1]) / 2f64.sqrt();
        let settings = SubsetSimulation::new(2)
            .samples(1000)
            .runs(100)
            .build()
            .unwrap();
        let found = settings.estimate(score, 4.5).unwrap();
        let exact = normal_cdf(-4.5);
        let e = &found.estimate;
        let allowed = 5.2 * e.std_err + found.relative_bias * exact;
        assert!((e.value - exact).abs() < allowed, "{found:?} {exact}");
        assert!(
            found.relative_bias < 1.0 && e.bias == Bias::Unknown && e.method.contains("biased")
        );
        assert!(found.levels > 3.0);
    }

    /// With the level inside the first samples there is no chain: the plain mean, `P(Z ≥ 0.5)`.
    #[test]
    fn a_level_that_is_not_rare_is_a_plain_mean() {
        let settings = SubsetSimulation::new(1).runs(100).build().unwrap();
        let e = settings.estimate(|x| x[0], 0.5).unwrap().estimate;
        let exact = normal_cdf(-0.5);
        let std_err = (exact * (1.0 - exact) / 1e5).sqrt();
        assert!((e.value - exact).abs() < 5.2 * std_err);
    }

    #[test]
    fn bad_settings_and_flat_scores_are_typed_errors() {
        let build = |s: SubsetSimulation| s.build().unwrap_err().argument;
        let new = || SubsetSimulation::new(2);
        assert_eq!(build(SubsetSimulation::new(0)), "dim");
        assert_eq!(build(new().samples(9)), "samples");
        assert_eq!(build(new().share(0.0)), "share");
        assert_eq!(build(new().share(1e-9)), "share");
        assert_eq!(build(new().spread(-1.0)), "spread");
        assert_eq!(build(new().runs(0)), "runs");
        assert_eq!(build(new().confidence(2.0)), "confidence");
        let flat = new().estimate(|_| 0.0, 1.0);
        assert_eq!(flat, Err(RareEventError::Stuck { level: 0.0 }));
        assert_eq!(
            new().estimate(|_| f64::NAN, 1.0),
            Err(RareEventError::Score)
        );
        assert!(new().estimate(|x| x[0], f64::NAN).is_err());
    }
}
