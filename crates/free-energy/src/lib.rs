//! Log partition functions and free-energy differences with certificates.
//!
//! A [`Path`](ergodic_core::Path) joins a law whose `log Z` is known to the law of interest. Two
//! estimators walk it with any [`MarkovKernel`](ergodic_core::MarkovKernel), in parallel blocks
//! of chains whose results do not depend on the number of threads:
//!
//! | item | what comes out | what it rests on |
//! |---|---|---|
//! | [`Ais`] | `log Z`: estimate, and a lower bound | the bound on nothing but the exactness of base draws and kernel; the estimate on the central limit theorem |
//! | [`Raise`] | the mean log-probability of data under the *annealed model*, with a lower bound | the bound on nothing but reversibility of the kernel; it says nothing about the law at the end of the path |
//! | [`LogZ::exact`] | `log Z` by enumeration | arithmetic |
//!
//! Every result says which is which: a [`Bound`] carries its confidence and what it
//! [`RestsOn`].
//!
//! What makes a bound from below unconditional: the weight `w` of one run of annealed importance
//! sampling has mean `Z/Z_base` exactly, however badly the kernel mixes. A lower bound on the
//! mean of a non-negative quantity needs no more than that; an upper bound would need to know
//! that no rare huge weight was missed, which no finite sample can tell.
//!
//! # Choosing a ladder does not spoil a certificate
//! The rungs have to be fixed before the runs that are certified. A [`Ladder`] is therefore made
//! from numbers ([`Ladder::linear`], [`Ladder::sigmoid`], …) or by a [`Pilot`] that runs chains of
//! its own on random streams that no estimator uses; no estimator hands out what happened rung
//! by rung, so there is nothing to adapt a ladder on.
//!
//! # Levels
//! [`Ais`], [`Raise`] and [`Pilot`] are the pleasant level. [`anneal_block`] and [`raise_block`]
//! move one block with any [`Randomness`](ergodic_core::Randomness), an enumerator included;
//! [`betting_lower_bound`], [`effective_sample_size`], [`log_mean_exp_std_err`] and
//! [`log_mean_exp_jackknife`] serve anyone's log-weights.

mod ais;
mod betting;
mod blocks;
mod check;
mod error;
mod ladder;
mod log_z;
mod pilot;
mod raise;
mod weights;

pub use ais::{Ais, AisBuilder, AisResult, AisSettings, anneal_block};
pub use betting::betting_lower_bound;
pub use blocks::Progress;
pub use error::FreeEnergyError;
pub use ladder::{Ladder, LadderOrigin};
pub use log_z::{Bound, FEW_EFFECTIVE_RUNS, LogLikelihood, LogZ, Method, RestsOn};
pub use pilot::{Pilot, PilotBuilder, PilotSettings};
pub use raise::{Raise, RaiseBuilder, RaiseDoubling, RaiseResult, RaiseSettings, raise_block};
pub use weights::{Jackknife, effective_sample_size, log_mean_exp_jackknife, log_mean_exp_std_err};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
