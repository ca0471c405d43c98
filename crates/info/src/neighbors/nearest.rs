//! Distances to the k nearest neighbours.
//!
//! Queries run in the order of the tree, from the query's own leaf upward: the leaf, then its seven
//! siblings, then the siblings of its parent, and so on. Near points come first, so that the bound
//! is small by the time the many far boxes are met. In few dimensions the eight points of a leaf
//! search together, one per lane, and a point found is inserted into the eight sorted lists at once
//! by minima and maxima; in many dimensions, where eight points together would see most of the
//! tree, each searches alone, eight points or boxes at a time.

use ergodic_math::simd::{Vectorize, vectorize};
use rayon::prelude::*;

use super::lanes::{LANES, Lanes, bit, first};
use super::norm::{Euclidean, Maximum, Metric, Norm, folds};
use super::{TASK, Tree};
use crate::{InfoError, Points, Sample};

/// Up to this dimension the points of a leaf search together.
const TOGETHER: usize = 4;

/// Children that wait to be searched: at most seven more per level, and there are at most eleven
/// levels over 2³² points.
pub(super) const WAITING: usize = 96;

/// A child of a node, and the fold of the gap to it.
#[derive(Clone, Copy)]
struct Waiting {
    gap: f64,
    level: u32,
    child: u32,
}

const NOTHING: Waiting = Waiting {
    gap: 0.0,
    level: 0,
    child: 0,
};

impl Tree {
    /// The distances from each point of the sample to its `k` nearest others, ascending: row-major
    /// `N × k`, rows as in the sample. Exact; a point that occurs twice has a neighbour at
    /// distance 0. O(N log N) for small `d`; the cost grows with the number of points within the
    /// k-th distance of a typical point's surroundings, and reaches O(N²) when `d` is large.
    ///
    /// ```
    /// use ergodic_info::Points;
    /// use ergodic_info::neighbors::{Norm, Tree};
    ///
    /// let tree = Tree::new(&Points::scalar([0.0, 1.0, 3.0])?)?;
    /// assert_eq!(tree.distances(2, Norm::Maximum)?, [1.0, 3.0, 1.0, 2.0, 2.0, 3.0]);
    /// # Ok::<(), ergodic_info::InfoError>(())
    /// ```
    ///
    /// # Errors
    /// If `k` is zero or there are not `k` others.
    pub fn distances(&self, k: usize, norm: Norm) -> Result<Vec<f64>, InfoError> {
        if k == 0 || k >= self.len {
            return Err(InfoError::argument(
                "k",
                k,
                format!("at least 1 and below the number of points, {}", self.len),
            ));
        }
        Ok(by_row(&self.rows, &self.distances_in_place(k, norm), k))
    }

    /// As [`distances`](Self::distances), by places of the tree; `1 ≤ k < N`.
    pub(crate) fn distances_in_place(&self, k: usize, norm: Norm) -> Vec<f64> {
        let mut out = vec![0.0; self.len * k];
        out.par_chunks_mut(TASK * k)
            .enumerate()
            .for_each(|(task, out)| match norm {
                Norm::Maximum => vectorize(Own::<Maximum>::new(self, task * TASK, k, out)),
                Norm::Euclidean => vectorize(Own::<Euclidean>::new(self, task * TASK, k, out)),
            });
        out
    }

