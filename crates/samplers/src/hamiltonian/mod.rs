//! What the kernels of Hamiltonian dynamics share: metric, leapfrog, step size, warm-up.
//!
//! # Whitened momentum
//!
//! A metric is an estimate `Σ ≈ Cov(x)` of the covariance, kept as a factor `A` with `A Aᵀ = Σ`
//! (the mass matrix is `Σ⁻¹`). All kernels carry the momentum in the coordinates `p = Aᵀ·(momentum)`,
//! in which its law is the standard normal whatever the metric:
//!
//! ```text
//! H(x, p) = E(x) + ½ |p|²,    ẋ = A p,    ṗ = −Aᵀ ∇E(x)
//! ```
//!
//! This is Hamilton's system of `H(x, q) = E(x) + ½ qᵀΣq` under the linear change `p = Aᵀq`, of
//! constant Jacobian, so that leapfrog, its reversibility and its volume carry over (Neal, *MCMC
//! using Hamiltonian dynamics*, 2011, section 4.1). What it saves: drawing a momentum needs no
//! metric, and the velocity of a U-turn criterion *is* the momentum.

mod estimate;
mod lanes;
mod leapfrog;
mod metric;
mod step_size;
mod verdict;
mod warmup;

pub use leapfrog::PhasePoint;
pub use metric::Metric;
pub use step_size::{DualAveraging, find_step_size};
pub use verdict::{EnergyReport, Warning};
pub use warmup::{HamiltonianTuner, MetricChoice, Observation, WarmupSettings};

pub(crate) use lanes::{Aligned, Ends, Half, add_scaled, dot, dot_body, padded, turns_body};
pub(crate) use leapfrog::{check_energy, check_start, complete, drift};
pub(crate) use metric::is_full;
pub(crate) use step_size::check_step_size;
