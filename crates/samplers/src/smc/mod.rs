//! Sequential Monte Carlo along an annealing path.

mod resampling;
mod run;

pub use resampling::Resampling;
pub use run::{Smc, SmcLadder, SmcReport, SmcRun, SmcSettings, SmcStage};
