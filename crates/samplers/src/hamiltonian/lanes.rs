//! The loops over coordinates that leapfrog and U-turns are made of, and memory that suits them.
//!
//! Sums run in interleaved lanes that are returned as they are and added up by the caller: a fixed
//! order, so the bits are the same at every SIMD level; and with the lanes as the *output* of a
//! loop the compiler keeps them in vector registers, where a horizontal sum inside would make it
//! shuffle them at each step.

use std::ops::{Add, Deref, DerefMut, Mul, Sub};

use ergodic_math::simd::{Vectorize, vectorize};

/// Vectors are padded with zeros to a multiple of this many numbers, so that loops over padded
/// vectors have no remainder.
pub(crate) const LANES: usize = 16;

/// Lanes of the loops with many sums, which would not fit the registers twice.
const NARROW: usize = 8;

/// The length of a vector of `dim` numbers with its padding.
pub(crate) const fn padded(dim: usize) -> usize {
    dim.div_ceil(LANES) * LANES
}

/// Numbers that are computed with side by side.
#[derive(Clone, Copy)]
pub(crate) struct Wide<const N: usize>([f64; N]);

macro_rules! elementwise {
    ($trait:ident, $method:ident, $operator:tt) => {
        impl<const N: usize> $trait for Wide<N> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                let mut out = [0.0; N];
                for l in 0..N {
                    out[l] = self.0[l] $operator other.0[l];
                }
                Self(out)
            }
        }
    };
}
elementwise!(Add, add, +);
elementwise!(Sub, sub, -);
elementwise!(Mul, mul, *);

impl<const N: usize> Wide<N> {
    const ZERO: Self = Self([0.0; N]);

    #[inline(always)]
    const fn splat(x: f64) -> Self {
        Self([x; N])
    }

    /// The first numbers of a short slice, then zeros.
    #[inline(always)]
    fn short(x: &[f64]) -> Self {
        let mut out = [0.0; N];
        out[..x.len()].copy_from_slice(x);
        Self(out)
    }

    #[inline]
    fn total(&self) -> f64 {
        let mut sums = self.0;
        let mut n = N;
        while n > 1 {
            n /= 2;
            for l in 0..n {
                sums[l] += sums[l + n];
            }
        }
        sums[0]
    }
}

/// `self[..n]` as lanes and a rest.
#[inline(always)]
fn lanes<const N: usize>(x: &[f64], n: usize) -> (&[[f64; N]], &[f64]) {
    x[..n].as_chunks::<N>()
}

struct Dot<'a>(&'a [f64], &'a [f64]);
impl Vectorize for Dot<'_> {
    type Output = Wide<LANES>;
    #[inline(always)]
    fn run(self) -> Wide<LANES> {
        let n = self.0.len();
        let (x, x_rest) = lanes::<LANES>(self.0, n);
        let (y, y_rest) = lanes::<LANES>(self.1, n);
        let mut sum = Wide::ZERO;
        for (x, y) in x.iter().zip(y) {
            sum = sum + Wide(*x) * Wide(*y);
        }
        if x_rest.is_empty() {
            return sum;
        }
        sum + Wide::short(x_rest) * Wide::short(y_rest)
    }
}

/// `Σ xᵢ yᵢ`.
#[inline]
pub(crate) fn dot(x: &[f64], y: &[f64]) -> f64 {
    vectorize(Dot(x, y)).total()
}

struct AddScaled<'a>(f64, &'a [f64], &'a mut [f64]);
impl Vectorize for AddScaled<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (y, x) in self.2.iter_mut().zip(self.1) {
            *y += self.0 * x;
        }
    }
}

/// `y ← y + a x`.
#[inline]
pub(crate) fn add_scaled(a: f64, x: &[f64], y: &mut [f64]) {
    vectorize(AddScaled(a, x, y));
}

struct ScaleAdd<'a>(f64, &'a [f64], &'a mut [f64]);
impl Vectorize for ScaleAdd<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (y, x) in self.2.iter_mut().zip(self.1) {
            *y = x + self.0 * *y;
        }
    }
}

/// `y ← x + a y`.
#[inline]
pub(crate) fn scale_add(a: f64, x: &[f64], y: &mut [f64]) {
    vectorize(ScaleAdd(a, x, y));
}

struct Multiply<'a>(&'a [f64], &'a [f64], &'a mut [f64]);
impl Vectorize for Multiply<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for ((z, x), y) in self.2.iter_mut().zip(self.0).zip(self.1) {
            *z = x * y;
        }
    }
}

