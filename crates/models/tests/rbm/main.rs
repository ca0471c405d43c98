//! Laws of the restricted Boltzmann machine: exact values, kernels, training, files, certificates.

mod annealing;
mod arguments;
mod checkpoints;
mod common;
mod exact;
mod kernel;
mod training;

ergodic_conformance::counting_allocator!();
