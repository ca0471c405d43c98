//! Constrained parameters on all of `Rᵈ`: bijections with their log-Jacobians, one file each.
//!
//! A target knows its parameters on their own scale: a standard deviation above 0, probabilities
//! that sum to 1. Gradient kernels move on `Rᵈ`. [`Transformed`] puts a [`Bijection`] `x = x(u)`
//! between them for each block of parameters, so that `u` has the energy
//! `E(x(u)) − log |det ∂x/∂u|`, and records draws as `x` with their names.
//!
//! | block | support | unconstrained coordinates | map |
//! |---|---|---|---|
//! | [`Unconstrained`] | `R` | as many | identity |
//! | [`Positive`] | `x > 0` | as many | `eᵘ` |
//! | [`LowerBound`] | `x > a` | as many | `a + eᵘ` |
//! | [`UpperBound`] | `x < b` | as many | `b − eᵘ` |
//! | [`Interval`] | `a < x < b` | as many | `a + (b − a) σ(u)` |
//! | [`Ordered`] | `x₁ < … < xₙ` | `n` | `x₁ = u₁`, `xₖ = xₖ₋₁ + e^{uₖ}` |
//! | [`Simplex`] | `xₖ > 0`, `Σ xₖ = 1` | `n − 1` | breaks a stick |
//! | [`UnitVector`] | `|x| = 1` | `n` | `u/|u|` |
//! | [`CorrelationCholesky`] | `L Lᵀ` a correlation matrix | `n(n − 1)/2` | partial correlations `tanh u` |

mod bounds;
mod correlation;
mod interval;
mod ordered;
mod positive;
mod simplex;
mod unit_vector;

use std::sync::Arc;

use ergodic_core::{ArgumentError, Draws, Energy, EnergyGradient, Observables};

use crate::scratch::with_buffer;

pub use bounds::{LowerBound, UpperBound};
pub use correlation::CorrelationCholesky;
pub use interval::Interval;
pub use ordered::Ordered;
pub use positive::Positive;
pub use simplex::Simplex;
pub use unit_vector::UnitVector;

/// A smooth map `x(u)` from `Rᵈ` onto the support of a block of parameters.
///
/// Slices have the lengths [`dim`](Self::dim) for `u` and
/// [`num_parameters`](Self::num_parameters) for `x`; nothing is allocated. The log-Jacobian is
/// that from `u` to the free ones among the parameters (all but the last of a simplex, the entries
/// below the diagonal of a Cholesky factor), with respect to which the density of the target is
/// taken.
///
/// ```
/// use ergodic_samplers::transform::{Bijection, Positive};
///
/// let positive = Positive::new(1)?;
/// let (mut x, mut u) = ([0.0], [0.0]);
/// let log_jacobian = positive.constrain(&[2.0], &mut x);
/// assert_eq!((x[0], log_jacobian), (2.0f64.exp(), 2.0));
/// positive.unconstrain(&x, &mut u)?;
/// assert!((u[0] - 2.0).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub trait Bijection: Send + Sync {
    /// The number `d` of unconstrained coordinates.
    fn dim(&self) -> usize;

    /// The number of parameters.
    fn num_parameters(&self) -> usize;

    /// Writes `x(u)` and returns `log |det ∂x/∂u|`.
    fn constrain(&self, u: &[f64], x: &mut [f64]) -> f64;

    /// Writes a `u` with `x(u) = x`.
    ///
    /// # Errors
    /// If `x` is not inside the support.
    fn unconstrain(&self, x: &[f64], u: &mut [f64]) -> Result<(), ArgumentError>;

    /// Writes the gradient of `E(x(u)) − log |det ∂x/∂u|` with respect to `u`, given
    /// `∂E/∂x` in `gradient_x` and `x = x(u)`.
    fn pull_back(&self, u: &[f64], x: &[f64], gradient_x: &[f64], gradient_u: &mut [f64]);

    /// The names of the parameters of a block called `name`: itself for one, `name[0]`, `name[1]`,
    /// … for more.
    fn names(&self, name: &str) -> Vec<String> {
        match self.num_parameters() {
            1 => vec![name.to_owned()],
            n => (0..n).map(|i| format!("{name}[{i}]")).collect(),
        }
    }
}