    /// The distances from each of `points` to its `k` nearest points of the tree, ascending:
    /// row-major `M × k`. A query that is itself in the tree has a neighbour at distance 0.
    ///
    /// # Errors
    /// If `k` is zero or above the number of points in the tree, or the dimensions differ.
    pub fn distances_from(
        &self,
        points: &Points,
        k: usize,
        norm: Norm,
    ) -> Result<Vec<f64>, InfoError> {
        if k == 0 || k > self.len {
            return Err(InfoError::argument(
                "k",
                k,
                format!("at least 1 and at most the number of points, {}", self.len),
            ));
        }
        if points.dim() != self.dim {
            return Err(InfoError::argument(
                "points",
                format!("points of dimension {}", points.dim()),
                format!("points of the tree's dimension, {}", self.dim),
            ));
        }
        let mut out = vec![0.0; points.len() * k];
        out.par_chunks_mut(TASK * k)
            .zip(points.as_slice().par_chunks(TASK * self.dim))
            .for_each(|(out, points)| match norm {
                Norm::Maximum => vectorize(Other::<Maximum>::new(self, points, k, out)),
                Norm::Euclidean => vectorize(Other::<Euclidean>::new(self, points, k, out)),
            });
        Ok(out)
    }
}

/// Moves rows of `width` values from their places to their rows.
pub(crate) fn by_row<T: Copy + Default>(rows: &[u32], values: &[T], width: usize) -> Vec<T> {
    let mut out = vec![T::default(); values.len()];
    for (row, values) in rows.iter().zip(values.chunks_exact(width)) {
        out[*row as usize * width..][..width].copy_from_slice(values);
    }
    out
}

/// The points of a task against the others of their tree.
struct Own<'a, M> {
    tree: &'a Tree,
    first: usize,
    k: usize,
    out: &'a mut [f64],
    metric: std::marker::PhantomData<M>,
}

impl<'a, M: Metric> Own<'a, M> {
    fn new(tree: &'a Tree, first: usize, k: usize, out: &'a mut [f64]) -> Self {
        Self {
            tree,
            first,
            k,
            out,
            metric: std::marker::PhantomData,
        }
    }
}

impl<M: Metric> Vectorize for Own<'_, M> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            tree,
            first,
            k,
            out,
            ..
        } = self;
        match tree.dim {
            1 => together::<M, 1>(tree, first, k, out),
            2 => together::<M, 2>(tree, first, k, out),
            3 => together::<M, 3>(tree, first, k, out),
            TOGETHER => together::<M, TOGETHER>(tree, first, k, out),
            dim => {
                let mut point = vec![0.0; dim];
                for (place, best) in (first..).zip(out.chunks_exact_mut(k)) {
                    tree.read(place, &mut point);
                    alone::<M>(tree, &point, place / LANES, Some(place), best);
                }
            }
        }
        for x in out {
            *x = M::distance(*x);
        }
    }
}

/// Points that are not in the tree.
struct Other<'a, M> {
    tree: &'a Tree,
    points: &'a [f64],
    k: usize,
    out: &'a mut [f64],
    metric: std::marker::PhantomData<M>,
}

impl<'a, M: Metric> Other<'a, M> {
    fn new(tree: &'a Tree, points: &'a [f64], k: usize, out: &'a mut [f64]) -> Self {
        Self {
            tree,
            points,
            k,
            out,
            metric: std::marker::PhantomData,
        }
    }
}

impl<M: Metric> Vectorize for Other<'_, M> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let tree = self.tree;
        let queries = self.points.chunks_exact(tree.dim);
        for (point, best) in queries.zip(self.out.chunks_exact_mut(self.k)) {
            alone::<M>(tree, point, home::<M>(tree, point), None, best);
        }
        for x in self.out {
            *x = M::distance(*x);
        }
    }
}

/// The folds of the gaps from a point to the eight children of a node.
#[inline(always)]
pub(super) fn gaps<M: Metric>(tree: &Tree, level: usize, node: usize, point: &[f64]) -> Lanes {
    let mut sum = Lanes::splat(0.0);
    for (boxes, x) in tree.boxes(level, node).iter().zip(point) {
        for lane in 0..LANES {
            let (left, right) = (boxes.low.0[lane] - x, x - boxes.high.0[lane]);
            sum.0[lane] = M::fold_gap(sum.0[lane], left, right);
        }
    }
    sum
}

