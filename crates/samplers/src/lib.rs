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
//! | [`Mala`] | all coordinates, one gradient | yes | yes |
//! | [`Hmc`] | all coordinates, a trajectory | yes | with random numbers of steps |
//! | [`Mams`] | all coordinates, an isokinetic trajectory | yes | yes |
//! | [`Mclmc`] | all coordinates, one isokinetic step | no: biased by O(h²) | yes |
//! | [`Nuts`] | all, along a leapfrog trajectory | yes | yes |
//! | [`Cycle`], [`Mixture`], [`Repeat`] | what their parts do | see there | see there |

mod compose;
mod gibbs;
pub mod hamiltonian;
mod hmc;
mod isokinetic;
mod mala;
mod mams;
mod mclmc;
mod metropolis;
mod nuts;
mod scan;
mod start;
mod trajectory;

pub use compose::{Cycle, Either, Mixture, MixtureState, Repeat};
pub use gibbs::Gibbs;
pub use hmc::{Hmc, HmcState, Jitter, TrajectoryLength};
pub use isokinetic::IsokineticIntegrator;
pub use mala::Mala;
pub use mams::{Mams, MamsState};
pub use mclmc::{Mclmc, MclmcInfo, MclmcState};
pub use metropolis::{
    Acceptance, Barker, Metropolis, MetropolisInfo, MetropolisSweep, Proposal, SweepInfo,
    Threshold, UniformSite,
};
pub use nuts::{Nuts, NutsInfo, NutsState};
pub use scan::Scan;
pub use trajectory::TrajectoryInfo;
