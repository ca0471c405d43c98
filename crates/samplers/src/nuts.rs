//! The No-U-Turn sampler: Hamiltonian trajectories that stop where they begin to return.

use ergodic_core::{
    ArgumentError, Claims, EnergyGradient, MarkovKernel, Randomness, StepInfo, StepStats,
    TargetError, WarmupStep,
};
use ergodic_math::Real;
use ergodic_math::simd::{Vectorize, vectorize};

use crate::hamiltonian::{
    Aligned, Ends, Half, HamiltonianTuner, Metric, WarmupSettings, check_energy, check_start,
    check_step_size, complete, dot_body, drift, is_full, padded, turns_body,
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
    ///     let info = kernel.transition(&Oscillator, &mut start.clone(), &[0.5], rng);
    ///     info.expect("dimensions agree").offset
    /// })?;
    /// let total: f64 = law.iter().map(|(p, _)| p).sum();
    /// assert!((total - 1.0).abs() < 1e-14 && law.iter().any(|(_, offset)| *offset < 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the target, the momentum or the kernel's metric does not have the dimension of the state.
    pub fn transition<T, R>(
        &self,
        target: &T,
        state: &mut NutsState,
        momentum: &[f64],
        rng: &mut R,
    ) -> Result<NutsInfo, TargetError>
    where
        T: EnergyGradient + ?Sized,
        R: Randomness + ?Sized,
    {
        for (what, dim) in [
            ("the target", target.dim()),
            ("the momentum", momentum.len()),
        ] {
            if dim != state.dim {
                return Err(TargetError::dimension(what, dim, state.dim));
            }
        }
        self.metric.fits(state.dim)?;
        state.momenta.fit(state.dim, self.max_depth);
        state.momenta.first(state.dim).copy_from_slice(momentum);
        Ok(vectorize(Trajectory {
            kernel: self,
            target,
            state,
            rng,
        }))
    }
}

/// A whole trajectory from the state and the first momentum, compiled for the instruction sets
/// together with the gradient.
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
        let Self {
            kernel,
            target,
            state,
            rng,
        } = self;
        let start = state.current;
        let places = &mut state.places;
        if is_full(&kernel.metric) {
            places.whiten(start, &kernel.metric);
        }
        let momentum = state.momenta.vectors.get(START);
        let square = dot_body(momentum, momentum);
        let initial = places.energies[start].potential + 0.5 * square;
        let builder = Builder {
            kernel,
            target,
            rng,
            unused: places.all() & !(1 << start),
            free: state.momenta.vectors.all() & !(1 << START),
            free_sums: state.momenta.sums.all(),
            dim: state.dim,
            places,
            momenta: &mut state.momenta,
            tree: Tree {
                span: Span::point(START, square),
                ends: [start; 2],
                offsets: [0; 2],
                chosen: start,
                offset: 0,
                weight: 1.0,
            },
            block: Block::new(start),
            shift: 0.0,
            acceptance: 0.0,
            initial,
            info: NutsInfo {
                depth: 0,
                acceptance: 0.0,
                energy: initial,
                energy_error: 0.0,
                divergent: false,
                gradients: 0,
                forbidden: 0,
                step_size: kernel.step_size,
                offset: 0,
            },
        };
        let (info, chosen) = builder.grow();
        state.current = chosen;
        info
    }
}

/// A trajectory under construction. Weights are `e^{−(H − initial) − shift}`.
struct Builder<'a, T: ?Sized, R: ?Sized> {
    kernel: &'a Nuts,
    target: &'a T,
    rng: &'a mut R,
    places: &'a mut Places,
    momenta: &'a mut Momenta,
    dim: usize,
    /// Places that this trajectory has not used, a bit each.
    unused: u64,
    /// Momenta and sums of momenta that are not in use, a bit each.
    free: u64,
    free_sums: u64,
    initial: f64,
    shift: f64,
    tree: Tree,
    block: Block,
    acceptance: f64,
    info: NutsInfo,
}

/// Sizes of the parts of a tree.
const WAITING: usize = MAX_DEPTH as usize;

/// The trajectory so far.
struct Tree {
    /// Backward end first.
    span: Span,
    /// Places of the backward and the forward end.
    ends: [usize; 2],
    offsets: [i64; 2],
    chosen: usize,
    offset: i64,
    weight: f64,
}

