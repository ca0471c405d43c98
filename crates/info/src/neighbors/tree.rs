//! The tree: points in the order of a k-d tree, eight to a leaf, under a hierarchy of boxes with
//! eight children each.

use rayon::prelude::*;

use super::lanes::{LANES, Lanes};
use crate::{InfoError, Points, Sample};

/// Below this many points a subtree is built on one thread.
const SERIAL: usize = 4096;

/// The lower and upper ends of eight boxes in one coordinate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Boxes {
    pub(super) low: Lanes,
    pub(super) high: Lanes,
}

/// A k-d tree over a sample, for nearest neighbours and for counting within a radius.
///
/// The points are split at the coordinate in which they spread most, at a multiple of the leaf
/// size, down to leaves of eight, and stored in that order, a leaf's first coordinates side by
/// side, then its second, and so on. Over each eight consecutive leaves stands a node with their
/// eight bounding boxes, over eight nodes another, up to the root; there are no pointers, and
/// whether a query meets eight leaves or eight boxes is one vector computation. Building costs
/// O(N log N · d), memory 8·d·N·(1 + 2/7) bytes and 4 N for the order.
#[derive(Clone, Debug)]
pub struct Tree {
    pub(super) dim: usize,
    pub(super) len: usize,
    /// The row of the sample that stands at each place of the tree.
    pub(super) rows: Vec<u32>,
    /// Coordinate `j` of leaf `b` at `b·dim + j`; places beyond the last point are at infinity.
    pub(super) leaves: Vec<Lanes>,
    /// `levels[0]` has the boxes of the leaves, `levels[l + 1]` those of the nodes of `levels[l]`;
    /// coordinate `j` of node `n` at `n·dim + j`. The last level has one node.
    pub(super) levels: Vec<Vec<Boxes>>,
}

impl Tree {
    /// The tree over a sample.
    ///
    /// # Errors
    /// If there are 2³² points or more.
    pub fn new(points: &Points) -> Result<Self, InfoError> {
        let (len, dim) = (points.len(), points.dim());
        let Ok(end) = u32::try_from(len) else {
            return Err(InfoError::argument(
                "points",
                format!("{len} points"),
                "fewer than 2³² points",
            ));
        };
        let mut rows: Vec<u32> = (0..end).collect();
        split(points, &mut rows, &mut vec![0; len]);
        let leaves = gather(points, &rows);
        let mut levels = vec![boxes_of_leaves(&leaves, dim)];
        while let Some(last) = levels.last()
            && last.len() > dim
        {
            let next = boxes_of_nodes(last, dim);
            levels.push(next);
        }
        Ok(Self {
            dim,
            len,
            rows,
            leaves,
            levels,
        })
    }

    /// The number of points.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a sample has at least one point"
    )]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The number of coordinates.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The row of the sample at each place of the tree: neighbouring places hold neighbouring
    /// points.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The coordinates of a leaf.
    #[inline(always)]
    pub(super) fn leaf(&self, leaf: usize) -> &[Lanes] {
        &self.leaves[leaf * self.dim..(leaf + 1) * self.dim]
    }

    /// The boxes of a node's children.
    #[inline(always)]
    pub(super) fn boxes(&self, level: usize, node: usize) -> &[Boxes] {
        &self.levels[level][node * self.dim..(node + 1) * self.dim]
    }

    /// The number of points in a child (counted over the level) of a node of `level`.
    #[inline(always)]
    pub(super) fn points_in(&self, level: usize, child: usize) -> usize {
        let width = LANES << (3 * level);
        let start = child * width;
        self.len.min(start + width).saturating_sub(start)
    }

    /// Writes the coordinates of the point at a place.
    #[inline(always)]
    pub(super) fn read(&self, place: usize, point: &mut [f64]) {
        let leaf = self.leaf(place / LANES);
        for (x, lanes) in point.iter_mut().zip(leaf) {
            *x = lanes.0[place % LANES];
        }
    }
}

/// A number whose order as an integer is the order of the floats.
#[inline]
pub(super) fn ordered(x: f64) -> u64 {
    let bits = x.to_bits();
    bits ^ (((bits as i64 >> 63) as u64) | 1 << 63)
}

/// The number of an integer of [`ordered`].
#[inline]
pub(super) fn unordered(key: u64) -> f64 {
    f64::from_bits(key ^ ((!(key as i64) >> 63) as u64 | 1 << 63))
}

