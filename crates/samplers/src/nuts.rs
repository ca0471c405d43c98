//! The No-U-Turn sampler: Hamiltonian trajectories that stop where they begin to return.

use std::mem::{swap, take};

use ergodic_core::{
    ArgumentError, Claims, EnergyGradient, MarkovKernel, Randomness, StepInfo, StepStats,
    TargetError, WarmupStep,
};
use ergodic_math::Real;
use ergodic_math::simd::{Vectorize, vectorize};

use crate::hamiltonian::{
    Aligned, Ends, Half, HamiltonianTuner, Metric, WarmupSettings, check_energy, check_start,
    check_step_size, dot_body, half_kick, half_kick_and_drift, is_full, padded, turns_body,
};

/// The No-U-Turn sampler with multinomial choice of the next point.
///
/// A momentum is drawn, and the leapfrog trajectory through the present point is doubled, forwards
/// or backwards by a fair coin, until it begins to turn back, until a doubling would contain a
/// part that turns back or that diverges, or until it has `2^max_depth` points. The next point is
/// one of the trajectory, chosen with weights `e^{−H}`, with preference for the newer half:
///
/// * within a new half of `2ʲ` points point `i` is chosen with probability `wᵢ/Σw`, and the half
///   replaces the older one with probability `min(1, W_new/W_old)` (biased progressive sampling);
/// * a part from `a` to `b` turns back if `ρ·p_a ≤ 0` or `ρ·p_b ≤ 0`, where `ρ = Σ p` over its
///   points, in whitened coordinates; likewise from `a` to the first point of its second half, and
///   from the last point of its first half to `b`.
///
/// Hoffman and Gelman, *The No-U-Turn Sampler*, JMLR 15 (2014); multinomial choice, progressive
/// sampling and the criterion with `ρ`: Betancourt, *A Conceptual Introduction to Hamiltonian Monte
/// Carlo*, arXiv 1701.02434, appendix A; the two checks across the halves as in the Stan reference
/// manual, section "No-U-Turn sampler".
///
/// **Claims.** The kernel without warm-up is reversible: all points of a trajectory build the same
/// trajectory with the same probability, and `wᵢ Pᵢⱼ = wⱼ Pⱼᵢ` on it. [`transition`](Self::transition)
/// takes the momentum as an argument, so that this is checked exactly, by enumeration.
///
/// **Warm-up** learns step size and metric from positions and gradients: [`WarmupSettings`]. A point
/// whose `H` is not finite, or exceeds that of the start by more than 1000 nats, is a *divergence*:
/// counted, never chosen, and the end of the trajectory.
///
/// **Cost.** `2^depth` gradients or fewer, per gradient two passes over `d` numbers and one
/// application each of `A` and `Aᵀ` (see [`Metric`]), some three products of length `d` for the
/// U-turns, one exponential and one random decision. Memory `O(d·max_depth)`; a step allocates
/// nothing.
///
/// **When.** The default for densities with a gradient, up to some 10⁴ dimensions. Funnels and
/// other scales that vary along the density call for another parametrisation: it shows in
/// divergences. Separate modes call for tempering.
///
/// ```
/// use ergodic_core::{Energy, EnergyGradient, MarkovKernel, WarmupStep};
/// use ergodic_samplers::Nuts;
///
/// /// Two normal coordinates with standard deviations 1 and 100.
/// struct Normal;
/// impl Energy for Normal {
///     type State = [f64];
///     fn energy(&self, x: &[f64]) -> f64 {
///         0.5 * (x[0].powi(2) + (x[1] / 100.0).powi(2))
///     }
/// }
/// impl EnergyGradient for Normal {
///     fn dim(&self) -> usize {
///         2
///     }
///     fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
///         grad.copy_from_slice(&[x[0], x[1] / 1e4]);
///         self.energy(x)
///     }
/// }
/// let mut kernel = Nuts::new();
/// let mut state = kernel.init(&Normal, &[1.0, 1.0])?;
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// for step in 0..300 {
///     let info = kernel.step(&Normal, &mut state, &mut rng)?;
///     kernel.adapt(&Normal, &mut state, Some(&info), WarmupStep { step, of: 300 }, &mut rng)?;
/// }
/// let mut squares = 0.0;
/// for _ in 0..1000 {
///     kernel.step(&Normal, &mut state, &mut rng)?;
///     squares += kernel.position(&Normal, &state)[1].powi(2) / 1000.0;
/// }
/// assert!((squares.sqrt() - 100.0).abs() < 10.0);
/// # Ok::<(), ergodic_core::TargetError>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Nuts {
    step_size: f64,
    metric: Metric,
    max_depth: u32,
    warmup: WarmupSettings,
    tuner: Option<Box<HamiltonianTuner>>,
}

