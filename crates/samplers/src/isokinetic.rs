//! Isokinetic dynamics, on which the microcanonical samplers move: its exact half-steps and the
//! integrators made of them.
//!
//! In the whitened coordinates of [`hamiltonian`](crate::hamiltonian), with a metric `A Aᵀ = Σ`,
//! a particle of direction `u`, `|u| = 1`, moves by
//!
//! `dx/dt = A u`, `du/dt = −(I − u uᵀ) Aᵀ∇E(x)/(d − 1)`.
//!
//! The flow has divergence `(Au)ᵀ∇E = dE/dt`, so it leaves `e^{−E(x)} dx du` invariant: positions
//! follow the target itself and directions are uniform on the sphere (Robnik, De Luca,
//! Silverstein and Seljak, *JMLR* 24, 2023; Tuckerman, Liu, Ciccotti and Martyna, *J. Chem.
//! Phys.* 115, 1678, 2001). In one dimension the sphere is a pair of points and the direction
//! cannot turn: the dynamics needs `d ≥ 2`.

use ergodic_core::{EnergyGradient, Randomness, TargetError, WarmupStep};
use ergodic_math::Real;

use crate::hamiltonian::{Metric, add_scaled, check_energy, check_start, dot};

/// How one step of isokinetic dynamics is integrated. Both are palindromes of kicks `B` (the
/// exact flow of the momentum at a fixed gradient) and drifts `A` (`x ← x + hv`): reversible and
/// of second order.
///
/// ```
/// use ergodic_samplers::IsokineticIntegrator;
///
/// assert_eq!(IsokineticIntegrator::Leapfrog.gradients(), 1);
/// assert_eq!(IsokineticIntegrator::MinimalNorm.gradients(), 2);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum IsokineticIntegrator {
    /// `B(h/2) A(h) B(h/2)`: one gradient per step.
    #[default]
    Leapfrog,
    /// `B(λh) A(h/2) B((1−2λ)h) A(h/2) B(λh)` with `λ = 0.19318…`, which minimises the norm of
    /// the leading error among schemes of this form: two gradients per step, and an error several
    /// times smaller than that of a leapfrog step of the same length (McLachlan, *SIAM J. Sci.
    /// Comput.* 16, 151, 1995; Omelyan, Mryglod and Folk, *Comput. Phys. Commun.* 151, 272, 2003).
    MinimalNorm,
}

/// `½ − r/12 + 1/(6r)` with `r³ = 36 + 2√326`.
const LAMBDA: f64 = 0.193_183_327_503_783_6;

impl IsokineticIntegrator {
    /// Evaluations of the gradient in one step.
    pub const fn gradients(self) -> u64 {
        match self {
            Self::Leapfrog => 1,
            Self::MinimalNorm => 2,
        }
    }

    /// Shares of the step of the kicks; drifts of equal length stand between them.
    const fn kicks(self) -> &'static [f64] {
        match self {
            Self::Leapfrog => &[0.5, 0.5],
            Self::MinimalNorm => &[LAMBDA, 1.0 - 2.0 * LAMBDA, LAMBDA],
        }
    }
}

