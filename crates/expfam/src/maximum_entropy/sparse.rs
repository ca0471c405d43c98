//! Maximum entropy with many sparse features on many states, which are visited in blocks.

use std::ops::Range;

use ergodic_core::ArgumentError;
use ergodic_math::Real;
use ergodic_math::elementary::exp_slice;
use ergodic_math::simd::{Vectorize, vectorize};
use rayon::prelude::*;

use super::descent::{Answer, Ask, Dual, Ending, Point, minimise};
use super::{
    Constraint, MaximumEntropyError, MaximumEntropyLaw, check, extent, firm, not_inside, sharper,
    softest, verdict, within_reach,
};

/// States whose features are visited together: a part of the results' bits.
const BLOCK: usize = 256;

/// Features of states in memory that are visited together.
const ENTRIES: usize = 1 << 15;

/// States are cut into at most this many chunks, each with its sums: a part of the results' bits.
const CHUNKS: usize = 16;

/// States below which a chunk is not worth its sums.
const CHUNK: usize = 4096;

/// Some states: their weights in the base measure, and their features that are not 0.
///
/// ```
/// use ergodic_expfam::FeatureRows;
///
/// let mut rows = FeatureRows::default();
/// rows.push(1.0, &[0, 7], &[0.5, -2.0]); // weight 1; feature 0 is 0.5, feature 7 is −2
/// assert_eq!(rows.len(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureRows {
    base: Vec<f64>,
    /// Where each state's features end.
    ends: Vec<usize>,
    features: Vec<u32>,
    values: Vec<f64>,
}

impl FeatureRows {
    /// Adds a state: its base weight, and its features in increasing order with their values. The
    /// shorter of the two lists counts.
    pub fn push(&mut self, base: f64, features: &[u32], values: &[f64]) {
        let n = features.len().min(values.len());
        self.base.push(base);
        self.features.extend_from_slice(&features[..n]);
        self.values.extend_from_slice(&values[..n]);
        self.ends.push(self.features.len());
    }

    /// The number of states.
    pub fn len(&self) -> usize {
        self.base.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.base.is_empty()
    }

    /// The weight, the features and the values of a state.
    pub fn get(&self, state: usize) -> Option<(f64, &[u32], &[f64])> {
        let base = *self.base.get(state)?;
        let range = self.range(state);
        Some((base, &self.features[range.clone()], &self.values[range]))
    }

    fn clear(&mut self) {
        self.base.clear();
        self.ends.clear();
        self.features.clear();
        self.values.clear();
    }

    /// Where the features of a state are.
    fn range(&self, state: usize) -> Range<usize> {
        let start = state.checked_sub(1).map_or(0, |s| self.ends[s]);
        start..self.ends[state]
    }

    /// The features and values of some states.
    fn rows(&self, states: Range<usize>) -> impl Iterator<Item = (&[u32], &[f64])> {
        let mut start = states.start.checked_sub(1).map_or(0, |s| self.ends[s]);
        self.ends[states].iter().map(move |end| {
            let range = start..*end;
            start = *end;
            (&self.features[range.clone()], &self.values[range])
        })
    }

    /// Appends some states of another list.
    fn append(&mut self, other: &Self, states: Range<usize>) {
        if states.is_empty() {
            return;
        }
        let entries = other.range(states.start).start..other.range(states.end - 1).end;
        let shift = self.features.len();
        let ends = &other.ends[states.clone()];
        self.ends
            .extend(ends.iter().map(|end| end - entries.start + shift));
        self.base.extend_from_slice(&other.base[states]);
        self.features
            .extend_from_slice(&other.features[entries.clone()]);
        self.values.extend_from_slice(&other.values[entries]);
    }
}

