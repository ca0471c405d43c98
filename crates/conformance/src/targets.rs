//! Continuous targets for kernels: skewed, two-welled, heavy-tailed, correlated, with a domain for
//! quadrature and exact draws where there are any.
//!
//! ```
//! use ergodic_conformance::targets::{DoubleWell, LogGamma};
//! use ergodic_core::Energy;
//!
//! assert_eq!(DoubleWell.energy(&[1.0]), DoubleWell.energy(&[-1.0]) + 0.5);
//! let x = LogGamma(3).exact()(&mut ergodic_math::rng::stream(1, 0));
//! assert_eq!(x.len(), 3);
//! ```

use ergodic_core::{ArgumentError, Energy, EnergyGradient, Randomness};
use ergodic_math::Real;

use crate::Quadrature;

/// `E(x) = x⁴ − x² + x/4` in one dimension: two wells of unequal depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoubleWell;

impl DoubleWell {
    /// A rule for it with 120 nodes for the state and each draw, then twice as many.
    pub fn quadrature() -> Quadrature {
        rule((-3.2, 3.2))
    }
}

impl Energy for DoubleWell {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        let x = x[0];
        x * x * (x * x - 1.0) + 0.25 * x
    }
}

impl EnergyGradient for DoubleWell {
    fn dim(&self) -> usize {
        1
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        grad[0] = x[0] * (4.0 * x[0] * x[0] - 2.0) + 0.25;
        self.energy(x)
    }
}

/// Independent coordinates `x = ln g`, `g ~ Gamma(3)`, in any dimension: `E(x) = Σ e^{xᵢ} − 3xᵢ`, with a
/// long tail on the left and a steep wall on the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogGamma(
    /// The dimension.
    pub usize,
);

impl LogGamma {
    /// An exact draw: each coordinate is the logarithm of a sum of three exponentials.
    pub fn exact(&self) -> impl Fn(&mut dyn Randomness) -> Vec<f64> + Copy + use<> {
        let dim = self.0;
        move |rng| {
            (0..dim)
                .map(|_| Real::ln(rng.exponential() + rng.exponential() + rng.exponential()))
                .collect()
        }
    }

    /// A rule for it in one dimension.
    pub fn quadrature() -> Quadrature {
        rule((-9.0, 4.5))
    }
}

impl Energy for LogGamma {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        x.iter().map(|&x| Real::exp(x) - 3.0 * x).sum()
    }
}

impl EnergyGradient for LogGamma {
    fn dim(&self) -> usize {
        self.0
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let mut energy = 0.0;
        for (g, &x) in grad.iter_mut().zip(x) {
            let exp = Real::exp(x);
            *g = exp - 3.0;
            energy += exp - 3.0 * x;
        }
        energy
    }
}

/// Student's t with ten degrees of freedom in one dimension, `E(x) = 5.5 ln(1 + x²/10)`: tails
/// heavier than those of any normal law, of which the domain of the rule cuts 1e-9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeavyTail;

impl HeavyTail {
    /// A rule for it.
    pub fn quadrature() -> Quadrature {
        rule((-28.0, 28.0))
            .nodes(300, 120)
            .unwrap_or_else(|_| rule((-28.0, 28.0)))
    }
}

impl Energy for HeavyTail {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        5.5 * Real::ln_1p(0.1 * x[0] * x[0])
    }
}

impl EnergyGradient for HeavyTail {
    fn dim(&self) -> usize {
        1
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        grad[0] = 1.1 * x[0] / (1.0 + 0.1 * x[0] * x[0]);
        self.energy(x)
    }
}

/// The normal law with unit variances and correlations `ρ^|i − j|` in any dimension: an
/// autoregressive sequence, `E(x) = x₁²/2 + Σ (xᵢ₊₁ − ρxᵢ)²/(2(1 − ρ²))`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correlated {
    dim: usize,
    rho: f64,
}