/// Puts rows into the order of the tree. `keys` is scratch of the same length.
fn split(points: &Points, rows: &mut [u32], keys: &mut [u128]) {
    let leaves = rows.len().div_ceil(LANES);
    if leaves < 2 {
        return;
    }
    // A power of two on the left keeps every aligned group of 8, 64, … leaves one subtree.
    let left = leaves.next_power_of_two() / 2 * LANES;
    let column = widest(points, rows);
    let (dim, values) = (points.dim(), points.as_slice());
    for (key, row) in keys.iter_mut().zip(&*rows) {
        let x = values[*row as usize * dim + column];
        *key = u128::from(ordered(x)) << 32 | u128::from(*row);
    }
    keys.select_nth_unstable(left);
    for (key, row) in keys.iter().zip(&mut *rows) {
        *row = *key as u32;
    }
    let serial = rows.len() <= SERIAL;
    let (rows_left, rows_right) = rows.split_at_mut(left);
    let (keys_left, keys_right) = keys.split_at_mut(left);
    if serial {
        split(points, rows_left, keys_left);
        split(points, rows_right, keys_right);
    } else {
        rayon::join(
            || split(points, rows_left, keys_left),
            || split(points, rows_right, keys_right),
        );
    }
}

/// The coordinate in which these rows spread most.
fn widest(points: &Points, rows: &[u32]) -> usize {
    let dim = points.dim();
    if dim == 1 {
        return 0;
    }
    let values = points.as_slice();
    let mut best = (0, -1.0);
    for column in 0..dim {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for row in rows {
            let x = values[*row as usize * dim + column];
            low = if x < low { x } else { low };
            high = if x > high { x } else { high };
        }
        if high - low > best.1 {
            best = (column, high - low);
        }
    }
    best.0
}

/// The points by leaves.
fn gather(points: &Points, rows: &[u32]) -> Vec<Lanes> {
    let dim = points.dim();
    let mut leaves = vec![Lanes::splat(f64::INFINITY); rows.len().div_ceil(LANES) * dim];
    leaves
        .par_chunks_mut(dim * 64)
        .zip(rows.par_chunks(LANES * 64))
        .for_each(|(leaves, rows)| {
            for (leaf, rows) in leaves.chunks_exact_mut(dim).zip(rows.chunks(LANES)) {
                for (lane, row) in rows.iter().enumerate() {
                    for (lanes, x) in leaf.iter_mut().zip(points.row(*row as usize)) {
                        lanes.0[lane] = *x;
                    }
                }
            }
        });
    leaves
}

/// No box: every point is infinitely far from it.
const EMPTY: Boxes = Boxes {
    low: Lanes([f64::INFINITY; LANES]),
    high: Lanes([f64::NEG_INFINITY; LANES]),
};

fn boxes_of_leaves(leaves: &[Lanes], dim: usize) -> Vec<Boxes> {
    let count = leaves.len() / dim;
    let mut out = vec![EMPTY; count.div_ceil(LANES) * dim];
    for (leaf, lanes) in leaves.chunks_exact(dim).enumerate() {
        let node = &mut out[leaf / LANES * dim..][..dim];
        for (boxes, lanes) in node.iter_mut().zip(lanes) {
            let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
            for x in lanes.0 {
                low = if x < low { x } else { low };
                // Places beyond the last point are at infinity and belong to no box.
                high = if x > high && x < f64::INFINITY {
                    x
                } else {
                    high
                };
            }
            boxes.low.0[leaf % LANES] = low;
            boxes.high.0[leaf % LANES] = high;
        }
    }
    out
}

fn boxes_of_nodes(below: &[Boxes], dim: usize) -> Vec<Boxes> {
    let count = below.len() / dim;
    let mut out = vec![EMPTY; count.div_ceil(LANES) * dim];
    for (node, children) in below.chunks_exact(dim).enumerate() {
        let above = &mut out[node / LANES * dim..][..dim];
        for (boxes, children) in above.iter_mut().zip(children) {
            let low = children.low.0.iter().fold(f64::INFINITY, |a, b| a.min(*b));
            let high = children
                .high
                .0
                .iter()
                .fold(f64::NEG_INFINITY, |a, b| a.max(*b));
            boxes.low.0[node % LANES] = low;
            boxes.high.0[node % LANES] = high;
        }
    }
    out
}