/// Sparse features of many states, which need not be in memory.
///
/// The states are visited some hundred times, in blocks and from several threads; each visit has to say the
/// same. Entries of features that do not exist are left out, except that the first visit
/// ([`SparseMaximumEntropy::new`]) refuses them.
///
/// ```
/// use std::ops::Range;
/// use ergodic_expfam::{Constraint, FeatureRows, SparseMaximumEntropy, StateFeatures};
///
/// /// All strings of 12 bits; the features are the bits.
/// struct Strings;
///
/// impl StateFeatures for Strings {
///     fn states(&self) -> usize {
///         1 << 12
///     }
///     fn features(&self) -> usize {
///         12
///     }
///     fn visit(&self, states: Range<usize>, rows: &mut FeatureRows) {
///         for state in states {
///             let ones: Vec<u32> = (0..12).filter(|bit| state >> bit & 1 == 1).collect();
///             rows.push(1.0, &ones, &[1.0; 12]);
///         }
///     }
/// }
///
/// // Bits that are 1 with probability 1/5, otherwise as random as can be: they are independent.
/// let law = SparseMaximumEntropy::new(Strings)?.solve(&[Constraint::Equal(0.2); 12])?;
/// assert!((law.multipliers[3] + 4f64.ln()).abs() < 1e-9);
/// # Ok::<(), ergodic_expfam::MaximumEntropyError>(())
/// ```
pub trait StateFeatures: Sync {
    /// The number of states.
    fn states(&self) -> usize;

    /// The number of features, at most 2³².
    fn features(&self) -> usize;

    /// Pushes these states, in order, to `rows`.
    fn visit(&self, states: Range<usize>, rows: &mut FeatureRows);

    /// All states, if they lie in memory as they would be pushed: then they are not copied.
    fn in_memory(&self) -> Option<&FeatureRows> {
        None
    }
}

impl<S: StateFeatures + ?Sized> StateFeatures for &S {
    fn states(&self) -> usize {
        (**self).states()
    }

    fn features(&self) -> usize {
        (**self).features()
    }

    fn visit(&self, states: Range<usize>, rows: &mut FeatureRows) {
        (**self).visit(states, rows);
    }

    fn in_memory(&self) -> Option<&FeatureRows> {
        (**self).in_memory()
    }
}

/// Sparse features in memory: 12 bytes for each that is not 0, 16 for each state.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseFeatures {
    features: usize,
    rows: FeatureRows,
}

impl SparseFeatures {
    /// Of this many features and these states.
    pub fn new(features: usize, rows: FeatureRows) -> Self {
        Self { features, rows }
    }
}

impl StateFeatures for SparseFeatures {
    fn states(&self) -> usize {
        self.rows.len()
    }

    fn features(&self) -> usize {
        self.features
    }

    fn visit(&self, states: Range<usize>, rows: &mut FeatureRows) {
        let end = states.end.min(self.rows.len());
        rows.append(&self.rows, states.start.min(end)..end);
    }

    fn in_memory(&self) -> Option<&FeatureRows> {
        Some(&self.rows)
    }
}

/// [`MaximumEntropy`](super::MaximumEntropy) for many sparse features on many states.
///
/// The same law, multipliers and certificate, from truncated Newton steps: the Hessian is known by its
/// products, each a pass over the states, and L1 parts by the orthant that the slope points into (Andrew
/// and Gao, *ICML* 2007; Byrd, Chin, Nocedal and Oztoprak, *Math. Program.* 159, 2016; conjugate gradients
/// with early stop, Dembo, Eisenstat and Steihaug, *SIAM J. Numer. Anal.* 19, 1982). Some hundred passes of
/// `O(number of features that are not 0)` each, on rayon's current threads, with the same bits for any
/// number of them; memory three numbers per state and some 40 per feature beside what the features take. The
/// smaller problems of up to some hundred features are faster with a dense matrix.
///
/// Features may be affinely dependent: the law is unique all the same, the multipliers then are one choice
/// of many. Where combinations of features hardly vary, or the moments are next to the boundary, a residual within
/// the tolerance may be far from the law: steps go on until they are short. What rounding does not resolve is
/// [`Boundary`](MaximumEntropyError::Boundary) with the distance, which is that of all moments where no state is
/// off a plane by more.
///
/// A dense matrix of 1,000 features on 100,000 states takes about a second on one thread: rows that give all
/// features are walked without their indices.
///
/// ```
/// use ergodic_expfam::{Constraint, FeatureRows, SparseFeatures, SparseMaximumEntropy};
///
/// // A die of mean 4.5.
/// let mut faces = FeatureRows::default();
/// for face in 1..=6 {
///     faces.push(1.0, &[0], &[f64::from(face)]);
/// }
/// let die = SparseMaximumEntropy::new(SparseFeatures::new(1, faces))?
///     .solve(&[Constraint::Equal(4.5)])?;
/// assert!((die.multipliers[0] - 0.37104893808103323).abs() < 1e-9);
/// # Ok::<(), ergodic_expfam::MaximumEntropyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SparseMaximumEntropy<S> {
    source: S,
    /// Of the base measure, normalised.
    log_base: Vec<f64>,
    /// The least and the largest value of each feature on the support.
    reach: Vec<(f64, f64)>,
    scales: Vec<f64>,
    /// The divergence of a law on the rarest state.
    largest: f64,
    tolerance: f64,
}