impl Correlated {
    /// In `dim` dimensions with correlation `rho` between neighbours.
    ///
    /// # Errors
    /// Unless `dim ≥ 1` and `−1 < rho < 1`.
    pub fn new(dim: usize, rho: f64) -> Result<Self, ArgumentError> {
        if dim == 0 {
            return Err(ArgumentError::new("dim", dim, "at least 1"));
        }
        if !(rho > -1.0 && rho < 1.0) {
            return Err(ArgumentError::new("rho", rho, "strictly between -1 and 1"));
        }
        Ok(Self { dim, rho })
    }

    /// An exact draw.
    pub fn exact(&self) -> impl Fn(&mut dyn Randomness) -> Vec<f64> + Copy + use<> {
        let Self { dim, rho } = *self;
        move |rng| {
            let mut x = Vec::with_capacity(dim);
            let mut last = rng.normal();
            x.push(last);
            for _ in 1..dim {
                last = rho * last + (1.0 - rho * rho).sqrt() * rng.normal();
                x.push(last);
            }
            x
        }
    }
}

impl Energy for Correlated {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        let scale = 1.0 - self.rho * self.rho;
        let steps: f64 = x.windows(2).map(|w| (w[1] - self.rho * w[0]).powi(2)).sum();
        0.5 * (x[0] * x[0] + steps / scale)
    }
}

impl EnergyGradient for Correlated {
    fn dim(&self) -> usize {
        self.dim
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let scale = 1.0 - self.rho * self.rho;
        grad.fill(0.0);
        grad[0] = x[0];
        for i in 1..x.len() {
            let step = (x[i] - self.rho * x[i - 1]) / scale;
            grad[i] += step;
            grad[i - 1] -= self.rho * step;
        }
        self.energy(x)
    }
}

fn rule(domain: (f64, f64)) -> Quadrature {
    Quadrature::new(&[domain])
        .and_then(|rule| rule.nodes(120, 120))
        .expect("the domain is an interval and the nodes are enough")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradient_agrees<T: EnergyGradient + Energy<State = [f64]>>(target: &T, x: &[f64]) {
        let mut grad = vec![0.0; x.len()];
        let energy = target.energy_gradient(x, &mut grad);
        assert!((energy - target.energy(x)).abs() < 1e-12);
        for k in 0..x.len() {
            let at = |h: f64| {
                let mut y = x.to_vec();
                y[k] += h;
                target.energy(&y)
            };
            let h = 1e-3;
            let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
            assert!(
                (slope - grad[k]).abs() < 1e-9,
                "{k}: {slope} and {}",
                grad[k]
            );
        }
    }

    #[test]
    fn gradients_are_those_of_the_energies() {
        for x in [-1.3, 0.2, 0.9] {
            gradient_agrees(&DoubleWell, &[x]);
            gradient_agrees(&HeavyTail, &[3.0 * x]);
            gradient_agrees(&LogGamma(2), &[x, 1.0 - x]);
            gradient_agrees(&Correlated::new(3, -0.7).unwrap(), &[x, 0.4, -x]);
        }
        assert!(Correlated::new(0, 0.5).is_err() && Correlated::new(2, 1.0).is_err());
    }

    #[test]
    fn exact_draws_have_the_moments_of_the_target() {
        use crate::Tape;

        // E x = ψ(3) = 3/2 − γ, E x² − (E x)² = ψ′(3) = π²/6 − 5/4.
        let (draws, correlated) = (LogGamma(2).exact(), Correlated::new(2, 0.8).unwrap());
        let n = 1 << 14;
        let mut tape = Tape::new(6, 1, 0);
        let (mut mean, mut square, mut product) = (0.0, 0.0, 0.0);
        for _ in 0..n {
            tape.advance();
            let x = draws(&mut tape);
            mean += x[1] / f64::from(n);
            square += x[1] * x[1] / f64::from(n);
            let y = correlated.exact()(&mut tape);
            product += y[0] * y[1] / f64::from(n);
        }
        assert!(
            (mean - (1.5 - 0.577_215_664_901_532_9)).abs() < 2e-3,
            "{mean}"
        );
        let variance = std::f64::consts::PI.powi(2) / 6.0 - 1.25;
        assert!((square - mean * mean - variance).abs() < 5e-3);
        assert!((product - 0.8).abs() < 0.06, "{product}"); // beyond the net: plain draws
    }
}