/// The exact flow of the direction over a time `h` at a fixed gradient, `whitened = w = Aᵀ∇E`.
/// Returns the change of the kinetic energy, `ΔK = (d−1) log(cosh δ + c sinh δ)`, which is minus
/// the logarithm of the Jacobian of the map on the sphere.
///
/// With `δ = h|w|/(d−1)` and `c = −wᵀu/|w|`:
///
/// `u ← (u − (sinh δ + c(cosh δ − 1)) w/|w|) / (cosh δ + c sinh δ)`.
///
/// All exponentials have arguments `≤ 0`, so that a large gradient overflows nothing; one whose
/// square does (beyond 10¹⁵⁴) makes the work infinite, and the trajectory is refused.
pub(crate) fn kick(direction: &mut [f64], whitened: &[f64], h: f64) -> f64 {
    let norm = dot(whitened, whitened).sqrt();
    if norm == 0.0 {
        return 0.0;
    }
    let degrees = (direction.len() - 1) as f64;
    let delta = h * norm / degrees;
    // Rounding may leave |c| above 1 by an ulp, where the logarithm below could fail.
    let c = (-dot(whitened, direction) / norm).clamp(-1.0, 1.0);
    let (once, twice) = (Real::exp_m1(-delta), Real::exp_m1(-2.0 * delta));
    // Numerators and denominator of the flow, all times 2 e^{−δ}.
    let denominator = 2.0 + (1.0 - c) * twice;
    let turn = (c * once * once - twice) / denominator / norm;
    let keep = 2.0 * (1.0 + once) / denominator;
    for (u, w) in direction.iter_mut().zip(whitened) {
        *u = keep * *u - turn * w;
    }
    degrees * (delta + Real::ln_1p(0.5 * (1.0 - c) * twice))
}

/// Rescales to `|u| = 1`; to the first axis should all components vanish, which a normal vector
/// does with probability zero.
pub(crate) fn normalise(direction: &mut [f64]) {
    let square = dot(direction, direction);
    if square > 0.0 {
        let scale = square.sqrt().recip();
        for u in direction {
            *u *= scale;
        }
    } else {
        direction.fill(0.0);
        direction[0] = 1.0;
    }
}

/// A point on its way along an isokinetic trajectory.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct IsokineticPoint {
    pub(crate) position: Vec<f64>,
    /// The unit vector `u`.
    pub(crate) direction: Vec<f64>,
    /// `∇E` at the position.
    pub(crate) gradient: Vec<f64>,
    /// `Aᵀ∇E`, and between two gradients `A u`.
    pub(crate) whitened: Vec<f64>,
    pub(crate) energy: f64,
}

impl IsokineticPoint {
    /// The point at `x`, without a direction.
    pub(crate) fn new<T: EnergyGradient + ?Sized>(
        target: &T,
        metric: &Metric,
        x: &[f64],
    ) -> Result<Self, TargetError> {
        let mut point = Self {
            position: x.to_vec(),
            direction: Vec::new(),
            gradient: Vec::new(),
            whitened: Vec::new(),
            energy: 0.0,
        };
        point.refresh(target, metric)?;
        Ok(point)
    }

    /// Recomputes at the present position what depends on the target.
    pub(crate) fn refresh<T: EnergyGradient + ?Sized>(
        &mut self,
        target: &T,
        metric: &Metric,
    ) -> Result<(), TargetError> {
        let dim = target.dim();
        check_start(dim, &self.position)?;
        metric.fits(dim)?;
        if dim < 2 {
            return Err(TargetError::new(
                "the target has dimension 1, in which no direction can turn: microcanonical \
                 kernels need at least 2",
            ));
        }
        self.direction.resize(dim, 0.0);
        self.gradient.resize(dim, 0.0);
        self.whitened.resize(dim, 0.0);
        self.energy = target.energy_gradient(&self.position, &mut self.gradient);
        check_energy(self.energy, &self.gradient)
    }

    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.position.clone_from(&other.position);
        self.direction.clone_from(&other.direction);
        self.gradient.clone_from(&other.gradient);
        self.energy = other.energy;
    }

    /// Draws a direction, uniform on the sphere.
    pub(crate) fn draw_direction<R: Randomness + ?Sized>(&mut self, rng: &mut R) {
        rng.fill_normal(&mut self.direction);
        normalise(&mut self.direction);
    }

    /// Steps of length `h`, a distance in the metric, from a point whose energy and gradient are
    /// known. Returns the kinetic work `ΔK`, NaN if an energy or gradient on the way was not
    /// finite (the point is then useless), and the gradients spent.
    pub(crate) fn travel<T: EnergyGradient + ?Sized>(
        &mut self,
        target: &T,
        metric: &Metric,
        integrator: IsokineticIntegrator,
        h: f64,
        steps: usize,
    ) -> (f64, u64) {
        let kicks = integrator.kicks();
        let drift = h / (kicks.len() - 1) as f64;
        let (mut work, mut gradients) = (0.0, 0);
        metric.whiten(&self.gradient, &mut self.whitened);
        for _ in 0..steps {
            work += kick(&mut self.direction, &self.whitened, kicks[0] * h);
            for share in &kicks[1..] {
                metric.velocity(&self.direction, &mut self.whitened);
                add_scaled(drift, &self.whitened, &mut self.position);
                self.energy = target.energy_gradient(&self.position, &mut self.gradient);
                gradients += 1;
                metric.whiten(&self.gradient, &mut self.whitened);
                work += kick(&mut self.direction, &self.whitened, share * h);
                // A gradient that is not finite makes the work NaN or infinite.
                if !(self.energy.is_finite() && work.is_finite()) {
                    return (f64::NAN, gradients);
                }
            }
        }
        (work, gradients)
    }
}