/// What a chunk of states tells about base and features.
struct Survey {
    base: Vec<f64>,
    /// The least and the largest value of each feature where it is given, on the support.
    least: Vec<f64>,
    most: Vec<f64>,
    /// On how many states of the support each feature is given, beside those that give all.
    given: Vec<usize>,
    full: usize,
    support: usize,
}

impl<S: StateFeatures> SparseMaximumEntropy<S> {
    /// Of features and base measure, not necessarily normalised. Visits the states once.
    ///
    /// # Errors
    /// If there are no states or no features, a state is missing or too many, its weight is negative or
    /// not finite, its features are not in increasing order, do not exist or are not finite, or all
    /// weights are 0 or their sum overflows.
    pub fn new(source: S) -> Result<Self, MaximumEntropyError> {
        let (states, features) = (source.states(), source.features());
        if states == 0 || features == 0 || features > 1 << 32 {
            return Err(ArgumentError::new(
                "source",
                format!("{states} states with {features} features"),
                "at least one state and one feature, at most 2³² features",
            )
            .into());
        }
        let size = chunk(states);
        let surveys: Vec<Result<Survey, ArgumentError>> = (0..states.div_ceil(size))
            .into_par_iter()
            .map(|c| survey(&source, c * size..states.min((c + 1) * size)))
            .collect();
        let mut base = Vec::with_capacity(states);
        let mut reach = vec![(f64::INFINITY, f64::NEG_INFINITY); features];
        let mut given = vec![0; features];
        let mut support = 0;
        for survey in surveys {
            let survey = survey?;
            base.extend(survey.base);
            support += survey.support;
            let reached = survey.least.iter().zip(&survey.most);
            for ((r, n), ((least, most), m)) in
                (reach.iter_mut().zip(&mut given)).zip(reached.zip(&survey.given))
            {
                *r = (r.0.min(*least), r.1.max(*most));
                *n += m + survey.full;
            }
        }
        for (r, n) in reach.iter_mut().zip(given) {
            if n < support {
                *r = (r.0.min(0.0), r.1.max(0.0));
            }
        }
        let total = ergodic_math::reduce::sum(&base);
        if !(total > 0.0 && total.is_finite()) {
            return Err(ArgumentError::new(
                "base_measure",
                format!("weights of sum {total}"),
                "of a sum that is positive and finite",
            )
            .into());
        }
        let log_total = Real::ln(total);
        let log_base: Vec<f64> = base.iter().map(|h| Real::ln(*h) - log_total).collect();
        let rarest = log_base.iter().copied().filter(|h| h.is_finite());
        Ok(Self {
            source,
            largest: -rarest.fold(0.0, f64::min),
            log_base,
            scales: reach.iter().map(|r| extent(*r)).collect(),
            reach,
            tolerance: 1e-10,
        })
    }

    /// How exactly the conditions of Kuhn and Tucker are to be met, in units of the size of each
    /// feature; 1e-10 unless said otherwise. The gap is then about `tolerance·Σ|λ|·size`, and mostly far
    /// less, since the last steps converge faster than linearly.
    ///
    /// # Errors
    /// If it is not between 1e-13, where rounding rules, and 1e-2.
    pub fn tolerance(mut self, tolerance: f64) -> Result<Self, ArgumentError> {
        if !(1e-13..=1e-2).contains(&tolerance) {
            return Err(ArgumentError::new(
                "tolerance",
                tolerance,
                "from 1e-13 to 0.01",
            ));
        }
        self.tolerance = tolerance;
        Ok(self)
    }

