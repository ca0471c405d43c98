//! Betting that aims at the fastest growth of the capital: stakes that depend on the candidate.

use ergodic_core::{ArgumentError, Interval};
use ergodic_math::Real;

use super::{ConfidenceSequence, Prediction, Predictions};
use crate::argument;
use crate::inequality::Bounded;

/// Factors that are multiplied before a logarithm is taken: each is at most some 10⁷.
const CHUNK: u64 = 8;

/// Most cells.
const MOST_CELLS: usize = 10_000_000;

/// A confidence sequence for the mean of observations in a range, by betting the stake of nearly fastest growth
/// against each candidate ("approximate GRAPA", growth rate adaptive to the particular alternative), in constant
/// memory.
///
/// On the scale of `[0, 1]` one gambler bets against the candidate `m`, on the side where the mean of earlier
/// observations is: `Kₙ(m) = Πᵢ (1 + λᵢ(xᵢ − m))` with the stake
/// `λᵢ = (μ̂ᵢ₋₁ − m)/(σ̂²ᵢ₋₁ + (μ̂ᵢ₋₁ − m)²)`, cut to `[−c/(1 − m), c/m]`, where the expected logarithm of the capital, to
/// second order, is largest. At the true mean the capital is a non-negative martingale, so that it reaches
/// `1/α` with probability at most `α = 1 − confidence`: one gambler pays no factor 2, as the two of
/// [`Betting`](super::Betting) do.
///
/// Candidates are the cells of a partition of the range that is fixed beforehand. All of a cell have the stake
/// for the end that is nearer to the earlier mean (none while that is inside), and what is counted is
/// the capital against that end: no less than this is won against any other candidate of the cell. So the
/// guarantee holds for all means, not just for the points of a grid; what a cell of width `w` costs is about
/// `2w/(half-width)` of the logarithm `log 1/α`. Given is the hull of the cells that are left, as these need not be
/// neighbours.
///
/// Memory, `push` and `interval` are `O(cells)` each, whatever the number of observations. Source: I. Waudby-Smith
/// and A. Ramdas, *Estimating means of bounded random variables by betting*, *J. R. Stat. Soc. B* 86, 2024, the
/// strategy "aGRAPA".
///
/// ```
/// use ergodic_concentration::confidence_sequence::{ApproximateGrapa, ConfidenceSequence};
/// use ergodic_concentration::inequality::Bounded;
///
/// let mut sequence = ApproximateGrapa::new(Bounded::new(0.0, 1.0)?, 0.95)?;
/// for i in 0..400 {
///     sequence.push(0.5 + 0.01 * f64::from(i % 3 - 1))?;
/// }
/// let interval = sequence.interval().unwrap();
/// assert!(interval.contains(0.5) && interval.upper - interval.lower < 0.04);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ApproximateGrapa {
    range: Bounded,
    confidence: f64,
    log_risk: f64,
    cap: f64,
    unit: Predictions,
    /// Of each cell: the logarithm of its capital, up to a factor since then.
    capitals: Vec<(f64, f64)>,
}

/// The factor of the capital against a candidate below the predicted mean.
fn factor(x: f64, mean: f64, variance: f64, candidate: f64, cap: f64) -> f64 {
    let gap = mean - candidate;
    let stake = gap / (variance + gap * gap);
    let limit = cap / candidate;
    1.0 + (if stake < limit { stake } else { limit }) * (x - candidate)
}

impl ApproximateGrapa {
    /// At this confidence, risking at most `c = ½` of the capital at a time, on 1000 cells.
    ///
    /// # Errors
    /// If the confidence is outside `(0, 1)`.
    pub fn new(range: Bounded, confidence: f64) -> Result<Self, ArgumentError> {
        Ok(Self {
            range,
            confidence,
            log_risk: argument::log_risk(confidence)?,
            cap: 0.5,
            unit: Predictions::default(),
            capitals: vec![(0.0, 1.0); 1000],
        })
    }

    /// Risking at most the fraction `c` at a time.
    ///
    /// # Errors
    /// Unless `0 < c < 1`, or if there was an observation.
    pub fn with_cap(mut self, cap: f64) -> Result<Self, ArgumentError> {
        argument::open_unit("cap", cap)?;
        self.fresh("cap")?;
        self.cap = cap;
        Ok(self)
    }