/// Chooses the length over which an isokinetic trajectory keeps its direction.
///
/// Positions are taken one length `L` apart. If a coordinate is an autoregression with lag-one
/// correlation `ρ`, an independent draw costs the distance `τL`, `τ = (1 + ρ)/(1 − ρ)`, and the
/// length becomes the share `κ` of that (Robnik et al. 2023, section 4.2, with `κ ≈ 0.4` for the
/// Langevin form). At its fixed point `τ = 1/κ`. The ninth decile over the coordinates counts:
/// the slow ones decide, and one that happens to look slow does not.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct LengthTuner {
    count: u64,
    /// The first position: sums are taken from there.
    origin: Vec<f64>,
    last: Vec<f64>,
    sum: Vec<f64>,
    squares: Vec<f64>,
    products: Vec<f64>,
}

impl LengthTuner {
    /// Where in a warm-up the length changes; the first part is for metric and step size.
    pub(crate) const WINDOWS: [f64; 4] = [0.25, 0.45, 0.65, 0.85];
    /// Fewer positions than this tell nothing.
    const FEWEST: u64 = 16;

    pub(crate) fn new(dim: usize) -> Self {
        let zero = vec![0.0; dim];
        Self {
            count: 0,
            origin: zero.clone(),
            last: zero.clone(),
            sum: zero.clone(),
            squares: zero.clone(),
            products: zero,
        }
    }

    /// Learns from a position, one length after the last.
    pub(crate) fn push(&mut self, x: &[f64]) {
        if self.count == 0 {
            self.origin.copy_from_slice(x);
        }
        for i in 0..x.len() {
            let z = x[i] - self.origin[i];
            self.sum[i] += z;
            self.squares[i] += z * z;
            self.products[i] += z * self.last[i];
            self.last[i] = z;
        }
        self.count += 1;
    }

    /// The factor by which the length has to change, within 1/3 and 3, and a new window; 1 if
    /// there was too little to learn from.
    pub(crate) fn finish(&mut self, share: f64) -> f64 {
        let n = self.count as f64;
        let mut correlations: Vec<f64> = (0..self.sum.len())
            .map(|i| {
                let mean = self.sum[i] / n;
                let variance = self.squares[i] / n - mean * mean;
                let covariance = self.products[i] / n - mean * mean;
                covariance / variance
            })
            .filter(|rho| rho.is_finite())
            .collect();
        let few = self.count < Self::FEWEST || correlations.is_empty();
        *self = Self::new(self.sum.len());
        if few {
            return 1.0;
        }
        correlations.sort_unstable_by(f64::total_cmp);
        let rho = correlations[(9 * (correlations.len() - 1)).div_ceil(10)].clamp(-0.99, 0.99);
        (share * (1.0 + rho) / (1.0 - rho)).clamp(1.0 / 3.0, 3.0)
    }
}

