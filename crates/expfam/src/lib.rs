//! Exponential families: one law for counting, learning and thermodynamics.
//!
//! A family is `p(x) = h(x) exp(θ·T(x) − A(θ))` with natural parameters `θ`, sufficient statistics
//! `T`, base measure `h` and log-partition `A`. Everything else follows from `A`: mean parameters
//! `μ = ∇A`, Fisher information `∇²A`, entropy by the conjugate `A*`, divergences as Bregman
//! divergences, and the laws of thermodynamics as its Legendre transforms.
//!
//! | what | where |
//! |---|---|
//! | the trait | [`ergodic_core::ExponentialFamily`] |
//! | the families | [`families`] |
//! | a member with both of its parametrisations, and what can be asked of it | [`Member`] |
//! | natural gradient, geodesics, products | [`Member`] |
//! | maximum likelihood | [`Fit`] |
//! | conjugate priors | [`Conjugate`] |
//! | ensembles, potentials, ledgers, cycles, thermodynamic length | [`thermodynamics`] |
//! | maximum entropy | [`MaximumEntropy`]; of many sparse features: [`SparseMaximumEntropy`]; of marginals: [`ProportionalFitting`]; conditional: [`ConditionalMaximumEntropy`]; of densities: [`ContinuousMaximumEntropy`] |
//! | projections: onto moments, onto a family; Pythagoras | [`MomentSet`], [`moment_projection`] |
//! | onto several sets, between two sets; mixtures | [`project_onto_intersection`], [`alternate`], [`Mixture`] |
//! | convex functions and their conjugates, Bregman geometry | [`legendre`] |
//! | proper losses from their generators | [`scoring`] |
//! | robust Bayes: maximum entropy under any proper loss | [`RobustBayes`] |

mod alternating;
mod conjugate;
mod domain;
pub mod families;
mod fit;
mod game;
pub mod legendre;
mod maximum_entropy;
mod member;
mod mixture;
mod newton;
mod projection;
mod sampling;
pub mod scoring;
mod symmetric;
pub mod thermodynamics;

pub use alternating::{Alternation, IntersectionProjection, alternate, project_onto_intersection};
pub use conjugate::Conjugate;
pub use fit::Fit;
pub use game::{RobustBayes, Saddle};
pub use maximum_entropy::{
    BaseMeasure, ConditionalLaw, ConditionalMaximumEntropy, ConditionalMaximumEntropyError,
    Constraint, ContinuousLaw, ContinuousMaximumEntropy, ContinuousMaximumEntropyError,
    FeatureRows, FittedTable, Lebesgue, MaximumEntropy, MaximumEntropyError, MaximumEntropyLaw,
    ProportionalFitting, ProportionalFittingError, Relaxation, SparseFeatures,
    SparseMaximumEntropy, StateFeatures, Support,
};
pub use member::Member;
pub use mixture::{Mixture, MixtureWeights, mixture_weights};
pub use projection::{
    MomentProjection, MomentSet, Pythagoras, moment_projection, moment_pythagoras,
};

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
