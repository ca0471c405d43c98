//! Confidence sequences: intervals that hold at all times at once.
//!
//! A confidence interval is for one sample size that was chosen before. Whoever looks at the data as
//! they come and stops when the result pleases needs more: a sequence of intervals `Cₙ` with
//! `P(μ ∈ Cₙ for all n ≥ 1) ≥ confidence`. Each one here rejects a candidate when a non-negative
//! supermartingale that starts at 1 reaches `1/(1 − confidence)`, which has probability at most
//! `1 − confidence` ever to happen (J. Ville 1939). Ramdas, Grünwald, Vovk and Shafer, *Statist. Sci.* 38,
//! 2023, is an overview.
//!
//! | sequence | for | cost of `push`, of `interval` |
//! |---|---|---|
//! | [`NormalMixture`] | sub-Gaussian observations | O(1), O(1) |
//! | [`BetaBinomialMixture`] | coins, and anything in a range; adapts to a mean near the ends | O(1), O(1) |
//! | [`Betting`] | anything in a range; adapts to the variance | O(1), O(n) |
//! | [`ApproximateGrapa`] | anything in a range; adapts to the variance, a stake for each of `k` cells | O(k), O(k) |
//! | [`PredictableMixture`] | anything in a range; adapts to the variance, somewhat wider | O(1), O(1) |
//! | [`Stitched`] | sub-gamma observations; the width of the law of the iterated logarithm | O(1), O(1) |
//!
//! Observations need not be independent: it is enough that each has the mean `μ` given the past.
//! Because all intervals hold at once, so does their [`RunningIntersection`].
//!
//! ```
//! use ergodic_concentration::confidence_sequence::{BetaBinomialMixture, ConfidenceSequence};
//! use ergodic_concentration::inequality::Bounded;
//!
//! let mut coin = BetaBinomialMixture::new(Bounded::new(0.0, 1.0)?, 0.95)?;
//! let mut tosses = 0;
//! while coin.interval().is_some_and(|i| i.contains(0.5)) {
//!     coin.push(f64::from(tosses % 4 != 0))?; // three heads in four tosses
//!     tosses += 1;
//! }
//! assert!((20..80).contains(&tosses)); // stopped at will, and still right with confidence .95
//! # Ok::<(), ergodic_core::ArgumentError>(())
//! ```

mod approximate_grapa;
mod beta_binomial;
mod betting;
mod normal_mixture;
mod predictable_mixture;
mod stitched;

pub use approximate_grapa::ApproximateGrapa;
pub use beta_binomial::BetaBinomialMixture;
pub use betting::Betting;
pub use normal_mixture::NormalMixture;
pub use predictable_mixture::PredictableMixture;
pub use stitched::Stitched;

use ergodic_core::{ArgumentError, Estimate, Interval};
use ergodic_math::reduce::two_sum;

use crate::argument::{self, LARGEST_SAMPLE};
use crate::inequality::{Bounded, estimate};

/// Intervals for a mean, valid at every time.
pub trait ConfidenceSequence {
    /// The name of the construction.
    fn name(&self) -> &'static str;

    /// Takes the next observation.
    ///
    /// # Errors
    /// If it is not finite or outside the range that was promised; then nothing has changed.
    fn push(&mut self, x: f64) -> Result<(), ArgumentError>;

    /// How many there were.
    fn count(&self) -> u64;

    /// Their mean; `None` before the first.
    fn mean(&self) -> Option<f64>;

    /// The probability with which all intervals cover.
    fn confidence(&self) -> f64;

    /// The present interval; `None` where every mean is rejected, which has probability at most
    /// `1 − confidence` if the assumption holds.
    fn interval(&self) -> Option<Interval>;

    /// The mean with the present interval; no standard error is claimed.
    ///
    /// # Errors
    /// If there was no observation yet, or every mean is rejected.
    fn estimate(&self) -> Result<Estimate, ArgumentError> {
        let Some(mean) = self.mean() else {
            return Err(ArgumentError::new("observations", "none", "at least one"));
        };
        let Some(interval) = self.interval() else {
            return Err(ArgumentError::new(
                "observations",
                "such that every mean is rejected",
                "as assumed",
            ));
        };
        estimate(self.name(), mean, interval, self.count(), self.confidence())
    }
}

