//! Logs of sums of exponentials: over slices with SIMD, and one term at a time.

use crate::elementary::double;
use crate::simd::{Vectorize, vectorize};
use crate::{DomainError, Real};

/// Independent sums, enough to fill the widest registers; fixed, so that the order of additions
/// is the same at every SIMD level.
const LANES: usize = 16;
/// Terms summed per lane before the lane is added to its total (rounding grows with the sum of
/// the two lengths, not with their product).
const BLOCK: usize = 256;

/// `log Σᵢ exp xᵢ`.
///
/// In `f64` throughout, whatever the type of `x`. With `m = max xᵢ` at one index `j`, the value is
/// `m + log1p(Σ_{i≠j} exp(xᵢ − m))`, so that terms far below the largest count even where they
/// vanish beside 1. The empty sum and a sum of zeros (all `−∞`) give `−∞`, a `+∞` gives `+∞`, NaN
/// gives NaN.
///
/// Error: for up to 10⁶ terms at most 2 ulp of `max(|m|, |result|, 1)`; two terms as
/// [`log_add_exp`](super::log_add_exp). `O(n)`, about 1.5 ns a term with AVX-512; one order of
/// additions whatever the SIMD level.
///
/// ```
/// use ergodic_math::special::log_sum_exp;
/// assert_eq!(log_sum_exp(&[-1000.0f64, -1000.0]), -1000.0 + std::f64::consts::LN_2);
/// assert_eq!(log_sum_exp::<f64>(&[]), f64::NEG_INFINITY);
/// ```
pub fn log_sum_exp<T: Real>(x: &[T]) -> f64 {
    match scaled_sum(x) {
        Ok((max, rest)) => max + libm::log1p(rest),
        Err(limit) => limit,
    }
}

/// `log (1/n) Σᵢ exp xᵢ`, the log of a mean of weights: [`log_sum_exp`] less `log n`.
///
/// Exactly `x` when all terms are `x`. The empty mean is `−∞`; the other edges and the error are
/// those of [`log_sum_exp`].
pub fn log_mean_exp<T: Real>(x: &[T]) -> f64 {
    match scaled_sum(x) {
        Ok((max, rest)) => max + libm::log((1.0 + rest) / x.len() as f64),
        Err(limit) => limit,
    }
}

/// `log Σᵢ wᵢ exp xᵢ` for weights `wᵢ ≥ 0`.
///
/// A weight of 0 removes its term, whatever `xᵢ` is. Edges as in [`log_sum_exp`]; error ≤ 3 ulp of
/// `max(|m|, |log Σ wᵢ exp(xᵢ − m)|, 1)`, `m` the largest `xᵢ` of positive weight; 3·10⁻¹³ more
/// where the sum is below `10⁻²⁵⁰ exp(m)·max wᵢ` (the largest `xᵢ` has a minute weight).
///
/// ```
/// use ergodic_math::special::log_weighted_sum_exp;
/// let mean = log_weighted_sum_exp(&[0.0, 3f64.ln()], &[0.5, 0.5])?;
/// assert!((mean - 2f64.ln()).abs() < 1e-15);
/// # Ok::<(), ergodic_math::DomainError>(())
/// ```
///
/// # Errors
/// Unequal lengths; a weight below 0, infinite or NaN.
pub fn log_weighted_sum_exp<T: Real>(x: &[T], weights: &[f64]) -> Result<f64, DomainError> {
    DomainError::check(
        x.len() == weights.len(),
        "the length of weights",
        weights.len() as f64,
        "the length of x",
    )?;
    if let Some(&w) = weights.iter().find(|w| !(**w >= 0.0 && w.is_finite())) {
        return Err(DomainError {
            argument: "a weight",
            found: w,
            allowed: "finite and at least 0",
        });
    }
    let terms = || x.iter().zip(weights).filter(|(_, w)| **w > 0.0);
    if terms().any(|(x, _)| x.to_f64().is_nan()) {
        return Ok(f64::NAN);
    }
    let max = terms().fold(f64::NEG_INFINITY, |m, (x, _)| m.max(x.to_f64()));
    if max.is_infinite() {
        return Ok(max);
    }
    // Weights spread over all exponents: their largest is taken out as well.
    let largest = terms().fold(0.0, |m: f64, (_, w)| m.max(*w));
    let sum = vectorize(WeightedSum {
        x,
        weights,
        max,
        largest,
    });
    if sum < FAR {
        return Ok(weighted_far(x, weights));
    }
    Ok(max + (libm::log(largest) + libm::log(sum)))
}

