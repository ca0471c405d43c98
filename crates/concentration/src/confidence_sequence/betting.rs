//! Betting against candidate means: the hedged capital process.

use ergodic_core::{ArgumentError, Interval};
use ergodic_math::Real;

use super::{ConfidenceSequence, Prediction, Predictions};
use crate::argument;
use crate::inequality::{Bounded, smallest_negative};

/// A confidence sequence for the mean of observations in a range, by betting: adapts to the variance.
///
/// On the scale of `[0, 1]`, two gamblers bet against the candidate `m`, one that the mean is above,
/// one that it is below:
///
/// `K⁺ₙ(m) = Πᵢ (1 + min(λᵢ, c/m)(xᵢ − m))`, `K⁻ₙ(m) = Πᵢ (1 − min(λᵢ, c/(1 − m))(xᵢ − m))`.
///
/// The stakes depend on earlier observations alone,
/// `λᵢ = √(2 log(2/α)/(σ̂²ᵢ₋₁ i log(i + 1)))`, so that both are non-negative martingales at the true mean,
/// and `max(K⁺, K⁻)/2` reaches `1/α` with probability at most `α = 1 − confidence`. `K⁺` falls and `K⁻`
/// rises in `m`, hence the candidates that are left are an interval; its ends are found to the last
/// digit of the scaled mean by bisection, not on a grid, and rounded outwards.
///
/// Memory `O(n)`, 16 bytes an observation; `push` `O(1)`; `interval` `O(n)`, some 20 passes over the observations for
/// each of the two ends, up to 40 where the cap is small ([`ApproximateGrapa`](super::ApproximateGrapa) needs no
/// memory of them). Shorter than
/// [`BetaBinomialMixture`](super::BetaBinomialMixture) where the variance is far below that of a coin
/// with the same mean. Source: I. Waudby-Smith and A. Ramdas, *J. R. Stat. Soc. B* 86, 2024, the hedged
/// capital process with predictable plug-in stakes.
///
/// ```
/// use ergodic_concentration::confidence_sequence::{BetaBinomialMixture, Betting, ConfidenceSequence};
/// use ergodic_concentration::inequality::Bounded;
///
/// let unit = Bounded::new(0.0, 1.0)?;
/// let (mut betting, mut mixture) = (Betting::new(unit, 0.95)?, BetaBinomialMixture::new(unit, 0.95)?);
/// for i in 0..400 {
///     let x = 0.5 + 0.01 * f64::from(i % 3 - 1);
///     betting.push(x)?;
///     mixture.push(x)?;
/// }
/// let width = |i: ergodic_core::Interval| i.upper - i.lower;
/// let (a, b) = (betting.interval().unwrap(), mixture.interval().unwrap());
/// assert!(a.contains(0.5) && width(a) < 0.5 * width(b));
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Betting {
    range: Bounded,
    confidence: f64,
    /// `log(2/α)`.
    goal: f64,
    cap: f64,
    unit: Predictions,
    /// Observation and stake.
    bets: Vec<(f64, f64)>,
}

impl Betting {
    /// At this confidence, risking at most `c = ½` of the capital at a time.
    ///
    /// # Errors
    /// If the confidence is outside `(0, 1)`.
    pub fn new(range: Bounded, confidence: f64) -> Result<Self, ArgumentError> {
        Ok(Self {
            range,
            confidence,
            goal: std::f64::consts::LN_2 - argument::log_risk(confidence)?,
            cap: 0.5,
            unit: Predictions::default(),
            bets: Vec::new(),
        })
    }

    /// Risking at most the fraction `c` at a time.
    ///
    /// # Errors
    /// Unless `0 < c < 1`, or if there was an observation.
    pub fn with_cap(mut self, cap: f64) -> Result<Self, ArgumentError> {
        argument::open_unit("cap", cap)?;
        if !self.bets.is_empty() {
            return Err(ArgumentError::new(
                "cap",
                "set after an observation",
                "set before the first",
            ));
        }
        self.cap = cap;
        Ok(self)
    }

    /// `log K⁺` (`sign` 1) or `log K⁻` (−1) at the scaled candidate, less what rounding may have added.
    fn log_capital(&self, m: f64, sign: f64) -> f64 {
        let limit = self.cap / if sign > 0.0 { m } else { 1.0 - m };
        let mut log = 0.0;
        // Factors lie between 1 − c and some hundreds: eight of them are far from overflow.
        for chunk in self.bets.chunks(8) {
            let mut product = 1.0;
            for &(x, stake) in chunk {
                let stake = if stake < limit { stake } else { limit };
                product *= 1.0 + sign * stake * (x - m);
            }
            log += Real::ln(product);
        }
        let bets = self.bets.len() as f64;
        log - 4.0 * f64::EPSILON * bets * (1.0 + 1.0 / (1.0 - self.cap))
    }
}

impl ConfidenceSequence for Betting {
    fn name(&self) -> &'static str {
        "confidence sequence, betting"
    }

    fn push(&mut self, x: f64) -> Result<(), ArgumentError> {
        self.range.check("x", x)?;
        let x = self.range.to_unit(x);
        let Prediction { i, variance, .. } = self.unit.push(x)?;
        let stake = (2.0 * self.goal / (variance * i * Real::ln(i + 1.0))).sqrt();
        self.bets.push((x, stake));
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
        // At the ends 1 and 0 no gambler can have won.
        let lower = smallest_negative(0.0, 1.0, |m| self.log_capital(m, 1.0) - self.goal)?;
        let upper = smallest_negative(0.0, 1.0, |m| self.log_capital(1.0 - m, -1.0) - self.goal)?;
        let upper = 1.0 - upper;
        if lower > upper {
            return None;
        }
        self.range.outwards(lower, upper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// What the documentation says of the cost, on smooth and on jumping observations of two to a hundred thousand.
    #[test]
    fn an_end_takes_some_twenty_passes_at_the_default_cap() {
        let mut most = 0;
        for n in [2usize, 30, 1000, 100_000] {
            for kind in 0..3 {
                let mut betting = Betting::new(Bounded::new(0.0, 1.0).unwrap(), 0.95).unwrap();
                for i in 0..n {
                    let x = match kind {
                        0 => 0.5 + 0.01 * ((i % 3) as f64 - 1.0),
                        1 => f64::from(u8::from(i % 10 == 0)),
                        _ => 0.1 + (i * 37 % 50) as f64 / 60.0,
                    };
                    betting.push(x).unwrap();
                }
                for sign in [1.0, -1.0] {
                    let calls = Cell::new(0);
                    smallest_negative(0.0, 1.0, |m| {
                        calls.set(calls.get() + 1);
                        let at = if sign > 0.0 { m } else { 1.0 - m };
                        betting.log_capital(at, sign) - betting.goal
                    });
                    most = most.max(calls.get());
                }
            }
        }
        assert!((10..=20).contains(&most), "{most}");
    }
}