/// `zᵢ ← xᵢ yᵢ`.
#[inline]
pub(crate) fn multiply(x: &[f64], y: &[f64], z: &mut [f64]) {
    vectorize(Multiply(x, y, z));
}

/// Columns that a product with a matrix takes at a time.
const COLUMNS: usize = 4;

struct Combine<'a> {
    columns: &'a [f64],
    stride: usize,
    weights: &'a [f64],
    out: &'a mut [f64],
}
impl Vectorize for Combine<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let n = self.out.len();
        self.out.fill(0.0);
        let groups = self.columns.chunks_exact(COLUMNS * self.stride);
        let (rest, (weights, last)) = (groups.remainder(), self.weights.as_chunks::<COLUMNS>());
        for (group, w) in groups.zip(weights) {
            let (a, group) = group.split_at(self.stride);
            let (b, group) = group.split_at(self.stride);
            let (c, d) = group.split_at(self.stride);
            let columns = a[..n].iter().zip(&b[..n]).zip(&c[..n]).zip(&d[..n]);
            for (o, (((a, b), c), d)) in self.out.iter_mut().zip(columns) {
                *o += (w[0] * a + w[1] * b) + (w[2] * c + w[3] * d);
            }
        }
        for (column, w) in rest.chunks_exact(self.stride).zip(last) {
            for (o, a) in self.out.iter_mut().zip(column) {
                *o += w * a;
            }
        }
    }
}

/// `out ← Σ wᵢ·(column i)`.
#[inline]
pub(crate) fn combine(columns: &[f64], stride: usize, weights: &[f64], out: &mut [f64]) {
    let weights = &weights[..columns.len() / stride];
    vectorize(Combine {
        columns,
        stride,
        weights,
        out,
    });
}

struct Project<'a> {
    columns: &'a [f64],
    stride: usize,
    x: &'a [f64],
    lanes: &'a mut [Wide<NARROW>],
}
impl Vectorize for Project<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let n = self.x.len();
        let (x, x_rest) = lanes::<NARROW>(self.x, n);
        let mut columns = self.columns.chunks_exact(self.stride);
        let (four, last) = self.lanes.as_chunks_mut::<COLUMNS>();
        for out in four {
            let [Some(a), Some(b), Some(c), Some(d)] = [
                columns.next(),
                columns.next(),
                columns.next(),
                columns.next(),
            ] else {
                return;
            };
            let (a, a_rest) = lanes::<NARROW>(a, n);
            let (b, b_rest) = lanes::<NARROW>(b, n);
            let (c, c_rest) = lanes::<NARROW>(c, n);
            let (d, d_rest) = lanes::<NARROW>(d, n);
            let (mut s, mut t, mut u, mut v) = (Wide::ZERO, Wide::ZERO, Wide::ZERO, Wide::ZERO);
            for ((((x, a), b), c), d) in x.iter().zip(a).zip(b).zip(c).zip(d) {
                let x = Wide(*x);
                s = s + x * Wide(*a);
                t = t + x * Wide(*b);
                u = u + x * Wide(*c);
                v = v + x * Wide(*d);
            }
            if !x_rest.is_empty() {
                let x = Wide::short(x_rest);
                s = s + x * Wide::short(a_rest);
                t = t + x * Wide::short(b_rest);
                u = u + x * Wide::short(c_rest);
                v = v + x * Wide::short(d_rest);
            }
            *out = [s, t, u, v];
        }
        for (out, column) in last.iter_mut().zip(columns) {
            let (a, a_rest) = lanes::<NARROW>(column, n);
            let mut s = Wide::ZERO;
            for (x, a) in x.iter().zip(a) {
                s = s + Wide(*x) * Wide(*a);
            }
            *out = s + Wide::short(x_rest) * Wide::short(a_rest);
        }
    }
}

/// `outᵢ ← (column i)·x`.
#[inline]
pub(crate) fn project(columns: &[f64], stride: usize, x: &[f64], out: &mut [f64]) {
    /// Columns between two sums of lanes.
    const BLOCK: usize = 32;
    let mut sums = [Wide::ZERO; BLOCK];
    for (columns, out) in columns.chunks(BLOCK * stride).zip(out.chunks_mut(BLOCK)) {
        let count = (columns.len() / stride).min(out.len());
        let lanes = &mut sums[..count];
        vectorize(Project {
            columns,
            stride,
            x,
            lanes,
        });
        for (o, s) in out.iter_mut().zip(&sums[..count]) {
            *o = s.total();
        }
    }
}