impl Default for Nuts {
    fn default() -> Self {
        Self::new()
    }
}

/// By how many nats `H` may grow along a trajectory.
const DIVERGENCE: f64 = 1000.0;
/// The largest allowed `max_depth`.
const MAX_DEPTH: u32 = 24;

impl Nuts {
    /// Step size 1, identity metric and `max_depth` 10: to be warmed up, or to be set by hand.
    pub fn new() -> Self {
        Self {
            step_size: 1.0,
            metric: Metric::identity(),
            max_depth: 10,
            warmup: WarmupSettings::default(),
            tuner: None,
        }
    }

    /// With a step size `ε`, a time in whitened coordinates.
    ///
    /// # Errors
    /// If it is not a positive normal number.
    pub fn with_step_size(mut self, step_size: f64) -> Result<Self, ArgumentError> {
        check_step_size(step_size)?;
        self.step_size = step_size;
        Ok(self)
    }

    /// With a metric; its dimension has to be the target's.
    pub fn with_metric(mut self, metric: Metric) -> Self {
        self.metric = metric;
        self
    }

    /// With at most `max_depth` doublings, 1 to 24.
    ///
    /// # Errors
    /// If it is outside that range.
    pub fn with_max_depth(mut self, max_depth: u32) -> Result<Self, ArgumentError> {
        if !(1..=MAX_DEPTH).contains(&max_depth) {
            return Err(ArgumentError::new("max_depth", max_depth, "1 to 24"));
        }
        self.max_depth = max_depth;
        Ok(self)
    }

    /// With other settings for the warm-up.
    pub fn with_warmup(mut self, warmup: WarmupSettings) -> Self {
        self.warmup = warmup;
        self
    }

    /// The step size in use.
    pub const fn step_size(&self) -> f64 {
        self.step_size
    }

    /// The metric in use.
    pub const fn metric(&self) -> &Metric {
        &self.metric
    }

    /// The largest number of doublings.
    pub const fn max_depth(&self) -> u32 {
        self.max_depth
    }

    /// One step with this whitened momentum instead of a drawn one: the part of the kernel between
    /// two draws of momenta, a law on the points of one leapfrog orbit.
    ///
    /// [`NutsInfo::offset`] says how many leapfrog steps from the start the chosen point lies. With
    /// `zᵢ` the points of an orbit, `wᵢ = e^{−H(zᵢ)}` and `Pᵢⱼ` the probability of offset `j − i` from
    /// `zᵢ`, the kernel is right if `wᵢ Pᵢⱼ = wⱼ Pⱼᵢ`. All decisions are discrete: the coin of each
    /// doubling and the choices of points.
    ///
    /// ```
    /// use ergodic_core::{Energy, EnergyGradient, MarkovKernel};
    /// use ergodic_conformance::{Limits, outcomes};
    /// use ergodic_samplers::Nuts;
    ///
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
    /// let kernel = Nuts::new().with_step_size(1.2)?;
    /// let start = kernel.init(&Oscillator, &[1.0])?;
    /// let law = outcomes(Limits::default(), |rng| {
    ///     kernel.transition(&Oscillator, &mut start.clone(), &[0.5], rng).offset
    /// })?;
    /// let total: f64 = law.iter().map(|(p, _)| p).sum();
    /// assert!((total - 1.0).abs() < 1e-14 && law.iter().any(|(_, offset)| *offset < 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// If the momentum does not have the dimension of the target.
    pub fn transition<T, R>(
        &self,
        target: &T,
        state: &mut NutsState,
        momentum: &[f64],
        rng: &mut R,
    ) -> NutsInfo
    where
        T: EnergyGradient + ?Sized,
        R: Randomness + ?Sized,
    {
        state.scratch.fit(state.dim, self.max_depth);
        state.scratch.release();
        state.scratch.vectors[START][..state.dim].copy_from_slice(momentum);
        vectorize(Trajectory {
            kernel: self,
            target,
            state,
            rng,
        })
    }