/// Checks the length of a block.
fn at_least(argument: &'static str, found: usize, least: usize) -> Result<usize, ArgumentError> {
    if found < least {
        return Err(ArgumentError::new(
            argument,
            found,
            format!("at least {least}"),
        ));
    }
    Ok(found)
}

/// An error for a parameter outside the support of its block.
fn outside(index: usize, found: f64, allowed: &str) -> ArgumentError {
    ArgumentError::new("x", format!("{found} at index {index}"), allowed)
}

/// Parameters without a constraint.
///
/// ```
/// use ergodic_samplers::transform::{Bijection, Unconstrained};
///
/// assert_eq!(Unconstrained::new(2)?.names("theta"), ["theta[0]", "theta[1]"]);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unconstrained {
    parameters: usize,
}

impl Unconstrained {
    /// So many parameters.
    ///
    /// # Errors
    /// If there are none.
    pub fn new(parameters: usize) -> Result<Self, ArgumentError> {
        Ok(Self {
            parameters: at_least("parameters", parameters, 1)?,
        })
    }
}

impl Bijection for Unconstrained {
    fn dim(&self) -> usize {
        self.parameters
    }
    fn num_parameters(&self) -> usize {
        self.parameters
    }
    fn constrain(&self, u: &[f64], x: &mut [f64]) -> f64 {
        x.copy_from_slice(u);
        0.0
    }
    fn unconstrain(&self, x: &[f64], u: &mut [f64]) -> Result<(), ArgumentError> {
        for (i, (u, &x)) in u.iter_mut().zip(x).enumerate() {
            if !x.is_finite() {
                return Err(outside(i, x, "finite"));
            }
            *u = x;
        }
        Ok(())
    }
    fn pull_back(&self, _: &[f64], _: &[f64], gradient_x: &[f64], gradient_u: &mut [f64]) {
        gradient_u.copy_from_slice(gradient_x);
    }
}

/// A named block: its bijection, and where it lies in `u` and in `x`.
#[derive(Clone)]
struct Block {
    name: String,
    bijection: Arc<dyn Bijection>,
    u: std::ops::Range<usize>,
    x: std::ops::Range<usize>,
}

/// The blocks of a [`Transformed`] target, in the order of its parameters.
///
/// ```
/// use ergodic_samplers::transform::{Blocks, Positive, Simplex, Unconstrained};
///
/// let blocks = Blocks::new()
///     .block("mu", Unconstrained::new(1)?)
///     .block("tau", Positive::new(1)?)
///     .block("weights", Simplex::new(3)?);
/// assert_eq!((blocks.dim(), blocks.num_parameters()), (4, 5));
/// assert_eq!(blocks.names()[4], "weights[2]");
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Default)]
pub struct Blocks {
    blocks: Vec<Block>,
}

impl Blocks {
    /// No block yet.
    pub const fn new() -> Self {
        Self { blocks: Vec::new() }
    }

    /// One more block behind the others.
    pub fn block(mut self, name: impl Into<String>, bijection: impl Bijection + 'static) -> Self {
        let (u, x) = (self.dim(), self.num_parameters());
        self.blocks.push(Block {
            name: name.into(),
            u: u..u + bijection.dim(),
            x: x..x + bijection.num_parameters(),
            bijection: Arc::new(bijection),
        });
        self
    }

    /// The number of unconstrained coordinates.
    pub fn dim(&self) -> usize {
        self.blocks.last().map_or(0, |b| b.u.end)
    }

    /// The number of parameters.
    pub fn num_parameters(&self) -> usize {
        self.blocks.last().map_or(0, |b| b.x.end)
    }

    /// The names of the parameters.
    pub fn names(&self) -> Vec<String> {
        let blocks = self.blocks.iter();
        blocks.flat_map(|b| b.bijection.names(&b.name)).collect()
    }

