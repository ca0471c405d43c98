//! A primal–dual interior-point method for smooth convex programs over non-negative vectors.
//!
//! Minimise `f(x)` subject to `A x = b`, `x ≥ 0`. For each `μ` of a sequence that falls to 0, Newton's
//! method solves `∂f − Aᵀy − z = 0`, `xᵢ zᵢ = μ cᵢ`, `A x = b`, the conditions for the least
//! `f − μ Σ cᵢ ln xᵢ`, which a line search lets fall in every step (Fiacco and McCormick 1968; with the
//! rules for `μ` of Wächter and Biegler, *Math. Program.* 106, 25, 2006). Changes of `x` are in units
//! of `x`, so that the systems stay well scaled when entries go to 0. Who calls it certifies the
//! result by duality: nothing here is trusted.

use ergodic_math::Real;
use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

/// The program, and the linear algebra of its Newton step.
pub(crate) trait Program {
    /// What is kept of a matrix between its right-hand sides.
    type Factors;

    /// `f` and, into `gradient`, `∂f` at a positive point.
    fn value(&self, point: &[f64], gradient: &mut [f64]) -> f64;

    /// `Aᵀ y`.
    fn adjoint(&self, dual: &[f64]) -> Vec<f64>;

    /// `b − A x`.
    fn missing(&self, point: &[f64]) -> Vec<f64>;

    /// Prepares [`solve`](Self::solve) where `weights` are `xᵢ zᵢ`; none if rounding prevents it.
    fn factor(&self, point: &[f64], weights: &[f64]) -> Option<Self::Factors>;

    /// `u` and `v` of `(X ∂²f X + W) u − X Aᵀ v = right`, `A X u = missing`.
    fn solve(
        &self,
        factors: &Self::Factors,
        point: &[f64],
        right: &[f64],
        missing: &[f64],
    ) -> (Vec<f64>, Vec<f64>);
}

/// A point on the way: primal, dual, slack, and value and gradient at the primal.
pub(crate) struct State {
    pub(crate) point: Vec<f64>,
    pub(crate) dual: Vec<f64>,
    pub(crate) slack: Vec<f64>,
    /// The part `cᵢ` of `μ` that belongs to each entry: of the size that the constraints allow it, so
    /// that slacks stay of the size of the gradient.
    pub(crate) shares: Vec<f64>,
    pub(crate) value: f64,
    pub(crate) gradient: Vec<f64>,
}

/// How much of the way to the boundary a step may go.
const FRACTION: f64 = 0.995;

/// The last `μ`, which is not left out: the superlinear rule may come to it from 1e-13.
const LEAST: f64 = 1e-20;

/// How far `x z` may be from `μ c`, as a factor either way.
const SPREAD: f64 = 1e10;

/// Steps from a positive and feasible start until `done` says so, no step helps, or the limit is
/// reached.
///
/// `done` sees every state; the caller keeps the best.
pub(crate) fn follow<P: Program>(
    program: &P,
    mut state: State,
    limit: usize,
    mut done: impl FnMut(&State) -> bool,
) {
    let products: f64 = state.weights().iter().sum();
    let mut mu = products / state.shares.iter().sum::<f64>();
    for _ in 0..limit {
        while state.error(program, mu) <= 10.0 * mu + 1e-14 {
            // Rounding leaves nothing to gain once products are this small.
            if mu <= LEAST {
                return;
            }
            mu = (0.2 * mu).min(mu * mu.sqrt()).max(LEAST);
        }
        let Some(factors) = program.factor(&state.point, &state.weights()) else {
            return;
        };
        let direction = Direction::new(program, &factors, &state, mu);
        let Some(next) = direction.step(program, &state, mu) else {
            return;
        };
        state = next;
        if done(&state) {
            return;
        }
    }
}

impl State {
    /// The largest violation of the optimality conditions for this `μ`, in proportion to the shares.
    fn error(&self, program: &impl Program, mu: f64) -> f64 {
        let adjoint = program.adjoint(&self.dual);
        let at = |i: usize| {
            let share = self.shares[i];
            let stationarity = (self.gradient[i] - adjoint[i] - self.slack[i]).abs();
            (share * stationarity).max((self.point[i] * self.slack[i] - mu * share).abs())
        };
        (0..self.point.len()).map(at).fold(0.0, f64::max)
    }

    fn weights(&self) -> Vec<f64> {
        let pairs = self.point.iter().zip(&self.slack);
        pairs.map(|(x, z)| x * z).collect()
    }

    /// `f − μ Σ c ln x`.
    fn barrier(&self, mu: f64) -> f64 {
        let terms = self.point.iter().zip(&self.shares);
        self.value - mu * terms.map(|(x, c)| c * Real::ln(*x)).sum::<f64>()
    }
}

/// A change of the variables, that of the primal relative to it.
struct Direction {
    relative: Vec<f64>,
    slack: Vec<f64>,
    dual: Vec<f64>,
    /// The derivative of the barrier function along it.
    slope: f64,
}