    /// Grows the trajectory from the state and the momentum in `vectors[START]`, and moves.
    #[inline(always)]
    fn trajectory<T, R>(&self, target: &T, state: &mut NutsState, rng: &mut R) -> NutsInfo
    where
        T: EnergyGradient + ?Sized,
        R: Randomness + ?Sized,
    {
        let dim = state.dim;
        let scratch = &mut state.scratch;
        swap(&mut state.point, &mut scratch.places[START]);
        if is_full(&self.metric) {
            let place = &mut scratch.places[START];
            self.metric
                .whiten_body(&place.gradient, &mut place.whitened);
        }
        let square = dot_body(&scratch.vectors[START], &scratch.vectors[START]);
        let initial = scratch.places[START].energy + 0.5 * square;
        let mut tree = Tree {
            span: Span::point(START, square),
            ends: [START; 2],
            offsets: [0; 2],
            chosen: START,
            offset: 0,
        };
        let mut sum = Sums::new(initial);
        let mut info = NutsInfo {
            depth: 0,
            acceptance: 0.0,
            energy: initial,
            energy_error: 0.0,
            divergent: false,
            gradients: 0,
            forbidden: 0,
            step_size: self.step_size,
            offset: 0,
        };
        while info.depth < self.max_depth {
            let forward = rng.bernoulli(0.5);
            let Some(half) = self.half(
                target, scratch, dim, &tree, forward, info.depth, &mut sum, &mut info, rng,
            ) else {
                break;
            };
            info.depth += 1;
            if half.weight > 0.0 && rng.bernoulli((half.weight / sum.weight).min(1.0)) {
                tree.chosen = half.chosen;
                tree.offset = half.offset;
            }
            sum.weight += half.weight;
            let side = usize::from(forward);
            tree.ends[side] = half.end;
            tree.offsets[side] = half.end_offset;
            // In the order of building the older half comes first, and ends where the newer begins.
            let older = if forward {
                tree.span
            } else {
                tree.span.reversed()
            };
            let (span, turns) = scratch.join(older, half.span);
            tree.span = if forward { span } else { span.reversed() };
            if turns {
                break;
            }
        }
        if info.gradients > 0 {
            info.acceptance = sum.acceptance / info.gradients as f64;
        }
        info.offset = tree.offset;
        swap(&mut state.point, &mut scratch.places[tree.chosen]);
        info.energy = state.point.hamiltonian;
        if tree.offset == 0 {
            info.energy = initial;
        }
        info
    }

