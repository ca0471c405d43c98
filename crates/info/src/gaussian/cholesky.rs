//! Cholesky factors of covariances: positive definiteness, log-determinants, triangular solves.

use ergodic_math::Real;

/// The lower factor of a symmetric matrix, `Σ = L Lᵀ`, row-major.
///
/// Golub and Van Loan, *Matrix Computations*, 4th ed., §4.2; relative backward error
/// `O(d·ε)`. Scalar loops in a fixed order: the same bits everywhere.
#[derive(Clone, Debug)]
pub(super) struct Cholesky {
    dim: usize,
    lower: Vec<f64>,
    /// `1 − pivot/diagonal` of each column: the part of its variance that the columns before it
    /// explain.
    explained: Vec<f64>,
}

impl Cholesky {
    /// Factors the lower triangle of `matrix`, `dim × dim` and row-major.
    ///
    /// The error is the first coordinate that those before it determine up to rounding, or whose
    /// variance is not positive.
    pub(super) fn new(matrix: &[f64], dim: usize) -> Result<Self, usize> {
        let mut lower = vec![0.0; dim * dim];
        let mut explained = vec![0.0; dim];
        for i in 0..dim {
            let mut squares = 0.0;
            for j in 0..i {
                let mut sum = matrix[i * dim + j];
                for k in 0..j {
                    sum -= lower[i * dim + k] * lower[j * dim + k];
                }
                let entry = sum / lower[j * dim + j];
                lower[i * dim + j] = entry;
                squares += entry * entry;
            }
            let diagonal = matrix[i * dim + i];
            let pivot = diagonal - squares;
            // What is left of the variance has to be more than the rounding of the subtraction.
            let smallest = 4.0 * (i + 1) as f64 * f64::EPSILON * diagonal;
            if !(pivot.is_finite() && diagonal > 0.0 && pivot > if i == 0 { 0.0 } else { smallest })
            {
                return Err(i);
            }
            explained[i] = squares / diagonal;
            lower[i * dim + i] = pivot.sqrt();
        }
        Ok(Self {
            dim,
            lower,
            explained,
        })
    }

    /// `log |Σ|`.
    pub(super) fn log_determinant(&self) -> f64 {
        (0..self.dim)
            .map(|i| 2.0 * Real::ln(self.entry(i, i)))
            .sum()
    }

    /// `log |R|` of the correlation matrix `R`, at most 0, with relative accuracy near
    /// independence.
    pub(super) fn log_determinant_of_correlation(&self) -> f64 {
        self.explained.iter().map(|e| Real::ln_1p(-e)).sum()
    }

    /// `L` at row `i`, column `j`.
    pub(super) fn entry(&self, i: usize, j: usize) -> f64 {
        self.lower[i * self.dim + j]
    }

    /// `x ← L⁻¹ x`.
    pub(super) fn solve_lower(&self, x: &mut [f64]) {
        for i in 0..self.dim {
            let mut sum = x[i];
            for k in 0..i {
                sum -= self.entry(i, k) * x[k];
            }
            x[i] = sum / self.entry(i, i);
        }
    }

    /// `L⁻¹ M`, where `M` has `columns` columns, row-major.
    pub(super) fn solve_columns(&self, matrix: &[f64], columns: usize) -> Vec<f64> {
        let mut out = matrix.to_vec();
        let mut column = vec![0.0; self.dim];
        for j in 0..columns {
            for (i, x) in column.iter_mut().enumerate() {
                *x = out[i * columns + j];
            }
            self.solve_lower(&mut column);
            for (i, x) in column.iter().enumerate() {
                out[i * columns + j] = *x;
            }
        }
        out
    }

    /// `L⁻¹ M L⁻ᵀ` of a symmetric `M`.
    pub(super) fn whiten(&self, matrix: &[f64]) -> Vec<f64> {
        let half = self.solve_columns(matrix, self.dim);
        self.solve_columns(&transposed(&half, self.dim, self.dim), self.dim)
    }
}

/// The transpose of a `rows × columns` matrix, row-major.
pub(super) fn transposed(matrix: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    let mut out = vec![0.0; rows * columns];
    for i in 0..rows {
        for j in 0..columns {
            out[j * rows + i] = matrix[i * columns + j];
        }
    }
    out
}
