//! Symmetric matrices as vectors: the lower triangle by rows, off-diagonal entries times `√2`.
//!
//! With this scaling `svec(A)·svec(B) = tr(AB)`: natural and mean parameters that are matrices
//! pair by the plain scalar product, and the Fisher information is that of the matrix geometry
//! (Alizadeh, Haeberly and Overton, *SIAM J. Optim.* 8, 1998).

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

use nalgebra::DMatrix;

/// The length of the vector of a `d × d` matrix.
pub(crate) const fn length(d: usize) -> usize {
    d * (d + 1) / 2
}

/// The vector of a symmetric matrix; only its lower triangle is read.
pub(crate) fn pack(matrix: &DMatrix<f64>, out: &mut [f64]) {
    let mut next = out.iter_mut();
    for i in 0..matrix.nrows() {
        for j in 0..=i {
            if let Some(slot) = next.next() {
                *slot = matrix[(i, j)] * if i == j { 1.0 } else { SQRT_2 };
            }
        }
    }
}

/// The matrix of a vector of [`length`] `d`.
pub(crate) fn unpack(d: usize, vector: &[f64]) -> DMatrix<f64> {
    let mut matrix = DMatrix::zeros(d, d);
    let mut next = vector.iter();
    for i in 0..d {
        for j in 0..=i {
            let value = next.next().copied().unwrap_or(0.0);
            let entry = if i == j { value } else { value * FRAC_1_SQRT_2 };
            matrix[(i, j)] = entry;
            matrix[(j, i)] = entry;
        }
    }
    matrix
}

/// `x xᵀ` as a vector.
pub(crate) fn pack_outer(x: &[f64], out: &mut [f64]) {
    let mut next = out.iter_mut();
    for i in 0..x.len() {
        for j in 0..=i {
            if let Some(slot) = next.next() {
                *slot = x[i] * x[j] * if i == j { 1.0 } else { SQRT_2 };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scalar_product_of_vectors_is_the_trace_of_the_product() {
        let a = DMatrix::from_row_slice(3, 3, &[2.0, 0.5, -1.0, 0.5, 3.0, 0.25, -1.0, 0.25, 1.0]);
        let x = [1.0, -2.0, 0.5];
        let (mut va, mut vx) = ([0.0; 6], [0.0; 6]);
        pack(&a, &mut va);
        pack_outer(&x, &mut vx);
        let dot: f64 = va.iter().zip(&vx).map(|(a, b)| a * b).sum();
        let column = nalgebra::DVector::from_column_slice(&x);
        let form = (column.transpose() * &a * &column)[(0, 0)];
        assert!((dot - form).abs() < 1e-14);
        assert!((unpack(3, &va) - a).amax() < 1e-15);
    }
}
