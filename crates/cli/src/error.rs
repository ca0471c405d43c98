//! The one error type of the program: what is wrong, where, and what is allowed.

use std::fmt;
use std::path::{Path, PathBuf};

use ergodic::core::ArgumentError;

/// Why the program stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CliError {
    /// The command line does not parse.
    Usage(String),
    /// An option outside its domain.
    Option {
        /// The option as the user types it, `--hidden`.
        option: String,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// A file that cannot be read or is not what it should be.
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong and what is allowed.
        reason: String,
    },
    /// One value of a data file.
    Cell {
        /// The file.
        path: PathBuf,
        /// Row and column, counted from 1.
        place: String,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// An output that cannot be written.
    Output {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A run that failed for a reason other than its input.
    Failed(String),
}

impl CliError {
    /// An option outside its domain.
    pub fn option(
        option: impl Into<String>,
        found: impl fmt::Display,
        allowed: impl Into<String>,
    ) -> Self {
        Self::Option {
            option: option.into(),
            found: number_text(found.to_string()),
            allowed: allowed.into(),
        }
    }

    /// A bad input file.
    pub fn file(path: &Path, reason: impl Into<String>) -> Self {
        Self::File {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }

    /// An output that cannot be written.
    pub fn output(path: &Path, reason: impl fmt::Display) -> Self {
        Self::Output {
            path: path.to_owned(),
            // Errors of temporary files end in their path, which is of no use to anyone.
            reason: match reason.to_string().split_once(" at path \"") {
                Some((reason, _)) => reason.to_owned(),
                None => reason.to_string(),
            },
        }
    }

    /// 2 for everything that the user can put right on the command line or in a file, 1 for a run
    /// that failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            _ => 2,
        }
    }
}

impl From<ArgumentError> for CliError {
    /// Settings are named in code as the options are, with `_` for `-`.
    fn from(e: ArgumentError) -> Self {
        Self::option(
            format!("--{}", e.argument.replace('_', "-")),
            e.found,
            e.allowed,
        )
    }
}

impl fmt::Display for CliError {
    /// Always one line: control characters of file names and values are escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Usage(text) | Self::Failed(text) => text.clone(),
            Self::Option {
                option,
                found,
                allowed,
            } => format!("{option} is {found}, but must be {allowed}"),
            Self::File { path, reason } => format!("{}: {reason}", path.display()),
            Self::Cell {
                path,
                place,
                found,
                allowed,
            } => format!(
                "{}: {place} is {}, but must be {allowed}",
                path.display(),
                shortened(found)
            ),
            Self::Output { path, reason } => {
                format!("cannot write {}: {reason}", path.display())
            }
        };
        for c in text.chars() {
            if c.is_control() {
                write!(f, "{}", c.escape_default())?;
            } else {
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for CliError {}

/// A number that would be written with hundreds of digits, as `1e30`.
fn number_text(found: String) -> String {
    const LONG: usize = 20;
    match found.parse::<f64>() {
        Ok(v) if found.len() > LONG && v.is_finite() => format!("{v:e}"),
        _ => found,
    }
}

fn shortened(found: &str) -> String {
    const KEEP: usize = 40;
    if found.chars().count() <= KEEP {
        found.to_owned()
    } else {
        let head: String = found.chars().take(KEEP).collect();
        format!("{head}…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_whatever_the_file_holds() {
        let e = CliError::Cell {
            path: "a\nb.csv".into(),
            place: "row 1, column 2".into(),
            found: format!("\"\n{}\"", "x".repeat(1000)),
            allowed: "a number in 0..=1".into(),
        };
        let text = e.to_string();
        assert!(!text.contains('\n') && text.len() < 200, "{text}");
        assert_eq!(e.exit_code(), 2);
    }

    #[test]
    fn extreme_numbers_and_temporary_names_are_kept_out() {
        let e = CliError::option("--lr", 1e300, "smaller");
        assert_eq!(e.to_string(), "--lr is 1e300, but must be smaller");
        let e = CliError::option("--lr", 0.05, "smaller");
        assert_eq!(e.to_string(), "--lr is 0.05, but must be smaller");
        let e = CliError::output(
            Path::new("a/b"),
            "No space left at path \"/t/.ergodic-x.part\"",
        );
        assert_eq!(e.to_string(), "cannot write a/b: No space left");
    }

    #[test]
    fn settings_become_options() {
        let e = CliError::from(ArgumentError::new("learning_rate", -1.0, "above 0"));
        assert_eq!(e.to_string(), "--learning-rate is -1, but must be above 0");
    }
}
