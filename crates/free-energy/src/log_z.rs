//! What is known about a log partition function, and what each part of it rests on.

use std::fmt;

use ergodic_core::{ArgumentError, Bias, Estimate, Interval};

use crate::{
    LadderOrigin, betting_lower_bound, check, effective_sample_size, log_mean_exp_std_err,
};
use ergodic_math::special::log_mean_exp;

/// Below this effective number of runs the central limit theorem is not to be trusted, and
/// [`RestsOn::CentralLimit`] says so.
pub const FEW_EFFECTIVE_RUNS: f64 = 10.0;

/// What a number rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum RestsOn {
    /// Weights whose mean is the wanted quantity exactly, whatever the mixing, from independent
    /// runs of a number fixed beforehand: a test martingale. Needs no further assumption.
    UnbiasedWeights,
    /// For each example an independent estimate whose mean is its probability exactly: the
    /// product over the examples is an e-value. Needs no further assumption.
    UnbiasedProbabilities,
    /// The central limit theorem over independent runs, which needs many effective ones.
    CentralLimit {
        /// The effective number of runs, [`effective_sample_size`](crate::effective_sample_size)
        /// of the weights.
        effective_runs: f64,
    },
    /// A sum over all states.
    Enumeration,
}

impl RestsOn {
    /// Whether the number holds at its stated confidence without any assumption on mixing,
    /// moments or sample size.
    pub fn is_unconditional(&self) -> bool {
        !matches!(self, Self::CentralLimit { .. })
    }

    /// Whether too few effective runs are behind a central-limit argument for it to be trusted
    /// ([`FEW_EFFECTIVE_RUNS`]).
    pub fn is_doubtful(&self) -> bool {
        matches!(self, Self::CentralLimit { effective_runs } if *effective_runs < FEW_EFFECTIVE_RUNS)
    }
}

impl fmt::Display for RestsOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnbiasedWeights => f.write_str("unbiased weights, unconditional"),
            Self::UnbiasedProbabilities => f.write_str("unbiased probabilities, unconditional"),
            Self::CentralLimit { effective_runs } => {
                write!(f, "central limit over {effective_runs:.1} effective runs")?;
                if self.is_doubtful() {
                    f.write_str(", too few")?;
                }
                Ok(())
            }
            Self::Enumeration => f.write_str("enumeration"),
        }
    }
}

/// A one-sided bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// The bound, with the rounding allowance already given away.
    pub value: f64,
    /// The probability with which it holds; 1 for an exact value.
    pub confidence: f64,
    /// What it rests on.
    pub rests_on: RestsOn,
    /// The nats given away for rounding of the model's arithmetic.
    pub rounding_allowance: f64,
}

/// How a [`LogZ`] was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// Annealed importance sampling.
    Ais {
        /// Independent runs.
        runs: usize,
        /// Steps of the ladder.
        steps: usize,
        /// Where the ladder comes from.
        ladder: LadderOrigin,
    },
    /// A sum over all states.
    Enumeration,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ais {
                runs,
                steps,
                ladder,
            } => write!(f, "AIS, {runs} runs of {steps} steps, ladder {ladder}"),
            Self::Enumeration => f.write_str("exact enumeration"),
        }
    }
}

/// A log partition function: a point estimate, and a bound on each side where there is one.
///
/// ```
/// use ergodic_free_energy::LogZ;
///
/// let log_z = LogZ::exact(6.971258118926752, 1e-12)?;
/// assert!(log_z.is_exact());
/// // Data with mean log f(v) = 2.8935: a higher log Z makes them less likely.
/// let likelihood = log_z.log_likelihood(2.8935)?;
/// assert!((likelihood.estimate.value + 4.0777).abs() < 1e-4);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LogZ {
    /// The point estimate with its standard error and two-sided interval, in nats.
    pub estimate: Estimate,
    /// What the estimate and its interval rest on.
    pub rests_on: RestsOn,
    /// A bound from below.
    pub lower: Option<Bound>,
    /// A bound from above.
    pub upper: Option<Bound>,
    /// How it was found.
    pub method: Method,
}

impl LogZ {
    /// A `log Z` that was summed over all states, known to `rounding_allowance` nats.
    ///
    /// The confidence of the estimate's interval is the largest number below 1.
    ///
    /// # Errors
    /// If the value is not finite, or the allowance negative or not finite.
    pub fn exact(value: f64, rounding_allowance: f64) -> Result<Self, ArgumentError> {
        if !value.is_finite() {
            return Err(ArgumentError::new("log_z", value, "finite"));
        }
        check::rounding_allowance(rounding_allowance)?;
        let interval = Interval {
            lower: value - rounding_allowance,
            upper: value + rounding_allowance,
        };
        let certain = 1.0 - 0.5 * f64::EPSILON;
        let bound = |value| {
            Some(Bound {
                value,
                confidence: 1.0,
                rests_on: RestsOn::Enumeration,
                rounding_allowance,
            })
        };
        let estimate = Estimate::new("exact enumeration", value, 0.0, interval, 1, certain)?;
        Ok(Self {
            estimate,
            rests_on: RestsOn::Enumeration,
            lower: bound(interval.lower),
            upper: bound(interval.upper),
            method: Method::Enumeration,
        })
    }