    /// `2^depth` new points beyond one end of the tree; `None` if a part of them turns back or
    /// diverges.
    #[inline(always)]
    fn half<T, R>(
        &self,
        target: &T,
        scratch: &mut Scratch,
        dim: usize,
        tree: &Tree,
        forward: bool,
        depth: u32,
        sum: &mut Sums,
        info: &mut NutsInfo,
        rng: &mut R,
    ) -> Option<HalfTree>
    where
        T: EnergyGradient + ?Sized,
        R: Randomness + ?Sized,
    {
        let side = usize::from(forward);
        let (step, sign) = if forward {
            (self.step_size, 1)
        } else {
            (-self.step_size, -1)
        };
        let mut cursor = tree.ends[side];
        let mut momentum = if forward {
            tree.span.last
        } else {
            tree.span.first
        };
        let mut chosen = cursor;
        let mut offset = 0;
        let mut at = tree.offsets[side];
        let mut weight = 0.0;
        let held = 1u32 << tree.ends[0] | 1 << tree.ends[1] | 1 << tree.chosen;
        scratch.spans.clear();
        for leaf in 0..1u64 << depth {
            let next = (!(held | 1 << cursor | 1 << chosen)).trailing_zeros() as usize;
            let new = scratch.acquire();
            let (Ok([from, place]), Ok([mate, p])) = (
                scratch.places.get_disjoint_mut([cursor, next]),
                scratch.vectors.get_disjoint_mut([momentum, new]),
            ) else {
                return None; // there are enough places: `fit`
            };
            half_kick_and_drift(
                &self.metric,
                step,
                Half {
                    position: &from.position,
                    momentum: mate,
                    gradient: &from.gradient,
                    whitened: &from.whitened,
                },
                &mut place.position,
                p,
            );
            let energy = target.energy_gradient(&place.position[..dim], &mut place.gradient[..dim]);
            let (square, product) = half_kick(
                &self.metric,
                step,
                &place.gradient,
                &mut place.whitened,
                p,
                // The second of a pair needs the product with the first, and nothing else.
                (leaf % 2 == 1).then_some(&**mate),
            );
            place.energy = energy;
            place.hamiltonian = energy + 0.5 * square;
            let delta = place.hamiltonian - sum.initial;
            cursor = next;
            momentum = new;
            at += sign;
            info.gradients += 1;
            if delta.abs() > info.energy_error.abs() {
                info.energy_error = delta;
            }
            if !delta.is_finite() || delta > DIVERGENCE {
                info.divergent = true;
                info.forbidden += u64::from(energy == f64::INFINITY);
                return None;
            }
            let w = sum.add_acceptance(delta, &mut weight);
            weight += w;
            if leaf == 0 || (w > 0.0 && rng.bernoulli((w / weight).min(1.0))) {
                chosen = cursor;
                offset = at;
            }
            let mut span = Span::point(new, square);
            // Like the carries of a binary counter: equal parts join.
            for level in 0..(leaf + 1).trailing_zeros() {
                let Some(older) = scratch.spans.pop() else {
                    break;
                };
                let turns;
                (span, turns) = if level == 0 {
                    older.pair(span, product)
                } else {
                    scratch.join(older, span)
                };
                if turns {
                    return None;
                }
            }
            scratch.spans.push(span);
        }
        let span = scratch.spans.pop()?;
        Some(HalfTree {
            span,
            chosen,
            offset,
            weight,
            end: cursor,
            end_offset: at,
        })
    }
}

/// A whole trajectory, compiled for the instruction sets together with the gradient.
struct Trajectory<'a, T: ?Sized, R: ?Sized> {
    kernel: &'a Nuts,
    target: &'a T,
    state: &'a mut NutsState,
    rng: &'a mut R,
}

impl<T, R> Vectorize for Trajectory<'_, T, R>
where
    T: EnergyGradient + ?Sized,
    R: Randomness + ?Sized,
{
    type Output = NutsInfo;
    #[inline(always)]
    fn run(self) -> NutsInfo {
        self.kernel.trajectory(self.target, self.state, self.rng)
    }
}

/// Sums over the points of a trajectory; weights are `e^{−(H − initial) − shift}`.
struct Sums {
    initial: f64,
    shift: f64,
    /// Of the tree so far, without the half that is being built.
    weight: f64,
    acceptance: f64,
}

impl Sums {
    const fn new(initial: f64) -> Self {
        Self {
            initial,
            shift: 0.0,
            weight: 1.0,
            acceptance: 0.0,
        }
    }

    /// The weight of a point at `H − initial = delta`, where `half` is the weight of those beside
    /// it.
    #[inline(always)]
    fn add_acceptance(&mut self, delta: f64, half: &mut f64) -> f64 {
        const HIGH: f64 = 500.0;
        if -delta - self.shift > HIGH {
            // Far below the start: rescale before the exponential overflows.
            let factor = Real::exp(self.shift + delta);
            self.weight *= factor;
            *half *= factor;
            self.shift = -delta;
        }
        let w = Real::exp(-delta - self.shift);
        self.acceptance += if delta <= 0.0 {
            1.0
        } else if self.shift == 0.0 {
            w
        } else {
            Real::exp(-delta)
        };
        w
    }
}

/// The trajectory so far, backward end first.
struct Tree {
    span: Span,
    /// Places of the backward and the forward end.
    ends: [usize; 2],
    offsets: [i64; 2],
    chosen: usize,
    offset: i64,
}

