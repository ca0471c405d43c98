//! Random streams and bulk draws.
//!
//! One ChaCha8 stream per (seed, stream): chains, replicas and blocks each take their own, so
//! that results do not depend on how they are spread over threads.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::simd::{Vectorize, vectorize};

/// The generator of stream `stream` under `seed`.
///
/// The seed is expanded to a ChaCha key by `SeedableRng::seed_from_u64`; streams of one key are
/// independent by construction of the cipher (each has a period of 2⁷³ bytes).
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
/// Domain `0 ≤ p ≤ 1`, checked in debug builds.
#[inline]
pub fn bernoulli<R: Rng + ?Sized>(rng: &mut R, p: f64) -> bool {
    debug_assert!((0.0..=1.0).contains(&p), "bernoulli probability is {p}");
    // p·2⁶⁴ saturates at 2⁶⁴ − 1, which `u < t` cannot always pass: p = 1 is decided apart.
    let threshold = (p * 18_446_744_073_709_551_616.0) as u64;
    rng.next_u64() < threshold || p >= 1.0
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

const CHUNK: usize = 1024;

/// Fills `out` with uniform draws on `[0, 1)`, multiples of 2⁻⁵³.
pub fn fill_uniform<R: Rng + ?Sized>(rng: &mut R, out: &mut [f64]) {
    let mut words = [0u64; CHUNK / 2];
    for chunk in out.chunks_mut(words.len()) {
        let words = &mut words[..chunk.len()];
        fill_u64(rng, words);
        vectorize(UniformF64(words, chunk));
    }
}

/// Fills `out` with uniform draws on `[0, 1)`, multiples of 2⁻²⁴.
pub fn fill_uniform_f32<R: Rng + ?Sized>(rng: &mut R, out: &mut [f32]) {
    let mut words = [0u32; CHUNK];
    for chunk in out.chunks_mut(words.len()) {
        let words = &mut words[..chunk.len()];
        fill_u32(rng, words);
        vectorize(UniformF32(words, chunk));
    }
}

/// Fills `out` with standard normal draws (ziggurat of `rand_distr`).
pub fn fill_normal<R: Rng + ?Sized>(rng: &mut R, out: &mut [f64]) {
    out.fill_with(|| StandardNormal.sample(rng));
}

/// Fills `out` with standard normal draws in `f32` (ziggurat of `rand_distr`, rounded).
pub fn fill_normal_f32<R: Rng + ?Sized>(rng: &mut R, out: &mut [f32]) {
    out.fill_with(|| StandardNormal.sample(rng));
}

/// `out[i] = 1` with probability `p[i]`, else 0, resolved to 2⁻³² (one 32-bit word each); a
/// probability of 1 is certain.
///
/// Domain `0 ≤ p ≤ 1`; the lengths agree.
pub fn bernoulli_mask_f32<R: Rng + ?Sized>(rng: &mut R, p: &[f32], out: &mut [u8]) {
    let mut words = [0u32; CHUNK];
    for (p, out) in p.chunks(CHUNK).zip(out.chunks_mut(CHUNK)) {
        let words = &mut words[..p.len()];
        fill_u32(rng, words);
        vectorize(MaskF32(words, p, out));
    }
}

/// [`bernoulli_mask_f32`] for `f64` probabilities, with 53-bit uniforms.
pub fn bernoulli_mask<R: Rng + ?Sized>(rng: &mut R, p: &[f64], out: &mut [u8]) {
    let mut words = [0u64; CHUNK / 2];
    for (p, out) in p.chunks(CHUNK / 2).zip(out.chunks_mut(CHUNK / 2)) {
        let words = &mut words[..p.len()];
        fill_u64(rng, words);
        vectorize(MaskF64(words, p, out));
    }
}

/// Fills with words in little-endian order of the byte stream, so that bits agree across CPUs.
pub fn fill_u32<R: Rng + ?Sized>(rng: &mut R, words: &mut [u32]) {
    let mut bytes = [0u8; 4 * CHUNK];
    for words in words.chunks_mut(CHUNK) {
        let bytes = &mut bytes[..4 * words.len()];
        rng.fill_bytes(bytes);
        for (w, b) in words.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *w = u32::from_le_bytes(*b);
        }
    }
}

/// Fills with words in little-endian order of the byte stream.
pub fn fill_u64<R: Rng + ?Sized>(rng: &mut R, words: &mut [u64]) {
    let mut bytes = [0u8; 4 * CHUNK];
    for words in words.chunks_mut(CHUNK / 2) {
        let bytes = &mut bytes[..8 * words.len()];
        rng.fill_bytes(bytes);
        for (w, b) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *w = u64::from_le_bytes(*b);
        }
    }
}

struct UniformF64<'a>(&'a [u64], &'a mut [f64]);
impl Vectorize for UniformF64<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (o, &w) in self.1.iter_mut().zip(self.0) {
            *o = (w >> 11) as f64 * (1.0 / (1u64 << 53) as f64);
        }
    }
}

struct UniformF32<'a>(&'a [u32], &'a mut [f32]);
impl Vectorize for UniformF32<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (o, &w) in self.1.iter_mut().zip(self.0) {
            *o = (w >> 8) as f32 * (1.0 / (1u32 << 24) as f32);
        }
    }
}

struct MaskF32<'a>(&'a [u32], &'a [f32], &'a mut [u8]);
impl Vectorize for MaskF32<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for ((o, &w), &p) in self.2.iter_mut().zip(self.0).zip(self.1) {
            let threshold = (p * 4_294_967_296.0) as u32;
            *o = u8::from(w < threshold) | u8::from(p >= 1.0);
        }
    }
}

struct MaskF64<'a>(&'a [u64], &'a [f64], &'a mut [u8]);
impl Vectorize for MaskF64<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for ((o, &w), &p) in self.2.iter_mut().zip(self.0).zip(self.1) {
            *o = u8::from(((w >> 11) as f64) < p * (1u64 << 53) as f64);
        }
    }
}
