//! Scrambled Sobol' points in any number of dimensions, from their definition.
//!
//! Sobol' (1967), in the recurrence of Bratley and Fox, *ACM TOMS* 14, 88 (1988): dimension `j` is
//! ruled by a primitive polynomial over GF(2), here found by search, and by initial odd numbers
//! `m₁, …, m_s`, here drawn once from a fixed stream instead of taken from a table. Every choice of
//! them gives a digital sequence in base 2. Each randomisation multiplies the generator matrices by
//! random lower-triangular ones and adds a random digital shift (Matoušek, *J. Complexity* 14, 527
//! (1998)): every point is then uniform on `[0, 1)ᵈ`, so that means are unbiased, and the points of
//! one randomisation stay a net.

use ergodic_math::rng;
use rand::Rng as _;

/// Bits of a point's index: up to 2³² points.
const BITS: usize = 32;
/// Bits of a coordinate.
const DIGITS: usize = 53;
/// The stream of the initial numbers, the same for all sequences.
const INITIAL: u64 = 0x50B0;

/// Primitive polynomials over GF(2) in the order of their value, as bit masks with the constant
/// term last; the first is `x + 1`.
fn primitive_polynomials(count: usize) -> Vec<u32> {
    let mut found = Vec::with_capacity(count);
    for degree in 1u32.. {
        let order = (1u32 << degree) - 1;
        for middle in 0..1u32 << (degree - 1) {
            let polynomial = 1 << degree | middle << 1 | 1;
            if order_of_x(polynomial, degree) == order {
                found.push(polynomial);
                if found.len() == count {
                    return found;
                }
            }
        }
    }
    found
}

/// The smallest `k ≥ 1` with `xᵏ = 1` modulo a polynomial with constant term 1.
fn order_of_x(polynomial: u32, degree: u32) -> u32 {
    let mut power = 1u32;
    let mut k = 0;
    loop {
        k += 1;
        power <<= 1;
        if power >> degree & 1 == 1 {
            power ^= polynomial;
        }
        if power == 1 {
            return k;
        }
    }
}

/// The columns of the generator matrix of each dimension, most significant digit in bit 31.
fn directions(dimensions: usize) -> Vec<[u32; BITS]> {
    let mut random = rng::stream(INITIAL, 0);
    let mut all = Vec::with_capacity(dimensions);
    if dimensions > 0 {
        all.push(std::array::from_fn(|k| 1 << (BITS - 1 - k))); // van der Corput
    }
    for polynomial in primitive_polynomials(dimensions.saturating_sub(1)) {
        let degree = polynomial.ilog2() as usize;
        let mut v = [0u32; BITS];
        for k in 0..BITS {
            v[k] = if k < degree {
                // Odd and below 2^(k + 1).
                let m = (random.next_u32() >> (31 - k)) | 1;
                m << (BITS - 1 - k)
            } else {
                let mut next = v[k - degree] ^ (v[k - degree] >> degree);
                for i in 1..degree {
                    if polynomial >> (degree - i) & 1 == 1 {
                        next ^= v[k - i];
                    }
                }
                next
            };
        }
        all.push(v);
    }
    all
}

/// One randomisation of the sequence, visited point by point.
#[derive(Clone, Debug)]
pub(crate) struct Sobol {
    columns: Vec<[u64; BITS]>,
    current: Vec<u64>,
    visited: u64,
}

impl Sobol {
    /// Randomisation `number` under `seed`.
    pub(crate) fn scrambled(dimensions: usize, seed: u64, number: u64) -> Self {
        let mut random = rng::stream(seed, 2 * number);
        let columns = directions(dimensions)
            .iter()
            .map(|v| {
                // Row i of the lower-triangular matrix: any digits above, 1 on the diagonal.
                let rows: [u32; DIGITS] = std::array::from_fn(|i| {
                    let word = random.next_u32();
                    if i < BITS {
                        let diagonal = 1u32 << (BITS - 1 - i);
                        (word & !(diagonal | (diagonal - 1))) | diagonal
                    } else {
                        word
                    }
                });
                std::array::from_fn(|k| {
                    rows.iter().fold(0u64, |digits, row| {
                        digits << 1 | u64::from((row & v[k]).count_ones() & 1)
                    })
                })
            })
            .collect();
        let current = (0..dimensions)
            .map(|_| random.next_u64() >> (64 - DIGITS))
            .collect();
        Self {
            columns,
            current,
            visited: 0,
        }
    }

