//! The parts of the `ergodic` program: command line, data, output, report, and the commands.

pub mod arguments;
pub mod artifacts;
mod commands;
pub mod data;
pub mod error;
pub mod image;
pub mod machine;
pub mod output;
pub mod progress;
pub mod report;
pub mod summary;

pub use commands::run;
