//! Exact draws of the laws that families share, from uniform, normal and exponential draws.
//!
//! Every accept or reject goes through `Randomness::bernoulli`. Arguments were checked by the
//! family.

use ergodic_core::Randomness;
use ergodic_math::Real;
use ergodic_math::special::x_minus_ln_1p;

/// A gamma draw of this shape and rate 1, as its logarithm: small shapes give draws below the
/// smallest number.
///
/// Marsaglia and Tsang, *ACM Trans. Math. Softw.* 26, 2000: `d(1 + cZ)³`, accepted with probability
/// `exp(Z²/2 + d − dv + d log v)` (above .95); shapes below 1 by `Γ(a) = Γ(a + 1) U^{1/a}`.
pub(crate) fn ln_gamma<R: Randomness + ?Sized>(shape: f64, rng: &mut R) -> f64 {
    if shape < 1.0 {
        let small = -rng.exponential() / shape; // log U^{1/a}
        return ln_gamma(shape + 1.0, rng) + small;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let z = rng.normal();
        let step = c * z;
        if step <= -1.0 {
            continue;
        }
        let ln_v = 3.0 * Real::ln_1p(step);
        // v − 1 − log v, of which a large shape would leave nothing but rounding near v = 1.
        let excess = if step.abs() < 0.1 {
            x_minus_ln_1p(step * (3.0 + step * (3.0 + step)))
        } else {
            let root = 1.0 + step;
            root * root * root - 1.0 - ln_v
        };
        let log_acceptance = 0.5 * z * z - d * excess;
        if rng.bernoulli(Real::exp(log_acceptance).min(1.0)) {
            return Real::ln(d) + ln_v;
        }
    }
}

/// A gamma draw of this shape and rate 1; 0 where it underflows.
pub(crate) fn gamma<R: Randomness + ?Sized>(shape: f64, rng: &mut R) -> f64 {
    Real::exp(ln_gamma(shape, rng))
}

/// A beta draw: its logarithm and that of its complement.
pub(crate) fn ln_beta<R: Randomness + ?Sized>(a: f64, b: f64, rng: &mut R) -> (f64, f64) {
    let (x, y) = (ln_gamma(a, rng), ln_gamma(b, rng));
    let total = ergodic_math::special::log_add_exp(x, y);
    (x - total, y - total)
}

/// The number of successes in `n` trials.
///
/// Splits at the median order statistic of `n` uniforms, a beta draw, until few are left (Devroye,
/// *Non-Uniform Random Variate Generation*, 1986, X.4.3). Cost `O(log n)`, exact for every `p`.
pub(crate) fn binomial<R: Randomness + ?Sized>(mut n: u64, mut p: f64, rng: &mut R) -> u64 {
    let mut successes = 0;
    while n > 24 && p > 0.0 && p < 1.0 {
        let middle = n.div_ceil(2);
        let (ln_y, ln_rest) = ln_beta(middle as f64, (n + 1 - middle) as f64, rng);
        let y = Real::exp(ln_y);
        if y <= p {
            // `middle` uniforms are below p; the others above y are uniform on (y, 1).
            successes += middle;
            n -= middle;
            p = ((p - y) / Real::exp(ln_rest)).clamp(0.0, 1.0);
        } else {
            n = middle - 1;
            p = (p / y).min(1.0);
        }
    }
    if p >= 1.0 {
        return successes + n;
    }
    if p > 0.0 {
        for _ in 0..n {
            successes += u64::from(rng.bernoulli(p));
        }
    }
    successes
}

/// A Poisson draw of this mean.
///
/// Down to a small mean by gamma and binomial draws (Ahrens and Dieter, *Computing* 12, 1974), then by
/// counting exponential gaps. Cost `O(log mean)`.
pub(crate) fn poisson<R: Randomness + ?Sized>(mut mean: f64, rng: &mut R) -> u64 {
    let mut count = 0;
    while mean > 12.0 {
        let events = libm::floor(mean * 0.875);
        let time = gamma(events, rng); // when the event of that number comes
        if time > mean {
            return count + binomial(events as u64 - 1, mean / time, rng);
        }
        count += events as u64;
        mean -= time;
    }
    let mut time = rng.exponential();
    while time < mean {
        count += 1;
        time += rng.exponential();
    }
    count
}

