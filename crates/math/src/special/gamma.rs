//! The gamma function's logarithm and its derivatives.

use std::f64::consts::PI;

/// `log |Γ(x)|`.
///
/// Domain: all reals; `+∞` at the poles 0, −1, −2, …, and at `±∞`. Error ≤ 4 ulp of
/// `max(|result|, 1)`; for `x > 0` also relative near the zeros 1 and 2.
///
/// The routine of FreeBSD's msun, by `libm`, but on (−40, 0), where the terms of its reflection
/// formula may cancel: there `Γ(x) = Γ(x + n)/(x(x + 1)…(x + n − 1))` with `1 ≤ x + n < 2` and the
/// product carried in two parts.
///
/// ```
/// use ergodic_math::special::ln_gamma;
/// assert_eq!(ln_gamma(5.0), 24f64.ln());
/// assert!((ln_gamma(-0.5) - (2.0 * std::f64::consts::PI.sqrt()).ln()).abs() < 1e-15);
/// ```
pub fn ln_gamma(x: f64) -> f64 {
    if x <= -40.0 || x >= 0.0 || x.is_nan() || x == x.floor() {
        return libm::lgamma(x);
    }
    let steps = 1.0 - x.floor();
    let mut product = x;
    // The relative error of `product`, from the roundings of its factors and of itself.
    let mut relative = 0.0;
    let mut k = 1.0;
    while k < steps {
        let factor = x + k;
        let rounding = x - (factor - k); // exact: k ≥ |factor − k − x|, and x is on its grid
        let next = product * factor;
        relative += rounding / factor + libm::fma(product, factor, -next) / next;
        product = next;
        k += 1.0;
    }
    libm::lgamma(x + steps) - (libm::log(product.abs()) + relative)
}

/// The positive zero of the digamma function, in two parts.
const ROOT: (f64, f64) = (1.461_632_144_968_362_2, 9.549_995_429_965_697e-17);

/// Coefficients of `ψ(x)/(x − x₀)` in powers of `x − 3/2` on [1, 2]: Chebyshev interpolation at
/// 300 bits, error 2⁻⁵⁵.
const NEAR_ROOT: [f64; 22] = [
    0.951055876031833,
    -0.4236274212814605,
    0.2405424842407742,
    -0.14840492305390884,
    0.09498872445494122,
    -0.061922133273064534,
    0.04076083381242074,
    -0.02697579675613825,
    0.0179072524394512,
    -0.011908218001568644,
    0.007926944646403797,
    -0.005279964873257405,
    0.003519006401502276,
    -0.002345267632540769,
    0.0015566317474486838,
    -0.0010376374098418604,
    0.0007233266279287554,
    -0.0004821990530566789,
    0.0002272331660987376,
    -0.00015148586836773365,
    0.00025968482126430747,
    -0.00017312261802727394,
];

/// `ψ(x) = d/dx log Γ(x)`, the digamma function.
///
/// Domain: all reals. At the poles 0, −1, −2, … (every float below −2⁵² is one) the value is
/// the limit from the right, `−∞`; `ψ(∞) = ∞`; `ψ(−∞)` does not exist and is NaN. Error ≤ 4 ulp of
/// `max(|ψ|, 1)`; for `x` in [1, 2], with the positive zero `x₀ = 1.4616…`, ≤ 4 ulp of the value
/// itself.
///
/// On [1, 2] `(x − x₀)` times a polynomial; up to 10 the recurrence `ψ(x + 1) = ψ(x) + 1/x`; above
/// `log x − 1/2x − Σ B₂ₖ/(2k x²ᵏ)`; below 0 the reflection `ψ(x) = ψ(1 − x) − π cot πx` (DLMF
/// 5.5.2, 5.11.2, 5.5.4), its two terms each carried in two parts because they may cancel.
///
/// ```
/// let euler = 0.577_215_664_901_532_9;
/// assert_eq!(ergodic_math::special::digamma(1.0), -euler);
/// ```
pub fn digamma(x: f64) -> f64 {
    if x > 0.0 {
        let (high, low) = digamma_positive(x);
        return high + low;
    }
    if x == x.floor() {
        return if x.is_finite() {
            f64::NEG_INFINITY
        } else {
            f64::NAN
        };
    }
    // Both terms may be large and cancel: each in two parts, the rounding of 1 − x included.
    let y = 1.0 - x;
    let rounding = (1.0 - y) - x;
    let (high, low) = digamma_positive(y);
    let low = low + rounding * (1.0 + 0.5 / y) / y;
    let (c_high, c_low) = pi_cot_pi(x);
    (high - c_high) + (low - c_low)
}

