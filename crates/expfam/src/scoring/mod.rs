//! Losses as divergences: proper scoring rules from their convex generators.
//!
//! | question | item |
//! |---|---|
//! | what does a forecast cost when an outcome is seen, and on average | [`ScoringRule`] |
//! | the logarithmic, Brier, spherical, pseudospherical and power losses | constructors of [`ScoringRule`] |
//! | their generators | [`PseudoNorm`], [`PowerEntropy`]; `NegativeEntropy`, `SquaredNorm` of `ergodic_info` |
//! | two outcomes, by the weight of each cost ratio | [`WeightedBinaryRule`] |
//! | is a loss proper | [`worst_forecast`] |

mod binary;
mod generators;
mod rule;

pub use binary::WeightedBinaryRule;
pub use generators::{PowerEntropy, PseudoNorm};
pub use rule::{Impropriety, ScoringRule, lattice_of_laws, worst_forecast};
