//! What can go wrong while a free energy is estimated.

use std::fmt;
use std::ops::Range;

use ergodic_core::{ArgumentError, Stationarity, TargetError};

/// An error of this crate.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FreeEnergyError {
    /// A setting or argument outside its domain.
    Argument(ArgumentError),
    /// The target or kernel failed for good. Of several failing blocks the first is reported,
    /// whatever the number of threads.
    Target {
        /// The chains of the block in which it happened, counted over all blocks.
        chains: Range<usize>,
        /// What the target said; its `draw` is the rung of the ladder, its `chain` is counted
        /// over all blocks where it is known.
        error: TargetError,
    },
    /// An estimator that is unbiased only for kernels that leave their target invariant got one
    /// that does not claim so.
    NotInvariant {
        /// What the kernel claims.
        found: Stationarity,
    },
    /// An estimator that runs the kernel backwards got one that does not claim detailed balance.
    NotReversible {
        /// What the kernel claims.
        found: Stationarity,
    },
    /// Every run ended with weight zero: the base law never met the support of the target.
    NoWeight {
        /// The number of runs.
        runs: usize,
    },
}

impl fmt::Display for FreeEnergyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(error) => error.fmt(f),
            Self::Target { chains, error } => {
                match error.chain {
                    Some(chain) => write!(f, "chain {chain}")?,
                    None => write!(f, "chains {} to {}", chains.start, chains.end - 1)?,
                }
                if let Some(rung) = error.draw {
                    write!(f, ", rung {rung}")?;
                }
                write!(f, ": {}", error.reason)
            }
            Self::NotInvariant { found } => write!(
                f,
                "the kernel claims {found:?}, but must leave its target invariant"
            ),
            Self::NotReversible { found } => write!(
                f,
                "the kernel claims {found:?}, but must be reversible: it is run backwards"
            ),
            Self::NoWeight { runs } => write!(
                f,
                "all {runs} runs ended with weight zero: the base law misses the support of the \
                 target"
            ),
        }
    }
}

impl std::error::Error for FreeEnergyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Argument(error) => Some(error),
            Self::Target { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl From<ArgumentError> for FreeEnergyError {
    fn from(error: ArgumentError) -> Self {
        Self::Argument(error)
    }
}
