//! Information quantities, exact and estimated, with one vocabulary.
//!
//! Three kinds of types, which do not know each other:
//!
//! * a **measure** says what is asked: an entropy, a divergence, a mutual information. It is exact
//!   on a law ([`Probabilities`]) or a joint table of named variables;
//! * an **outcome space** says how data become outcomes: distinct symbols, bins, ordinal patterns,
//!   or the points themselves ([`Symbols`], [`Points`]);
//! * an **[`Estimator`]** says how a measure is answered from data. Its `value` is the number, its
//!   `estimate` an [`Estimate`](ergodic_core::Estimate) with standard error, interval and what is
//!   known of its bias.
//!
//! Amounts are [`Information`], read in nats or bits; what has no logarithm is a pure `f64`.
//!
//! | question | where |
//! |---|---|
//! | how much, of a law or a table | [`measure`], on [`Probabilities`] and [`Table`] |
//! | how much through a channel, at which distortion | [`channel`] |
//! | who says what about a target | [`decomposition`] |
//! | what to keep of one variable to know another | [`bottleneck`] |
//! | of normal laws and processes, of exponential families | [`gaussian`], [`FamilyMember`] |
//! | from counts and symbols | [`discrete`], [`outcome`] |
//! | from points | [`continuous`], on the searches of [`neighbors`] |
//! | from series | [`series`] |
//! | intervals from subsamples, permutation tests, the search for bias | [`inference`] |
//! | of the predictions of a model | [`learning`] |

pub mod bottleneck;
pub mod channel;
pub mod continuous;
pub mod decomposition;
pub mod discrete;
mod error;
mod estimator;
mod family;
pub mod gaussian;
pub mod inference;
mod information;
mod interior;
pub mod learning;
pub mod measure;
pub mod neighbors;
pub mod outcome;
mod probabilities;
mod sample;
pub mod series;
mod table;

pub use error::InfoError;
pub use estimator::{Estimator, Inference, IntervalSource};
pub use family::FamilyMember;
pub use information::{Information, Quantity};
pub use measure::bregman::{
    Bregman, Convex, LogSumExp, NegativeEntropy, NegativeLogarithm, SquaredNorm,
};
pub use measure::divergence::{
    Bhattacharyya, Chernoff, ChernoffInformation, ChiSquared, Divergence, FDivergence, Hellinger,
    JensenShannon, KullbackLeibler, RenyiDivergence, SquaredHellinger, TotalVariation,
    TsallisDivergence, generators,
};
pub use measure::entropy::{
    CrossEntropy, Entropy, MaxEntropy, MinEntropy, Renyi, Shannon, Tsallis,
};
pub use measure::multivariate::{
    CoInformation, CoInformations, DualTotalCorrelation, MarginalEntropies, OInformation,
    SInformation, TotalCorrelation,
};
pub use measure::mutual::{
    ConditionalMutualInformation, MutualInformation, VariationOfInformation,
};
pub use measure::process::{MarkovChain, TransferEntropy};
pub use probabilities::Probabilities;
pub use sample::{Counts, Pair, Points, Sample, Symbols, Triple};
pub use table::{MAX_CELLS, MAX_VARIABLES, Table, Variables};
