//! Exact measures: what is asked of a law or of a table.
//!
//! | file | what is in it | asked of |
//! |---|---|---|
//! | [`entropy`] | Shannon, Rényi, Tsallis, min- and max-entropy, also conditional | a law, a table |
//! | [`divergence`] | Kullback–Leibler, Rényi, Tsallis, Jensen–Shannon, χ², Hellinger, total variation, Bhattacharyya, Chernoff, any f-divergence; cross entropy | two laws |
//! | [`bregman`] | Bregman divergences from a convex function | two vectors |
//! | [`mutual`] | mutual and conditional mutual information, variation of information | a table |
//! | [`multivariate`] | total and dual total correlation, O- and S-information, co-information, the entropies of all marginals | a table |
//! | [`process`] | Markov chains: stationary law, entropy rate, excess entropy; transfer entropy | a stochastic matrix, a table |
//!
//! # How exact
//!
//! Divergences and mutual informations are sums of terms that are never negative, as
//! `p log(p/q) − p + q`, each to a few ulp even where p and q nearly agree, so the result is never
//! negative, is exactly 0 of equal laws, and keeps its relative accuracy when it is tiny. What is
//! a difference of entropies by its nature (O-information, co-information) has an absolute error
//! of a few 1e-16 times the entropies in it, as its docs say.

pub mod bregman;
pub mod divergence;
pub mod entropy;
pub mod multivariate;
pub mod mutual;
pub mod process;

use ergodic_math::Real;
use ergodic_math::reduce::two_sum;
use ergodic_math::special::x_minus_ln_1p;

use crate::{InfoError, Probabilities};

/// A compensated sum of finite numbers.
#[derive(Clone, Copy, Default)]
pub(crate) struct Total {
    head: f64,
    tail: f64,
}

impl Total {
    pub(crate) fn add(&mut self, x: f64) {
        let (head, error) = two_sum(self.head, x);
        self.head = head;
        self.tail += error;
    }

    pub(crate) fn value(self) -> f64 {
        self.head + self.tail
    }
}

/// The compensated sum of finite or `+∞` terms.
pub(crate) fn total(terms: impl IntoIterator<Item = f64>) -> f64 {
    let mut total = Total::default();
    for term in terms {
        if term == f64::INFINITY {
            return f64::INFINITY;
        }
        total.add(term);
    }
    let value = total.value();
    // Finite terms whose sum leaves the range of f64 meet ∞ − ∞ in the compensation.
    if value.is_nan() { total.head } else { value }
}

/// Two laws on the same outcomes.
pub(crate) fn same_outcomes(p: &Probabilities, q: &Probabilities) -> Result<(), InfoError> {
    if p.len() == q.len() {
        Ok(())
    } else {
        Err(InfoError::argument(
            "q",
            format!("a law on {} outcomes", q.len()),
            format!("a law on as many outcomes as `p`, {}", p.len()),
        ))
    }
}

/// The order of a Rényi quantity.
pub(crate) fn order_of(order: f64) -> Result<f64, InfoError> {
    if order >= 0.0 {
        return Ok(order);
    }
    Err(InfoError::argument(
        "order",
        order,
        "at least 0, or infinite",
    ))
}

/// `log(a/b)` of positive numbers, whatever their ratio.
pub(crate) fn log_ratio(a: f64, b: f64) -> f64 {
    let ratio = a / b;
    if ratio.is_normal() {
        Real::ln(ratio)
    } else {
        Real::ln(a) - Real::ln(b)
    }
}

/// `eᵗ − 1 − t`, never negative, to a few ulp.
pub(crate) fn excess_of_exp(t: f64) -> f64 {
    if t.abs() > 1.0 {
        return Real::exp_m1(t) - t;
    }
    // t²/2·(1 + t/3·(1 + t/4·(…)))
    let mut series = 1.0;
    for k in (3..=20).rev() {
        series = 1.0 + series * t / f64::from(k);
    }
    0.5 * t * t * series
}

/// `p log(p/q) + d` with `d = q − p`, the term of a Kullback–Leibler divergence, never negative, to
/// a few ulp; `p ≥ 0`, `q ≥ 0`; `∞` where only `q` is 0.
///
/// `d` is an argument of its own for callers who know it better than `q − p` does: it alone counts
/// where the two nearly agree.
pub(crate) fn relative_term(p: f64, q: f64, d: f64) -> f64 {
    if p == 0.0 {
        d
    } else if q == 0.0 {
        f64::INFINITY
    } else if q <= 2.0 * p && p <= 2.0 * q {
        p * x_minus_ln_1p(d / p)
    } else {
        p * log_ratio(p, q) + d
    }
}

/// `log Σ wᵢ exp(tᵢ)` for weights of sum 1 and exponents of one sign, relatively accurate also
/// where all exponents are small.
pub(crate) fn log_mean_exp(terms: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let terms = terms.filter(|(w, _)| *w > 0.0);
    let excess = total(terms.clone().map(|(w, t)| w * Real::exp_m1(t)));
    if excess > -0.5 && excess.is_finite() {
        return Real::ln_1p(excess);
    }
    log_sum_exp(terms)
}

/// `log Σ wᵢ exp(tᵢ)` for positive weights; `−∞` of nothing.
pub(crate) fn log_sum_exp(terms: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let largest = terms
        .clone()
        .fold(f64::NEG_INFINITY, |m: f64, (_, t)| m.max(t));
    if largest.is_infinite() {
        return largest;
    }
    largest + Real::ln(total(terms.map(|(w, t)| w * Real::exp(t - largest))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64, relative: f64) {
        assert!(
            (found - expected).abs() <= relative * expected.abs(),
            "{found:e} is not {expected:e}"
        );
    }

    #[test]
    fn excesses_keep_their_relative_accuracy() {
        for t in [1e-150, 1e-12, 1e-5, 0.3, 0.99, 1.01, 2.0] {
            for t in [t, -t] {
                // The series term by term.
                let (mut term, mut expected) = (1.0, 0.0);
                let mut terms = vec![];
                for k in 1..60 {
                    term *= t / f64::from(k);
                    if k > 1 {
                        terms.push(term);
                    }
                }
                for term in terms.into_iter().rev() {
                    expected += term;
                }
                close(excess_of_exp(t), expected, 4e-15);
            }
        }
    }

    #[test]
    fn relative_terms_hold_at_the_edges() {
        assert_eq!(relative_term(0.0, 0.25, 0.25), 0.25);
        assert_eq!(relative_term(0.25, 0.0, -0.25), f64::INFINITY);
        assert_eq!(relative_term(0.0, 0.0, 0.0), 0.0);
        assert_eq!(relative_term(0.3, 0.3, 0.0), 0.0);
        // The ratio overflows, its logarithm does not.
        let tiny = 2f64.powi(-1070);
        let expected = 1070.0 * std::f64::consts::LN_2 - 1.0;
        close(relative_term(1.0, tiny, tiny - 1.0), expected, 1e-12);
    }
}
