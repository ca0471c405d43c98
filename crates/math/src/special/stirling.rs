//! Factorials and deviances without cancellation: what probabilities of counts are made of.

use super::{ln_gamma, x_minus_ln_1p};
use crate::Real;

/// `½ log 2π`.
pub const HALF_LN_2PI: f64 = 0.918_938_533_204_672_8;

/// The error of Stirling's formula, `δ(x) = log Γ(x + 1) − (x + ½) log x + x − ½ log 2π` for `x ≥ 0`:
/// about `1/12x`, with a relative error of a few roundings; infinite at 0, NaN below.
///
/// Above 16 the asymptotic series (DLMF 5.11.1); from ½ on `δ(x) = δ(x + 1) + artanh(s)/s − 1` with
/// `s = 1/(2x + 1)`, a sum of positive terms; below by the logarithm of the gamma function.
///
/// ```
/// // 10! by Stirling's formula and its error.
/// let x = 10.0f64;
/// let log = (x + 0.5) * x.ln() - x + ergodic_math::special::HALF_LN_2PI;
/// let factorial = (log + ergodic_math::special::stirling_error(x)).exp();
/// assert!((factorial / 3_628_800.0 - 1.0).abs() < 1e-13);
/// ```
pub fn stirling_error(x: f64) -> f64 {
    if x < 0.5 {
        return ln_gamma(x + 1.0) - (x + 0.5) * Real::ln(x) + x - HALF_LN_2PI;
    }
    let (mut y, mut sum) = (x, 0.0);
    while y < 16.0 {
        let square = 1.0 / ((2.0 * y + 1.0) * (2.0 * y + 1.0));
        let (mut power, mut k) = (square, 3.0);
        while power > 1e-20 * k {
            sum += power / k;
            power *= square;
            k += 2.0;
        }
        y += 1.0;
    }
    let z = 1.0 / (y * y);
    let series = 1.0 / 12.0
        - z * (1.0 / 360.0
            - z * (1.0 / 1260.0 - z * (1.0 / 1680.0 - z * (1.0 / 1188.0 - z * 691.0 / 360_360.0))));
    sum + series / y
}

/// `x log(x/m) + m − x` for finite `x ≥ 0` and `m ≥ 0`, never below 0: the deviance of a count `x` from
/// its mean `m`, with a relative error of a few roundings (Loader, *Fast and accurate computation of
/// binomial probabilities*, 2000). `log p(x)` of a Poisson law is `−deviance − δ(x) − ½ log 2πx`.
///
/// ```
/// use ergodic_math::special::poisson_deviance;
///
/// // Half the square of the standard score, where the count is near its mean.
/// assert!((poisson_deviance(1e15, 1e15 + 2.0) / 2e-15 - 1.0).abs() < 1e-14);
/// ```
pub fn poisson_deviance(x: f64, m: f64) -> f64 {
    if x == 0.0 || m == f64::INFINITY {
        return m;
    }
    let excess = (m - x) / x;
    if excess.abs() < 0.35 {
        return x * x_minus_ln_1p(excess);
    }
    // Far off nothing cancels, while the excess of a small mean would be rounded at 1.
    let ratio = x / m;
    let log = if ratio > 0.0 && ratio.is_finite() {
        Real::ln(ratio)
    } else {
        Real::ln(x) - Real::ln(m)
    };
    x * log + (m - x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The nearest double: ½ log 2π is 0.918938533204672741780…
    #[test]
    #[allow(clippy::excessive_precision)]
    fn half_the_logarithm_of_two_pi_is_rounded_right() {
        assert_eq!(HALF_LN_2PI, 0.918_938_533_204_672_741_780_329_736_4);
    }

    /// Against 50 digits: `δ(x)` of `mpmath`.
    #[test]
    fn the_error_of_stirlings_formula_has_full_relative_accuracy() {
        for (x, exact) in [
            (0.25, 0.272_510_401_213_432_06),
            (0.5, 0.153_426_409_720_027_35),
            (1.0, 0.081_061_466_795_327_258),
            (2.0, 0.041_340_695_955_409_294),
            (7.5, 0.011_104_559_758_206_917),
            (15.0, 0.005_554_733_551_962_801_4),
            (16.0, 0.005_207_655_919_609_640_4),
            (1e6, 8.333_333_333_333_055_6e-8),
        ] {
            let found = stirling_error(x);
            assert!((found / exact - 1.0).abs() < 3e-14, "{x}: {found} {exact}");
        }
    }

    /// Counts, means and deviances of 60 digits.
    const DEVIANCES: [(f64, f64, f64); 12] = [
        (1.0, 1e-10, 22.025850930040455),
        (1.0, 1e-17, 38.14394658089878),
        (3.0, 1e-200, 1381.8468926624316),
        (10000000000.0, 1e-310, 7358272297580.946),
        (2.0, 1.29, 0.1670099243727291),
        (2.0, 1.31, 0.15624008669377024),
        (2.0, 2.69, 0.09721197389239512),
        (2.0, 2.71, 0.10239709133667155),
        (1e-300, 10000000000.0, 10000000000.0),
        (5.0, 0.001, 37.58696595708119),
        (1e-09, 7.0, 6.999999976330824),
        (1000000000000000.0, 1000.0, 2.6631021115929548e+16),
    ];

    #[test]
    fn the_deviance_is_accurate_near_its_zero() {
        let (x, m) = (1e15, 1e15 + 2.0);
        assert!((poisson_deviance(x, m) / 2e-15 - 1.0).abs() < 1e-14);
        assert_eq!(poisson_deviance(0.0, 3.0), 3.0);
        assert!((poisson_deviance(6.0, 3.0) - (6.0 * 2f64.ln() - 3.0)).abs() < 1e-15);
    }

    /// `x log(x/m) + m − x` of 40 digits, for means far below and far above the count, to the ends of the range
    /// of `f64`.
    #[test]
    fn the_deviance_is_accurate_far_from_its_zero() {
        assert_eq!(poisson_deviance(2.0, f64::INFINITY), f64::INFINITY);
        assert_eq!(poisson_deviance(2.0, 0.0), f64::INFINITY);
        for (x, m, exact) in DEVIANCES {
            let found = poisson_deviance(x, m);
            assert!((found / exact - 1.0).abs() < 2e-15, "{x} {m}: {found}");
        }
    }
}