/// `ψ(x)` for `x > 0` as a large part of which every rounding is known and a small part.
fn digamma_positive(x: f64) -> (f64, f64) {
    if x < 1.0 {
        let y = 1.0 + x;
        return (-1.0 / x, on_one_two(y, (1.0 - y) + x));
    }
    if x < 10.0 {
        let mut y = x;
        let (mut sum, mut roundings) = (0.0, 0.0);
        while y > 2.0 {
            y -= 1.0; // exact
            let next = sum + 1.0 / y;
            roundings += 1.0 / y - (next - sum);
            sum = next;
        }
        return (sum, on_one_two(y, 0.0) + roundings);
    }
    let z = 1.0 / (x * x);
    let series = [
        1.0 / 12.0,
        -1.0 / 120.0,
        1.0 / 252.0,
        -1.0 / 240.0,
        1.0 / 132.0,
        -691.0 / 32760.0,
        1.0 / 12.0,
        -3617.0 / 8160.0,
    ];
    let rest = 0.5 / x + z * polynomial(&series, z);
    if !x.is_finite() {
        return (x, 0.0);
    }
    // log x = k·log 2 + log m; the first product is exact in the upper part of log 2.
    const LN_2: (f64, f64) = (0.693_147_180_559_890_3, 5.497_923_018_708_371e-14);
    let exponent = libm::ilogb(x);
    let m = libm::scalbn(x, -exponent);
    let (k, m) = if m > std::f64::consts::SQRT_2 {
        (f64::from(exponent) + 1.0, 0.5 * m)
    } else {
        (f64::from(exponent), m)
    };
    (k * LN_2.0, (libm::log(m) + k * LN_2.1) - rest)
}

/// `ψ(x + dx)` for `1 ≤ x ≤ 2` and `dx` below the rounding of `x`.
fn on_one_two(x: f64, dx: f64) -> f64 {
    ((x - ROOT.0) + (dx - ROOT.1)) * polynomial(&NEAR_ROOT, x - 1.5)
}

fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |p, &c| p * x + c)
}

/// `2(ζ(2k) − 1)` for k = 1, 2, …
const ZETA: [f64; 14] = [
    1.2898681336964528,
    0.16464646742227637,
    0.03468612396889828,
    0.00815471239588868,
    0.0019891502556361705,
    0.0004921731066160966,
    0.00012249627011740966,
    3.056451881730374e-05,
    7.63458652999968e-06,
    1.9079240677455924e-06,
    4.76901005455466e-07,
    1.1921637810251896e-07,
    2.9803109656730085e-08,
    7.450668049576915e-09,
];

/// `π cot πx` for `x` not an integer, in two parts: with the distance `r` from the nearest
/// integer, `1/r − 2r/(1 − r²) − Σ 2(ζ(2k) − 1) r²ᵏ⁻¹` (DLMF 4.22.3, all poles but three
/// expanded).
fn pi_cot_pi(x: f64) -> (f64, f64) {
    let r = x - libm::rint(x); // exact
    let high = 1.0 / r;
    // 1/r might overflow, then its rounding does not matter.
    let rounding = libm::fma(-high, r, 1.0) / r;
    let rounding = if rounding.is_finite() { rounding } else { 0.0 };
    let square = r * r;
    let near = 2.0 * r / ((1.0 - r) * (1.0 + r));
    (high, rounding - (near + r * polynomial(&ZETA, square)))
}

