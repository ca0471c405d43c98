//! Targets with known answers, and exact second moments of one step of a linear kernel.

use ergodic_conformance::{Enumerate, Limits, outcomes};
use ergodic_core::{Energy, EnergyGradient, MarkovKernel, Randomness};

/// `E = a|x|²/2` in `dim` dimensions.
#[derive(Clone, Copy)]
pub(crate) struct Oscillator {
    pub(crate) stiffness: f64,
    pub(crate) dim: usize,
}

impl Oscillator {
    pub(crate) const UNIT: Self = Self {
        stiffness: 1.0,
        dim: 1,
    };
}

impl Energy for Oscillator {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        0.5 * self.stiffness * x.iter().map(|x| x * x).sum::<f64>()
    }
}

impl EnergyGradient for Oscillator {
    fn dim(&self) -> usize {
        self.dim
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        for (g, x) in grad.iter_mut().zip(x) {
            *g = self.stiffness * x;
        }
        self.energy(x)
    }
}

/// A double well with unequal wells.
#[derive(Clone, Copy)]
pub(crate) struct DoubleWell;

impl Energy for DoubleWell {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        0.5 * (x[0] * x[0] - 1.0).powi(2) + 0.3 * x[0]
    }
}

impl EnergyGradient for DoubleWell {
    fn dim(&self) -> usize {
        1
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        grad[0] = 2.0 * x[0] * (x[0] * x[0] - 1.0) + 0.3;
        self.energy(x)
    }
}

/// Skewed and without symmetry: `E = 2 log(1 + eˣ) − x/2`, tails of unlike exponents.
#[derive(Clone, Copy)]
pub(crate) struct Skewed;

impl Energy for Skewed {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        2.0 * ergodic_math::special::log1p_exp(x[0]) - 0.5 * x[0]
    }
}

impl EnergyGradient for Skewed {
    fn dim(&self) -> usize {
        1
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        grad[0] = 2.0 * ergodic_math::special::sigmoid(x[0]) - 0.5;
        self.energy(x)
    }
}

/// `E = x` on `x ≥ 0`.
#[derive(Clone, Copy)]
pub(crate) struct Wall;

impl Energy for Wall {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        if x[0] >= 0.0 { x[0] } else { f64::INFINITY }
    }
}

impl EnergyGradient for Wall {
    fn dim(&self) -> usize {
        1
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        grad[0] = 1.0;
        self.energy(x)
    }
}

/// Normal draws replaced by ±1, which has the same mean and variance: first and second moments of
/// whatever is linear in its normal draws come out exactly.
pub(crate) struct TwoPoint<'a>(pub(crate) &'a mut Enumerate);

impl Randomness for TwoPoint<'_> {
    fn bernoulli(&mut self, p: f64) -> bool {
        self.0.bernoulli(p)
    }
    fn index(&mut self, n: usize) -> usize {
        self.0.index(n)
    }
    fn categorical(&mut self, weights: &[f64]) -> usize {
        self.0.categorical(weights)
    }
    fn uniform(&mut self) -> f64 {
        self.0.uniform()
    }
    fn normal(&mut self) -> f64 {
        if self.0.bernoulli(0.5) { 1.0 } else { -1.0 }
    }
    fn exponential(&mut self) -> f64 {
        self.0.exponential()
    }
}

/// First and second moments.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Gaussian {
    pub(crate) mean: Vec<f64>,
    /// Row by row.
    pub(crate) covariance: Vec<f64>,
}

impl Gaussian {
    pub(crate) fn centred(covariance: &[f64]) -> Self {
        Self {
            mean: vec![0.0; covariance.len().isqrt()],
            covariance: covariance.to_vec(),
        }
    }

    pub(crate) fn distance(&self, other: &Self) -> f64 {
        let all = self.mean.iter().chain(&self.covariance);
        let others = other.mean.iter().chain(&other.covariance);
        all.zip(others)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max)
    }

    /// `2d` points of equal weight with these moments: mean ± √d times the columns of the Cholesky
    /// factor.
    fn points(&self) -> Vec<Vec<f64>> {
        let d = self.mean.len();
        let mut l = vec![0.0; d * d];
        for i in 0..d {
            for j in 0..=i {
                let known: f64 = (0..j).map(|k| l[i * d + k] * l[j * d + k]).sum();
                let rest = self.covariance[i * d + j] - known;
                l[i * d + j] = if i == j {
                    rest.sqrt()
                } else {
                    rest / l[j * d + j]
                };
            }
        }
        let mut points = Vec::new();
        for k in 0..d {
            for sign in [1.0, -1.0] {
                let column = |i: usize| sign * (d as f64).sqrt() * l[i * d + k];
                points.push((0..d).map(|i| self.mean[i] + column(i)).collect());
            }
        }
        points
    }

    /// The moments after one step of a kernel that is linear for each outcome of its discrete
    /// decisions, from its own code.
    pub(crate) fn after_a_step<T, K>(&self, kernel: &K, target: &T) -> Self
    where
        T: Energy<State = [f64]>,
        K: MarkovKernel<T>,
    {
        let d = self.mean.len();
        let mut out = Self {
            mean: vec![0.0; d],
            covariance: vec![0.0; d * d],
        };
        let points = self.points();
        for z in &points {
            let state = kernel.init(target, z).unwrap();
            let all = outcomes(Limits::default(), |tape| {
                let (mut kernel, mut state) = (kernel.clone(), state.clone());
                kernel
                    .step(target, &mut state, &mut TwoPoint(tape))
                    .unwrap();
                kernel.position(target, &state).to_vec()
            })
            .unwrap();
            for (p, y) in all {
                let w = p / points.len() as f64;
                for i in 0..d {
                    out.mean[i] += w * y[i];
                    for j in 0..d {
                        out.covariance[i * d + j] += w * y[i] * y[j];
                    }
                }
            }
        }
        for i in 0..d {
            for j in 0..d {
                out.covariance[i * d + j] -= out.mean[i] * out.mean[j];
            }
        }
        out
    }

    /// These moments are those of the stationary law: one step leaves them as they are.
    #[track_caller]
    pub(crate) fn assert_stationary<T, K>(&self, kernel: &K, target: &T, what: &str)
    where
        T: Energy<State = [f64]>,
        K: MarkovKernel<T>,
    {
        let after = self.after_a_step(kernel, target);
        let size = self.covariance.iter().fold(1.0f64, |m, v| m.max(v.abs()));
        assert!(
            self.distance(&after) <= 1e-13 * size,
            "{what}: {self:?} becomes {after:?}"
        );
    }
}
