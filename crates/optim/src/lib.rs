//! Gradient optimisers and learning-rate schedules.
//!
//! Each optimiser implements [`ergodic_core::Optimizer`] for `f32` and `f64` and *descends*: to
//! climb a log-likelihood pass its negative gradient. An update is one pass over the slices at
//! memory speed, without fused multiply-adds, so every SIMD level gives the same bits.
//!
//! | item | update |
//! |---|---|
//! | [`Sgd`] | gradient descent, classical or Nesterov momentum |
//! | [`Adam`] | adaptive moments with bias correction, optional decoupled weight decay (AdamW) |
//! | [`Schedule`] | the factor on the learning rate at each step |
//!
//! All settings have one shape: a plain settings struct with defaults ([`SgdSettings`]), `new`
//! that checks it once, and a builder over it. Hot code holds checked settings only.
//!
//! ```
//! use ergodic_core::Optimizer;
//! use ergodic_optim::{Schedule, Sgd};
//!
//! // Minimise ½ (x − 3)² with a learning rate that falls linearly to a tenth.
//! let mut sgd = Sgd::builder().learning_rate(0.05).momentum(0.5).build()?;
//! let schedule: Schedule = "linear:0.1".parse()?;
//! let mut x = [0.0f64];
//! for step in 0..500 {
//!     let gradient = [x[0] - 3.0];
//!     sgd.step(schedule.factor(step, 500), &mut x, &gradient);
//! }
//! assert!((x[0] - 3.0).abs() < 1e-9);
//! # Ok::<(), ergodic_core::ArgumentError>(())
//! ```

mod adam;
mod check;
mod schedule;
mod sgd;

pub use adam::{Adam, AdamBuilder, AdamSettings};
pub use schedule::Schedule;
pub use sgd::{Sgd, SgdBuilder, SgdSettings};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
