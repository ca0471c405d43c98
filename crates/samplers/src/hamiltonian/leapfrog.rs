//! The leapfrog of Hamiltonian dynamics and the loops that it is made of.

use ergodic_math::simd::{Vectorize, vectorize};

use super::lanes::{
    Half, add_scaled_body, dot, drift_body, kick_body, kick_drift_in_place_body, kicks_body,
    scale_add_body,
};
use super::metric::{Form, Metric};
use ergodic_core::{EnergyGradient, Randomness, TargetError};

/// The first half of a step to another place: `x′ = x + ε A (p − (ε/2) Aᵀ∇E(x))`. With a dense or
/// low-rank metric `momentum` becomes the half-kicked one, else it is not touched.
#[inline(always)]
pub(crate) fn drift(
    metric: &Metric,
    step: f64,
    from: Half<'_>,
    position: &mut [f64],
    momentum: &mut [f64],
) {
    match metric.form() {
        Form::Identity => drift_body(step, None, from, position),
        Form::Diagonal(scale) => drift_body(step, Some(scale), from, position),
        Form::Dense(_) | Form::LowRank { .. } => {
            momentum.copy_from_slice(from.momentum);
            add_scaled_body(-0.5 * step, from.whitened, momentum);
            metric.velocity_body(momentum, position);
            scale_add_body(step, from.position, position);
        }
    }
}

/// The second half of a step after [`drift`] and the gradient at `x′`: makes the momentum there and
/// returns `|p′|²` and `p·p′`. `whitened` is written for dense and low-rank metrics.
#[inline(always)]
pub(crate) fn complete(
    metric: &Metric,
    step: f64,
    from: Half<'_>,
    gradient: &[f64],
    whitened: &mut [f64],
    momentum: &mut [f64],
) -> (f64, f64) {
    match metric.form() {
        Form::Identity => kicks_body(step, None, from, gradient, momentum),
        Form::Diagonal(scale) => kicks_body(step, Some(scale), from, gradient, momentum),
        Form::Dense(_) | Form::LowRank { .. } => {
            metric.whiten_body(gradient, whitened);
            kick_body(step, None, whitened, momentum, Some(from.momentum))
        }
    }
}

/// `p ← p − (ε/2) Aᵀ∇E`; returns `|p|²`. `whitened` is written for dense and low-rank metrics.
#[inline(always)]
fn half_kick(
    metric: &Metric,
    step: f64,
    gradient: &[f64],
    whitened: &mut [f64],
    momentum: &mut [f64],
) -> f64 {
    let (square, _) = match metric.form() {
        Form::Identity => kick_body(step, None, gradient, momentum, None),
        Form::Diagonal(scale) => kick_body(step, Some(scale), gradient, momentum, None),
        Form::Dense(_) | Form::LowRank { .. } => {
            metric.whiten_body(gradient, whitened);
            kick_body(step, None, whitened, momentum, None)
        }
    };
    square
}

