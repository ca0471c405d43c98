//! The normal mixture of Robbins, for sub-Gaussian observations.

use ergodic_core::{ArgumentError, Interval};
use ergodic_math::Real;
use ergodic_math::special::x_minus_ln_1p;

use super::{ConfidenceSequence, Tally};
use crate::argument;
use crate::inequality::SubGaussian;

/// A confidence sequence for the mean of sub-Gaussian observations:
/// `|mean − μ| < √((V + ρ)(log((V + ρ)/ρ) + 2 log 1/α))/n` for all `n`, with `V = nσ²`,
/// `α = 1 − confidence`.
///
/// The martingale `exp(λS − λ²V/2)`, averaged over `λ` with a normal law of variance `1/ρ`. `ρ` is the
/// one that makes the interval shortest at a sample size given in advance, at any other it is valid
/// and a little wider. For one variance proxy that holds for each observation given the past; both
/// sides. Sources: H. Robbins, *Ann. Math. Statist.* 41, 1970; S. Howard, A. Ramdas, J. McAuliffe and
/// J. Sekhon, *Ann. Statist.* 49, 2021, the two-sided normal mixture.
///
/// ```
/// use ergodic_concentration::confidence_sequence::{ConfidenceSequence, NormalMixture};
/// use ergodic_concentration::inequality::SubGaussian;
///
/// let mut sequence = NormalMixture::new(SubGaussian::new(1.0)?, 0.95, 100)?;
/// for i in 0..100 {
///     sequence.push(f64::from(i % 2))?;
/// }
/// // 1.96/√100 at one time; .30 at all times.
/// let interval = sequence.interval().unwrap();
/// assert!(interval.contains(0.5) && interval.upper < 0.81);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NormalMixture {
    variance_proxy: f64,
    confidence: f64,
    log_risk: f64,
    /// `ρ/σ²`, a sample size.
    rho: f64,
    tally: Tally,
}

impl NormalMixture {
    /// At this confidence, shortest at the sample size `best_at`.
    ///
    /// # Errors
    /// If the confidence is outside `(0, 1)` or `best_at` is 0 or above 2⁵³.
    pub fn new(
        assumption: SubGaussian,
        confidence: f64,
        best_at: u64,
    ) -> Result<Self, ArgumentError> {
        let log_risk = argument::log_risk(confidence)?;
        argument::require(
            "best_at",
            best_at as f64,
            argument::sample_size(best_at).is_ok(),
            "between 1 and 2⁵³",
        )?;
        let variance_proxy = assumption.variance_proxy();
        // V/ρ = k with k − log(1 + k) = 2 log 1/α: where the derivative of the width is 0. The function is
        // convex and the start above the root, so that Newton's steps fall to it.
        let goal = -2.0 * log_risk;
        let mut k = goal + (2.0 * goal).sqrt();
        for _ in 0..20 {
            k -= (x_minus_ln_1p(k) - goal) / k * (1.0 + k);
        }
        Ok(Self {
            variance_proxy,
            confidence,
            log_risk,
            rho: best_at as f64 / k,
            tally: Tally::default(),
        })
    }

    /// The half-width after `n` observations.
    ///
    /// # Errors
    /// If `n` is 0 or above 2⁵³.
    pub fn radius(&self, n: u64) -> Result<f64, ArgumentError> {
        let n = argument::sample_size(n)?;
        let ratio = n / self.rho;
        let square = self.rho * (1.0 + ratio) * (Real::ln_1p(ratio) - 2.0 * self.log_risk);
        Ok(self.variance_proxy.sqrt() * (square.sqrt() / n))
    }
}

impl ConfidenceSequence for NormalMixture {
    fn name(&self) -> &'static str {
        "confidence sequence, normal mixture"
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
