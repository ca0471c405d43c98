//! Products of a binary matrix with a dense one, by tables of subset sums.
//!
//! A row of `B·W` with `B ∈ {0, 1}` is a sum of rows of `W`. Inputs are taken four at a time: the
//! 16 subset sums of four rows of `W` are built once and then *looked up* for every row of `B`
//! (the method of four Russians, Arlazarov et al. 1970). That takes a quarter of the additions of
//! the plain sum and an eighth of the floating-point operations of a dense product. Tables cover
//! 32 inputs and 256 bytes of output columns at a time, 32 KiB, so they live in the L1 cache.
//!
//! The order of every sum is fixed, whatever the number of rows and the SIMD level:
//!
//! ```text
//! out[r][j] = init + (Σ_B Σ_{g ∈ B} ((b₀w₀ + b₁w₁) + (b₂w₂ + b₃w₃)))
//! ```
//!
//! with groups `g` of four inputs and blocks `B` of eight groups, each sum from left to right. So a
//! batch gives the same bits as its rows one by one. The error against the exact sum of `n` terms
//! is at most `(n/32 + 10) ε Σ|w|`.

use crate::Real;
use crate::simd::{Vectorize, vectorize};

/// Inputs per table.
const GROUP: usize = 4;
/// Tables per L1 block.
const TABLES: usize = 8;

/// A binary matrix, packed for [`multiply`]: four inputs to a byte, group-major.
///
/// ```
/// use ergodic_math::binary::PackedBits;
///
/// let mut bits = PackedBits::default();
/// bits.pack(&[1, 0, 1, 1, 0, 1], 2, 3); // two rows of three inputs
/// assert_eq!((bits.rows(), bits.inputs()), (2, 3));
/// ```
#[derive(Clone, Debug, Default)]
pub struct PackedBits {
    rows: usize,
    inputs: usize,
    /// `nibbles[g * rows + r]` holds inputs `4g..4g + 4` of row `r`.
    nibbles: Vec<u8>,
}

impl PackedBits {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of inputs, the columns of the binary matrix.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    fn resize(&mut self, rows: usize, inputs: usize) {
        self.rows = rows;
        self.inputs = inputs;
        self.nibbles.resize(inputs.div_ceil(GROUP) * rows, 0);
    }

    /// Packs `rows × inputs` bytes, row-major. A byte counts as 1 if its lowest bit is set.
    ///
    /// # Panics
    /// If `bytes.len() != rows * inputs`.
    pub fn pack(&mut self, bytes: &[u8], rows: usize, inputs: usize) {
        assert_eq!(
            bytes.len(),
            rows * inputs,
            "bytes of a {rows} x {inputs} matrix"
        );
        self.resize(rows, inputs);
        if rows == 0 {
            return;
        }
        let whole = inputs / GROUP;
        for (r, bytes) in bytes.chunks_exact(inputs.max(1)).enumerate() {
            let (groups, rest) = bytes.as_chunks::<GROUP>();
            for (g, group) in groups.iter().enumerate() {
                let word = u32::from_le_bytes(*group) & 0x0101_0101;
                // Byte k moves to bit 24 + k; the other partial products stay below bit 24 or
                // overflow, and no two meet.
                self.nibbles[g * rows + r] = (word.wrapping_mul(0x0102_0408) >> 24 & 15) as u8;
            }
            if !rest.is_empty() {
                let bits = rest.iter().enumerate();
                self.nibbles[whole * rows + r] = bits.map(|(k, b)| (b & 1) << k).sum();
            }
        }
    }

    /// Packs the transpose of `inputs × rows` bytes: input `i` of row `r` is `bytes[i * rows + r]`.
    /// This is the shape of the statistics `Vᵀ·H` of a batch.
    ///
    /// # Panics
    /// If `bytes.len() != rows * inputs`.
    pub fn pack_transposed(&mut self, bytes: &[u8], inputs: usize, rows: usize) {
        assert_eq!(
            bytes.len(),
            rows * inputs,
            "bytes of a {inputs} x {rows} matrix"
        );
        self.resize(rows, inputs);
        if rows == 0 {
            return;
        }
        vectorize(Transpose {
            bytes,
            rows,
            nibbles: &mut self.nibbles,
        });
    }
}

struct Transpose<'a> {
    bytes: &'a [u8],
    rows: usize,
    nibbles: &'a mut [u8],
}