/// A new half of the trajectory.
struct HalfTree {
    span: Span,
    chosen: usize,
    offset: i64,
    weight: f64,
    end: usize,
    end_offset: i64,
    /// The last momentum times the one before it.
    product: f64,
}

/// A part of a trajectory: indices of vectors.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    /// The momenta at its ends.
    ends: [usize; 2],
    /// `ρ`, the sum of the momenta, if there are more than two: for one or two it is made of the
    /// ends.
    sum: usize,
    /// `|p|²` of its end, for parts of one point.
    square: f64,
}

/// No sum of momenta.
const NONE: usize = usize::MAX;

impl Span {
    const fn point(index: usize, square: f64) -> Self {
        Self {
            ends: [index; 2],
            sum: NONE,
            square,
        }
    }

    /// Two single points with the product of their momenta; whether they turn.
    #[inline(always)]
    fn pair(self, other: Self, product: f64) -> (Self, bool) {
        let span = Self {
            ends: [self.ends[0], other.ends[1]],
            sum: NONE,
            square: 0.0,
        };
        // NaN turns as well.
        let goes_on = self.square + product > 0.0 && other.square + product > 0.0;
        (span, !goes_on)
    }
}

/// New points whose turn to be chosen has not come yet.
///
/// The choice needs exponentials and random numbers, and nobody can guess how it ends. If it came
/// after each point, a processor that works ahead would do so in vain; so it waits for some
/// points, whose exponentials are then computed side by side.
///
/// The first doublings share a block: the start at 0, the first half at 1, the second at 2 and 3,
/// the third from 4 to 7. Longer halves are made of blocks.
struct Block {
    /// `H − initial`, `+∞` for those that are not there.
    delta: [f64; BLOCK],
    places: [usize; BLOCK],
    offsets: [i64; BLOCK],
    /// The smallest `H − initial`.
    least: f64,
    /// The places as bits.
    held: u64,
}

/// Points that a choice is made of at most.
const BLOCK: usize = 8;

impl Block {
    /// Of the start alone.
    const fn new(start: usize) -> Self {
        Self {
            delta: [f64::INFINITY; BLOCK],
            places: [start; BLOCK],
            offsets: [0; BLOCK],
            least: f64::INFINITY,
            held: 1 << start,
        }
    }

    #[inline(always)]
    fn put(&mut self, at: usize, place: usize, offset: i64, delta: f64) {
        let at = at % BLOCK;
        self.delta[at] = delta;
        self.places[at] = place;
        self.offsets[at] = offset;
        self.least = if delta < self.least {
            delta
        } else {
            self.least
        };
        self.held |= 1 << place;
    }
}

/// `min(1, part/whole)`, 0 if the part is.
#[inline(always)]
fn share(part: f64, whole: f64) -> f64 {
    let share = (part / whole).min(1.0);
    // 0/0 is not a number.
    if part > 0.0 { share } else { 0.0 }
}

