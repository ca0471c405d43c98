//! A value that carries its uncertainty.

use std::borrow::Cow;
use std::fmt;

use crate::ArgumentError;

/// The unit of an information quantity.
///
/// ```
/// use ergodic_core::{Estimate, Units};
///
/// // The entropy of a fair coin is ln 2 nats, one bit.
/// let entropy = Estimate::normal("exact", 2f64.ln(), 0.0, 1, 0.95)?;
/// assert_eq!(entropy.units, Units::Nats);
/// assert!((entropy.to_units(Units::Bits).value - 1.0).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Units {
    /// Natural logarithm.
    #[default]
    Nats,
    /// Logarithm to base 2; 1 bit = ln 2 nats.
    Bits,
    /// A pure number or the unit of the observable.
    Dimensionless,
}

/// A two-sided interval; a missing side is infinite.
///
/// ```
/// use ergodic_core::Interval;
///
/// assert!(Interval { lower: 1.0, upper: f64::INFINITY }.contains(3.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end, `−∞` if there is none.
    pub lower: f64,
    /// The upper end, `+∞` if there is none.
    pub upper: f64,
}

impl Interval {
    /// Whether `x` lies in the closed interval.
    pub fn contains(&self, x: f64) -> bool {
        self.lower <= x && x <= self.upper
    }
}

/// What is known of the bias of an estimate, in the unit of its value.
///
/// ```
/// use ergodic_core::{Bias, Estimate};
///
/// // The plug-in entropy of a known alphabet of K symbols falls short by at most log(1 + (K − 1)/n).
/// let mut entropy = Estimate::normal("plug-in", 1.35, 0.02, 100, 0.95)?;
/// assert_eq!(entropy.bias, Bias::Unknown);
/// entropy.bias = Bias::Bounded((1.0 + 3.0 / 100.0f64).ln());
/// assert!(!entropy.bias.dominates());
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Bias {
    /// Nothing is known.
    #[default]
    Unknown,
    /// The absolute bias is at most this, by a theorem.
    Bounded(f64),
    /// Looked for and not found; the figure is what the search made of it (value minus truth).
    NotDetected(f64),
    /// There is evidence that the bias exceeds the interval; the figure is its estimate (value
    /// minus truth), where there is one.
    Dominates(Option<f64>),
}

impl Bias {
    /// Whether there is evidence that the bias exceeds the interval.
    pub fn dominates(self) -> bool {
        matches!(self, Self::Dominates(_))
    }

    fn scaled(self, factor: f64) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::Bounded(b) => Self::Bounded(b * factor),
            Self::NotDetected(b) => Self::NotDetected(b * factor),
            Self::Dominates(b) => Self::Dominates(b.map(|b| b * factor)),
        }
    }
}

/// A point estimate with its standard error, an interval at stated confidence, and where it comes
/// from.
///
/// Estimators return `Result<Estimate, _>`; a NaN never gets into one. What an interval rests on
/// (a theorem, the central limit theorem, a subsample) is part of `method`.
///
/// ```
/// use ergodic_core::Estimate;
///
/// // 100 draws with mean 2.5 and sample variance 4: standard error 0.2.
/// let e = Estimate::normal("mean, CLT", 2.5, 0.2, 100, 0.95).unwrap();
/// assert!((e.interval.upper - 2.892).abs() < 1e-3);
/// assert!(e.interval.contains(2.4));
/// assert!(Estimate::normal("mean", f64::NAN, 0.2, 100, 0.95).is_err());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The point estimate.
    pub value: f64,
    /// Its standard error; infinite where it is unknown.
    pub std_err: f64,
    /// The interval.
    pub interval: Interval,
    /// The probability with which the interval covers the truth, in `(0, 1)`.
    pub confidence: f64,
    /// What was done, and what the interval rests on.
    pub method: Cow<'static, str>,
    /// Number of samples, runs or draws behind it.
    pub samples: usize,
    /// The unit of `value`.
    pub units: Units,
    /// What is known of its bias.
    pub bias: Bias,
}

