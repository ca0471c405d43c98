//! The information bottleneck: the shortest description `T` of `X` that keeps what `X` tells of `Y`.
//!
//! Minimise `I(T; X) − β I(T; Y)` over encoders `p(t|x)` (Tishby, Pereira and Bialek, *The
//! information bottleneck method*, Allerton 1999). One cluster is optimal up to `β = 1/η`, where `η`
//! is the contraction coefficient `sup I(T; Y)/I(T; X)`, and stable up to `β = 1/ρ²` with `ρ` the
//! maximal correlation of `X` and `Y`; `ρ² ≤ η` (Anantharam, Gohari, Kamath and Nair,
//! arXiv:1304.6133, 2013). From there on clusters are added one after another.
//!
//! | wanted | use |
//! |---|---|
//! | one `β`, from a given or from random starts | [`Bottleneck::solve`], [`Bottleneck::solve_from_random`] |
//! | hard clusters, and all between hard and soft | [`Bottleneck::deterministic`], [`Bottleneck::generalized`] |
//! | the whole curve with its bifurcations | [`Bottleneck::anneal`] |
//! | jointly normal `X` and `Y` | [`GaussianBottleneck`], in closed form |
//!
//! The problem is not convex in the encoder: what iterations find is a stationary point. Annealing
//! follows the optimum from the trivial one and looks for clusters to add.

mod annealing;
mod deterministic;
mod gaussian;
mod iterative;

pub use annealing::{Annealing, Bifurcation, InformationCurve};
pub use gaussian::{GaussianBottleneck, GaussianPoint};

use ergodic_math::Real;
use nalgebra::DMatrix;

use crate::channel::{Channel, add_scaled, check_tolerance, divergence, divide, share};
use crate::{InfoError, Information, Probabilities, Table, Variables};

/// The source `X`, what is relevant of it (the channel to `Y`), and how exactly the bottleneck's
/// equations are to be solved.
///
/// ```
/// use ergodic_info::Table;
/// use ergodic_info::bottleneck::Bottleneck;
///
/// // Four symbols, of which two by two say the same of y.
/// let table = Table::new(&[("x", 4), ("y", 2)],
///     [0.225, 0.025, 0.225, 0.025, 0.05, 0.2, 0.05, 0.2])?;
/// let problem = Bottleneck::of_table(&table, table.variables(["x"])?, table.variables(["y"])?)?;
/// let solution = problem.solve_from_random(50.0, 2, 5, 1)?;
/// // Two clusters keep everything.
/// assert!((solution.relevance() - problem.information()).nats().abs() < 1e-3);
/// assert!(solution.compression() < problem.entropy());
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Bottleneck {
    source: Probabilities,
    channel: Channel,
    tolerance: f64,
    iterations: usize,
}

impl Bottleneck {
    /// A source and the channel from it to the relevant variable.
    ///
    /// # Errors
    /// If the source has another number of outcomes than the channel has inputs.
    pub fn new(source: Probabilities, channel: Channel) -> Result<Self, InfoError> {
        channel.output(&source)?;
        Ok(Self {
            source,
            channel,
            tolerance: 1e-10,
            iterations: 100_000,
        })
    }

    /// Source and relevant variable of a joint table; each may be several variables.
    ///
    /// # Errors
    /// If they are not of the table or share a variable.
    pub fn of_table(
        table: &Table,
        source: Variables,
        relevant: Variables,
    ) -> Result<Self, InfoError> {
        let (source, channel) = Channel::of_table(table, source, relevant)?;
        Self::new(source, channel)
    }

    /// Asks for another residual than 1e-10: the most that one application of the bottleneck's
    /// equations changes any `p(t|x)`.
    ///
    /// # Errors
    /// If it is not finite and positive.
    pub fn tolerance(mut self, residual: f64) -> Result<Self, InfoError> {
        check_tolerance(residual)?;
        self.tolerance = residual;
        Ok(self)
    }

    /// Allows another number of iterations per solution than 100,000.
    pub const fn iterations(mut self, iterations: usize) -> Self {
        self.iterations = iterations;
        self
    }

    /// `I(X; Y)`, which no description exceeds.
    pub fn information(&self) -> Information {
        Information::from_nats(self.channel.information(self.source.as_slice()))
    }

    /// `H(X)`, the cost of a description that keeps all.
    pub fn entropy(&self) -> Information {
        Information::from_nats(entropy(self.source.as_slice()))
    }

    /// The maximal correlation `ρ` of `X` and `Y` (Hirschfeld 1935, Gebelein 1941, Rényi 1959): the
    /// largest correlation of a function of `x` with a function of `y`, the second singular value
    /// of `p(x,y)/√(p(x) p(y))`.
    pub fn maximal_correlation(&self) -> f64 {
        let (square, _) = instability(self.source.as_slice(), &self.channel);
        square.sqrt()
    }

