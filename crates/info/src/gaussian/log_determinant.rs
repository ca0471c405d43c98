//! The law of the log-determinant of a normal sample's scatter matrix.

use std::f64::consts::{LN_2, PI};

use ergodic_math::Real;
use ergodic_math::roots::brent;
use ergodic_math::special::{digamma, trigamma};

use crate::InfoError;

/// The law of `log |S| − log |Σ|`, where `S = Σᵢ (xᵢ − x̄)(xᵢ − x̄)ᵀ` of `n` draws of `N(μ, Σ)` in
/// `d` dimensions: that of `Σ_{i=1}^{d} log χ²_{n−i}` with independent terms (Bartlett's
/// decomposition; Anderson, *An Introduction to Multivariate Statistical Analysis*, 3rd ed.,
/// theorem 7.5.3). Exact for every `n > d`.
#[derive(Clone, Debug)]
pub(super) struct LogDeterminantLaw {
    halves: Vec<f64>,
}

impl LogDeterminantLaw {
    /// For `samples > dim ≥ 1`.
    pub(super) fn new(samples: usize, dim: usize) -> Self {
        Self {
            halves: (1..=dim).map(|i| 0.5 * (samples - i) as f64).collect(),
        }
    }

    /// `Σ [ψ((n − i)/2) + log 2]`.
    pub(super) fn mean(&self) -> f64 {
        self.halves.iter().map(|h| digamma(*h) + LN_2).sum()
    }

    /// `Σ ψ′((n − i)/2)`.
    pub(super) fn variance(&self) -> f64 {
        self.halves.iter().map(|h| trigamma(*h)).sum()
    }

    /// The points below which lie `lower` and `upper` of the law; absolute error about 1e-9
    /// standard deviations.
    ///
    /// The distribution function is Gil-Pelaez's integral of the characteristic function
    /// `∏ 2^{it} Γ(ν/2 + it)/Γ(ν/2)` by the midpoint rule, whose error is the mass beyond
    /// `2π/step` and falls exponentially (Davies, *Biometrika* 60, 1973).
    pub(super) fn quantiles(&self, lower: f64, upper: f64) -> Result<(f64, f64), InfoError> {
        let (mean, deviation) = (self.mean(), self.variance().sqrt());
        // A mass below e^{−40} beyond 40 standard deviations, even of log χ²₁.
        let step = 2.0 * PI / (80.0 * deviation);
        let mut nodes = Vec::new();
        loop {
            let t = (nodes.len() as f64 + 0.5) * step;
            let (mut modulus, mut phase) = (0.0, t * (self.halves.len() as f64 * LN_2 - mean));
            for h in &self.halves {
                let (real, imaginary) = log_gamma_along(*h, t);
                modulus += real;
                phase += imaginary;
            }
            // The summand is below 1e-16, and so are those to come: the modulus falls with t.
            if modulus < -37.0 {
                break;
            }
            nodes.push((t, Real::exp(modulus), phase));
        }
        let distribution = |x: f64| {
            let sum: f64 = nodes
                .iter()
                .map(|(t, modulus, phase)| modulus * libm::sin(phase - t * x) / t)
                .sum();
            0.5 - step / PI * sum
        };
        let quantile = |p: f64| {
            let far = 38.0 * deviation;
            brent(|x| distribution(x) - p, -far, far, 1e-11 * deviation)
                .map(|root| mean + root.x)
                .map_err(|e| InfoError::argument("confidence", e, "reached by the law's tails"))
        };
        Ok((quantile(lower)?, quantile(upper)?))
    }
}

/// `log Γ(a + it) − log Γ(a)` for `a > 0`: real and imaginary part, the latter continuous in `t`.
///
/// Stirling's series (NIST *Digital Library of Mathematical Functions* 5.11.1) after the
/// recurrence has raised `a` above 12.
fn log_gamma_along(a: f64, t: f64) -> (f64, f64) {
    let (mut real, mut imaginary) = (0.0, 0.0);
    let mut a = a;
    while a < 12.0 {
        // log Γ(z) = log Γ(z + 1) − log z
        real -= 0.5 * Real::ln_1p((t / a) * (t / a));
        imaginary -= libm::atan2(t, a);
        a += 1.0;
    }
    // (z − ½) log z − z at z = a + it, minus the same at a, with log z = log a + λ + iφ.
    let lambda = 0.5 * Real::ln_1p((t / a) * (t / a));
    let phi = libm::atan2(t, a);
    let log_a = Real::ln(a);
    real += (a - 0.5) * lambda - t * phi;
    imaginary += t * (log_a + lambda) + (a - 0.5) * phi - t;
    // Σ B₂ₖ/(2k(2k − 1) z^{2k−1})
    const SERIES: [f64; 6] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
    ];
    let square = a * a + t * t;
    let (u, v) = (a / square, -t / square);
    let (u2, v2) = (u * u - v * v, 2.0 * u * v);
    let (mut power, mut single) = ((u, v), 1.0 / a);
    for c in SERIES {
        real += c * (power.0 - single);
        imaginary += c * power.1;
        power = (power.0 * u2 - power.1 * v2, power.0 * v2 + power.1 * u2);
        single /= a * a;
    }
    (real, imaginary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ergodic_math::special::chi_squared_cdf;

    #[test]
    fn one_dimension_is_the_log_of_a_chi_squared() {
        for n in [2usize, 3, 5, 20, 1000, 100_000] {
            let law = LogDeterminantLaw::new(n, 1);
            for p in [1e-4, 0.025, 0.3, 0.975, 0.9999] {
                let (x, y) = law.quantiles(p, 0.5).unwrap();
                let found = chi_squared_cdf(x.exp(), (n - 1) as f64).unwrap();
                assert!((found - p).abs() < 1e-9, "n = {n}, p = {p}: {found}");
                assert!(if p < 0.5 { x < y } else { x > y });
            }
        }
    }

    /// In two dimensions `2 √|S| ~ χ²_{2n−4}` for `Σ = I` (Anderson, §7.5.3).
    #[test]
    fn two_dimensions_are_the_square_of_a_chi_squared() {
        for n in [3usize, 4, 10, 500] {
            let law = LogDeterminantLaw::new(n, 2);
            for p in [0.005, 0.2, 0.995] {
                let (x, _) = law.quantiles(p, 0.5).unwrap();
                let root = (0.5 * x).exp();
                let found = chi_squared_cdf(2.0 * root, (2 * n - 4) as f64).unwrap();
                assert!((found - p).abs() < 1e-9, "n = {n}, p = {p}: {found}");
            }
        }
    }

    #[test]
    fn gamma_along_the_imaginary_axis_has_its_known_modulus() {
        // |Γ(½ + it)|² = π/cosh πt, |Γ(1 + it)|² = πt/sinh πt.
        for t in [1e-3, 0.5, 2.0, 10.0] {
            let (real, _) = log_gamma_along(0.5, t);
            let exact = 0.5 * (1.0 / (PI * t).cosh()).ln();
            assert!((real - exact).abs() < 1e-13, "{t}: {real} {exact}");
            let (real, _) = log_gamma_along(1.0, t);
            let exact = 0.5 * (PI * t / (PI * t).sinh()).ln();
            assert!((real - exact).abs() < 1e-13, "{t}: {real} {exact}");
        }
    }
}