/// A point before a half kick: what the first half of a leapfrog step reads.
#[derive(Clone, Copy)]
pub(crate) struct Half<'a> {
    pub(crate) position: &'a [f64],
    pub(crate) momentum: &'a [f64],
    pub(crate) gradient: &'a [f64],
    /// `Aᵀ∇E`; read for dense and low-rank metrics alone, where it is dear.
    pub(crate) whitened: &'a [f64],
}

struct KickDrift<'a, const SCALED: bool> {
    step: f64,
    scale: &'a [f64],
    from: Half<'a>,
    position: &'a mut [f64],
    momentum: &'a mut [f64],
}
impl<const SCALED: bool> Vectorize for KickDrift<'_, SCALED> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let n = self.position.len();
        let (h, half) = (self.step, 0.5 * self.step);
        let (x, p) = (&self.from.position[..n], &self.from.momentum[..n]);
        let g = &self.from.gradient[..n];
        let to_x = &mut self.position[..n];
        let to_p = &mut self.momentum[..n];
        if SCALED {
            let s = &self.scale[..n];
            for i in 0..n {
                let kicked = p[i] - half * (s[i] * g[i]);
                to_p[i] = kicked;
                to_x[i] = x[i] + h * (s[i] * kicked);
            }
        } else {
            for i in 0..n {
                let kicked = p[i] - half * g[i];
                to_p[i] = kicked;
                to_x[i] = x[i] + h * kicked;
            }
        }
    }
}

/// `p′ = p − (ε/2) σ∇E(x)`, `x′ = x + ε σ p′` in one pass; `σ = 1` without a scale.
#[inline]
pub(crate) fn kick_drift(
    step: f64,
    scale: Option<&[f64]>,
    from: Half<'_>,
    position: &mut [f64],
    momentum: &mut [f64],
) {
    match scale {
        None => vectorize(KickDrift::<false> {
            step,
            scale: &[],
            from,
            position,
            momentum,
        }),
        Some(scale) => vectorize(KickDrift::<true> {
            step,
            scale,
            from,
            position,
            momentum,
        }),
    }
}

struct KickDriftInPlace<'a, const SCALED: bool> {
    step: f64,
    scale: &'a [f64],
    gradient: &'a [f64],
    position: &'a mut [f64],
    momentum: &'a mut [f64],
}
impl<const SCALED: bool> Vectorize for KickDriftInPlace<'_, SCALED> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let n = self.position.len();
        let (h, half) = (self.step, 0.5 * self.step);
        let (x, p) = (&mut self.position[..n], &mut self.momentum[..n]);
        let g = &self.gradient[..n];
        if SCALED {
            let s = &self.scale[..n];
            for i in 0..n {
                let kicked = p[i] - half * (s[i] * g[i]);
                p[i] = kicked;
                x[i] += h * (s[i] * kicked);
            }
        } else {
            for i in 0..n {
                let kicked = p[i] - half * g[i];
                p[i] = kicked;
                x[i] += h * kicked;
            }
        }
    }
}

/// [`kick_drift`] in place.
#[inline]
pub(crate) fn kick_drift_in_place(
    step: f64,
    scale: Option<&[f64]>,
    gradient: &[f64],
    position: &mut [f64],
    momentum: &mut [f64],
) {
    match scale {
        None => vectorize(KickDriftInPlace::<false> {
            step,
            scale: &[],
            gradient,
            position,
            momentum,
        }),
        Some(scale) => vectorize(KickDriftInPlace::<true> {
            step,
            scale,
            gradient,
            position,
            momentum,
        }),
    }
}

