//! Concentration of samples, from counting to guarantees.
//!
//! The probability of an observed histogram is governed by relative entropy (Boltzmann, Sanov);
//! conditioning on a rare event leaves the information projection (Gibbs); the rate of decay is the
//! Legendre transform of a free energy (Cramér). Inequalities and confidence sequences are what
//! holds of this at every sample size.
//!
//! | what | where |
//! |---|---|
//! | inequalities for tails, each with its assumption as a type | [`inequality`] |
//! | intervals that hold at all times | [`confidence_sequence`] |
//! | generalisation as a free energy | [`pac_bayes`] |

mod argument;
pub mod confidence_sequence;
pub mod inequality;
pub mod pac_bayes;

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
