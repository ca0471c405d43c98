//! Rare events by simulation: importance sampling by exponential tilting, adaptive multilevel splitting,
//! and, biased, subset simulation.
//!
//! | method | for | unbiased |
//! |---|---|---|
//! | [`ExponentialTilting`] | means of independent draws | yes, with the exact variance on a lattice |
//! | [`AdaptiveSplitting`] | paths of a Markov process | yes, ties of scores included |
//! | [`LastParticle`] | a static law that can be moved above a level | with exact moves |
//! | [`SubsetSimulation`] | functions of many standard normals | no |
//!
//! All are averages of independent runs or blocks, each with its own random stream: the same seed gives the
//! same bits for any number of threads.

mod last_particle;
mod splitting;
mod subset;
mod tilting;

use std::fmt;

use ergodic_core::{ArgumentError, Bias, Estimate, Units};
use ergodic_math::Real;
use ergodic_math::moments::Moments;

pub use last_particle::{LastParticle, LevelMoves};
pub use splitting::{AdaptiveSplitting, SplittingEstimate, SplittingProcess};
pub use subset::{BiasedEstimate, SubsetSimulation};
pub use tilting::{ExponentialTilting, Sampler, TiltedEstimate, TiltedSampling, lattice_variance};

/// Why a rare event has no estimate.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RareEventError {
    /// An argument outside its domain.
    Argument(ArgumentError),
    /// A score that is NaN.
    Score,
    /// A run took more steps than it was given: a path does not end, or the level is out of reach.
    Endless {
        /// The steps given to a run.
        steps: u64,
    },
    /// All samples of a level have the same score, so that the next level is no higher.
    Stuck {
        /// The score.
        level: f64,
    },
}

impl fmt::Display for RareEventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(error) => error.fmt(f),
            Self::Score => write!(f, "a score is NaN, but must be a number"),
            Self::Endless { steps } => write!(f, "a run did not end within {steps} steps"),
            Self::Stuck { level } => {
                write!(
                    f,
                    "too many samples share the score {level} to find a higher level"
                )
            }
        }
    }
}

impl std::error::Error for RareEventError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Argument(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ArgumentError> for RareEventError {
    fn from(error: ArgumentError) -> Self {
        Self::Argument(error)
    }
}

/// The families of random streams of this crate: run `r` of a family uses stream `(family << 40) + r` of its
/// seed.
#[derive(Clone, Copy, Debug)]
enum Streams {
    Tilting = 0xC01,
    Splitting = 0xC02,
    LastParticle = 0xC03,
    Subset = 0xC04,
}

impl Streams {
    fn of(self, run: usize) -> u64 {
        ((self as u64) << 40) + run as u64
    }
}

/// The mean of independent runs with values in `[0, 1]`, with the normal interval of the central limit theorem
/// over them, cut at 0. Where all are 0 the upper end is `1 − δ^{1/R}` of `R` runs at confidence `1 − δ`: a larger
/// chance of a run above 0, which the mean does not exceed, would have shown.
fn mean_of_runs(
    method: &'static str,
    values: &[f64],
    confidence: f64,
    bias: Bias,
) -> Result<Estimate, ArgumentError> {
    let mut moments = Moments::new();
    for v in values {
        moments.push(*v);
    }
    let (Some(mean), Some(std_err)) = (moments.mean(), moments.std_err()) else {
        return Err(ArgumentError::new("runs", values.len(), "at least 2"));
    };
    let mut estimate = Estimate::normal(method, mean, std_err, values.len(), confidence)?;
    estimate.interval.lower = estimate.interval.lower.max(0.0);
    if mean == 0.0 {
        let log_risk = Real::ln_1p(-confidence);
        estimate.interval.upper = -Real::exp_m1(log_risk / values.len() as f64);
    }
    estimate.units = Units::Dimensionless;
    estimate.bias = bias;
    Ok(estimate)
}

fn at_least(argument: &'static str, found: usize, least: usize) -> Result<(), ArgumentError> {
    if found >= least {
        return Ok(());
    }
    Err(ArgumentError::new(
        argument,
        found,
        format!("at least {least}"),
    ))
}

fn not_nan(argument: &'static str, found: f64) -> Result<(), ArgumentError> {
    if found.is_nan() {
        return Err(ArgumentError::new(argument, found, "a number"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_of_probabilities_end_at_zero() {
        let e = mean_of_runs("runs", &[0.0, 0.0, 0.0, 1.0], 0.95, Bias::Unknown).unwrap();
        assert_eq!((e.value, e.interval.lower), (0.25, 0.0));
        let one = mean_of_runs("runs", &[0.5], 0.95, Bias::Unknown);
        assert_eq!(one.unwrap_err().argument, "runs");
    }
}