struct Kick<'a, const SCALED: bool, const MATE: bool> {
    step: f64,
    scale: &'a [f64],
    gradient: &'a [f64],
    momentum: &'a mut [f64],
    mate: &'a [f64],
}
impl<const SCALED: bool, const MATE: bool> Kick<'_, SCALED, MATE> {
    #[inline(always)]
    fn kicked(half: Wide<LANES>, p: Wide<LANES>, g: Wide<LANES>, s: Wide<LANES>) -> Wide<LANES> {
        p - half * if SCALED { s * g } else { g }
    }
}
impl<const SCALED: bool, const MATE: bool> Vectorize for Kick<'_, SCALED, MATE> {
    type Output = [Wide<LANES>; 2];
    #[inline(always)]
    fn run(self) -> [Wide<LANES>; 2] {
        let n = self.momentum.len();
        let half = Wide::splat(0.5 * self.step);
        // Without scale or mate any slice of the right length will do: it is not read.
        let (g, g_rest) = lanes::<LANES>(self.gradient, n);
        let (s, s_rest) = lanes::<LANES>(if SCALED { self.scale } else { self.gradient }, n);
        let (q, q_rest) = lanes::<LANES>(if MATE { self.mate } else { self.gradient }, n);
        let (p, p_rest) = self.momentum.as_chunks_mut::<LANES>();
        let (mut square, mut product) = (Wide::ZERO, Wide::ZERO);
        for (((p, g), s), q) in p.iter_mut().zip(g).zip(s).zip(q) {
            let kicked = Self::kicked(half, Wide(*p), Wide(*g), Wide(*s));
            *p = kicked.0;
            square = square + kicked * kicked;
            if MATE {
                product = product + kicked * Wide(*q);
            }
        }
        if !p_rest.is_empty() {
            let kicked = Self::kicked(
                half,
                Wide::short(p_rest),
                Wide::short(g_rest),
                Wide::short(s_rest),
            );
            p_rest.copy_from_slice(&kicked.0[..p_rest.len()]);
            square = square + kicked * kicked;
            if MATE {
                product = product + kicked * Wide::short(q_rest);
            }
        }
        [square, product]
    }
}

/// `p ← p − (ε/2) σ∇E`; returns `|p|²` and the product of `p` with its mate, 0 if there is none.
#[inline]
pub(crate) fn kick(
    step: f64,
    scale: Option<&[f64]>,
    gradient: &[f64],
    momentum: &mut [f64],
    mate: Option<&[f64]>,
) -> (f64, f64) {
    macro_rules! kick {
        ($scaled:literal, $mate:literal) => {
            vectorize(Kick::<$scaled, $mate> {
                step,
                scale: scale.unwrap_or(&[]),
                gradient,
                momentum,
                mate: mate.unwrap_or(&[]),
            })
        };
    }
    let [square, product] = match (scale.is_some(), mate.is_some()) {
        (false, false) => kick!(false, false),
        (false, true) => kick!(false, true),
        (true, false) => kick!(true, false),
        (true, true) => kick!(true, true),
    };
    let product = if mate.is_some() { product.total() } else { 0.0 };
    (square.total(), product)
}

/// The momenta at the ends of two parts of a trajectory that follow one another.
#[derive(Clone, Copy)]
pub(crate) struct Ends<'a> {
    pub(crate) first: [&'a [f64]; 2],
    pub(crate) second: [&'a [f64]; 2],
    /// The sum over the second part; not read if each part has two points.
    pub(crate) second_sum: &'a [f64],
}

struct Turns<'a, const PAIRS: bool>(Ends<'a>, &'a mut [f64]);
impl<const PAIRS: bool> Vectorize for Turns<'_, PAIRS> {
    type Output = [Wide<NARROW>; 6];
    #[inline(always)]
    fn run(self) -> [Wide<NARROW>; 6] {
        let Self(ends, sum) = self;
        let n = sum.len();
        let lanes = |x| lanes::<NARROW>(x, n).0;
        let (a, m) = (lanes(ends.first[0]), lanes(ends.first[1]));
        let (c, b) = (lanes(ends.second[0]), lanes(ends.second[1]));
        let right = if PAIRS { c } else { lanes(ends.second_sum) };
        let z = Wide::ZERO;
        let (mut p0, mut p1, mut p2, mut p3, mut p4, mut p5) = (z, z, z, z, z, z);
        let all = sum.as_chunks_mut::<NARROW>().0.iter_mut();
        for (((((sum, a), m), c), b), right) in all.zip(a).zip(m).zip(c).zip(b).zip(right) {
            let (a, m, c, b) = (Wide(*a), Wide(*m), Wide(*c), Wide(*b));
            let left = if PAIRS { a + m } else { Wide(*sum) };
            let right = if PAIRS { c + b } else { Wide(*right) };
            let whole = left + right;
            *sum = whole.0;
            p0 = p0 + whole * a;
            p1 = p1 + whole * b;
            let towards = left + c;
            p2 = p2 + towards * a;
            p3 = p3 + towards * c;
            let onwards = right + m;
            p4 = p4 + onwards * m;
            p5 = p5 + onwards * b;
        }
        [p0, p1, p2, p3, p4, p5]
    }
}

