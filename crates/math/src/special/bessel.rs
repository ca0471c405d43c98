//! Modified Bessel functions of the first kind, as logarithms and ratios.

use std::f64::consts::PI;

use super::gamma::ln_gamma;
use crate::{DomainError, Real};

/// `log I_ν(x)` for `ν ≥ 0` (and `−1/2`, `I_{−1/2}(x) = √(2/πx) cosh x`) and `x ≥ 0`.
///
/// `−∞` at `x = 0`, but 0 for `ν = 0`. The power series, whose terms are all positive, where it is
/// short; Hankel's expansion where `x` is large against `ν²` (DLMF 10.25.2 and 10.40.1). Relative
/// error of `I` below 1e-13 for `x ≤ 10⁴`, of its logarithm always. Cost `O(x + ν)` terms in the
/// series, which is used up to `x = max(60, 2ν²)`.
///
/// # Errors
/// If `ν` is below 0 (other than `−1/2`), `x` negative, or one of them not finite.
///
/// ```
/// use ergodic_math::special::ln_bessel_i;
/// assert!((ln_bessel_i(0.0, 1.0)? - 1.2660658777520084f64.ln()).abs() < 1e-15);
/// # Ok::<(), ergodic_math::DomainError>(())
/// ```
pub fn ln_bessel_i(nu: f64, x: f64) -> Result<f64, DomainError> {
    check(nu, x)?;
    if x > 0.0 && is_large(nu, x) {
        return Ok(x + hankel_scaled(nu, x));
    }
    Ok(series(nu, x))
}

/// `log[e^{−x} I_ν(x)]`, as [`ln_bessel_i`], without the digits that `x` takes where it is large: the absolute
/// error is some `10⁻¹⁶(1 + |log x|)` where Hankel's expansion holds (`x > 60` and `x > 2ν²`), below that
/// some `10⁻¹⁶(1 + x + ν)`.
///
/// # Errors
/// As [`ln_bessel_i`].
///
/// ```
/// use ergodic_math::special::ln_bessel_i_scaled;
/// // I_{1/2}(x) = √(2/πx) sinh x.
/// let found = ln_bessel_i_scaled(0.5, 1e8)?;
/// assert!((found + 0.5 * (2e8 * std::f64::consts::PI).ln()).abs() < 1e-14);
/// # Ok::<(), ergodic_math::DomainError>(())
/// ```
pub fn ln_bessel_i_scaled(nu: f64, x: f64) -> Result<f64, DomainError> {
    check(nu, x)?;
    if x > 0.0 && is_large(nu, x) {
        return Ok(hankel_scaled(nu, x));
    }
    Ok(series(nu, x) - x)
}

/// `log[e^{−x} I_ν(x)]` by Hankel's expansion.
fn hankel_scaled(nu: f64, x: f64) -> f64 {
    let [sum, _] = hankel(nu, x);
    Real::ln(sum) - 0.5 * (Real::ln(x) + Real::ln(2.0 * PI))
}

/// `log I_ν(x)` by the power series.
fn series(nu: f64, x: f64) -> f64 {
    if x == 0.0 {
        return if nu == 0.0 {
            0.0
        } else if nu < 0.0 {
            f64::INFINITY
        } else {
            f64::NEG_INFINITY
        };
    }
    // Σ_k (x²/4)^k / (k! Γ(ν+k+1)), relative to the first term, rescaled before it overflows.
    let quarter = 0.25 * x * x;
    let (mut term, mut sum, mut log_scale) = (1.0, 1.0, 0.0);
    let mut k = 1.0;
    loop {
        term *= quarter / (k * (nu + k));
        sum += term;
        if sum > 1e280 {
            log_scale += Real::ln(sum);
            term /= sum;
            sum = 1.0;
        }
        if term < 1e-17 * sum && quarter < k * (nu + k) {
            break;
        }
        k += 1.0;
    }
    nu * Real::ln(0.5 * x) - ln_gamma(nu + 1.0) + log_scale + Real::ln(sum)
}

/// `I_{ν+1}(x)/I_ν(x)`, in `[0, 1)`: the mean resultant length of the von Mises–Fisher law in
/// dimension `2ν + 2`.
///
/// Gauss' continued fraction, whose terms are all positive (DLMF 10.33.1), or Hankel's expansion where
/// `x` is large against `ν²`. Relative error below 1e-14. Cost `O(x)`, bounded as in [`ln_bessel_i`].
///
/// # Errors
/// As [`ln_bessel_i`].
///
/// ```
/// use ergodic_math::special::bessel_i_ratio;
/// // I_{1/2}/I_{−1/2} = tanh.
/// assert!((bessel_i_ratio(-0.5, 0.7)? - 0.7f64.tanh()).abs() < 1e-15);
/// # Ok::<(), ergodic_math::DomainError>(())
/// ```
pub fn bessel_i_ratio(nu: f64, x: f64) -> Result<f64, DomainError> {
    check(nu, x)?;
    if x == 0.0 {
        return Ok(0.0);
    }
    if is_large(nu, x) {
        return Ok(hankel(nu + 1.0, x)[0] / hankel(nu, x)[0]);
    }
    // Backwards from a term so far out that what is cut is below rounding: past k ≈ x every term
    // shrinks the error at least fourfold.
    let terms = x + 40.0;
    let mut k = libm::ceil(terms);
    let mut ratio = 0.0;
    while k >= 1.0 {
        ratio = 1.0 / (2.0 * (nu + k) / x + ratio);
        k -= 1.0;
    }
    Ok(ratio)
}