/// Below this sum relative to `exp(max xᵢ)·max wᵢ`, terms that count may have underflowed; above it
/// those that did are together below `n·10⁻⁵⁷` of the sum.
const FAR: f64 = 1e-250;

/// `log Σ wᵢ exp xᵢ` relative to its largest term `exp c`: no term that counts is out of range.
fn weighted_far<T: Real>(x: &[T], weights: &[f64]) -> f64 {
    let terms = || {
        let pairs = x.iter().zip(weights).filter(|(_, w)| **w > 0.0);
        pairs.map(|(x, w)| (x.to_f64(), *w))
    };
    let c = terms().fold(f64::NEG_INFINITY, |c, (x, w)| c.max(x + libm::log(w)));
    // exp(x − c) alone may leave the range that its product with w keeps to: two halves.
    let sum = terms().fold(0.0, |sum, (x, w)| {
        let half = libm::exp(0.5 * (x - c));
        sum + w * half * half
    });
    c + libm::log(sum)
}

/// `(m, Σ exp(xᵢ − m) − 1)`, or the result where `m` is not finite.
fn scaled_sum<T: Real>(x: &[T]) -> Result<(f64, f64), f64> {
    let max = vectorize(Max(x)).to_f64();
    if max.is_infinite() {
        // The maximum passes over NaN, which is therefore looked for here.
        let nan = x.iter().any(|x| x.to_f64().is_nan());
        return Err(if nan { f64::NAN } else { max });
    }
    let rest = vectorize(ScaledSum { x, max });
    if rest.is_nan() {
        return Err(f64::NAN);
    }
    Ok((max, rest))
}

#[inline(always)]
fn sum_lanes(lanes: &[f64; LANES]) -> f64 {
    let mut lanes = *lanes;
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

struct Max<'a, T>(&'a [T]);
impl<T: Real> Vectorize for Max<'_, T> {
    type Output = T;
    #[inline(always)]
    fn run(self) -> T {
        let mut lanes = [T::from_f64(f64::NEG_INFINITY); LANES];
        let (chunks, tail) = self.0.as_chunks::<LANES>();
        for chunk in chunks {
            for (m, &x) in lanes.iter_mut().zip(chunk) {
                *m = x.max(*m);
            }
        }
        for (m, &x) in lanes.iter_mut().zip(tail) {
            *m = x.max(*m);
        }
        let mut max = lanes[0];
        for &x in &lanes[1..] {
            max = x.max(max);
        }
        max
    }
}

struct ScaledSum<'a, T> {
    x: &'a [T],
    max: f64,
}
impl<T: Real> ScaledSum<'_, T> {
    /// Adds `exp(x − m)`; terms that equal `m` are counted, so that one of them can be left out
    /// of the sum exactly.
    #[inline(always)]
    fn add(&self, chunk: &[T; LANES], sums: &mut [f64; LANES], equal: &mut [f64; LANES]) {
        for i in 0..LANES {
            let x = chunk[i].to_f64();
            let e = double::exp(x - self.max);
            sums[i] += if x == self.max { 0.0 } else { e };
            equal[i] += if x == self.max { 1.0 } else { 0.0 };
        }
    }
}
impl<T: Real> Vectorize for ScaledSum<'_, T> {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        let mut totals = [0.0; LANES];
        let mut equal = [0.0; LANES];
        let (chunks, tail) = self.x.as_chunks::<LANES>();
        for block in chunks.chunks(BLOCK) {
            let mut sums = [0.0; LANES];
            for chunk in block {
                self.add(chunk, &mut sums, &mut equal);
            }
            for (t, s) in totals.iter_mut().zip(sums) {
                *t += s;
            }
        }
        if !tail.is_empty() {
            let mut chunk = [T::from_f64(f64::NEG_INFINITY); LANES];
            chunk[..tail.len()].copy_from_slice(tail);
            self.add(&chunk, &mut totals, &mut equal);
        }
        sum_lanes(&totals) + (sum_lanes(&equal) - 1.0)
    }
}

