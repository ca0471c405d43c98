//! Convolution of long non-negative sequences by Fourier transforms whose bits are the same on every machine.
//!
//! A planner that picks kernels by the processor, or roots of unity from the platform's own sine, gives other last
//! bits elsewhere. Here there is one order of operations, whatever the width of the vectors, and the roots come
//! from `libm`.

use ergodic_math::simd::{Vectorize, vectorize};

/// The unit roundoff.
const UNIT: f64 = 0.5 * f64::EPSILON;

/// A bound of the error of every term of [`convolution`] at this length, over the product of the Euclidean norms.
///
/// A butterfly is a sum or difference, wrong by `u` of its modulus, and a product with a root of unity, wrong by
/// `√5u` in the product (Brent, Percival and Zimmermann, *Math. Comp.* 76, 2007) and by less than `2.7u` in the
/// root, whose angle of at most `π/4` is itself a rounded multiple of `2π/N`: `6u` for each of the `L = log₂ N` levels,
/// relative to the Euclidean norm of the sequence on the way there, and relative to the sum of the moduli of the
/// spectrum for each term on the way back (Higham, *Accuracy and Stability of Numerical Algorithms*, 2002, §24.1).
/// With both sequences in one transform, of norms within a factor `√2`, the squares of the spectrum are wrong by
/// `(6L + 3)u·N(‖a‖² + ‖b‖²)` in sum, and `‖a‖² + ‖b‖² ≤ (3/√2)‖a‖‖b‖`.
pub(crate) fn transform_error(length: usize) -> f64 {
    let there = 6.0 * f64::from(length.trailing_zeros());
    UNIT * (2.2 * (there + 3.0) + there + 4.0)
}

pub(crate) fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// The convolution of two sequences that are not negative, in transforms of a power of two of at least its length.
///
/// Both go through one transform, one as real and one as imaginary part. Errors may leave terms below 0, which
/// become 0: nearer the truth.
pub(crate) fn convolution(a: &[f64], b: &[f64], length: usize) -> Vec<f64> {
    let (norm_a, norm_b) = (norm(a), norm(b));
    if length < 2 || !(norm_a > 0.0 && norm_b > 0.0) {
        return crate::window::direct(a, b);
    }
    // Of like size, so that neither is lost in the rounding of the other: by a power of two, which is exact.
    let exponent = libm::ilogb(norm_a / norm_b * std::f64::consts::SQRT_2);
    let scale = libm::scalbn(1.0, exponent);
    let roots = Roots::new(length);
    let mut real = vec![0.0; length];
    let mut imaginary = vec![0.0; length];
    real[..a.len()].copy_from_slice(a);
    for (y, b) in imaginary.iter_mut().zip(b) {
        *y = b * scale;
    }
    forward(&mut real, &mut imaginary, &roots.levels);
    // With Z = A + iB: AB = (Z(k)² − conj Z(−k)²)/4i, which is real at k = 0 and k = N/2.
    let unscale = 0.25 / scale / length as f64;
    let product = |z: (f64, f64), w: (f64, f64)| {
        let re = (z.0 * z.1 + w.0 * w.1) * 2.0 * unscale;
        let im = ((w.0 - w.1) * (w.0 + w.1) - (z.0 - z.1) * (z.0 + z.1)) * unscale;
        (re, im)
    };
    for at in 0..2 {
        let z = (real[at], imaginary[at]);
        (real[at], imaginary[at]) = product(z, z);
    }
    // In the order of reversed bits, −k is the mirror image of k among the places with as many bits.
    let mut first = 2;
    while first < length {
        let (mut low, mut high) = (first, 2 * first - 1);
        while low < high {
            let (z, w) = ((real[low], imaginary[low]), (real[high], imaginary[high]));
            (real[low], imaginary[low]) = product(z, w);
            (real[high], imaginary[high]) = product(w, z);
            low += 1;
            high -= 1;
        }
        first *= 2;
    }
    backward(&mut real, &mut imaginary, &roots.levels);
    real.truncate(a.len() + b.len() - 1);
    for x in &mut real {
        *x = x.max(0.0);
    }
    real
}

/// `e^{−2πij/N}` for `j < N/2`, for `N` and every smaller power of two down to 2: cosines and sines.
struct Roots {
    /// The largest `N` first.
    levels: Vec<(Vec<f64>, Vec<f64>)>,
}

impl Roots {
    fn new(length: usize) -> Self {
        let half = length / 2;
        let whole: (Vec<f64>, Vec<f64>) = (0..half).map(|j| root(j, length)).unzip();
        let mut levels = Vec::new();
        let mut stride = 1;
        while stride <= half {
            let every = |x: &[f64]| x.iter().step_by(stride).copied().collect::<Vec<f64>>();
            levels.push((every(&whole.0), every(&whole.1)));
            stride *= 2;
        }
        Self { levels }
    }
}

/// `e^{−2πij/N}` for `j < N/2`, from an angle of at most `π/4`.
fn root(j: usize, length: usize) -> (f64, f64) {
    let angle = |j: usize| 2.0 * std::f64::consts::PI * (j as f64 / length as f64);
    let half = length / 2;
    // j/N in eighths of a turn.
    if 8 * j <= length {
        let (s, c) = libm::sincos(angle(j));
        (c, -s)
    } else if 4 * j <= length {
        let (s, c) = libm::sincos(0.25 * angle(length - 4 * j));
        (s, -c)
    } else if 8 * j < 3 * length {
        let (s, c) = libm::sincos(0.25 * angle(4 * j - length));
        (-s, -c)
    } else {
        let (s, c) = libm::sincos(angle(half - j));
        (-c, -s)
    }
}

