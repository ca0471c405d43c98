//! Scalars in log space: softplus, logistic function, sums and differences of exponentials.

use crate::{DomainError, Real};

/// `log(1 + eˣ)`, the softplus function.
///
/// Domain: all reals; `±∞` gives `∞` and 0. Error ≤ 2 ulp, relative in both tails (`eˣ` far
/// below, `x` far above). From `max(x, 0) + log1p(e^{−|x|})`, on `libm`. The form for loops is
/// [`Real::log1p_exp`](crate::Real::log1p_exp).
///
/// ```
/// assert_eq!(ergodic_math::special::log1p_exp(0.0), std::f64::consts::LN_2);
/// assert_eq!(ergodic_math::special::log1p_exp(1e4), 1e4);
/// ```
pub fn log1p_exp(x: f64) -> f64 {
    let tail = libm::log1p(libm::exp(-x.abs()));
    if x > 0.0 { x + tail } else { tail }
}

/// `log(1 − eˣ)` for `x ≤ 0`; `−∞` at 0.
///
/// Error ≤ 2 ulp: `log(−expm1(x))` above `−log 2`, `log1p(−eˣ)` below (Mächler, *Accurately
/// computing log(1 − exp(−|a|))*, 2012).
///
/// # Errors
/// `x` above 0 or NaN.
pub fn log1m_exp(x: f64) -> Result<f64, DomainError> {
    DomainError::check(x <= 0.0, "x", x, "at most 0")?;
    Ok(if x > -std::f64::consts::LN_2 {
        libm::log(-libm::expm1(x))
    } else {
        libm::log1p(-libm::exp(x))
    })
}

/// `1/(1 + e⁻ˣ)`, the logistic function, the mean of a Bernoulli law with log-odds `x`.
///
/// Domain: all reals; `±∞` gives 1 and 0. Error ≤ 2 ulp, relative in both tails, on `libm`:
/// `e/(1 + e)` with `e = eˣ` below 0, which keeps the subnormal tail. The form for loops is
/// [`Real::sigmoid`](crate::Real::sigmoid).
///
/// ```
/// use ergodic_math::special::sigmoid;
/// assert_eq!(sigmoid(0.0), 0.5);
/// assert!((sigmoid(-700.0) / (-700f64).exp() - 1.0).abs() < 1e-15);
/// ```
pub fn sigmoid(x: f64) -> f64 {
    let e = libm::exp(-x.abs());
    (if x > 0.0 { 1.0 } else { e }) / (1.0 + e)
}

/// `log(p/(1 − p))`, the inverse of [`sigmoid`]; `∓∞` at 0 and 1.
///
/// Error ≤ 2 ulp, relative near the root `p = ½` too: `log1p` of `(2p − 1)/(1 − p)`, or of its
/// mirror image below ½.
///
/// # Errors
/// `p` outside `[0, 1]` or NaN.
pub fn logit(p: f64) -> Result<f64, DomainError> {
    DomainError::check((0.0..=1.0).contains(&p), "p", p, "between 0 and 1")?;
    Ok(if p < 1e-300 {
        libm::log(p) // 1/p might overflow; 1 − p is 1
    } else if p < 0.5 {
        -libm::log1p((1.0 - 2.0 * p) / p)
    } else if p < 1.0 {
        libm::log1p((2.0 * p - 1.0) / (1.0 - p))
    } else {
        f64::INFINITY
    })
}

/// `x log x`, 0 at 0: the term of an entropy.
///
/// Error ≤ 2 ulp.
///
/// # Errors
/// `x` below 0 or NaN.
pub fn xlogx(x: f64) -> Result<f64, DomainError> {
    DomainError::check(x >= 0.0, "x", x, "at least 0")?;
    Ok(if x == 0.0 { 0.0 } else { x * libm::log(x) })
}

