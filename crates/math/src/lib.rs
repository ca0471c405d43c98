//! Numerics that every crate of Ergodic shares.

pub mod gemm;
pub mod gray;
pub mod real;
pub mod reduce;
pub mod rng;
pub mod simd;
pub mod special;

pub use real::Real;
