//! Hit-and-run: a random direction through the position, then a draw along the line.

use ergodic_core::{
    ArgumentError, Claims, Energy, MarkovKernel, Randomness, Stationarity, TargetError,
};

use crate::slice::isotropic;
use crate::{MetropolisState, ProposalInfo, Threshold, start};

/// A target whose restriction to a straight line can be drawn exactly.
///
/// Implemented by [`Uniform`] over any [`ConvexBody`].
///
/// ```
/// use ergodic_core::{Energy, Randomness};
/// use ergodic_samplers::{Gaussian, LineConditional};
///
/// /// A standard normal: along a unit vector u the line has the law N(−x·u, 1).
/// struct Standard(Gaussian);
/// impl Energy for Standard {
///     type State = [f64];
///     fn energy(&self, x: &[f64]) -> f64 {
///         self.0.energy(x)
///     }
/// }
/// impl LineConditional for Standard {
///     fn draw_on_line<R: Randomness + ?Sized>(&self, x: &[f64], u: &[f64], rng: &mut R) -> Option<f64> {
///         Some(rng.normal() - x.iter().zip(u).map(|(x, u)| x * u).sum::<f64>())
///     }
/// }
/// ```
pub trait LineConditional: Energy<State = [f64]> {
    /// A draw `t` from the density `∝ exp(−E(x + t u))` on the line, `|u| = 1`; `None` if that
    /// cannot be normalised (a body that is not bounded).
    fn draw_on_line<R: Randomness + ?Sized>(
        &self,
        x: &[f64],
        direction: &[f64],
        rng: &mut R,
    ) -> Option<f64>;
}

impl<T: LineConditional + ?Sized> LineConditional for &T {
    fn draw_on_line<R: Randomness + ?Sized>(
        &self,
        x: &[f64],
        direction: &[f64],
        rng: &mut R,
    ) -> Option<f64> {
        (**self).draw_on_line(x, direction, rng)
    }
}

/// A bounded convex set with an inner point, known by the chords it cuts out of lines.
///
/// ```
/// use ergodic_samplers::ConvexBody;
///
/// /// The unit ball.
/// struct Ball;
/// impl ConvexBody for Ball {
///     fn contains(&self, x: &[f64]) -> bool {
///         x.iter().map(|x| x * x).sum::<f64>() <= 1.0
///     }
///     fn chord(&self, x: &[f64], u: &[f64]) -> (f64, f64) {
///         let along: f64 = x.iter().zip(u).map(|(x, u)| x * u).sum();
///         let square: f64 = x.iter().map(|x| x * x).sum();
///         let half = (along * along + 1.0 - square).max(0.0).sqrt();
///         (-along - half, -along + half)
///     }
/// }
/// assert_eq!(Ball.chord(&[0.6, 0.0], &[0.0, 1.0]), (-0.8, 0.8));
/// ```
pub trait ConvexBody {
    /// Whether `x` is in the body.
    fn contains(&self, x: &[f64]) -> bool;

    /// For `x` in the body and `|u| = 1`: the ends `t₋ ≤ 0 ≤ t₊` of `{t : x + t u in the body}`.
    fn chord(&self, x: &[f64], direction: &[f64]) -> (f64, f64);
}

/// The polytope `{x : A x ≤ b}`.
///
/// Whether it is bounded is found out on the way: a chord without an end is a
/// [`TargetError`] of the kernel.
///
/// ```
/// use ergodic_samplers::{ConvexBody, Polytope};
///
/// // The triangle x, y ≥ 0, x + y ≤ 1.
/// let triangle = Polytope::new(2, vec![-1.0, 0.0, 0.0, -1.0, 1.0, 1.0], vec![0.0, 0.0, 1.0])?;
/// assert_eq!(triangle.chord(&[0.25, 0.25], &[1.0, 0.0]), (-0.25, 0.5));
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq)]
pub struct Polytope {
    dim: usize,
    normals: Vec<f64>,
    offsets: Vec<f64>,
}

impl Polytope {
    /// From `A`, one row of `dim` numbers per face, and `b`.
    ///
    /// # Errors
    /// If `dim` is 0, the shapes disagree, or a number is not finite.
    pub fn new(dim: usize, normals: Vec<f64>, offsets: Vec<f64>) -> Result<Self, ArgumentError> {
        if dim == 0 {
            return Err(ArgumentError::new("dim", dim, "at least 1"));
        }
        if offsets.is_empty() || offsets.iter().any(|b| !b.is_finite()) {
            return Err(ArgumentError::new(
                "offsets",
                format!("{offsets:?}"),
                "finite, at least one",
            ));
        }
        if dim.checked_mul(offsets.len()) != Some(normals.len()) {
            return Err(ArgumentError::new(
                "normals",
                format!("of length {}", normals.len()),
                format!("of length {} × {dim}", offsets.len()),
            ));
        }
        if let Some(bad) = normals.iter().find(|a| !a.is_finite()) {
            return Err(ArgumentError::new("normals", bad, "finite"));
        }
        Ok(Self {
            dim,
            normals,
            offsets,
        })
    }