    /// On as many cells, all of one width.
    ///
    /// # Errors
    /// Unless there are between 2 and 10⁷, or if there was an observation: cells chosen with the data would void the
    /// guarantee.
    pub fn with_cells(mut self, cells: usize) -> Result<Self, ArgumentError> {
        if !(2..=MOST_CELLS).contains(&cells) {
            return Err(ArgumentError::new("cells", cells, "between 2 and 10⁷"));
        }
        self.fresh("cells")?;
        self.capitals = vec![(0.0, 1.0); cells];
        Ok(self)
    }

    fn fresh(&self, argument: &'static str) -> Result<(), ArgumentError> {
        if self.unit.tally.count == 0 {
            return Ok(());
        }
        Err(ArgumentError::new(
            argument,
            "set after an observation",
            "set before the first",
        ))
    }

    /// The lower end of a cell.
    fn end(&self, cell: usize) -> f64 {
        cell as f64 / self.capitals.len() as f64
    }
}

impl ConfidenceSequence for ApproximateGrapa {
    fn name(&self) -> &'static str {
        "confidence sequence, approximate GRAPA"
    }

    fn push(&mut self, x: f64) -> Result<(), ArgumentError> {
        self.range.check("x", x)?;
        let x = self.range.to_unit(x);
        let Prediction { mean, variance, .. } = self.unit.push(x)?;
        let cells = self.capitals.len() as f64;
        let fold = self.unit.tally.count.is_multiple_of(CHUNK);
        for (cell, (log, since)) in self.capitals.iter_mut().enumerate() {
            let (low, high) = (cell as f64 / cells, (cell + 1) as f64 / cells);
            if mean > high {
                *since *= factor(x, mean, variance, high, self.cap);
            } else if mean < low {
                *since *= factor(1.0 - x, 1.0 - mean, variance, 1.0 - low, self.cap);
            }
            if fold {
                *log += Real::ln(*since);
                *since = 1.0;
            }
        }
        Ok(())
    }

    fn count(&self) -> u64 {
        self.unit.tally.count
    }

    fn mean(&self) -> Option<f64> {
        self.unit.tally.mean_within(&self.range)
    }

    fn confidence(&self) -> f64 {
        self.confidence
    }

    fn interval(&self) -> Option<Interval> {
        // What rounding may have added.
        let rounding =
            4.0 * f64::EPSILON * self.unit.tally.count as f64 * (1.0 + 1.0 / (1.0 - self.cap));
        let goal = rounding - self.log_risk;
        let left = |c: &(f64, f64)| c.0 + Real::ln(c.1) < goal;
        let first = self.capitals.iter().position(left)?;
        let last = self.capitals.iter().rposition(left)?;
        self.range.outwards(self.end(first), self.end(last + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The capitals are the products of the definition, summed as logarithms, also where the products leave
    /// the range of `f64` on the way.
    #[test]
    fn capitals_are_those_of_the_definition_beyond_the_range_of_products() {
        let cap = 0.9;
        let mut sequence = ApproximateGrapa::new(Bounded::new(0.0, 1.0).unwrap(), 0.95)
            .unwrap()
            .with_cap(cap)
            .unwrap()
            .with_cells(20)
            .unwrap();
        let draws: Vec<f64> = (0..2400)
            .map(|i| {
                if i < 400 {
                    1.0
                } else {
                    0.25 * f64::from(i % 3)
                }
            })
            .collect();
        let mut expected = [0.0f64; 20];
        let mut largest = 0.0f64;
        let (mut sum, mut squares) = (0.5, 0.25);
        for (i, x) in draws.iter().enumerate() {
            let n = i as f64 + 1.0;
            let (mean, variance) = (sum / n, squares / n);
            for (cell, log) in expected.iter_mut().enumerate() {
                let (low, high) = (cell as f64 / 20.0, (cell as f64 + 1.0) / 20.0);
                let m = mean.clamp(low, high);
                let stake = (mean - m) / (variance + (mean - m) * (mean - m));
                // A clipped mean is an end within (0, 1), or the mean itself, which nobody bets against.
                let stake = if m == mean {
                    0.0
                } else {
                    stake.clamp(-cap / (1.0 - m), cap / m)
                };
                *log += (1.0 + stake * (x - m)).ln();
                largest = largest.max(*log);
            }
            sum += x;
            let mean = sum / (n + 1.0);
            squares += (x - mean) * (x - mean);
            sequence.push(*x).unwrap();
        }
        assert!(largest > 800.0, "{largest}");
        for ((log, since), expected) in sequence.capitals.iter().zip(expected) {
            let found = log + since.ln();
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }
}
