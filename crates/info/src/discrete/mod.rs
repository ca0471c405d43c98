//! Shannon entropy, mutual and conditional mutual information from counts and symbols.
//!
//! | estimator | corrects | bias bound | when |
//! |---|---|---|---|
//! | [`PlugIn`] | nothing | yes | `n` far above the alphabet; [`PlugIn::rigorous`] holds at every `n` |
//! | [`MillerMadow`] | the first order | yes | as the plug-in, with ten times fewer observations |
//! | [`Grassberger`] | all orders of counts that are not small | yes | a good default on a known alphabet |
//! | [`Jackknife`] | the first order | yes | no reason but custom |
//! | [`Minimax`] | unseen symbols, at the best rate | yes | `n` below the alphabet's size, which is known |
//! | [`ChaoWangJost`] | unseen symbols, from singletons | no | unknown alphabets, long tails |
//! | [`ChaoShen`] | unseen symbols, from coverage | no | moderate undersampling |
//! | [`Shrinkage`] | towards uniform | no | few observations of laws near uniform |
//! | [`Nsb`] | by a prior uniform in the entropy | no | few observations, no long tail |
//!
//! All are rules ([`EntropyRule`]) on the [`Multiplicities`] of a histogram: an
//! [`Estimator`](crate::Estimator) of [`Counts`](crate::Counts) and [`Symbols`](crate::Symbols).
//! [`DiscreteMutualInformation`] combines any of them. [`PowerSum`] and [`RenyiEntropy`] are the quantities of
//! integer order, whose power sums need no correction.
//!
//! The alphabet is part of the data: [`Counts::new`](crate::Counts::new) and
//! [`Symbols::new`](crate::Symbols::new) state it, zeros included,
//! [`Counts::observed_only`](crate::Counts::observed_only) and [`Symbols::of`](crate::Symbols::of) do
//! not. Where it is known, a rule that is a sum over symbols has a bound of its bias over **all** laws,
//! and its interval holds this bound beside the standard error. Where it is not, no such bound exists,
//! for any rule: a law may hide any entropy in symbols rarer than `1/n`. The estimate then says what
//! [`ChaoWangJost`] makes of the bias ([`Bias::Dominates`](ergodic_core::Bias) where it exceeds the
//! interval).
//!
//! The domain of the intervals: every symbol that matters has an expected count of some 10, or there are so many
//! symbols that none matters alone. There nominal 95 % cover at least 90 % (exactly, by the binomial law, for two
//! symbols at every probability). A rare symbol of a small alphabet that was never seen is outside:
//! [`PlugIn::rigorous`] is for that. The intervals of [`ChaoShen`], [`Shrinkage`] and [`Nsb`] hold no bias and ask
//! for more, as each says.
//!
//! ```
//! use ergodic_core::Bias;
//! use ergodic_info::discrete::{Grassberger, PlugIn};
//! use ergodic_info::{Counts, Estimator, Inference};
//!
//! let counts = Counts::new([11, 9, 12, 8, 10, 7, 13, 10, 0, 0])?; // ten symbols, eight seen
//! let h = Grassberger::new().estimate(&counts, &Inference::new())?;
//! assert!(h.interval.contains(8f64.ln()));
//! assert!(matches!(h.bias, Bias::Bounded(b) if b < 0.05));
//! let plug_in = PlugIn::new().estimate(&counts, &Inference::new())?;
//! assert!(matches!(plug_in.bias, Bias::Bounded(b) if b > 0.05));
//! # Ok::<(), ergodic_info::InfoError>(())
//! ```

mod bias_bound;
mod chao_shen;
mod chao_wang_jost;
mod grassberger;
mod jackknife;
mod miller_madow;
mod minimax;
mod multiplicities;
mod mutual;
mod nsb;
mod plug_in;
mod power_sum;
mod rule;
mod shrinkage;

pub use chao_shen::ChaoShen;
pub use chao_wang_jost::ChaoWangJost;
pub use grassberger::Grassberger;
pub use jackknife::Jackknife;
pub use miller_madow::MillerMadow;
pub use minimax::Minimax;
pub use multiplicities::Multiplicities;
pub use mutual::{DiscreteMutualInformation, GTest, g_test};
pub use nsb::Nsb;
pub use plug_in::PlugIn;
pub use power_sum::{PowerSum, RenyiEntropy};
pub use rule::{AdditiveRule, BiasBounds, EntropyRule, Terms};
pub use shrinkage::Shrinkage;