/// The positive `x` with `ψ(x) = y`.
///
/// Domain: all reals; 0 at `−∞`, `∞` at `∞` (and where `eʸ` overflows), NaN at NaN. Newton's iteration
/// from `eʸ + ½` or `−1/(y − ψ(1))` (Minka, *Estimating a Dirichlet distribution*, 2000, appendix C),
/// which converges from either side as `ψ` is increasing and concave. Relative error a few ulp of
/// `max(1, |ψ(x)|, 1/(x ψ′(x)))`.
///
/// ```
/// use ergodic_math::special::{digamma, digamma_inverse};
/// assert!((digamma_inverse(digamma(3.5)) - 3.5).abs() < 1e-14);
/// ```
pub fn digamma_inverse(y: f64) -> f64 {
    if y.is_nan() {
        return y;
    }
    if y > 700.0 {
        return libm::exp(y); // ψ(x) = log x − 1/2x
    }
    let mut x = if y >= -2.22 {
        libm::exp(y) + 0.5
    } else {
        -1.0 / (y - digamma(1.0))
    };
    if x < 1e-150 {
        return x; // ψ(x) = −1/x − γ to all digits
    }
    for _ in 0..8 {
        let next = x - (digamma(x) - y) / trigamma(x);
        // From above the zero Newton may leave the domain; a halving comes back to it.
        let next = if next > 0.0 { next } else { 0.5 * x };
        let done = (next - x).abs() <= 1e-15 * x;
        x = next;
        if done {
            break;
        }
    }
    x
}

/// `ψ′(x)`, the trigamma function, the variance of the log of a gamma variable.
///
/// Domain: all reals; `+∞` at the poles 0, −1, −2, … (and where the value overflows, `|x| <
/// 7.5·10⁻¹⁵⁵`), 0 at `∞`, NaN at `−∞`. Error ≤ 4 ulp for `x > 0`, ≤ 8 ulp below.
///
/// Recurrence `ψ′(x) = ψ′(x + 1) + 1/x²` up to 10, then `1/x + 1/2x² + Σ B₂ₖ/x²ᵏ⁺¹`; below 0 the
/// reflection `ψ′(x) = π²/sin² πx − ψ′(1 − x)` (DLMF 5.15).
///
/// ```
/// use std::f64::consts::PI;
/// assert!((ergodic_math::special::trigamma(1.0) - PI * PI / 6.0).abs() < 1e-15);
/// ```
pub fn trigamma(x: f64) -> f64 {
    if x <= 0.0 {
        if x == x.floor() {
            return if x.is_finite() {
                f64::INFINITY
            } else {
                f64::NAN
            };
        }
        let (high, low) = pi_cot_pi(x);
        let c = high + low; // π²/sin² = π² + (π cot)²
        return (PI * PI - trigamma(1.0 - x)) + c * c;
    }
    let steps = if x < 10.0 { (10.0 - x).ceil() } else { 0.0 };
    let y = x + steps;
    let z = 1.0 / (y * y);
    let series = [
        1.0 / 6.0,
        -1.0 / 30.0,
        1.0 / 42.0,
        -1.0 / 30.0,
        5.0 / 66.0,
        -691.0 / 2730.0,
        7.0 / 6.0,
        -3617.0 / 510.0,
    ];
    let mut sum = (0.5 * z + z * polynomial(&series, z) / y) + 1.0 / y;
    let mut k = steps;
    while k > 0.0 {
        k -= 1.0;
        let y = x + k;
        sum += 1.0 / (y * y); // the small terms first
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_of_digamma_undoes_it() {
        for x in [
            1e-200, 1e-100, 1e-8, 0.01, 0.3, 1.0, 1.46, 2.0, 10.0, 1e3, 1e8, 1e15, 1e100,
        ] {
            let back = digamma_inverse(digamma(x));
            // ψ is known to an ulp of its value or of 1; that over x ψ′ is what x may be off.
            let condition = digamma(x).abs().max(1.0) / (x * trigamma(x));
            let allowed = 1e-15 * condition.max(4.0);
            assert!((back / x - 1.0).abs() <= allowed, "{x}: {back}");
        }
        assert_eq!(digamma_inverse(f64::NEG_INFINITY), 0.0);
        assert_eq!(digamma_inverse(f64::INFINITY), f64::INFINITY);
        assert!(digamma_inverse(f64::NAN).is_nan());
    }
}
