//! The parts of the `ergodic` program: command line, data, output, report.

pub mod arguments;
pub mod chart;
pub mod data;
pub mod error;
pub mod image;
pub mod output;
pub mod progress;
pub mod report;
pub mod summary;