/// The derivative in `x` of [`bessel_i_ratio`], `1 − r² − (2ν + 1)r/x > 0`: the variance of the
/// cosine to the mean direction of the von Mises–Fisher law in dimension `2ν + 2`.
///
/// As `r(1/x + I_{ν+2}/I_{ν+1} − r)`, or by the derivative of Hankel's expansions where `x` is large
/// against `ν²`: the plain formula loses all digits there. Relative error below
/// `10⁻¹²(1 + ν³/10³)`.
///
/// # Errors
/// As [`ln_bessel_i`].
///
/// ```
/// use ergodic_math::special::bessel_i_ratio_derivative;
/// // For ν = −1/2 the ratio is tanh.
/// let slope = bessel_i_ratio_derivative(-0.5, 0.7)?;
/// assert!((slope - 1.0 / 0.7f64.cosh().powi(2)).abs() < 1e-15);
/// # Ok::<(), ergodic_math::DomainError>(())
/// ```
pub fn bessel_i_ratio_derivative(nu: f64, x: f64) -> Result<f64, DomainError> {
    check(nu, x)?;
    if x < 1e-8 {
        return Ok(0.5 / (nu + 1.0)); // r = x/2(ν + 1) − …
    }
    if nu == -0.5 {
        let e = Real::exp(-x);
        let cosh = 0.5 * (1.0 + e * e); // times eˣ
        return Ok((e / cosh) * (e / cosh));
    }
    if is_large(nu, x) {
        let ([above, d_above], [below, d_below]) = (hankel(nu + 1.0, x), hankel(nu, x));
        return Ok((d_above * below - above * d_below) / (below * below));
    }
    let ratio = bessel_i_ratio(nu, x)?;
    Ok(ratio * (1.0 / x + (bessel_i_ratio(nu + 1.0, x)? - ratio)))
}

fn check(nu: f64, x: f64) -> Result<(), DomainError> {
    let order = (nu >= 0.0 && nu.is_finite()) || nu == -0.5;
    DomainError::check(order, "nu", nu, "finite and at least 0, or -1/2")?;
    DomainError::check(x >= 0.0 && x.is_finite(), "x", x, "finite and at least 0")
}

/// Where Hankel's expansion reaches rounding before its terms grow.
fn is_large(nu: f64, x: f64) -> bool {
    x > 60.0 && x > 2.0 * nu * nu
}