    fn faces(&self) -> impl Iterator<Item = (&[f64], f64)> {
        self.normals
            .chunks(self.dim)
            .zip(self.offsets.iter().copied())
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl ConvexBody for Polytope {
    fn contains(&self, x: &[f64]) -> bool {
        x.len() == self.dim && self.faces().all(|(a, b)| dot(a, x) <= b)
    }

    fn chord(&self, x: &[f64], direction: &[f64]) -> (f64, f64) {
        let (mut lower, mut upper) = (f64::NEG_INFINITY, f64::INFINITY);
        for (a, b) in self.faces() {
            let rate = dot(a, direction);
            let t = (b - dot(a, x)) / rate;
            if rate > 0.0 {
                upper = upper.min(t);
            } else if rate < 0.0 {
                lower = lower.max(t);
            }
        }
        (lower.min(0.0), upper.max(0.0))
    }
}

/// The uniform law on a [`ConvexBody`]: energy 0 inside, `+∞` outside.
///
/// ```
/// use ergodic_core::Energy;
/// use ergodic_samplers::{Polytope, Uniform};
///
/// let interval = Uniform(Polytope::new(1, vec![1.0, -1.0], vec![1.0, 0.0])?);
/// assert_eq!(interval.energy(&[0.5]), 0.0);
/// assert_eq!(interval.energy(&[1.5]), f64::INFINITY);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uniform<B>(
    /// The body.
    pub B,
);

impl<B: ConvexBody> Energy for Uniform<B> {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        if self.0.contains(x) {
            0.0
        } else {
            f64::INFINITY
        }
    }
}

impl<B: ConvexBody> LineConditional for Uniform<B> {
    fn draw_on_line<R: Randomness + ?Sized>(
        &self,
        x: &[f64],
        direction: &[f64],
        rng: &mut R,
    ) -> Option<f64> {
        let (lower, upper) = self.0.chord(x, direction);
        let t = lower + (upper - lower) * rng.uniform();
        t.is_finite().then_some(t)
    }
}

/// How [`HitAndRun`] moves along its line: the two kinds are [`Exactly`] and [`ByMetropolis`], and
/// there are no others.
pub trait LineMove<T: Energy<State = [f64]> + ?Sized>: Clone + sealed::LineMove {
    /// Whether the chain is ergodic for finite energies, or on a convex body.
    const ERGODIC: bool;

    /// Moves `state` along `direction`, a unit vector.
    ///
    /// # Errors
    /// If the target fails for good.
    fn run<R: Randomness + ?Sized>(
        &self,
        target: &T,
        state: &mut MetropolisState<Vec<f64>>,
        direction: &[f64],
        rng: &mut R,
    ) -> Result<ProposalInfo, TargetError>;
}

mod sealed {
    /// A move writes into what only this crate can write.
    pub trait LineMove {}
    impl LineMove for super::Exactly {}
    impl LineMove for super::ByMetropolis {}
}

/// A draw from the exact conditional of the line.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exactly;

impl<T: LineConditional + ?Sized> LineMove<T> for Exactly {
    const ERGODIC: bool = true;
    fn run<R: Randomness + ?Sized>(
        &self,
        target: &T,
        state: &mut MetropolisState<Vec<f64>>,
        direction: &[f64],
        rng: &mut R,
    ) -> Result<ProposalInfo, TargetError> {
        let t = target
            .draw_on_line(&state.position, direction, rng)
            .filter(|t| t.is_finite())
            .ok_or_else(|| TargetError::new("the target is not bounded along a line"))?;
        along(state, direction, t);
        let energy = start::proposed_energy(target, &state.candidate)?;
        // A point at the end of a chord may be outside by rounding.
        let inside = energy < f64::INFINITY;
        if inside {
            std::mem::swap(&mut state.position, &mut state.candidate);
            state.energy = energy;
        }
        Ok(ProposalInfo {
            accepted: inside,
            acceptance: f64::from(u8::from(inside)),
            forbidden: !inside,
            energy: state.energy,
        })
    }
}

/// A Gaussian step along the line, accepted by Metropolis' rule.
///
/// ```
/// use ergodic_samplers::ByMetropolis;
///
/// assert!(ByMetropolis::new(0.0).is_err());
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ByMetropolis {
    scale: f64,
}

impl ByMetropolis {
    /// With steps of standard deviation `scale`, in the units of the coordinates.
    ///
    /// # Errors
    /// If the scale is not finite and above 0.
    pub fn new(scale: f64) -> Result<Self, ArgumentError> {
        if scale > 0.0 && scale.is_finite() {
            Ok(Self { scale })
        } else {
            Err(ArgumentError::new(
                "scale",
                scale,
                "a finite number above 0",
            ))
        }
    }
}

