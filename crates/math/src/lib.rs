//! Numerics that every crate of Ergodic shares.

pub mod autocovariance;
pub mod binary;
pub mod elementary;
pub mod gemm;
pub mod gray;
pub mod legendre;
pub mod moments;
pub mod real;
pub mod reduce;
pub mod rng;
pub mod roots;
pub mod simd;
pub mod special;
mod error;

pub use error::DomainError;
pub use real::Real;
