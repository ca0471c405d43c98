//! What every estimator answers, and how it is asked.

use std::borrow::Cow;

use ergodic_core::{Estimate, Units};

use crate::InfoError;

/// Where an interval comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum IntervalSource {
    /// The estimator's own: its asymptotic standard error or its posterior, as its docs say.
    #[default]
    Own,
    /// Subsamples of this share of the observations (`0 < share < 1`), taken without replacement
    /// and rescaled (Politis and Romano, *Ann. Statist.* 22, 1994).
    Subsamples {
        /// The share of the observations in each.
        share: f64,
        /// How many.
        number: usize,
    },
}

/// What is asked for beside the value: confidence, source of the interval, search for bias.
///
/// ```
/// use ergodic_info::Inference;
///
/// let ask = Inference::new().confidence(0.9).seed(7).build()?;
/// assert_eq!(ask.confidence_level(), 0.9);
/// assert!(Inference::new().confidence(1.0).build().is_err());
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inference {
    confidence: f64,
    interval: IntervalSource,
    bias: bool,
    seed: u64,
}

impl Default for Inference {
    fn default() -> Self {
        Self::new()
    }
}

impl Inference {
    /// 95 % confidence, the estimator's own interval, with a search for bias, seed 0.
    pub const fn new() -> Self {
        Self {
            confidence: 0.95,
            interval: IntervalSource::Own,
            bias: true,
            seed: 0,
        }
    }

    /// The confidence of the interval, in `(0, 1)`.
    pub const fn confidence(mut self, confidence: f64) -> Self {
        self.confidence = confidence;
        self
    }

    /// Where the interval comes from.
    pub const fn interval(mut self, interval: IntervalSource) -> Self {
        self.interval = interval;
        self
    }

    /// Whether to look for bias by extrapolation over subsamples, where no bound is known. Costs
    /// about three more estimates.
    pub const fn search_bias(mut self, search: bool) -> Self {
        self.bias = search;
        self
    }

    /// The seed of subsamples.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// If the confidence is not in `(0, 1)`, or subsamples are none or of a share not in `(0, 1)`.
    pub fn build(self) -> Result<Self, InfoError> {
        self.check()?;
        Ok(self)
    }

    /// As [`build`](Self::build), for estimators that got settings which were not built.
    pub(crate) fn check(&self) -> Result<(), InfoError> {
        let inside = |x: f64| x > 0.0 && x < 1.0;
        if !inside(self.confidence) {
            return Err(InfoError::argument(
                "confidence",
                self.confidence,
                "strictly between 0 and 1",
            ));
        }
        if let IntervalSource::Subsamples { share, number } = self.interval {
            if !inside(share) {
                return Err(InfoError::argument(
                    "share",
                    share,
                    "strictly between 0 and 1",
                ));
            }
            if number < 2 {
                return Err(InfoError::argument("number", number, "at least 2"));
            }
        }
        Ok(())
    }

    /// The confidence.
    pub const fn confidence_level(&self) -> f64 {
        self.confidence
    }

    /// The source of the interval.
    pub const fn interval_source(&self) -> IntervalSource {
        self.interval
    }

    /// Whether bias is looked for.
    pub const fn searches_bias(&self) -> bool {
        self.bias
    }

    /// The seed.
    pub const fn seed_value(&self) -> u64 {
        self.seed
    }
}

/// A rule that turns data into an estimate of one quantity, which it knows.
///
/// `D` is a kind of data: [`Counts`](crate::Counts), [`Symbols`](crate::Symbols),
/// [`Points`](crate::Points), or several seen together.
pub trait Estimator<D: ?Sized>: Send + Sync {
    /// What is estimated and how, as it stands in reports: "mutual information, KSG 1, k = 3".
    fn method(&self) -> Cow<'static, str>;

    /// The unit of [`value`](Self::value).
    fn units(&self) -> Units {
        Units::Nats
    }

    /// The point estimate alone, the cheapest way to it.
    ///
    /// # Errors
    /// If the data are outside the estimator's domain.
    fn value(&self, data: &D) -> Result<f64, InfoError>;

    /// The estimate with its standard error, interval, and what is known of its bias.
    ///
    /// # Errors
    /// If the data are outside the estimator's domain, or the settings outside theirs.
    fn estimate(&self, data: &D, inference: &Inference) -> Result<Estimate, InfoError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_outside_their_domain_are_refused() {
        for confidence in [0.0, 1.0, -1.0, f64::NAN] {
            assert!(Inference::new().confidence(confidence).build().is_err());
        }
        for (share, number) in [(0.0, 10), (1.0, 10), (f64::NAN, 10), (0.5, 1)] {
            let source = IntervalSource::Subsamples { share, number };
            assert!(Inference::new().interval(source).build().is_err());
        }
    }
}
