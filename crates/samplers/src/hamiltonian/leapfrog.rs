//! The leapfrog of Hamiltonian dynamics and the loops that it is made of.

use ergodic_core::{EnergyGradient, Randomness, TargetError};
use ergodic_math::simd::{Vectorize, vectorize};

use super::metric::{Form, LANES, Metric};

/// From this length on a loop pays for its dispatch to the instruction set of the processor.
const DISPATCH: usize = 48;

/// Runs a loop over `n` numbers. Short ones skip the dispatch; the bits are the same.
#[inline(always)]
fn run<V: Vectorize>(n: usize, body: V) -> V::Output {
    if n < DISPATCH {
        body.run()
    } else {
        vectorize(body)
    }
}

type Lane = [f64; LANES];

#[inline(always)]
fn total(a: Lane) -> f64 {
    ((a[0] + a[4]) + (a[1] + a[5])) + ((a[2] + a[6]) + (a[3] + a[7]))
}

struct Dot<'a>(&'a [f64], &'a [f64]);
impl Vectorize for Dot<'_> {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        let (x, x_rest) = self.0.as_chunks::<LANES>();
        let (y, y_rest) = self.1.as_chunks::<LANES>();
        // Two accumulators hide the latency of the additions.
        let (mut even, mut odd) = ([0.0; LANES], [0.0; LANES]);
        let (x, x_last) = x.as_chunks::<2>();
        let (y, y_last) = y.as_chunks::<2>();
        for (x, y) in x.iter().zip(y) {
            for l in 0..LANES {
                even[l] += x[0][l] * y[0][l];
            }
            for l in 0..LANES {
                odd[l] += x[1][l] * y[1][l];
            }
        }
        for (x, y) in x_last.iter().zip(y_last) {
            for l in 0..LANES {
                even[l] += x[l] * y[l];
            }
        }
        for (l, (x, y)) in x_rest.iter().zip(y_rest).enumerate() {
            odd[l] += x * y;
        }
        for l in 0..LANES {
            even[l] += odd[l];
        }
        total(even)
    }
}

/// `Σ xᵢ yᵢ` in eight interleaved sums: the same bits on every processor.
#[inline]
pub(crate) fn dot(x: &[f64], y: &[f64]) -> f64 {
    run(x.len(), Dot(x, y))
}

struct AddScaled<'a>(f64, &'a [f64], &'a mut [f64]);
impl Vectorize for AddScaled<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (y, x) in self.2.iter_mut().zip(self.1) {
            *y += self.0 * x;
        }
    }
}

/// `y ← y + a x`.
#[inline]
pub(crate) fn add_scaled(a: f64, x: &[f64], y: &mut [f64]) {
    run(y.len(), AddScaled(a, x, y));
}

struct Multiply<'a>(&'a [f64], &'a [f64], &'a mut [f64]);
impl Vectorize for Multiply<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for ((z, x), y) in self.2.iter_mut().zip(self.0).zip(self.1) {
            *z = x * y;
        }
    }
}

/// `zᵢ ← xᵢ yᵢ`.
#[inline]
pub(crate) fn multiply(x: &[f64], y: &[f64], z: &mut [f64]) {
    run(z.len(), Multiply(x, y, z));
}

/// A point before a half kick: what the first half of a leapfrog step reads.
#[derive(Clone, Copy)]
pub(crate) struct Half<'a> {
    pub(crate) position: &'a [f64],
    pub(crate) momentum: &'a [f64],
    pub(crate) gradient: &'a [f64],
    /// `Aᵀ∇E`; read for dense and low-rank metrics alone, where it is dear.
    pub(crate) whitened: &'a [f64],
}

struct KickDrift<'a, const SCALED: bool> {
    step: f64,
    scale: &'a [f64],
    from: Half<'a>,
    position: &'a mut [f64],
    momentum: &'a mut [f64],
}
impl<const SCALED: bool> Vectorize for KickDrift<'_, SCALED> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let n = self.position.len();
        let (h, half) = (self.step, 0.5 * self.step);
        let (x, p) = (&self.from.position[..n], &self.from.momentum[..n]);
        let g = &self.from.gradient[..n];
        let to_x = &mut self.position[..n];
        let to_p = &mut self.momentum[..n];
        if SCALED {
            let s = &self.scale[..n];
            for i in 0..n {
                let kicked = p[i] - half * (s[i] * g[i]);
                to_p[i] = kicked;
                to_x[i] = x[i] + h * (s[i] * kicked);
            }
        } else {
            for i in 0..n {
                let kicked = p[i] - half * g[i];
                to_p[i] = kicked;
                to_x[i] = x[i] + h * kicked;
            }
        }
    }
}