/// `log(eᵃ + eᵇ)`.
///
/// Domain: all reals and `±∞` (`−∞` is the log of 0). Error ≤ 2 ulp of `max(|a|, |b|, |result|)`:
/// `max + log1p(e^{−|a − b|})`; where the maximum is 0 the small term keeps its relative accuracy.
///
/// ```
/// use ergodic_math::special::log_add_exp;
/// assert_eq!(log_add_exp(f64::NEG_INFINITY, 3.0), 3.0);
/// assert_eq!(log_add_exp(1000.0, 1000.0), 1000.0 + std::f64::consts::LN_2);
/// ```
pub fn log_add_exp(a: f64, b: f64) -> f64 {
    if a == b {
        return a + std::f64::consts::LN_2; // infinities of one sign as well
    }
    let max = if a > b { a } else { b };
    max + libm::log1p(libm::exp(-(a - b).abs()))
}

/// `log(eᵃ − eᵇ)` for `a ≥ b`; `−∞` where they are equal.
///
/// Error ≤ 3 ulp of `max(|a|, |result|)` plus what the rounding of `a − b` costs when the two are
/// close: `a + log(1 − e^{b − a})` by [`log1m_exp`].
///
/// # Errors
/// `b` above `a`, or `+∞`, or a NaN.
pub fn log_sub_exp(a: f64, b: f64) -> Result<f64, DomainError> {
    DomainError::check(
        b <= a && b < f64::INFINITY,
        "b",
        b,
        "finite or −∞, and at most a",
    )?;
    if a == b {
        return Ok(f64::NEG_INFINITY);
    }
    if a == f64::INFINITY {
        return Ok(a);
    }
    Ok(a + log1m_exp(b - a)?)
}

/// `x − log(1 + x)` for `x ≥ −1`, never negative; `∞` at both ends, NaN below −1.
///
/// Error a few ulp, relative near 0 too, where the difference would cancel: with `s = x/(2 + x)`,
/// `log(1 + x) = 2 artanh s` and `x − 2s = x·s`, so the result is `x·s − 2s³(1/3 + s²/5 + …)`, in which
/// the first term dominates. It is the term of a Kullback–Leibler divergence.
///
/// ```
/// use ergodic_math::special::x_minus_ln_1p;
/// assert!((x_minus_ln_1p(1.0) - (1.0 - std::f64::consts::LN_2)).abs() < 1e-15);
/// assert!((x_minus_ln_1p(1e-12) / 0.5e-24 - 1.0).abs() < 1e-12);
/// ```
pub fn x_minus_ln_1p(x: f64) -> f64 {
    if x == f64::INFINITY {
        return x;
    }
    if x.abs() > 0.35 {
        return x - Real::ln_1p(x);
    }
    let s = x / (2.0 + x);
    let z = s * s;
    // Below 0.046¹² for the rest.
    let mut series = 0.0;
    for k in (1..=12).rev() {
        series = series * z + 1.0 / f64::from(2 * k + 1);
    }
    x * s - 2.0 * z * s * series
}

#[cfg(test)]
mod tests {
    use super::*;

    /// r − log(1 + r) by its alternating series, the test's own.
    fn series_over_log(r: f64) -> f64 {
        (2..200).rev().fold(0.0, |s, k| {
            s + f64::from(if k % 2 == 0 { 1 } else { -1 }) * r.powi(k) / f64::from(k)
        })
    }

    #[test]
    fn the_excess_over_the_logarithm_keeps_its_relative_accuracy() {
        let close = |found: f64, expected: f64, relative: f64| {
            assert!(
                (found - expected).abs() <= relative * expected.abs(),
                "{found:e} is not {expected:e}"
            );
        };
        for r in [1e-300, 1e-150, 1e-12, 1e-5, 0.01, 0.2, 0.349, 0.351, 0.5] {
            for r in [r, -r] {
                close(x_minus_ln_1p(r), series_over_log(r), 4e-15);
            }
        }
        close(x_minus_ln_1p(1.0), 1.0 - std::f64::consts::LN_2, 1e-15);
        assert_eq!(x_minus_ln_1p(f64::INFINITY), f64::INFINITY);
    }
}