impl<T, R> Builder<'_, T, R>
where
    T: EnergyGradient + ?Sized,
    R: Randomness + ?Sized,
{
    /// Doubles until a reason to stop; returns the chosen place.
    #[inline(always)]
    fn grow(mut self) -> (NutsInfo, usize) {
        while self.info.depth < self.kernel.max_depth {
            let shared = self.shares_block();
            if !shared && 1 << self.info.depth == self.places.block {
                self.choose_among_first();
            }
            let side = usize::from(self.rng.bernoulli(0.5));
            let Some(half) = self.half(side, shared) else {
                break;
            };
            let tree = &mut self.tree;
            if !shared {
                let accepted = self.rng.bernoulli(share(half.weight, tree.weight));
                tree.chosen = if accepted { half.chosen } else { tree.chosen };
                tree.offset = if accepted { half.offset } else { tree.offset };
                tree.weight += half.weight;
            }
            tree.ends[side] = half.end;
            tree.offsets[side] = half.end_offset;
            // In the order of building the older half comes first, and ends where the newer begins.
            let older = Span {
                ends: [tree.span.ends[1 - side], tree.span.ends[side]],
                ..tree.span
            };
            let (span, turns) = if self.info.depth == 0 {
                older.pair(half.span, half.product)
            } else {
                self.join(older, half.span)
            };
            self.info.depth += 1;
            self.tree.span = Span {
                ends: [span.ends[1 - side], span.ends[side]],
                ..span
            };
            if turns {
                break;
            }
        }
        if self.block.held != 0 {
            self.choose_among_first();
        }
        let mut info = self.info;
        if info.gradients > 0 {
            info.acceptance = self.acceptance / info.gradients as f64;
        }
        info.offset = self.tree.offset;
        if info.offset != 0 {
            info.energy = self.places.energies[self.tree.chosen].total;
        }
        (info, self.tree.chosen)
    }

    /// Whether the next half fits the block of the first.
    #[inline(always)]
    fn shares_block(&self) -> bool {
        2 << self.info.depth <= self.places.block
    }

    /// As many new points as there are beyond one end of the tree, the forward one for side 1;
    /// `None` if a part of them turns back or diverges.
    #[inline(always)]
    fn half(&mut self, side: usize, shared: bool) -> Option<HalfTree> {
        let sign = 2 * side as i64 - 1;
        let step = self.kernel.step_size * sign as f64;
        let cursor = self.tree.ends[side];
        let mut momentum = self.tree.span.ends[side];
        let mut half = HalfTree {
            span: self.tree.span,
            chosen: cursor,
            offset: 0,
            weight: 0.0,
            end: cursor,
            end_offset: self.tree.offsets[side],
            product: 0.0,
        };
        let leaves = 1usize << self.info.depth;
        let (at, mask) = if shared {
            (leaves, usize::MAX)
        } else {
            (0, self.places.block - 1)
        };
        for leaf in 0..leaves {
            let place = self.next_place(&half);
            let new = acquire(&mut self.free);
            let (square, product) = self.leapfrog(step, [half.end, place], [momentum, new]);
            let delta = self.places.energies[place].total - self.initial;
            self.info.gradients += 1;
            let worse = delta.abs() > self.info.energy_error.abs();
            self.info.energy_error = if worse { delta } else { self.info.energy_error };
            // NaN is not sound.
            let sound = delta <= DIVERGENCE && delta > f64::NEG_INFINITY;
            let mut turns = !sound;
            if sound {
                half.end = place;
                half.end_offset += sign;
                half.product = product;
                momentum = new;
                self.block
                    .put(at + (leaf & mask), place, half.end_offset, delta);
                let mut span = Span::point(new, square);
                // Like the carries of a binary counter: equal parts join.
                let joins = (leaf + 1).trailing_zeros() as usize;
                for level in 0..joins {
                    let older = self.momenta.waiting[level % WAITING];
                    (span, turns) = if level == 0 {
                        older.pair(span, product)
                    } else {
                        self.join(older, span)
                    };
                    if turns {
                        break;
                    }
                }
                self.momenta.waiting[joins % WAITING] = span;
                half.span = span;
            } else {
                self.info.divergent = true;
                if delta.is_nan() {
                    self.info.energy_error = f64::INFINITY;
                }
                let energy = self.places.energies[place].potential;
                self.info.forbidden += u64::from(energy == f64::INFINITY);
            }
            if turns {
                if !shared {
                    self.weigh(&mut half.weight);
                }
                return None;
            }
            if (leaf + 1) & mask == 0 {
                self.choose_within(&mut half);
            }
        }
        Some(half)
    }

    /// A place for a new point, which nothing refers to any more.
    #[inline(always)]
    fn next_place(&mut self, half: &HalfTree) -> usize {
        // A place that is used for the first time does not depend on any choice before.
        if self.unused == 0 {
            let tree = &self.tree;
            let held = 1 << tree.ends[0]
                | 1 << tree.ends[1]
                | 1 << tree.chosen
                | 1 << half.end
                | 1 << half.chosen
                | self.block.held;
            self.unused = self.places.all() & !held;
        }
        let next = self.unused.trailing_zeros() as usize;
        self.unused &= self.unused.wrapping_sub(1);
        if self.places.block == 1 {
            // Long vectors: those in use before are still in the cache.
            self.unused = 0;
        }
        next
    }

    /// One step from one place and momentum to others. Returns `|p|²` and the product of the
    /// two momenta.
    #[inline(always)]
    fn leapfrog(&mut self, step: f64, places: [usize; 2], momenta: [usize; 2]) -> (f64, f64) {
        let metric = &self.kernel.metric;
        let [from, to] = self.places.points.pair(places);
        let [p, new] = self.momenta.vectors.pair(momenta);
        let stride = new.len();
        let (x, rest) = from.split_at(stride);
        let (g, h) = rest.split_at(stride);
        let (to_x, rest) = to.split_at_mut(stride);
        let (to_g, to_h) = rest.split_at_mut(stride);
        let half = Half {
            position: x,
            momentum: p,
            gradient: g,
            whitened: h,
        };
        drift(metric, step, half, to_x, new);
        let energy = self
            .target
            .energy_gradient(&to_x[..self.dim], &mut to_g[..self.dim]);
        let (square, product) = complete(metric, step, half, to_g, to_h, new);
        self.places.energies[places[1]] = Energies {
            potential: energy,
            total: energy + 0.5 * square,
        };
        (square, product)
    }

    /// Joins two equal parts of two points or more; whether the whole turns.
    #[inline(always)]
    fn join(&mut self, a: Span, b: Span) -> (Span, bool) {
        let vectors = &self.momenta.vectors;
        let ends = |span: Span| [vectors.get(span.ends[0]), vectors.get(span.ends[1])];
        let (first, second) = (ends(a), ends(b));
        let small = a.sum == NONE;
        let (sum, turns) = if small {
            let sum = acquire(&mut self.free_sums);
            let ends = Ends {
                first,
                second,
                second_sum: &[],
            };
            let turns = turns_body(ends, true, self.momenta.sums.get_mut(sum));
            (sum, turns)
        } else {
            let [sum, second_sum] = self.momenta.sums.pair([a.sum, b.sum]);
            let ends = Ends {
                first,
                second,
                second_sum,
            };
            let turns = turns_body(ends, false, sum);
            self.free_sums |= 1 << b.sum;
            (a.sum, turns)
        };
        self.free |= 1 << a.ends[1] | 1 << b.ends[0];
        let span = Span {
            ends: [a.ends[0], b.ends[1]],
            sum,
            square: 0.0,
        };
        (span, turns)
    }

    /// Empties the block: counts its points in the acceptance and returns their weights. `half` is
    /// the weight of the half that is being built.
    #[inline(always)]
    fn weigh(&mut self, half: &mut f64) -> [f64; BLOCK] {
        const HIGH: f64 = 500.0;
        let least = self.block.least;
        if -least - self.shift > HIGH {
            // Far below the start: rescale before the exponential overflows.
            let factor = Real::exp(self.shift + least);
            self.tree.weight *= factor;
            *half *= factor;
            self.shift = -least;
        }
        let delta = self.block.delta;
        let mut weights = delta;
        for w in &mut weights {
            *w = Real::exp(-*w - self.shift);
        }
        let mut a = weights;
        for a in &mut a {
            *a = if *a < 1.0 { *a } else { 1.0 };
        }
        if self.shift > 0.0 {
            for (a, delta) in a.iter_mut().zip(&delta) {
                *a = Real::exp(if *delta > 0.0 { -delta } else { 0.0 });
            }
        }
        self.acceptance += ((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7]));
        self.block.delta = [f64::INFINITY; BLOCK];
        self.block.least = f64::INFINITY;
        self.block.held = 0;
        weights
    }

    /// Makes the choices of the completed doublings that share the first block.
    #[inline(always)]
    fn choose_among_first(&mut self) {
        let w = self.weigh(&mut 0.0);
        let depth = self.info.depth;
        let tree = &mut self.tree;
        let mut chosen = 0;
        if depth > 0 {
            let accepted = self.rng.bernoulli(share(w[1], tree.weight));
            chosen = usize::from(accepted);
            tree.weight += w[1];
        }
        if depth > 1 {
            let weight = w[2] + w[3];
            let i = 2 + usize::from(self.rng.bernoulli(share(w[3], weight)));
            let accepted = self.rng.bernoulli(share(weight, tree.weight));
            chosen = if accepted { i } else { chosen };
            tree.weight += weight;
        }
        if depth > 2 {
            let two = [w[4] + w[5], w[6] + w[7]];
            let weight = two[0] + two[1];
            let i = usize::from(self.rng.bernoulli(share(two[1], weight)));
            let p = share(w[5 + 2 * i], two[i]);
            let i = 4 + 2 * i + usize::from(self.rng.bernoulli(p));
            let accepted = self.rng.bernoulli(share(weight, tree.weight));
            chosen = if accepted { i } else { chosen };
            tree.weight += weight;
        }
        tree.chosen = self.block.places[chosen];
        tree.offset = self.block.offsets[chosen];
    }

    /// Chooses one point of the block by its weight, and between it and the choice of the half so
    /// far by the weights of both.
    #[inline(always)]
    fn choose_within(&mut self, half: &mut HalfTree) {
        let w = self.weigh(&mut half.weight);
        // From the whole to halves, quarters and eighths: where there are fewer points, some
        // decisions are none.
        let two = [w[0] + w[1], w[2] + w[3], w[4] + w[5], w[6] + w[7]];
        let four = [two[0] + two[1], two[2] + two[3]];
        let total = four[0] + four[1];
        let mut i = 0;
        if self.places.block > 4 {
            i = usize::from(self.rng.bernoulli(share(four[1], total)));
        }
        if self.places.block > 2 {
            let p = share(two[2 * i + 1], four[i]);
            i = 2 * i + usize::from(self.rng.bernoulli(p));
        }
        if self.places.block > 1 {
            let p = share(w[2 * i + 1], two[i]);
            i = 2 * i + usize::from(self.rng.bernoulli(p));
        }
        let first = half.weight == 0.0;
        half.weight += total;
        let accepted = first || self.rng.bernoulli(share(total, half.weight));
        half.chosen = if accepted {
            self.block.places[i]
        } else {
            half.chosen
        };
        half.offset = if accepted {
            self.block.offsets[i]
        } else {
            half.offset
        };
    }
}