/// An angle with density `∝ exp(κ cos x)` on `(−π, π]` (Best and Fisher, *Appl. Statist.* 28, 1979).
pub(crate) fn von_mises<R: Randomness + ?Sized>(kappa: f64, rng: &mut R) -> f64 {
    use std::f64::consts::PI;
    if kappa < 1e-17 {
        return PI * (1.0 - 2.0 * rng.uniform()); // the density is constant to rounding
    }
    // From a wrapped Cauchy law. r = (1 + ρ²)/2ρ with ρ = (τ − √2τ)/2κ = 2κ/(τ + √2τ), τ = 1 + √(1 + 4κ²);
    // for large κ, r − 1 = (1 − ρ)²/2ρ keeps the digits, with τ − 2κ = 1 + 1/(2κ + √(1 + 4κ²)).
    let root = libm::hypot(1.0, 2.0 * kappa);
    let tau = 1.0 + root;
    let sum = tau + (2.0 * tau).sqrt();
    let rho = 2.0 * kappa / sum;
    let rest = (1.0 + 1.0 / (2.0 * kappa + root) + (2.0 * tau).sqrt()) / sum; // 1 − ρ
    let excess = rest * rest / (2.0 * rho);
    loop {
        let z = libm::cos(PI * rng.uniform());
        // 1 − f, where f = (1 + rz)/(r + z) is the cosine: no cancellation near f = 1.
        let away = excess * (1.0 - z) / (1.0 + excess + z);
        let c = kappa * (excess + away);
        // Accept with probability c exp(1 − c).
        if rng.bernoulli((c * Real::exp(1.0 - c)).min(1.0)) {
            let angle = 2.0 * libm::asin((0.5 * away).min(1.0).sqrt());
            return if rng.bernoulli(0.5) { angle } else { -angle };
        }
    }
}

/// The cosine to the mean direction, as 1 less it, of a von Mises–Fisher draw in dimension `d ≥ 2`
/// (Wood, *Commun. Statist. Simulation* 23, 1994).
pub(crate) fn von_mises_fisher_excess<R: Randomness + ?Sized>(
    d: usize,
    kappa: f64,
    rng: &mut R,
) -> f64 {
    let m = (d - 1) as f64;
    // b = (−2κ + √(4κ² + m²))/m without cancellation.
    let b = m / (2.0 * kappa + libm::hypot(2.0 * kappa, m));
    let x0 = (1.0 - b) / (1.0 + b);
    let rest = 2.0 * b / (1.0 + b); // 1 − x₀
    loop {
        let (ln_z, _) = ln_beta(0.5 * m, 0.5 * m, rng);
        let z = Real::exp(ln_z);
        let excess = 2.0 * b * z / (1.0 - (1.0 - b) * z); // 1 − w
        // κ(w − x₀) + m log[(1 − x₀w)/(1 − x₀²)], with 1 − x₀w = (1 − x₀) + x₀(1 − w).
        let log_acceptance =
            kappa * (rest - excess) + m * Real::ln((rest + x0 * excess) / (rest * (1.0 + x0)));
        if rng.bernoulli(Real::exp(log_acceptance).min(1.0)) {
            return excess;
        }
    }
}

/// An inverse Gaussian draw of this mean and shape (Michael, Schucany and Haas, *Amer. Statist.* 30,
/// 1976).
pub(crate) fn inverse_gaussian<R: Randomness + ?Sized>(mean: f64, shape: f64, rng: &mut R) -> f64 {
    let z = rng.normal();
    let a = 0.5 * mean * z * z / shape;
    // The smaller root μ(1 + a − √(2a + a²)), without cancellation.
    let x = mean / (1.0 + a + a.sqrt() * (2.0 + a).sqrt());
    if rng.bernoulli(mean / (mean + x)) {
        x
    } else {
        mean * (mean / x)
    }
}

/// A lower-triangular factor `L` of a Wishart draw `L Lᵀ` of identity scale (Bartlett's
/// decomposition): `√χ²` on the diagonal, standard normals below.
pub(crate) fn bartlett<R: Randomness + ?Sized>(
    d: usize,
    degrees: f64,
    rng: &mut R,
) -> nalgebra::DMatrix<f64> {
    let mut factor = nalgebra::DMatrix::zeros(d, d);
    for i in 0..d {
        for j in 0..i {
            factor[(i, j)] = rng.normal();
        }
        factor[(i, i)] = (2.0 * gamma(0.5 * (degrees - i as f64), rng)).sqrt();
    }
    factor
}
