//! Markov kernels that see the gradient through mini-batches of the data.

mod batch;
mod control;
mod nose_hoover;
mod preconditioned;
mod schedule;
mod sghmc;
mod sgld;
mod state;

pub use batch::MiniBatch;
pub use control::{ControlVariate, FixedMode, NoControl, Saga, SagaMemory, Svrg, SvrgMemory};
pub use nose_hoover::Sgnht;
pub use preconditioned::PreconditionedSgld;
pub use schedule::StepSchedule;
pub use sghmc::Sghmc;
pub use sgld::Sgld;
pub use state::{StochasticInfo, StochasticState};