    /// The law under these constraints, one per feature.
    ///
    /// # Errors
    /// As [`MaximumEntropy::solve`](super::MaximumEntropy::solve). A constraint that no value of its
    /// feature meets is named at once; of constraints that contradict each other, the one that asks for
    /// most.
    pub fn solve(
        &self,
        constraints: &[Constraint],
    ) -> Result<MaximumEntropyLaw, MaximumEntropyError> {
        check(constraints, self.reach.len())?;
        within_reach(constraints, &self.reach)?;
        let ask = Ask {
            constraints,
            scales: &self.scales,
            tolerance: self.tolerance,
            largest: self.largest,
            soft: softest(constraints, &self.reach),
        };
        let states = Weights {
            states: self.log_base.clone(),
            squares: vec![0.0; constraints.len()],
        };
        let caches = (states.clone(), states);
        let (answer, ending) = minimise(self, &ask, caches, |_, _| false);
        match ending {
            Ending::Settled => {}
            // Rounding ended the descent where the conditions are met well enough.
            Ending::Stuck if ask.residual(&answer.at) <= self.tolerance.max(1e-9) => {
                let worst = ask.worst(&answer.at);
                let whole = self.verdict(worst, &answer.at.lambda, constraints, &answer);
                if not_inside(&whole) {
                    return Err(whole);
                }
            }
            Ending::Far {
                coordinate,
                direction,
            } => {
                return Err(self.verdict(coordinate, &direction, constraints, &answer));
            }
            Ending::Unbounded(constraint) => {
                return Err(MaximumEntropyError::Infeasible {
                    constraint,
                    asked: constraints[constraint],
                    found: answer.at.moments[constraint],
                });
            }
            // Just outside of the hull the multipliers grow without end, and too slowly for the dual to tell.
            Ending::Stuck | Ending::Stopped => {
                let worst = ask.worst(&answer.at);
                return Err(self.verdict(worst, &answer.at.lambda, constraints, &answer));
            }
        }
        let at = answer.at;
        let products: Vec<f64> = (at.lambda.iter().zip(&at.moments))
            .map(|(l, m)| l * m)
            .collect();
        let divergence = ergodic_math::reduce::sum(&products) - at.log_partition;
        Ok(MaximumEntropyLaw {
            multipliers: at.lambda,
            probabilities: answer.cache.states,
            moments: at.moments,
            divergence: divergence.max(0.0), // of two laws: only rounding makes it negative
            log_partition: at.log_partition,
            gap: answer.gap,
            violation: answer.violation,
            iterations: answer.iterations,
        })
    }

    /// What it means that multipliers run off in a direction, which is seen by it, by its reverse (rounding may
    /// turn a step around), or by the multipliers.
    fn verdict(
        &self,
        constraint: usize,
        direction: &[f64],
        constraints: &[Constraint],
        answer: &Answer<Weights>,
    ) -> MaximumEntropyError {
        let along = |direction: &[f64]| {
            let direction = &firm(direction, constraints);
            verdict(
                constraint,
                direction,
                self.most(direction),
                (constraints, &answer.at.moments),
                &self.scales,
                answer.gap,
            )
        };
        let back: Vec<f64> = direction.iter().map(|d| -d).collect();
        let step = sharper(along(direction), along(&back));
        sharper(step, along(&answer.at.lambda))
    }

    /// The largest `direction·f` over the support.
    fn most(&self, direction: &[f64]) -> f64 {
        let size = chunk(self.log_base.len());
        let each = self.log_base.par_chunks(size).enumerate();
        let most: Vec<f64> = each
            .map(|(c, log_base)| {
                let mut most = f64::NEG_INFINITY;
                let mut along = Vec::new();
                self.blocks(c * size, log_base.len(), |block, rows| {
                    rows.products(direction, &mut along);
                    for (x, h) in along.iter().zip(&log_base[block]) {
                        if *h > f64::NEG_INFINITY {
                            most = most.max(*x);
                        }
                    }
                });
                most
            })
            .collect();
        most.into_iter().fold(f64::NEG_INFINITY, f64::max)
    }

    /// Runs over blocks of a chunk, each with its place in the chunk.
    fn blocks(&self, start: usize, len: usize, each: impl FnMut(Range<usize>, Block<'_>)) {
        blocks(&self.source, start, len, each);
    }
}

/// Some states of a list.
struct Block<'a> {
    rows: &'a FeatureRows,
    states: Range<usize>,
}

