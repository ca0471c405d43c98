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
        .map(|(&p, &q)| term(p, q, || Real::ln(q)))
        .sum()
}

/// [`divergence`] with `log q` beside `q`, so that it stays finite where `q` underflows.
pub(super) fn divergence_from(p: &[f64], q: &Boltzmann) -> f64 {
    p.iter()
        .zip(q.probabilities.iter().zip(&q.logs))
        .map(|(&p, (&q, &log))| term(p, q, || log))
        .sum()
}

/// `p log(p/q) − p + q`.
fn term(p: f64, q: f64, log_q: impl FnOnce() -> f64) -> f64 {
    if p <= 0.0 {
        return q;
    }
    let x = (q - p) / p;
    // Far from 0 nothing cancels, and 1 + x would lose the digits of a small q.
    if x.abs() <= 0.5 {
        p * x_minus_ln_1p(x)
    } else {
        p * (Real::ln(p) - log_q()) - p + q
    }
}

/// A Boltzmann law: its probabilities, and their logarithms where they underflow.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Boltzmann {
    pub(super) probabilities: Vec<f64>,
    pub(super) logs: Vec<f64>,
}

/// `g e^{−βE}/Z`. Energies count from the lowest, so that a constant added to all takes no digits.
pub(super) fn boltzmann(energies: &[f64], log_degeneracies: &[f64], beta: f64) -> Boltzmann {
    let lowest = energies.iter().copied().fold(f64::INFINITY, f64::min);
    let mut logs: Vec<f64> = energies
        .iter()
        .zip(log_degeneracies)
        .map(|(e, g)| beta * (lowest - e) + g)
        .collect();
    let log_partition = ergodic_math::special::log_sum_exp(&logs);
    for l in &mut logs {
        *l -= log_partition;
    }
    Boltzmann {
        probabilities: logs.iter().map(|l| Real::exp(*l)).collect(),
        logs,
    }
}

/// `Σ pᵢxᵢ`.
pub(super) fn mean(p: &[f64], x: &[f64]) -> f64 {
    p.iter().zip(x).map(|(p, x)| p * x).sum()
}