/// A new half of the trajectory.
struct HalfTree {
    span: Span,
    chosen: usize,
    offset: i64,
    weight: f64,
    end: usize,
    end_offset: i64,
}

/// A part of a trajectory: indices of vectors.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: usize,
    last: usize,
    /// `ρ`, the sum of the momenta, if there are more than two: for one or two it is made of the
    /// ends.
    sum: usize,
    /// `|p|²` of its end, for parts of one point.
    square: f64,
}

/// No vector.
const NONE: usize = usize::MAX;

impl Span {
    const fn point(index: usize, square: f64) -> Self {
        Self {
            first: index,
            last: index,
            sum: NONE,
            square,
        }
    }

    const fn reversed(self) -> Self {
        Self {
            first: self.last,
            last: self.first,
            ..self
        }
    }

    /// Two single points with the product of their momenta; whether they turn.
    fn pair(self, other: Self, product: f64) -> (Self, bool) {
        let span = Self {
            first: self.first,
            last: other.last,
            sum: NONE,
            square: 0.0,
        };
        // NaN turns as well.
        let goes_on = self.square + product > 0.0 && other.square + product > 0.0;
        (span, !goes_on)
    }
}

/// What a chain carries: its position with energy and gradient, and the scratch of a step.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NutsState {
    dim: usize,
    point: Place,
    #[cfg_attr(feature = "serde", serde(skip))]
    scratch: Scratch,
}

impl NutsState {
    /// `x`.
    pub fn position(&self) -> &[f64] {
        &self.point.position[..self.dim]
    }

    /// `∇E(x)`.
    pub fn gradient(&self) -> &[f64] {
        &self.point.gradient[..self.dim]
    }

    /// `E(x)`.
    pub const fn energy(&self) -> f64 {
        self.point.energy
    }
}

/// A position with all that is known of it; padded with zeros.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Place {
    position: Aligned,
    gradient: Aligned,
    /// `Aᵀ∇E`, where the metric is dense or of low rank.
    whitened: Aligned,
    energy: f64,
    hamiltonian: f64,
}

impl Place {
    fn new(dim: usize) -> Self {
        let zeros = Aligned::zeros(padded(dim));
        Self {
            position: zeros.clone(),
            gradient: zeros.clone(),
            whitened: zeros,
            energy: 0.0,
            hamiltonian: 0.0,
        }
    }
}

/// Ends, choices of tree and half, cursor and next: six places are enough.
const PLACES: usize = 6;
/// The place and the momentum that a step starts from.
const START: usize = 0;

#[derive(Clone, Debug, Default)]
struct Scratch {
    places: Vec<Place>,
    /// Momenta and their sums, padded with zeros.
    vectors: Vec<Aligned>,
    /// Indices of the vectors that are not in use.
    free: Vec<usize>,
    /// Parts of the half that is being built, each half as long as the one before it, or less.
    spans: Vec<Span>,
}

impl Scratch {
    /// Room for trees of `depth` in `dim` dimensions; allocates only if there is not enough.
    fn fit(&mut self, dim: usize, depth: u32) {
        let vectors = 3 * depth as usize + 8;
        if self.vectors.len() < vectors || self.vectors[0].len() != padded(dim) {
            self.places = vec![Place::new(dim); PLACES];
            self.vectors = vec![Aligned::zeros(padded(dim)); vectors];
            self.free = Vec::with_capacity(vectors);
            self.spans = Vec::with_capacity(depth as usize + 1);
        }
    }

    /// All vectors but the first are free.
    fn release(&mut self) {
        self.free.clear();
        self.free.extend((START + 1..self.vectors.len()).rev());
    }

    fn acquire(&mut self) -> usize {
        // At most three vectors a level are in use: `fit` has made more.
        self.free.pop().unwrap_or(START)
    }

