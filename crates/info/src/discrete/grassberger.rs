//! Grassberger's estimator of 2003.

use std::borrow::Cow;

use ergodic_math::special::digamma;

use super::rule::{AdditiveRule, Terms};
use crate::InfoError;

/// `Gₙ = ψ(n) + (−1)ⁿ/2 · [ψ((n + 1)/2) − ψ(n/2)]` for `n ≥ 1`.
///
/// From `G₁ = −γ − log 2`, `G₂ = 2 − γ − log 2`, `G₂ₖ₊₁ = G₂ₖ`, `G₂ₖ₊₂ = G₂ₖ + 2/(2k + 1)` follows
/// the closed form that is computed, `G₂ₖ = G₂ₖ₊₁ = log 2 + ψ(k + ½)`.
fn g(n: u64) -> f64 {
    std::f64::consts::LN_2 + digamma((n / 2) as f64 + 0.5)
}

/// Grassberger's estimator, `Ĥ = log n − (1/n) Σᵢ nᵢ G(nᵢ)` with
/// `G(n) = ψ(n) + (−1)ⁿ/2 · [ψ((n + 1)/2) − ψ(n/2)]` (Grassberger, arXiv:physics/0307138, 2003,
/// eqs. 29 and 35).
///
/// * **Bias**: for Poisson counts of mean `λ` a symbol's share of it is at most of order `e^{−2λ}`,
///   where the plug-in's is of order `1`; it comes from rare symbols alone. Worst over laws on a
///   known alphabet, computed.
/// * **Interval**: jackknife standard error (with `ψ` for `G`) and, where the alphabet is known, the worst bias.
/// * **Cost**: a digamma function per distinct count.
/// * **Not** for a handful of observations of a law near a point mass: even one symbol seen `n`
///   times has a value that is not exactly 0, and the value may be negative or exceed `log K`.
///
/// ```
/// use ergodic_info::discrete::Grassberger;
/// use ergodic_info::{Counts, Estimator};
///
/// let h = Grassberger::new().value(&Counts::new([50, 50])?)?;
/// assert!((h - 2f64.ln()).abs() < 2e-4);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grassberger;

impl Grassberger {
    /// The estimator.
    pub const fn new() -> Self {
        Self
    }
}

/// `(c/n)(log n − g(c))` of a count `c` above 0.
fn terms(total: u64, g: impl Fn(u64) -> f64 + 'static) -> Terms<'static> {
    let n = total as f64;
    let log = libm::log(n);
    Terms {
        constant: 0.0,
        of_count: Box::new(move |count| {
            if count == 0 {
                0.0
            } else {
                count as f64 / n * (log - g(count))
            }
        }),
    }
}

impl AdditiveRule for Grassberger {
    fn name(&self) -> Cow<'static, str> {
        "Grassberger 2003".into()
    }

    fn terms(&self, total: u64, _alphabet: Option<u64>) -> Result<Terms<'_>, InfoError> {
        Ok(terms(total, g))
    }

    /// `ψ` in the place of `G`, which takes a step at every second count only: leaving one observation out
    /// shows either no step or both, and the error would come out up to `√2` times too large.
    fn smooth_terms(&self, total: u64, _alphabet: Option<u64>) -> Result<Terms<'_>, InfoError> {
        Ok(terms(total, |count| digamma(count as f64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closed_form_satisfies_the_recursion_and_the_definition() {
        let euler = 0.577_215_664_901_532_9;
        let mut even = 2.0 - euler - std::f64::consts::LN_2;
        assert!((g(1) - (even - 2.0)).abs() < 1e-15);
        for k in 1..200u64 {
            assert!(
                (g(2 * k) - even).abs() < 1e-14 * even.abs().max(1.0),
                "G({})",
                2 * k
            );
            assert_eq!(g(2 * k + 1), g(2 * k));
            even += 2.0 / (2 * k + 1) as f64;
        }
        for n in 1..100u64 {
            let x = n as f64;
            let sign = if n % 2 == 0 { 0.5 } else { -0.5 };
            let defined = digamma(x) + sign * (digamma(0.5 * (x + 1.0)) - digamma(0.5 * x));
            assert!(
                (g(n) - defined).abs() < 1e-14 * defined.abs().max(1.0),
                "G({n})"
            );
        }
    }
}
