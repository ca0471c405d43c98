//! Numerics that every crate of Ergodic shares.
//!
//! | module | what it has |
//! |---|---|
//! | [`autocovariance`] | autocovariance and autocorrelation of a series, by FFT and directly |
//! | [`binary`] | products with binary matrices |
//! | [`elementary`] | branch-free `exp`, `log` and kin that vectorise, with the same bits everywhere |
//! | [`gemm`] | dense products for all transposes, `f32` and `f64`, over any strides |
//! | [`gray`] | enumeration of {0,1}ⁿ one flip at a time, in parts |
//! | [`legendre`] | discrete Legendre–Fenchel transform and convex envelope in linear time |
//! | [`moments`] | one-pass, mergeable moments and covariance, weighted moments |
//! | [`quadrature`] | Gauss rules of any order, adaptive Gauss–Kronrod |
//! | [`real`] | `f32` and `f64` behind one trait |
//! | [`reduce`] | compensated sums and parallel folds that do not depend on threads |
//! | [`rng`] | one generator per (seed, stream), bulk draws |
//! | [`roots`] | Brent, safeguarded Newton, bracketing, minimisation |
//! | [`simd`] | run-time dispatch of plain loops to the CPU's instruction sets |
//! | [`special`] | log-space sums, gamma and error functions, normal law |
//!
//! Results depend on the seed and the input alone, never on the number of threads. Finite input
//! gives no NaN (matrix products that overflow excepted); bad input gives a typed error of the
//! module.

pub mod autocovariance;
pub mod binary;
pub mod elementary;
mod error;
pub mod gemm;
pub mod gray;
pub mod legendre;
pub mod moments;
pub mod quadrature;
pub mod real;
pub mod reduce;
pub mod rng;
pub mod roots;
pub mod simd;
pub mod special;

pub use error::DomainError;
pub use real::Real;
