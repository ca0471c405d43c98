//! Random streams and bulk draws.
//!
//! One ChaCha8 stream per (seed, stream): chains, replicas and blocks each take their own, so
//! that results do not depend on how they are spread over threads.
//!
//! The bulk forms ask the generator for whole buffers of bytes and transform them with SIMD. Their
//! bits depend on the generator, the length and the arguments alone: not on the SIMD level, the
//! byte order or the number of threads. They are not the bits of the same number of single draws,
//! and a fill of `m + n` is not a fill of `m` followed by one of `n`.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::elementary::single;
use crate::simd::{Vectorize, vectorize};

mod ziggurat;

pub use ziggurat::{exponential, normal};

/// The generator of stream `stream` under `seed`.
///
/// The seed is expanded to a ChaCha key by `SeedableRng::seed_from_u64`; streams of one key are
/// independent by construction of the cipher (each has a period of 2⁷⁰ bytes).
///
/// ```
/// use rand::Rng;
/// let mut a = ergodic_math::rng::stream(1, 0);
/// let mut b = ergodic_math::rng::stream(1, 1);
/// assert_ne!(a.next_u64(), b.next_u64());
/// ```
pub fn stream(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

/// Uniform on `[0, 1)`: the top 53 bits of one 64-bit word.
#[inline]
pub fn uniform<R: Rng + ?Sized>(rng: &mut R) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// `true` with probability `p`, resolved to 2⁻⁶⁴ (one 64-bit word).
///
/// The probability realised is `p` rounded to a multiple of 2⁻⁶⁴, which is `p` itself from 2⁻¹² on;
/// 0 and 1 are certain. Domain `0 ≤ p ≤ 1`, checked in debug builds.
#[inline]
pub fn bernoulli<R: Rng + ?Sized>(rng: &mut R, p: f64) -> bool {
    debug_assert!((0.0..=1.0).contains(&p), "bernoulli probability is {p}");
    // The threshold 2⁶⁴ of p = 1 wraps to 0: decided apart.
    rng.next_u64() < threshold_64(p) || p >= 1.0
}

/// `p·2⁶⁴` rounded, modulo 2⁶⁴, for `0 ≤ p ≤ 1`: two halves, each rounded to an integer by an
/// addition. All SIMD levels have these instructions; few convert to unsigned integers.
#[inline(always)]
fn threshold_64(p: f64) -> u64 {
    const ROUNDER: f64 = 1.5 * (1u64 << 52) as f64;
    const HALF: f64 = (1u64 << 32) as f64;
    let scaled = p * HALF;
    let high = scaled + ROUNDER;
    let low = (scaled - (high - ROUNDER)) * HALF + ROUNDER; // the difference is exact
    let integer = |x: f64| x.to_bits().wrapping_sub(ROUNDER.to_bits());
    (integer(high) << 32).wrapping_add(integer(low))
}

/// [`threshold_64`] for `f32`: `p·2³²` rounded, modulo 2³².
#[inline(always)]
fn threshold_32(p: f32) -> u32 {
    const ROUNDER: f32 = 1.5 * (1u32 << 23) as f32;
    const HALF: f32 = (1u32 << 16) as f32;
    let scaled = p * HALF;
    let high = scaled + ROUNDER;
    let low = (scaled - (high - ROUNDER)) * HALF + ROUNDER;
    let integer = |x: f32| x.to_bits().wrapping_sub(ROUNDER.to_bits());
    (integer(high) << 16).wrapping_add(integer(low))
}

/// Uniform on `0..n` by the multiply-shift of a 64-bit word with rejection (Lemire, *ACM Trans.
/// Model. Comput. Simul.* 29, 2019): exact.
///
/// Domain `n ≥ 1`, checked in debug builds.
#[inline]
pub fn index<R: Rng + ?Sized>(rng: &mut R, n: usize) -> usize {
    debug_assert!(n > 0, "index over an empty range");
    let n = n as u64;
    let mut m = u128::from(rng.next_u64()) * u128::from(n);
    if (m as u64) < n {
        let threshold = n.wrapping_neg() % n.max(1);
        while (m as u64) < threshold {
            m = u128::from(rng.next_u64()) * u128::from(n);
        }
    }
    (m >> 64) as usize
}

/// `i` with probability `weights[i] / Σ weights`, by inversion with one uniform; `O(n)`.
///
/// Domain: finite, not negative, not all zero; checked in debug builds. Never returns an index of
/// weight zero.
#[inline]
pub fn categorical<R: Rng + ?Sized>(rng: &mut R, weights: &[f64]) -> usize {
    let total: f64 = weights.iter().sum();
    debug_assert!(total > 0.0 && total.is_finite(), "weights sum to {total}");
    let mut u = uniform(rng) * total;
    let mut last = 0;
    for (i, &w) in weights.iter().enumerate() {
        if w > 0.0 {
            if u < w {
                return i;
            }
            u -= w;
            last = i;
        }
    }
    last // rounding left u at the end of the last interval
}

/// Bytes drawn at a time.
const BUFFER: usize = 4096;
/// Elements of a Bernoulli mask drawn at a time.
const MASK: usize = 1024;

/// Fills `out` with uniform draws on `[0, 1)`, multiples of 2⁻⁵³ (8 bytes each).
pub fn fill_uniform<R: Rng + ?Sized>(rng: &mut R, out: &mut [f64]) {
    let mut bytes = [0u8; BUFFER];
    for out in out.chunks_mut(BUFFER / 8) {
        let bytes = &mut bytes[..8 * out.len()];
        rng.fill_bytes(bytes);
        vectorize(UniformF64(bytes, out));
    }
}

/// Fills `out` with uniform draws on `[0, 1)`, multiples of 2⁻²⁴ (4 bytes each).
pub fn fill_uniform_f32<R: Rng + ?Sized>(rng: &mut R, out: &mut [f32]) {
    let mut bytes = [0u8; BUFFER];
    for out in out.chunks_mut(BUFFER / 4) {
        let bytes = &mut bytes[..4 * out.len()];
        rng.fill_bytes(bytes);
        vectorize(UniformF32(bytes, out));
    }
}

/// Fills `out` with standard normal draws, each by [`normal`], one after the other (a vectorised
/// transform is not clearly faster in `f64`).
pub fn fill_normal<R: Rng + ?Sized>(rng: &mut R, out: &mut [f64]) {
    out.fill_with(|| normal(rng));
}

/// Fills `out` with standard normal draws in `f32` (4 bytes each, about 1.5 ns).
///
/// Box and Muller's transform (*Ann. Math. Stat.* 29, 1958), `√(−2 log u)·(cos θ, sin θ)`, on the
/// vectorised functions of [`crate::elementary`]: the exact law up to the rounding of `u` (32
/// bits, relative precision 2⁻²⁴, at least 2⁻³³) and of `θ` (30 bits, rounded to 2⁻²⁵ of a quarter
/// turn). The largest draw is 6.76; the mass beyond is 1.4·10⁻¹¹; radii below 10⁻³ (probability
/// 5·10⁻⁷) are multiples of steps near 3·10⁻⁴. Take [`fill_normal`] where such tails count.
pub fn fill_normal_f32<R: Rng + ?Sized>(rng: &mut R, out: &mut [f32]) {
    // A short fill should not pay for clearing a long buffer.
    if out.len() <= 64 {
        fill_normal_f32_buffered::<R, 256>(rng, out);
    } else {
        fill_normal_f32_buffered::<R, BUFFER>(rng, out);
    }
}

fn fill_normal_f32_buffered<R: Rng + ?Sized, const N: usize>(rng: &mut R, out: &mut [f32]) {
    let mut bytes = [0u8; N];
    for out in out.chunks_mut(N / 4) {
        // An odd length wastes the second draw of its last pair.
        let half = out.len().div_ceil(2);
        let bytes = &mut bytes[..8 * half];
        rng.fill_bytes(bytes);
        let (radii, angles) = bytes.split_at(4 * half);
        let (first, second) = out.split_at_mut(half);
        vectorize(NormalF32(radii, angles, first, second));
    }
}

/// `out[i] = 1` with probability `p[i]`, else 0, independently, resolved to 2⁻³².
///
/// The probability realised is `p` rounded to a multiple of 2⁻³², which is `p` itself from 2⁻⁸ on;
/// 0 and 1 are certain. The comparison of a 32-bit uniform with `p·2³²` draws its bits as they are
/// needed: one byte decides for all but one element in 256, which takes one more word.
///
/// Domain `0 ≤ p ≤ 1`; the lengths agree (both checked in debug builds). About 0.5 ns an element.
pub fn bernoulli_mask_f32<R: Rng + ?Sized>(rng: &mut R, p: &[f32], out: &mut [u8]) {
    debug_assert_eq!(p.len(), out.len(), "one probability per element");
    debug_assert!(
        p.iter().all(|p| (0.0..=1.0).contains(p)),
        "a bernoulli probability outside [0, 1]"
    );
    let mut bytes = [0u8; MASK];
    let mut ties = [0u8; MASK];
    for (p, out) in p.chunks(MASK).zip(out.chunks_mut(MASK)) {
        let bytes = &mut bytes[..p.len()];
        let ties = &mut ties[..p.len().next_multiple_of(8)];
        ties.fill(0);
        rng.fill_bytes(bytes);
        vectorize(MaskF32(bytes, p, out, ties));
        for_each_tie(ties, |i| {
            out[i] = u8::from((rng.next_u32() >> 8) < (threshold_32(p[i]) & 0x00ff_ffff));
        });
    }
}

/// [`bernoulli_mask_f32`] for `f64` probabilities, resolved to 2⁻⁶⁴ as [`bernoulli`].
pub fn bernoulli_mask<R: Rng + ?Sized>(rng: &mut R, p: &[f64], out: &mut [u8]) {
    debug_assert_eq!(p.len(), out.len(), "one probability per element");
    debug_assert!(
        p.iter().all(|p| (0.0..=1.0).contains(p)),
        "a bernoulli probability outside [0, 1]"
    );
    let mut bytes = [0u8; MASK];
    let mut ties = [0u8; MASK];
    for (p, out) in p.chunks(MASK).zip(out.chunks_mut(MASK)) {
        let bytes = &mut bytes[..p.len()];
        let ties = &mut ties[..p.len().next_multiple_of(8)];
        ties.fill(0);
        rng.fill_bytes(bytes);
        vectorize(MaskF64(bytes, p, out, ties));
        for_each_tie(ties, |i| {
            const REST: u64 = (1 << 56) - 1;
            out[i] = u8::from((rng.next_u64() >> 8) < (threshold_64(p[i]) & REST));
        });
    }
}

/// The indices of the ones, in order; the length of `ties` is a multiple of 8.
#[inline]
fn for_each_tie(ties: &[u8], mut f: impl FnMut(usize)) {
    for (block, eight) in ties.as_chunks::<8>().0.iter().enumerate() {
        let mut bits = u64::from_le_bytes(*eight);
        while bits != 0 {
            f(8 * block + bits.trailing_zeros() as usize / 8);
            bits &= bits - 1;
        }
    }
}

/// Fills with words in little-endian order of the byte stream, so that bits agree across CPUs.
pub fn fill_u32<R: Rng + ?Sized>(rng: &mut R, words: &mut [u32]) {
    let mut bytes = [0u8; BUFFER];
    for words in words.chunks_mut(BUFFER / 4) {
        let bytes = &mut bytes[..4 * words.len()];
        rng.fill_bytes(bytes);
        for (w, b) in words.iter_mut().zip(bytes.as_chunks().0) {
            *w = u32::from_le_bytes(*b);
        }
    }
}

/// Fills with words in little-endian order of the byte stream.
pub fn fill_u64<R: Rng + ?Sized>(rng: &mut R, words: &mut [u64]) {
    let mut bytes = [0u8; BUFFER];
    for words in words.chunks_mut(BUFFER / 8) {
        let bytes = &mut bytes[..8 * words.len()];
        rng.fill_bytes(bytes);
        for (w, b) in words.iter_mut().zip(bytes.as_chunks().0) {
            *w = u64::from_le_bytes(*b);
        }
    }
}

struct UniformF64<'a>(&'a [u8], &'a mut [f64]);
impl Vectorize for UniformF64<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (o, w) in self.1.iter_mut().zip(self.0.as_chunks().0) {
            *o = (u64::from_le_bytes(*w) >> 11) as f64 * (1.0 / (1u64 << 53) as f64);
        }
    }
}

