//! What two scales differ by: the part of a divergence that a quotient of parameters makes.

use ergodic_math::Real;
use ergodic_math::special::x_minus_ln_1p;

/// `r − log(1 + r)` with `1 + r = new/old`, for positive numbers: relative accuracy near 1, and finite wherever the
/// quotient is, also where it underflows.
pub(super) fn ratio_divergence(new: f64, old: f64) -> f64 {
    let off = (new - old) / old;
    if off.abs() < 0.5 {
        return x_minus_ln_1p(off);
    }
    // The quotient may leave the range of f64, its logarithm does not.
    new / old - 1.0 + (Real::ln(old) - Real::ln(new))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 40 digits.
    #[test]
    fn divergences_of_ratios_are_accurate_near_and_far_from_1() {
        for (new, exact) in [
            (1e-320, 735.827_240_890_973_9),
            (1e-20, 45.051_701_859_880_914),
            (1e-12, 26.631_021_115_929_548),
            (0.25, 0.636_294_361_119_890_6),
            (1.0 + 1.0 / 1024.0, 4.765_269_445_411_04e-7),
            (1e20, 1e20),
        ] {
            let found = ratio_divergence(new, 1.0);
            assert!((found / exact - 1.0).abs() < 1e-14, "{new}: {found}");
        }
        assert_eq!(ratio_divergence(3e-300, 3e-300), 0.0);
    }
}
