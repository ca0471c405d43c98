//! Minimisation of a convex function under one linear constraint, by its multiplier.

use crate::InfoError;

/// A minimiser of `J(w) + s ℓ(w)` for one multiplier `s`.
#[derive(Clone)]
pub(crate) struct Solved {
    /// The minimiser `w`.
    pub(crate) point: Vec<f64>,
    /// `ℓ(w)`.
    pub(crate) linear: f64,
    /// A lower bound of `J + s ℓ` everywhere.
    pub(crate) bound: f64,
    /// What it took.
    pub(crate) iterations: usize,
}

/// A minimiser of `J` where `ℓ ≤` the budget.
pub(crate) struct Constrained {
    pub(crate) point: Vec<f64>,
    /// `J` at the point.
    pub(crate) value: f64,
    /// A lower bound of `J` under the constraint.
    pub(crate) lower: f64,
    pub(crate) multiplier: f64,
    pub(crate) iterations: usize,
}

/// Multipliers tried at most.
const ROUNDS: usize = 400;

/// `min J(w)` subject to `ℓ(w) ≤ budget`, for convex `J` and linear `ℓ` with minimisers of
/// `J + sℓ` at hand.
///
/// For every `s ≥ 0` the constrained minimum is at least `min (J + sℓ) − s·budget`. The best `s` is
/// bracketed, as `ℓ` at the minimiser falls with `s`. The minimisers at the two ends are mixed so
/// that the budget is used up: by convexity this is feasible and, where the optimum lies on a
/// segment on which `s` is constant and `ℓ` jumps, optimal. The difference of value and bound is
/// the certificate.
///
/// `free` is the minimiser for `s = 0`, with `ℓ` above the budget; `scale` a multiplier to start
/// from.
pub(crate) fn constrained(
    quantity: &'static str,
    mut solve: impl FnMut(f64) -> Solved,
    objective: impl Fn(&[f64]) -> f64,
    budget: f64,
    free: Solved,
    scale: f64,
    tolerance: f64,
) -> Result<Constrained, InfoError> {
    let mut iterations = free.iterations;
    let mut lower = free.bound;
    let mut low = (0.0, free);
    let mut high: Option<(f64, Solved)> = None;
    let mut best = f64::INFINITY;
    // Weights of the ends in the false position, halved for an end that stays (Illinois).
    let mut weights = (1.0, 1.0);
    let mut next = scale;
    for round in 0..ROUNDS {
        let solved = solve(next);
        iterations += solved.iterations;
        lower = lower.max(solved.bound - next * budget);
        if solved.linear > budget {
            low = (next, solved);
            weights = (1.0, 0.5 * weights.1);
        } else {
            high = Some((next, solved));
            weights = (0.5 * weights.0, 1.0);
        }
        let Some(high) = &high else {
            next *= 4.0;
            if next.is_finite() {
                continue;
            }
            break;
        };
        let (above, below) = (low.1.linear - budget, budget - high.1.linear);
        let share = above / (above + below);
        let mix = |(l, h): (&f64, &f64)| (1.0 - share) * l + share * h;
        let point: Vec<f64> = low.1.point.iter().zip(&high.1.point).map(mix).collect();
        let value = objective(&point);
        best = best.min(value - lower);
        if value - lower <= tolerance {
            return Ok(Constrained {
                point,
                value,
                lower: lower.min(value),
                multiplier: next,
                iterations,
            });
        }
        let width = high.0 - low.0;
        let (a, b) = (above * weights.0, below * weights.1);
        let guess = low.0 + width * (a / (a + b));
        // Every third step halves the bracket, in ratio where it spans orders of magnitude.
        next = if round % 3 == 2 {
            if low.0 > 0.0 && high.0 > 4.0 * low.0 {
                (low.0 * high.0).sqrt()
            } else {
                low.0 + 0.5 * width
            }
        } else {
            guess
        };
        if !(next > low.0 && next < high.0) {
            next = low.0 + 0.5 * width;
        }
        if !(next > low.0 && next < high.0) {
            break;
        }
    }
    Err(InfoError::NotConverged {
        quantity,
        gap: best,
        tolerance,
        iterations,
    })
}
