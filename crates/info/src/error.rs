//! What can go wrong when an information quantity is computed or estimated.

use std::fmt;

use ergodic_core::ArgumentError;

/// An error of this crate.
///
/// ```
/// use ergodic_info::{InfoError, Probabilities};
///
/// let error = Probabilities::new([0.5, 0.6]).unwrap_err();
/// assert!(matches!(error, InfoError::Argument(_)));
/// assert!(error.to_string().contains("sum to 1.1"));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum InfoError {
    /// An argument outside its domain: which one, what was found, what is allowed.
    Argument(ArgumentError),
    /// An iteration that ended before its certificate was small enough.
    NotConverged {
        /// What was computed.
        quantity: &'static str,
        /// The certificate reached (a duality gap or residual), in nats where it has a unit.
        gap: f64,
        /// What was asked for.
        tolerance: f64,
        /// The iterations spent.
        iterations: usize,
    },
}

impl InfoError {
    /// An argument error.
    pub(crate) fn argument(
        argument: &'static str,
        found: impl fmt::Display,
        allowed: impl Into<String>,
    ) -> Self {
        Self::Argument(ArgumentError::new(argument, found, allowed))
    }
}

impl fmt::Display for InfoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(error) => error.fmt(f),
            Self::NotConverged {
                quantity,
                gap,
                tolerance,
                iterations,
            } => write!(
                f,
                "{quantity}: a gap of {gap:e} after {iterations} iterations, but {tolerance:e} was asked for"
            ),
        }
    }
}

impl std::error::Error for InfoError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Argument(error) => Some(error),
            Self::NotConverged { .. } => None,
        }
    }
}

impl From<ArgumentError> for InfoError {
    fn from(error: ArgumentError) -> Self {
        Self::Argument(error)
    }
}
