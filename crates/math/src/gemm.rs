//! Dense matrix products `C ← α op(A) op(B) + β C` over nalgebra storage and strided slices.
//!
//! The operands are views: [`MatRef`] and [`MatMut`] are made from any nalgebra matrix or view by
//! `From`, from slices with [`MatRef::from_slice`], and transposed at no cost by [`MatRef::t`], so
//! that one function, [`gemm`], serves all four transpose combinations at the same speed. (The
//! `tr_mul` of nalgebra never reaches a blocked kernel and is some twelve times slower.)
//!
//! Kernels: `matrixmultiply`, or `faer` (single-threaded) with the feature of that name. Both use
//! fused multiply-adds where the CPU has them, so their last bits depend on the CPU. With
//! `ERGODIC_SIMD=portable` (see [`crate::simd`]) products go through [`gemm_portable`], whose bits
//! do not. One call never spawns threads: parallelism belongs to chains and blocks, above.

use std::fmt;

mod portable;
mod raw;

#[doc(hidden)]
pub use raw::Product;
pub use raw::{MatMut, MatRef};

use crate::Real;
use crate::simd::{Level, cap};

/// Operands that do not make a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GemmError {
    /// The shapes `(rows, columns)` do not fit: `A` is m×k, `B` is k×n, `C` is m×n.
    Shape {
        /// The shape of `op(A)`.
        a: (usize, usize),
        /// The shape of `op(B)`.
        b: (usize, usize),
        /// The shape of `C`.
        c: (usize, usize),
    },
    /// The last element of a view lies outside its slice.
    OutOfBounds {
        /// The shape of the view.
        shape: (usize, usize),
        /// Its row and column strides, in elements.
        strides: (usize, usize),
        /// The length of the slice.
        len: usize,
    },
    /// Strides of `C` under which two of its elements may share a place: allowed are positive
    /// strides of which one steps over the whole extent of the other.
    Overlap {
        /// The shape of `C`.
        shape: (usize, usize),
        /// Its row and column strides, in elements.
        strides: (usize, usize),
    },
}

impl fmt::Display for GemmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape { a, b, c } => write!(
                f,
                "the product of {}x{} and {}x{} does not fit into {}x{}",
                a.0, a.1, b.0, b.1, c.0, c.1
            ),
            Self::OutOfBounds {
                shape,
                strides,
                len,
            } => write!(
                f,
                "a {}x{} view with strides ({}, {}) leaves its slice of length {len}",
                shape.0, shape.1, strides.0, strides.1
            ),
            Self::Overlap { shape, strides } => write!(
                f,
                "elements of a {}x{} result with strides ({}, {}) may overlap",
                shape.0, shape.1, strides.0, strides.1
            ),
        }
    }
}

impl std::error::Error for GemmError {}

