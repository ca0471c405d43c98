//! Targets of the tests across temperatures: a periodic Ising lattice and two wells.
#![allow(unreachable_pub)]

use ergodic_core::{Conditional, Energy, EnergyGradient, LocalEnergy, PathBase, Randomness};
use ergodic_math::special::{log_add_exp, sigmoid};

/// `β_c = log(1 + √2)/2`.
pub const CRITICAL: f64 = 0.440_686_793_509_771_5;

/// The 4 × 4 periodic Ising model by energy levels: `(E, g(E))`, symmetric in `E`.
pub const LEVELS_4X4: [(f64, f64); 15] = [
    (-32.0, 2.0),
    (-24.0, 32.0),
    (-20.0, 64.0),
    (-16.0, 424.0),
    (-12.0, 1728.0),
    (-8.0, 6688.0),
    (-4.0, 13568.0),
    (0.0, 20524.0),
    (4.0, 13568.0),
    (8.0, 6688.0),
    (12.0, 1728.0),
    (16.0, 424.0),
    (20.0, 64.0),
    (24.0, 32.0),
    (32.0, 2.0),
];

/// `E(s) = −Σ_<ij> sᵢ sⱼ` on a periodic square lattice; `t` of a path is the inverse temperature.
#[derive(Clone, Debug)]
pub struct Torus {
    neighbours: Vec<[usize; 4]>,
}

impl Torus {
    pub fn new(side: usize) -> Self {
        let at = |r: usize, c: usize| (r % side) * side + c % side;
        let neighbours = (0..side * side)
            .map(|i| {
                let (r, c) = (i / side, i % side);
                [
                    at(r + 1, c),
                    at(r + side - 1, c),
                    at(r, c + 1),
                    at(r, c + side - 1),
                ]
            })
            .collect();
        Self { neighbours }
    }
    fn field(&self, s: &[i8], site: usize) -> f64 {
        let sum: i32 = self.neighbours[site].iter().map(|&j| i32::from(s[j])).sum();
        f64::from(sum)
    }
}

impl Energy for Torus {
    type State = [i8];
    fn energy(&self, s: &[i8]) -> f64 {
        // Each bond from both sides.
        let sum: i32 = self
            .neighbours
            .iter()
            .zip(s)
            .map(|(n, &s0)| i32::from(s0) * n.iter().map(|&j| i32::from(s[j])).sum::<i32>())
            .sum();
        -0.5 * f64::from(sum)
    }
}

impl LocalEnergy for Torus {
    type Move = usize;
    fn delta_energy(&self, s: &[i8], site: usize) -> f64 {
        2.0 * f64::from(s[site]) * self.field(s, site)
    }
    fn apply(&self, s: &mut [i8], site: usize) {
        s[site] = -s[site];
    }
}

impl Conditional for Torus {
    fn num_sites(&self) -> usize {
        self.neighbours.len()
    }
    fn resample_site<R: Randomness + ?Sized>(
        &self,
        s: &mut [i8],
        site: usize,
        beta: f64,
        rng: &mut R,
    ) {
        let up = sigmoid(2.0 * beta * self.field(s, site));
        s[site] = if rng.bernoulli(up) { 1 } else { -1 };
    }
}

/// Free spins: the law of every Ising model at infinite temperature.
#[derive(Clone, Debug)]
pub struct Free(pub usize);

impl PathBase<Vec<i8>> for Free {
    fn log_z(&self) -> f64 {
        self.0 as f64 * std::f64::consts::LN_2
    }
    fn sample<R: Randomness + ?Sized>(&self, rng: &mut R) -> Vec<i8> {
        (0..self.0)
            .map(|_| if rng.bernoulli(0.5) { 1 } else { -1 })
            .collect()
    }
    fn sample_into<R: Randomness + ?Sized>(&self, s: &mut Vec<i8>, rng: &mut R) {
        for s in s {
            *s = if rng.bernoulli(0.5) { 1 } else { -1 };
        }
    }
}

/// Any state of a table with equal probability.
#[derive(Clone, Debug)]
pub struct Uniform(pub usize);

impl PathBase<usize> for Uniform {
    fn log_z(&self) -> f64 {
        (self.0 as f64).ln()
    }
    fn sample<R: Randomness + ?Sized>(&self, rng: &mut R) -> usize {
        rng.index(self.0)
    }
}

/// An equal mixture of normals with unit variance at `±apart` in the first coordinate, normalised
/// (`log Z = 0`).
#[derive(Clone, Debug)]
pub struct TwoWells {
    pub dim: usize,
    pub apart: f64,
}

impl Energy for TwoWells {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        let half_square: f64 = x[1..].iter().map(|v| 0.5 * v * v).sum();
        let well = |m: f64| -0.5 * (x[0] - m) * (x[0] - m);
        let norm = std::f64::consts::LN_2 + self.dim as f64 * ergodic_math::special::HALF_LN_2PI;
        norm + half_square - log_add_exp(well(self.apart), well(-self.apart))
    }
}

impl EnergyGradient for TwoWells {
    fn dim(&self) -> usize {
        self.dim
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        grad.copy_from_slice(x);
        // x₀ − a tanh(a x₀), with tanh y = 2σ(2y) − 1.
        let side = 2.0 * sigmoid(2.0 * self.apart * x[0]) - 1.0;
        grad[0] -= self.apart * side;
        self.energy(x)
    }
}

/// A path run through from 0 to another end than 1.
#[derive(Clone, Debug)]
pub struct Scaled<A> {
    pub path: A,
    pub to: f64,
}

impl<A: ergodic_samplers::AnnealingPath> ergodic_samplers::AnnealingPath for Scaled<A> {
    type Target = A::Target;
    fn at(&self, t: f64) -> A::Target {
        self.path.at(t * self.to)
    }
    fn work(&self, x: &<A::Target as Energy>::State, from: f64, to: f64) -> f64 {
        self.path.work(x, from * self.to, to * self.to)
    }
    fn slope(&self, x: &<A::Target as Energy>::State) -> Option<f64> {
        self.path.slope(x).map(|v| v * self.to)
    }
    fn log_z_base(&self) -> Option<f64> {
        self.path.log_z_base()
    }
    fn sample_base<R: Randomness + ?Sized>(
        &self,
        rng: &mut R,
    ) -> Option<<<A::Target as Energy>::State as ToOwned>::Owned> {
        self.path.sample_base(rng)
    }
    fn sample_base_into<R: Randomness + ?Sized>(
        &self,
        x: &mut <<A::Target as Energy>::State as ToOwned>::Owned,
        rng: &mut R,
    ) -> bool {
        self.path.sample_base_into(x, rng)
    }
}
