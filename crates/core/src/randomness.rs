//! Randomness as an argument: the one trait through which kernels decide.

use ergodic_math::rng;

/// Every random decision that a kernel can take.
///
/// Each `rand` generator is a `Randomness` (the blanket implementation below, monomorphised, at
/// no cost); so is the enumerator of `ergodic-conformance`, which follows *every* outcome of a
/// discrete decision with its probability, and its quadrature, which replaces continuous draws by
/// nodes and weights. For that to work a kernel has to say what it means:
///
/// * accept or reject with [`bernoulli`](Self::bernoulli), never `uniform() < p`;
/// * choose among `n` with [`index`](Self::index) or [`categorical`](Self::categorical), never
///   `(uniform() * n)`;
/// * many independent units at once with the bulk forms, whose default bodies call the single
///   form once per element, in order.
///
/// Generic code takes `rng: &mut R` with `R: Randomness + ?Sized`, so that `&mut dyn Randomness`
/// works too.
///
/// Arguments are the kernel's responsibility: `0 ≤ p ≤ 1`, `n ≥ 1`, weights finite, not negative
/// and not all zero. An argument out of its domain gives an arbitrary decision in release builds
/// and a panic in debug builds.
///
/// ```
/// use ergodic_core::Randomness;
///
/// fn two_dice<R: Randomness + ?Sized>(rng: &mut R) -> usize {
///     2 + rng.index(6) + rng.index(6)
/// }
/// let mut rng = ergodic_math::rng::stream(42, 0);
/// assert!((2..=12).contains(&two_dice(&mut rng)));
/// ```
pub trait Randomness {
    /// `true` with probability `p`, resolved to 2⁻⁶⁴; `p = 0` and `p = 1` are certain.
    fn bernoulli(&mut self, p: f64) -> bool;

    /// Uniform on `0..n`, without bias beyond 2⁻⁶⁴·n.
    fn index(&mut self, n: usize) -> usize;

    /// `i` with probability `weights[i] / Σ weights`.
    fn categorical(&mut self, weights: &[f64]) -> usize;

    /// Uniform on `[0, 1)`, a multiple of 2⁻⁵³.
    fn uniform(&mut self) -> f64;

    /// Standard normal.
    fn normal(&mut self) -> f64;

    /// Standard exponential, mean 1.
    fn exponential(&mut self) -> f64;

    /// Fills `out` with [`uniform`](Self::uniform) draws.
    fn fill_uniform(&mut self, out: &mut [f64]) {
        out.fill_with(|| self.uniform());
    }

    /// Fills `out` with uniform draws on `[0, 1)` in `f32`, multiples of 2⁻²⁴.
    fn fill_uniform_f32(&mut self, out: &mut [f32]) {
        const STEPS: f64 = (1u32 << 24) as f64;
        // Cut to the multiple below: rounding to nearest would reach 1.
        out.fill_with(|| ((self.uniform() * STEPS) as u32) as f32 / STEPS as f32);
    }

    /// Fills `out` with [`normal`](Self::normal) draws.
    fn fill_normal(&mut self, out: &mut [f64]) {
        out.fill_with(|| self.normal());
    }

    /// Fills `out` with standard normal draws in `f32`.
    fn fill_normal_f32(&mut self, out: &mut [f32]) {
        out.fill_with(|| self.normal() as f32);
    }

    /// `out[i] = 1` with probability `p[i]`, else 0, independently. Lengths agree.
    fn bernoulli_mask(&mut self, p: &[f64], out: &mut [u8]) {
        for (o, &p) in out.iter_mut().zip(p) {
            *o = u8::from(self.bernoulli(p));
        }
    }

    /// [`bernoulli_mask`](Self::bernoulli_mask) for `f32` probabilities, resolved to 2⁻³² in
    /// production.
    fn bernoulli_mask_f32(&mut self, p: &[f32], out: &mut [u8]) {
        for (o, &p) in out.iter_mut().zip(p) {
            *o = u8::from(self.bernoulli(f64::from(p)));
        }
    }
}

/// Production randomness: bulk forms draw whole buffers and compare them with SIMD.
impl<R: rand::Rng + ?Sized> Randomness for R {
    #[inline]
    fn bernoulli(&mut self, p: f64) -> bool {
        rng::bernoulli(self, p)
    }
    #[inline]
    fn index(&mut self, n: usize) -> usize {
        rng::index(self, n)
    }
    #[inline]
    fn categorical(&mut self, weights: &[f64]) -> usize {
        rng::categorical(self, weights)
    }
    #[inline]
    fn uniform(&mut self) -> f64 {
        rng::uniform(self)
    }
    #[inline]
    fn normal(&mut self) -> f64 {
        rng::normal(self)
    }
    #[inline]
    fn exponential(&mut self) -> f64 {
        rng::exponential(self)
    }
    fn fill_uniform(&mut self, out: &mut [f64]) {
        rng::fill_uniform(self, out);
    }
    fn fill_uniform_f32(&mut self, out: &mut [f32]) {
        rng::fill_uniform_f32(self, out);
    }
    fn fill_normal(&mut self, out: &mut [f64]) {
        rng::fill_normal(self, out);
    }
    fn fill_normal_f32(&mut self, out: &mut [f32]) {
        rng::fill_normal_f32(self, out);
    }
    fn bernoulli_mask(&mut self, p: &[f64], out: &mut [u8]) {
        rng::bernoulli_mask(self, p, out);
    }
    fn bernoulli_mask_f32(&mut self, p: &[f32], out: &mut [u8]) {
        rng::bernoulli_mask_f32(self, p, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers every uniform draw with one value.
    struct Fixed(f64);
    impl Randomness for Fixed {
        fn bernoulli(&mut self, p: f64) -> bool {
            self.0 < p
        }
        fn index(&mut self, _: usize) -> usize {
            0
        }
        fn categorical(&mut self, _: &[f64]) -> usize {
            0
        }
        fn uniform(&mut self) -> f64 {
            self.0
        }
        fn normal(&mut self) -> f64 {
            0.0
        }
        fn exponential(&mut self) -> f64 {
            1.0
        }
    }

    #[test]
    fn uniform_draws_in_f32_stay_below_one_on_their_lattice() {
        let ulp = 1.0 / f64::from(1u32 << 24);
        for (u, expected) in [
            (0.0, 0.0),
            (0.9 * ulp, 0.0),
            (0.5 + 1.5 * ulp, 0.5 + ulp),
            (1.0 - f64::EPSILON / 2.0, 1.0 - ulp),
        ] {
            let mut out = [2.0f32; 2];
            Fixed(u).fill_uniform_f32(&mut out);
            assert_eq!(out.map(f64::from), [expected; 2]);
        }
    }
}