/// A point `(x, p)` of phase space with the energy and gradient at `x`, and the leapfrog that
/// moves it in place.
///
/// One step of size `ε` in the whitened coordinates of the [module](super) is
///
/// ```text
/// p ← p − (ε/2) Aᵀ∇E(x);   x ← x + ε A p;   p ← p − (ε/2) Aᵀ∇E(x)
/// ```
///
/// It is reversible ([`flip`](Self::flip), step, flip is the way back), preserves volume, and its
/// energy error over a fixed time is `O(ε²)` (Hairer, Lubich and Wanner, *Geometric Numerical
/// Integration*, 2006, section I.1.4 and IX.8). Stable for `ε² λ < 4`, `λ` the largest eigenvalue
/// of `Aᵀ∇²E A`.
///
/// Cost: one gradient, two passes over `d` numbers and one product each with `A` and `Aᵀ`.
/// Nothing is allocated after [`new`](Self::new). The momentum is whitened; with a dense or
/// low-rank metric the point keeps `Aᵀ∇E` too, so that a step applies `Aᵀ` once: after a change
/// of the metric call [`set_metric`](Self::set_metric).
///
/// ```
/// use ergodic_core::{Energy, EnergyGradient};
/// use ergodic_samplers::hamiltonian::{Metric, PhasePoint};
///
/// /// `E(x) = x²/2`, an oscillator of frequency 1.
/// struct Oscillator;
/// impl Energy for Oscillator {
///     type State = [f64];
///     fn energy(&self, x: &[f64]) -> f64 {
///         0.5 * x[0] * x[0]
///     }
/// }
/// impl EnergyGradient for Oscillator {
///     fn dim(&self) -> usize {
///         1
///     }
///     fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
///         grad[0] = x[0];
///         self.energy(x)
///     }
/// }
/// let (metric, h) = (Metric::identity(), 0.5);
/// let mut point = PhasePoint::new(&Oscillator, &metric, &[1.0])?;
/// // Leapfrog conserves p²/2 + x²(1 − h²/4)/2 exactly.
/// let shadow = |q: &PhasePoint| {
///     q.kinetic_energy() + 0.5 * q.position()[0].powi(2) * (1.0 - h * h / 4.0)
/// };
/// let before = shadow(&point);
/// for _ in 0..100 {
///     point.leapfrog(&Oscillator, &metric, h);
/// }
/// assert!((shadow(&point) - before).abs() < 1e-14);
/// # Ok::<(), ergodic_core::TargetError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PhasePoint {
    position: Vec<f64>,
    momentum: Vec<f64>,
    gradient: Vec<f64>,
    whitened: Vec<f64>,
    energy: f64,
}

impl PhasePoint {
    /// The point at `x` at rest.
    ///
    /// # Errors
    /// If `x` or the metric do not have the dimension of the target, the dimension is 0, or the
    /// position, energy or gradient at `x` is not finite.
    pub fn new<T: EnergyGradient + ?Sized>(
        target: &T,
        metric: &Metric,
        x: &[f64],
    ) -> Result<Self, TargetError> {
        let dim = target.dim();
        let mut point = Self {
            position: vec![0.0; dim],
            momentum: vec![0.0; dim],
            gradient: vec![0.0; dim],
            whitened: vec![0.0; dim],
            energy: 0.0,
        };
        point.restart(target, metric, x)?;
        Ok(point)
    }

    /// Moves to `x`, at rest: what [`MarkovKernel::reset`](ergodic_core::MarkovKernel::reset)
    /// needs after the position or the target has changed.
    ///
    /// # Errors
    /// As [`new`](Self::new); the point is then unspecified.
    pub fn restart<T: EnergyGradient + ?Sized>(
        &mut self,
        target: &T,
        metric: &Metric,
        x: &[f64],
    ) -> Result<(), TargetError> {
        self.position.resize(x.len(), 0.0);
        self.position.copy_from_slice(x);
        self.refresh(target, metric)
    }