    /// The `β` at which one cluster is no longer stable, `1/ρ²`; infinite for independent `X` and
    /// `Y`, that is `ρ < 1e-14`. A description with two clusters, one of them rare, may be better somewhat below it
    /// ([`anneal`](Self::anneal) finds where).
    pub fn critical_beta(&self) -> f64 {
        let (square, _) = instability(self.source.as_slice(), &self.channel);
        // Independence leaves the rounding of the marginal, squared.
        if square > 1e-28 {
            1.0 / square
        } else {
            f64::INFINITY
        }
    }

    fn check_start(&self, start: &Channel) -> Result<(), InfoError> {
        if start.inputs() == self.source.len() {
            Ok(())
        } else {
            Err(InfoError::argument(
                "start",
                format!("an encoder of {} symbols", start.inputs()),
                format!(
                    "an encoder of the {} symbols of the source",
                    self.source.len()
                ),
            ))
        }
    }

    /// The law of the clusters and the channel from each to `Y`; the row of an empty cluster is the
    /// law of `Y`.
    fn decoder(&self, encoder: &Channel) -> (Vec<f64>, Vec<f64>) {
        let (clusters, outputs) = (encoder.outputs(), self.channel.outputs());
        let mut weights = vec![0.0; clusters];
        let mut rows = vec![0.0; clusters * outputs];
        let symbols = self.source.as_slice().iter().zip(encoder.rows());
        for ((p, memberships), row) in symbols.zip(self.channel.rows()) {
            for (t, member) in memberships.iter().enumerate().filter(|(_, m)| **m > 0.0) {
                weights[t] += p * member;
                add_scaled(&mut rows[t * outputs..(t + 1) * outputs], row, p * member);
            }
        }
        for (weight, row) in weights.iter().zip(rows.chunks_exact_mut(outputs)) {
            if *weight > f64::MIN_POSITIVE {
                divide(row, *weight);
            }
        }
        (weights, rows)
    }

    /// `I(T; Y)` in nats.
    fn relevance_of(&self, encoder: &Channel) -> f64 {
        let (weights, rows) = self.decoder(encoder);
        let marginal = self.channel.mixture(self.source.as_slice());
        let outputs = self.channel.outputs();
        let terms = weights.iter().zip(rows.chunks_exact(outputs));
        let occupied = terms.filter(|(w, _)| **w > f64::MIN_POSITIVE);
        let sum: f64 = occupied.map(|(w, row)| share(*w, row, &marginal)).sum();
        sum.max(0.0)
    }

    fn solution(
        &self,
        encoder: Channel,
        (alpha, beta): (f64, f64),
        residual: f64,
        iterations: usize,
    ) -> Solution {
        let source = self.source.as_slice();
        let clusters = encoder.mixture(source);
        Solution {
            compression: Information::from_nats(encoder.information(source)),
            relevance: Information::from_nats(self.relevance_of(&encoder)),
            entropy: Information::from_nats(entropy(&clusters)),
            encoder,
            alpha,
            beta,
            residual,
            iterations,
            failed_starts: 0,
        }
    }
}

/// A stationary point of the bottleneck: an encoder and what it costs and keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    encoder: Channel,
    compression: Information,
    relevance: Information,
    entropy: Information,
    alpha: f64,
    beta: f64,
    residual: f64,
    iterations: usize,
    failed_starts: usize,
}

impl Solution {
    /// Of several random starts, those that did not converge; what is best among the others is here.
    pub const fn failed_starts(&self) -> usize {
        self.failed_starts
    }

    /// The encoder `p(t|x)`.
    pub const fn encoder(&self) -> &Channel {
        &self.encoder
    }

    /// `I(T; X)`, the cost.
    pub const fn compression(&self) -> Information {
        self.compression
    }

    /// `I(T; Y)`, what is kept.
    pub const fn relevance(&self) -> Information {
        self.relevance
    }

    /// `H(T)`, the cost of naming the cluster.
    pub const fn entropy(&self) -> Information {
        self.entropy
    }

    /// `H(T) − α H(T|X) − β I(T; Y)`, what was minimised; with `α = 1` it is
    /// `I(T; X) − β I(T; Y)`.
    pub fn objective(&self) -> Information {
        let noise = self.entropy - self.compression;
        self.entropy - noise * self.alpha - self.relevance * self.beta
    }

    /// The weight `α` of the noise of the encoder: 1 for the bottleneck, 0 for the deterministic
    /// one.
    pub const fn alpha(&self) -> f64 {
        self.alpha
    }

    /// The trade-off `β`.
    pub const fn beta(&self) -> f64 {
        self.beta
    }

    /// The most that one application of the bottleneck's equations changes any `p(t|x)`.
    pub const fn residual(&self) -> f64 {
        self.residual
    }

    /// The iterations spent.
    pub const fn iterations(&self) -> usize {
        self.iterations
    }
}

/// `β D(p(y|x) ‖ p(y|t))`; 0 at `β = 0`, also where the divergence is infinite.
fn price(beta: f64, symbol: &[f64], cluster: &[f64]) -> f64 {
    if beta == 0.0 {
        0.0
    } else {
        beta * divergence(symbol, cluster)
    }
}

