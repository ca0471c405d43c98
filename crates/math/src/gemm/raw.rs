//! Strided views over checked memory, and the calls of the dense kernels: the `unsafe` part of the
//! products.
//!
//! Invariant of both views: for every `i < rows` and `j < columns` the place
//! `ptr + i·row_stride + j·column_stride` (in elements) lies in memory that is borrowed for `'a`,
//! shared by [`MatRef`] and exclusively by [`MatMut`], and holds an initialised `T`. Strides of
//! dimensions shorter than 2 are stored as 1, since no element depends on them; all others fit an
//! `isize`, because the allocation does.
#![allow(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;

use nalgebra::{Dim, Matrix, RawStorage, RawStorageMut};

use super::{GemmError, check};

/// A matrix to read: a nalgebra matrix or view, or a strided slice; [`t`](Self::t) transposes it.
///
/// ```
/// use ergodic_math::gemm::MatRef;
///
/// // Rows of six, of which three columns are taken.
/// let table: Vec<f32> = (0..12).map(|i| i as f32).collect();
/// let view = MatRef::from_slice(&table, 2, 3, 6, 1)?;
/// assert_eq!(view.t().shape(), (3, 2));
/// # Ok::<(), ergodic_math::gemm::GemmError>(())
/// ```
pub struct MatRef<'a, T> {
    ptr: *const T,
    shape: (usize, usize),
    strides: (usize, usize),
    borrow: PhantomData<&'a [T]>,
}

/// A matrix to write: a nalgebra matrix or view, or a strided slice.
pub struct MatMut<'a, T> {
    ptr: *mut T,
    shape: (usize, usize),
    strides: (usize, usize),
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: a `MatRef` is a shared borrow of `T`s, as `&[T]` is.
unsafe impl<T: Sync> Send for MatRef<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for MatRef<'_, T> {}
// SAFETY: a `MatMut` is an exclusive borrow of `T`s, as `&mut [T]` is; it gives no access to
// elements through a shared reference except by copy.
unsafe impl<T: Send> Send for MatMut<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for MatMut<'_, T> {}

impl<T> Clone for MatRef<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for MatRef<'_, T> {}

impl<T> fmt::Debug for MatRef<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shape, strides, .. } = self;
        write!(f, "MatRef {shape:?} with strides {strides:?}")
    }
}

impl<T> fmt::Debug for MatMut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shape, strides, .. } = self;
        write!(f, "MatMut {shape:?} with strides {strides:?}")
    }
}

/// Strides without those that no element depends on.
fn used(shape: (usize, usize), strides: (usize, usize)) -> (usize, usize) {
    let empty = shape.0 == 0 || shape.1 == 0;
    let pick = |dim, stride| if dim <= 1 || empty { 1 } else { stride };
    (pick(shape.0, strides.0), pick(shape.1, strides.1))
}

/// Whether the last element of the view lies within `len`, and with it every other.
fn within(shape: (usize, usize), strides: (usize, usize), len: usize) -> bool {
    let last = |dim: usize, stride: usize| dim.checked_sub(1)?.checked_mul(stride);
    match (last(shape.0, strides.0), last(shape.1, strides.1)) {
        _ if shape.0 == 0 || shape.1 == 0 => true,
        (Some(i), Some(j)) => i.checked_add(j).is_some_and(|last| last < len),
        _ => false,
    }
}

impl<'a, T> MatRef<'a, T> {
    /// The `rows`×`columns` view with element `(i, j)` at `i·row_stride + j·column_stride`:
    /// strides `(1, rows)` read column-major storage, `(columns, 1)` row-major, 0 repeats.
    ///
    /// # Errors
    /// [`GemmError::OutOfBounds`] if an element lies outside the slice.
    pub fn from_slice(
        slice: &'a [T],
        rows: usize,
        columns: usize,
        row_stride: usize,
        column_stride: usize,
    ) -> Result<Self, GemmError> {
        let (shape, strides) = ((rows, columns), (row_stride, column_stride));
        if !within(shape, strides, slice.len()) {
            return Err(GemmError::OutOfBounds {
                shape,
                strides,
                len: slice.len(),
            });
        }
        Ok(Self {
            ptr: slice.as_ptr(),
            shape,
            strides: used(shape, strides),
            borrow: PhantomData,
        })
    }

