//! Statistical mechanics for learning: the facade over the Ergodic crates.
//!
//! *Write an energy once; sample it, weigh it, learn it, anneal it, and have the code that does so
//! checked exactly.* Each module is one crate of the workspace and one cargo feature; [`math`] and
//! [`core`] are always there.
//!
//! | module | crate | what lives there |
//! |---|---|---|
//! | [`math`] | `ergodic-math` | log-space sums, special functions, dense products, random streams |
//! | [`core`] | `ergodic-core` | the traits: energies, kernels, randomness, paths, estimates |
//! | `info` | `ergodic-info` | entropies, divergences, mutual information, exact and estimated |
//! | `expfam` | `ergodic-expfam` | exponential families with both of their parametrisations |
//! | `concentration` | `ergodic-concentration` | method of types, large deviations, rare events, tail bounds, confidence sequences |
//! | `diagnostics` | `ergodic-diagnostics` | R̂, effective sample sizes, standard errors; charts with the feature `plots` |
//! | `samplers` | `ergodic-samplers` | Markov kernels, one file each, and their composition |
//! | `free_energy` | `ergodic-free-energy` | log partition functions with certificates |
//! | `optim` | `ergodic-optim` | gradient optimisers and schedules |
//! | `models` | `ergodic-models` | Boltzmann machines, their training, baselines |
//!
//! The feature `data` adds the embedded handwritten digits, `models::data`.
//!
//! ```
//! use ergodic::core::Randomness;
//!
//! // One stream per (seed, chain): the same bits for any number of threads.
//! let mut rng = ergodic::math::rng::stream(7, 0);
//! let heads = (0..1000).filter(|_| rng.bernoulli(0.5)).count();
//! assert!((400..600).contains(&heads));
//! ```

#[cfg(feature = "concentration")]
pub use ergodic_concentration as concentration;
pub use ergodic_core as core;
#[cfg(feature = "diagnostics")]
pub use ergodic_diagnostics as diagnostics;
#[cfg(feature = "expfam")]
pub use ergodic_expfam as expfam;
#[cfg(feature = "free-energy")]
pub use ergodic_free_energy as free_energy;
#[cfg(feature = "info")]
pub use ergodic_info as info;
pub use ergodic_math as math;
#[cfg(feature = "models")]
pub use ergodic_models as models;
#[cfg(feature = "optim")]
pub use ergodic_optim as optim;
#[cfg(feature = "samplers")]
pub use ergodic_samplers as samplers;

/// The examples of the project's README; they use crates behind default features.
#[cfg(all(
    doctest,
    feature = "diagnostics",
    feature = "info",
    feature = "expfam",
    feature = "concentration",
    feature = "samplers",
    feature = "free-energy",
    feature = "optim",
    feature = "models"
))]
#[doc = include_str!("../../../README.md")]
struct ProjectReadme;

/// The examples of this crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct CrateReadme;