/// `p′ = p − (ε/2) Aᵀ∇E(x)`, `x′ = x + ε A p′`, in one pass where `A` is diagonal.
#[inline]
pub(crate) fn half_kick_and_drift(
    metric: &Metric,
    step: f64,
    from: Half<'_>,
    position: &mut [f64],
    momentum: &mut [f64],
) {
    let n = position.len();
    match metric.form() {
        Form::Identity => run(
            n,
            KickDrift::<false> {
                step,
                scale: &[],
                from,
                position,
                momentum,
            },
        ),
        Form::Diagonal(scale) => run(
            n,
            KickDrift::<true> {
                step,
                scale,
                from,
                position,
                momentum,
            },
        ),
        Form::Dense(_) | Form::LowRank { .. } => {
            momentum.copy_from_slice(from.momentum);
            add_scaled(-0.5 * step, from.whitened, momentum);
            metric.velocity(momentum, position);
            run(n, ScaleAdd(step, from.position, position));
        }
    }
}

/// `y ← x + a y`.
struct ScaleAdd<'a>(f64, &'a [f64], &'a mut [f64]);
impl Vectorize for ScaleAdd<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (y, x) in self.2.iter_mut().zip(self.1) {
            *y = x + self.0 * *y;
        }
    }
}

struct Kick<'a, const SCALED: bool, const MATE: bool> {
    step: f64,
    scale: &'a [f64],
    gradient: &'a [f64],
    momentum: &'a mut [f64],
    mate: &'a [f64],
}
impl<const SCALED: bool, const MATE: bool> Vectorize for Kick<'_, SCALED, MATE> {
    type Output = (f64, f64);
    #[inline(always)]
    fn run(self) -> (f64, f64) {
        let n = self.momentum.len();
        let half = 0.5 * self.step;
        // Without scale or mate any slice of the right length will do: it is not read.
        let scale = if SCALED { self.scale } else { self.gradient };
        let mate = if MATE { self.mate } else { self.gradient };
        let (p, p_rest) = self.momentum.as_chunks_mut::<LANES>();
        let (g, g_rest) = self.gradient[..n].as_chunks::<LANES>();
        let (s, s_rest) = scale[..n].as_chunks::<LANES>();
        let (q, q_rest) = mate[..n].as_chunks::<LANES>();
        let (mut square, mut product) = ([0.0; LANES], [0.0; LANES]);
        for (((p, g), s), q) in p.iter_mut().zip(g).zip(s).zip(q) {
            for l in 0..LANES {
                let force = if SCALED { s[l] * g[l] } else { g[l] };
                let kicked = p[l] - half * force;
                p[l] = kicked;
                square[l] += kicked * kicked;
                if MATE {
                    product[l] += kicked * q[l];
                }
            }
        }
        let rest = p_rest.iter_mut().zip(g_rest).zip(s_rest).zip(q_rest);
        for (l, (((p, g), s), q)) in rest.enumerate() {
            let force = if SCALED { s * g } else { *g };
            *p -= half * force;
            square[l] += *p * *p;
            if MATE {
                product[l] += *p * q;
            }
        }
        (total(square), total(product))
    }
}

/// `p ← p − (ε/2) Aᵀ∇E`; returns `|p|²`. `whitened` is written for dense and low-rank metrics.
#[inline]
pub(crate) fn half_kick(
    metric: &Metric,
    step: f64,
    gradient: &[f64],
    whitened: &mut [f64],
    momentum: &mut [f64],
) -> f64 {
    half_kick_with(metric, step, gradient, whitened, momentum, None).0
}

/// [`half_kick`] that returns the product of the new momentum with another one too, 0 if there is
/// none.
#[inline]
pub(crate) fn half_kick_with(
    metric: &Metric,
    step: f64,
    gradient: &[f64],
    whitened: &mut [f64],
    momentum: &mut [f64],
    mate: Option<&[f64]>,
) -> (f64, f64) {
    let n = momentum.len();
    let (gradient, scale) = match metric.form() {
        Form::Identity => (gradient, None),
        Form::Diagonal(scale) => (gradient, Some(scale.as_slice())),
        Form::Dense(_) | Form::LowRank { .. } => {
            metric.whiten(gradient, whitened);
            (&*whitened, None)
        }
    };
    macro_rules! kick {
        ($scaled:literal, $mate:literal) => {
            run(
                n,
                Kick::<$scaled, $mate> {
                    step,
                    scale: scale.unwrap_or(&[]),
                    gradient,
                    momentum,
                    mate: mate.unwrap_or(&[]),
                },
            )
        };
    }
    match (scale.is_some(), mate.is_some()) {
        (false, false) => kick!(false, false),
        (false, true) => kick!(false, true),
        (true, false) => kick!(true, false),
        (true, true) => kick!(true, true),
    }
}

