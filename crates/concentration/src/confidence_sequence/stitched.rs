//! The stitched boundary: the width of the law of the iterated logarithm.

use ergodic_core::{ArgumentError, Interval};
use ergodic_math::Real;

use super::{ConfidenceSequence, Tally};
use crate::argument;
use crate::inequality::SubGamma;

/// A confidence sequence for the mean of observations that are sub-gamma on both sides, by stitching
/// linear boundaries over epochs in which time grows by the factor `η`:
///
/// `|mean − μ| < (√(k₁² V ℓ + k₂² c² ℓ²) + k₂ c ℓ)/n`, `V = max(nv, v n₀)`,
/// `ℓ = log ζ(s) + s log(1 + log_η(V/v n₀)) + log 2/α`, `k₁ = (η^¼ + η^{−¼})/√2`, `k₂ = (√η + 1)/2`.
///
/// The width is `√(log log n/n)`, the best possible order; at moderate `n` mixtures are narrower.
/// Nothing is lost before `n₀` but width. Defaults `η = 2`, `s = 1.4`. Source: S. Howard, A. Ramdas,
/// J. McAuliffe and J. Sekhon, *Ann. Statist.* 49, 2021, the stitched boundary, each side at half the risk.
///
/// ```
/// use ergodic_concentration::confidence_sequence::{ConfidenceSequence, Stitched};
/// use ergodic_concentration::inequality::SubGamma;
///
/// let mut sequence = Stitched::new(SubGamma::new(0.25, 0.0)?, 0.95, 10)?;
/// for i in 0..1000 {
///     sequence.push(f64::from(i % 2))?;
/// }
/// let interval = sequence.interval().unwrap();
/// assert!(interval.contains(0.5) && interval.upper - 0.5 < 0.07);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Stitched {
    assumption: SubGamma,
    confidence: f64,
    /// `log 2/α`.
    goal: f64,
    start: f64,
    growth: Growth,
    tally: Tally,
}

/// How epochs grow and how the risk is shared among them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Growth {
    ln_eta: f64,
    power: f64,
    ln_zeta: f64,
    k1: f64,
    k2: f64,
}

impl Growth {
    fn new(eta: f64, power: f64) -> Self {
        let quarter = eta.sqrt().sqrt();
        Self {
            ln_eta: libm::log(eta),
            power,
            ln_zeta: libm::log(zeta_from_above(power)),
            k1: (quarter + 1.0 / quarter) * std::f64::consts::FRAC_1_SQRT_2,
            k2: 0.5 * (eta.sqrt() + 1.0),
        }
    }
}

/// `ζ(s)`, rounded up: the terms to 1000, and for the convex rest the integral from 1000.5.
fn zeta_from_above(s: f64) -> f64 {
    let power = |x: f64, s: f64| Real::exp(-s * Real::ln(x));
    let sum: f64 = (1..=1000).rev().map(|k| power(f64::from(k), s)).sum();
    (sum + power(1000.5, s - 1.0) / (s - 1.0)) * (1.0 + 1e-13)
}

impl Stitched {
    /// At this confidence, tight from the sample size `start` on.
    ///
    /// # Errors
    /// If the confidence is outside `(0, 1)` or `start` is 0 or above 2⁵³.
    pub fn new(assumption: SubGamma, confidence: f64, start: u64) -> Result<Self, ArgumentError> {
        let goal = std::f64::consts::LN_2 - argument::log_risk(confidence)?;
        argument::require(
            "start",
            start as f64,
            argument::sample_size(start).is_ok(),
            "between 1 and 2⁵³",
        )?;
        Ok(Self {
            assumption,
            confidence,
            goal,
            start: start as f64,
            growth: Growth::new(2.0, 1.4),
            tally: Tally::default(),
        })
    }

    /// With epochs that grow by `eta`, the `k`-th of which takes a share `∝ k^{−power}` of the risk.
    ///
    /// # Errors
    /// Unless `1 < eta ≤ 1000` and `1 < power ≤ 100`, or if there was an observation.
    pub fn with_growth(mut self, eta: f64, power: f64) -> Result<Self, ArgumentError> {
        argument::require(
            "eta",
            eta,
            eta > 1.0 && eta <= 1000.0,
            "above 1 and at most 1000",
        )?;
        argument::require(
            "power",
            power,
            power > 1.0 && power <= 100.0,
            "above 1 and at most 100",
        )?;
        if self.tally.count > 0 {
            return Err(ArgumentError::new(
                "eta",
                "set after an observation",
                "set before the first",
            ));
        }
        self.growth = Growth::new(eta, power);
        Ok(self)
    }

    /// The half-width after `n` observations.
    ///
    /// # Errors
    /// If `n` is 0 or above 2⁵³.
    pub fn radius(&self, n: u64) -> Result<f64, ArgumentError> {
        let n = argument::sample_size(n)?;
        let g = &self.growth;
        let time = if n > self.start { n } else { self.start };
        let epoch = libm::log(time / self.start) / g.ln_eta;
        let l = g.ln_zeta + g.power * Real::ln_1p(epoch) + self.goal;
        let linear = g.k2 * self.assumption.scale() * l;
        let square = g.k1 * g.k1 * self.assumption.variance_factor() * time * l;
        Ok(((square + linear * linear).sqrt() + linear) / n)
    }
}

impl ConfidenceSequence for Stitched {
    fn name(&self) -> &'static str {
        "confidence sequence, stitched"
    }

    fn push(&mut self, x: f64) -> Result<(), ArgumentError> {
        argument::finite("x", x)?;
        self.tally.push(x)
    }

    fn count(&self) -> u64 {
        self.tally.count
    }

    fn mean(&self) -> Option<f64> {
        self.tally.mean()
    }

    fn confidence(&self) -> f64 {
        self.confidence
    }

    fn interval(&self) -> Option<Interval> {
        let radius = self.radius(self.tally.count).unwrap_or(f64::INFINITY);
        Some(self.tally.around(radius))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zeta_function_is_met_from_above() {
        let pi = std::f64::consts::PI;
        for (s, exact) in [
            (2.0, pi * pi / 6.0),
            (4.0, pi.powi(4) / 90.0),
            (1.4, 3.105_547_277_977_580), // Σ by Euler and Maclaurin
        ] {
            let found = zeta_from_above(s);
            assert!(
                found >= exact && found < exact * (1.0 + 1e-7),
                "ζ({s}): {found}"
            );
        }
    }
}
