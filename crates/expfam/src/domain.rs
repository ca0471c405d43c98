//! Checks of parameters, with errors that name the parameter, its index and its domain.

use ergodic_core::ArgumentError;

/// As many as there should be.
pub(crate) fn length(
    argument: &'static str,
    found: &[f64],
    expected: usize,
) -> Result<(), ArgumentError> {
    if found.len() == expected {
        return Ok(());
    }
    Err(ArgumentError::new(
        argument,
        format!("a slice of {} numbers", found.len()),
        format!("{expected} numbers long"),
    ))
}

/// As many as there should be, each finite.
pub(crate) fn finite(
    argument: &'static str,
    found: &[f64],
    expected: usize,
) -> Result<(), ArgumentError> {
    length(argument, found, expected)?;
    match found.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(index) => Err(outside(argument, index, found[index], "finite")),
    }
}

/// Element `index`, unless `inside`.
pub(crate) fn require(
    argument: &'static str,
    found: &[f64],
    index: usize,
    inside: bool,
    allowed: &str,
) -> Result<(), ArgumentError> {
    if inside {
        return Ok(());
    }
    Err(outside(argument, index, found[index], allowed))
}

fn outside(argument: &'static str, index: usize, found: f64, allowed: &str) -> ArgumentError {
    ArgumentError::new(
        argument,
        format!("{found} at index {index}"),
        allowed.to_owned(),
    )
}

/// A setting above 0 and finite.
pub(crate) fn positive(argument: &'static str, found: f64) -> Result<(), ArgumentError> {
    if found > 0.0 && found.is_finite() {
        return Ok(());
    }
    Err(ArgumentError::new(argument, found, "finite and above 0"))
}