/// Whether the share `end` of a warm-up is over with this step, and was not before.
pub(crate) fn crosses(at: WarmupStep, end: f64) -> bool {
    let steps = (end * at.of as f64).ceil() as usize;
    at.step + 1 == steps
}

#[cfg(test)]
mod tests {
    use ergodic_core::Energy;
    use nalgebra::DMatrix;

    use super::*;

    /// `Σ xᵢ⁴/4 + (x₁ − x₂)²/2 + …`, neither Gaussian nor a product.
    struct Quartic(usize);
    impl Energy for Quartic {
        type State = [f64];
        fn energy(&self, x: &[f64]) -> f64 {
            let mut g = vec![0.0; x.len()];
            self.energy_gradient(x, &mut g)
        }
    }
    impl EnergyGradient for Quartic {
        fn dim(&self) -> usize {
            self.0
        }
        fn energy_gradient(&self, x: &[f64], g: &mut [f64]) -> f64 {
            let mut energy = 0.0;
            for (x, g) in x.iter().zip(g.iter_mut()) {
                energy += 0.25 * x.powi(4);
                *g = x.powi(3);
            }
            for i in 1..x.len() {
                let r = x[i - 1] - x[i];
                energy += 0.5 * r * r;
                g[i - 1] += r;
                g[i] -= r;
            }
            energy
        }
    }

    const INTEGRATORS: [IsokineticIntegrator; 2] = [
        IsokineticIntegrator::Leapfrog,
        IsokineticIntegrator::MinimalNorm,
    ];

    fn metrics() -> Vec<Metric> {
        let dense = DMatrix::from_row_slice(3, 3, &[2.0, 0.6, 0.1, 0.6, 1.0, -0.3, 0.1, -0.3, 0.5]);
        vec![
            Metric::identity(),
            Metric::diagonal(&[0.5, 2.0, 1.3]).unwrap(),
            Metric::dense(&dense).unwrap(),
        ]
    }

    /// A point at `x` with the direction of `u`.
    fn point(metric: &Metric, x: &[f64], u: &[f64]) -> IsokineticPoint {
        let mut point = IsokineticPoint::new(&Quartic(3), metric, x).unwrap();
        point.direction.copy_from_slice(u);
        normalise(&mut point.direction);
        point
    }

    fn flip(point: &mut IsokineticPoint) {
        for u in &mut point.direction {
            *u = -*u;
        }
    }

