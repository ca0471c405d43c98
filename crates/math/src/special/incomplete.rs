//! Incomplete gamma and beta functions, and the laws whose tails they are.
//!
//! Prefactors such as `xᵃe⁻ˣ/Γ(a + 1)` are computed by Loader's saddle-point form (C. Loader,
//! *Fast and accurate computation of binomial probabilities*, 2000), a deviance and the error of
//! Stirling's formula, in which nothing large cancels; the sums are the power series and the
//! continued fractions of DLMF 8.11.4, 8.9.2 and 8.17.22, by Lentz's method.

use std::f64::consts::PI;

use super::stirling_error;
use crate::DomainError;

/// The largest shape: the cost grows as its square root.
const LARGEST: f64 = 1e12;
const SHAPE: &str = "above 0 and at most 1e12";

/// `P(a, x) = 1/Γ(a) ∫₀ˣ tᵃ⁻¹e⁻ᵗ dt`, the distribution function of the gamma law of shape `a`.
///
/// Domain `0 < a ≤ 10¹²`, `0 ≤ x ≤ ∞`. Relative error ≤ `10⁻¹³ + 10⁻¹⁵·|log P|` for `a ≤ 10⁶`: a tail
/// is the exponential of its logarithm, whose rounding counts. Cost `O(√a)` at worst.
///
/// # Errors
/// An argument outside its domain.
///
/// ```
/// let p = ergodic_math::special::gamma_p(1.0, 2.0)?; // 1 − e⁻²
/// assert!((p - 0.864_664_716_763_387_3).abs() < 1e-15);
/// # Ok::<(), ergodic_math::DomainError>(())
/// ```
pub fn gamma_p(a: f64, x: f64) -> Result<f64, DomainError> {
    Ok(gamma_both(a, x)?.0)
}

/// `Q(a, x) = 1 − P(a, x)`, the upper tail of the gamma law of shape `a`.
///
/// As [`gamma_p`]; the error is relative for `x > a + 1`, below that it is `10⁻¹³` absolute, where
/// `Q > 0.08` if `a ≥ ½`.
///
/// # Errors
/// An argument outside its domain.
pub fn gamma_q(a: f64, x: f64) -> Result<f64, DomainError> {
    Ok(gamma_both(a, x)?.1)
}

/// `P(X ≤ x)` for a chi-squared variable with `degrees` degrees of freedom: `P(degrees/2, x/2)`.
///
/// Domain and error as [`gamma_p`].
///
/// # Errors
/// An argument outside its domain.
pub fn chi_squared_cdf(x: f64, degrees: f64) -> Result<f64, DomainError> {
    check_chi_squared(x, degrees)?;
    gamma_p(0.5 * degrees, 0.5 * x)
}

/// `P(X > x)` for a chi-squared variable with `degrees` degrees of freedom: `Q(degrees/2, x/2)`,
/// the p-value of a chi-squared test.
///
/// Domain and error as [`gamma_q`].
///
/// # Errors
/// An argument outside its domain.
///
/// ```
/// let p = ergodic_math::special::chi_squared_survival(3.841_458_820_694_124, 1.0)?;
/// assert!((p - 0.05).abs() < 1e-15);
/// # Ok::<(), ergodic_math::DomainError>(())
/// ```
pub fn chi_squared_survival(x: f64, degrees: f64) -> Result<f64, DomainError> {
    check_chi_squared(x, degrees)?;
    gamma_q(0.5 * degrees, 0.5 * x)
}

fn check_chi_squared(x: f64, degrees: f64) -> Result<(), DomainError> {
    DomainError::check(
        degrees > 0.0 && degrees <= LARGEST,
        "degrees",
        degrees,
        SHAPE,
    )?;
    DomainError::check(x >= 0.0, "x", x, "at least 0")
}

