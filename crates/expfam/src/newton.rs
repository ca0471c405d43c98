//! The convex dual of moment constraints: natural parameters from mean parameters by Newton's
//! method.

use ergodic_core::ArgumentError;
use nalgebra::{DMatrix, DVector};

/// Most Newton steps.
const STEPS: usize = 200;

/// What a family says at `θ`: `A`, its gradient and its Hessian.
pub(crate) struct Evaluation {
    pub(crate) log_partition: f64,
    pub(crate) mean: DVector<f64>,
    pub(crate) fisher: DMatrix<f64>,
}

/// `argmin_θ A(θ) − θ·μ` by damped Newton steps from 0 (Boyd and Vandenberghe, *Convex Optimization*,
/// 2004, §9.5): the natural parameters of mean `μ`, if it is in the interior of the convex hull of
/// the statistics; else the iteration runs off to infinity, which is seen.
///
/// # Errors
/// If no minimum is found.
pub(crate) fn natural_of_mean(
    mean: &[f64],
    mut evaluate: impl FnMut(&[f64]) -> Result<Evaluation, ArgumentError>,
) -> Result<Vec<f64>, ArgumentError> {
    let target = DVector::from_column_slice(mean);
    let mut theta = DVector::zeros(mean.len());
    let mut at = evaluate(theta.as_slice())?;
    let mut value = at.log_partition - theta.dot(&target);
    let outside = || {
        ArgumentError::new(
            "mean",
            format!("{mean:?}"),
            "in the interior of the convex hull of the statistics",
        )
    };
    // Scales of the statistics, for the test whether what is left is rounding.
    let spread: f64 = at
        .fisher
        .diagonal()
        .iter()
        .sum::<f64>()
        .sqrt()
        .max(f64::MIN_POSITIVE);
    for _ in 0..STEPS {
        let gradient = &at.mean - &target;
        let Some(factor) = at.fisher.clone().cholesky() else {
            return Err(outside());
        };
        let direction = -factor.solve(&gradient);
        let decrement = -gradient.dot(&direction); // λ², twice what is to be gained
        if !decrement.is_finite() {
            return Err(outside());
        }
        if decrement <= 1e-30 || gradient.norm() <= 1e-15 * (spread + target.norm()) {
            return settled(&theta, &direction).ok_or_else(outside);
        }
        let mut step = 1.0;
        loop {
            let trial = &theta + &direction * step;
            let there = evaluate(trial.as_slice());
            if let Ok(there) = there {
                let new = there.log_partition - trial.dot(&target);
                // Armijo's rule, with room for the rounding of the value near the minimum.
                let rounding = 1e-15 * (value.abs() + there.log_partition.abs());
                if new <= value - 0.25 * step * decrement + rounding {
                    (theta, at, value) = (trial, there, new);
                    break;
                }
            }
            step *= 0.5;
            // A direction may be beyond all measure, where the Fisher information underflows.
            if step < 1e-12 && step * direction.amax() < 1e-12 * (1.0 + theta.amax()) {
                // Nothing is left to be gained: the minimum to rounding, or no minimum.
                let rounding = gradient.norm() <= 1e-9 * (spread + target.norm());
                return settled(&theta, &direction)
                    .filter(|_| rounding)
                    .ok_or_else(outside);
            }
        }
    }
    Err(outside())
}

/// `θ`, unless Newton's step would still go [`far`].
fn settled(theta: &DVector<f64>, direction: &DVector<f64>) -> Option<Vec<f64>> {
    (!far(direction, theta)).then(|| theta.as_slice().to_vec())
}

/// Whether a Newton step would still go on: near the boundary of the hull the means are right to
/// rounding while the parameters still grow by about 1 a step.
pub(crate) fn far(direction: &DVector<f64>, theta: &DVector<f64>) -> bool {
    direction.amax() > 0.01 * (1.0 + 1e-3 * theta.amax())
}