/// What a chain carries: its position with energy and gradient, and the scratch of a step.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(from = "Saved", into = "Saved"))]
pub struct NutsState {
    dim: usize,
    /// The place where the chain is.
    current: usize,
    places: Places,
    momenta: Momenta,
}

impl NutsState {
    fn new(dim: usize) -> Self {
        Self {
            dim,
            current: 0,
            places: Places::new(dim),
            momenta: Momenta::default(),
        }
    }

    /// `x`.
    pub fn position(&self) -> &[f64] {
        &self.places.points.get(self.current)[..self.dim]
    }

    /// `∇E(x)`.
    pub fn gradient(&self) -> &[f64] {
        let stride = padded(self.dim);
        &self.places.points.get(self.current)[stride..stride + self.dim]
    }

    /// `E(x)`.
    pub fn energy(&self) -> f64 {
        self.places.energies[self.current].potential
    }

    /// Position and gradient.
    fn point_mut(&mut self) -> (&mut [f64], &mut [f64]) {
        let point = self.places.points.get_mut(self.current);
        let (x, rest) = point.split_at_mut(padded(self.dim));
        (&mut x[..self.dim], &mut rest[..self.dim])
    }
}

/// What is kept of a [`NutsState`].
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
struct Saved {
    position: Vec<f64>,
    gradient: Vec<f64>,
    energy: f64,
}