    /// `log Z` from independent log-weights with `E[w] = Z/Z_base` exactly, of a number fixed
    /// beforehand. [`Ais`](crate::Ais) calls it; it serves any other source of such weights.
    ///
    /// * estimate: `log Z_base + log w̄`, biased low by about half its squared standard error;
    ///   standard error by [`log_mean_exp_std_err`](crate::log_mean_exp_std_err), interval by the
    ///   central limit theorem;
    /// * lower: [`betting_lower_bound`](crate::betting_lower_bound), less the allowance;
    /// * upper: none.
    ///
    /// # Errors
    /// If there are no weights, one is NaN or `+∞`, all are zero, or another argument is out of
    /// its domain.
    pub fn from_unbiased_weights(
        log_weights: &[f64],
        log_z_base: f64,
        confidence: f64,
        rounding_allowance: f64,
        method: Method,
    ) -> Result<Self, ArgumentError> {
        check::log_weights(log_weights)?;
        check::rounding_allowance(rounding_allowance)?;
        if !log_z_base.is_finite() {
            return Err(ArgumentError::new("log_z_base", log_z_base, "finite"));
        }
        let log_mean = log_mean_exp(log_weights);
        if log_mean == f64::NEG_INFINITY {
            let allowed = "at least one weight above zero";
            return Err(ArgumentError::new("log_weights", "all −∞", allowed));
        }
        let effective_runs = effective_sample_size(log_weights)?;
        let rests_on = RestsOn::CentralLimit { effective_runs };
        let mut estimate = Estimate::normal(
            format!("{method}; delta method and central limit theorem"),
            log_z_base + log_mean,
            log_mean_exp_std_err(log_weights)?,
            log_weights.len(),
            confidence,
        )?;
        if rests_on.is_doubtful() {
            estimate.bias = Bias::Dominates(None);
        }
        let lower = betting_lower_bound(log_weights, confidence)?;
        Ok(Self {
            estimate,
            rests_on,
            lower: Some(Bound {
                value: log_z_base + lower - rounding_allowance,
                confidence,
                rests_on: RestsOn::UnbiasedWeights,
                rounding_allowance,
            }),
            upper: None,
            method,
        })
    }

    /// Whether the value is exact up to rounding.
    pub fn is_exact(&self) -> bool {
        self.method == Method::Enumeration
    }

    /// The mean log-likelihood of data, `mean log f(v) − log Z`, from the mean of their
    /// unnormalised `log f(v) = −E(v)`. The sides change places: a `log Z` from below makes the
    /// likelihood optimistic.
    ///
    /// # Errors
    /// If the mean is not finite.
    pub fn log_likelihood(
        &self,
        mean_log_unnormalised: f64,
    ) -> Result<LogLikelihood, ArgumentError> {
        if !mean_log_unnormalised.is_finite() {
            return Err(ArgumentError::new(
                "mean_log_unnormalised",
                mean_log_unnormalised,
                "finite",
            ));
        }
        let mut estimate = self.estimate.clone();
        estimate.value = mean_log_unnormalised - self.estimate.value;
        estimate.interval = Interval {
            lower: mean_log_unnormalised - self.estimate.interval.upper,
            upper: mean_log_unnormalised - self.estimate.interval.lower,
        };
        let turned = |bound: Bound| Bound {
            value: mean_log_unnormalised - bound.value,
            ..bound
        };
        Ok(LogLikelihood {
            estimate,
            rests_on: self.rests_on,
            lower: self.upper.map(turned),
            upper: self.lower.map(turned),
            method: self.method,
        })
    }
}

/// A mean log-likelihood per example under a law whose `log Z` was estimated
/// ([`LogZ::log_likelihood`]).
#[derive(Clone, Debug, PartialEq)]
pub struct LogLikelihood {
    /// The point estimate; its error is that of `log Z`, not that of the choice of data.
    pub estimate: Estimate,
    /// What the estimate and its interval rest on.
    pub rests_on: RestsOn,
    /// A bound from below, from the upper bound on `log Z`.
    pub lower: Option<Bound>,
    /// A bound from above, from the lower bound on `log Z`.
    pub upper: Option<Bound>,
    /// How `log Z` was found.
    pub method: Method,
}
