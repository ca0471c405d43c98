//! Numerics that every crate of Ergodic shares.

pub mod binary;
pub mod elementary;
pub mod real;
pub mod rng;
pub mod simd;
pub mod special;

pub use real::Real;
