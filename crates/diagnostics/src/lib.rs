//! Convergence diagnostics of Markov chains, for anyone's draws.
mod energy;
mod error;
mod ess;
mod geyer;
mod lags;
mod mcse;
mod order;
mod rhat;
mod scores;
mod series;
mod summary;
mod workspace;

pub use energy::{RunSummary, ebfmi};
pub use error::DiagnosticsError;
pub use ess::{
    ess_bulk, ess_mean, ess_quantile, ess_sd, ess_tail, integrated_autocorrelation_time,
};
pub use mcse::{mcse_mean, mcse_quantile, mcse_sd};
pub use rhat::{rhat, rhat_bulk, rhat_folded, rhat_split, rhat_unsplit};
pub use summary::{Failure, Mixing, Reason, Row, Summary, Thresholds, summary};
