//! The error function and the normal law.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use crate::DomainError;

/// `erf x = 2/√π ∫₀ˣ e^{−t²} dt`.
///
/// Domain: all reals. Error ≤ 1 ulp: the routine of FreeBSD's msun, by `libm`.
pub fn erf(x: f64) -> f64 {
    libm::erf(x)
}

/// `erfc x = 1 − erf x`, without the cancellation.
///
/// Domain: all reals; subnormal above 26.5, 0 above 27.2. Error ≤ 3 ulp of a normal result: the
/// routine of FreeBSD's msun, by `libm`.
pub fn erfc(x: f64) -> f64 {
    libm::erfc(x)
}

/// `Φ(x) = P(Z ≤ x)` for a standard normal `Z`.
///
/// Domain: all reals. `½ erfc(−x/√2)`, corrected for the rounding of the quotient, which the
/// slope of the tail would magnify by `x²`: error ≤ 4 ulp of a normal result, in the lower tail
/// too (down to `x = −37.5`).
///
/// ```
/// use ergodic_math::special::normal_cdf;
/// assert_eq!(normal_cdf(0.0), 0.5);
/// assert!((normal_cdf(-10.0) / 7.619853024160527e-24 - 1.0).abs() < 1e-15);
/// ```
pub fn normal_cdf(x: f64) -> f64 {
    /// `1/√2` less its nearest `f64`.
    const LOW: f64 = -4.833_646_656_726_457e-17;
    if !(x > -40.0 && x < 40.0) {
        return 0.5 * libm::erfc(-x); // 0, 1 or NaN
    }
    let z = x * FRAC_1_SQRT_2;
    let error = libm::fma(x, FRAC_1_SQRT_2, -z) + x * LOW;
    0.5 * libm::erfc(-z) + error * libm::exp(-z * z) / PI.sqrt()
}

/// `Φ⁻¹(p)`, the quantile of the standard normal law; `∓∞` at 0 and 1.
///
/// An approximation (`erfc_inv` of `statrs`) and one step of Halley's method on [`normal_cdf`], on
/// the side of the smaller tail: error ≤ 4 ulp, relative near the root `p = ½` too. For `p` above
/// ½ this is the quantile of the `f64` that is given: `1 − p` is exact.
///
/// # Errors
/// `p` outside `[0, 1]` or NaN.
///
/// ```
/// use ergodic_math::special::normal_quantile;
/// assert!((normal_quantile(0.975)? - 1.959963984540054).abs() < 1e-15);
/// # Ok::<(), ergodic_math::DomainError>(())
/// ```
pub fn normal_quantile(p: f64) -> Result<f64, DomainError> {
    DomainError::check((0.0..=1.0).contains(&p), "p", p, "between 0 and 1")?;
    if p > 0.5 {
        return Ok(-lower_quantile(1.0 - p));
    }
    Ok(lower_quantile(p))
}

/// The quantile for `p ≤ ½`.
fn lower_quantile(p: f64) -> f64 {
    if p == 0.0 {
        return f64::NEG_INFINITY;
    }
    let x = -std::f64::consts::SQRT_2 * statrs::function::erf::erfc_inv(2.0 * p);
    // Φ(x) − p without cancellation of ½ near the middle.
    let excess = if p > 0.25 {
        0.5 * libm::erf(x * FRAC_1_SQRT_2) + (0.5 - p)
    } else {
        normal_cdf(x) - p
    };
    let density = libm::exp(-0.5 * x * x) / (2.0 * PI).sqrt();
    let newton = excess / density;
    if newton.is_finite() {
        x - newton / (1.0 + 0.5 * x * newton)
    } else {
        x
    }
}