impl Block<'_> {
    fn rows(&self) -> impl Iterator<Item = (&[u32], &[f64])> {
        self.rows.rows(self.states.clone())
    }

    /// The values of all states, row by row, if each gives all of this many features.
    fn full(&self, features: usize) -> Option<&[f64]> {
        if self.states.is_empty() || features == 0 {
            return None;
        }
        let start = self.rows.range(self.states.start).start;
        let mut end = start;
        for e in &self.rows.ends[self.states.clone()] {
            end += features;
            if *e != end {
                return None;
            }
        }
        Some(&self.rows.values[start..end])
    }

    /// `x·f` of each state.
    fn products(&self, x: &[f64], out: &mut Vec<f64>) {
        out.clear();
        if let Some(values) = self.full(x.len()) {
            out.resize(self.states.len(), 0.0);
            vectorize(Products { values, x, out });
        } else {
            out.extend(
                self.rows()
                    .map(|(entries, values)| gather(entries, values, x)),
            );
        }
    }

    /// Adds the sum over states of weight times features.
    fn add(&self, weights: &[f64], sums: &mut [f64]) {
        if let Some(values) = self.full(sums.len()) {
            vectorize(AddMultiples {
                values,
                weights,
                sums,
            });
        } else {
            for ((entries, values), w) in self.rows().zip(weights) {
                for (j, v) in entries.iter().zip(values) {
                    if let Some(sum) = sums.get_mut(*j as usize) {
                        *sum += w * v;
                    }
                }
            }
        }
    }

    /// As [`add`](Self::add), also of the features' squares.
    fn add_with_squares(&self, weights: &[f64], sums: &mut [f64], squares: &mut [f64]) {
        if let Some(values) = self.full(sums.len()) {
            vectorize(AddWithSquares {
                values,
                weights,
                sums,
                squares,
            });
        } else {
            for ((entries, values), w) in self.rows().zip(weights) {
                for (j, v) in entries.iter().zip(values) {
                    let j = *j as usize;
                    if let (Some(sum), Some(square)) = (sums.get_mut(j), squares.get_mut(j)) {
                        *sum += w * v;
                        *square += w * v * v;
                    }
                }
            }
        }
    }
}

fn blocks<S: StateFeatures>(
    source: &S,
    start: usize,
    len: usize,
    mut each: impl FnMut(Range<usize>, Block<'_>),
) {
    if let Some(rows) = source.in_memory()
        && rows.len() == source.states()
    {
        // As much as a core's cache holds, so that sums over a block find it there.
        let entries = rows.features.len() / rows.len().max(1);
        let size = (ENTRIES / entries.max(1)).clamp(4, BLOCK);
        for block in (0..len).step_by(size) {
            let end = len.min(block + size);
            let states = start + block..start + end;
            each(block..end, Block { rows, states });
        }
        return;
    }
    let mut rows = FeatureRows::default();
    for block in (0..len).step_by(BLOCK) {
        let end = len.min(block + BLOCK);
        rows.clear();
        source.visit(start + block..start + end, &mut rows);
        let states = 0..rows.len();
        each(
            block..end,
            Block {
                rows: &rows,
                states,
            },
        );
    }
}

/// The size of a chunk.
fn chunk(states: usize) -> usize {
    states.div_ceil((states / CHUNK).clamp(1, CHUNKS))
}

fn survey<S: StateFeatures>(source: &S, states: Range<usize>) -> Result<Survey, ArgumentError> {
    let features = source.features();
    let mut out = Survey {
        base: Vec::with_capacity(states.len()),
        least: vec![f64::INFINITY; features],
        most: vec![f64::NEG_INFINITY; features],
        given: vec![0; features],
        full: 0,
        support: 0,
    };
    let mut result = Ok(());
    blocks(source, states.start, states.len(), |place, block| {
        if result.is_ok() {
            let asked = states.start + place.start..states.start + place.end;
            result = out.take(features, asked, &block);
        }
    });
    result.map(|()| out)
}

impl Survey {
    /// Takes in a block of the states that were asked for.
    fn take(
        &mut self,
        features: usize,
        asked: Range<usize>,
        block: &Block<'_>,
    ) -> Result<(), ArgumentError> {
        if block.states.len() != asked.len() {
            return Err(ArgumentError::new(
                "source",
                format!("{} states for {asked:?}", block.states.len()),
                "as many states as were asked for",
            ));
        }
        let weights = &block.rows.base[block.states.clone()];
        for ((state, base), (entries, values)) in asked.zip(weights).zip(block.rows()) {
            if !(*base >= 0.0 && base.is_finite()) {
                return Err(ArgumentError::new(
                    "base_measure",
                    format!("{base} at state {state}"),
                    "finite and at least 0",
                ));
            }
            let full = entries.len() == features && vectorize(All(entries));
            let ordered = full || entries.windows(2).all(|w| w[0] < w[1]);
            let exist = full || entries.last().is_none_or(|j| (*j as usize) < features);
            if !(ordered && exist) {
                return Err(ArgumentError::new(
                    "source",
                    format!("features {entries:?} at state {state}"),
                    format!("increasing and below {features}"),
                ));
            }
            if !vectorize(Finite(values))
                && let Some(at) = values.iter().position(|v| !v.is_finite())
            {
                return Err(ArgumentError::new(
                    "source",
                    format!("{} at state {state}, feature {}", values[at], entries[at]),
                    "finite",
                ));
            }
            self.base.push(*base);
            if *base == 0.0 {
                continue;
            }
            self.support += 1;
            if full {
                self.full += 1;
                vectorize(Extend(values, &mut self.least, &mut self.most));
                continue;
            }
            for (j, v) in entries.iter().zip(values) {
                let j = *j as usize;
                self.least[j] = self.least[j].min(*v);
                self.most[j] = self.most[j].max(*v);
                self.given[j] += 1;
            }
        }
        Ok(())
    }
}

/// Whether features are all there are, in order.
struct All<'a>(&'a [u32]);

