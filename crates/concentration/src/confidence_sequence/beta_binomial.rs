//! The beta-binomial mixture, for coins and for anything in a range.

use ergodic_core::{ArgumentError, Interval};
use ergodic_math::Real;
use ergodic_math::special::ln_gamma;

use super::{ConfidenceSequence, Tally};
use crate::argument::{self, LARGEST_SAMPLE};
use crate::inequality::{Bounded, divergence_ball};

/// A confidence sequence for the mean of observations in a range: all `p` with
/// `∫ θˢ(1 − θ)ᶠ Beta(dθ; a, b) < pˢ(1 − p)ᶠ/α`, where `s` is the sum of the observations on the scale of
/// `[0, 1]`, `f = n − s`, `α = 1 − confidence`.
///
/// For coins the quotient is a martingale, the Bayes factor of a beta prior against `p`. For other
/// observations in the range it is a supermartingale, as `(θ/p)ˣ((1 − θ)/(1 − p))¹⁻ˣ` is convex in
/// `x`. The set is `{p : n kl(s/n, p) < …}`, an interval whose ends are found to the last digit and
/// rounded outwards. It shrinks as `√(log n/n)`, and as `log n/n` at the ends of the range; it does not
/// know of a variance that is small in the middle of the range, as [`Betting`](super::Betting) does.
/// The prior has weights `a = b = ½` unless chosen otherwise.
///
/// Sources: H. Robbins, *Ann. Math. Statist.* 41, 1970; S. Howard, A. Ramdas, J. McAuliffe and
/// J. Sekhon, *Ann. Statist.* 49, 2021, the beta-binomial mixture; E. Kaufmann and W. Koolen, *J. Mach. Learn.
/// Res.* 22, 2021.
///
/// ```
/// use ergodic_concentration::confidence_sequence::{BetaBinomialMixture, ConfidenceSequence};
/// use ergodic_concentration::inequality::Bounded;
///
/// let mut sequence = BetaBinomialMixture::new(Bounded::new(0.0, 1.0)?, 0.95)?;
/// for _ in 0..100 {
///     sequence.push(0.0)?; // never a failure
/// }
/// let interval = sequence.interval().unwrap();
/// assert!(interval.lower == 0.0 && interval.upper < 0.06);
/// assert_eq!(sequence.push(1.5).unwrap_err().argument, "x");
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BetaBinomialMixture {
    range: Bounded,
    confidence: f64,
    log_risk: f64,
    prior: (f64, f64),
    unit: Tally,
}

impl BetaBinomialMixture {
    /// At this confidence, with the prior `Beta(½, ½)`.
    ///
    /// # Errors
    /// If the confidence is outside `(0, 1)`.
    pub fn new(range: Bounded, confidence: f64) -> Result<Self, ArgumentError> {
        Ok(Self {
            range,
            confidence,
            log_risk: argument::log_risk(confidence)?,
            prior: (0.5, 0.5),
            unit: Tally::default(),
        })
    }

    /// With another prior: shortest where the mean is near `a/(a + b)` and `n` near `a + b`.
    ///
    /// # Errors
    /// Unless both are above 0 and at most 2⁵³, or if there was an observation: a prior chosen after
    /// the data would void the guarantee.
    pub fn with_prior(mut self, a: f64, b: f64) -> Result<Self, ArgumentError> {
        for (name, weight) in [("a", a), ("b", b)] {
            argument::require(
                name,
                weight,
                weight > 0.0 && weight <= LARGEST_SAMPLE as f64,
                "above 0 and at most 2⁵³",
            )?;
        }
        if self.unit.count > 0 {
            return Err(ArgumentError::new(
                "a",
                "set after an observation",
                "set before the first",
            ));
        }
        self.prior = (a, b);
        Ok(self)
    }
}

impl ConfidenceSequence for BetaBinomialMixture {
    fn name(&self) -> &'static str {
        "confidence sequence, beta-binomial mixture"
    }

    fn push(&mut self, x: f64) -> Result<(), ArgumentError> {
        self.range.check("x", x)?;
        self.unit.push(self.range.to_unit(x))
    }

    fn count(&self) -> u64 {
        self.unit.count
    }

    fn mean(&self) -> Option<f64> {
        self.unit.mean_within(&self.range)
    }

    fn confidence(&self) -> f64 {
        self.confidence
    }

    fn interval(&self) -> Option<Interval> {
        let Some(q) = self.unit.mean() else {
            return Some(self.range.whole());
        };
        let n = self.unit.count as f64;
        let (a, b) = self.prior;
        let successes = self.unit.total();
        let failures = n - successes;
        // The log of the mixture against that of the best θ, in terms that nearly cancel: what their
        // rounding may cost is added to the radius.
        let likelihood = |count: f64, p: f64| {
            if count > 0.0 {
                count * Real::ln(p)
            } else {
                0.0
            }
        };
        let terms = [
            likelihood(successes, q),
            likelihood(failures, failures / n),
            -ln_gamma(a + successes),
            -ln_gamma(b + failures),
            ln_gamma(a + b + n),
            ln_gamma(a),
            ln_gamma(b),
            -ln_gamma(a + b),
        ];
        let excess: f64 = terms.iter().sum();
        let rounding: f64 = terms.iter().map(|t| t.abs()).sum::<f64>() * 4.0 * f64::EPSILON;
        let c = (excess + rounding - self.log_risk) / n;
        divergence_ball(self.range, q, c).ok()
    }
}
