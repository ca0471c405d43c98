//! The two floating-point types, `f32` and `f64`, behind one trait.

use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::elementary::{double, single};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// `f32` or `f64` (sealed).
///
/// The transcendental methods are branch-free, always inlined and free of fused multiply-adds:
/// inside a [`crate::simd::Vectorize`] body they vectorise, and give the same bits at every SIMD
/// level and in scalar code.
pub trait Real:
    sealed::Sealed
    + crate::gemm::Product
    + Copy
    + Default
    + Debug
    + Display
    + PartialEq
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Sum
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The machine epsilon, the gap above 1.
    const EPSILON: Self;

    /// The nearest value of this type.
    fn from_f64(x: f64) -> Self;
    /// The value as `f64`, exact.
    fn to_f64(self) -> f64;
    /// The nearest value of this type.
    fn from_f32(x: f32) -> Self;
    /// Whether the value is neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// `|x|`.
    fn abs(self) -> Self;
    /// `√x`.
    fn sqrt(self) -> Self;
    /// The larger of two numbers.
    fn max(self, other: Self) -> Self;
    /// The smaller of two numbers.
    fn min(self, other: Self) -> Self;
    /// `eˣ`.
    fn exp(self) -> Self;
    /// `eˣ − 1`.
    fn exp_m1(self) -> Self;
    /// `log x`.
    fn ln(self) -> Self;
    /// `log(1 + x)`.
    fn ln_1p(self) -> Self;
    /// `1/(1 + e⁻ˣ)`.
    fn sigmoid(self) -> Self;
    /// `log(1 + eˣ)`.
    fn log1p_exp(self) -> Self;
}

macro_rules! real {
    ($t:ident, $elementary:ident) => {
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const EPSILON: Self = $t::EPSILON;
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn from_f32(x: f32) -> Self {
                x as $t
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $t::abs(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $t::sqrt(self)
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                if self > other { self } else { other }
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                if self < other { self } else { other }
            }
            #[inline(always)]
            fn exp(self) -> Self {
                $elementary::exp(self)
            }
            #[inline(always)]
            fn exp_m1(self) -> Self {
                $elementary::exp_m1(self)
            }
            #[inline(always)]
            fn ln(self) -> Self {
                $elementary::ln(self)
            }
            #[inline(always)]
            fn ln_1p(self) -> Self {
                $elementary::ln_1p(self)
            }
            #[inline(always)]
            fn sigmoid(self) -> Self {
                $elementary::sigmoid(self)
            }
            #[inline(always)]
            fn log1p_exp(self) -> Self {
                $elementary::log1p_exp(self)
            }
        }
    };
}
real!(f32, single);
real!(f64, double);
