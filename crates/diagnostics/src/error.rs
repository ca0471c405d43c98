//! Why draws have no diagnosis.

use std::fmt;

use ergodic_core::{ArgumentError, TargetError};

/// An error of this crate.
///
/// ```
/// use ergodic_diagnostics::{DiagnosticsError, rhat};
///
/// let error = rhat(&[vec![1.0, 2.0, f64::NAN, 4.0]]).unwrap_err();
/// assert_eq!(error.to_string(), "chain 0, draw 2: the value is NaN, but must be finite");
/// assert_eq!(rhat(&[vec![0.5; 100]]), Err(DiagnosticsError::Constant));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DiagnosticsError {
    /// No chain.
    Empty,
    /// Too few draws in each chain.
    Short {
        /// The number of draws in a chain.
        found: usize,
        /// How many there have to be.
        needed: usize,
    },
    /// Chains of different lengths.
    Unequal {
        /// The chain.
        chain: usize,
        /// Its length.
        found: usize,
        /// The length of chain 0.
        expected: usize,
    },
    /// A value that is not finite.
    NonFinite {
        /// The name of the parameter, if it has one.
        parameter: Option<String>,
        /// The chain, counted from 0.
        chain: usize,
        /// The draw within the chain, counted from 0.
        draw: usize,
        /// The value.
        value: f64,
    },
    /// All draws of all chains are one value: a parameter without a law, or chains that never
    /// moved. Neither can be told from the draws.
    Constant,
    /// A setting or argument outside its domain.
    Argument(ArgumentError),
    /// The target of a sampler under test failed.
    Target {
        /// The replication or chain of the test in which it happened.
        replication: usize,
        /// What the target said.
        error: TargetError,
    },
}

impl DiagnosticsError {
    /// The same error with the name of the parameter, where it has room for one.
    pub(crate) fn of_parameter(self, name: &str) -> Self {
        match self {
            Self::NonFinite {
                parameter: None,
                chain,
                draw,
                value,
            } => Self::NonFinite {
                parameter: Some(name.to_owned()),
                chain,
                draw,
                value,
            },
            other => other,
        }
    }
}

impl fmt::Display for DiagnosticsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "there is no chain"),
            Self::Short { found, needed } => {
                write!(
                    f,
                    "a chain has {found} draws, but must have at least {needed}"
                )
            }
            Self::Unequal {
                chain,
                found,
                expected,
            } => write!(
                f,
                "chain {chain} has {found} draws, but must have {expected} as chain 0"
            ),
            Self::NonFinite {
                parameter,
                chain,
                draw,
                value,
            } => {
                write!(f, "chain {chain}, draw {draw}: ")?;
                match parameter {
                    Some(name) => write!(f, "{name} is {value}, but must be finite"),
                    None => write!(f, "the value is {value}, but must be finite"),
                }
            }
            Self::Constant => write!(f, "all draws are one value"),
            Self::Argument(error) => error.fmt(f),
            Self::Target { replication, error } => write!(f, "replication {replication}: {error}"),
        }
    }
}

impl std::error::Error for DiagnosticsError {}

impl From<ArgumentError> for DiagnosticsError {
    fn from(error: ArgumentError) -> Self {
        Self::Argument(error)
    }
}