    /// Writes the next point; the coordinates lie inside `(0, 1)`, in the middle of their cells.
    pub(crate) fn next(&mut self, point: &mut [f64]) {
        const CELL: f64 = 1.0 / (1u64 << DIGITS) as f64;
        if self.visited > 0 {
            let digit = self.visited.trailing_zeros() as usize;
            for (x, column) in self.current.iter_mut().zip(&self.columns) {
                *x ^= column[digit % BITS];
            }
        }
        self.visited += 1;
        for (u, &x) in point.iter_mut().zip(&self.current) {
            *u = (x as f64 + 0.5) * CELL;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primitive_polynomials_are_those_of_the_tables() {
        // x+1, x²+x+1, x³+x+1, x³+x²+1, x⁴+x+1, x⁴+x³+1; φ(2ˢ − 1)/s of degree s.
        let all = primitive_polynomials(1 + 1 + 2 + 2 + 6 + 6 + 18);
        assert_eq!(all[..6], [0b11, 0b111, 0b1011, 0b1101, 0b10011, 0b11001]);
        for (degree, count) in [(5, 6), (6, 6), (7, 18)] {
            let found = all.iter().filter(|p| p.ilog2() == degree).count();
            assert_eq!(found, count, "degree {degree}");
        }
    }

    #[test]
    fn every_coordinate_of_a_net_falls_once_into_each_of_its_intervals() {
        let (dimensions, points) = (40, 256);
        let mut net = Sobol::scrambled(dimensions, 3, 1);
        let mut seen = vec![vec![0; points]; dimensions];
        let mut point = vec![0.0; dimensions];
        for _ in 0..points {
            net.next(&mut point);
            for (seen, u) in seen.iter_mut().zip(&point) {
                seen[(u * points as f64) as usize] += 1;
            }
        }
        assert!(seen.iter().flatten().all(|&n| n == 1));
    }

    #[test]
    fn the_first_two_dimensions_are_a_net_in_every_elementary_box() {
        // A (0, m, 2)-net: each box of area 2⁻⁸ with sides 2⁻ᵃ, 2⁻ᵇ holds one of 256 points.
        let mut net = Sobol::scrambled(2, 9, 4);
        let mut points = Vec::new();
        for _ in 0..256 {
            let mut p = [0.0; 2];
            net.next(&mut p);
            points.push(p);
        }
        for a in 0..=8u32 {
            let mut seen = [0; 256];
            for p in &points {
                let i = (p[0] * f64::from(1u32 << a)) as usize;
                let j = (p[1] * f64::from(1u32 << (8 - a))) as usize;
                seen[i << (8 - a) | j] += 1;
            }
            assert!(seen.iter().all(|&n| n == 1), "sides 2^-{a}, 2^-{}", 8 - a);
        }
    }

    #[test]
    fn a_smooth_integral_converges_faster_than_by_independent_points() {
        // ∫ Π (1 + (uⱼ − ½)/(j + 1)) = 1; one point has a standard deviation of about 0.36.
        let n = 1 << 12;
        let mut worst = 0.0f64;
        for number in 0..8 {
            let mut net = Sobol::scrambled(8, 5, number);
            let mut p = [0.0; 8];
            let mut sum = 0.0;
            for _ in 0..n {
                net.next(&mut p);
                sum += p
                    .iter()
                    .enumerate()
                    .map(|(j, u)| 1.0 + (u - 0.5) / (j + 1) as f64)
                    .product::<f64>();
            }
            worst = worst.max((sum / f64::from(n) - 1.0).abs());
        }
        assert!(worst < 3e-4, "{worst:e}, independent points give 6e-3");
    }
}