/// `C ← α A B + β C` for `A` m×k, `B` k×n and `C` m×n, with the operands transposed by
/// [`MatRef::t`].
///
/// As in BLAS, `β = 0` overwrites `C` without reading it (a NaN there does not survive), and
/// `α = 0` or `k = 0` only scales `C`.
///
/// Domain: any shapes that fit, empty ones included; any strides of `A` and `B`; strides of `C`
/// that keep its elements apart. Intermediate results that overflow give infinities and NaN, as in
/// IEEE arithmetic; they are not looked for.
///
/// Error: componentwise `|Ĉ − C| ≤ γ_{k+2} (|α| |A| |B| + |β| |C|)`, `γ_j = j u/(1 − j u)` with
/// `u = ε/2`, whatever the order of summation (Higham, *Accuracy and Stability of Numerical
/// Algorithms*, 2nd ed., §3.5). `O(mkn)` operations; packing buffers are allocated per call.
///
/// # Errors
/// [`GemmError::Shape`] or [`GemmError::Overlap`]; `C` is then untouched.
///
/// ```
/// use ergodic_math::gemm::{gemm, MatRef};
/// use nalgebra::DMatrix;
///
/// // ⟨v hᵀ⟩ over a batch: one row of v and of h per example.
/// let v = DMatrix::from_row_slice(3, 2, &[1.0, 0.0, 1.0, 1.0, 0.0, 1.0]);
/// let h = DMatrix::from_row_slice(3, 1, &[0.5, 1.0, 0.25]);
/// let mut vh = DMatrix::zeros(2, 1);
/// gemm(0.5, MatRef::from(&v).t(), &h, 0.0, &mut vh)?;
/// assert_eq!(vh.as_slice(), [0.75, 0.625]);
/// # Ok::<(), ergodic_math::gemm::GemmError>(())
/// ```
pub fn gemm<'a, 'b, 'c, F: Real>(
    alpha: F,
    a: impl Into<MatRef<'a, F>>,
    b: impl Into<MatRef<'b, F>>,
    beta: F,
    c: impl Into<MatMut<'c, F>>,
) -> Result<(), GemmError> {
    let (a, b, mut c) = (a.into(), b.into(), c.into());
    check(&a, &b, &c)?;
    if settle(alpha, &a, beta, &mut c) {
        return Ok(());
    }
    if cap() == Level::Portable {
        portable::product(alpha, a, b, beta, &mut c);
        return Ok(());
    }
    F::product(alpha, a, b, beta, &mut c)
}

/// [`gemm`] by a blocked kernel without fused multiply-adds, whose elements are summed in order of
/// `k`: the bits agree across CPUs, SIMD levels and features, and an element does not depend on
/// the shape around it.
///
/// Domain, error and conventions as [`gemm`]; some two to four times slower. [`gemm`] calls it
/// under `ERGODIC_SIMD=portable`.
///
/// # Errors
/// As [`gemm`].
pub fn gemm_portable<'a, 'b, 'c, F: Real>(
    alpha: F,
    a: impl Into<MatRef<'a, F>>,
    b: impl Into<MatRef<'b, F>>,
    beta: F,
    c: impl Into<MatMut<'c, F>>,
) -> Result<(), GemmError> {
    let (a, b, mut c) = (a.into(), b.into(), c.into());
    check(&a, &b, &c)?;
    if !settle(alpha, &a, beta, &mut c) {
        portable::product(alpha, a, b, beta, &mut c);
    }
    Ok(())
}

fn check<F>(a: &MatRef<'_, F>, b: &MatRef<'_, F>, c: &MatMut<'_, F>) -> Result<(), GemmError> {
    let ((m, k), (k2, n)) = (a.shape(), b.shape());
    if k != k2 || c.shape() != (m, n) {
        return Err(GemmError::Shape {
            a: a.shape(),
            b: b.shape(),
            c: c.shape(),
        });
    }
    if !c.is_injective() {
        return Err(GemmError::Overlap {
            shape: c.shape(),
            strides: c.strides(),
        });
    }
    Ok(())
}