/// A leaf near a point: from the root to the nearest child at each level.
#[inline(always)]
fn home<M: Metric>(tree: &Tree, point: &[f64]) -> usize {
    let mut node = 0;
    for level in (0..tree.levels.len()).rev() {
        let gaps = gaps::<M>(tree, level, node, point);
        let mut nearest = 0;
        for lane in 1..LANES {
            if gaps.0[lane] < gaps.0[nearest] {
                nearest = lane;
            }
        }
        node = node * LANES + nearest;
    }
    // Gaps that overflow may all be infinite, as those of children that do not exist.
    node.min(tree.len.div_ceil(LANES) - 1)
}

/// Children that wait to be searched, nearest to the query's leaf last.
struct Stack {
    waiting: [Waiting; WAITING],
    depth: usize,
}

impl Stack {
    #[inline(always)]
    fn new() -> Self {
        Self {
            waiting: [NOTHING; WAITING],
            depth: 0,
        }
    }

    /// Adds the children in the mask `near` of a node above `level`.
    #[inline(always)]
    fn push(&mut self, gaps: &Lanes, mut near: u32, level: usize, node: usize) {
        while near != 0 {
            let lane = first(near);
            near &= near - 1;
            self.waiting[self.depth] = Waiting {
                gap: gaps.0[lane],
                level: level as u32,
                child: (node * LANES + lane) as u32,
            };
            self.depth += 1;
        }
    }

    /// The next one whose gap is below the bound, as level and place there.
    #[inline(always)]
    fn pop(&mut self, bound: f64) -> Option<(usize, usize)> {
        while self.depth > 0 {
            self.depth -= 1;
            let next = self.waiting[self.depth];
            if next.gap < bound {
                return Some((next.level as usize, next.child as usize));
            }
        }
        None
    }
}

/// Fills `best` with the smallest folds from a point, ascending; `own` is its place if it is in
/// the tree, `home` the leaf to begin with.
#[inline(always)]
fn alone<M: Metric>(tree: &Tree, point: &[f64], home: usize, own: Option<usize>, best: &mut [f64]) {
    best.fill(f64::INFINITY);
    let last = best.len() - 1;
    scan::<M>(
        tree,
        point,
        home,
        own.map_or(0, |place| bit(place % LANES)),
        best,
    );
    let mut stack = Stack::new();
    for above in 0..tree.levels.len() {
        let mut except = bit((home >> (3 * above)) % LANES);
        let (mut level, mut node) = (above, home >> (3 * (above + 1)));
        loop {
            let gaps = gaps::<M>(tree, level, node, point);
            let mut near = gaps.below(best[last]) & !except;
            except = 0;
            if level > 0 {
                stack.push(&gaps, near, level - 1, node);
            } else {
                while near != 0 {
                    let lane = first(near);
                    near &= near - 1;
                    if gaps.0[lane] < best[last] {
                        scan::<M>(tree, point, node * LANES + lane, 0, best);
                    }
                }
            }
            match stack.pop(best[last]) {
                Some(next) => (level, node) = next,
                None => break,
            }
        }
    }
}

/// Inserts the points of a leaf, but for those in `except`.
#[inline(always)]
fn scan<M: Metric>(tree: &Tree, point: &[f64], leaf: usize, except: u32, best: &mut [f64]) {
    let last = best.len() - 1;
    let folds = folds::<M>(tree.leaf(leaf), point);
    if !folds.any_below(&Lanes::splat(best[last])) {
        return;
    }
    let mut near = folds.below(best[last]) & !except;
    while near != 0 {
        let mut x = folds.0[first(near)];
        near &= near - 1;
        for kept in &mut *best {
            let (small, large) = if x < *kept { (x, *kept) } else { (*kept, x) };
            *kept = small;
            x = large;
        }
    }
}

