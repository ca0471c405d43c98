//! Boltzmann machines and their training.
