//! Typed errors that every crate shares.

use std::fmt;

/// An argument outside its domain: which one, what was found, what is allowed.
///
/// ```
/// use ergodic_core::ArgumentError;
///
/// let e = ArgumentError::new("learning_rate", -0.1, "a finite number above 0");
/// assert_eq!(e.to_string(), "learning_rate is -0.1, but must be a finite number above 0");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentError {
    /// The name of the argument or setting, as the caller wrote it.
    pub argument: &'static str,
    /// What was found.
    pub found: String,
    /// What is allowed.
    pub allowed: String,
}

impl ArgumentError {
    /// An error for `argument`.
    pub fn new(
        argument: &'static str,
        found: impl fmt::Display,
        allowed: impl Into<String>,
    ) -> Self {
        Self {
            argument,
            found: found.to_string(),
            allowed: allowed.into(),
        }
    }
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            argument,
            found,
            allowed,
        } = self;
        write!(f, "{argument} is {found}, but must be {allowed}")
    }
}

impl std::error::Error for ArgumentError {}

/// A target that cannot go on: a fatal answer of a user's energy, as opposed to a state of zero
/// probability, which kernels reject and count.
///
/// The driver of a run adds chain and draw with [`at`](Self::at).
///
/// ```
/// use ergodic_core::TargetError;
///
/// let e = TargetError::non_finite("energy at the start", f64::NAN).at(2, 17);
/// assert_eq!(e.to_string(), "chain 2, draw 17: energy at the start is NaN, but must be finite");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetError {
    /// The chain, if a driver has named it.
    pub chain: Option<usize>,
    /// The draw within the chain, if a driver has named it.
    pub draw: Option<usize>,
    /// What went wrong.
    pub reason: String,
}

impl TargetError {
    /// An error with a free reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            chain: None,
            draw: None,
            reason: reason.into(),
        }
    }

    /// A quantity that has to be finite and is not.
    pub fn non_finite(what: &str, found: f64) -> Self {
        Self::new(format!("{what} is {found}, but must be finite"))
    }

    /// A state of the wrong size.
    pub fn dimension(what: &str, found: usize, expected: usize) -> Self {
        Self::new(format!(
            "{what} has length {found}, but must have {expected}"
        ))
    }

    /// Names the chain and the draw in which the error happened.
    pub fn at(mut self, chain: usize, draw: usize) -> Self {
        self.chain = Some(chain);
        self.draw = Some(draw);
        self
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(chain), Some(draw)) = (self.chain, self.draw) {
            write!(f, "chain {chain}, draw {draw}: ")?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for TargetError {}
