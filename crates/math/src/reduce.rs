//! Sums and folds whose bits do not depend on the number of threads.
//!
//! Every reduction cuts its input into chunks of a fixed size, reduces each chunk alone, and
//! combines the partial results in order of their index on one thread. What rayon schedules where
//! has no part in the result. (`par_iter().sum()` on floats has no such promise.)
//!
//! Floating-point sums are compensated: [`sum`] is as if computed in twice the working precision
//! (Sum2 of Ogita, Rump and Oishi, *SIAM J. Sci. Comput.* 26, 2005), in eight interleaved lanes
//! that vectorise.

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;

use rayon::prelude::*;

use crate::Real;
use crate::simd::{Vectorize, vectorize};

/// Elements per chunk of the sums. A part of the results' bits: changing it changes them.
const CHUNK: usize = 8192;
/// Independent partial sums within a chunk.
const LANES: usize = 8;

/// Two slices of different lengths where equal ones are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthMismatch {
    /// The length of the first slice.
    pub left: usize,
    /// The length of the second slice.
    pub right: usize,
}

impl fmt::Display for LengthMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { left, right } = self;
        write!(
            f,
            "slices of lengths {left} and {right}, but they must agree"
        )
    }
}

impl std::error::Error for LengthMismatch {}

/// `s = fl(a + b)` and the exact `a + b − s`, barring overflow (Knuth, *TAOCP* vol. 2, §4.2.2).
///
/// ```
/// assert_eq!(ergodic_math::reduce::two_sum(1e16, 1.0), (1e16, 1.0));
/// ```
#[inline(always)]
pub fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let b_part = s - a;
    (s, (a - (s - b_part)) + (b - b_part))
}

/// An unevaluated sum of a head and its compensation.
#[derive(Clone, Copy, Default)]
struct Compensated {
    head: f64,
    tail: f64,
}

impl Compensated {
    #[inline(always)]
    fn add(&mut self, x: f64) {
        let (head, error) = two_sum(self.head, x);
        self.head = head;
        self.tail += error;
    }

    fn merge(&mut self, other: Self) {
        self.add(other.head);
        self.tail += other.tail;
    }

    fn value(self) -> f64 {
        self.head + self.tail
    }
}

/// `Σ f(i)` over `0..len` as a compensated sum, in lanes.
#[inline(always)]
fn lanes(len: usize, f: impl Fn(usize) -> f64) -> Compensated {
    let mut heads = [0.0; LANES];
    let mut tails = [0.0; LANES];
    let whole = len - len % LANES;
    let mut i = 0;
    while i < whole {
        for l in 0..LANES {
            let (head, error) = two_sum(heads[l], f(i + l));
            heads[l] = head;
            tails[l] += error;
        }
        i += LANES;
    }
    let mut total = Compensated::default();
    for l in 0..LANES {
        total.merge(Compensated {
            head: heads[l],
            tail: tails[l],
        });
    }
    for i in whole..len {
        total.add(f(i));
    }
    total
}

struct SumChunk<'a, F>(&'a [F]);
impl<F: Real> Vectorize for SumChunk<'_, F> {
    type Output = Compensated;
    #[inline(always)]
    fn run(self) -> Compensated {
        let x = self.0;
        lanes(x.len(), |i| x[i].to_f64())
    }
}

struct DotChunk<'a, F>(&'a [F], &'a [F]);
impl<F: Real> Vectorize for DotChunk<'_, F> {
    type Output = Compensated;
    #[inline(always)]
    fn run(self) -> Compensated {
        let (x, y) = (self.0, &self.1[..self.0.len()]);
        lanes(x.len(), |i| x[i].to_f64() * y[i].to_f64())
    }
}

fn merge(partials: impl IntoIterator<Item = Compensated>) -> f64 {
    let mut total = Compensated::default();
    for partial in partials {
        total.merge(partial);
    }
    total.value()
}

/// The exponent `e` with `2ᵉ ≤ |x| < 2ᵉ⁺¹`, for finite normal `x`; −1023 below.
fn exponent(x: f64) -> i32 {
    ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023
}

/// `2ᵉ` for `|e| ≤ 1022`.
fn power(e: i32) -> f64 {
    f64::from_bits(((e + 1023) as u64) << 52)
}

/// The largest magnitude, or `None` if an element is not finite.
fn magnitude<F: Real>(x: &[F]) -> Option<f64> {
    x.iter().try_fold(0.0, |m: f64, x| {
        x.is_finite().then(|| m.max(x.to_f64().abs()))
    })
}

/// `x·2ᵉ` for `|e| ≤ 2044`.
fn scale(x: f64, e: i32) -> f64 {
    x * power(e / 2) * power(e - e / 2)
}

