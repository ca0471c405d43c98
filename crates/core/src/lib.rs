//! The shared language of Ergodic: traits and small types, no algorithms.
//!
//! Write an [`Energy`] once. Everything else in the workspace is phrased over it: a
//! [`MarkovKernel`] leaves `π(x) ∝ exp(−E(x))` invariant, a [`Path`] joins two energies so
//! that their partition functions can be compared, a [`Population`] holds many chains of one
//! energy, an [`Optimizer`] moves the parameters of one.
//!
//! The idea that carries the project is that **randomness is an argument**: a kernel never
//! touches a generator, every decision goes through [`Randomness`]. The same compiled kernel
//! then runs on a generator in production and on an enumerator in `ergodic-conformance`, which
//! reads the exact transition matrix off the kernel's own code.
//!
//! | item | what it promises | implemented by |
//! |---|---|---|
//! | [`Energy`], [`LocalEnergy`], [`Conditional`], [`EnergyGradient`] | a target law and its cheap access paths | `ergodic-models`, users |
//! | [`Population`] | one energy per chain of a block | `ergodic-models`, [`Independent`] |
//! | [`MarkovKernel`], [`DynKernel`] | a step that obeys its [`Claims`] | `ergodic-samplers`, `ergodic-models` |
//! | [`Randomness`] | the decisions of a kernel | every `rand` generator, `ergodic-conformance` |
//! | [`Path`] | targets at `t ∈ [0, 1]` and the work between them | `ergodic-models`, [`GeometricPath`] |
//! | [`ExponentialFamily`] | natural and mean parameters, log-partition | `ergodic-expfam` |
//! | [`Optimizer`] | an in-place parameter update | `ergodic-optim` |
//! | [`Estimate`] | a value that carries its interval | every estimator |

mod draws;
mod energy;
mod error;
mod estimate;
mod family;
mod kernel;
mod optimizer;
mod path;
mod population;
mod randomness;
mod step;
mod stochastic;

pub use draws::Draws;
pub use energy::{Conditional, Energy, EnergyGradient, LocalEnergy, Observables, Tempered};
pub use error::{ArgumentError, TargetError};
pub use estimate::{Bias, Estimate, Interval, Units};
pub use family::ExponentialFamily;
pub use kernel::{Claims, DynKernel, MarkovKernel, Stationarity, WarmupStep};
pub use optimizer::{Optimizer, OptimizerState};
pub use path::{GeometricPath, Path, PathBase};
pub use population::{EachChain, Independent, Population};
pub use randomness::Randomness;
pub use step::{StepInfo, StepStats};
pub use stochastic::StochasticGradient;