#[cfg(feature = "serde")]
impl From<NutsState> for Saved {
    fn from(state: NutsState) -> Self {
        Self {
            position: state.position().to_vec(),
            gradient: state.gradient().to_vec(),
            energy: state.energy(),
        }
    }
}

#[cfg(feature = "serde")]
impl From<Saved> for NutsState {
    fn from(saved: Saved) -> Self {
        let mut state = Self::new(saved.position.len());
        let (position, gradient) = state.point_mut();
        position.copy_from_slice(&saved.position);
        for (to, from) in gradient.iter_mut().zip(&saved.gradient) {
            *to = *from;
        }
        state.places.energies[0].potential = saved.energy;
        state
    }
}

/// Vectors of one length, one after the other.
#[derive(Clone, Debug, Default)]
struct Vectors {
    memory: Aligned,
    len: usize,
    count: usize,
}

impl Vectors {
    fn zeros(len: usize, count: usize) -> Self {
        Self {
            memory: Aligned::zeros(len * count),
            len,
            count,
        }
    }

    #[inline(always)]
    fn get(&self, i: usize) -> &[f64] {
        &self.memory[i * self.len..][..self.len]
    }

    #[inline(always)]
    fn get_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.memory[i * self.len..][..self.len]
    }

    /// Two different ones.
    #[inline(always)]
    fn pair(&mut self, [i, j]: [usize; 2]) -> [&mut [f64]; 2] {
        let len = self.len;
        let (before, after) = self.memory.split_at_mut(i.max(j) * len);
        let low = &mut before[i.min(j) * len..][..len];
        let high = &mut after[..len];
        if i < j { [low, high] } else { [high, low] }
    }

    /// A bit for each.
    const fn all(&self) -> u64 {
        (1 << self.count) - 1
    }
}

