//! The predictable mixture with empirical variance: adapts to the variance, in constant memory.

use ergodic_core::{ArgumentError, Interval};
use ergodic_math::Real;
use ergodic_math::special::x_minus_ln_1p;

use super::{ConfidenceSequence, Prediction, Predictions};
use crate::argument;
use crate::inequality::Bounded;

/// A confidence sequence for the mean of observations in a range that adapts to the variance and needs
/// no memory of them: on the scale of `[0, 1]`
///
/// `|Σ λᵢxᵢ/Σ λᵢ − μ| < (log(2/α) + Σ (xᵢ − μ̂ᵢ₋₁)² ψ(λᵢ))/Σ λᵢ`, `ψ(λ) = −log(1 − λ) − λ`,
///
/// with the stakes `λᵢ = min(½, √(2 log(2/α)/(σ̂²ᵢ₋₁ i log(i + 1))))` and the running mean and variance
/// of earlier observations.
///
/// An empirical Bernstein bound for all times. Its centre is a weighted mean, not the sample mean,
/// and need not hold the latter. [`Betting`](super::Betting) is shorter and pays `O(n)` for each
/// interval; this one is `O(1)`. Source: I. Waudby-Smith and A. Ramdas, *J. R. Stat. Soc. B* 86, 2024,
/// the predictable plug-in empirical Bernstein sequence.
///
/// ```
/// use ergodic_concentration::confidence_sequence::{ConfidenceSequence, PredictableMixture};
/// use ergodic_concentration::inequality::Bounded;
///
/// let mut sequence = PredictableMixture::new(Bounded::new(0.0, 1.0)?, 0.95)?;
/// for i in 0..4000 {
///     sequence.push(0.5 + 0.01 * f64::from(i % 3 - 1))?;
/// }
/// let interval = sequence.interval().unwrap();
/// assert!(interval.contains(0.5) && interval.upper - interval.lower < 0.02);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PredictableMixture {
    range: Bounded,
    confidence: f64,
    /// `log(2/α)`.
    goal: f64,
    unit: Predictions,
    /// `Σ λᵢ`, `Σ λᵢxᵢ`, `Σ (xᵢ − μ̂ᵢ₋₁)² ψ(λᵢ)`.
    stakes: f64,
    weighted: f64,
    penalty: f64,
}

impl PredictableMixture {
    /// At this confidence.
    ///
    /// # Errors
    /// If the confidence is outside `(0, 1)`.
    pub fn new(range: Bounded, confidence: f64) -> Result<Self, ArgumentError> {
        Ok(Self {
            range,
            confidence,
            goal: std::f64::consts::LN_2 - argument::log_risk(confidence)?,
            unit: Predictions::default(),
            stakes: 0.0,
            weighted: 0.0,
            penalty: 0.0,
        })
    }
}

impl ConfidenceSequence for PredictableMixture {
    fn name(&self) -> &'static str {
        "confidence sequence, predictable mixture"
    }

    fn push(&mut self, x: f64) -> Result<(), ArgumentError> {
        self.range.check("x", x)?;
        let x = self.range.to_unit(x);
        let Prediction { i, mean, variance } = self.unit.push(x)?;
        let stake = (2.0 * self.goal / (variance * i * Real::ln(i + 1.0))).sqrt();
        let stake = if stake < 0.5 { stake } else { 0.5 };
        self.stakes += stake;
        self.weighted += stake * x;
        self.penalty += (x - mean) * (x - mean) * x_minus_ln_1p(-stake);
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
        if self.unit.tally.count == 0 {
            return Some(self.range.whole());
        }
        let centre = self.weighted / self.stakes;
        // The plain sums have lost at most n ulp each.
        let rounding = 4.0 * f64::EPSILON * self.unit.tally.count as f64;
        let radius = (self.goal + self.penalty) / self.stakes * (1.0 + rounding) + rounding;
        self.range.outwards(centre - radius, centre + radius)
    }
}