    /// Recomputes what depends on the target at the present position, at rest.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn refresh<T: EnergyGradient + ?Sized>(
        &mut self,
        target: &T,
        metric: &Metric,
    ) -> Result<(), TargetError> {
        let dim = target.dim();
        check_start(dim, &self.position)?;
        metric.fits(dim)?;
        self.momentum.resize(dim, 0.0);
        self.gradient.resize(dim, 0.0);
        self.whitened.resize(dim, 0.0);
        self.momentum.fill(0.0);
        self.energy = target.energy_gradient(&self.position, &mut self.gradient);
        check_energy(self.energy, &self.gradient)?;
        self.set_metric(metric);
        Ok(())
    }

    /// Takes note of another metric of the same dimension: recomputes `Aᵀ∇E`. The momentum, being
    /// whitened, keeps its law.
    pub fn set_metric(&mut self, metric: &Metric) {
        if let Form::Dense(_) | Form::LowRank { .. } = metric.form() {
            metric.whiten(&self.gradient, &mut self.whitened);
        }
    }

    /// One leapfrog step of size `step` (negative: backwards in time). Returns `H` after it, which
    /// may be infinite or NaN where the integration left the support: the caller rejects.
    #[inline]
    pub fn leapfrog<T: EnergyGradient + ?Sized>(
        &mut self,
        target: &T,
        metric: &Metric,
        step: f64,
    ) -> f64 {
        vectorize(InPlace {
            point: self,
            target,
            metric,
            step,
        })
    }

    /// `p ← p − (ε/2) Aᵀ∇E(x)`, `x ← x + ε A p`.
    #[inline(always)]
    fn first_half(&mut self, metric: &Metric, step: f64) {
        let scale = match metric.form() {
            Form::Identity => None,
            Form::Diagonal(scale) => Some(&**scale),
            Form::Dense(_) | Form::LowRank { .. } => {
                add_scaled_body(-0.5 * step, &self.whitened, &mut self.momentum);
                // Aᵀ∇E is out of date from here to the next gradient: its place holds A p.
                metric.velocity_body(&self.momentum, &mut self.whitened);
                add_scaled_body(step, &self.whitened, &mut self.position);
                return;
            }
        };
        kick_drift_in_place_body(
            step,
            scale,
            &self.gradient,
            &mut self.position,
            &mut self.momentum,
        );
    }

    /// The gradient at the new position and the second half kick; returns `H`.
    #[inline(always)]
    fn second_half<T: EnergyGradient + ?Sized>(
        &mut self,
        target: &T,
        metric: &Metric,
        step: f64,
    ) -> f64 {
        self.energy = target.energy_gradient(&self.position, &mut self.gradient);
        let squared = half_kick(
            metric,
            step,
            &self.gradient,
            &mut self.whitened,
            &mut self.momentum,
        );
        self.energy + 0.5 * squared
    }

    /// Draws a new momentum.
    pub fn draw_momentum<R: Randomness + ?Sized>(&mut self, rng: &mut R) {
        rng.fill_normal(&mut self.momentum);
    }

    /// Reverses the momentum.
    pub fn flip(&mut self) {
        for p in &mut self.momentum {
            *p = -*p;
        }
    }

    /// Copies another point of the same dimension, without allocating.
    pub fn copy_from(&mut self, other: &Self) {
        self.position.clone_from(&other.position);
        self.momentum.clone_from(&other.momentum);
        self.gradient.clone_from(&other.gradient);
        self.whitened.clone_from(&other.whitened);
        self.energy = other.energy;
    }

    /// `x`.
    pub fn position(&self) -> &[f64] {
        &self.position
    }

    /// The whitened momentum `p`.
    pub fn momentum(&self) -> &[f64] {
        &self.momentum
    }

    /// The whitened momentum, to be set.
    pub fn momentum_mut(&mut self) -> &mut [f64] {
        &mut self.momentum
    }

    /// `∇E(x)`.
    pub fn gradient(&self) -> &[f64] {
        &self.gradient
    }

    /// `E(x)`.
    pub fn energy(&self) -> f64 {
        self.energy
    }

    /// `½|p|²`.
    pub fn kinetic_energy(&self) -> f64 {
        0.5 * dot(&self.momentum, &self.momentum)
    }

    /// `H = E(x) + ½|p|²`.
    pub fn hamiltonian(&self) -> f64 {
        self.energy + self.kinetic_energy()
    }
}

/// A leapfrog step in place, compiled for the instruction sets together with the gradient.
struct InPlace<'a, T: ?Sized> {
    point: &'a mut PhasePoint,
    target: &'a T,
    metric: &'a Metric,
    step: f64,
}

impl<T: EnergyGradient + ?Sized> Vectorize for InPlace<'_, T> {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        self.point.first_half(self.metric, self.step);
        self.point.second_half(self.target, self.metric, self.step)
    }
}

/// The checks of a start before the target is asked.
pub(crate) fn check_start(dim: usize, x: &[f64]) -> Result<(), TargetError> {
    if dim == 0 {
        return Err(TargetError::new("the target has dimension 0"));
    }
    if x.len() != dim {
        return Err(TargetError::dimension("the start", x.len(), dim));
    }
    match x.iter().find(|x| !x.is_finite()) {
        Some(x) => Err(TargetError::non_finite("a coordinate of the start", *x)),
        None => Ok(()),
    }
}

/// The checks of a start after the target has answered.
pub(crate) fn check_energy(energy: f64, gradient: &[f64]) -> Result<(), TargetError> {
    if !energy.is_finite() {
        return Err(TargetError::non_finite("energy at the start", energy));
    }
    match gradient.iter().find(|g| !g.is_finite()) {
        Some(g) => Err(TargetError::non_finite("gradient at the start", *g)),
        None => Ok(()),
    }
}
