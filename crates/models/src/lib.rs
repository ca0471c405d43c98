//! Boltzmann machines and their training.

pub mod rbm;