    /// Writes the parameters of `u` and returns the log-Jacobian.
    fn constrain(&self, u: &[f64], x: &mut [f64]) -> f64 {
        let blocks = self.blocks.iter();
        blocks
            .map(|b| b.bijection.constrain(&u[b.u.clone()], &mut x[b.x.clone()]))
            .sum()
    }
}

impl std::fmt::Debug for Blocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map()
            .entries(self.blocks.iter().map(|b| (&b.name, &b.x)))
            .finish()
    }
}

/// A target on its natural scale, seen from `Rᵈ`: `E(x(u)) − log |det ∂x/∂u|`.
///
/// If `x` has density `∝ e^{−E(x)}` on its support, then `u` has the density
/// `∝ e^{−E(x(u))} |det ∂x/∂u|` on `Rᵈ` (change of variables; a unit vector gains a radius, see
/// [`UnitVector`]). A kernel moves `u`; a [`Sampler`](crate::Sampler) records `x` under the names
/// of the blocks, since [`Energy::observables`] says so.
///
/// Domain: where `u` is so far out that `x` is rounded onto the edge of its support, a density that
/// has no bound there (a Beta or Gamma density of shape below 1) is `∞`; such a `u` is a state of
/// probability zero, with the energy `+∞`. Inside the support an energy of `−∞` is handed on, and
/// kernels stop at it.
///
/// Cost beside the target's own: one exponential or so per parameter. Nothing is allocated per
/// call.
///
/// ```
/// use ergodic_core::EnergyGradient;
/// use ergodic_samplers::transform::{Blocks, Positive, Transformed, Unconstrained};
/// use ergodic_samplers::{LogDensity, check_gradient};
///
/// // y ∼ N(μ, σ²) for y = 1 and 3, with the prior 1/σ: written with σ itself.
/// let posterior = LogDensity::new(2, |x: &[f64], g: &mut [f64]| {
///     let (mu, sigma) = (x[0], x[1]);
///     let (mut total, precision) = (-3.0 * sigma.ln(), sigma.powi(-2));
///     g.copy_from_slice(&[0.0, -3.0 / sigma]);
///     for y in [1.0, 3.0] {
///         total -= 0.5 * (y - mu) * (y - mu) * precision;
///         g[0] += (y - mu) * precision;
///         g[1] += (y - mu) * (y - mu) * precision / sigma;
///     }
///     total
/// });
/// let blocks = Blocks::new()
///     .block("mu", Unconstrained::new(1)?)
///     .block("sigma", Positive::new(1)?);
/// let target = Transformed::new(posterior, blocks)?;
/// assert_eq!(target.dim(), 2);
/// check_gradient(&target, &[0.4, -0.3])?;
/// let start = target.unconstrain(&[2.0, 1.0])?; // μ = 2, σ = 1
/// assert_eq!(start, [2.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Transformed<T> {
    target: T,
    blocks: Blocks,
}

impl<T: EnergyGradient> Transformed<T> {
    /// `target` on the blocks of its parameters.
    ///
    /// # Errors
    /// If there is no block, the blocks do not have the dimension of the target together, or their
    /// names are empty or not all different.
    pub fn new(target: T, blocks: Blocks) -> Result<Self, ArgumentError> {
        if blocks.num_parameters() != target.dim() {
            return Err(ArgumentError::new(
                "blocks",
                format!("of {} parameters", blocks.num_parameters()),
                format!("of as many as the target has, {}", target.dim()),
            ));
        }
        Self::of_energy(target, blocks)
    }
}

impl<T: Energy<State = [f64]>> Transformed<T> {
    /// A target without a gradient on the blocks of its parameters. How many it has is for the
    /// caller to know.
    ///
    /// # Errors
    /// If there is no block, or their names are empty or not all different.
    pub fn of_energy(target: T, blocks: Blocks) -> Result<Self, ArgumentError> {
        let n = blocks.num_parameters();
        Draws::new(blocks.names(), 1, 1, vec![0.0; n])?; // its rules for names
        Ok(Self { target, blocks })
    }

    /// The target on its natural scale.
    pub const fn target(&self) -> &T {
        &self.target
    }

