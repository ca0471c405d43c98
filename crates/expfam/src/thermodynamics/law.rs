//! Laws on finitely many states as slices: checks, entropy, divergence.

use ergodic_core::ArgumentError;
use ergodic_math::Real;
use ergodic_math::special::x_minus_ln_1p;

use crate::domain;

/// Probabilities: as many as there should be, none negative, of sum 1 to 10⁻¹².
pub(super) fn check(
    argument: &'static str,
    found: &[f64],
    states: usize,
) -> Result<(), ArgumentError> {
    domain::finite(argument, found, states)?;
    for i in 0..states {
        domain::require(argument, found, i, found[i] >= 0.0, "at least 0")?;
    }
    let sum: f64 = found.iter().sum();
    if (sum - 1.0).abs() <= 1e-12 {
        return Ok(());
    }
    Err(ArgumentError::new(
        argument,
        format!("of sum {sum}"),
        "probabilities of sum 1",
    ))
}

/// `−Σ p log p`.
pub(super) fn entropy(p: &[f64]) -> f64 {
    p.iter()
        .filter(|p| **p > 0.0)
        .map(|p| -p * Real::ln(*p))
        .sum()
}

/// `KL(p‖q)` as `Σ [p log(p/q) − p + q]`, a sum of terms that are not negative: relative accuracy where
/// the laws are close. Infinite where `q` lacks what `p` has.
pub(super) fn divergence(p: &[f64], q: &[f64]) -> f64 {
    p.iter()
        .zip(q)
        .map(|(&p, &q)| {
            if p > 0.0 {
                // At q = 0, or p that tiny beside q, the ratio says what has to be said.
                let term = p * x_minus_ln_1p((q - p) / p);
                if term.is_finite() {
                    term
                } else {
                    p * (Real::ln(p) - Real::ln(q)) - p + q
                }
            } else {
                q
            }
        })
        .sum()
}

/// `e^{−βE}/Z` and `log Z`.
pub(super) fn boltzmann(energies: &[f64], beta: f64) -> (Vec<f64>, f64) {
    let logs: Vec<f64> = energies.iter().map(|e| -beta * e).collect();
    let log_partition = ergodic_math::special::log_sum_exp(&logs);
    let p = logs.iter().map(|l| Real::exp(l - log_partition)).collect();
    (p, log_partition)
}

/// `Σ pᵢxᵢ`.
pub(super) fn mean(p: &[f64], x: &[f64]) -> f64 {
    p.iter().zip(x).map(|(p, x)| p * x).sum()
}
