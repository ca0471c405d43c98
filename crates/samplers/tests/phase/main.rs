//! Kernels in phase space: Langevin, thermostats, stochastic gradients.

mod langevin;
mod stochastic;
mod targets;
mod thermostat;

ergodic_conformance::counting_allocator!();