    /// The blocks.
    pub const fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    /// The energy of a `u` with the parameters `x`.
    ///
    /// Far out in `u` the parameters are rounded onto the edge of the support, where a density may
    /// have no bound. Its `−∞` is then no energy of `u`, which has a finite one.
    fn energy_at(&self, x: &[f64], energy: f64, log_jacobian: f64) -> f64 {
        if energy == f64::NEG_INFINITY && !self.is_inside(x) {
            return f64::INFINITY;
        }
        energy - log_jacobian
    }

    /// Whether every block is inside its support.
    fn is_inside(&self, x: &[f64]) -> bool {
        with_buffer(self.blocks.dim(), |u| {
            self.blocks.blocks.iter().all(|b| {
                let (x, u) = (&x[b.x.clone()], &mut u[b.u.clone()]);
                b.bijection.unconstrain(x, u).is_ok()
            })
        })
    }

    /// The parameters at `u`.
    ///
    /// # Errors
    /// If `u` has the wrong length.
    pub fn constrain(&self, u: &[f64]) -> Result<Vec<f64>, ArgumentError> {
        check_length("u", u, self.blocks.dim())?;
        let mut x = vec![0.0; self.blocks.num_parameters()];
        self.blocks.constrain(u, &mut x);
        Ok(x)
    }

    /// The coordinates of parameters, to start a chain at.
    ///
    /// # Errors
    /// If `x` has the wrong length or lies outside the support.
    pub fn unconstrain(&self, x: &[f64]) -> Result<Vec<f64>, ArgumentError> {
        check_length("x", x, self.blocks.num_parameters())?;
        let mut u = vec![0.0; self.blocks.dim()];
        for b in &self.blocks.blocks {
            b.bijection
                .unconstrain(&x[b.x.clone()], &mut u[b.u.clone()])
                .map_err(|mut e| {
                    e.found = format!("{} of the block {:?}", e.found, b.name);
                    e
                })?;
        }
        Ok(u)
    }
}

fn check_length(argument: &'static str, x: &[f64], length: usize) -> Result<(), ArgumentError> {
    if x.len() == length {
        Ok(())
    } else {
        Err(ArgumentError::new(
            argument,
            format!("of length {}", x.len()),
            format!("of length {length}"),
        ))
    }
}

impl<T: Energy<State = [f64]>> Energy for Transformed<T> {
    type State = [f64];

    /// `E(x(u)) − log |det ∂x/∂u|`; NaN for a `u` of the wrong length.
    fn energy(&self, u: &[f64]) -> f64 {
        if u.len() != self.blocks.dim() {
            return f64::NAN;
        }
        with_buffer(self.blocks.num_parameters(), |x| {
            let log_jacobian = self.blocks.constrain(u, x);
            self.energy_at(x, self.target.energy(x), log_jacobian)
        })
    }

    fn observables(&self) -> Option<&dyn Observables<[f64]>> {
        Some(self)
    }
}

impl<T: EnergyGradient> EnergyGradient for Transformed<T> {
    fn dim(&self) -> usize {
        self.blocks.dim()
    }

    fn energy_gradient(&self, u: &[f64], grad: &mut [f64]) -> f64 {
        if u.len() != self.blocks.dim() || grad.len() != u.len() {
            return f64::NAN;
        }
        let n = self.blocks.num_parameters();
        with_buffer(2 * n, |room| {
            let (x, gradient_x) = room.split_at_mut(n);
            let log_jacobian = self.blocks.constrain(u, x);
            let energy = self.target.energy_gradient(x, gradient_x);
            for b in &self.blocks.blocks {
                b.bijection.pull_back(
                    &u[b.u.clone()],
                    &x[b.x.clone()],
                    &gradient_x[b.x.clone()],
                    &mut grad[b.u.clone()],
                );
            }
            self.energy_at(x, energy, log_jacobian)
        })
    }
}

impl<T: Energy<State = [f64]>> Observables<[f64]> for Transformed<T> {
    fn names(&self) -> Vec<String> {
        self.blocks.names()
    }
    fn observe(&self, u: &[f64], out: &mut [f64]) {
        self.blocks.constrain(u, out);
    }
}
