//! Checks of arguments that several parts of the crate share.

use ergodic_core::ArgumentError;
use ergodic_math::Real;

/// The largest sample size: counts up to here are exact as `f64`.
pub(crate) const LARGEST_SAMPLE: u64 = 1 << 53;

/// A sample size of at least 1 that `f64` holds exactly.
pub(crate) fn sample_size(n: u64) -> Result<f64, ArgumentError> {
    if (1..=LARGEST_SAMPLE).contains(&n) {
        return Ok(n as f64);
    }
    Err(ArgumentError::new("n", n, "between 1 and 2⁵³"))
}

/// A deviation of at least 0.
pub(crate) fn deviation(t: f64) -> Result<(), ArgumentError> {
    not_negative("t", t)
}

/// A finite number of at least 0.
pub(crate) fn not_negative(argument: &'static str, found: f64) -> Result<(), ArgumentError> {
    require(
        argument,
        found,
        found >= 0.0 && found.is_finite(),
        "finite and at least 0",
    )
}

/// A finite number above 0.
pub(crate) fn positive(argument: &'static str, found: f64) -> Result<(), ArgumentError> {
    require(
        argument,
        found,
        found > 0.0 && found.is_finite(),
        "finite and above 0",
    )
}

/// A finite number.
pub(crate) fn finite(argument: &'static str, found: f64) -> Result<(), ArgumentError> {
    require(argument, found, found.is_finite(), "finite")
}

/// `found`, unless `inside`.
pub(crate) fn require(
    argument: &'static str,
    found: f64,
    inside: bool,
    allowed: &str,
) -> Result<(), ArgumentError> {
    if inside {
        return Ok(());
    }
    Err(ArgumentError::new(argument, found, allowed))
}

/// A number strictly between 0 and 1.
pub(crate) fn open_unit(argument: &'static str, found: f64) -> Result<(), ArgumentError> {
    require(
        argument,
        found,
        found > 0.0 && found < 1.0,
        "strictly between 0 and 1",
    )
}

/// `log(1 − confidence)`, for a confidence strictly between 0 and 1.
pub(crate) fn log_risk(confidence: f64) -> Result<f64, ArgumentError> {
    open_unit("confidence", confidence)?;
    Ok(Real::ln_1p(-confidence))
}
