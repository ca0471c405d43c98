//! Numerics that every crate of Ergodic shares.

pub mod elementary;
mod error;
pub mod real;
pub mod rng;
pub mod simd;
pub mod special;

pub use error::DomainError;
pub use real::Real;
