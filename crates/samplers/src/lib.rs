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
//! | [`BlockedGibbs`] | all sites of a colour, or of every colour | random colour, palindrome | yes |
//! | [`MetropolisHastings`] | a proposal on any space | yes | as the proposal reaches |
//! | [`Independence`] | a draw from another law | yes | if that has full support |
//! | [`DelayedRejection`] | a second proposal after a rejection | yes | as the first proposal reaches |
//! | [`RandomWalk`] | a Gaussian step, learnt in warm-up | yes | yes |
//! | [`Slice`] | coordinates or a random line | all but the sweep | yes |
//! | [`EllipticalSlice`] | an ellipse of the Gaussian part | yes | yes |
//! | [`HitAndRun`] | a random line, exactly or by Metropolis | yes | yes |
//! | [`Ensemble`] | every walker, from the others | no | yes |
//! | [`CouplingFromThePast`], [`Rejection`] | an independent exact draw | yes | yes |
//! | [`Mala`] | all coordinates, one gradient | yes | yes |
//! | [`Hmc`] | all coordinates, a trajectory | yes | with random numbers of steps |
//! | [`Mams`] | all coordinates, an isokinetic trajectory | yes | yes |
//! | [`Mclmc`] | all coordinates, one isokinetic step | no: biased by O(h²) | yes |
//! | [`Nuts`] | all, along a leapfrog trajectory | yes | yes |
//! | [`Cycle`], [`Mixture`], [`Repeat`] | what their parts do | see there | see there |
//! | [`ParallelTempering`] | one replica per level, and who is at which level | no | not claimed |
//! | [`SimulatedTempering`] | one state and its level | no | not claimed |
//!
//! Across temperatures, along an [`AnnealingPath`]: [`Tempering`] runs parallel tempering on all
//! cores with a tuned ladder, [`Smc`] weighs, resamples and moves particles; both give `log Z`.
//! [`Sampler`] runs chains of a kernel on a target and returns named draws. A target is any
//! [`Energy`](ergodic_core::Energy): a model, a [`LogDensity`], a function ([`energy_fn`]), or one
//! of these with constrained parameters ([`transform`]). [`check_gradient`] holds a gradient
//! against its energy, and [`io`] reads and writes draws.

mod annealing_path;
mod batch_means;
mod blocked_gibbs;
mod compose;
mod coupling;
mod delayed_rejection;
mod elliptical_slice;
mod ensemble;
mod exact_law;
mod gaussian;
mod gibbs;
mod gradient;
pub mod hamiltonian;
mod hit_and_run;
mod hmc;
mod independence;
pub mod io;
mod isokinetic;
mod langevin;
mod line;
mod mala;
mod mams;
mod mclmc;
mod metropolis;
mod metropolis_hastings;
mod nuts;
mod phase;
mod probe;
mod random_walk;
mod rejection;
mod run;
mod scan;
mod scratch;
mod simulated_tempering;
mod slice;
mod smc;
mod start;
mod step_halving;
mod stochastic;
mod target;
mod tempering;
mod thermostat;
mod trajectory;
pub mod transform;
mod triangular;
#[cfg(any(
    feature = "serde",
    feature = "csv",
    feature = "npy",
    feature = "parquet"
))]
mod whole_file;

pub use annealing_path::{
    AddGradient, AnnealingError, AnnealingPath, Between, LinearPath, OneChain, Temperatures,
};
pub use blocked_gibbs::{BlockedGibbs, Colouring};
pub use compose::{Cycle, Either, Mixture, MixtureState, Repeat, Repeated};
pub use coupling::{
    Attractive, CouplingError, CouplingFromThePast, CouplingInfo, CouplingState, Monotone,
    coupling_from_the_past,
};
pub use delayed_rejection::{
    DelayedProposal, DelayedRejection, DelayedRejectionInfo, DelayedRejectionState, GaussianScales,
};
pub use elliptical_slice::{EllipticalSlice, EllipticalSliceInfo, EllipticalSliceState};
pub use ensemble::{DifferentialEvolution, Ensemble, EnsembleMove, EnsembleState, Stretch};
pub use exact_law::ExactLaw;
pub use gaussian::Gaussian;
pub use gibbs::Gibbs;
pub use gradient::{GradientError, GradientReport, check_gradient};
pub use hit_and_run::{
    ByMetropolis, ConvexBody, Exactly, HitAndRun, HitAndRunState, LineConditional, LineMove,
    Polytope, Uniform,
};
pub use hmc::{Hmc, HmcState, Jitter, TrajectoryLength};
pub use independence::{Independence, IndependenceState};
pub use isokinetic::IsokineticIntegrator;
pub use langevin::{
    Langevin, LangevinInfo, LeimkuhlerMatthews, LeimkuhlerMatthewsState, Letter, OverdampedInfo,
    OverdampedState, Splitting, UnadjustedLangevin,
};
pub use line::Expansion;
pub use mala::Mala;
pub use mams::{Mams, MamsState};
pub use mclmc::{Mclmc, MclmcInfo, MclmcState};
pub use metropolis::{
    Acceptance, Barker, Metropolis, MetropolisInfo, MetropolisSweep, Proposal, SweepInfo,
    Threshold, UniformSite,
};
pub use metropolis_hastings::{MetropolisHastings, MetropolisState, ProposalInfo, Propose, Reach};
pub use nuts::{Nuts, NutsInfo, NutsState};
pub use phase::{Conserved, InPhaseSpace, Momenta, PhaseKernel, PhaseSpace, PhaseState};
pub use random_walk::{Learning, RandomWalk};
pub use rejection::{Rejection, RejectionError, RejectionInfo};
pub use run::{
    Both, ChainEnd, ChainSink, Coordinates, DrawSink, FileError, GivenStarts, Observe, Observer,
    Positions, Problem, Progress, ProgressLines, Record, Run, RunShape, SampleError, Sampler,
    SinkError, Starts, StartsWith, Stats, Streamed, Totals, UniformStarts, Verdict,
};
pub use scan::Scan;
pub use simulated_tempering::{
    AtLevel, LevelMixture, LevelMove, SimulatedTempering, SimulatedTemperingInfo,
    SimulatedTemperingReport, SimulatedTemperingRun, SimulatedTemperingState,
};
pub use slice::{Directions, Slice, SliceInfo, SliceState};
pub use smc::{Resampling, Smc, SmcLadder, SmcReport, SmcRun, SmcSettings, SmcStage};
pub use step_halving::{MeasuredBias, StepHalving, StepHalvingError};
pub use stochastic::{
    ControlVariate, FixedMode, MiniBatch, NoControl, PreconditionedSgld, Saga, SagaMemory, Sghmc,
    Sgld, Sgnht, StepSchedule, StochasticInfo, StochasticState, Svrg, SvrgMemory,
};
pub use target::{EnergyFn, EnergyGradientFn, LogDensity, energy_fn, energy_gradient_fn};
pub use tempering::{
    Barrier, IndexProcess, LevelProduct, ParallelTempering, ParallelTemperingInfo,
    ParallelTemperingState, SwapReport, SwapScheme, TemperatureLadder, Tempering, TemperingReport,
    TemperingRun, TemperingSettings, TuningRound,
};
pub use thermostat::{Andersen, NoseHoover, SuzukiYoshida, ThermostatInfo, VelocityRescaling};
pub use trajectory::TrajectoryInfo;