/// The lowest of the free ones.
#[inline(always)]
fn acquire(free: &mut u64) -> usize {
    let next = free.trailing_zeros() as usize;
    *free &= free.wrapping_sub(1);
    next
}

/// `E` and `H`.
#[derive(Clone, Copy, Debug, Default)]
struct Energies {
    potential: f64,
    total: f64,
}

/// Points with all that is known of them.
#[derive(Clone, Debug)]
struct Places {
    /// Position, gradient and whitened gradient, the last where the metric is dense or of low rank.
    points: Vectors,
    energies: Vec<Energies>,
    /// Of how many points a choice is made, a power of two.
    block: usize,
}

/// The numbers of a block of points that may stay in the cache.
const NEAR: usize = 1024;
/// Ends, choices of tree and half, cursor, next, and some more.
const MORE_PLACES: usize = 8;

impl Places {
    fn new(dim: usize) -> Self {
        let stride = padded(dim);
        let block = 1 << (NEAR / stride.max(1)).clamp(1, BLOCK).ilog2();
        Self {
            points: Vectors::zeros(3 * stride, block + MORE_PLACES),
            energies: vec![Energies::default(); block + MORE_PLACES],
            block,
        }
    }

    const fn all(&self) -> u64 {
        self.points.all()
    }

    #[inline(always)]
    fn whiten(&mut self, place: usize, metric: &Metric) {
        let point = self.points.get_mut(place);
        let (known, whitened) = point.split_at_mut(2 * point.len() / 3);
        metric.whiten_body(&known[whitened.len()..], whitened);
    }
}

/// The momentum that a step starts from.
const START: usize = 0;

/// Momenta of a trajectory and their sums.
#[derive(Clone, Debug, Default)]
struct Momenta {
    vectors: Vectors,
    sums: Vectors,
    /// Parts of the half that is being built, of 1, 2, 4, … points.
    waiting: [Span; WAITING],
}

impl Momenta {
    /// Room for trees of `depth` in `dim` dimensions; allocates only if there is not enough.
    fn fit(&mut self, dim: usize, depth: u32) {
        let count = 2 * depth as usize + 8;
        if self.vectors.count < count || self.vectors.len != padded(dim) {
            self.vectors = Vectors::zeros(padded(dim), count);
            self.sums = Vectors::zeros(padded(dim), depth as usize + 4);
        }
    }

    fn first(&mut self, dim: usize) -> &mut [f64] {
        &mut self.vectors.get_mut(START)[..dim]
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
    /// `ΔH` of largest magnitude among the new points in nats, `+∞` if one is not a number.
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
            fresh_momentum: true,
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
        let mut state = NutsState::new(dim);
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
            *state = NutsState::new(dim);
        }
        let (position, gradient) = state.point_mut();
        if let Some(x) = x {
            position.copy_from_slice(x);
        }
        let energy = target.energy_gradient(position, gradient);
        check_energy(energy, gradient)?;
        state.places.energies[state.current].potential = energy;
        state.momenta.fit(dim, self.max_depth);
        Ok(())
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut NutsState,
        rng: &mut R,
    ) -> Result<NutsInfo, TargetError> {
        self.metric.fits(state.dim)?;
        state.momenta.fit(state.dim, self.max_depth);
        rng.fill_normal(state.momenta.first(state.dim));
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
            state.energy(),
            info.map(|i| (i.acceptance, i.divergent)),
            at,
            rng,
        )
    }
}