impl Vectorize for Transpose<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let rows = self.rows;
        for (out, rows_in) in self
            .nibbles
            .chunks_exact_mut(rows)
            .zip(self.bytes.chunks(GROUP * rows))
        {
            out.fill(0);
            for (i, row) in rows_in.chunks_exact(rows).enumerate() {
                for (o, &b) in out.iter_mut().zip(row) {
                    *o |= (b & 1) << i;
                }
            }
        }
    }
}

/// What a product is added to.
#[derive(Clone, Copy, Debug)]
pub enum Init<'a, F> {
    /// Nothing: `out = B·W`.
    Zero,
    /// The same row everywhere, a bias: `out[r] = bias + (B·W)[r]`.
    Bias(&'a [F]),
    /// What `out` holds: `out += B·W`.
    Accumulate,
}

/// Caller-owned scratch of [`multiply`]: 256 bytes per row, kept from call to call.
#[derive(Clone, Debug, Default)]
pub struct Scratch<F> {
    narrow: Vec<Row<F, 32>>,
    wide: Vec<Row<F, 64>>,
}

/// A strip of one row, on cache lines of its own.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Row<F, const WIDTH: usize>([F; WIDTH]);

/// `out = init + B·W`, with `B` packed (`rows × inputs`), `weights` row-major
/// (`inputs × columns`) and `out` row-major (`rows × columns`).
///
/// Cost: `rows · inputs · columns / 4` additions and as many table look-ups from L1, plus
/// `4 · inputs · columns` additions for the tables. See the [module](self) for order and error.
/// Allocates only if `scratch` has to grow.
///
/// # Panics
/// If a length does not match.
///
/// ```
/// use ergodic_math::binary::{Init, PackedBits, Scratch, multiply};
///
/// let mut bits = PackedBits::default();
/// bits.pack(&[1, 0, 1, 0, 1, 1], 2, 3);
/// let w = [1.0f32, 10.0, 2.0, 20.0, 4.0, 40.0]; // 3 × 2
/// let mut out = [0.0; 4];
/// multiply(&bits, &w, 2, Init::Zero, &mut out, &mut Scratch::default());
/// assert_eq!(out, [5.0, 50.0, 6.0, 60.0]);
/// ```
pub fn multiply<F: Real>(
    bits: &PackedBits,
    weights: &[F],
    columns: usize,
    init: Init<'_, F>,
    out: &mut [F],
    scratch: &mut Scratch<F>,
) {
    assert_eq!(weights.len(), bits.inputs * columns, "weights");
    assert_eq!(out.len(), bits.rows * columns, "out");
    if let Init::Bias(bias) = init {
        assert_eq!(bias.len(), columns, "bias");
    }
    if bits.rows == 0 || columns == 0 {
        return;
    }
    if size_of::<F>() == 4 {
        vectorize(Multiply::<F, 64> {
            bits,
            weights,
            columns,
            init,
            out,
            strip: strip(&mut scratch.wide, bits.rows),
        });
    } else {
        vectorize(Multiply::<F, 32> {
            bits,
            weights,
            columns,
            init,
            out,
            strip: strip(&mut scratch.narrow, bits.rows),
        });
    }
}

fn strip<F: Real, const WIDTH: usize>(
    rows: &mut Vec<Row<F, WIDTH>>,
    n: usize,
) -> &mut [Row<F, WIDTH>] {
    if rows.len() < n {
        rows.resize(n, Row([F::ZERO; WIDTH]));
    }
    &mut rows[..n]
}

/// One L1 block: subset sums of `TABLES` groups of four inputs over `WIDTH` columns.
#[repr(C, align(64))]
struct Tables<F, const WIDTH: usize>([[[F; WIDTH]; 1 << GROUP]; TABLES]);

struct Multiply<'a, F, const WIDTH: usize> {
    bits: &'a PackedBits,
    weights: &'a [F],
    columns: usize,
    init: Init<'a, F>,
    out: &'a mut [F],
    /// Sums of the present columns: contiguous and aligned, unlike the rows of `out`.
    strip: &'a mut [Row<F, WIDTH>],
}

