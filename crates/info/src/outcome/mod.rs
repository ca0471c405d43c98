//! Outcome spaces: how numbers become symbols of a known alphabet.
//!
//! | space | alphabet | for |
//! |---|---|---|
//! | [`Bins`] | intervals of the line | independent observations; entropies depend on the bins |
//! | [`OrdinalPatterns`] | the orders of successive values | series, whatever their scale |
//!
//! The entropy of binned data estimates that of the binned variable, not the differential entropy of the
//! variable itself: for that, and for mutual information of continuous variables, estimators by nearest
//! neighbours need no bins.

mod bins;
mod ordinal;

pub use bins::Bins;
pub use ordinal::{OrdinalPatterns, Ties};

use crate::{InfoError, Symbols};

/// A rule that turns numbers into symbols of a known alphabet.
pub trait OutcomeSpace {
    /// The symbols of the values, or of windows of them.
    ///
    /// # Errors
    /// If the values are too few, not finite, or outside the space.
    fn encode(&self, values: &[f64]) -> Result<Symbols, InfoError>;

    /// The number of symbols.
    fn alphabet(&self) -> u32;
}

/// Refuses an empty list and values that are not finite.
fn finite(argument: &'static str, values: &[f64]) -> Result<(), InfoError> {
    if values.is_empty() {
        return Err(InfoError::argument(
            argument,
            "an empty list",
            "at least one number",
        ));
    }
    if let Some(i) = values.iter().position(|v| !v.is_finite()) {
        return Err(InfoError::argument(
            argument,
            format!("a list with {} at position {i}", values[i]),
            "finite numbers",
        ));
    }
    Ok(())
}