    /// The transpose: the same elements with shape and strides swapped.
    #[must_use]
    pub fn t(self) -> Self {
        Self {
            shape: (self.shape.1, self.shape.0),
            strides: (self.strides.1, self.strides.0),
            ..self
        }
    }

    /// Rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        self.shape
    }

    /// Row and column strides in elements; 1 where a dimension is shorter than 2.
    pub fn strides(&self) -> (usize, usize) {
        self.strides
    }
}

impl<T: Copy> MatRef<'_, T> {
    #[inline(always)]
    pub(super) fn at(&self, i: usize, j: usize) -> T {
        assert!(i < self.shape.0 && j < self.shape.1);
        // SAFETY: the indices are inside, so by the invariant the place is borrowed and
        // initialised.
        unsafe { *self.ptr.add(i * self.strides.0 + j * self.strides.1) }
    }
}

impl<'a, T> MatMut<'a, T> {
    /// The `rows`×`columns` view with element `(i, j)` at `i·row_stride + j·column_stride`.
    /// A product refuses to write through strides under which elements may overlap.
    ///
    /// # Errors
    /// [`GemmError::OutOfBounds`] if an element lies outside the slice.
    pub fn from_slice(
        slice: &'a mut [T],
        rows: usize,
        columns: usize,
        row_stride: usize,
        column_stride: usize,
    ) -> Result<Self, GemmError> {
        let (shape, strides) = ((rows, columns), (row_stride, column_stride));
        if !within(shape, strides, slice.len()) {
            return Err(GemmError::OutOfBounds {
                shape,
                strides,
                len: slice.len(),
            });
        }
        Ok(Self {
            ptr: slice.as_mut_ptr(),
            shape,
            strides: used(shape, strides),
            borrow: PhantomData,
        })
    }

    /// Rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        self.shape
    }

    /// Row and column strides in elements; 1 where a dimension is shorter than 2.
    pub fn strides(&self) -> (usize, usize) {
        self.strides
    }

    /// Whether one stride steps over the whole extent of the other dimension, which keeps all
    /// elements apart. (Sufficient; strides such as (2, 3) of a 2×2 matrix are refused.)
    pub(super) fn is_injective(&self) -> bool {
        let ((m, n), (r, c)) = (self.shape, self.strides);
        let extent = |dim: usize, stride: usize| dim.saturating_sub(1).saturating_mul(stride);
        m == 0
            || n == 0
            || (r > 0 && c > 0 && (m == 1 || n == 1 || c > extent(m, r) || r > extent(n, c)))
    }
}

impl<T: Copy> MatMut<'_, T> {
    #[cfg(test)]
    pub(super) fn at(&self, i: usize, j: usize) -> T {
        assert!(i < self.shape.0 && j < self.shape.1);
        // SAFETY: the indices are inside, so by the invariant the place is borrowed and
        // initialised.
        unsafe { *self.ptr.add(i * self.strides.0 + j * self.strides.1) }
    }

    /// Replaces element `(i, j)` by `f` of it.
    #[inline(always)]
    pub(super) fn update(&mut self, i: usize, j: usize, f: impl FnOnce(T) -> T) {
        assert!(i < self.shape.0 && j < self.shape.1);
        // SAFETY: the indices are inside, so by the invariant the place is exclusively borrowed;
        // `&mut self` keeps any other access away, also where elements overlap.
        unsafe {
            let x = self.ptr.add(i * self.strides.0 + j * self.strides.1);
            *x = f(*x);
        }
    }
}

impl<'a, T, R: Dim, C: Dim, S: RawStorage<T, R, C>> From<&'a Matrix<T, R, C, S>> for MatRef<'a, T> {
    fn from(matrix: &'a Matrix<T, R, C, S>) -> Self {
        // `RawStorage` is an unsafe trait whose `ptr`, `shape` and `strides` describe where the
        // elements lie; the matrix, and what its storage borrows, stays borrowed for 'a.
        Self {
            ptr: matrix.as_ptr(),
            shape: matrix.shape(),
            strides: used(matrix.shape(), matrix.strides()),
            borrow: PhantomData,
        }
    }
}