impl<F: Real, const WIDTH: usize> Vectorize for Multiply<'_, F, WIDTH> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self {
            bits,
            weights,
            columns,
            init,
            out,
            strip,
        } = self;
        let rows = bits.rows;
        let groups = bits.inputs.div_ceil(GROUP);
        let mut tables = Tables([[[F::ZERO; WIDTH]; 1 << GROUP]; TABLES]);
        for column in (0..columns).step_by(WIDTH) {
            let width = WIDTH.min(columns - column);
            if groups == 0 {
                strip.fill(Row([F::ZERO; WIDTH]));
            }
            for group in (0..groups).step_by(TABLES) {
                let used = TABLES.min(groups - group);
                for (g, table) in tables.0.iter_mut().enumerate() {
                    let first = GROUP * (group + g);
                    build(table, weights, columns, first, bits.inputs, column, width);
                }
                let nibbles = &bits.nibbles[group * rows..(group + used) * rows];
                // Groups that the last block lacks read any nibble: their tables are zero.
                let [n0, n1, n2, n3, n4, n5, n6, n7]: [&[u8]; TABLES] =
                    std::array::from_fn(|g| &nibbles[g.min(used - 1) * rows..][..rows]);
                for (r, row) in strip.iter_mut().enumerate() {
                    let e =
                        tables.entries([n0[r], n1[r], n2[r], n3[r], n4[r], n5[r], n6[r], n7[r]]);
                    if group == 0 {
                        for j in 0..WIDTH {
                            row.0[j] = sum(&e, j);
                        }
                    } else {
                        for j in 0..WIDTH {
                            row.0[j] += sum(&e, j);
                        }
                    }
                }
            }
            for (row, out) in strip.iter().zip(out.chunks_exact_mut(columns)) {
                let out = &mut out[column..column + width];
                match init {
                    Init::Zero => out.copy_from_slice(&row.0[..width]),
                    Init::Bias(bias) => {
                        for ((o, s), b) in out.iter_mut().zip(&row.0).zip(&bias[column..]) {
                            *o = *b + *s;
                        }
                    }
                    Init::Accumulate => {
                        for (o, s) in out.iter_mut().zip(&row.0) {
                            *o += *s;
                        }
                    }
                }
            }
        }
    }
}

impl<F, const WIDTH: usize> Tables<F, WIDTH> {
    /// One entry of each table.
    #[inline(always)]
    fn entries(&self, nibbles: [u8; TABLES]) -> [&[F; WIDTH]; TABLES] {
        std::array::from_fn(|g| &self.0[g][usize::from(nibbles[g] & 15)])
    }
}

/// Column `j` of the entries of a block, from left to right.
#[inline(always)]
fn sum<F: Real, const WIDTH: usize>(e: &[&[F; WIDTH]; TABLES], j: usize) -> F {
    e[0][j] + e[1][j] + e[2][j] + e[3][j] + e[4][j] + e[5][j] + e[6][j] + e[7][j]
}

