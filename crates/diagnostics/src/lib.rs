//! Convergence diagnostics of Markov chains, for anyone's draws.
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