/// Does the work where no product is needed; whether it was that case.
fn settle<F: Real>(alpha: F, a: &MatRef<'_, F>, beta: F, c: &mut MatMut<'_, F>) -> bool {
    let (m, n) = c.shape();
    if m == 0 || n == 0 {
        return true;
    }
    if a.shape().1 != 0 && alpha != F::ZERO {
        return false;
    }
    for j in 0..n {
        for i in 0..m {
            c.update(i, j, |x| if beta == F::ZERO { F::ZERO } else { beta * x });
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng;
    use nalgebra::{DMatrix, Dyn, Matrix3x2, MatrixView, Vector2, Vector3};
    use rand::Rng;

    fn random<F: Real>(rng: &mut impl Rng, n: usize) -> Vec<F> {
        (0..n)
            .map(|_| F::from_f64(2.0 * rng::uniform(rng) - 1.0))
            .collect()
    }

    /// Checks one product against f64 sums and the bound of Higham, elementwise.
    fn check_bound<F: Real>(
        alpha: F,
        a: MatRef<'_, F>,
        b: MatRef<'_, F>,
        beta: F,
        before: &[F],
        after: MatMut<'_, F>,
        before_at: impl Fn(usize, usize) -> usize,
    ) {
        let (m, n) = after.shape();
        let k = a.shape().1;
        let u = 0.5 * F::EPSILON.to_f64();
        let j = (k + 2) as f64 * u;
        // The reference in f64 has a rounding error of its own.
        let reference = (k + 2) as f64 * f64::EPSILON;
        for r in 0..m {
            for c in 0..n {
                let (mut exact, mut scale) = (0.0, 0.0);
                for l in 0..k {
                    let p = alpha.to_f64() * a.at(r, l).to_f64() * b.at(l, c).to_f64();
                    exact += p;
                    scale += p.abs();
                }
                if beta != F::ZERO {
                    let p = beta.to_f64() * before[before_at(r, c)].to_f64();
                    exact += p;
                    scale += p.abs();
                }
                let found = after.at(r, c).to_f64();
                let bound = (j / (1.0 - j) + reference) * scale;
                assert!(
                    (found - exact).abs() <= bound,
                    "{m}x{k}x{n} at ({r}, {c}): {found} vs {exact}, bound {bound:e}"
                );
            }
        }
    }

    const SHAPES: [(usize, usize, usize); 12] = [
        (1, 1, 1),
        (1, 5, 1),
        (2, 3, 4),
        (4, 16, 16),
        (7, 1, 9),
        (5, 17, 33),
        (33, 29, 31),
        (16, 64, 48),
        (1, 300, 17),
        (65, 2, 1),
        (19, 513, 23),
        (3, 0, 2),
    ];

    fn all_transposes<F: Real>() {
        let mut rng = rng::stream(1, 0);
        for (m, k, n) in SHAPES {
            if cfg!(miri) && m * k * n > 200 {
                continue;
            }
            for (ta, tb, tc) in (0..8).map(|s| (s & 1 != 0, s & 2 != 0, s & 4 != 0)) {
                for (alpha, beta) in [(1.0, 0.0), (-0.7, 1.0), (1.3, 0.6), (0.0, 0.5)] {
                    let (alpha, beta) = (F::from_f64(alpha), F::from_f64(beta));
                    // Column-major storage, `op` applied by swapping strides.
                    let (a, b, c) = (
                        random::<F>(&mut rng, m * k),
                        random::<F>(&mut rng, k * n),
                        random::<F>(&mut rng, m * n),
                    );
                    let a = if ta {
                        MatRef::from_slice(&a, k, m, 1, k).unwrap().t()
                    } else {
                        MatRef::from_slice(&a, m, k, 1, m).unwrap()
                    };
                    let b = if tb {
                        MatRef::from_slice(&b, n, k, 1, n).unwrap().t()
                    } else {
                        MatRef::from_slice(&b, k, n, 1, k).unwrap()
                    };
                    let (rs, cs) = if tc { (n, 1) } else { (1, m) };
                    for portable in [false, true] {
                        let mut out = c.clone();
                        let view = MatMut::from_slice(&mut out, m, n, rs, cs).unwrap();
                        if portable {
                            gemm_portable(alpha, a, b, beta, view).unwrap();
                        } else {
                            // The kernel itself, whatever `ERGODIC_SIMD` says.
                            let mut view = view;
                            if !settle(alpha, &a, beta, &mut view) {
                                F::product(alpha, a, b, beta, &mut view).unwrap();
                            }
                        }
                        let after = MatMut::from_slice(&mut out, m, n, rs, cs).unwrap();
                        check_bound(alpha, a, b, beta, &c, after, |i, j| i * rs + j * cs);
                    }
                }
            }
        }
    }

    #[test]
    fn products_keep_the_error_bound_for_all_transposes_f32() {
        all_transposes::<f32>();
    }

    #[test]
    fn products_keep_the_error_bound_for_all_transposes_f64() {
        all_transposes::<f64>();
    }

    #[test]
    fn strided_views_read_and_write_only_their_elements() {
        let mut rng = rng::stream(2, 0);
        let big = DMatrix::<f64>::from_vec(12, 10, random(&mut rng, 120));
        let b = DMatrix::<f64>::from_vec(4, 3, random(&mut rng, 12));
        let a = big.view_with_steps((1, 2), (5, 4), (1, 1)); // every second row and column
        for portable in [false, true] {
            let mut out = DMatrix::<f64>::from_element(11, 9, 7.0);
            let mut c = out.view_with_steps_mut((1, 2), (5, 3), (1, 1));
            if portable {
                gemm_portable(1.0, &a, &b, 0.0, &mut c).unwrap();
            } else {
                gemm(1.0, &a, &b, 0.0, &mut c).unwrap();
            }
            for i in 0..11 {
                for j in 0..9 {
                    let inside =
                        i % 2 == 1 && (1..10).contains(&i) && j % 2 == 0 && (2..8).contains(&j);
                    if inside {
                        let (r, s) = ((i - 1) / 2, (j - 2) / 2);
                        let exact: f64 = (0..4)
                            .map(|l| big[(1 + 2 * r, 2 + 2 * l)] * b[(l, s)])
                            .sum();
                        assert!((out[(i, j)] - exact).abs() < 1e-14);
                    } else {
                        assert_eq!(out[(i, j)], 7.0, "({i}, {j}) lies outside the view");
                    }
                }
            }
        }
    }

    #[test]
    fn static_matrices_vectors_and_broadcast_inputs_multiply() {
        let a = Matrix3x2::new(1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0);
        let x = Vector2::new(10.0f32, 1.0);
        let mut y = Vector3::zeros();
        gemm(1.0, &a, &x, 0.0, &mut y).unwrap();
        assert_eq!(y, Vector3::new(12.0, 34.0, 56.0));
        // Stride 0: the same row three times.
        let row = [1.0f64, 2.0];
        let ones = MatRef::from_slice(&row, 3, 2, 0, 1).unwrap();
        let mut gram = DMatrix::zeros(2, 2);
        gemm(1.0, ones.t(), ones, 0.0, &mut gram).unwrap();
        assert_eq!(gram.as_slice(), [3.0, 6.0, 6.0, 12.0]);
    }

    #[test]
    fn empty_inner_dimension_scales_c() {
        let (a, b) = (DMatrix::<f64>::zeros(2, 0), DMatrix::<f64>::zeros(0, 2));
        let mut c = DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 3.0, f64::NAN]);
        gemm(1.0, &a, &b, 0.5, &mut c).unwrap();
        assert_eq!((c[(0, 0)], c[(1, 0)]), (0.5, 1.5));
        gemm(1.0, &a, &b, 0.0, &mut c).unwrap();
        assert_eq!(c, DMatrix::zeros(2, 2));
        let (a, b) = (DMatrix::<f64>::zeros(0, 3), DMatrix::<f64>::zeros(3, 0));
        gemm(1.0, &a, &b, 0.0, &mut DMatrix::zeros(0, 0)).unwrap();
    }

    #[test]
    fn beta_zero_overwrites_nan() {
        let a = DMatrix::<f32>::from_element(9, 9, 1.0);
        for portable in [false, true] {
            let mut c = DMatrix::from_element(9, 9, f32::NAN);
            if portable {
                gemm_portable(1.0, &a, &a, 0.0, &mut c).unwrap();
            } else {
                gemm(1.0, &a, &a, 0.0, &mut c).unwrap();
            }
            assert!(c.iter().all(|&x| x == 9.0));
        }
    }

    #[test]
    fn mismatched_shapes_are_typed_errors_and_leave_c() {
        let (a, b) = (DMatrix::<f64>::zeros(2, 3), DMatrix::<f64>::zeros(2, 3));
        let mut c = DMatrix::from_element(2, 3, 5.0);
        let e = gemm(1.0, &a, &b, 0.0, &mut c).unwrap_err();
        assert_eq!(
            e.to_string(),
            "the product of 2x3 and 2x3 does not fit into 2x3"
        );
        assert!(c.iter().all(|&x| x == 5.0));
        let e = gemm(1.0, &a, MatRef::from(&b).t(), 0.0, &mut c).unwrap_err();
        assert!(matches!(e, GemmError::Shape { c: (2, 3), .. }));
    }

    #[test]
    fn views_that_leave_their_slice_are_typed_errors() {
        let x = [0.0f64; 11];
        assert!(MatRef::from_slice(&x, 3, 4, 4, 1).is_err()); // 12 elements
        assert!(MatRef::from_slice(&x, 3, 3, 4, 1).is_ok()); // the last one is number 10
        assert!(MatRef::from_slice(&x, 2, 2, usize::MAX, usize::MAX).is_err());
        assert!(MatRef::from_slice(&x, usize::MAX, 2, 1, 1).is_err());
        assert!(MatRef::from_slice(&x, 1, 3, usize::MAX, 5).is_ok()); // its row stride is unused
        assert!(MatRef::from_slice(&[] as &[f64], 1, 1, 1, 1).is_err());
        assert!(MatRef::from_slice(&[] as &[f64], 0, 7, 9, 9).is_ok());
        assert!(MatMut::from_slice(&mut [0.0f64; 3], 2, 2, 1, 2).is_err());
    }

    #[test]
    fn overlapping_results_are_typed_errors() {
        let a = [1.0f64; 4];
        let a = MatRef::from_slice(&a, 2, 2, 1, 2).unwrap();
        for strides in [(0, 1), (1, 0), (1, 1), (2, 2)] {
            let mut x = [0.0f64; 8];
            let c = MatMut::from_slice(&mut x, 2, 2, strides.0, strides.1).unwrap();
            assert_eq!(
                gemm(1.0, a, a, 0.0, c).unwrap_err(),
                GemmError::Overlap {
                    shape: (2, 2),
                    strides
                }
            );
        }
    }

    #[test]
    fn huge_strides_of_a_single_row_are_never_used() {
        let x = [1.0f64, 2.0, 3.0];
        let row = MatRef::from_slice(&x, 1, 3, usize::MAX, 1).unwrap();
        let mut y = [0.0];
        let c = MatMut::from_slice(&mut y, 1, 1, usize::MAX, 0).unwrap();
        gemm(1.0, row, row.t(), 0.0, c).unwrap();
        assert_eq!(y, [14.0]);
        let view = MatrixView::<f64, Dyn, Dyn, Dyn, Dyn>::from_slice_with_strides_generic(
            &x,
            Dyn(3),
            Dyn(1),
            Dyn(1),
            Dyn(0),
        );
        let mut y = [0.0];
        let c = MatMut::from_slice(&mut y, 1, 1, 1, 1).unwrap();
        gemm(1.0, row, &view, 0.0, c).unwrap();
        assert_eq!(y, [14.0]);
    }

    #[test]
    fn portable_elements_are_sums_in_order_of_k_bit_for_bit() {
        let mut rng = rng::stream(3, 0);
        let (m, k, n) = if cfg!(miri) {
            (3, 5, 18)
        } else {
            (13, 211, 37)
        };
        let (a, b) = (
            random::<f32>(&mut rng, m * k),
            random::<f32>(&mut rng, k * n),
        );
        let mut c = vec![0.0f32; m * n];
        gemm_portable(
            1.0,
            MatRef::from_slice(&a, m, k, k, 1).unwrap(),
            MatRef::from_slice(&b, k, n, n, 1).unwrap(),
            0.0,
            MatMut::from_slice(&mut c, m, n, n, 1).unwrap(),
        )
        .unwrap();
        for i in 0..m {
            for j in 0..n {
                let mut s = 0.0f32;
                for l in 0..k {
                    s += a[i * k + l] * b[l * n + j];
                }
                assert_eq!(c[i * n + j].to_bits(), s.to_bits(), "({i}, {j})");
            }
        }
    }
}
