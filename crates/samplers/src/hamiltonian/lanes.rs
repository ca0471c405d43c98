//! The loops over coordinates that leapfrog and U-turns are made of, and memory that suits them.
//!
//! The functions called `…_body` are inlined into code that is compiled for an instruction set
//! ([`vectorize`]): a whole leapfrog step or a whole trajectory, gradient included, is dispatched once.
//!
//! Sums run in interleaved lanes that are added up in a fixed order at the end, so the bits are the
//! same at every SIMD level.

use std::hint::black_box;
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

    /// The sum of the lanes.
    #[inline(always)]
    fn total(self) -> f64 {
        let mut sums = [0.0; NARROW];
        sums.copy_from_slice(&self.0[..NARROW]);
        for l in NARROW..N {
            sums[l % NARROW] += self.0[l];
        }
        // Through memory: otherwise the compiler sees the horizontal sum coming and shuffles lanes
        // in every turn of the loop before it, instead of keeping them in wide registers.
        let s = black_box(sums);
        ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
    }
}

/// `self[..n]` as lanes and a rest.
#[inline(always)]
fn lanes<const N: usize>(x: &[f64], n: usize) -> (&[[f64; N]], &[f64]) {
    x[..n].as_chunks::<N>()
}

/// `Σ xᵢ yᵢ`.
#[inline(always)]
pub(crate) fn dot_body(x: &[f64], y: &[f64]) -> f64 {
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (y, y_rest) = lanes::<LANES>(y, LANES * x.len() + x_rest.len());
    let y = &y[..x.len()];
    let mut sum = Wide::ZERO;
    each(
        x.len(),
        #[inline(always)]
        |i| sum = sum + Wide(x[i]) * Wide(y[i]),
    );
    if !x_rest.is_empty() {
        sum = sum + Wide::short(x_rest) * Wide::short(y_rest);
    }
    sum.total()
}

/// `y ← y + a x`.
#[inline(always)]
pub(crate) fn add_scaled_body(a: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// `y ← x + a y`.
#[inline(always)]
pub(crate) fn scale_add_body(a: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = x + a * *y;
    }
}

/// `zᵢ ← xᵢ yᵢ`.
#[inline(always)]
pub(crate) fn multiply_body(x: &[f64], y: &[f64], z: &mut [f64]) {
    for ((z, x), y) in z.iter_mut().zip(x).zip(y) {
        *z = x * y;
    }
}

#[inline(always)]
fn add_squared_differences_body(a: f64, x: &[f64], y: &[f64], z: &mut [f64]) {
    for ((z, x), y) in z.iter_mut().zip(x).zip(y) {
        let difference = x - y;
        *z += a * (difference * difference);
    }
}

/// Columns that a product with a matrix takes at a time.
const COLUMNS: usize = 4;

/// `out ← Σ wᵢ·(column i)`.
#[inline(always)]
pub(crate) fn combine_body(columns: &[f64], stride: usize, weights: &[f64], out: &mut [f64]) {
    let n = out.len();
    out.fill(0.0);
    let (weights, last) = weights[..columns.len() / stride].as_chunks::<COLUMNS>();
    let groups = columns.chunks_exact(COLUMNS * stride);
    let rest = groups.remainder();
    for (group, w) in groups.zip(weights) {
        let (a, group) = group.split_at(stride);
        let (b, group) = group.split_at(stride);
        let (c, d) = group.split_at(stride);
        let columns = a[..n].iter().zip(&b[..n]).zip(&c[..n]).zip(&d[..n]);
        for (o, (((a, b), c), d)) in out.iter_mut().zip(columns) {
            *o += (w[0] * a + w[1] * b) + (w[2] * c + w[3] * d);
        }
    }
    for (column, w) in rest.chunks_exact(stride).zip(last) {
        add_scaled_body(*w, column, out);
    }
}

