//! Log probabilities of large counts and shapes, without the cancellation of `log Γ` against the rest.
//!
//! `log p` of a count of 10¹⁵ is a few tens, its terms are 10¹⁶: added up as they stand they leave no digit.
//! After Loader, *Fast and Accurate Computation of Binomial Probabilities*, 2000: each factorial is
//! Stirling's formula and its error, and what Stirling's formula leaves is a divergence.

use std::f64::consts::PI;

use ergodic_math::Real;
use ergodic_math::special::{ln_gamma, poisson_deviance, stirling_error, x_minus_ln_1p};

/// `log m^x e^{−m}/Γ(x + 1)`, for `x ≥ 0` that need not be whole.
pub(crate) fn log_poisson(x: f64, m: f64) -> f64 {
    if x == 0.0 {
        return -m;
    }
    -stirling_error(x) - poisson_deviance(x, m) - 0.5 * Real::ln(2.0 * PI) - 0.5 * Real::ln(x)
}

/// `log Γ(n + 1)/(Γ(x + 1)Γ(n − x + 1)) p^x q^{n − x}`, `rest` being `n − x ≥ 0` and `p + q = 1`.
pub(crate) fn log_binomial(x: f64, rest: f64, p: f64, q: f64) -> f64 {
    if x == 0.0 {
        return power(rest, p, q);
    }
    if rest == 0.0 {
        return power(x, q, p);
    }
    let n = x + rest;
    let errors = stirling_error(n) - stirling_error(x) - stirling_error(rest);
    let spread = 0.5 * (Real::ln(n) - Real::ln(x) - Real::ln(rest) - Real::ln(2.0 * PI));
    errors + spread - poisson_deviance(x, n * p) - poisson_deviance(rest, n * q)
}

/// `log Γ(n + 1)/∏ Γ(xₖ + 1) ∏ pₖ^xₖ`, `n = Σ xₖ`, for `xₖ ≥ 0` that need not be whole and `pₖ > 0` of sum 1.
pub(crate) fn log_multinomial(x: &[f64], p: &[f64]) -> f64 {
    let n: f64 = x.iter().sum();
    if n == 0.0 {
        return 0.0;
    }
    let mut sum = stirling_error(n) + 0.5 * Real::ln(2.0 * PI * n);
    for (x, p) in x.iter().zip(p) {
        sum -= poisson_deviance(*x, n * p);
        if *x > 0.0 {
            sum -= stirling_error(*x) + 0.5 * Real::ln(2.0 * PI) + 0.5 * Real::ln(*x);
        }
    }
    sum
}

/// `n log q` by the smaller of `q` and `p = 1 − q`.
fn power(n: f64, p: f64, q: f64) -> f64 {
    if n == 0.0 {
        0.0
    } else if p < 0.5 {
        n * Real::ln_1p(-p)
    } else {
        n * Real::ln(q)
    }
}

/// `log Γ(x + step)/Γ(x)` for `x > 0` and `step ≥ 0`, which does not cancel where `x` is large.
pub(crate) fn ln_gamma_step(x: f64, step: f64) -> f64 {
    if x < 1.0 {
        return ln_gamma(x + step) - ln_gamma(x);
    }
    // By Stirling's formula and its errors: step·log(x + step) less x·(r − log(1 + r)) and so on.
    let ratio = step / x;
    step * Real::ln(x + step) - x * x_minus_ln_1p(ratio) - 0.5 * Real::ln_1p(ratio)
        + (stirling_error(x + step) - stirling_error(x))
}

/// `log Γ(x + rest + 1)/(Γ(x + 1)Γ(rest + 1))`.
pub(crate) fn log_choose(x: f64, rest: f64) -> f64 {
    if x == 0.0 || rest == 0.0 {
        return 0.0;
    }
    let n = x + rest;
    let errors = stirling_error(n) - stirling_error(x) - stirling_error(rest);
    let spread = 0.5 * (Real::ln(n) - Real::ln(x) - Real::ln(rest) - Real::ln(2.0 * PI));
    // x log n/x + rest log n/rest, both at least 0.
    errors + spread + x * Real::ln_1p(rest / x) + rest * Real::ln_1p(x / rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_arguments_give_the_exact_probabilities() {
        let mut factorial = 1.0;
        for x in 1..20u32 {
            factorial *= f64::from(x);
            let x = f64::from(x);
            let direct = x * 3.5f64.ln() - 3.5 - factorial.ln();
            assert!((log_poisson(x, 3.5) - direct).abs() < 2e-14, "{x}");
        }
        assert_eq!(log_poisson(0.0, 3.5), -3.5);
        // Γ(1.01) = 0.99432585…
        let direct = 0.01 * 1e-50f64.ln() - ln_gamma(1.01);
        assert!((log_poisson(0.01, 1e-50) - direct).abs() < 1e-14);
        assert!((log_poisson(1e-300, 1e300) + 1e300).abs() < 1e285);
        // Fifteen choose seven.
        assert!((log_choose(7.0, 8.0) - 6435f64.ln()).abs() < 1e-13);
        let direct = 6435f64.ln() + 7.0 * 0.2f64.ln() + 8.0 * 0.8f64.ln();
        assert!((log_binomial(7.0, 8.0, 0.2, 0.8) - direct).abs() < 1e-13);
        let all = log_binomial(0.0, 5.0, 1e-20, 1.0);
        assert!((all / -5e-20 - 1.0).abs() < 1e-15);
    }

    #[test]
    fn the_stirling_error_is_smooth_where_the_series_begins() {
        for x in [16.0, 17.5, 30.0] {
            // stirling_error(x − 1) − stirling_error(x) = (x − ½) log(x/(x − 1)) − 1
            let step = (x - 0.5) * (1.0 / (x - 1.0)).ln_1p() - 1.0;
            let found = stirling_error(x - 1.0) - stirling_error(x);
            assert!((found - step).abs() < 3e-14, "{x}: {found} {step}");
        }
    }

    #[test]
    fn the_centre_of_huge_laws_has_the_height_of_the_normal_curve() {
        // At its mean m a Poisson law has −½ log 2πm − 1/12m.
        let m = 1e15;
        let exact = -0.5 * (2.0 * PI * m).ln();
        assert!((log_poisson(m, m) - exact).abs() < 1e-13);
        let n = 9e15;
        let exact = -0.5 * (PI * n / 2.0).ln();
        assert!((log_binomial(n / 2.0, n / 2.0, 0.5, 0.5) - exact).abs() < 1e-13);
    }
}