fn entropy(law: &[f64]) -> f64 {
    let terms = law.iter().filter(|p| **p > 0.0);
    terms.map(|p| -p * Real::ln(*p)).sum()
}

/// The squared maximal correlation of a source with its channel's output, and the function of the
/// symbol that attains it.
///
/// A cluster with `p(x|t)` as the source is stable against splitting as long as `β` times this is
/// below 1: two copies of it that differ by a small function `±v(x)` differ, after one application
/// of the bottleneck's equations, by `β K v` with `K = Σ_y p(y|x) p(x'|y)` minus the mean (Rose,
/// *Proc. IEEE* 86, 2210, 1998, for deterministic annealing). `K` has the squared singular values of
/// the normalised joint matrix as its eigenvalues.
fn instability(source: &[f64], channel: &Channel) -> (f64, Vec<f64>) {
    let n = source.len();
    let marginal = channel.mixture(source);
    let roots: Vec<f64> = source.iter().map(|p| p.sqrt()).collect();
    // Less the product law, which takes the constant function out and keeps the figures of weak
    // dependence.
    let scaled = DMatrix::from_fn(n, marginal.len(), |x, y| {
        if marginal[y] > 1e-290 {
            roots[x] * (channel.given(x)[y] - marginal[y]) / marginal[y].sqrt()
        } else {
            0.0
        }
    });
    let eigen = (&scaled * scaled.transpose()).symmetric_eigen();
    let values = eigen.eigenvalues.iter().copied().enumerate();
    let (k, largest) = values.fold(
        (0, 0.0),
        |best, next| if next.1 > best.1 { next } else { best },
    );
    let function = (0..n)
        .map(|x| {
            if roots[x] > 1e-150 {
                eigen.eigenvectors[(x, k)] / roots[x]
            } else {
                0.0
            }
        })
        .collect();
    (largest.min(1.0), function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_maximal_correlation_of_binary_variables_is_their_correlation() {
        let table = Table::new(&[("x", 2), ("y", 2)], [0.4, 0.1, 0.2, 0.3]).unwrap();
        let set = |name| table.variables([name]).unwrap();
        let problem = Bottleneck::of_table(&table, set("x"), set("y")).unwrap();
        let phi = (0.4f64 * 0.3 - 0.1 * 0.2) / (0.5f64 * 0.5 * 0.6 * 0.4).sqrt();
        assert!((problem.maximal_correlation() - phi).abs() < 1e-14);
        assert!((problem.critical_beta() - 1.0 / (phi * phi)).abs() < 1e-12);
    }

    #[test]
    fn weak_dependence_keeps_its_correlation_and_none_has_none() {
        for rho in [1e-3, 1e-8, 1e-12] {
            let channel = Channel::binary_symmetric(0.5 - 0.5 * rho).unwrap();
            let problem = Bottleneck::new(Probabilities::uniform(2).unwrap(), channel).unwrap();
            // The flip probability rounds at 1e-16.
            let found = problem.maximal_correlation();
            assert!((found - rho).abs() < 3e-16, "{found:e} is not {rho:e}");
            let critical = problem.critical_beta() * rho * rho;
            assert!((critical - 1.0).abs() < 1e-15 / rho, "{critical}");
        }
        let channel = Channel::from_rows(&[[0.3, 0.6, 0.1]; 3]).unwrap();
        let source = Probabilities::new([0.2, 0.3, 0.5]).unwrap();
        let problem = Bottleneck::new(source, channel).unwrap();
        assert!(problem.maximal_correlation() < 1e-15);
        assert_eq!(problem.critical_beta(), f64::INFINITY);
    }

    #[test]
    fn bad_problems_are_refused() {
        let channel = Channel::binary_symmetric(0.1).unwrap();
        let three = Probabilities::uniform(3).unwrap();
        assert!(Bottleneck::new(three, channel.clone()).is_err());
        let problem = Bottleneck::new(Probabilities::uniform(2).unwrap(), channel).unwrap();
        assert!(problem.clone().tolerance(0.0).is_err());
        let wrong = Channel::from_rows(&[[1.0], [1.0], [1.0]]).unwrap();
        assert!(problem.solve(2.0, &wrong).is_err());
        assert!(problem.deterministic(2.0, &wrong).is_err());
        let start = Channel::from_rows(&[[0.4, 0.6], [0.6, 0.4]]).unwrap();
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(problem.solve(bad, &start).is_err());
            assert!(problem.deterministic(bad, &start).is_err());
        }
        assert!(problem.generalized(0.0, 2.0, &start).is_err());
        assert!(problem.generalized(f64::NAN, 2.0, &start).is_err());
        assert!(problem.solve_from_random(2.0, 0, 1, 0).is_err());
        assert!(problem.solve_from_random(2.0, 2, 0, 0).is_err());
        let hurried = problem.iterations(1);
        let error = hurried.solve(3.0, &start).unwrap_err();
        assert!(matches!(error, InfoError::NotConverged { .. }), "{error}");
    }
}
