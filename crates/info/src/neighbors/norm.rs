//! The two norms, as a fold over coordinates.

use super::lanes::{LANES, Lanes};

/// How the distance of two points of ℝᵈ is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Norm {
    /// `max_j |x_j − y_j|`.
    #[default]
    Maximum,
    /// `√Σ_j (x_j − y_j)²`. Differences beyond 10¹⁵⁴ overflow.
    Euclidean,
}

/// A norm as the searches use it: a monotone function of the fold over coordinates. Every step is
/// monotone in floating point, too, so the fold over the gaps to a box never exceeds the fold over
/// the differences to a point in it, and pruning is exact.
pub(super) trait Metric: Copy + Send + Sync {
    /// The fold with one more coordinate's difference.
    fn fold(sum: f64, difference: f64) -> f64;

    /// The fold with one more coordinate's distance to an interval, which lies `left` above the
    /// point or ends `right` below it; both are negative inside.
    fn fold_gap(sum: f64, left: f64, right: f64) -> f64;

    /// The distance that belongs to a fold.
    fn distance(sum: f64) -> f64;
}

#[inline(always)]
fn max(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

#[derive(Clone, Copy)]
pub(super) struct Maximum;

impl Metric for Maximum {
    #[inline(always)]
    fn fold(sum: f64, difference: f64) -> f64 {
        max(difference.abs(), sum)
    }

    #[inline(always)]
    fn fold_gap(sum: f64, left: f64, right: f64) -> f64 {
        max(max(left, right), sum)
    }

    #[inline(always)]
    fn distance(sum: f64) -> f64 {
        sum
    }
}

#[derive(Clone, Copy)]
pub(super) struct Euclidean;

impl Metric for Euclidean {
    #[inline(always)]
    fn fold(sum: f64, difference: f64) -> f64 {
        sum + difference * difference
    }

    #[inline(always)]
    fn fold_gap(sum: f64, left: f64, right: f64) -> f64 {
        let gap = max(max(left, right), 0.0);
        sum + gap * gap
    }

    #[inline(always)]
    fn distance(sum: f64) -> f64 {
        sum.sqrt()
    }
}

/// The folds of one point against eight, whose coordinate `j` is `block[j]`.
#[inline(always)]
pub(super) fn folds<M: Metric>(block: &[Lanes], point: &[f64]) -> Lanes {
    let mut sum = Lanes::splat(0.0);
    for (x, y) in block.iter().zip(point) {
        for lane in 0..LANES {
            sum.0[lane] = M::fold(sum.0[lane], x.0[lane] - y);
        }
    }
    sum
}
