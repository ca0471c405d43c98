//! The blocked product without fused multiply-adds, in a fixed order of summation.

use super::{MatMut, MatRef};
use crate::Real;
use crate::simd::{Vectorize, vectorize};

/// Rows and columns of a register tile.
const ROWS: usize = 4;
const COLUMNS: usize = 16;

type Tile<F> = [[F; COLUMNS]; ROWS];

/// `C ← α A B + β C` for operands that fit, none of them empty.
pub(super) fn product<F: Real>(
    alpha: F,
    a: MatRef<'_, F>,
    b: MatRef<'_, F>,
    beta: F,
    c: &mut MatMut<'_, F>,
) {
    let ((m, k), n) = (a.shape(), b.shape().1);
    let panels = m.div_ceil(ROWS);
    // Panels of `ROWS` rows of A, each ordered by column; what sticks out is zero and dropped.
    let mut packed_a = vec![[F::ZERO; ROWS]; panels * k];
    for i in 0..m {
        for l in 0..k {
            packed_a[(i / ROWS) * k + l][i % ROWS] = a.at(i, l);
        }
    }
    let mut packed_b = vec![[F::ZERO; COLUMNS]; k];
    let mut tiles = vec![[[F::ZERO; COLUMNS]; ROWS]; panels];
    for first in (0..n).step_by(COLUMNS) {
        let width = COLUMNS.min(n - first);
        for (l, row) in packed_b.iter_mut().enumerate() {
            for (j, x) in row[..width].iter_mut().enumerate() {
                *x = b.at(l, first + j);
            }
        }
        vectorize(Tiles {
            a: &packed_a,
            b: &packed_b,
            out: &mut tiles,
        });
        for j in 0..width {
            for i in 0..m {
                let p = alpha * tiles[i / ROWS][i % ROWS][j];
                c.update(
                    i,
                    first + j,
                    |x| {
                        if beta == F::ZERO { p } else { p + beta * x }
                    },
                );
            }
        }
    }
}

/// One column panel of `A B`: every element is summed in order of `k`, so the vector width has no
/// part in the result.
struct Tiles<'a, F> {
    a: &'a [[F; ROWS]],
    b: &'a [[F; COLUMNS]],
    out: &'a mut [Tile<F>],
}

impl<F: Real> Vectorize for Tiles<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (tile, a) in self.out.iter_mut().zip(self.a.chunks_exact(self.b.len())) {
            let mut sums = [[F::ZERO; COLUMNS]; ROWS];
            for (a, b) in a.iter().zip(self.b) {
                for i in 0..ROWS {
                    for j in 0..COLUMNS {
                        sums[i][j] += a[i] * b[j];
                    }
                }
            }
            *tile = sums;
        }
    }
}
