//! Kernels on continuous spaces that need no gradient: quadrature where a step takes few draws,
//! exact starts where it takes many.

mod ensemble;
mod exact_start;
mod hit_and_run;
mod metropolis;
mod random_walk;
mod slice;
mod targets;

ergodic_conformance::counting_allocator!();
