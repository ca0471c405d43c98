//! Parallel tempering: replicas at many temperatures that exchange them.
//!
//! [`ParallelTempering`] is the Markov kernel on the product of all levels; [`Tempering`] runs it
//! in parallel, tunes the ladder, and reports.

mod barrier;
pub(crate) mod exchange;
mod ladder;
mod product;
mod run;
mod statistics;

pub use barrier::Barrier;
pub use exchange::SwapScheme;
pub use ladder::TemperatureLadder;
pub use product::{LevelProduct, ParallelTempering, ParallelTemperingInfo, ParallelTemperingState};
pub use run::{
    IndexProcess, SwapReport, Tempering, TemperingReport, TemperingRun, TemperingSettings,
    TuningRound,
};
