//! Sorting positions by value: one radix sort per quantity, from which every rank comes.

/// Below this many values a comparison sort is faster.
const FEW: usize = 1 << 11;

/// A run of values with equal keys longer than this is left to the sort of the library.
const LONG_RUN: usize = 24;

/// The bits of a digit of each pass, 32 in all.
const DIGITS: [u32; 3] = [11, 11, 10];

/// Buffers of [`Order::sort`], kept from one quantity to the next.
#[derive(Default)]
pub(crate) struct Order {
    /// Positions by ascending value.
    pub(crate) positions: Vec<u32>,
    /// The values in that order.
    pub(crate) sorted: Vec<f64>,
    packed: Vec<u64>,
    other: Vec<u64>,
}

/// The upper half of the bits of `x`, mapped so that they ascend with `x`.
#[inline(always)]
fn key(x: f64) -> u32 {
    let bits = (x.to_bits() >> 32) as u32;
    // Negative numbers descend with their bits.
    bits ^ (((bits as i32 >> 31) as u32) | 0x8000_0000)
}

impl Order {
    /// Sorts the positions of finite values, fewer than 2³² of them.
    ///
    /// The values are moved to the middle of the sample, where floating-point numbers resolve
    /// best; a least-significant-digit radix sort orders the upper halves of their bits, and the
    /// few that still agree are ordered by value. `x − c` ascends with `x` for every `c`, rounded
    /// or not, so the middle may be a guess.
    pub(crate) fn sort(&mut self, values: &[f64]) {
        self.packed.clear();
        if values.len() < FEW {
            self.packed.extend(0..values.len() as u64);
            self.packed
                .sort_by(|&a, &b| values[a as usize].total_cmp(&values[b as usize]));
        } else {
            self.radix_sort(values);
        }
        self.positions.clear();
        self.positions.extend(self.packed.iter().map(|&p| p as u32));
        self.sorted.clear();
        self.sorted
            .extend(self.positions.iter().map(|&p| values[p as usize]));
        if values.len() >= FEW {
            self.finish_runs();
        }
    }

    /// Orders by the upper halves alone; equal keys stay in the order of their positions.
    fn radix_sort(&mut self, values: &[f64]) {
        let middle = guess_of_median(values);
        let mut counts = vec![[0u32; 1 << 11]; 3];
        let shifts = [32, 32 + DIGITS[0], 32 + DIGITS[0] + DIGITS[1]];
        let digit = |packed: u64, pass: usize| {
            ((packed >> shifts[pass]) & ((1 << DIGITS[pass]) - 1)) as usize
        };
        self.packed.extend(values.iter().enumerate().map(|(i, &x)| {
            let packed = u64::from(key(x - middle)) << 32 | i as u64;
            for pass in 0..3 {
                counts[pass][digit(packed, pass)] += 1;
            }
            packed
        }));
        self.other.clear();
        self.other.resize(values.len(), 0);
        for (pass, counts) in counts.iter_mut().enumerate() {
            let mut next = 0;
            for count in counts.iter_mut() {
                next += std::mem::replace(count, next);
            }
            for &packed in &self.packed {
                let slot = &mut counts[digit(packed, pass)];
                self.other[*slot as usize] = packed;
                *slot += 1;
            }
            std::mem::swap(&mut self.packed, &mut self.other);
        }
    }

