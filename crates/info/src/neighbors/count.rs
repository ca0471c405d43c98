//! How many points lie within a radius.

use ergodic_math::simd::{Vectorize, vectorize};
use rayon::prelude::*;

use super::lanes::{LANES, Lanes, first};
use super::norm::{Euclidean, Maximum, Metric, Norm, folds};
use super::{Reach, TASK, Tree};
use crate::{InfoError, Points, Sample};

impl Tree {
    /// How many points of the tree lie within `radii[i]` of row `i` of `points`; a point that is
    /// itself in the tree counts itself where the radius permits. Exact: a point is in if its
    /// distance, as floating point computes it, is. Boxes wholly inside or outside are not opened:
    /// O(log N + m^{1 − 1/d}) per query that finds `m`.
    ///
    /// ```
    /// use ergodic_info::Points;
    /// use ergodic_info::neighbors::{Norm, Reach, Tree};
    ///
    /// let points = Points::scalar([0.0, 1.0, 3.0])?;
    /// let tree = Tree::new(&points)?;
    /// assert_eq!(tree.counts(&points, &[1.0; 3], Reach::AtMost, Norm::Maximum)?, [2, 2, 1]);
    /// assert_eq!(tree.counts(&points, &[1.0; 3], Reach::Below, Norm::Maximum)?, [1, 1, 1]);
    /// # Ok::<(), ergodic_info::InfoError>(())
    /// ```
    ///
    /// # Errors
    /// If the dimensions differ, there is not one radius per point, or one is NaN.
    pub fn counts(
        &self,
        points: &Points,
        radii: &[f64],
        reach: Reach,
        norm: Norm,
    ) -> Result<Vec<u32>, InfoError> {
        if points.dim() != self.dim {
            return Err(InfoError::argument(
                "points",
                format!("points of dimension {}", points.dim()),
                format!("points of the tree's dimension, {}", self.dim),
            ));
        }
        if radii.len() != points.len() {
            return Err(InfoError::argument(
                "radii",
                format!("{} radii", radii.len()),
                format!("one per point, {}", points.len()),
            ));
        }
        if let Some(row) = radii.iter().position(|r| r.is_nan()) {
            return Err(InfoError::argument(
                "radii",
                format!("NaN at position {row}"),
                "numbers",
            ));
        }
        let mut out = vec![0; radii.len()];
        out.par_chunks_mut(TASK)
            .zip(radii.par_chunks(TASK))
            .zip(points.as_slice().par_chunks(TASK * self.dim))
            .for_each(|((out, radii), points)| {
                let queries = radii.iter().zip(points.chunks_exact(self.dim)).zip(out);
                count(self, queries, reach, norm, |query, f| {
                    let ((radius, point), out) = query;
                    *out = f(point, *radius);
                });
            });
        Ok(out)
    }

    /// How many points of the tree, itself included, lie within `radii[row]` of each of its own
    /// points; by row.
    pub(crate) fn own_counts(&self, radii: &[f64], reach: Reach, norm: Norm) -> Vec<u32> {
        let mut places = vec![0u32; self.len];
        places
            .par_chunks_mut(TASK)
            .enumerate()
            .for_each(|(task, out)| {
                let mut point = vec![0.0; self.dim];
                let queries = (task * TASK..).zip(out);
                count(self, queries, reach, norm, |(place, out), f| {
                    self.read(place, &mut point);
                    *out = f(&point, radii[self.rows[place] as usize]);
                });
            });
        super::nearest::by_row(&self.rows, &places, 1)
    }
}

impl Tree {
    /// The rows whose points are at most `radius` from `point` in the maximum norm, in no order that matters.
    pub(crate) fn rows_within(&self, point: &[f64], radius: f64, out: &mut Vec<u32>) {
        out.clear();
        let mut waiting = vec![(self.levels.len() - 1, 0)];
        while let Some((level, node)) = waiting.pop() {
            let mut gap = Lanes::splat(0.0);
            for (boxes, x) in self.boxes(level, node).iter().zip(point) {
                for lane in 0..LANES {
                    let (left, right) = (boxes.low.0[lane] - x, x - boxes.high.0[lane]);
                    gap.0[lane] = Maximum::fold_gap(gap.0[lane], left, right);
                }
            }
            let mut near = gap.at_most(radius);
            while near != 0 {
                let child = node * LANES + first(near);
                near &= near - 1;
                if self.points_in(level, child) == 0 {
                    continue;
                }
                if level > 0 {
                    waiting.push((level - 1, child));
                    continue;
                }
                let folds = folds::<Maximum>(self.leaf(child), point);
                let start = child * LANES;
                let rows = &self.rows[start..self.len.min(start + LANES)];
                let hits = rows.iter().zip(folds.0).filter(|(_, d)| *d <= radius);
                out.extend(hits.map(|(row, _)| *row));
            }
        }
    }
}