/// The 16 subset sums of inputs `first..first + 4` over columns `column..column + width`.
#[inline(always)]
fn build<F: Real, const WIDTH: usize>(
    table: &mut [[F; WIDTH]; 1 << GROUP],
    weights: &[F],
    columns: usize,
    first: usize,
    inputs: usize,
    column: usize,
    width: usize,
) {
    let zero = [F::ZERO; WIDTH];
    let mut copies = [[F::ZERO; WIDTH]; GROUP];
    let row = |k: usize| {
        let at = (first + k) * columns + column;
        (first + k < inputs).then(|| &weights[at..at + width])
    };
    if width < WIDTH {
        for (k, copy) in copies.iter_mut().enumerate() {
            if let Some(row) = row(k) {
                copy[..width].copy_from_slice(row);
            }
        }
    }
    let w: [&[F; WIDTH]; GROUP] = std::array::from_fn(|k| match row(k) {
        None => &zero,
        Some(row) => row.try_into().unwrap_or(&copies[k]),
    });
    for j in 0..WIDTH {
        let low = [F::ZERO, w[0][j], w[1][j], w[0][j] + w[1][j]];
        let high = [F::ZERO, w[2][j], w[3][j], w[2][j] + w[3][j]];
        for m in 0..1 << GROUP {
            table[m][j] = low[m & 3] + high[m >> 2];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng;
    use rand::Rng;

    fn bytes(rng: &mut impl Rng, n: usize) -> Vec<u8> {
        (0..n).map(|_| (rng.next_u32() >> 31) as u8).collect()
    }

    fn reference<F: Real>(b: &[u8], w: &[F], rows: usize, inputs: usize, columns: usize) -> Vec<F> {
        let mut out = vec![F::ZERO; rows * columns];
        for r in 0..rows {
            for j in 0..columns {
                let term = |i: usize| {
                    if i < inputs && b[r * inputs + i] == 1 {
                        w[i * columns + j]
                    } else {
                        F::ZERO
                    }
                };
                let group = |i: usize| (term(i) + term(i + 1)) + (term(i + 2) + term(i + 3));
                for block in (0..inputs).step_by(32) {
                    let mut sum = group(block);
                    for g in 1..8 {
                        sum += group(block + 4 * g);
                    }
                    out[r * columns + j] += sum;
                }
            }
        }
        out
    }

    fn sizes_agree_with_the_documented_order<F: Real>() {
        let mut rng = rng::stream(3, 0);
        let mut scratch = Scratch::default();
        for (rows, inputs, columns) in [
            (1, 1, 1),
            (3, 5, 7),
            (17, 33, 64),
            (5, 70, 131),
            (2, 4, 32),
            (9, 64, 200),
        ] {
            let b = bytes(&mut rng, rows * inputs);
            let w: Vec<F> = (0..inputs * columns)
                .map(|_| F::from_f64(rng::uniform(&mut rng) - 0.5))
                .collect();
            let expected = reference(&b, &w, rows, inputs, columns);
            let mut packed = PackedBits::default();
            packed.pack(&b, rows, inputs);
            let mut out = vec![F::ONE; rows * columns];
            multiply(&packed, &w, columns, Init::Zero, &mut out, &mut scratch);
            assert_eq!(out, expected, "{rows} x {inputs} x {columns}");

            let mut transposed = vec![0u8; rows * inputs];
            for r in 0..rows {
                for i in 0..inputs {
                    transposed[i * rows + r] = b[r * inputs + i];
                }
            }
            packed.pack_transposed(&transposed, inputs, rows);
            multiply(&packed, &w, columns, Init::Zero, &mut out, &mut scratch);
            assert_eq!(out, expected, "transposed {rows} x {inputs} x {columns}");
        }
    }

    #[test]
    fn f32_products_have_the_documented_order_bit_for_bit() {
        sizes_agree_with_the_documented_order::<f32>();
    }

    #[test]
    fn f64_products_have_the_documented_order_bit_for_bit() {
        sizes_agree_with_the_documented_order::<f64>();
    }

    #[test]
    fn products_of_integers_are_exact_and_add_to_what_init_says() {
        let mut rng = rng::stream(4, 0);
        let mut scratch = Scratch::default();
        let (rows, inputs, columns) = (20, 45, 70);
        let b = bytes(&mut rng, rows * inputs);
        let w: Vec<f32> = (0..inputs * columns)
            .map(|_| (rng.next_u32() % 1000) as f32)
            .collect();
        let bias: Vec<f32> = (0..columns).map(|j| j as f32).collect();
        let mut packed = PackedBits::default();
        packed.pack(&b, rows, inputs);
        let mut out = vec![0.0; rows * columns];
        multiply(
            &packed,
            &w,
            columns,
            Init::Bias(&bias),
            &mut out,
            &mut scratch,
        );
        multiply(
            &packed,
            &w,
            columns,
            Init::Accumulate,
            &mut out,
            &mut scratch,
        );
        for r in 0..rows {
            for j in 0..columns {
                let sum: u32 = (0..inputs)
                    .map(|i| u32::from(b[r * inputs + i]) * w[i * columns + j] as u32)
                    .sum();
                assert_eq!(out[r * columns + j], (2 * sum + j as u32) as f32);
            }
        }
    }

    #[test]
    fn empty_shapes_are_fine() {
        let mut packed = PackedBits::default();
        packed.pack(&[], 0, 5);
        multiply(
            &packed,
            &[0.0f32; 10],
            2,
            Init::Zero,
            &mut [],
            &mut Scratch::default(),
        );
        packed.pack(&[], 2, 0);
        let mut out = [1.0f64; 4];
        multiply(
            &packed,
            &[],
            2,
            Init::Bias(&[3.0, 4.0]),
            &mut out,
            &mut Scratch::default(),
        );
        assert_eq!(out, [3.0, 4.0, 3.0, 4.0]);
    }
}