impl Vectorize for All<'_> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let off = (self.0.iter().zip(0u32..)).fold(0, |off, (j, place)| off | (j ^ place));
        off == 0
    }
}

/// Whether all are finite.
struct Finite<'a>(&'a [f64]);

impl Vectorize for Finite<'_> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        self.0.iter().fold(true, |all, v| all & v.is_finite())
    }
}

/// Extends ranges to values that are finite.
struct Extend<'a>(&'a [f64], &'a mut [f64], &'a mut [f64]);

impl Vectorize for Extend<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for ((v, least), most) in self.0.iter().zip(self.1).zip(self.2) {
            *least = if *v < *least { *v } else { *least };
            *most = if *v > *most { *v } else { *most };
        }
    }
}

/// `Σ vⱼ xⱼ` over the features of a state.
#[inline]
fn gather(entries: &[u32], values: &[f64], x: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (j, v) in entries.iter().zip(values) {
        if let Some(x) = x.get(*j as usize) {
            sum += v * x;
        }
    }
    sum
}

/// Rows that are taken together, so that what they share is read once.
const TOGETHER: usize = 4;

/// `x·f` of rows that give all features.
struct Products<'a> {
    values: &'a [f64],
    x: &'a [f64],
    out: &'a mut [f64],
}

impl Vectorize for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let d = self.x.len();
        let mut groups = self.values.chunks_exact(TOGETHER * d);
        let mut outs = self.out.chunks_exact_mut(TOGETHER);
        for (rows, out) in groups.by_ref().zip(outs.by_ref()) {
            let (a, rest) = rows.split_at(d);
            let (b, rest) = rest.split_at(d);
            let (c, e) = rest.split_at(d);
            out.copy_from_slice(&inner([a, b, c, e], self.x));
        }
        let rest = groups.remainder().chunks_exact(d);
        for (row, out) in rest.zip(outs.into_remainder()) {
            let [product, ..] = inner([row; TOGETHER], self.x);
            *out = product;
        }
    }
}