/// Whether two equal parts turn back where they join: over the whole, from the start of the first
/// to the start of the second, or from the end of the first to the end of the second. `sum` holds
/// the sum over the first part and becomes that of the whole; with `pairs` the parts have two
/// points each, whose sums are made here. Vectors are padded. NaN turns.
#[inline]
pub(crate) fn turns(ends: Ends<'_>, pairs: bool, sum: &mut [f64]) -> bool {
    let products = if pairs {
        vectorize(Turns::<true>(ends, sum))
    } else {
        vectorize(Turns::<false>(ends, sum))
    };
    !products.iter().all(|p| p.total() > 0.0)
}

/// A padded vector of zeros to begin with, aligned to cache lines: a wide load that crosses two
/// lines costs twice.
#[derive(Debug, Default)]
pub(crate) struct Aligned {
    memory: Vec<f64>,
    start: usize,
    len: usize,
}

impl Aligned {
    /// Zeros for `dim` numbers and their padding.
    pub(crate) fn zeros(len: usize) -> Self {
        /// Bytes of a cache line.
        const LINE: usize = 64;
        let spare = LINE / size_of::<f64>();
        let memory = vec![0.0; len + spare];
        // Moving the vector does not move its memory.
        let start = memory.as_ptr().align_offset(LINE).min(spare);
        Self { memory, start, len }
    }

    pub(crate) fn copy_of(x: &[f64]) -> Self {
        let mut new = Self::zeros(x.len());
        new.copy_from_slice(x);
        new
    }
}

impl Clone for Aligned {
    fn clone(&self) -> Self {
        Self::copy_of(self)
    }
}

impl PartialEq for Aligned {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Deref for Aligned {
    type Target = [f64];
    #[inline(always)]
    fn deref(&self) -> &[f64] {
        &self.memory[self.start..self.start + self.len]
    }
}

impl DerefMut for Aligned {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [f64] {
        &mut self.memory[self.start..self.start + self.len]
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Aligned {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Aligned {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::copy_of(&Vec::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_plain_loops_at_every_length() {
        for n in 0..70 {
            let x: Vec<f64> = (0..n).map(|i| f64::from(i % 7) - 2.0).collect();
            let y: Vec<f64> = (0..n).map(|i| f64::from(i % 5) + 0.5).collect();
            let exact: f64 = x.iter().zip(&y).map(|(a, b)| a * b).sum();
            assert_eq!(dot(&x, &y), exact); // halves of small integers: no rounding
            let mut p = x.clone();
            let (square, product) = kick(2.0, Some(&y), &y, &mut p, Some(&x));
            let expected: Vec<f64> = x.iter().zip(&y).map(|(x, y)| x - y * y).collect();
            assert_eq!(p, expected);
            let of = |q: &[f64]| p.iter().zip(q).map(|(a, b)| a * b).sum::<f64>();
            assert_eq!((square, product), (of(&p), of(&x)));
        }
    }

    #[test]
    fn matrix_products_are_those_of_plain_loops() {
        for (rows, columns) in [(1, 1), (3, 2), (8, 4), (9, 5), (33, 7), (20, 41)] {
            let stride = padded(rows);
            let entry = |i: usize, j: usize| ((3 * i + 5 * j) % 11) as f64 - 4.0;
            let mut matrix = vec![0.0; stride * columns];
            for j in 0..columns {
                for i in 0..rows {
                    matrix[j * stride + i] = entry(i, j);
                }
            }
            let weights: Vec<f64> = (0..columns).map(|j| j as f64 - 1.0).collect();
            let x: Vec<f64> = (0..rows).map(|i| (i % 3) as f64).collect();
            let mut out = vec![1.0; rows];
            combine(&matrix, stride, &weights, &mut out);
            let mut along = vec![1.0; columns];
            project(&matrix, stride, &x, &mut along);
            for i in 0..rows {
                let exact: f64 = (0..columns).map(|j| entry(i, j) * weights[j]).sum();
                assert_eq!(out[i], exact);
            }
            for j in 0..columns {
                let exact: f64 = (0..rows).map(|i| entry(i, j) * x[i]).sum();
                assert_eq!(along[j], exact);
            }
        }
    }

    #[test]
    fn aligned_vectors_start_cache_lines_also_after_cloning() {
        for len in [1, 16, 1000] {
            let mut a = Aligned::zeros(len);
            a[len - 1] = 2.0;
            for v in [a.clone(), a] {
                assert_eq!(v.as_ptr().align_offset(64), 0);
                assert_eq!((v.len(), v[len - 1]), (len, 2.0));
            }
        }
    }
}
