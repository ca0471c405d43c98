//! The sides of the rectangle around the points within a radius.

use ergodic_math::simd::{Vectorize, vectorize};
use rayon::prelude::*;

use super::lanes::{LANES, first};
use super::nearest::{WAITING, gaps};
use super::norm::{Maximum, Metric, folds};
use super::{TASK, Tree};

impl Tree {
    /// For each point: the largest difference in any of the first `split` coordinates, and in any
    /// of the others, among the other points within maximum-norm distance `radii[place]` (the end
    /// included). By places of the tree.
    pub(crate) fn extents_in_place(&self, split: usize, radii: &[f64]) -> Vec<[f64; 2]> {
        let mut out = vec![[0.0; 2]; self.len];
        out.par_chunks_mut(TASK)
            .enumerate()
            .for_each(|(task, out)| {
                vectorize(Task {
                    tree: self,
                    first: task * TASK,
                    split,
                    radii,
                    out,
                });
            });
        out
    }
}

struct Task<'a> {
    tree: &'a Tree,
    first: usize,
    split: usize,
    radii: &'a [f64],
    out: &'a mut [[f64; 2]],
}

impl Vectorize for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let tree = self.tree;
        let mut point = vec![0.0; tree.dim];
        for (place, out) in (self.first..).zip(self.out) {
            tree.read(place, &mut point);
            *out = extent(tree, &point, self.split, self.radii[place]);
        }
    }
}

#[inline(always)]
fn extent(tree: &Tree, point: &[f64], split: usize, radius: f64) -> [f64; 2] {
    let mut widest = [0.0; 2];
    let mut waiting = [(0u32, 0u32); WAITING];
    let mut depth = 0;
    let (mut level, mut node) = (tree.levels.len() - 1, 0);
    loop {
        let mut near = gaps::<Maximum>(tree, level, node, point).at_most(radius);
        while near != 0 {
            let lane = first(near);
            near &= near - 1;
            let child = node * LANES + lane;
            if level > 0 {
                waiting[depth] = (level as u32 - 1, child as u32);
                depth += 1;
                continue;
            }
            let leaf = tree.leaf(child);
            // The point itself adds nothing.
            let mut found = folds::<Maximum>(leaf, point).at_most(radius);
            while found != 0 {
                let lane = first(found);
                found &= found - 1;
                for (j, (lanes, x)) in leaf.iter().zip(point).enumerate() {
                    let side = usize::from(j >= split);
                    widest[side] = Maximum::fold(widest[side], lanes.0[lane] - x);
                }
            }
        }
        if depth == 0 {
            return widest;
        }
        depth -= 1;
        (level, node) = (waiting[depth].0 as usize, waiting[depth].1 as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;
    use crate::neighbors::Norm;

    #[test]
    fn sides_are_those_of_all_pairs() {
        for (dim, split) in [(2, 1), (3, 2), (7, 3)] {
            let mut values = vec![0.0; 400 * dim];
            ergodic_math::rng::fill_normal(&mut ergodic_math::rng::stream(3, 0), &mut values);
            // Some ties.
            for x in &mut values {
                *x = (*x * 8.0).round() / 8.0;
            }
            let points = Points::new(values, dim).unwrap();
            let tree = Tree::new(&points).unwrap();
            let radii: Vec<f64> = tree
                .distances_in_place(4, Norm::Maximum)
                .chunks_exact(4)
                .map(|d| d[3])
                .collect();
            let found = tree.extents_in_place(split, &radii);
            for place in 0..400 {
                let own = points.row(tree.rows()[place] as usize);
                let mut sides = [0.0f64; 2];
                for other in 0..400 {
                    let gap = |range: std::ops::Range<usize>| {
                        range
                            .map(|j| (points.row(other)[j] - own[j]).abs())
                            .fold(0.0, f64::max)
                    };
                    let both = [gap(0..split), gap(split..dim)];
                    if both[0].max(both[1]) <= radii[place] {
                        sides = [sides[0].max(both[0]), sides[1].max(both[1])];
                    }
                }
                assert_eq!(found[place], sides);
            }
        }
    }
}
