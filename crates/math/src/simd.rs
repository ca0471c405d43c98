//! Run-time SIMD dispatch: the same safe code compiled for several instruction sets.
//!
//! A hot loop is written once as plain Rust in an [`#[inline(always)]`](Vectorize::run) body;
//! [`vectorize`] compiles it for AVX-512, AVX2 and the baseline, and picks one at run time. The
//! bodies contain no fused multiply-add and no reassociated sums, so **all levels give the same
//! bits**; only speed differs. (Dense products of [`crate::gemm`] are the exception and say so.)
//!
//! `ERGODIC_SIMD=portable|avx2|avx512` in the environment, read once, caps the level; `portable`
//! also switches the dense products to code whose bits agree across CPUs.
//!
//! Of the crate's two `unsafe` modules (the other hands matrices to the dense kernels of
//! [`crate::gemm`]) this one calls functions compiled for an instruction set, right after the CPU
//! has said that it has it.

use std::sync::OnceLock;

/// An instruction-set level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The baseline of the compilation target.
    Portable,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512 F, BW, CD, DQ and VL.
    Avx512,
}

/// The level in use: what the CPU has, capped by `ERGODIC_SIMD`.
///
/// An unknown value of `ERGODIC_SIMD` counts as `portable`: a typing error must not silently
/// lose the reproducibility that the variable is there for.
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| detected().min(cap()))
}

/// The highest level that `ERGODIC_SIMD` allows, whatever the CPU has; [`Level::Portable`] asks
/// for bits that agree across CPUs.
pub fn cap() -> Level {
    static CAP: OnceLock<Level> = OnceLock::new();
    *CAP.get_or_init(|| match std::env::var("ERGODIC_SIMD").as_deref() {
        Err(_) | Ok("" | "avx512") => Level::Avx512,
        Ok("avx2") => Level::Avx2,
        Ok(_) => Level::Portable,
    })
}

#[cfg(target_arch = "x86_64")]
fn detected() -> Level {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (avx2, avx512) {
        (true, true) => Level::Avx512,
        (true, false) => Level::Avx2,
        _ => Level::Portable,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detected() -> Level {
    Level::Portable
}

/// A computation to be compiled for each level.
///
/// [`run`](Self::run) must be `#[inline(always)]`, and so must what it calls in its hot loops:
/// a function that is not inlined keeps the baseline instruction set.
pub trait Vectorize {
    /// What the computation returns.
    type Output;
    /// The computation.
    fn run(self) -> Self::Output;
}

/// Runs `f` compiled for the level in use.
///
/// ```
/// use ergodic_math::simd::{vectorize, Vectorize};
///
/// struct Axpy<'a>(f32, &'a [f32], &'a mut [f32]);
/// impl Vectorize for Axpy<'_> {
///     type Output = ();
///     #[inline(always)]
///     fn run(self) {
///         for (y, x) in self.2.iter_mut().zip(self.1) {
///             *y += self.0 * x;
///         }
///     }
/// }
/// let mut y = [1.0f32; 40];
/// vectorize(Axpy(2.0, &[3.0; 40], &mut y));
/// assert_eq!(y, [7.0; 40]);
/// ```
#[inline]
pub fn vectorize<V: Vectorize>(f: V) -> V::Output {
    vectorize_at(level(), f)
}

/// Runs `f` compiled for `level`, or for the best level that the CPU has if that is lower.
#[inline]
pub fn vectorize_at<V: Vectorize>(level: Level, f: V) -> V::Output {
    #[cfg(target_arch = "x86_64")]
    {
        dispatch::run(level, f)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = level;
        f.run()
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod dispatch {
    use super::{Level, Vectorize, detected};
    use std::sync::OnceLock;

    #[target_feature(enable = "avx2,fma")]
    fn avx2<V: Vectorize>(f: V) -> V::Output {
        f.run()
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
    fn avx512<V: Vectorize>(f: V) -> V::Output {
        f.run()
    }

    #[inline]
    pub(super) fn run<V: Vectorize>(level: Level, f: V) -> V::Output {
        static BEST: OnceLock<Level> = OnceLock::new();
        match level.min(*BEST.get_or_init(detected)) {
            Level::Portable => f.run(),
            // SAFETY: `detected` returned at least `Avx2` on this CPU, so `avx2` and `fma` are
            // there.
            Level::Avx2 => unsafe { avx2(f) },
            // SAFETY: `detected` returned `Avx512` on this CPU, so all listed features are there.
            Level::Avx512 => unsafe { avx512(f) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sum<'a>(&'a [f32], &'a mut [f32]);
    impl Vectorize for Sum<'_> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            for (o, x) in self.1.iter_mut().zip(self.0) {
                *o = (*o * 1.1 + *x) / 3.0;
            }
        }
    }

    #[test]
    fn every_level_gives_the_same_bits() {
        let x: Vec<f32> = (0..1000).map(|i| (i as f32).sin()).collect();
        let mut reference = vec![0.5f32; 1000];
        vectorize_at(Level::Portable, Sum(&x, &mut reference));
        for level in [Level::Avx2, Level::Avx512] {
            let mut y = vec![0.5f32; 1000];
            vectorize_at(level, Sum(&x, &mut y));
            assert!(
                y.iter()
                    .zip(&reference)
                    .all(|(a, b)| a.to_bits() == b.to_bits())
            );
        }
    }
}
