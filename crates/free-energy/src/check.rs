//! Checks of settings that the estimators share.

use ergodic_core::ArgumentError;

pub(crate) fn confidence(x: f64) -> Result<(), ArgumentError> {
    if x > 0.0 && x < 1.0 {
        return Ok(());
    }
    let allowed = "strictly between 0 and 1";
    Err(ArgumentError::new("confidence", x, allowed))
}

pub(crate) fn rounding_allowance(x: f64) -> Result<(), ArgumentError> {
    if x >= 0.0 && x.is_finite() {
        return Ok(());
    }
    let allowed = "a finite number of nats, at least 0";
    Err(ArgumentError::new("rounding_allowance", x, allowed))
}

pub(crate) fn at_least(
    least: usize,
    argument: &'static str,
    x: usize,
) -> Result<(), ArgumentError> {
    if x >= least {
        return Ok(());
    }
    Err(ArgumentError::new(argument, x, format!("at least {least}")))
}

/// A log-weight is a number below `+∞`; `−∞` is a weight of zero.
pub(crate) fn log_weights(log_weights: &[f64]) -> Result<(), ArgumentError> {
    if log_weights.is_empty() {
        return Err(ArgumentError::new(
            "log_weights",
            "empty",
            "at least one log-weight",
        ));
    }
    match log_weights
        .iter()
        .position(|w| w.is_nan() || *w == f64::INFINITY)
    {
        None => Ok(()),
        Some(i) => Err(ArgumentError::new(
            "log_weights",
            format!("{} at index {i}", log_weights[i]),
            "numbers below +∞ (−∞ is a weight of zero)",
        )),
    }
}
