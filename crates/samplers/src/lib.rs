//! Markov kernels, one file each, and their composition.
//!
//! Every kernel implements [`MarkovKernel`](ergodic_core::MarkovKernel), takes its randomness as
//! an argument, says what it claims, and is held to that claim by `ergodic-conformance` from its
//! own code.
//!
//! | kernel | moves | reversible | ergodic on full support |
//! |---|---|---|---|
//! | [`Metropolis`] with [`Threshold`] | one proposed move | yes | no: a flat energy alternates |
//! | [`Metropolis`] with [`Barker`] | one proposed move | yes | if the proposal connects |
//! | [`MetropolisSweep`] | every site once | palindrome only | no: ties trap it |
//! | [`Gibbs`] random scan, palindrome | one site, every site twice | yes | yes |
//! | [`Gibbs`] sweep | every site once | no | yes |
//! | [`UnadjustedLangevin`], [`LeimkuhlerMatthews`] | overdamped Langevin | biased, order 1 and 2 | yes |
//! | [`Langevin`] | a splitting of underdamped Langevin | biased, order of its word | yes |
//! | [`Langevin::adjusted`] | the same with a Metropolis test | no, but exact | yes |
//! | [`Andersen`] | Verlet and collisions | biased, order 2 | yes |
//! | [`VelocityRescaling`] | Verlet and one factor for all momenta | biased, order 2 | no |
//! | [`NoseHoover`] | Verlet and deterministic thermostats | biased, order 2 | no |
//! | [`Sgld`], [`PreconditionedSgld`] | overdamped Langevin on mini-batches | biased, order 1 | yes |
//! | [`Sghmc`], [`Sgnht`] | underdamped Langevin on mini-batches | biased, order 1 | yes |
//! | [`Cycle`], [`Mixture`], [`Repeat`] | what their parts do | see there | see there |

mod compose;
mod gibbs;
pub mod hamiltonian;
mod langevin;
mod metropolis;
mod phase;
mod run;
mod scan;
mod start;
mod step_halving;
mod stochastic;
mod thermostat;

pub use compose::{Cycle, Either, Mixture, MixtureState, Repeat};
pub use gibbs::Gibbs;
pub use langevin::{
    Langevin, LangevinInfo, LeimkuhlerMatthews, LeimkuhlerMatthewsState, Letter, OverdampedInfo,
    OverdampedState, Splitting, UnadjustedLangevin,
};
pub use metropolis::{
    Acceptance, Barker, Metropolis, MetropolisInfo, MetropolisSweep, Proposal, SweepInfo,
    Threshold, UniformSite,
};
pub use phase::{Conserved, InPhaseSpace, Momenta, PhaseKernel, PhaseSpace, PhaseState};
pub use run::{
    Both, ChainEnd, ChainSink, Coordinates, DrawSink, FileError, GivenStarts, Observe, Observer,
    Positions, Problem, Progress, Record, Run, RunShape, SampleError, Sampler, SinkError, Starts,
    StartsWith, Stats, Streamed, Totals, UniformStarts, Verdict,
};
pub use scan::Scan;
pub use step_halving::{MeasuredBias, StepHalving, StepHalvingError};
pub use stochastic::{
    ControlVariate, FixedMode, MiniBatch, NoControl, PreconditionedSgld, Saga, SagaMemory, Sghmc,
    Sgld, Sgnht, StepSchedule, StochasticInfo, StochasticState, Svrg, SvrgMemory,
};
pub use thermostat::{Andersen, NoseHoover, SuzukiYoshida, ThermostatInfo, VelocityRescaling};
