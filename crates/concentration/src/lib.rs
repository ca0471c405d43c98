//! Concentration of samples, from counting to guarantees.
//!
//! The probability of an observed histogram is governed by relative entropy (Boltzmann, Sanov);
//! conditioning on a rare event leaves the information projection (Gibbs); the rate of decay is the
//! Legendre transform of a free energy (Cramér). Inequalities and confidence sequences are what
//! holds of this at every sample size.
//!
//! | what | where |
//! |---|---|
//! | probabilities of histograms, enumeration of types | [`TypeLaw`], [`Types`] |
//! | exact laws of sums on a lattice, with relative accuracy in the tails | [`LatticeLaw`], [`LatticeSum`] |
//! | rates of Cramér; Bahadur–Rao, Edgeworth and saddlepoint refinements | [`CumulantGenerating`], [`large_deviation`], [`member_rate`] |
//! | rates of Sanov by information projection | [`sanov_rate`] |
//! | Gibbs conditioning, exactly and in the limit | [`condition`], [`condition_on_moments`], [`block_distance`] |
//! | rare events by simulation: tilting, splitting, last particle, subset simulation | [`rare`] |
//! | binomial, Poisson and negative binomial tails at any depth | [`CountingLaw`] |
//! | inequalities for tails, each with its assumption as a type | [`inequality`] |
//! | intervals that hold at all times | [`confidence_sequence`] |
//! | generalisation as a free energy | [`pac_bayes`] |

mod argument;
mod conditioning;
pub mod confidence_sequence;
mod counting;
mod cramer;
mod cumulants;
mod face;
pub mod inequality;
mod lattice;
mod lattice_sum;
pub mod pac_bayes;
pub mod rare;
mod sanov;
mod transform;
mod types;
mod window;

pub use conditioning::{
    ConditionedLaw, MeanEvent, block_distance, condition, condition_on_moments,
};
pub use counting::CountingLaw;
pub use cramer::{LargeDeviation, Tail, large_deviation, member_rate};
pub use cumulants::{CumulantGenerating, Cumulants, Lattice, StatisticOf};
pub use lattice::{LatticeLaw, MOST_POINTS};
pub use lattice_sum::{ExactProbability, LatticeSum};
pub use sanov::{SanovRate, sanov_rate};
pub use types::{
    MOST_TYPES, NearestType, StatisticLaw, TypeBounds, TypeLaw, Types, number_of_types,
};

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
