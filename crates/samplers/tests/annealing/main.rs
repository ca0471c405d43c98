//! Kernels across temperatures: tempering and sequential Monte Carlo.

mod simulated_tempering;
mod smc;
mod targets;
mod tempering;

ergodic_conformance::counting_allocator!();
