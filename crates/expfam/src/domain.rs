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

/// An inverse temperature of any sign, whose temperature is finite too.
pub(crate) fn inverse_temperature(argument: &'static str, found: f64) -> Result<(), ArgumentError> {
    let temperature = 1.0 / found;
    if found.is_finite() && temperature.is_finite() && temperature != 0.0 {
        return Ok(());
    }
    Err(ArgumentError::new(
        argument,
        found,
        "finite and not 0, and so its inverse",
    ))
}

/// A log-partition, unless it overflows.
pub(crate) fn computed(log_partition: f64) -> Result<f64, ArgumentError> {
    if log_partition.is_finite() {
        return Ok(log_partition);
    }
    Err(ArgumentError::new(
        "natural",
        format!("a point with log-partition {log_partition}"),
        "of a log-partition that f64 can hold",
    ))
}

/// What was computed, unless products or differences of overflowing terms made an entry NaN.
pub(crate) fn no_nan(what: &str, entries: &[f64]) -> Result<(), ArgumentError> {
    if entries.iter().any(|entry| entry.is_nan()) {
        return Err(ArgumentError::new(
            "natural",
            format!("a point whose {what} overflows"),
            format!("of a {what} that f64 can hold"),
        ));
    }
    Ok(())
}

/// Natural parameters found for `mean`, if they did not round to the boundary of the domain.
pub(crate) fn found<F: ergodic_core::ExponentialFamily + ?Sized>(
    family: &F,
    mean: &[f64],
    natural: &[f64],
) -> Result<(), ArgumentError> {
    family.check_natural(natural).map_err(|_| {
        ArgumentError::new(
            "mean",
            format!("{mean:?}"),
            "of a member whose natural parameters f64 can hold",
        )
    })
}
