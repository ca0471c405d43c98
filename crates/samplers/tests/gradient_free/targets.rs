//! Laws on the line and in the plane with exact draws that do not come from the code under test.

use ergodic_conformance::Quadrature;
use ergodic_core::{Energy, Randomness};

/// A law that the test can draw from by itself.
pub(crate) trait Drawn: Energy<State = [f64]> + Sync {
    fn dim(&self) -> usize;
    fn exact(&self, rng: &mut dyn Randomness) -> Vec<f64>;
    /// A box that holds all of it but less than 1e-9.
    fn quadrature(&self) -> Quadrature;
    /// A name for failures.
    fn name(&self) -> &'static str;
}

/// The logarithm of a Gamma(2) variable, `E = eˣ − 2x`: skewed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Skewed;
impl Energy for Skewed {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        x[0].exp() - 2.0 * x[0]
    }
}
impl Drawn for Skewed {
    fn dim(&self) -> usize {
        1
    }
    fn exact(&self, rng: &mut dyn Randomness) -> Vec<f64> {
        vec![(rng.exponential() + rng.exponential()).ln()]
    }
    fn quadrature(&self) -> Quadrature {
        Quadrature::new(&[(-12.0, 4.0)]).unwrap()
    }
    fn name(&self) -> &'static str {
        "skewed"
    }
}

/// `E = x⁴ − x²`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DoubleWell;
impl Energy for DoubleWell {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        x[0].powi(4) - x[0] * x[0]
    }
}
impl Drawn for DoubleWell {
    fn dim(&self) -> usize {
        1
    }
    fn exact(&self, rng: &mut dyn Randomness) -> Vec<f64> {
        loop {
            let x = 6.4 * rng.uniform() - 3.2; // beyond, a mass of 1e-42
            if rng.bernoulli((-self.energy(&[x]) - 0.25).exp().min(1.0)) {
                return vec![x];
            }
        }
    }
    fn quadrature(&self) -> Quadrature {
        Quadrature::new(&[(-3.2, 3.2)]).unwrap()
    }
    fn name(&self) -> &'static str {
        "double well"
    }
}

/// Two wells of unlike depth, `E = 3(x² − 1)² + x/2`: a barrier of three nats, so that slices fall
/// into two pieces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeepWells;
impl Energy for DeepWells {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        3.0 * (x[0] * x[0] - 1.0).powi(2) + 0.5 * x[0]
    }
}
impl Drawn for DeepWells {
    fn dim(&self) -> usize {
        1
    }
    fn exact(&self, rng: &mut dyn Randomness) -> Vec<f64> {
        loop {
            let x = 4.8 * rng.uniform() - 2.4; // beyond, a mass of 1e-28
            if rng.bernoulli((-self.energy(&[x]) - 0.6).exp().min(1.0)) {
                return vec![x];
            }
        }
    }
    fn quadrature(&self) -> Quadrature {
        Quadrature::new(&[(-2.4, 2.4)]).unwrap()
    }
    fn name(&self) -> &'static str {
        "deep wells"
    }
}

/// The logistic law, `E = 2 log cosh(x/2)`: exponential tails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logistic;
impl Energy for Logistic {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        x[0].abs() + 2.0 * (-x[0].abs()).exp().ln_1p()
    }
}
impl Drawn for Logistic {
    fn dim(&self) -> usize {
        1
    }
    fn exact(&self, rng: &mut dyn Randomness) -> Vec<f64> {
        let e = rng.exponential();
        vec![-(e.exp_m1()).ln()]
    }
    fn quadrature(&self) -> Quadrature {
        Quadrature::new(&[(-22.0, 22.0)]).unwrap()
    }
    fn name(&self) -> &'static str {
        "logistic"
    }
}

/// Student's law with two degrees of freedom, `E = 3/2 log(1 + x²/2)`: no variance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Student;
impl Energy for Student {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        1.5 * (0.5 * x[0] * x[0]).ln_1p()
    }
}
impl Drawn for Student {
    fn dim(&self) -> usize {
        1
    }
    fn exact(&self, rng: &mut dyn Randomness) -> Vec<f64> {
        vec![rng.normal() / rng.exponential().sqrt()]
    }
    fn quadrature(&self) -> Quadrature {
        Quadrature::new(&[(-30.0, 30.0)]).unwrap() // for a start in the middle alone
    }
    fn name(&self) -> &'static str {
        "Student"
    }
}

/// A normal pair with standard deviations 1 and 2 and correlation .8.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Correlated;
impl Energy for Correlated {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        let (a, b) = (x[0], 0.5 * x[1]);
        (a * a - 1.6 * a * b + b * b) / 0.72
    }
}
impl Drawn for Correlated {
    fn dim(&self) -> usize {
        2
    }
    fn exact(&self, rng: &mut dyn Randomness) -> Vec<f64> {
        let (a, b) = (rng.normal(), rng.normal());
        vec![a, 2.0 * (0.8 * a + 0.6 * b)]
    }
    fn quadrature(&self) -> Quadrature {
        Quadrature::new(&[(-6.0, 6.0), (-12.0, 12.0)]).unwrap()
    }
    fn name(&self) -> &'static str {
        "correlated"
    }
}

/// A curved ridge: `x₁ ∼ N(0, 1)`, `x₂ | x₁ ∼ N(x₁² − 1, ¼)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Banana;
impl Energy for Banana {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        0.5 * x[0] * x[0] + 2.0 * (x[1] - x[0] * x[0] + 1.0).powi(2)
    }
}
impl Drawn for Banana {
    fn dim(&self) -> usize {
        2
    }
    fn exact(&self, rng: &mut dyn Randomness) -> Vec<f64> {
        let a = rng.normal();
        vec![a, a * a - 1.0 + 0.5 * rng.normal()]
    }
    fn quadrature(&self) -> Quadrature {
        Quadrature::new(&[(-6.0, 6.0), (-6.0, 36.0)]).unwrap()
    }
    fn name(&self) -> &'static str {
        "banana"
    }
}