impl<T: Energy<State = [f64]> + ?Sized> LineMove<T> for ByMetropolis {
    const ERGODIC: bool = true;
    fn run<R: Randomness + ?Sized>(
        &self,
        target: &T,
        state: &mut MetropolisState<Vec<f64>>,
        direction: &[f64],
        rng: &mut R,
    ) -> Result<ProposalInfo, TargetError> {
        let t = self.scale * rng.normal();
        along(state, direction, t);
        state.decide(target, 0.0, &Threshold, rng)
    }
}

fn along(state: &mut MetropolisState<Vec<f64>>, direction: &[f64], t: f64) {
    for ((c, x), u) in state
        .candidate
        .iter_mut()
        .zip(&state.position)
        .zip(direction)
    {
        *c = x + t * u;
    }
}

/// Hit-and-run: a direction uniform on the sphere, then a move along the line through the
/// position.
///
/// Smith, *Oper. Res.* 32, 1296 (1984) for uniform laws on convex bodies, Bélisle, Romeijn and
/// Smith, *Math. Oper. Res.* 18, 255 (1993) in general. The direction has a law that does not
/// depend on the position and `u` and `−u` are equally likely, so that a reversible move along the
/// line makes a reversible step. [`exact`](Self::exact) draws from the line's conditional (mixing
/// in `O(d² (R/r)²)` steps for a body between balls of radii `r` and `R`; Lovász and Vempala, 2006);
/// [`metropolis`](Self::metropolis) needs energies only. For slice sampling along the line see
/// [`Directions::Isotropic`](crate::Directions).
///
/// Cost: one energy per step, and for [`Polytope`] two products with its faces.
///
/// ```
/// use ergodic_core::MarkovKernel;
/// use ergodic_samplers::{HitAndRun, Polytope, Uniform};
///
/// // The triangle x, y ≥ 0, x + y ≤ 1: the mean of x is ⅓.
/// let faces = vec![-1.0, 0.0, 0.0, -1.0, 1.0, 1.0];
/// let target = Uniform(Polytope::new(2, faces, vec![0.0, 0.0, 1.0])?);
/// let mut kernel = HitAndRun::exact();
/// let mut state = kernel.init(&target, &[0.2, 0.2])?;
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let mut mean = 0.0;
/// for _ in 0..20_000 {
///     kernel.step(&target, &mut state, &mut rng)?;
///     mean += kernel.position(&target, &state)[0] / 2e4;
/// }
/// assert!((mean - 1.0 / 3.0).abs() < 0.02);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HitAndRun<L> {
    line: L,
}

impl HitAndRun<Exactly> {
    /// With exact draws along the line, for [`LineConditional`] targets.
    pub const fn exact() -> Self {
        Self { line: Exactly }
    }
}

impl HitAndRun<ByMetropolis> {
    /// With Gaussian Metropolis steps of standard deviation `scale` along the line.
    ///
    /// # Errors
    /// If the scale is not finite and above 0.
    pub fn metropolis(scale: f64) -> Result<Self, ArgumentError> {
        ByMetropolis::new(scale).map(Self::along)
    }
}

impl<L> HitAndRun<L> {
    /// With the given kind of move.
    pub const fn along(line: L) -> Self {
        Self { line }
    }
}

/// What a [`HitAndRun`] kernel carries: the position with its energy, and scratch.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq)]
pub struct HitAndRunState {
    inner: MetropolisState<Vec<f64>>,
    direction: Vec<f64>,
}

impl<T, L> MarkovKernel<T> for HitAndRun<L>
where
    T: Energy<State = [f64]> + ?Sized,
    L: LineMove<T>,
{
    type State = HitAndRunState;
    type Info = ProposalInfo;

    fn claims(&self) -> Claims {
        Claims {
            stationarity: Stationarity::Reversible,
            ergodic: L::ERGODIC,
        }
    }

    fn init(&self, target: &T, x: &[f64]) -> Result<HitAndRunState, TargetError> {
        start::finite_start(x)?;
        Ok(HitAndRunState {
            inner: MetropolisState::begin(target, x)?,
            direction: vec![0.0; x.len()],
        })
    }

    fn position<'s>(&self, _: &T, state: &'s HitAndRunState) -> &'s [f64]
    where
        T: 's,
    {
        &state.inner.position
    }

    fn reset(
        &self,
        target: &T,
        state: &mut HitAndRunState,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        if let Some(x) = x {
            start::finite_start(x)?;
        }
        state.inner.again(target, x)?;
        state.direction.resize(state.inner.position.len(), 0.0);
        Ok(())
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut HitAndRunState,
        rng: &mut R,
    ) -> Result<ProposalInfo, TargetError> {
        isotropic(&mut state.direction, rng);
        self.line
            .run(target, &mut state.inner, &state.direction, rng)
    }
}