    #[test]
    fn lambda_is_the_root_of_the_minimal_norm_equation() {
        let r = (36.0 + 2.0 * 326.0f64.sqrt()).cbrt();
        assert!((0.5 - r / 12.0 + 1.0 / (6.0 * r) - LAMBDA).abs() < 1e-15);
        for integrator in INTEGRATORS {
            let total: f64 = integrator.kicks().iter().sum();
            assert!((total - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn kicks_keep_the_speed_for_any_force() {
        for exponent in -12..=6 {
            let size = 10f64.powi(exponent);
            let g = [0.3 * size, -1.2 * size, 0.4 * size];
            let mut u = [0.48, 0.6, 0.64];
            let work = kick(&mut u, &g, 0.7);
            let norm = dot(&u, &u);
            assert!((norm - 1.0).abs() < 1e-10, "at {size:e}: |u|² = {norm}");
            // |ΔK| ≤ h|g|, its value for a momentum along the force
            assert!(work.abs() <= 0.7 * size * 1.3 * (1.0 + 1e-12));
        }
    }

    #[test]
    fn kicks_are_the_flow_of_the_momentum() {
        let g = [1.7, -3.0, 0.4, 2.0];
        let start = [0.5, 0.5, -0.5, 0.5];
        let run = |times: &[f64]| {
            let (mut u, mut work) = (start, 0.0);
            for &h in times {
                work += kick(&mut u, &g, h);
            }
            (u, work)
        };
        // The group law, and the differential equation by a small symmetric difference.
        let ((once, a), (twice, b)) = (run(&[0.9]), run(&[0.3, 0.6]));
        assert!((a - b).abs() < 1e-14);
        let h = 1e-5;
        let ((small, work), speed) = (run(&[h]), dot(&start, &g));
        assert!((work / h + speed).abs() < 1e-4, "dK/dt = −g·u");
        for i in 0..4 {
            assert!((once[i] - twice[i]).abs() < 1e-14);
            let rate = (small[i] - start[i]) / h;
            let expected = -(g[i] - speed * start[i]) / 3.0;
            assert!((rate - expected).abs() < 1e-4, "{rate} against {expected}");
        }
    }

    #[test]
    fn steps_are_reversible_and_undo_their_work() {
        for metric in metrics() {
            for integrator in INTEGRATORS {
                let start = point(&metric, &[0.3, -1.1, 0.8], &[0.2, 1.0, -0.7]);
                let mut end = start.clone();
                let there = end.travel(&Quartic(3), &metric, integrator, 0.3, 20).0;
                flip(&mut end);
                let back = end.travel(&Quartic(3), &metric, integrator, 0.3, 20).0;
                flip(&mut end);
                assert!((there + back).abs() < 1e-11, "{there} and {back}");
                for i in 0..3 {
                    assert!((end.position[i] - start.position[i]).abs() < 1e-11);
                    assert!((end.direction[i] - start.direction[i]).abs() < 1e-11);
                }
                assert!((dot(&end.direction, &end.direction) - 1.0).abs() < 1e-12);
            }
        }
    }

    /// The Jacobian of a step on positions and directions is `e^{−ΔK}`: extended to any length of
    /// the direction by keeping that length, the map of `R^{2d}` has the same determinant.
    #[test]
    fn steps_contract_phase_space_by_their_kinetic_work() {
        for metric in metrics() {
            for integrator in INTEGRATORS {
                let z = [0.3, -1.1, 0.8, 0.2, 1.0, -0.7];
                let map = |z: &[f64]| {
                    let length = dot(&z[3..], &z[3..]).sqrt();
                    let mut point = point(&metric, &z[..3], &z[3..]);
                    let work = point.travel(&Quartic(3), &metric, integrator, 0.4, 1).0;
                    let image = point.position.iter().copied();
                    let image: Vec<f64> = image
                        .chain(point.direction.iter().map(|u| u * length))
                        .collect();
                    (image, work)
                };
                let h = 1e-5;
                let jacobian = DMatrix::from_fn(6, 6, |i, j| {
                    let (mut up, mut down) = (z, z);
                    up[j] += h;
                    down[j] -= h;
                    (map(&up).0[i] - map(&down).0[i]) / (2.0 * h)
                });
                let (log, work) = (jacobian.determinant().ln(), map(&z).1);
                assert!((log + work).abs() < 1e-8, "log J = {log}, ΔK = {work}");
                assert!(work.abs() > 0.1, "a case in which it matters");
            }
        }
    }

    #[test]
    fn the_error_of_the_energy_is_of_second_order() {
        for metric in metrics() {
            // Root mean square over directions.
            let error = |integrator, steps: usize| {
                let mut rng = ergodic_math::rng::stream(5, 0);
                let h = 1.0 / steps as f64;
                let mut sum = 0.0;
                for _ in 0..64 {
                    let mut point = point(&metric, &[0.3, -1.1, 0.8], &[1.0; 3]);
                    point.draw_direction(&mut rng);
                    let start = point.energy;
                    let kinetic = point.travel(&Quartic(3), &metric, integrator, h, steps).0;
                    sum += (point.energy - start + kinetic).powi(2);
                }
                sum.sqrt()
            };
            for integrator in INTEGRATORS {
                let order = (error(integrator, 32) / error(integrator, 64)).log2();
                assert!((order - 2.0).abs() < 0.1, "{integrator:?}: order {order}");
            }
            let ratio = error(INTEGRATORS[0], 64) / error(INTEGRATORS[1], 64);
            assert!(ratio > 4.0, "the smaller error of minimal norm: {ratio}");
        }
    }
}
