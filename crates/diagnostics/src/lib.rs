//! Convergence diagnostics of Markov chains, for anyone's draws, and tests of samplers.
//!
//! | question | item |
//! |---|---|
//! | Do the chains agree? | [`rhat`] (rank-normalised, split), [`rhat_split`], [`rhat_unsplit`] |
//! | How many independent draws are these worth? | [`ess_bulk`], [`ess_tail`], [`ess_mean`], [`ess_sd`], [`ess_quantile`], [`integrated_autocorrelation_time`] |
//! | How wrong may an estimate be? | [`mcse_mean`], [`mcse_sd`], [`mcse_quantile`] |
//! | All of it, for every parameter | [`summary`], with [`Thresholds`] |
//! | What did each chain do? | [`trace_summary`], [`autocorrelation`], [`RunSummary`], [`ebfmi`] |
//! | How far can draws be thinned? | [`thinning`], [`thin`] |
//! | The same for a run too long to keep | [`OnlineDiagnostics`] |
//! | Is the *sampler* right? | [`JointTest`] (Geweke), [`Calibration`] (simulation-based), on a [`GenerativeModel`] |
//! | What does it look like? | `plots` (feature `plots`): SVG charts and one HTML page |
//!
//! Chains are anything like `&[Vec<f64>]`, or [`Draws`](ergodic_core::Draws). Definitions are
//! those of ArviZ 0.23.4 (Vehtari, Gelman, Simpson, Carpenter and Bürkner, *Bayesian Anal.* 16,
//! 2021) and agree with it to ten digits; where it returns NaN, or the number of draws for chains
//! that never moved, a [`DiagnosticsError`] says what is wrong.
//!
//! Features: `plots`; `serde` (tables and accumulators can be stored).

mod calibration;
mod energy;
mod error;
mod ess;
mod generative;
mod geyer;
mod joint;
mod lags;
mod mcse;
mod online;
mod order;
#[cfg(feature = "plots")]
pub mod plots;
mod rhat;
mod scores;
mod series;
mod summary;
mod trace;
mod workspace;

pub use calibration::{CalibratedQuantity, Calibration, CalibrationReport, CalibrationSettings};
pub use energy::{RunSummary, ebfmi};
pub use error::DiagnosticsError;
pub use ess::{
    ess_bulk, ess_mean, ess_quantile, ess_sd, ess_tail, integrated_autocorrelation_time,
};
pub use generative::{GenerativeModel, kernel_transition};
pub use joint::{JointComparison, JointReport, JointTest, JointTestSettings};
pub use mcse::{mcse_mean, mcse_quantile, mcse_sd};
pub use online::{OnlineDiagnostics, OnlineRow};
pub use rhat::{rhat, rhat_bulk, rhat_folded, rhat_split, rhat_unsplit};
pub use summary::{Failure, Mixing, Reason, Row, Summary, Thresholds, summary};
pub use trace::{ChainSummary, Thinning, autocorrelation, thin, thinning, trace_summary};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