/// The inner products of rows with `x`, each by 16 sums side by side: the same ones at any width of vectors,
/// and whatever rows are taken together.
#[inline(always)]
fn inner(rows: [&[f64]; TOGETHER], x: &[f64]) -> [f64; TOGETHER] {
    // Apart, since a loop over the rows is not vectorised.
    let [(a, last_a), (b, last_b), (c, last_c), (e, last_e)] =
        rows.map(|row| row.as_chunks::<16>());
    let (xs, last) = x.as_chunks::<16>();
    let (mut p, mut q, mut r, mut s) = ([0.0; 16], [0.0; 16], [0.0; 16], [0.0; 16]);
    for ((((x, a), b), c), e) in xs.iter().zip(a).zip(b).zip(c).zip(e) {
        add_products(&mut p, a, x);
        add_products(&mut q, b, x);
        add_products(&mut r, c, x);
        add_products(&mut s, e, x);
    }
    [
        total(p, last_a, last),
        total(q, last_b, last),
        total(r, last_c, last),
        total(s, last_e, last),
    ]
}

#[inline(always)]
fn add_products(sums: &mut [f64], a: &[f64], x: &[f64]) {
    for ((s, a), x) in sums.iter_mut().zip(a).zip(x) {
        *s += a * x;
    }
}

/// The sums with the last products, added up by halves.
#[inline(always)]
fn total(mut sums: [f64; 16], a: &[f64], x: &[f64]) -> f64 {
    add_products(&mut sums, a, x);
    for half in [8, 4, 2, 1] {
        let (low, high) = sums.split_at_mut(half);
        for (l, h) in low.iter_mut().zip(high) {
            *l += *h;
        }
    }
    sums[0]
}

/// Adds multiples of rows that give all features, in order.
struct AddMultiples<'a> {
    values: &'a [f64],
    weights: &'a [f64],
    sums: &'a mut [f64],
}

impl Vectorize for AddMultiples<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let d = self.sums.len();
        let mut groups = self.values.chunks_exact(TOGETHER * d);
        let (weights, last) = self.weights.as_chunks::<TOGETHER>();
        for (rows, [u, v, w, x]) in groups.by_ref().zip(weights) {
            let (a, rest) = rows.split_at(d);
            let (b, rest) = rest.split_at(d);
            let (c, e) = rest.split_at(d);
            for ((((sum, a), b), c), e) in self.sums.iter_mut().zip(a).zip(b).zip(c).zip(e) {
                *sum = (((*sum + u * a) + v * b) + w * c) + x * e;
            }
        }
        for (row, w) in groups.remainder().chunks_exact(d).zip(last) {
            for (sum, v) in self.sums.iter_mut().zip(row) {
                *sum += w * v;
            }
        }
    }
}

/// As [`AddMultiples`], also of the squares.
struct AddWithSquares<'a> {
    values: &'a [f64],
    weights: &'a [f64],
    sums: &'a mut [f64],
    squares: &'a mut [f64],
}

impl Vectorize for AddWithSquares<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let d = self.sums.len();
        let mut groups = self.values.chunks_exact(2 * d);
        let (weights, last) = self.weights.as_chunks::<2>();
        for (rows, [u, v]) in groups.by_ref().zip(weights) {
            let (a, b) = rows.split_at(d);
            let sums = self.sums.iter_mut().zip(self.squares.iter_mut());
            for (((sum, square), a), b) in sums.zip(a).zip(b) {
                let (first, second) = (u * a, v * b);
                *sum = (*sum + first) + second;
                *square = (*square + first * a) + second * b;
            }
        }
        for (row, w) in groups.remainder().chunks_exact(d).zip(last) {
            let sums = self.sums.iter_mut().zip(self.squares.iter_mut());
            for ((sum, square), v) in sums.zip(row) {
                let first = w * v;
                *sum += first;
                *square += first * v;
            }
        }
    }
}

/// `Σ exp(x − reference)` of a chunk, and its features and their squares weighted so.
struct Partial {
    reference: f64,
    sum: f64,
    moments: Vec<f64>,
    squares: Vec<f64>,
}

/// By how much a term may exceed the reference before the sums are scaled anew.
const HEADROOM: f64 = 300.0;

/// What is kept of the states at a point.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    /// Log weights after an evaluation, probabilities once settled.
    states: Vec<f64>,
    /// The means of the features' squares.
    squares: Vec<f64>,
}

impl<S: StateFeatures> Dual for SparseMaximumEntropy<S> {
    type Cache = Weights;