/// The points of each leaf of a task search together.
#[inline(always)]
fn together<M: Metric, const D: usize>(tree: &Tree, first: usize, k: usize, out: &mut [f64]) {
    let mut best = vec![Lanes::splat(0.0); k];
    for (leaf, out) in (first / LANES..).zip(out.chunks_mut(LANES * k)) {
        let present = out.len() / k;
        // Lanes without a point never want anything.
        let start = Lanes::from_fn(|lane| if lane < present { f64::INFINITY } else { 0.0 });
        best.fill(start);
        leaf_together::<M, D>(tree, leaf, &mut best);
        for (lane, out) in out.chunks_exact_mut(k).enumerate() {
            for (x, best) in out.iter_mut().zip(&best) {
                *x = best.0[lane];
            }
        }
    }
}

#[inline(always)]
fn leaf_together<M: Metric, const D: usize>(tree: &Tree, home: usize, best: &mut [Lanes]) {
    let last = best.len() - 1;
    let mut queries = [Lanes::splat(0.0); D];
    queries.copy_from_slice(&tree.leaf(home)[..D]);
    let own = &tree.boxes(0, home / LANES)[..D];
    let mut hull = [(0.0, 0.0); D];
    for (hull, boxes) in hull.iter_mut().zip(own) {
        *hull = (boxes.low.0[home % LANES], boxes.high.0[home % LANES]);
    }
    scan_together::<M, D, true>(tree, &queries, home, best);
    let mut bound = best[last].largest();
    let mut stack = Stack::new();
    for above in 0..tree.levels.len() {
        let mut except = bit((home >> (3 * above)) % LANES);
        let (mut level, mut node) = (above, home >> (3 * (above + 1)));
        loop {
            let gaps = gaps_together::<M, D>(tree, level, node, &hull);
            let mut near = gaps.below(bound) & !except;
            except = 0;
            if level > 0 {
                stack.push(&gaps, near, level - 1, node);
            } else {
                while near != 0 {
                    let lane = first(near);
                    near &= near - 1;
                    if gaps.0[lane] < bound {
                        scan_together::<M, D, false>(tree, &queries, node * LANES + lane, best);
                        bound = best[last].largest();
                    }
                }
            }
            match stack.pop(bound) {
                Some(next) => (level, node) = next,
                None => break,
            }
        }
    }
}

/// Inserts the points of a leaf into the lists of eight queries, but, in their own leaf, each
/// query into its own.
#[inline(always)]
fn scan_together<M: Metric, const D: usize, const OWN: bool>(
    tree: &Tree,
    queries: &[Lanes; D],
    leaf: usize,
    best: &mut [Lanes],
) {
    let last = best.len() - 1;
    let others = &tree.leaf(leaf)[..D];
    for other in 0..LANES {
        let mut sum = Lanes::splat(0.0);
        for j in 0..D {
            let x = others[j].0[other];
            for lane in 0..LANES {
                sum.0[lane] = M::fold(sum.0[lane], queries[j].0[lane] - x);
            }
        }
        if OWN {
            sum.0[other] = f64::INFINITY;
        }
        if sum.any_below(&best[last]) {
            for kept in &mut *best {
                for lane in 0..LANES {
                    let (a, b) = (sum.0[lane], kept.0[lane]);
                    kept.0[lane] = if a < b { a } else { b };
                    sum.0[lane] = if a < b { b } else { a };
                }
            }
        }
    }
}

/// The folds of the gaps from a box to the eight children of a node.
#[inline(always)]
fn gaps_together<M: Metric, const D: usize>(
    tree: &Tree,
    level: usize,
    node: usize,
    hull: &[(f64, f64); D],
) -> Lanes {
    let mut sum = Lanes::splat(0.0);
    let boxes = &tree.boxes(level, node)[..D];
    for j in 0..D {
        for lane in 0..LANES {
            let left = boxes[j].low.0[lane] - hull[j].1;
            let right = hull[j].0 - boxes[j].high.0[lane];
            sum.0[lane] = M::fold_gap(sum.0[lane], left, right);
        }
    }
    sum
}