/// `Iₓ(a, b) = 1/B(a, b) ∫₀ˣ tᵃ⁻¹(1 − t)ᵇ⁻¹ dt`, the distribution function of the beta law.
///
/// Domain `0 < a, b ≤ 10¹²`, `0 ≤ x ≤ 1`. For `x < (a + 1)/(a + b + 2)` the relative error of a
/// normal result is ≤ 10⁻¹² for `a, b ≤ 10³`, growing to 10⁻¹⁰ at 10⁶ and 10⁻⁸ at 10¹² with the length
/// of the fraction; above, the value is the complement of `I₁₋ₓ(b, a)` and the error absolute. Cost
/// `O(√max(a, b))` at worst.
///
/// # Errors
/// An argument outside its domain.
///
/// ```
/// let p = ergodic_math::special::beta_regularized(2.0, 3.0, 0.5)?; // 11/16
/// assert!((p - 0.6875).abs() < 1e-15);
/// # Ok::<(), ergodic_math::DomainError>(())
/// ```
pub fn beta_regularized(a: f64, b: f64, x: f64) -> Result<f64, DomainError> {
    for (name, v) in [("a", a), ("b", b)] {
        DomainError::check(v > 0.0 && v <= LARGEST, name, v, SHAPE)?;
    }
    DomainError::check((0.0..=1.0).contains(&x), "x", x, "between 0 and 1")?;
    Ok(beta_both(a, b, x).0)
}

/// `P(X ≤ k)` for `X` binomial with `n` trials of probability `p`: `1 − I_p(k + 1, n − k)`.
///
/// Domain `n ≤ 10¹²`, `0 ≤ p ≤ 1`; 1 for `k ≥ n`. Error as [`beta_regularized`].
///
/// # Errors
/// An argument outside its domain.
///
/// ```
/// let p = ergodic_math::special::binomial_cdf(1, 3, 0.5)?;
/// assert!((p - 0.5).abs() < 1e-15);
/// # Ok::<(), ergodic_math::DomainError>(())
/// ```
pub fn binomial_cdf(k: u64, n: u64, p: f64) -> Result<f64, DomainError> {
    Ok(binomial_both(k, n, p)?.0)
}

/// `P(X > k)` for `X` binomial with `n` trials of probability `p`: `I_p(k + 1, n − k)`.
///
/// As [`binomial_cdf`], with its accuracy in the upper tail.
///
/// # Errors
/// An argument outside its domain.
pub fn binomial_survival(k: u64, n: u64, p: f64) -> Result<f64, DomainError> {
    Ok(binomial_both(k, n, p)?.1)
}

/// The smallest `k` with `P(X ≤ k) ≥ q`, for `X` binomial with `n` trials of probability `p`.
///
/// Domain as [`binomial_cdf`], and `0 ≤ q ≤ 1`. By bisection on the distribution function, the
/// upper tail through its complement, so that it decides with the accuracy of the tail on both
/// sides; `O(log n)` evaluations.
///
/// # Errors
/// An argument outside its domain.
///
/// ```
/// use ergodic_math::special::binomial_quantile;
/// assert_eq!(binomial_quantile(0.5, 100, 0.5)?, 50);
/// assert_eq!(binomial_quantile(1.0, 100, 0.5)?, 100);
/// # Ok::<(), ergodic_math::DomainError>(())
/// ```
pub fn binomial_quantile(q: f64, n: u64, p: f64) -> Result<u64, DomainError> {
    DomainError::check((0.0..=1.0).contains(&q), "q", q, "between 0 and 1")?;
    let (mut low, mut high) = (0, n); // the answer is in low..=high
    binomial_both(n, n, p)?;
    if q == 0.0 || p == 0.0 {
        return Ok(0);
    }
    if q == 1.0 || p == 1.0 {
        return Ok(n);
    }
    while low < high {
        let k = low + (high - low) / 2;
        let (cdf, survival) = binomial_both(k, n, p)?;
        let reached = if q > 0.5 {
            survival <= 1.0 - q
        } else {
            cdf >= q
        };
        if reached {
            high = k;
        } else {
            low = k + 1;
        }
    }
    Ok(low)
}

fn binomial_both(k: u64, n: u64, p: f64) -> Result<(f64, f64), DomainError> {
    DomainError::check(n as f64 <= LARGEST, "n", n as f64, "at most 1e12")?;
    DomainError::check((0.0..=1.0).contains(&p), "p", p, "between 0 and 1")?;
    if k >= n {
        return Ok((1.0, 0.0));
    }
    let (above, below) = beta_both(k as f64 + 1.0, (n - k) as f64, p);
    Ok((below, above))
}