/// The transform to the order of reversed bits: halves of sums and of differences, each transformed in turn while it
/// is near.
fn forward(real: &mut [f64], imaginary: &mut [f64], levels: &[(Vec<f64>, Vec<f64>)]) {
    let Some(((cosines, sines), rest)) = levels.split_first() else {
        return;
    };
    let half = real.len() / 2;
    let (re, rf) = real.split_at_mut(half);
    let (im, jm) = imaginary.split_at_mut(half);
    vectorize(Apart([re, im, rf, jm], cosines, sines));
    forward(re, im, rest);
    forward(rf, jm, rest);
}

/// The way back, without the division by the length.
fn backward(real: &mut [f64], imaginary: &mut [f64], levels: &[(Vec<f64>, Vec<f64>)]) {
    let Some(((cosines, sines), rest)) = levels.split_first() else {
        return;
    };
    let half = real.len() / 2;
    let (re, rf) = real.split_at_mut(half);
    let (im, jm) = imaginary.split_at_mut(half);
    backward(re, im, rest);
    backward(rf, jm, rest);
    vectorize(Together([re, im, rf, jm], cosines, sines));
}

/// `(x, y) → (x + y, (x − y)·root)`.
struct Apart<'a>([&'a mut [f64]; 4], &'a [f64], &'a [f64]);

impl Vectorize for Apart<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let [a, b, c, d] = self.0;
        let places = a.iter_mut().zip(b).zip(c.iter_mut().zip(d));
        for (((a, b), (c, d)), (cosine, sine)) in places.zip(self.1.iter().zip(self.2)) {
            let (x, y) = (*a - *c, *b - *d);
            *a += *c;
            *b += *d;
            *c = x * cosine - y * sine;
            *d = x * sine + y * cosine;
        }
    }
}

/// `(x, y) → (x + y·conj root, x − y·conj root)`.
struct Together<'a>([&'a mut [f64]; 4], &'a [f64], &'a [f64]);

impl Vectorize for Together<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let [a, b, c, d] = self.0;
        let places = a.iter_mut().zip(b).zip(c.iter_mut().zip(d));
        for (((a, b), (c, d)), (cosine, sine)) in places.zip(self.1.iter().zip(self.2)) {
            let (x, y) = (*c * cosine + *d * sine, *d * cosine - *c * sine);
            *c = *a - x;
            *d = *b - y;
            *a += x;
            *b += y;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::direct;

    fn bell(n: usize, s: f64) -> Vec<f64> {
        let raw: Vec<f64> = (0..n)
            .map(|i| (-0.5 * ((i as f64 - n as f64 / 2.0) / s).powi(2)).exp())
            .collect();
        let total: f64 = raw.iter().sum();
        raw.iter().map(|x| x / total).collect()
    }

    fn worst(a: &[f64], b: &[f64], length: usize) -> f64 {
        let pairs = direct(a, b).into_iter().zip(convolution(a, b, length));
        pairs.map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
    }

    /// For every length, and for sequences whose norms are 30 powers of ten apart.
    #[test]
    fn transforms_agree_with_sums_within_the_stated_error() {
        for length in [1usize, 2, 4, 8, 64, 2048, 4096] {
            for share in [0.3, 0.5, 0.9] {
                let n = ((length as f64 * share) as usize).max(1);
                let (a, b) = (bell(n, 4.0), bell(length + 1 - n, 9.0));
                for scale in [1.0, 1e-15, 1e15] {
                    let b: Vec<f64> = b.iter().map(|x| scale * x).collect();
                    let bound = transform_error(length.max(2)) * norm(&a) * norm(&b);
                    let worst = worst(&a, &b, length);
                    assert!(worst <= bound, "{length} {share}: {worst} {bound}");
                }
            }
        }
        let (a, b) = (bell(900, 40.0), bell(701, 55.0));
        let bound = transform_error(2048) * norm(&a) * norm(&b);
        let worst = worst(&a, &b, 2048);
        assert!(
            worst > bound / 3000.0,
            "the bound is of the right size: {worst} {bound}"
        );
    }

    #[test]
    fn roots_of_unity_are_right_to_a_rounding() {
        let tau = 2.0 * std::f64::consts::PI;
        for length in [2usize, 4, 8, 1024] {
            for j in 0..length / 2 {
                let (c, s) = root(j, length);
                let angle = tau * (j as f64 / length as f64);
                assert!((c - angle.cos()).abs() < 4e-16 && (s + angle.sin()).abs() < 4e-16);
                assert!((c * c + s * s - 1.0).abs() < 4e-16);
                // The mirror images of the first eighth are its bits.
                let (c2, s2) = root(length / 2 - j, length);
                assert!(j == 0 || (c2, s2) == (-c, s));
            }
        }
        assert_eq!(root(256, 1024), (0.0, -1.0));
        assert_eq!(root(0, 1024), (1.0, 0.0));
    }

    /// The bits themselves, of a convolution with 2¹² places: `Σ bits` as words that wrap. The same on every
    /// processor and platform.
    #[test]
    fn value_stability_of_a_transform() {
        // Multiples of 2^−20 from an integer recurrence: no elementary function decides.
        let mut state = 1u64;
        let mut draw = || {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 44) as f64 / (1u64 << 20) as f64
        };
        let a: Vec<f64> = (0..3000).map(|_| draw()).collect();
        let b: Vec<f64> = (0..1000).map(|_| draw()).collect();
        let sum = convolution(&a, &b, 4096)
            .iter()
            .fold(0u64, |h, x| h.wrapping_mul(31).wrapping_add(x.to_bits()));
        assert_eq!(sum, 13_910_949_961_803_023_803);
    }
}