    /// Orders by value what the keys could not tell apart.
    fn finish_runs(&mut self) {
        let n = self.sorted.len();
        let mut i = 1;
        while i < n {
            if self.sorted[i - 1] <= self.sorted[i] {
                i += 1;
                continue;
            }
            // Out of order: the run of this key has to be sorted.
            let key = self.packed[i] >> 32;
            let run = |p: &u64| p >> 32 == key;
            let start = i - self.packed[..i].iter().rev().take_while(|p| run(p)).count();
            let end = i + self.packed[i..].iter().take_while(|p| run(p)).count();
            if end - start <= LONG_RUN {
                for j in start + 1..end {
                    let mut k = j;
                    while k > start && self.sorted[k - 1] > self.sorted[k] {
                        self.sorted.swap(k - 1, k);
                        self.positions.swap(k - 1, k);
                        k -= 1;
                    }
                }
            } else {
                let mut pairs: Vec<(f64, u32)> = self.sorted[start..end]
                    .iter()
                    .copied()
                    .zip(self.positions[start..end].iter().copied())
                    .collect();
                pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
                for (j, (value, position)) in pairs.into_iter().enumerate() {
                    self.sorted[start + j] = value;
                    self.positions[start + j] = position;
                }
            }
            i = end;
        }
    }
}

/// The median of some of the values, evenly taken.
fn guess_of_median(values: &[f64]) -> f64 {
    const TAKEN: usize = 63;
    let mut some: Vec<f64> = values
        .iter()
        .step_by((values.len() / TAKEN).max(1))
        .copied()
        .collect();
    some.sort_by(f64::total_cmp);
    some[some.len() / 2]
}

/// The quantile of probability `p` of sorted values: linear between the order statistics around
/// `(N − 1)p` (type 7 of Hyndman and Fan, *Am. Stat.* 50, 1996).
pub(crate) fn quantile_of_sorted(sorted: &[f64], p: f64) -> f64 {
    let at = (sorted.len() - 1) as f64 * p;
    let below = (at as usize).min(sorted.len() - 1);
    let above = (below + 1).min(sorted.len() - 1);
    between(sorted[below], sorted[above], at - below as f64)
}

/// `a + share·(b − a)`, exact at both ends and without overflow; `a ≤ b`.
pub(crate) fn between(a: f64, b: f64, share: f64) -> f64 {
    let step = b - a;
    if step.is_finite() {
        (a + share * step).min(b)
    } else {
        a * (1.0 - share) + b * share
    }
}

/// `sorted` with `more` at their places.
pub(crate) fn with_more(sorted: &[f64], more: &[f64]) -> Vec<f64> {
    let mut all = Vec::with_capacity(sorted.len() + more.len());
    all.extend_from_slice(sorted);
    all.extend_from_slice(more);
    // Finds the sorted run by itself.
    all.sort_by(f64::total_cmp);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use ergodic_math::rng;

    fn check(values: &[f64]) {
        let mut order = Order::default();
        order.sort(values);
        assert_eq!(order.sorted.len(), values.len());
        assert!(order.sorted.windows(2).all(|w| w[0] <= w[1]));
        let mut seen = vec![false; values.len()];
        for (&p, &x) in order.positions.iter().zip(&order.sorted) {
            assert_eq!(x.to_bits(), values[p as usize].to_bits());
            assert!(!std::mem::replace(&mut seen[p as usize], true));
        }
    }

    #[test]
    fn positions_are_a_permutation_that_sorts_whatever_the_values_are() {
        let mut random = rng::stream(5, 0);
        for n in [1usize, 2, 100, 2047, 2048, 30_000] {
            let mut z = vec![0.0; n];
            rng::fill_normal(&mut random, &mut z);
            check(&z);
            for f in [
                |x: f64| x * x * x * 1e100,
                |x: f64| 1e6 + x,
                |x: f64| 1e9 + 1e-9 * x,
                |x: f64| 1.0 + 1e-15 * x,
                |x: f64| (3.0 * x).round(),
                |x: f64| (0.2 * x).round() * 0.0,
                |x: f64| x * 1e-310,
                |x: f64| x.signum() * f64::MAX,
                |_: f64| 0.1,
            ] {
                check(&z.iter().map(|&x| f(x)).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn quantiles_of_equal_values_are_that_value() {
        for p in [0.05, 0.3, 0.95] {
            assert_eq!(quantile_of_sorted(&[0.1; 37], p), 0.1);
        }
        assert_eq!(quantile_of_sorted(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!(quantile_of_sorted(&[-f64::MAX, f64::MAX], 0.5), 0.0);
    }
}
