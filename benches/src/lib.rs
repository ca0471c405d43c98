//! Benchmarks of Ergodic.
