//! Minimisation of a smooth convex function of a law, with a certificate.

use nalgebra::{DMatrix, DVector};

use super::divide;
use crate::interior::{Program, Ridged, State, follow};

/// A convex function on the simplex, differentiable where all outcomes have probability.
pub(crate) trait Convex {
    /// The number of outcomes.
    fn len(&self) -> usize;

    /// The value and, into `gradient`, the gradient.
    fn value(&self, p: &[f64], gradient: &mut [f64]) -> f64;

    /// The Hessian, positive semi-definite.
    fn hessian(&self, p: &[f64]) -> DMatrix<f64>;

    /// The factor by which the classical iteration of Blahut and Arimoto multiplies the
    /// probability of an outcome whose derivative is `slope`, where `least` is the least of all,
    /// up to normalisation.
    fn factor(&self, slope: f64, least: f64) -> f64;
}

/// Where the search ended.
pub(crate) struct Minimum {
    pub(crate) point: Vec<f64>,
    pub(crate) value: f64,
    /// The minimum is at least `value − gap`.
    pub(crate) gap: f64,
    pub(crate) iterations: usize,
}

/// Classical steps before Newton's: they settle symmetric problems at once and bring others near.
const CLASSICAL: usize = 25;

/// No probability falls below this on the way, so that derivatives stay finite.
const FLOOR: f64 = 1e-30;

/// Minimises from the uniform law until the gap is at most the tolerance, or no step helps.
///
/// The certificate is the gap of the linearisation: a convex `f` is nowhere on the simplex below
/// `f(p) + minᵢ ∂ᵢf − Σ p ∂f`. For the negative mutual information this is Arimoto's bound
/// `maxₓ D(W(·|x)‖q) − I`. The classical multiplicative steps have error `O(1/k)` where an optimal
/// probability is 0 with derivative 0, so an interior-point method takes over, `O(n³)` a step, some
/// tens of steps.
pub(crate) fn minimize(problem: &impl Convex, tolerance: f64, limit: usize) -> Minimum {
    let n = problem.len();
    let mut p = vec![1.0 / n as f64; n];
    let mut gradient = vec![0.0; n];
    let mut best = Minimum {
        value: problem.value(&p, &mut gradient),
        gap: gap(&p, &gradient),
        point: p.clone(),
        iterations: 0,
    };
    while best.gap > tolerance && best.iterations < CLASSICAL.min(limit) {
        let least = least(&gradient);
        let total: f64 = (p.iter_mut().zip(&gradient))
            .map(|(p, g)| {
                *p = (*p * problem.factor(*g, least)).max(FLOOR);
                *p
            })
            .sum();
        divide(&mut p, total);
        let value = problem.value(&p, &mut gradient);
        best.improve(&p, value, gap(&p, &gradient));
    }
    if best.gap > tolerance && best.iterations < limit {
        let limit = limit - best.iterations;
        let start = inside(problem, &best, tolerance);
        follow(&OnSimplex(problem), start, limit, |state| {
            best.improve(
                &state.point,
                state.value,
                gap(&state.point, &state.gradient),
            );
            best.gap <= tolerance
        });
    }
    best
}

/// Inside, as Newton's method needs: a classical step may have brought outcomes close to 0.
fn inside(problem: &impl Convex, best: &Minimum, tolerance: f64) -> State {
    let n = problem.len();
    let share = 1e-3;
    let point: Vec<f64> = (best.point.iter())
        .map(|p| (1.0 - share) * p + share / n as f64)
        .collect();
    let mut gradient = vec![0.0; n];
    let value = problem.value(&point, &mut gradient);
    let least = least(&gradient);
    let mu = gap(&point, &gradient).max(tolerance) / n as f64;
    State {
        slack: gradient.iter().map(|g| g - least + mu).collect(),
        dual: vec![least - mu],
        shares: vec![1.0; n],
        point,
        value,
        gradient,
    }
}

fn least(gradient: &[f64]) -> f64 {
    gradient.iter().copied().fold(f64::INFINITY, f64::min)
}

/// `Σ p g − min g`.
fn gap(p: &[f64], gradient: &[f64]) -> f64 {
    let least = least(gradient);
    p.iter().zip(gradient).map(|(p, g)| p * (g - least)).sum()
}

impl Minimum {
    fn improve(&mut self, p: &[f64], value: f64, gap: f64) {
        self.iterations += 1;
        if gap < self.gap {
            self.point.copy_from_slice(p);
            self.value = value;
            self.gap = gap;
        }
    }
}

/// The program with the one constraint `Σ p = 1`.
struct OnSimplex<'a, C>(&'a C);

impl<C: Convex> Program for OnSimplex<'_, C> {
    /// The factors, and the matrix's answer to the constraint.
    type Factors = (Ridged, DVector<f64>);

    fn value(&self, point: &[f64], gradient: &mut [f64]) -> f64 {
        self.0.value(point, gradient)
    }

    fn adjoint(&self, dual: &[f64]) -> Vec<f64> {
        vec![dual[0]; self.0.len()]
    }

    fn missing(&self, point: &[f64]) -> Vec<f64> {
        vec![1.0 - point.iter().sum::<f64>()]
    }

    fn factor(&self, point: &[f64], weights: &[f64]) -> Option<Self::Factors> {
        let mut matrix = self.0.hessian(point);
        for (i, weight) in weights.iter().enumerate() {
            for (j, p) in point.iter().enumerate() {
                matrix[(i, j)] *= point[i] * p;
            }
            matrix[(i, i)] += weight;
        }
        let factors = Ridged::new(&matrix)?;
        let answer = factors.solve(&DVector::from_column_slice(point));
        Some((factors, answer))
    }

    fn solve(
        &self,
        (factors, answer): &Self::Factors,
        point: &[f64],
        right: &[f64],
        missing: &[f64],
    ) -> (Vec<f64>, Vec<f64>) {
        let free = factors.solve(&DVector::from_column_slice(right));
        let along = |v: &DVector<f64>| -> f64 { point.iter().zip(v).map(|(p, v)| p * v).sum() };
        let dual = (missing[0] - along(&free)) / along(answer);
        let relative = free + answer * dual;
        (relative.iter().copied().collect(), vec![dual])
    }
}
