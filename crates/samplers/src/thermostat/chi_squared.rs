//! Exact draws of sums of squared normals.

use ergodic_core::Randomness;
use ergodic_math::Real;

/// Up to this many degrees of freedom a sum of exponentials is as cheap as a rejection, and takes
/// a fixed number of draws.
const SUM: usize = 16;

/// `χ²` with `degrees` degrees of freedom: the sum of that many squared normals; 0 for none.
///
/// Half of it is a gamma variable. For few degrees of freedom a sum of exponentials, and one
/// squared normal if they are odd; beyond, the rejection of Marsaglia and Tsang (*ACM Trans. Math.
/// Softw.* 26, 363, 2000), which accepts more than 95 of 100 proposals. Both are exact.
pub(crate) fn chi_squared<R: Randomness + ?Sized>(degrees: usize, rng: &mut R) -> f64 {
    if degrees <= SUM {
        let pairs: f64 = (0..degrees / 2).map(|_| rng.exponential()).sum();
        let odd = if degrees % 2 == 1 { rng.normal() } else { 0.0 };
        return 2.0 * pairs + odd * odd;
    }
    let d = 0.5 * degrees as f64 - 1.0 / 3.0;
    let c = 1.0 / (3.0 * d.sqrt());
    loop {
        let x = rng.normal();
        let root = 1.0 + c * x;
        if root <= 0.0 {
            continue;
        }
        let v = root * root * root;
        let log_acceptance = 0.5 * x * x + d * (1.0 - v + Real::ln(v));
        // At most 0 but for rounding.
        if rng.bernoulli(Real::exp(log_acceptance.min(0.0))) {
            return 2.0 * d * v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ergodic_math::special::chi_squared_cdf;

    /// Kolmogorov's distance from the law, at error probability 2·exp(−2·3²) < 3.1e-8 each
    /// (Massart, 1990).
    #[test]
    fn draws_follow_the_chi_squared_law() {
        let n = 40_000;
        for degrees in [1, 2, 3, 7, 16, 17, 40, 1001] {
            let mut rng = ergodic_math::rng::stream(31, degrees as u64);
            let mut draws: Vec<f64> = (0..n).map(|_| chi_squared(degrees, &mut rng)).collect();
            draws.sort_by(f64::total_cmp);
            let distance = draws
                .iter()
                .enumerate()
                .map(|(i, &x)| {
                    let p = chi_squared_cdf(x, degrees as f64).unwrap();
                    let (below, above) = (i as f64 / n as f64, (i + 1) as f64 / n as f64);
                    (p - below).abs().max((above - p).abs())
                })
                .fold(0.0, f64::max);
            assert!(
                distance * (n as f64).sqrt() < 3.0,
                "{degrees} degrees of freedom: √n D = {}",
                distance * (n as f64).sqrt()
            );
        }
        assert_eq!(chi_squared(0, &mut ergodic_math::rng::stream(31, 0)), 0.0);
    }
}
