//! Boltzmann machines and their training.

pub mod baseline;
#[cfg(feature = "data")]
pub mod data;
pub mod rbm;