/// The momenta at the ends of two parts of a trajectory that follow one another.
#[derive(Clone, Copy)]
pub(crate) struct Span6<'a> {
    pub(crate) first: [&'a [f64]; 2],
    pub(crate) second: [&'a [f64]; 2],
    /// The sum over the second part; not read if each part has two points.
    pub(crate) second_sum: &'a [f64],
}

struct Products<'a, const PAIRS: bool>(Span6<'a>, &'a mut [f64]);
impl<'a, const PAIRS: bool> Vectorize for Products<'a, PAIRS> {
    type Output = [f64; 6];
    #[inline(always)]
    fn run(self) -> [f64; 6] {
        let Self(parts, sum) = self;
        let n = sum.len();
        let lanes = |x: &'a [f64]| x[..n].as_chunks::<LANES>().0;
        let (a, m) = (lanes(parts.first[0]), lanes(parts.first[1]));
        let (c, b) = (lanes(parts.second[0]), lanes(parts.second[1]));
        let right = if PAIRS { c } else { lanes(parts.second_sum) };
        let mut products = [[0.0; LANES]; 6];
        let all = sum.as_chunks_mut::<LANES>().0.iter_mut();
        for (((((sum, a), m), c), b), right) in all.zip(a).zip(m).zip(c).zip(b).zip(right) {
            for l in 0..LANES {
                let left = if PAIRS { a[l] + m[l] } else { sum[l] };
                let right = if PAIRS { c[l] + b[l] } else { right[l] };
                let whole = left + right;
                sum[l] = whole;
                products[0][l] += whole * a[l];
                products[1][l] += whole * b[l];
                let towards = left + c[l];
                products[2][l] += towards * a[l];
                products[3][l] += towards * c[l];
                let onwards = right + m[l];
                products[4][l] += onwards * m[l];
                products[5][l] += onwards * b[l];
            }
        }
        products.map(total)
    }
}

/// The six products of the U-turn criterion where two equal parts join, over the whole and across
/// the joint on either side. `sum` holds the sum over the first part and becomes that of the
/// whole; with `pairs` the parts have two points each, whose sums are made here. Lengths are
/// multiples of [`LANES`].
pub(crate) fn span_products(parts: Span6<'_>, pairs: bool, sum: &mut [f64]) -> [f64; 6] {
    let n = sum.len();
    if pairs {
        run(n, Products::<true>(parts, sum))
    } else {
        run(n, Products::<false>(parts, sum))
    }
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
        self.first_half(metric, step);
        self.second_half(target, metric, step)
    }

    /// `p ← p − (ε/2) Aᵀ∇E(x)`, `x ← x + ε A p`.
    fn first_half(&mut self, metric: &Metric, step: f64) {
        let n = self.position.len();
        match metric.form() {
            Form::Identity => run(
                n,
                InPlace::<false> {
                    step,
                    scale: &[],
                    gradient: &self.gradient,
                    position: &mut self.position,
                    momentum: &mut self.momentum,
                },
            ),
            Form::Diagonal(scale) => run(
                n,
                InPlace::<true> {
                    step,
                    scale,
                    gradient: &self.gradient,
                    position: &mut self.position,
                    momentum: &mut self.momentum,
                },
            ),
            Form::Dense(_) | Form::LowRank { .. } => {
                add_scaled(-0.5 * step, &self.whitened, &mut self.momentum);
                // Aᵀ∇E is out of date from here to the next gradient: its place holds A p.
                metric.velocity(&self.momentum, &mut self.whitened);
                add_scaled(step, &self.whitened, &mut self.position);
            }
        }
    }

    /// The gradient at the new position and the second half kick; returns `H`.
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

/// The first half of a step in place.
struct InPlace<'a, const SCALED: bool> {
    step: f64,
    scale: &'a [f64],
    gradient: &'a [f64],
    position: &'a mut [f64],
    momentum: &'a mut [f64],
}
impl<const SCALED: bool> Vectorize for InPlace<'_, SCALED> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let n = self.position.len();
        let (h, half) = (self.step, 0.5 * self.step);
        let (x, p) = (&mut self.position[..n], &mut self.momentum[..n]);
        let g = &self.gradient[..n];
        if SCALED {
            let s = &self.scale[..n];
            for i in 0..n {
                let kicked = p[i] - half * (s[i] * g[i]);
                p[i] = kicked;
                x[i] += h * (s[i] * kicked);
            }
        } else {
            for i in 0..n {
                let kicked = p[i] - half * g[i];
                p[i] = kicked;
                x[i] += h * kicked;
            }
        }
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