/// The sum as `value·2ᵉ`, for inputs whose plain sum left the range of `f64`: half of the largest
/// doubles overflow in intermediate sums although their total is finite.
fn scaled_sum<F: Real>(x: &[F]) -> Option<(f64, i32)> {
    // At least 2¹⁰²³/n; 1022 is the last exponent whose inverse is normal.
    let e = exponent(magnitude(x)?).min(1022);
    let factor = power(-e);
    let mut total = Compensated::default();
    for x in x {
        total.add(x.to_f64() * factor);
    }
    Some((total.value(), e))
}

fn finish_sum<F: Real>(total: f64, x: &[F]) -> f64 {
    if total.is_finite() {
        return total;
    }
    match scaled_sum(x) {
        Some((value, e)) => scale(value, e),
        // An input that is not finite: its plain sum is the answer of IEEE arithmetic.
        None => x.iter().map(|x| x.to_f64()).sum(),
    }
}

/// `Σ xᵢ`, accumulated in `f64`.
///
/// The empty sum is 0. Finite input gives a finite result or, where the sum itself leaves the
/// range of `f64`, the infinity of its sign; infinities and NaN propagate as in IEEE arithmetic.
///
/// Error `≤ u |s| + 2 n²u² Σ|xᵢ|` with `u = 2⁻⁵³`. `O(n)`, about six additions per element.
///
/// ```
/// use ergodic_math::reduce::sum;
///
/// assert_eq!(sum(&[1e16, 1.0, -1e16]), 1.0);
/// ```
pub fn sum<F: Real>(x: &[F]) -> f64 {
    let total = merge(x.chunks(CHUNK).map(|c| vectorize(SumChunk(c))));
    finish_sum(total, x)
}

/// [`sum`] on rayon's current thread pool: the same bits for any number of threads, and the same
/// as [`sum`].
///
/// ```
/// use ergodic_math::reduce::{par_sum, sum};
///
/// let x: Vec<f64> = (1..100_000).map(|i| 1.0 / i as f64).collect();
/// assert_eq!(par_sum(&x), sum(&x));
/// ```
pub fn par_sum<F: Real>(x: &[F]) -> f64 {
    let partials: Vec<Compensated> = x
        .par_chunks(CHUNK)
        .map(|c| vectorize(SumChunk(c)))
        .collect();
    finish_sum(merge(partials), x)
}

/// `Σ xᵢ / n`, or `None` of nothing; finite for finite input. Error as [`sum`], plus one rounding.
///
/// ```
/// use ergodic_math::reduce::mean;
///
/// assert_eq!(mean(&[f64::MAX, f64::MAX]), Some(f64::MAX));
/// assert_eq!(mean::<f64>(&[]), None);
/// ```
pub fn mean<F: Real>(x: &[F]) -> Option<f64> {
    if x.is_empty() {
        return None;
    }
    let total = merge(x.chunks(CHUNK).map(|c| vectorize(SumChunk(c))));
    let n = x.len() as f64;
    if total.is_finite() {
        return Some(total / n);
    }
    Some(match scaled_sum(x) {
        Some((value, e)) => scale(value / n, e),
        None => finish_sum(total, x) / n,
    })
}

/// `Σ xᵢ yᵢ`, products rounded to `f64` (exact for `f32`) and their sum compensated.
///
/// Conventions as [`sum`]. Error `≤ u |s| + (u + 2 n²u²) Σ|xᵢyᵢ|` (without the first-order term of
/// the products for `f32`), barring underflow. `O(n)`.
///
/// # Errors
/// [`LengthMismatch`].
///
/// ```
/// use ergodic_math::reduce::dot;
///
/// assert_eq!(dot(&[1.0, 2.0], &[3.0, 4.0])?, 11.0);
/// # Ok::<(), ergodic_math::reduce::LengthMismatch>(())
/// ```
pub fn dot<F: Real>(x: &[F], y: &[F]) -> Result<f64, LengthMismatch> {
    same_length(x, y)?;
    let total = merge(
        x.chunks(CHUNK)
            .zip(y.chunks(CHUNK))
            .map(|(x, y)| vectorize(DotChunk(x, y))),
    );
    Ok(finish_dot(total, x, y))
}

/// [`dot`] on rayon's current thread pool: the same bits for any number of threads, and the same
/// as [`dot`].
///
/// # Errors
/// [`LengthMismatch`].
pub fn par_dot<F: Real>(x: &[F], y: &[F]) -> Result<f64, LengthMismatch> {
    same_length(x, y)?;
    let partials: Vec<Compensated> = x
        .par_chunks(CHUNK)
        .zip(y.par_chunks(CHUNK))
        .map(|(x, y)| vectorize(DotChunk(x, y)))
        .collect();
    Ok(finish_dot(merge(partials), x, y))
}

