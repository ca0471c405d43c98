//! Why a run could not be made, or not be finished.

use std::fmt;
use std::path::{Path, PathBuf};

use ergodic_core::{ArgumentError, TargetError};

/// Why a run failed; the message says where and what is allowed.
///
/// ```
/// use ergodic_core::ArgumentError;
/// use ergodic_samplers::SampleError;
///
/// let e = SampleError::from(ArgumentError::new("draws", 0, "at least 1"));
/// assert_eq!(e.to_string(), "draws is 0, but must be at least 1");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum SampleError {
    /// A setting outside its domain.
    Argument(ArgumentError),
    /// The target failed for good; the error names chain and draw.
    Target(TargetError),
    /// No start with a finite energy and gradient was found.
    NoStart {
        /// The chain.
        chain: usize,
        /// How many starts were tried.
        tries: usize,
        /// The energy at the last one.
        energy: f64,
    },
    /// The run was stopped before every chain had a draw. A checkpoint, if there is one, holds
    /// what was done.
    Interrupted {
        /// The warm-up steps and draws done, chain by chain.
        iterations: Vec<usize>,
    },
    /// A checkpoint cannot be written, read, or continued.
    Checkpoint(FileError),
    /// What receives the draws refused one.
    Sink(SinkError),
    /// The threads could not be started.
    Threads(String),
}

impl fmt::Display for SampleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(e) => e.fmt(f),
            Self::Target(e) => e.fmt(f),
            Self::NoStart {
                chain,
                tries,
                energy,
            } => write!(
                f,
                "chain {chain}: none of {tries} random starts in (-2, 2) has a finite energy and \
                 gradient (the last energy is {energy}); give starts inside the support"
            ),
            Self::Interrupted { iterations } => write!(
                f,
                "stopped before every chain had a draw (warm-up steps and draws done: \
                 {iterations:?})"
            ),
            Self::Checkpoint(e) => e.fmt(f),
            Self::Sink(e) => e.fmt(f),
            Self::Threads(e) => write!(f, "cannot start the threads of the run: {e}"),
        }
    }
}

impl std::error::Error for SampleError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Argument(e) => Some(e),
            Self::Target(e) => Some(e),
            Self::Checkpoint(e) => Some(e),
            Self::Sink(e) => Some(e),
            _ => None,
        }
    }
}

impl From<ArgumentError> for SampleError {
    fn from(e: ArgumentError) -> Self {
        Self::Argument(e)
    }
}

impl From<TargetError> for SampleError {
    fn from(e: TargetError) -> Self {
        Self::Target(e)
    }
}

impl From<SinkError> for SampleError {
    fn from(e: SinkError) -> Self {
        Self::Sink(e)
    }
}

/// A file that cannot be read or written: which one, and what is wrong with it.
///
/// ```
/// use ergodic_samplers::FileError;
///
/// let e = FileError::new("draws.npy", "is empty");
/// assert_eq!(e.to_string(), "draws.npy: is empty");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it, and what is allowed.
    pub reason: String,
}

impl FileError {
    /// An error of the file at `path`.
    pub fn new(path: impl AsRef<Path>, reason: impl fmt::Display) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            reason: reason.to_string(),
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for FileError {}

/// Why a [`DrawSink`](crate::DrawSink) cannot take a draw.
///
/// ```
/// use ergodic_samplers::SinkError;
///
/// assert_eq!(SinkError::new("the disk is full").to_string(), "the disk is full");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkError {
    /// What went wrong.
    pub reason: String,
}

impl SinkError {
    /// An error with a free reason.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self {
            reason: reason.to_string(),
        }
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for SinkError {}

impl From<FileError> for SinkError {
    fn from(e: FileError) -> Self {
        Self::new(e)
    }
}