    /// Joins two equal parts of two points or more (or two single ones); whether the whole turns.
    #[inline(always)]
    fn join(&mut self, a: Span, b: Span) -> (Span, bool) {
        if a.first == a.last {
            let product = dot_body(&self.vectors[a.first], &self.vectors[b.first]);
            return a.pair(b, product);
        }
        let small = a.sum == NONE;
        let sum = if small { self.acquire() } else { a.sum };
        let mut rho = take(&mut self.vectors[sum]);
        let v = &self.vectors;
        let turns = turns_body(
            Ends {
                first: [&v[a.first], &v[a.last]],
                second: [&v[b.first], &v[b.last]],
                second_sum: if small { &[] } else { &v[b.sum] },
            },
            small,
            &mut rho,
        );
        self.vectors[sum] = rho;
        self.free.push(a.last);
        self.free.push(b.first);
        if !small {
            self.free.push(b.sum);
        }
        let span = Span {
            first: a.first,
            last: b.last,
            sum,
            square: 0.0,
        };
        (span, turns)
    }
}

/// What a step of [`Nuts`] did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NutsInfo {
    /// Completed doublings.
    pub depth: u32,
    /// `min(1, e^{−ΔH})`, averaged over all new points, with 0 for a divergent one.
    pub acceptance: f64,
    /// `H` of the chosen point, in nats.
    pub energy: f64,
    /// `ΔH` of largest magnitude among the new points, in nats.
    pub energy_error: f64,
    /// Whether the trajectory ended in a divergence.
    pub divergent: bool,
    /// Gradients evaluated.
    pub gradients: u64,
    /// Points of infinite energy.
    pub forbidden: u64,
    /// The step size.
    pub step_size: f64,
    /// Leapfrog steps from the start to the chosen point, negative backwards.
    pub offset: i64,
}

impl StepInfo for NutsInfo {
    fn stats(&self) -> StepStats {
        StepStats {
            acceptance: Some(self.acceptance),
            divergent: self.divergent,
            energy: Some(self.energy),
            energy_error: Some(self.energy_error),
            step_size: Some(self.step_size),
            depth: Some(self.depth),
            gradients: self.gradients,
            forbidden: self.forbidden,
            ..StepStats::default()
        }
    }
}

impl<T: EnergyGradient + ?Sized> MarkovKernel<T> for Nuts {
    type State = NutsState;
    type Info = NutsInfo;

    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }

    fn init(&self, target: &T, x: &[f64]) -> Result<NutsState, TargetError> {
        let dim = target.dim();
        check_start(dim, x)?;
        let mut state = NutsState {
            dim,
            point: Place::new(dim),
            scratch: Scratch::default(),
        };
        self.reset(target, &mut state, Some(x))?;
        Ok(state)
    }

    fn position<'s>(&self, _: &T, state: &'s NutsState) -> &'s [f64]
    where
        T: 's,
    {
        state.position()
    }

    fn reset(
        &self,
        target: &T,
        state: &mut NutsState,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        let dim = target.dim();
        check_start(dim, x.unwrap_or(state.position()))?;
        self.metric.fits(dim)?;
        if dim != state.dim {
            state.dim = dim;
            state.point = Place::new(dim);
        }
        let point = &mut state.point;
        if let Some(x) = x {
            point.position[..dim].copy_from_slice(x);
        }
        point.energy = target.energy_gradient(&point.position[..dim], &mut point.gradient[..dim]);
        check_energy(point.energy, &point.gradient)?;
        state.scratch.fit(dim, self.max_depth);
        Ok(())
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut NutsState,
        rng: &mut R,
    ) -> Result<NutsInfo, TargetError> {
        self.metric.fits(state.dim)?;
        state.scratch.fit(state.dim, self.max_depth);
        state.scratch.release();
        rng.fill_normal(&mut state.scratch.vectors[START][..state.dim]);
        Ok(vectorize(Trajectory {
            kernel: self,
            target,
            state,
            rng,
        }))
    }

    fn adapt<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut NutsState,
        info: Option<&NutsInfo>,
        at: WarmupStep,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        HamiltonianTuner::adapt(
            &mut self.tuner,
            &self.warmup,
            &mut self.step_size,
            &mut self.metric,
            target,
            state.position(),
            state.gradient(),
            info.map(|i| (i.acceptance, i.divergent)),
            at,
            rng,
        )
    }
}