struct UniformF32<'a>(&'a [u8], &'a mut [f32]);
impl Vectorize for UniformF32<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (o, w) in self.1.iter_mut().zip(self.0.as_chunks().0) {
            *o = (u32::from_le_bytes(*w) >> 8) as f32 * (1.0 / (1u32 << 24) as f32);
        }
    }
}

/// Pairs of normals, cosines into the third slice and sines into the last (which is as long, or
/// one shorter).
struct NormalF32<'a>(&'a [u8], &'a [u8], &'a mut [f32], &'a mut [f32]);

/// `√(−2 log u)·(cos θ, sin θ)` for two words. The angle is `t` quarter turns, `|t| ≤ ½`, from the
/// low bits of its word; the top two bits exchange sine and cosine and flip the signs, which
/// carries that quarter to all four. The polynomials are minimax for the relative error of `sin`
/// and of `1 − cos` (own Remez iterations; 2⁻²⁸).
#[inline(always)]
fn normal_pair(radius: u32, angle: u32) -> (f32, f32) {
    const STEP: f32 = 1.0 / (1u64 << 32) as f32;
    let u = radius as f32 * STEP + 0.5 * STEP;
    let r = (-2.0 * single::ln(u)).sqrt();
    let t = (angle << 2) as i32 as f32 * STEP;
    let z = t * t;
    let sin = t * (1.570_796_4 + z * (-0.645_963_5 + z * (0.079_680_03 + z * -0.004_601_658)));
    let cos =
        1.0 + z * (-1.233_700_5 + z * (0.253_669_23 + z * (-0.020_860_288 + z * 0.000_904_021_67)));
    let swap = angle >> 31 == 1;
    let r = f32::from_bits(r.to_bits() ^ ((angle << 1) & (1 << 31)));
    (
        r * if swap { sin } else { cos },
        r * if swap { cos } else { sin },
    )
}

