//! The error of a numerical function: an argument outside its domain.

use std::fmt;

/// An argument outside the domain of a function: which one, what was found, what is allowed.
///
/// ```
/// let e = ergodic_math::special::normal_quantile(1.5).unwrap_err();
/// assert_eq!(e.to_string(), "p is 1.5, but must be between 0 and 1");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DomainError {
    /// The name of the argument.
    pub argument: &'static str,
    /// What was found.
    pub found: f64,
    /// What is allowed.
    pub allowed: &'static str,
}

impl DomainError {
    /// `Ok` if `inside`, else the error for `argument`.
    pub(crate) fn check(
        inside: bool,
        argument: &'static str,
        found: f64,
        allowed: &'static str,
    ) -> Result<(), Self> {
        if inside {
            Ok(())
        } else {
            Err(Self {
                argument,
                found,
                allowed,
            })
        }
    }
}

impl fmt::Display for DomainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            argument,
            found,
            allowed,
        } = self;
        write!(f, "{argument} is {found}, but must be {allowed}")
    }
}

impl std::error::Error for DomainError {}