fn same_length<F>(x: &[F], y: &[F]) -> Result<(), LengthMismatch> {
    if x.len() == y.len() {
        Ok(())
    } else {
        Err(LengthMismatch {
            left: x.len(),
            right: y.len(),
        })
    }
}

fn finish_dot<F: Real>(total: f64, x: &[F], y: &[F]) -> f64 {
    if total.is_finite() {
        return total;
    }
    let (Some(mx), Some(my)) = (magnitude(x), magnitude(y)) else {
        return x.iter().zip(y).map(|(x, y)| x.to_f64() * y.to_f64()).sum();
    };
    // Overflow: both factors to magnitudes below 2, so that products and sums stay in range.
    let (ex, ey) = (exponent(mx).min(1022), exponent(my).min(1022));
    let (fx, fy) = (power(-ex), power(-ey));
    let mut total = Compensated::default();
    for (x, y) in x.iter().zip(y) {
        total.add((x.to_f64() * fx) * (y.to_f64() * fy));
    }
    scale(total.value(), ex + ey)
}

/// Folds chunks of `items` in parallel: `map` reduces the chunk that starts at the given index,
/// and the partial results are combined from the left in order of their index. `None` of nothing.
///
/// The result depends on `chunk`, which must therefore be a constant of the computation, and
/// never on the number of threads. `map` runs on rayon's current pool, `combine` on the calling
/// thread; `items.len()/chunk` partial results are held at once.
///
/// ```
/// use std::num::NonZeroUsize;
/// use ergodic_math::reduce::par_fold;
///
/// let x = [3.0, 1.0, 4.0, 1.0, 5.0];
/// let largest = par_fold(
///     &x,
///     NonZeroUsize::new(2).unwrap(),
///     |_, chunk| chunk.iter().copied().fold(f64::NEG_INFINITY, f64::max),
///     f64::max,
/// );
/// assert_eq!(largest, Some(5.0));
/// ```
pub fn par_fold<T, A, M, C>(items: &[T], chunk: NonZeroUsize, map: M, combine: C) -> Option<A>
where
    T: Sync,
    A: Send,
    M: Fn(usize, &[T]) -> A + Sync,
    C: FnMut(A, A) -> A,
{
    par_fold_range(
        items.len() as u64,
        chunk,
        |r| map(r.start as usize, &items[r.start as usize..r.end as usize]),
        combine,
    )
}