impl Direction {
    fn new<P: Program>(program: &P, factors: &P::Factors, state: &State, mu: f64) -> Self {
        // With the dual as it stands, so that what is solved for is small near the end and rounding
        // is relative to it.
        let adjoint = program.adjoint(&state.dual);
        let right: Vec<f64> = (state.point.iter().zip(&state.gradient))
            .zip(adjoint.iter().zip(&state.shares))
            .map(|((x, g), (a, c))| mu * c - x * (g - a))
            .collect();
        let missing = program.missing(&state.point);
        let (relative, dual) = program.solve(factors, &state.point, &right, &missing);
        let slack = (0..relative.len())
            .map(|i| {
                let central = mu * state.shares[i] / state.point[i];
                central - state.slack[i] * (1.0 + relative[i])
            })
            .collect();
        let slope = right.iter().zip(&relative).map(|(r, u)| -r * u).sum();
        Self {
            relative,
            slack,
            dual,
            slope,
        }
    }

    /// The longest step that stays inside and lets the barrier function fall.
    fn step(&self, program: &impl Program, state: &State, mu: f64) -> Option<State> {
        let least = |ends: &mut dyn Iterator<Item = f64>| {
            let ahead = ends.filter(|l| *l > 0.0);
            (FRACTION * ahead.fold(f64::INFINITY, f64::min)).min(1.0)
        };
        let mut length = least(&mut self.relative.iter().map(|r| -1.0 / r));
        let slacks = state.slack.iter().zip(&self.slack);
        let slack_length = least(&mut slacks.map(|(z, d)| -z / d));
        let before = state.barrier(mu);
        let rounding = 1e-14 * (1.0 + before.abs());
        for _ in 0..40 {
            let mut next = self.moved(state, length, slack_length, mu);
            let variables = || next.point.iter().chain(&next.slack).chain(&next.dual);
            let positive = next.point.iter().chain(&next.slack).all(|v| *v > 0.0);
            if positive && variables().all(|v| v.is_finite()) {
                next.value = program.value(&next.point, &mut next.gradient);
                let bound = before + 1e-4 * length * self.slope.min(0.0) + rounding;
                if next.barrier(mu) <= bound {
                    return Some(next);
                }
            }
            length *= 0.5;
        }
        None
    }

    /// The variables after a step; value and gradient are still those from before.
    fn moved(&self, state: &State, length: f64, slack_length: f64, mu: f64) -> State {
        let point: Vec<f64> = (state.point.iter().zip(&self.relative))
            .map(|(x, r)| x * (1.0 + length * r))
            .collect();
        // Slacks far from μ c/x would make the next system one of a different problem.
        let slack = (state.slack.iter().zip(&self.slack))
            .zip(point.iter().zip(&state.shares))
            .map(|((z, d), (x, c))| {
                let central = mu * c / x;
                (z + slack_length * d).clamp(central / SPREAD, central * SPREAD)
            })
            .collect();
        let dual = (state.dual.iter().zip(&self.dual))
            .map(|(y, v)| y + length * v)
            .collect();
        State {
            point,
            slack,
            dual,
            shares: state.shares.clone(),
            value: state.value,
            gradient: state.gradient.clone(),
        }
    }
}

/// The Cholesky factors of a matrix that is positive definite but for rounding.
///
/// The matrix is scaled to a unit diagonal first, so that a ridge, where rounding asks for one, is
/// in proportion to each row: rows of tiny probabilities count as much as others.
pub(crate) struct Ridged {
    factors: Cholesky<f64, Dyn>,
    /// The reciprocal roots of the diagonal.
    scales: DVector<f64>,
}

impl Ridged {
    /// With the least multiple of the diagonal added that lets the matrix pass; none if that would
    /// be more than a thousandth.
    pub(crate) fn new(matrix: &DMatrix<f64>) -> Option<Self> {
        let n = matrix.nrows();
        let scale = |i: usize| {
            let diagonal = matrix[(i, i)];
            if diagonal >= f64::MIN_POSITIVE {
                1.0 / diagonal.sqrt()
            } else {
                1.0
            }
        };
        let scales = DVector::from_fn(n, |i, _| scale(i));
        let scaled = DMatrix::from_fn(n, n, |i, j| matrix[(i, j)] * scales[i] * scales[j]);
        let mut ridge = 0.0;
        while ridge <= 1e-3 {
            let mut ridged = scaled.clone();
            for i in 0..n {
                ridged[(i, i)] += ridge;
            }
            if let Some(factors) = ridged.cholesky() {
                return Some(Self { factors, scales });
            }
            ridge = if ridge == 0.0 { 1e-16 } else { 10.0 * ridge };
        }
        None
    }

    /// The answer to a right-hand side.
    pub(crate) fn solve(&self, right: &DVector<f64>) -> DVector<f64> {
        let scaled = right.component_mul(&self.scales);
        self.factors.solve(&scaled).component_mul(&self.scales)
    }
}
