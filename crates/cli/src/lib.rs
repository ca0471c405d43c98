//! The parts of the `ergodic` program: data, output, report and the commands themselves.

pub mod data;
pub mod error;
pub mod image;
pub mod output;