/// `outᵢ ← (column i)·x`.
#[inline(always)]
pub(crate) fn project_body(columns: &[f64], stride: usize, x: &[f64], out: &mut [f64]) {
    let n = x.len();
    let (x_lanes, x_rest) = lanes::<NARROW>(x, n);
    let (four, last) = out[..columns.len() / stride].as_chunks_mut::<COLUMNS>();
    let groups = columns.chunks_exact(COLUMNS * stride);
    let rest = groups.remainder();
    for (group, out) in groups.zip(four) {
        let (a, group) = group.split_at(stride);
        let (b, group) = group.split_at(stride);
        let (c, d) = group.split_at(stride);
        let (a, a_rest) = lanes::<NARROW>(a, n);
        let (b, b_rest) = lanes::<NARROW>(b, n);
        let (c, c_rest) = lanes::<NARROW>(c, n);
        let (d, d_rest) = lanes::<NARROW>(d, n);
        let (mut s, mut t, mut u, mut v) = (Wide::ZERO, Wide::ZERO, Wide::ZERO, Wide::ZERO);
        for ((((x, a), b), c), d) in x_lanes.iter().zip(a).zip(b).zip(c).zip(d) {
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
        *out = [s.total(), t.total(), u.total(), v.total()];
    }
    for (column, out) in rest.chunks_exact(stride).zip(last) {
        *out = dot_body(x, &column[..n]);
    }
}

/// Compiles a body for the instruction sets. (A struct of its own: a closure would not be inlined,
/// and be compiled for the baseline.)
macro_rules! dispatched {
    ($(#[$doc:meta])* $name:ident, $body:ident($($arg:ident: $kind:ty),*) -> $out:ty) => {
        $(#[$doc])*
        #[inline]
        pub(crate) fn $name<'a>($($arg: $kind),*) -> $out {
            struct Body<'a>($($kind,)* std::marker::PhantomData<&'a ()>);
            impl<'a> Vectorize for Body<'a> {
                type Output = $out;
                #[inline(always)]
                fn run(self) -> $out {
                    let Self($($arg,)* _) = self;
                    $body($($arg),*)
                }
            }
            vectorize(Body($($arg,)* std::marker::PhantomData))
        }
    };
}
dispatched!(
    /// `Σ xᵢ yᵢ`.
    dot, dot_body(x: &'a [f64], y: &'a [f64]) -> f64
);
dispatched!(
    /// `y ← y + a x`.
    add_scaled, add_scaled_body(a: f64, x: &'a [f64], y: &'a mut [f64]) -> ()
);
dispatched!(
    /// `zᵢ ← zᵢ + a (xᵢ − yᵢ)²`.
    add_squared_differences, add_squared_differences_body(
        a: f64, x: &'a [f64], y: &'a [f64], z: &'a mut [f64]
    ) -> ()
);
dispatched!(
    /// `zᵢ ← xᵢ yᵢ`.
    multiply, multiply_body(x: &'a [f64], y: &'a [f64], z: &'a mut [f64]) -> ()
);
dispatched!(
    /// `Σ xᵢ xᵢᵀ` of the rows `x`, added to a padded square matrix.
    add_squares, add_squares_body(rows: &'a [f64], stride: usize, matrix: &'a mut [f64]) -> ()
);
dispatched!(
    /// The direction `v` of length 1 in which rows spread most, and `λ_max` of `Σ xᵢ xᵢᵀ`, by
    /// steps of the power method from the longest row: a lower bound.
    principal_of_rows, principal_of_rows_body(
        rows: &'a [f64], steps: usize, direction: &'a mut [f64], next: &'a mut [f64]
    ) -> f64
);
dispatched!(
    /// `λ_max` of a padded symmetric matrix, by steps of the power method from `direction`: a lower
    /// bound.
    principal_of_matrix, principal_of_matrix_body(
        matrix: &'a [f64], steps: usize, direction: &'a mut [f64], next: &'a mut [f64]
    ) -> f64
);

#[inline(always)]
fn add_squares_body(rows: &[f64], stride: usize, matrix: &mut [f64]) {
    for row in rows.chunks_exact(stride) {
        for (x, column) in row.iter().zip(matrix.chunks_exact_mut(stride)) {
            add_scaled_body(*x, row, column);
        }
    }
}

#[inline(always)]
fn principal_of_rows_body(
    rows: &[f64],
    steps: usize,
    direction: &mut [f64],
    next: &mut [f64],
) -> f64 {
    let stride = direction.len();
    let mut longest = -1.0;
    for row in rows.chunks_exact(stride) {
        let square = dot_body(row, row);
        if square > longest {
            longest = square;
            direction.copy_from_slice(row);
        }
    }
    let mut value = longest.sqrt();
    for _ in 0..steps {
        let unit = 1.0 / value;
        next.fill(0.0);
        for row in rows.chunks_exact(stride) {
            add_scaled_body(dot_body(row, direction) * unit, row, next);
        }
        value = dot_body(next, next).sqrt();
        direction.copy_from_slice(next);
    }
    for d in direction {
        *d /= value;
    }
    value
}

#[inline(always)]
fn principal_of_matrix_body(
    matrix: &[f64],
    steps: usize,
    direction: &mut [f64],
    next: &mut [f64],
) -> f64 {
    let stride = direction.len();
    let mut value = dot_body(direction, direction).sqrt();
    for _ in 0..steps {
        let unit = 1.0 / value;
        next.fill(0.0);
        for (x, column) in direction.iter().zip(matrix.chunks_exact(stride)) {
            add_scaled_body(x * unit, column, next);
        }
        value = dot_body(next, next).sqrt();
        direction.copy_from_slice(next);
    }
    value
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

/// `x′ = x + ε σ (p − (ε/2) σ∇E(x))` in one pass; `σ = 1` without a scale. Vectors are padded.
///
/// The half-kicked momentum is not stored: [`kicks_body`] makes it again, and a long vector less
/// goes through the cache.
#[inline(always)]
pub(crate) fn drift_body(step: f64, scale: Option<&[f64]>, from: Half<'_>, position: &mut [f64]) {
    match scale {
        Some(scale) => drift_lanes::<true>(step, scale, from, position),
        None => drift_lanes::<false>(step, from.gradient, from, position),
    }
}

#[inline(always)]
fn drift_lanes<const SCALED: bool>(step: f64, scale: &[f64], from: Half<'_>, position: &mut [f64]) {
    let n = position.len();
    let (x, p, g) = (
        &from.position[..n],
        &from.momentum[..n],
        &from.gradient[..n],
    );
    let s = &scale[..n];
    let to_x = &mut position[..n];
    if n == LANES {
        // Short vectors are worth code without a loop.
        let wide = |x| Wide::<LANES>::short(x);
        let scaled = |x, s| if SCALED { x * s } else { x };
        let (h, half, s) = (Wide::splat(step), Wide::splat(0.5 * step), wide(s));
        let kicked = wide(p) - half * scaled(wide(g), s);
        to_x.copy_from_slice(&(wide(x) + h * scaled(kicked, s)).0);
    } else {
        let (h, half) = (step, 0.5 * step);
        for i in 0..n {
            let kicked = p[i] - half * if SCALED { s[i] * g[i] } else { g[i] };
            to_x[i] = x[i] + h * if SCALED { s[i] * kicked } else { kicked };
        }
    }
}

/// Both half kicks of a step, `p′ = p − (ε/2) σ∇E(x) − (ε/2) σ∇E(x′)`; returns `|p′|²` and `p·p′`.
/// Vectors are padded.
#[inline(always)]
pub(crate) fn kicks_body(
    step: f64,
    scale: Option<&[f64]>,
    from: Half<'_>,
    gradient: &[f64],
    momentum: &mut [f64],
) -> (f64, f64) {
    match scale {
        Some(scale) => kicks_lanes::<true>(step, scale, from, gradient, momentum),
        None => kicks_lanes::<false>(step, gradient, from, gradient, momentum),
    }
}

#[inline(always)]
fn kicks_lanes<const SCALED: bool>(
    step: f64,
    scale: &[f64],
    from: Half<'_>,
    gradient: &[f64],
    momentum: &mut [f64],
) -> (f64, f64) {
    let half = Wide::splat(0.5 * step);
    let new = momentum.as_chunks_mut::<LANES>().0;
    let n = new.len();
    let lanes = |x| &<[f64]>::as_chunks::<LANES>(x).0[..n];
    let (p, old, g, s) = (
        lanes(from.momentum),
        lanes(from.gradient),
        lanes(gradient),
        lanes(scale),
    );
    let (mut square, mut product) = (Wide::ZERO, Wide::ZERO);
    each(
        n,
        #[inline(always)]
        |i| {
            let scaled = |g| if SCALED { Wide(s[i]) * g } else { g };
            let before = Wide(p[i]);
            let after = before - half * scaled(Wide(old[i])) - half * scaled(Wide(g[i]));
            new[i] = after.0;
            square = square + after * after;
            product = product + after * before;
        },
    );
    (square.total(), product.total())
}

/// `body(0)`, `body(1)`, …, `body(n − 1)`; without a loop for short vectors, where it would cost
/// as much as what is done in it.
#[inline(always)]
fn each(n: usize, mut body: impl FnMut(usize)) {
    if n == 1 {
        body(0);
    } else {
        for i in 0..n {
            body(i);
        }
    }
}

/// `p ← p − (ε/2) σ∇E(x)`, `x ← x + ε σ p` in one pass.
#[inline(always)]
pub(crate) fn kick_drift_in_place_body(
    step: f64,
    scale: Option<&[f64]>,
    gradient: &[f64],
    position: &mut [f64],
    momentum: &mut [f64],
) {
    let n = position.len();
    let (h, half) = (step, 0.5 * step);
    let (x, p, g) = (&mut position[..n], &mut momentum[..n], &gradient[..n]);
    if let Some(s) = scale {
        let s = &s[..n];
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

#[inline(always)]
fn kick_lanes<const SCALED: bool, const MATE: bool>(
    step: f64,
    scale: &[f64],
    gradient: &[f64],
    momentum: &mut [f64],
    mate: &[f64],
) -> (f64, f64) {
    let half = Wide::splat(0.5 * step);
    let kicked = |p, g, s| p - half * if SCALED { s * g } else { g };
    let dim = momentum.len();
    // Without scale or mate any slice of the right length will do: it is not read.
    let (g, g_rest) = lanes::<LANES>(gradient, dim);
    let (s, s_rest) = lanes::<LANES>(if SCALED { scale } else { gradient }, dim);
    let (q, q_rest) = lanes::<LANES>(if MATE { mate } else { gradient }, dim);
    let (p, p_rest) = momentum.as_chunks_mut::<LANES>();
    let n = p.len();
    let (g, s, q) = (&g[..n], &s[..n], &q[..n]);
    let (mut square, mut product) = (Wide::ZERO, Wide::ZERO);
    each(
        n,
        #[inline(always)]
        |i| {
            let new = kicked(Wide(p[i]), Wide(g[i]), Wide(s[i]));
            p[i] = new.0;
            square = square + new * new;
            if MATE {
                product = product + new * Wide(q[i]);
            }
        },
    );
    if !p_rest.is_empty() {
        let new = kicked(
            Wide::short(p_rest),
            Wide::short(g_rest),
            Wide::short(s_rest),
        );
        p_rest.copy_from_slice(&new.0[..p_rest.len()]);
        square = square + new * new;
        if MATE {
            product = product + new * Wide::short(q_rest);
        }
    }
    (square.total(), if MATE { product.total() } else { 0.0 })
}

/// `p ← p − (ε/2) σ∇E`; returns `|p|²` and the product of `p` with its mate, 0 if there is none.
#[inline(always)]
pub(crate) fn kick_body(
    step: f64,
    scale: Option<&[f64]>,
    gradient: &[f64],
    momentum: &mut [f64],
    mate: Option<&[f64]>,
) -> (f64, f64) {
    match (scale, mate) {
        (None, None) => kick_lanes::<false, false>(step, &[], gradient, momentum, &[]),
        (None, Some(mate)) => kick_lanes::<false, true>(step, &[], gradient, momentum, mate),
        (Some(scale), None) => kick_lanes::<true, false>(step, scale, gradient, momentum, &[]),
        (Some(scale), Some(mate)) => {
            kick_lanes::<true, true>(step, scale, gradient, momentum, mate)
        }
    }
}

/// The momenta at the ends of two parts of a trajectory that follow one another.
#[derive(Clone, Copy)]
pub(crate) struct Ends<'a> {
    pub(crate) first: [&'a [f64]; 2],
    pub(crate) second: [&'a [f64]; 2],
    /// The sum over the second part; not read if each part has two points.
    pub(crate) second_sum: &'a [f64],
}

#[inline(always)]
fn turns_lanes<const PAIRS: bool, const N: usize>(ends: Ends<'_>, sum: &mut [f64]) -> bool {
    let sum = sum.as_chunks_mut::<N>().0;
    let n = sum.len();
    let lanes = |x| &<[f64]>::as_chunks::<N>(x).0[..n];
    let (a, m) = (lanes(ends.first[0]), lanes(ends.first[1]));
    let (c, b) = (lanes(ends.second[0]), lanes(ends.second[1]));
    let right = if PAIRS { c } else { lanes(ends.second_sum) };
    let z = Wide::ZERO;
    let (mut p0, mut p1, mut p2, mut p3, mut p4, mut p5) = (z, z, z, z, z, z);
    each(
        n,
        #[inline(always)]
        |i| {
            let (a, m, c, b) = (Wide(a[i]), Wide(m[i]), Wide(c[i]), Wide(b[i]));
            let left = if PAIRS { a + m } else { Wide(sum[i]) };
            let right = if PAIRS { c + b } else { Wide(right[i]) };
            let whole = left + right;
            sum[i] = whole.0;
            p0 = p0 + whole * a;
            p1 = p1 + whole * b;
            let towards = left + c;
            p2 = p2 + towards * a;
            p3 = p3 + towards * c;
            let onwards = right + m;
            p4 = p4 + onwards * m;
            p5 = p5 + onwards * b;
        },
    );
    let whole = (p0.total() > 0.0) & (p1.total() > 0.0);
    let first = (p2.total() > 0.0) & (p3.total() > 0.0);
    let second = (p4.total() > 0.0) & (p5.total() > 0.0);
    !(whole & first & second)
}

/// Whether two equal parts turn back where they join: over the whole, from the start of the first
/// to the start of the second, or from the end of the first to the end of the second. `sum` holds
/// the sum over the first part and becomes that of the whole; with `pairs` the parts have two
/// points each, whose sums are made here. Vectors are padded. NaN turns.
#[inline(always)]
pub(crate) fn turns_body(ends: Ends<'_>, pairs: bool, sum: &mut [f64]) -> bool {
    match (pairs, sum.len() == LANES) {
        (true, true) => turns_lanes::<true, LANES>(ends, sum),
        (true, false) => turns_lanes::<true, NARROW>(ends, sum),
        (false, true) => turns_lanes::<false, LANES>(ends, sum),
        (false, false) => turns_lanes::<false, NARROW>(ends, sum),
    }
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
            let (square, product) = kick_body(2.0, Some(&y), &y, &mut p, Some(&x));
            let expected: Vec<f64> = x.iter().zip(&y).map(|(x, y)| x - y * y).collect();
            assert_eq!(p, expected);
            let of = |q: &[f64]| p.iter().zip(q).map(|(a, b)| a * b).sum::<f64>();
            assert_eq!((square, product), (of(&p), of(&x)));
        }
    }

    #[test]
    fn drift_and_kicks_are_those_of_plain_loops_at_every_padded_length() {
        for n in [16, 32, 48, 112] {
            let small =
                |a: usize, b: usize| (0..n).map(|i| ((a * i + b) % 7) as f64 - 3.0).collect();
            let [x, p, g, s, later]: [Vec<f64>; 5] = [
                small(1, 0),
                small(2, 1),
                small(3, 2),
                small(5, 4),
                small(6, 5),
            ];
            let from = Half {
                position: &x,
                momentum: &p,
                gradient: &g,
                whitened: &[],
            };
            for scale in [None, Some(&s[..])] {
                let at = |i: usize| scale.map_or(1.0, |s| s[i]);
                let (mut moved, mut kicked) = (vec![0.0; n], vec![0.0; n]);
                drift_body(0.5, scale, from, &mut moved);
                let (square, product) = kicks_body(0.5, scale, from, &later, &mut kicked);
                // Quarters of small integers: no rounding.
                let (mut squares, mut products) = (0.0, 0.0);
                for i in 0..n {
                    let half = p[i] - 0.25 * at(i) * g[i];
                    assert_eq!(moved[i], x[i] + 0.5 * at(i) * half, "{n} {i}");
                    assert_eq!(kicked[i], half - 0.25 * at(i) * later[i], "{n} {i}");
                    squares += kicked[i] * kicked[i];
                    products += kicked[i] * p[i];
                }
                assert_eq!((square, product), (squares, products));
            }
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
            combine_body(&matrix, stride, &weights, &mut out);
            let mut along = vec![1.0; columns];
            project_body(&matrix, stride, &x, &mut along);
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
