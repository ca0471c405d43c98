//! Checks of Markov kernels from their own code: exact where that is possible, at one stated error
//! probability where it is not.
//!
//! A kernel takes every decision through [`Randomness`](ergodic_core::Randomness), so the kernel
//! that runs in production can be run by something that is not a generator:
//!
//! * [`Enumerate`] follows *every* outcome of every discrete decision with its probability.
//!   [`enumerate`] reads the exact [`TransitionMatrix`] of a finite kernel off its own code, and
//!   [`TransitionMatrix::check`] holds it against its claims: row sums, `πP = π`,
//!   `π(x)P(x,y) = π(y)P(y,x)`, irreducibility, aperiodicity, and that it moves at all. No
//!   sampling, no p-value, residuals of rounding size.
//! * [`Quadrature`] replaces continuous draws by nodes and weights and integrates over the state
//!   too: `⟨f, P g⟩_π` for 1-D and 2-D targets, so that invariance and reversibility are
//!   deterministic numbers, reported at two resolutions.
//! * [`Quadrature::asymptotic`] measures how the one-step defect of an unadjusted integrator
//!   falls when its step is refined.
//! * [`QuasiMonteCarlo`] answers all draws of a step from one point of a scrambled Sobol' sequence:
//!   the same integrals for kernels with many draws, with a standard error and a verdict at the
//!   share of the one error [`Budget`] that all statistical tests divide.
//! * [`Orbit`] checks HMC and NUTS along one orbit of their integrator, by enumeration of their
//!   choices, and [`check_integrator`] the integrator itself.
//! * [`ExactStart`] is for what is left: many chains from exact draws, judged by bounds that hold
//!   for every sample size.
//! * [`CountingAllocator`] shows that a step allocates nothing, nor a reset, which is part of a step
//!   of tempering.
//! * [`targets`] are continuous laws to try a kernel on, with exact draws.
//! * [`strategies`] are proptest strategies for small targets, tables, weights and matrices.
//! * [`kernel!`] turns one line into the tests that every kernel owes.
//!
//! ```
//! use ergodic_conformance::{enumerate, strategies::PairwiseSpins};
//! use ergodic_core::{Claims, Conditional, Energy, MarkovKernel, Randomness, TargetError};
//!
//! /// Random-scan Gibbs sampling, as a user would write it.
//! #[derive(Clone)]
//! struct Gibbs;
//! impl MarkovKernel<PairwiseSpins> for Gibbs {
//!     type State = Vec<i8>;
//!     type Info = ();
//!     fn claims(&self) -> Claims {
//!         Claims::REVERSIBLE
//!     }
//!     fn init(&self, _: &PairwiseSpins, x: &[i8]) -> Result<Vec<i8>, TargetError> {
//!         Ok(x.to_vec())
//!     }
//!     fn position<'s>(&self, _: &PairwiseSpins, state: &'s Vec<i8>) -> &'s [i8]
//!     where
//!         PairwiseSpins: 's,
//!     {
//!         state
//!     }
//!     fn reset(&self, _: &PairwiseSpins, state: &mut Vec<i8>, x: Option<&[i8]>) -> Result<(), TargetError> {
//!         if let Some(x) = x {
//!             state.copy_from_slice(x);
//!         }
//!         Ok(())
//!     }
//!     fn step<R: Randomness + ?Sized>(&mut self, t: &PairwiseSpins, x: &mut Vec<i8>, rng: &mut R) -> Result<(), TargetError> {
//!         let site = rng.index(t.num_sites());
//!         t.resample_site(x, site, 1.0, rng);
//!         Ok(())
//!     }
//! }
//!
//! let target = PairwiseSpins::torus(2, 0.4)?;
//! let states = target.states();
//! let matrix = enumerate(&Gibbs, &target, &states)?;
//! let energies: Vec<f64> = states.iter().map(|s| target.energy(s)).collect();
//! let report = matrix.check(&energies, Gibbs.claims(), 1e-14)?;
//! assert!(report.passed(), "{report}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod alloc;
mod budget;
mod enumerate;
mod exact_start;
mod family;
mod matrix;
mod orbit;
mod quadrature;
mod report;
mod rule;
mod shift;
mod sobol;
pub mod strategies;
pub mod suite;
mod tape;
pub mod targets;

pub use alloc::CountingAllocator;
pub use budget::Budget;
pub use enumerate::{
    Enumerate, EnumerateError, Failure, Limits, check, enumerate, enumerate_by, outcomes,
};
pub use exact_start::{ExactStart, Observable, coordinates};
pub use family::FamilyCheck;
pub use matrix::{Structure, TransitionMatrix};
pub use orbit::{Orbit, Phase, check_integrator};
pub use quadrature::{Defects, Quadrature, StateRule, TestFunction};
pub use report::{Finding, Law, Report};
pub use shift::Shifted;
pub use tape::{QuasiMonteCarlo, Tape};