struct WeightedSum<'a, T> {
    x: &'a [T],
    weights: &'a [f64],
    max: f64,
    largest: f64,
}
impl<T: Real> Vectorize for WeightedSum<'_, T> {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        let mut totals = [0.0; LANES];
        for (x, w) in self
            .x
            .chunks(LANES * BLOCK)
            .zip(self.weights.chunks(LANES * BLOCK))
        {
            let mut sums = [0.0; LANES];
            for (x, w) in x.chunks(LANES).zip(w.chunks(LANES)) {
                for ((s, x), &w) in sums.iter_mut().zip(x).zip(w) {
                    let term = w / self.largest * double::exp(x.to_f64() - self.max);
                    *s += if w > 0.0 { term } else { 0.0 };
                }
            }
            for (t, s) in totals.iter_mut().zip(sums) {
                *t += s;
            }
        }
        sum_lanes(&totals)
    }
}

/// `log Σ exp x` of terms that come one at a time, in constant memory.
///
/// The sum is kept relative to its largest term, so it neither overflows nor underflows. Two sums
/// [`merge`](Self::merge); the value depends on the order of terms by rounding only.
///
/// Error: as an ordinary floating-point sum of the scaled terms, `n·2⁻⁵³` at worst.
///
/// ```
/// use ergodic_math::special::LogSum;
/// let mut sum = LogSum::new();
/// for x in [-1000.0, -1000.0] {
///     sum.push(x);
/// }
/// assert_eq!(sum.value(), -1000.0 + std::f64::consts::LN_2);
/// assert_eq!(sum.mean(), -1000.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogSum {
    max: f64,
    /// `Σ exp(x − max)` without one of the largest terms.
    rest: f64,
    count: u64,
}

impl Default for LogSum {
    fn default() -> Self {
        Self::new()
    }
}

impl LogSum {
    /// The empty sum, log of 0.
    pub fn new() -> Self {
        Self {
            max: f64::NEG_INFINITY,
            rest: 0.0,
            count: 0,
        }
    }

    /// Adds `exp x`.
    pub fn push(&mut self, x: f64) {
        self.merge(&Self {
            max: x,
            rest: 0.0,
            count: 1,
        });
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        let (high, low) = if self.max >= other.max || self.max.is_nan() {
            (*self, *other)
        } else {
            (*other, *self)
        };
        self.count = high.count + low.count;
        self.max = high.max;
        self.rest = high.rest;
        if low.max.is_nan() {
            self.max = f64::NAN;
        } else if high.max.is_finite() {
            self.rest += (1.0 + low.rest) * libm::exp(low.max - high.max);
        }
    }

    /// How many terms have been added.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// `log Σ exp x`; `−∞` for the empty sum.
    pub fn value(&self) -> f64 {
        self.max + libm::log1p(self.rest)
    }

    /// `log (1/n) Σ exp x`; `−∞` for the empty sum.
    pub fn mean(&self) -> f64 {
        if self.max.is_finite() {
            self.max + libm::log((1.0 + self.rest) / self.count as f64)
        } else {
            self.max
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Level, vectorize_at};

    #[test]
    fn every_level_gives_the_same_sum() {
        let x: Vec<f32> = (0..10_007).map(|i| libm::sinf(i as f32) * 30.0).collect();
        let weights: Vec<f64> = x.iter().map(|x| f64::from(*x).abs()).collect();
        let at = |level| {
            let max = vectorize_at(level, Max(&x)).to_f64();
            let sum = vectorize_at(level, ScaledSum { x: &x, max });
            let weighted = vectorize_at(
                level,
                WeightedSum {
                    x: &x,
                    weights: &weights,
                    max,
                    largest: 30.0,
                },
            );
            [max, sum, weighted].map(f64::to_bits)
        };
        assert_eq!(at(Level::Portable), at(Level::Avx2));
        assert_eq!(at(Level::Portable), at(Level::Avx512));
    }
}