impl<'a, T, R: Dim, C: Dim, S: RawStorageMut<T, R, C>> From<&'a mut Matrix<T, R, C, S>>
    for MatMut<'a, T>
{
    fn from(matrix: &'a mut Matrix<T, R, C, S>) -> Self {
        // As above, with the exclusive borrow of `RawStorageMut`.
        let (shape, strides) = (matrix.shape(), matrix.strides());
        Self {
            ptr: matrix.data.ptr_mut(),
            shape,
            strides: used(shape, strides),
            borrow: PhantomData,
        }
    }
}

/// The kernel of a scalar type, a part of [`crate::Real`].
pub trait Product: Sized {
    /// `C ← α A B + β C` by the fastest kernel.
    ///
    /// # Errors
    /// As [`super::gemm`].
    fn product(
        alpha: Self,
        a: MatRef<'_, Self>,
        b: MatRef<'_, Self>,
        beta: Self,
        c: &mut MatMut<'_, Self>,
    ) -> Result<(), GemmError>;
}

#[cfg(not(feature = "faer"))]
macro_rules! product {
    ($t:ident, $gemm:ident) => {
        impl Product for $t {
            fn product(
                alpha: Self,
                a: MatRef<'_, Self>,
                b: MatRef<'_, Self>,
                beta: Self,
                c: &mut MatMut<'_, Self>,
            ) -> Result<(), GemmError> {
                check(&a, &b, c)?;
                let ((m, k), n) = (a.shape, b.shape.1);
                let stride = |s: usize| s as isize;
                // SAFETY: the shapes fit (`check`), so the kernel touches only elements inside the
                // views, which by the invariant are borrowed: A and B for reading, C exclusively,
                // hence disjoint from both. The strides of C keep its elements apart (`check`).
                // No stride exceeds an allocation, so none wraps.
                unsafe {
                    matrixmultiply::$gemm(
                        m,
                        k,
                        n,
                        alpha,
                        a.ptr,
                        stride(a.strides.0),
                        stride(a.strides.1),
                        b.ptr,
                        stride(b.strides.0),
                        stride(b.strides.1),
                        beta,
                        c.ptr,
                        stride(c.strides.0),
                        stride(c.strides.1),
                    );
                }
                Ok(())
            }
        }
    };
}

#[cfg(feature = "faer")]
macro_rules! product {
    ($t:ident, $gemm:ident) => {
        impl Product for $t {
            fn product(
                alpha: Self,
                a: MatRef<'_, Self>,
                b: MatRef<'_, Self>,
                beta: Self,
                c: &mut MatMut<'_, Self>,
            ) -> Result<(), GemmError> {
                check(&a, &b, c)?;
                if beta != 0.0 && beta != 1.0 {
                    for j in 0..c.shape.1 {
                        for i in 0..c.shape.0 {
                            c.update(i, j, |x| beta * x);
                        }
                    }
                }
                let accumulate = if beta == 0.0 {
                    faer::Accum::Replace
                } else {
                    faer::Accum::Add
                };
                let stride = |s: usize| s as isize;
                let view = |x: &MatRef<'_, $t>| {
                    let (r, c) = (stride(x.strides.0), stride(x.strides.1));
                    // SAFETY: by the invariant all elements are borrowed for reading; no stride
                    // exceeds an allocation, so none wraps.
                    unsafe { faer::MatRef::from_raw_parts(x.ptr, x.shape.0, x.shape.1, r, c) }
                };
                let (r, s) = (stride(c.strides.0), stride(c.strides.1));
                // SAFETY: by the invariant all elements of C are exclusively borrowed, and its
                // strides keep them apart (`check`).
                let out =
                    unsafe { faer::MatMut::from_raw_parts_mut(c.ptr, c.shape.0, c.shape.1, r, s) };
                let (a, b) = (view(&a), view(&b));
                faer::linalg::matmul::matmul(out, accumulate, a, b, alpha, faer::Par::Seq);
                Ok(())
            }
        }
    };
}

product!(f32, sgemm);
product!(f64, dgemm);
