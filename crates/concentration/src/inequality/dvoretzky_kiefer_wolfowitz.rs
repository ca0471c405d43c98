//! The inequality of Dvoretzky, Kiefer and Wolfowitz, and bands for distribution functions.

use ergodic_core::{ArgumentError, Interval};

use super::{Reflect, TailBound};
use crate::argument;

/// `P(sup(Fₙ − F) ≥ t) ≤ exp(−2nt²)` for the empirical distribution function of `n` independent draws
/// of any law; [`TwoSided`](super::TwoSided) speaks of `sup|Fₙ − F|`.
///
/// The constant 1 is the best possible. P. Massart, *Ann. Probab.* 18, 1990, proved it two-sided for
/// every `t`, one-sided where the bound is at most ½; H. Reeve, arXiv:2403.16651, 2024, lifted that
/// restriction. For `t > 1` the event is impossible: `−∞`.
///
/// ```
/// use ergodic_concentration::inequality::{DvoretzkyKieferWolfowitz, TailBound, TwoSided};
///
/// let both = TwoSided::new(DvoretzkyKieferWolfowitz);
/// assert!((both.radius(1000, 0.95)? - (40f64.ln() / 2000.0).sqrt()).abs() < 1e-15);
/// // A whole distribution function to ±.01 with confidence .99:
/// assert_eq!(both.sample_size(0.01, 0.99)?, 26_492);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DvoretzkyKieferWolfowitz;

impl TailBound for DvoretzkyKieferWolfowitz {
    fn name(&self) -> &'static str {
        "Dvoretzky–Kiefer–Wolfowitz"
    }

    fn two_sided(&self) -> bool {
        false
    }

    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError> {
        Ok(if t > 1.0 {
            f64::NEG_INFINITY
        } else {
            -2.0 * n * t * t
        })
    }
}

impl Reflect for DvoretzkyKieferWolfowitz {
    fn reflected(&self) -> Self {
        *self
    }
}

/// A band that holds the whole distribution function with a stated confidence.
///
/// `Fₙ ± radius` cut to `[0, 1]`, where `F` is in any case. `O(n log n)` to build, `O(log n)` to ask.
///
/// ```
/// use ergodic_concentration::inequality::Band;
///
/// let draws: Vec<f64> = (0..100).map(f64::from).collect();
/// let band = Band::new(draws, 0.95)?;
/// let at = band.distribution_function(49.0)?;
/// assert!((at.lower - (0.5 - 0.1358)).abs() < 1e-4 && at.contains(0.5));
/// // The median, from the same band.
/// let median = band.quantile(0.5)?;
/// assert!(median.lower == 36.0 && median.upper == 63.0);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    sorted: Vec<f64>,
    radius: f64,
}

impl Band {
    /// From independent draws.
    ///
    /// # Errors
    /// If there are none, one is NaN, or the confidence is outside `(0, 1)`.
    pub fn new(mut draws: Vec<f64>, confidence: f64) -> Result<Self, ArgumentError> {
        if let Some(index) = draws.iter().position(|x| x.is_nan()) {
            return Err(ArgumentError::new(
                "draws",
                format!("NaN at index {index}"),
                "numbers",
            ));
        }
        if draws.is_empty() {
            return Err(ArgumentError::new("draws", "empty", "at least one draw"));
        }
        let n = u64::try_from(draws.len()).unwrap_or(u64::MAX);
        let log_risk = argument::log_risk(confidence)?;
        let size = argument::sample_size(n)?;
        // In closed form, as it may exceed 1 for a single draw: then the band is [0, 1].
        let radius = ((std::f64::consts::LN_2 - log_risk) / (2.0 * size)).sqrt();
        draws.sort_by(f64::total_cmp);
        Ok(Self {
            sorted: draws,
            radius,
        })
    }

    /// The half-width of the band.
    pub fn radius(&self) -> f64 {
        self.radius
    }

    /// The band at `x`: it holds `F(x) = P(X ≤ x)`, for all `x` at once.
    ///
    /// # Errors
    /// If `x` is NaN.
    pub fn distribution_function(&self, x: f64) -> Result<Interval, ArgumentError> {
        argument::require("x", x, !x.is_nan(), "a number")?;
        let below = self.sorted.partition_point(|&y| y <= x);
        let empirical = below as f64 / self.sorted.len() as f64;
        let (lower, upper) = (empirical - self.radius, empirical + self.radius);
        Ok(Interval {
            lower: if lower > 0.0 { lower } else { 0.0 },
            upper: if upper < 1.0 { upper } else { 1.0 },
        })
    }

    /// The interval of the `p`-quantile, for all `p` at once: from the smallest draw at which the upper
    /// edge of the band reaches `p` to the smallest at which the lower edge does, infinite where there
    /// is none.
    ///
    /// # Errors
    /// Unless `0 < p < 1`.
    pub fn quantile(&self, p: f64) -> Result<Interval, ArgumentError> {
        argument::open_unit("p", p)?;
        let n = self.sorted.len() as f64;
        // Fₙ at the draw of rank k (from 1) is at least k/n, just below it less than that.
        let rank = |f: f64| (f * n).ceil();
        let (first, last) = (rank(p - self.radius), rank(p + self.radius));
        let at = |rank: f64| self.sorted.get(rank as usize - 1).copied();
        Ok(Interval {
            lower: if first >= 1.0 {
                at(first).unwrap_or(f64::NEG_INFINITY)
            } else {
                f64::NEG_INFINITY
            },
            upper: if last >= 1.0 {
                at(last).unwrap_or(f64::INFINITY)
            } else {
                f64::INFINITY
            },
        })
    }
}