/// Runs `each` over the queries with a function that counts.
fn count<Q, I: Iterator<Item = Q>>(
    tree: &Tree,
    queries: I,
    reach: Reach,
    norm: Norm,
    each: impl FnMut(Q, &dyn Fn(&[f64], f64) -> u32),
) {
    match (norm, reach) {
        (Norm::Maximum, Reach::Below) => run::<_, _, Maximum, false>(tree, queries, each),
        (Norm::Maximum, Reach::AtMost) => run::<_, _, Maximum, true>(tree, queries, each),
        (Norm::Euclidean, Reach::Below) => run::<_, _, Euclidean, false>(tree, queries, each),
        (Norm::Euclidean, Reach::AtMost) => run::<_, _, Euclidean, true>(tree, queries, each),
    }
}

fn run<Q, I: Iterator<Item = Q>, M: Metric, const CLOSED: bool>(
    tree: &Tree,
    queries: I,
    mut each: impl FnMut(Q, &dyn Fn(&[f64], f64) -> u32),
) {
    for query in queries {
        each(query, &|point, radius| {
            vectorize(One::<M, CLOSED> {
                tree,
                point,
                radius,
                metric: std::marker::PhantomData,
            })
        });
    }
}

/// One query.
struct One<'a, M, const CLOSED: bool> {
    tree: &'a Tree,
    point: &'a [f64],
    radius: f64,
    metric: std::marker::PhantomData<M>,
}

impl<M: Metric, const CLOSED: bool> Vectorize for One<'_, M, CLOSED> {
    type Output = u32;

    #[inline(always)]
    fn run(self) -> u32 {
        let Self {
            tree,
            point,
            radius,
            ..
        } = self;
        let mut found = 0usize;
        // Points found one by one, counted lane by lane.
        let mut single = [0u64; LANES];
        let mut waiting = [(0u32, 0u32); super::nearest::WAITING];
        let mut depth = 0;
        let (mut level, mut node) = (tree.levels.len() - 1, 0);
        loop {
            let (mut gap, mut reach) = (Lanes::splat(0.0), Lanes::splat(0.0));
            for (boxes, x) in tree.boxes(level, node).iter().zip(point) {
                for lane in 0..LANES {
                    let (left, right) = (boxes.low.0[lane] - x, x - boxes.high.0[lane]);
                    gap.0[lane] = M::fold_gap(gap.0[lane], left, right);
                    // The farther side: −left is the distance to the lower end.
                    let far = if -left > -right { -left } else { -right };
                    reach.0[lane] = M::fold(reach.0[lane], far);
                }
            }
            let near = within::<M, CLOSED>(&mut gap, radius);
            let inside = within::<M, CLOSED>(&mut reach, radius) & near;
            let mut rest = inside;
            while rest != 0 {
                let lane = first(rest);
                rest &= rest - 1;
                found += tree.points_in(level, node * LANES + lane);
            }
            let mut partial = near & !inside;
            while partial != 0 {
                let lane = first(partial);
                partial &= partial - 1;
                let child = node * LANES + lane;
                if level == 0 {
                    let folds = folds::<M>(tree.leaf(child), point);
                    for lane in 0..LANES {
                        let distance = M::distance(folds.0[lane]);
                        single[lane] += u64::from(if CLOSED {
                            distance <= radius
                        } else {
                            distance < radius
                        });
                    }
                } else {
                    waiting[depth] = (level as u32 - 1, child as u32);
                    depth += 1;
                }
            }
            if depth == 0 {
                return (found + single.iter().sum::<u64>() as usize) as u32;
            }
            depth -= 1;
            (level, node) = (waiting[depth].0 as usize, waiting[depth].1 as usize);
        }
    }
}

/// Which folds are of distances within the radius.
#[inline(always)]
fn within<M: Metric, const CLOSED: bool>(folds: &mut Lanes, radius: f64) -> u32 {
    for fold in &mut folds.0 {
        *fold = M::distance(*fold);
    }
    if CLOSED {
        folds.at_most(radius)
    } else {
        folds.below(radius)
    }
}