/// `Σ (−1)^k a_k(ν)/x^k` with `a_k = ∏ (4ν² − (2j−1)²)/(8j)`, cut at its smallest term, and its
/// derivative in `x`, `Σ −k (−1)^k a_k/x^{k+1}`.
fn hankel(nu: f64, x: f64) -> [f64; 2] {
    let four = 4.0 * nu * nu;
    let (mut term, mut sum, mut slope) = (1.0, 1.0, 0.0);
    let mut j = 1.0;
    while j < 200.0 {
        let odd = 2.0 * j - 1.0;
        let next = -term * (four - odd * odd) / (8.0 * j * x);
        if next.abs() >= f64::abs(term) || next == 0.0 {
            break;
        }
        term = next;
        sum += term;
        let change = -j * term / x;
        slope += change;
        if term.abs() < 1e-17 * f64::abs(sum) && change.abs() < 1e-17 * f64::abs(slope) {
            break;
        }
        j += 1.0;
    }
    [sum, slope]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_odd_orders_are_elementary() {
        for x in [1e-3, 0.5, 3.0, 20.0, 59.0, 61.0, 500.0, 1e5] {
            let f = 0.5 * (2.0 / (PI * x)).ln();
            // log sinh x = x + log((1 − e^{−2x})/2)
            let sinh = x + (-(-2.0 * x).exp_m1() / 2.0).ln();
            let found = ln_bessel_i(0.5, x).unwrap();
            assert!(
                (found - (f + sinh)).abs() < 2e-15 * (1.0 + found.abs() + f.abs()),
                "x = {x}"
            );
            let ratio = bessel_i_ratio(-0.5, x).unwrap();
            assert!((ratio / x.tanh() - 1.0).abs() < 1e-14, "x = {x}");
            // I_{3/2}/I_{1/2} = coth x − 1/x
            if x > 0.1 {
                let exact = 1.0 / x.tanh() - 1.0 / x;
                let ratio = bessel_i_ratio(0.5, x).unwrap();
                assert!((ratio - exact).abs() < 1e-14, "x = {x}");
            }
        }
    }

    #[test]
    fn scaled_logarithms_keep_their_digits_where_x_is_large() {
        // e^{−x} I₀ √(2πx) = 1 + 1/8x + 9/128x² + …
        for x in [1e5f64, 1e8, 1e12] {
            let exact =
                f64::ln_1p((1.0 + 9.0 / (16.0 * x)) / (8.0 * x)) - 0.5 * (2.0 * PI * x).ln();
            let found = ln_bessel_i_scaled(0.0, x).unwrap();
            assert!((found - exact).abs() < 1e-14, "x = {x}: {found} {exact}");
        }
        for (nu, x) in [
            (0.0, 0.0),
            (0.0, 3.0),
            (2.5, 40.0),
            (1.0, 61.0),
            (30.0, 100.0),
        ] {
            let off = ln_bessel_i_scaled(nu, x).unwrap() + x - ln_bessel_i(nu, x).unwrap();
            assert!(off.abs() < 1e-13, "ν = {nu}, x = {x}: {off}");
        }
        assert!(ln_bessel_i_scaled(0.0, -1.0).is_err());
    }

    #[test]
    fn recurrence_and_derivative_hold_for_all_orders() {
        for nu in [0.0, 0.3, 1.0, 4.5, 20.0, 150.0] {
            for x in [1e-2, 1.0, 10.0, 70.0, 200.0, 1000.0, 60000.0] {
                // I_ν − I_{ν+2} = 2(ν+1)/x I_{ν+1}
                let r = bessel_i_ratio(nu, x).unwrap();
                let s = bessel_i_ratio(nu + 1.0, x).unwrap();
                let off = 1.0 - r * s - 2.0 * (nu + 1.0) / x * r;
                assert!(off.abs() < 1e-13, "ν = {nu}, x = {x}: {off}");
                // The ratio is that of the functions.
                let by_logs = ln_bessel_i(nu + 1.0, x).unwrap() - ln_bessel_i(nu, x).unwrap();
                let scale = 1.0 + ln_bessel_i(nu, x).unwrap().abs();
                assert!(
                    (by_logs - r.ln()).abs() < 1e-14 * scale,
                    "ν = {nu}, x = {x}: {by_logs} {}",
                    r.ln()
                );
            }
        }
    }

    #[test]
    fn the_derivative_of_the_ratio_is_that_of_closed_forms() {
        for x in [1e-9, 1e-3, 0.5, 3.0, 20.0, 59.0, 61.0, 500.0] {
            // ν = 1/2: r = coth x − 1/x, r′ = 1/x² − 1/sinh² x, Langevin's function.
            let exact: f64 = if x < 0.1 {
                1.0 / 3.0 - x * x / 15.0
            } else {
                1.0 / (x * x) - 1.0 / f64::sinh(x).powi(2)
            };
            let found = bessel_i_ratio_derivative(0.5, x).unwrap();
            assert!(
                (found / exact - 1.0).abs() < 2e-12,
                "x = {x}: {found} {exact}"
            );
        }
        // At large x, (2ν + 1)/2x² − (2ν + 1)(2ν − 1)/4x³ − …
        for nu in [0.0, 1.0, 2.5, 7.0] {
            let x = 1e7;
            let lead = (2.0 * nu + 1.0) / (2.0 * x * x) * (1.0 - (2.0 * nu - 1.0) / (2.0 * x));
            let found = bessel_i_ratio_derivative(nu, x).unwrap();
            assert!(
                (found / lead - 1.0).abs() < 1e-12,
                "ν = {nu}: {found} {lead}"
            );
        }
        // Across the border of the two forms.
        for nu in [0.0, 5.0, 8.0] {
            let x = f64::max(60.0, 2.0 * nu * nu);
            let (a, b) = (
                bessel_i_ratio_derivative(nu, x).unwrap(),
                bessel_i_ratio_derivative(nu, x * (1.0 + 1e-12)).unwrap(),
            );
            assert!((a / b - 1.0).abs() < 1e-10, "ν = {nu}: {a} {b}");
        }
    }

    #[test]
    fn values_of_the_tables() {
        // DLMF / Abramowitz and Stegun table 9.8 and mpmath.
        for (nu, x, value) in [
            (0.0, 1.0, 1.266_065_877_752_008_4),
            (1.0, 1.0, 0.565_159_103_992_485),
            (0.0, 5.0, 27.239_871_823_604_442),
            (2.0, 10.0, 2_281.518_967_726_004),
        ] {
            let found = ln_bessel_i(nu, x).unwrap();
            assert!((found - f64::ln(value)).abs() < 1e-14, "{nu} {x}: {found}");
        }
        assert_eq!(ln_bessel_i(0.0, 0.0), Ok(0.0));
        assert_eq!(ln_bessel_i(1.0, 0.0), Ok(f64::NEG_INFINITY));
        assert!(ln_bessel_i(-1.0, 1.0).is_err() && ln_bessel_i(0.0, f64::NAN).is_err());
        assert!(bessel_i_ratio(0.0, -1.0).is_err());
    }
}