impl Vectorize for NormalF32<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let radii = self.0.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b));
        let angles = self.1.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b));
        let words = radii.zip(angles);
        let (first, last) = self.2.split_at_mut(self.3.len());
        let paired = first.len();
        for (((radius, angle), a), b) in words.clone().zip(first).zip(self.3) {
            (*a, *b) = normal_pair(radius, angle);
        }
        for ((radius, angle), a) in words.skip(paired).zip(last) {
            *a = normal_pair(radius, angle).0;
        }
    }
}

/// Decides by the first byte; ones in the last slice mark the elements where that does not do.
struct MaskF32<'a>(&'a [u8], &'a [f32], &'a mut [u8], &'a mut [u8]);
impl Vectorize for MaskF32<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (((&b, &p), o), tie) in self.0.iter().zip(self.1).zip(self.2).zip(self.3) {
            let first = threshold_32(p) >> 24;
            let certain = p >= 1.0;
            *o = u8::from((u32::from(b) < first) | certain);
            *tie = u8::from(u32::from(b) == first && !certain);
        }
    }
}

struct MaskF64<'a>(&'a [u8], &'a [f64], &'a mut [u8], &'a mut [u8]);
impl Vectorize for MaskF64<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (((&b, &p), o), tie) in self.0.iter().zip(self.1).zip(self.2).zip(self.3) {
            let first = threshold_64(p) >> 56;
            let certain = p >= 1.0;
            *o = u8::from((u64::from(b) < first) | certain);
            *tie = u8::from(u64::from(b) == first && !certain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_pair_is_the_transform_of_box_and_muller() {
        let words = [
            0u32,
            1,
            77,
            1 << 20,
            0x3fff_ffff,
            0x8000_0000,
            0xdead_beef,
            u32::MAX - 999,
        ];
        for radius in words {
            for step in 0..4096u32 {
                let angle = (step << 20) | (step * 7919 % (1 << 20));
                let (a, b) = normal_pair(radius, angle);
                // u as rounded to f32: close to 1 that is what limits small radii.
                let u = (radius as f32 + 0.5) / 4_294_967_296.0;
                let r = (-2.0 * libm::log(f64::from(u))).sqrt();
                // Quarter turns of the 30-bit fraction; exchange and signs by the top two bits.
                let t = f64::from((angle << 2) as i32) / 4_294_967_296.0;
                let (sin, cos) = libm::sincos(t * std::f64::consts::FRAC_PI_2);
                let (x, y) = if angle >> 31 == 1 {
                    (sin, cos)
                } else {
                    (cos, sin)
                };
                let r = if angle >> 30 & 1 == 1 { -r } else { r };
                for (found, exact) in [(a, r * x), (b, r * y)] {
                    let error = (f64::from(found) - exact).abs();
                    assert!(
                        error <= 4e-7 * exact.abs(),
                        "{radius} {angle}: {found} {exact}"
                    );
                }
            }
        }
    }
}