    fn evaluate(&self, lambda: &[f64], cache: &mut Weights, moments: &mut [f64]) -> f64 {
        let size = chunk(cache.states.len());
        let partials: Vec<Partial> = cache
            .states
            .par_chunks_mut(size)
            .enumerate()
            .map(|(c, log_weights)| self.partial(c * size, log_weights, lambda))
            .collect();
        let references = partials.iter().map(|p| p.reference);
        let reference = references.fold(f64::NEG_INFINITY, f64::max);
        let mut sum = 0.0;
        moments.fill(0.0);
        cache.squares.fill(0.0);
        for partial in &partials {
            let factor = Real::exp(partial.reference - reference);
            sum += factor * partial.sum;
            for (out, part) in [
                (&mut *moments, &partial.moments),
                (&mut cache.squares, &partial.squares),
            ] {
                for (m, p) in out.iter_mut().zip(part) {
                    *m += factor * p;
                }
            }
        }
        for m in moments.iter_mut().chain(&mut cache.squares) {
            *m /= sum;
        }
        reference + Real::ln(sum)
    }

    fn settle(&self, at: &Point, cache: &mut Weights, diagonal: &mut [f64]) {
        let size = chunk(cache.states.len());
        cache.states.par_chunks_mut(size).for_each(|weights| {
            for w in weights.iter_mut() {
                *w -= at.log_partition;
            }
            exp_slice(weights);
        });
        for ((h, s), m) in diagonal.iter_mut().zip(&cache.squares).zip(&at.moments) {
            *h = s - m * m;
        }
    }

    fn product(&self, at: &Point, cache: &Weights, vector: &[f64], out: &mut [f64]) -> f64 {
        let size = chunk(cache.states.len());
        let mean: f64 = at.moments.iter().zip(vector).map(|(m, v)| m * v).sum();
        let partials: Vec<(f64, Vec<f64>)> = cache
            .states
            .par_chunks(size)
            .enumerate()
            .map(|(c, probabilities)| {
                let mut sums = vec![0.0; vector.len()];
                let mut curvature = 0.0;
                let mut weights = Vec::with_capacity(BLOCK);
                self.blocks(c * size, probabilities.len(), |block, rows| {
                    rows.products(vector, &mut weights);
                    for (w, p) in weights.iter_mut().zip(&probabilities[block]) {
                        let off = *w - mean;
                        *w = p * off;
                        curvature += *w * off;
                    }
                    rows.add(&weights, &mut sums);
                });
                (curvature, sums)
            })
            .collect();
        out.fill(0.0);
        let mut curvature = 0.0;
        for (part, sums) in &partials {
            curvature += part;
            for (o, s) in out.iter_mut().zip(sums) {
                *o += s;
            }
        }
        curvature
    }
}

impl<S: StateFeatures> SparseMaximumEntropy<S> {
    /// One pass over a chunk of states: its log weights and sums.
    fn partial(&self, start: usize, log_weights: &mut [f64], lambda: &[f64]) -> Partial {
        let mut out = Partial {
            reference: f64::NEG_INFINITY,
            sum: 0.0,
            moments: vec![0.0; lambda.len()],
            squares: vec![0.0; lambda.len()],
        };
        let mut weights = Vec::with_capacity(BLOCK);
        self.blocks(start, log_weights.len(), |block, rows| {
            let base = &self.log_base[start + block.start..start + block.end];
            let log_weights = &mut log_weights[block];
            rows.products(lambda, &mut weights);
            for ((w, along), h) in log_weights.iter_mut().zip(&weights).zip(base) {
                *w = h + along;
            }
            let top = log_weights
                .iter()
                .copied()
                .fold(f64::NEG_INFINITY, f64::max);
            if top > out.reference + HEADROOM {
                let factor = Real::exp(out.reference - top);
                out.sum *= factor;
                for m in out.moments.iter_mut().chain(&mut out.squares) {
                    *m *= factor;
                }
                out.reference = top;
            }
            if out.reference == f64::NEG_INFINITY {
                // Nothing of the support so far, or nothing but overflow, which must not pass.
                if log_weights.iter().any(|w| w.is_nan()) {
                    out.sum = f64::NAN;
                }
                return;
            }
            weights.clear();
            weights.extend(log_weights.iter().map(|w| w - out.reference));
            exp_slice(&mut weights);
            for w in &weights {
                out.sum += w;
            }
            rows.add_with_squares(&weights, &mut out.moments, &mut out.squares);
        });
        out
    }
}