/// The intersection of all intervals so far, which covers with the same confidence and never grows.
///
/// Calls `interval` at each push.
///
/// ```
/// use ergodic_concentration::confidence_sequence::*;
/// use ergodic_concentration::inequality::SubGaussian;
///
/// let sequence = NormalMixture::new(SubGaussian::new(1.0)?, 0.95, 10)?;
/// let mut running = RunningIntersection::new(sequence);
/// let mut last = f64::INFINITY;
/// for x in [0.0, 9.0, 0.0, -3.0, 1.0] {
///     running.push(x)?;
///     if let Some(i) = running.interval() {
///         assert!(i.upper - i.lower <= last);
///         last = i.upper - i.lower;
///     }
/// }
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RunningIntersection<S> {
    sequence: S,
    interval: Option<Interval>,
}

impl<S: ConfidenceSequence> RunningIntersection<S> {
    /// Of a sequence, from its present interval on.
    pub fn new(sequence: S) -> Self {
        let interval = sequence.interval();
        Self { sequence, interval }
    }
}

impl<S: ConfidenceSequence> ConfidenceSequence for RunningIntersection<S> {
    fn name(&self) -> &'static str {
        self.sequence.name()
    }

    fn push(&mut self, x: f64) -> Result<(), ArgumentError> {
        self.sequence.push(x)?;
        self.interval = match (self.interval, self.sequence.interval()) {
            (Some(old), Some(new)) => {
                let lower = if new.lower > old.lower {
                    new.lower
                } else {
                    old.lower
                };
                let upper = if new.upper < old.upper {
                    new.upper
                } else {
                    old.upper
                };
                (lower <= upper).then_some(Interval { lower, upper })
            }
            _ => None,
        };
        Ok(())
    }

    fn count(&self) -> u64 {
        self.sequence.count()
    }

    fn mean(&self) -> Option<f64> {
        self.sequence.mean()
    }

    fn confidence(&self) -> f64 {
        self.sequence.confidence()
    }

    fn interval(&self) -> Option<Interval> {
        self.interval
    }
}

/// A running sum with its rounding error.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Tally {
    count: u64,
    sum: f64,
    lost: f64,
}

impl Tally {
    fn push(&mut self, x: f64) -> Result<(), ArgumentError> {
        if self.count == LARGEST_SAMPLE {
            return Err(ArgumentError::new("count", self.count, "below 2⁵³"));
        }
        let (sum, lost) = two_sum(self.sum, x);
        argument::require("x", x, sum.is_finite(), "such that the sum stays finite")?;
        self.sum = sum;
        self.lost += lost;
        self.count += 1;
        Ok(())
    }

    fn total(&self) -> f64 {
        self.sum + self.lost
    }

    fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.total() / self.count as f64)
    }

    /// The mean in a range of observations that are scaled to `[0, 1]`.
    fn mean_within(&self, range: &Bounded) -> Option<f64> {
        let mean = range.at_unit(self.mean()?);
        // The scale there and back may pass an end by an ulp.
        Some(mean.clamp(range.lower(), range.upper()))
    }

    /// `mean ± radius` rounded outwards; all reals before the first observation.
    fn around(&self, radius: f64) -> Interval {
        match self.mean() {
            None => Interval {
                lower: f64::NEG_INFINITY,
                upper: f64::INFINITY,
            },
            Some(mean) => Interval {
                lower: (mean - radius).next_down(),
                upper: (mean + radius).next_up(),
            },
        }
    }
}

/// Observations in `[0, 1]` with what the earlier ones predict of each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Predictions {
    tally: Tally,
    /// `Σ (xᵢ − μ̂ᵢ)²`, for the predictions of the variance.
    squares: f64,
}

/// What those before the `i`-th observation say of it, as if there had been one of ½ with variance ¼.
struct Prediction {
    i: f64,
    mean: f64,
    variance: f64,
}

impl Predictions {
    /// Takes an observation, and says what was predicted of it.
    fn push(&mut self, x: f64) -> Result<Prediction, ArgumentError> {
        let i = self.tally.count as f64 + 1.0;
        let prediction = Prediction {
            i,
            mean: (0.5 + self.tally.total()) / i,
            variance: (0.25 + self.squares) / i,
        };
        self.tally.push(x)?;
        let mean = (0.5 + self.tally.total()) / (i + 1.0);
        self.squares += (x - mean) * (x - mean);
        Ok(prediction)
    }
}
