//! One-dimensional rules for the draws and the state: points with positive weights.
//!
//! `ergodic_math::quadrature` has Gauss–Hermite and Gauss–Laguerre rules for normal and
//! exponential weights, which are exact for polynomials; they are not used here. Accept/reject
//! makes integrands kink where a ratio passes 1, and there a global Gauss rule converges erratically
//! and, its points being fixed by the tails (beyond ±20 at 200 nodes), with coarse steps in the
//! middle. Equal or panelled steps over a cut range lose `O(h²)` to a kink and no more, and halving
//! the step is what tells integration error from a wrong kernel.

use ergodic_core::ArgumentError;
use ergodic_math::quadrature::gauss_legendre;

/// Points and weights of a rule.
#[derive(Clone, Debug)]
pub(crate) struct Nodes {
    pub(crate) points: Vec<f64>,
    pub(crate) weights: Vec<f64>,
}

/// Where normal draws are cut: a mass of 2Φ(−8.5) = 1.9e-17 is lost.
const NORMAL_CUT: f64 = 8.5;
/// Where exponential draws are cut: e⁻⁴⁰ = 4.2e-18 is lost.
const EXPONENTIAL_CUT: f64 = 40.0;

impl Nodes {
    pub(crate) fn len(&self) -> usize {
        self.points.len()
    }

    /// The midpoint form of the trapezoid rule: for an integrand that vanishes at both ends it
    /// converges faster than any power of `h`, and kinks cost `O(h²)`.
    pub(crate) fn trapezoid(lower: f64, upper: f64, n: usize) -> Self {
        let h = (upper - lower) / n as f64;
        Self {
            points: (0..n).map(|k| lower + (k as f64 + 0.5) * h).collect(),
            weights: vec![h; n],
        }
    }

    /// Composite Gauss–Legendre with four points per panel, for integrands that do not vanish at
    /// the ends; `n` is rounded up to a multiple of 4.
    pub(crate) fn panels(lower: f64, upper: f64, n: usize) -> Self {
        let panel = gauss_legendre(4).expect("four nodes are within the domain");
        let panels = n.div_ceil(4);
        let half = 0.5 * (upper - lower) / panels as f64;
        let mut nodes = Self {
            points: Vec::with_capacity(4 * panels),
            weights: Vec::with_capacity(4 * panels),
        };
        for k in 0..panels {
            let centre = lower + (2 * k + 1) as f64 * half;
            for (x, w) in panel.iter() {
                nodes.points.push(centre + half * x);
                nodes.weights.push(half * w);
            }
        }
        nodes
    }

    /// Standard normal, total weight 1.
    pub(crate) fn normal(n: usize) -> Self {
        let mut nodes = Self::trapezoid(-NORMAL_CUT, NORMAL_CUT, n);
        let norm = 1.0 / std::f64::consts::TAU.sqrt();
        for (w, x) in nodes.weights.iter_mut().zip(&nodes.points) {
            *w *= norm * (-0.5 * x * x).exp();
        }
        nodes
    }

    /// Uniform on `[0, 1)`.
    pub(crate) fn uniform(n: usize) -> Self {
        Self::panels(0.0, 1.0, n)
    }

    /// Standard exponential, by the substitution `x = cut·u²` that crowds points near 0.
    pub(crate) fn exponential(n: usize) -> Self {
        let mut nodes = Self::panels(0.0, 1.0, n);
        for (x, w) in nodes.points.iter_mut().zip(&mut nodes.weights) {
            let u = *x;
            *x = EXPONENTIAL_CUT * u * u;
            *w *= 2.0 * EXPONENTIAL_CUT * u * (-*x).exp();
        }
        nodes
    }
}

/// A finite interval with `lower < upper`.
pub(crate) fn interval(argument: &'static str, a: f64, b: f64) -> Result<(), ArgumentError> {
    if a.is_finite() && b.is_finite() && a < b {
        Ok(())
    } else {
        Err(ArgumentError::new(
            argument,
            format!("({a}, {b})"),
            "finite ends, the lower one first",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integrate(nodes: &Nodes, f: impl Fn(f64) -> f64) -> f64 {
        nodes
            .points
            .iter()
            .zip(&nodes.weights)
            .map(|(&x, w)| w * f(x))
            .sum()
    }

    #[test]
    fn rules_reproduce_moments() {
        let n = Nodes::normal(64);
        assert!((integrate(&n, |_| 1.0) - 1.0).abs() < 1e-14);
        assert!((integrate(&n, |x| x.powi(4)) - 3.0).abs() < 1e-12);
        let u = Nodes::uniform(8);
        assert!((integrate(&u, |x| x.powi(7)) - 0.125).abs() < 1e-15);
        let e = Nodes::exponential(200);
        assert!((integrate(&e, |_| 1.0) - 1.0).abs() < 1e-9);
        assert!((integrate(&e, |x| x * x) - 2.0).abs() < 1e-8);
    }
}