/// [`par_fold`] over the numbers `0..n`: `map` reduces one range of at most `chunk` of them.
///
/// ```
/// use std::num::NonZeroUsize;
/// use ergodic_math::reduce::par_fold_range;
///
/// let n = par_fold_range(10, NonZeroUsize::new(3).unwrap(), |r| r.sum::<u64>(), |a, b| a + b);
/// assert_eq!(n, Some(45));
/// ```
pub fn par_fold_range<A, M, C>(n: u64, chunk: NonZeroUsize, map: M, combine: C) -> Option<A>
where
    A: Send,
    M: Fn(Range<u64>) -> A + Sync,
    C: FnMut(A, A) -> A,
{
    let chunk = chunk.get() as u64;
    let partials: Vec<A> = (0..n.div_ceil(chunk) as usize)
        .into_par_iter()
        .map(|i| {
            let start = i as u64 * chunk;
            map(start..n.min(start.saturating_add(chunk)))
        })
        .collect();
    partials.into_iter().reduce(combine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng;

    /// Numbers over 40 binades with heavy cancellation.
    fn wild(n: usize) -> Vec<f64> {
        let mut rng = rng::stream(11, 0);
        (0..n)
            .map(|i| {
                let x = (2.0 * rng::uniform(&mut rng) - 1.0)
                    * 2f64.powi(rng::index(&mut rng, 40) as i32 - 20);
                if i % 2 == 0 { x } else { -x }
            })
            .collect()
    }

    fn on_threads<T: Send>(threads: usize, f: impl FnOnce() -> T + Send) -> T {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
            .install(f)
    }

    /// The exact sum in units of 2⁻¹⁰⁰, of multiples of it below 2²⁵.
    fn exact(x: &[f64]) -> i128 {
        x.iter()
            .map(|&x| {
                let (bits, e) = (x.to_bits(), exponent(x));
                let mantissa = i128::from(bits & ((1 << 52) - 1)) | (1 << 52);
                let shift = e - 52 + 100;
                assert!((0..=72).contains(&shift), "{x}");
                (if x < 0.0 { -mantissa } else { mantissa }) << shift
            })
            .sum()
    }

    #[test]
    fn parallel_sums_have_the_same_bits_for_any_number_of_threads() {
        let x = wild(100_003);
        let y: Vec<f64> = wild(100_004)[1..].to_vec();
        for threads in [1, 2, 5] {
            let (s, d) = on_threads(threads, || (par_sum(&x), par_dot(&x, &y).unwrap()));
            assert_eq!(s.to_bits(), sum(&x).to_bits());
            assert_eq!(d.to_bits(), dot(&x, &y).unwrap().to_bits());
        }
    }

    #[test]
    fn folds_combine_in_order_for_any_number_of_threads() {
        let x = wild(10_001);
        let chunk = NonZeroUsize::new(100).unwrap();
        let reference = x
            .chunks(100)
            .map(|c| c.iter().sum::<f64>())
            .reduce(|a, b| a + b);
        for threads in [1, 2, 5] {
            let folded = on_threads(threads, || {
                par_fold(&x, chunk, |_, c| c.iter().sum::<f64>(), |a, b| a + b)
            });
            assert_eq!(folded.map(f64::to_bits), reference.map(f64::to_bits));
            let order = on_threads(threads, || {
                par_fold(
                    &x,
                    chunk,
                    |i, _| vec![i],
                    |mut a, b| {
                        a.extend(b);
                        a
                    },
                )
            });
            assert_eq!(order, Some((0..10_001).step_by(100).collect()));
        }
        assert_eq!(par_fold(&[0; 0], chunk, |_, _| 1, |a, _| a), None);
    }

    #[test]
    fn sums_keep_their_error_bound() {
        // 2⁻²⁰ times uniforms of 53 bits stays a multiple of 2⁻¹⁰⁰.
        let u = 0.5 * f64::EPSILON;
        for n in [1, 7, 8, 9, 1000, 8191, 8192, 8193, 50_000] {
            let x: Vec<f64> = wild(n)
                .into_iter()
                .map(|x| if x.abs() < 2f64.powi(-40) { 1.0 } else { x })
                .collect();
            let truth = exact(&x);
            let found = exact(&[sum(&x)]);
            let magnitude: f64 = x.iter().map(|x| x.abs()).sum();
            let n = n as f64;
            let s = (truth as f64).abs() * 2f64.powi(-100);
            let bound = u * s + 2.0 * n * n * u * u * magnitude;
            let error = ((found - truth) as f64).abs() * 2f64.powi(-100);
            assert!(error <= bound, "n = {n}: error {error:e}, bound {bound:e}");
        }
    }

    #[test]
    fn dot_of_f32_is_exact_up_to_one_rounding() {
        let x: Vec<f32> = wild(3000).iter().map(|&x| x as f32).collect();
        let products: Vec<f64> = x
            .iter()
            .rev()
            .zip(&x)
            .map(|(a, b)| *a as f64 * *b as f64)
            .collect();
        let reversed: Vec<f32> = x.iter().rev().copied().collect();
        assert_eq!(dot(&reversed, &x).unwrap(), sum(&products));
        assert_eq!(
            dot(&x, &x[1..]),
            Err(LengthMismatch {
                left: 3000,
                right: 2999
            })
        );
        assert_eq!(dot::<f64>(&[], &[]), Ok(0.0));
    }

    #[test]
    fn finite_input_never_gives_nan() {
        let m = f64::MAX;
        // Eight lanes: some overflow upwards, some downwards.
        let x: Vec<f64> = (0..64).map(|i| if i % 2 == 0 { m } else { -m }).collect();
        assert_eq!(sum(&x), 0.0);
        assert_eq!(mean(&x), Some(0.0));
        assert_eq!(sum(&[m, m]), f64::INFINITY);
        assert_eq!(sum(&[m, m, -m]), m);
        assert_eq!(mean(&[m, m, -m, -m, m, m, m, m]), Some(m / 2.0));
        assert_eq!(dot(&[m, m], &[m, -m]), Ok(0.0));
        assert_eq!(dot(&[m, 1.0], &[m, 1.0]), Ok(f64::INFINITY));
        assert_eq!(dot(&[m, m, m], &[2.0, -2.0, 0.5]), Ok(m / 2.0));
        assert_eq!(sum(&[f64::INFINITY, 1.0]), f64::INFINITY);
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert!(sum(&[f64::NAN, 1.0]).is_nan());
        assert_eq!(sum(&[5e-324; 16]), 8e-323);
        assert_eq!(sum::<f64>(&[]), 0.0);
    }
}