impl Estimate {
    /// An estimate with a given interval.
    ///
    /// # Errors
    /// If the value is NaN, the standard error negative or NaN, the interval empty or NaN, or the
    /// confidence outside `(0, 1)`.
    pub fn new(
        method: impl Into<Cow<'static, str>>,
        value: f64,
        std_err: f64,
        interval: Interval,
        samples: usize,
        confidence: f64,
    ) -> Result<Self, ArgumentError> {
        if value.is_nan() {
            return Err(ArgumentError::new("value", value, "a number"));
        }
        if std_err.is_nan() || std_err < 0.0 {
            return Err(ArgumentError::new("std_err", std_err, "at least 0"));
        }
        if interval.lower.is_nan() || interval.upper.is_nan() || interval.lower > interval.upper {
            return Err(ArgumentError::new(
                "interval",
                format!("[{}, {}]", interval.lower, interval.upper),
                "a lower end at or below an upper end",
            ));
        }
        if !(confidence > 0.0 && confidence < 1.0) {
            return Err(ArgumentError::new(
                "confidence",
                confidence,
                "strictly between 0 and 1",
            ));
        }
        Ok(Self {
            value,
            std_err,
            interval,
            confidence,
            method: method.into(),
            samples,
            units: Units::Nats,
            bias: Bias::Unknown,
        })
    }

    /// An estimate whose interval is `value ± z·std_err` with the normal quantile `z`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn normal(
        method: impl Into<Cow<'static, str>>,
        value: f64,
        std_err: f64,
        samples: usize,
        confidence: f64,
    ) -> Result<Self, ArgumentError> {
        // First, so that a bad argument is blamed itself and not the interval made of it.
        if !(confidence > 0.0 && confidence < 1.0) {
            return Err(ArgumentError::new(
                "confidence",
                confidence,
                "strictly between 0 and 1",
            ));
        }
        let half = if std_err == 0.0 {
            0.0
        } else {
            // The upper tail (1 − c)/2 keeps its digits where (1 + c)/2 rounds to 1.
            let quantile =
                ergodic_math::special::normal_quantile(0.5 - 0.5 * confidence).map_err(|_| {
                    ArgumentError::new("confidence", confidence, "strictly between 0 and 1")
                })?;
            std_err * -quantile
        };
        let interval = Interval {
            lower: value - half,
            upper: value + half,
        };
        Self::new(method, value, std_err, interval, samples, confidence)
    }

    /// The same estimate in other units of information.
    pub fn to_units(mut self, units: Units) -> Self {
        let factor = match (self.units, units) {
            (Units::Nats, Units::Bits) => std::f64::consts::LOG2_E,
            (Units::Bits, Units::Nats) => std::f64::consts::LN_2,
            _ => 1.0,
        };
        self.value *= factor;
        self.std_err *= factor;
        self.interval.lower *= factor;
        self.interval.upper *= factor;
        self.bias = self.bias.scaled(factor);
        self.units = units;
        self
    }
}

impl fmt::Display for Estimate {
    /// `2.5 ± 0.2 [2.108, 2.892] at 95 % (mean, CLT; 100 samples)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(4);
        write!(
            f,
            "{:.digits$} ± {:.digits$} [{:.digits$}, {:.digits$}] at {} % ({}; {} samples{})",
            self.value,
            self.std_err,
            self.interval.lower,
            self.interval.upper,
            100.0 * self.confidence,
            self.method,
            self.samples,
            if self.bias.dominates() {
                "; bias dominates"
            } else {
                ""
            }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_nats_convert_both_ways() {
        let e = Estimate::normal("m", 1.0, 0.5, 10, 0.9).unwrap();
        let bits = e.clone().to_units(Units::Bits);
        assert!((bits.value - std::f64::consts::LOG2_E).abs() < 1e-15);
        let back = bits.to_units(Units::Nats);
        assert!((back.interval.lower - e.interval.lower).abs() < 1e-14);
    }

    #[test]
    fn nonsense_is_a_typed_error_that_names_its_argument() {
        let half = Interval {
            lower: 1.0,
            upper: 0.0,
        };
        let names = [
            Estimate::new("m", 0.0, 1.0, half, 1, 0.9)
                .unwrap_err()
                .argument,
            Estimate::normal("m", 0.0, -1.0, 1, 0.9)
                .unwrap_err()
                .argument,
            Estimate::normal("m", f64::NAN, 1.0, 1, 0.9)
                .unwrap_err()
                .argument,
        ];
        assert_eq!(names, ["interval", "std_err", "value"]);
        for confidence in [-0.5, 0.0, 1.0, 1.5, f64::NAN] {
            for std_err in [0.0, 1.0] {
                let error = Estimate::normal("m", 0.0, std_err, 1, confidence).unwrap_err();
                assert_eq!(error.argument, "confidence", "{confidence}");
            }
        }
        assert!(Estimate::normal("m", 0.0, 1.0, 1, 1.0 - f64::EPSILON / 2.0).is_ok());
    }
}