/// `(P(a, x), Q(a, x))`.
fn gamma_both(a: f64, x: f64) -> Result<(f64, f64), DomainError> {
    DomainError::check(a > 0.0 && a <= LARGEST, "a", a, SHAPE)?;
    DomainError::check(x >= 0.0, "x", x, "at least 0")?;
    if x == 0.0 {
        return Ok((0.0, 1.0));
    }
    if x == f64::INFINITY {
        return Ok((1.0, 0.0));
    }
    // xᵃe⁻ˣ/Γ(a + 1)
    let prefactor =
        libm::exp(-stirling_error(a) - deviance(a, 1.0, x, a - x)) / (2.0 * PI * a).sqrt();
    if x < a + 1.0 {
        let mut term = 1.0;
        let mut sum = 1.0;
        let mut k = a;
        while term > 1e-17 * sum {
            k += 1.0;
            term *= x / k;
            sum += term;
        }
        let p = (prefactor * sum).min(1.0);
        return Ok((p, 1.0 - p));
    }
    // 1/(x + 1 − a − 1(1 − a)/(x + 3 − a − 2(2 − a)/…))
    let fraction = lentz(x + 1.0 - a, |k| (-k * (k - a), x + 2.0 * k + 1.0 - a));
    let q = (a * prefactor / fraction).min(1.0);
    Ok((1.0 - q, q))
}

/// `(Iₓ(a, b), 1 − Iₓ(a, b))`.
fn beta_both(a: f64, b: f64, x: f64) -> (f64, f64) {
    if x == 0.0 {
        return (0.0, 1.0);
    }
    if x == 1.0 {
        return (1.0, 0.0);
    }
    let n = a + b;
    let y = 1.0 - x;
    // xᵃ(1 − x)ᵇ/B(a, b); b − n·y is −(a − n·x) up to rounding, which cancels less.
    let excess = a - n * x;
    let exponent = (stirling_error(n) - stirling_error(a) - stirling_error(b))
        - deviance(a, n, x, excess)
        - deviance(b, n, y, -excess);
    // exp(exponent)·√(ab/2πn), over a or b. Root by root: a product of shapes may underflow.
    let scale = libm::exp(exponent) / (2.0 * PI).sqrt() / n.sqrt();
    let ratio = a.sqrt() / b.sqrt();
    if x < (a + 1.0) / (n + 2.0) {
        let i = (scale / ratio / beta_fraction(a, b, x)).min(1.0);
        (i, 1.0 - i)
    } else {
        let i = (scale * ratio / beta_fraction(b, a, y)).min(1.0);
        (1.0 - i, i)
    }
}

/// `1 + d₁/(1 + d₂/(1 + …))` of DLMF 8.17.22.
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    lentz(1.0, |k| {
        let m = (0.5 * k).floor();
        let before = a + (k - 1.0); // a itself for k = 1, however small
        let d = if m == 0.5 * k {
            m * (b - m) / (before * (a + k))
        } else {
            -(a + m) * (a + b + m) / (before * (a + k))
        };
        (d * x, 1.0)
    })
}

/// `b₀ + a₁/(b₁ + a₂/(b₂ + …))` with `(aₖ, bₖ) = terms(k)`, by the modified method of Lentz
/// (Thompson and Barnett, *J. Comput. Phys.* 64, 1986).
fn lentz(b0: f64, terms: impl Fn(f64) -> (f64, f64)) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut f = away(b0);
    let mut c = f;
    let mut d = 0.0;
    let mut k = 0.0;
    // The fractions here converge in O(√LARGEST) steps; the bound only guards against a cycle of
    // roundings that never meets the tolerance.
    while k < 1e8 {
        k += 1.0;
        let (a, b) = terms(k);
        d = 1.0 / away(b + a * d);
        c = away(b + a / c);
        let step = c * d;
        f *= step;
        if (step - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    f
}

/// `x log(x/m) + m − x` for `m = n·p` and `x − m = difference`, without cancellation near `x = m`:
/// relative error a few ulp.
fn deviance(x: f64, n: f64, p: f64, difference: f64) -> f64 {
    let m = n * p;
    if difference.abs() < 0.5 * (x + m) {
        // With v = (x − m)/(x + m): (x − m)v + 2x Σ_{j≥1} v²ʲ⁺¹/(2j + 1)
        let v = difference / (x + m);
        let mut sum = difference * v;
        let mut power = 2.0 * x * v;
        let mut j = 1.0;
        loop {
            power *= v * v;
            let next = sum + power / (2.0 * j + 1.0);
            if next == sum {
                return sum;
            }
            sum = next;
            j += 1.0;
        }
    }
    let ratio = x / m;
    let log = if m > 1e-290 && ratio > 1e-290 && ratio < 1e290 {
        libm::log(ratio)
    } else {
        libm::log(x) - libm::log(n) - libm::log(p)
    };
    x * log - difference
}
