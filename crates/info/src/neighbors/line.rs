//! Counting within a radius on the line.

use std::hint::select_unpredictable;

use super::Reach;
use super::lanes::LANES;
use super::tree::{ordered, unordered};

/// The values of a sample in ascending order.
pub(crate) struct Line {
    sorted: Vec<f64>,
}

impl Line {
    /// Sorts the values, O(N log N).
    pub(crate) fn new(values: &[f64]) -> Self {
        // As integers of the same order they sort without branches.
        let mut keys: Vec<u64> = values.iter().map(|x| ordered(*x)).collect();
        keys.sort_unstable();
        let sorted = keys.iter().map(|key| unordered(*key)).collect();
        Self { sorted }
    }

    /// For each centre, how many values `x` have `|x − centre|` within its radius, by two binary
    /// searches each. The predicate is the difference itself as floating point computes it, so that
    /// a neighbour that defines a radius is on its edge and not beside it.
    pub(crate) fn counts(&self, centres: &[f64], radii: &[f64], reach: Reach, out: &mut [u32]) {
        let chunks = centres
            .chunks(LANES)
            .zip(radii.chunks(LANES))
            .zip(out.chunks_mut(LANES));
        for ((centres, radii), out) in chunks {
            // Short chunks are filled with any query.
            let (mut c, mut r) = ([0.0; LANES], [0.0; LANES]);
            c[..centres.len()].copy_from_slice(centres);
            r[..radii.len()].copy_from_slice(radii);
            let counts = match reach {
                Reach::Below => self.eight(&c, &r, |distance, radius| distance < radius),
                Reach::AtMost => self.eight(&c, &r, |distance, radius| distance <= radius),
            };
            out.copy_from_slice(&counts[..centres.len()]);
        }
    }

    #[inline(always)]
    fn eight(
        &self,
        centres: &[f64; LANES],
        radii: &[f64; LANES],
        within: impl Fn(f64, f64) -> bool,
    ) -> [u32; LANES] {
        // The first value that is not too far below, and the first that is too far above.
        let first =
            self.search(|x, lane| !within(centres[lane] - x, radii[lane]) && x < centres[lane]);
        let end =
            self.search(|x, lane| within(x - centres[lane], radii[lane]) || x < centres[lane]);
        std::array::from_fn(|lane| (end[lane].saturating_sub(first[lane])) as u32)
    }

    /// Eight binary searches in step: each waits for memory and comparison while the others go on.
    #[inline(always)]
    fn search(&self, before: impl Fn(f64, usize) -> bool) -> [usize; LANES] {
        let sorted = &self.sorted[..];
        let mut start = [0; LANES];
        let mut width = sorted.len();
        while width > 1 {
            let half = width / 2;
            for lane in 0..LANES {
                let middle = start[lane] + half;
                start[lane] =
                    select_unpredictable(before(sorted[middle - 1], lane), middle, start[lane]);
            }
            width -= half;
        }
        for lane in 0..LANES {
            if let Some(x) = sorted.get(start[lane]) {
                start[lane] += usize::from(before(*x, lane));
            }
        }
        start
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against all N² differences, on values with many ties and radii that are differences.
        #[test]
        fn counts_on_the_line_are_those_of_all_pairs(
            values in prop::collection::vec((-20i32..20).prop_map(|i| f64::from(i) * 0.1), 1..70),
            shift in -1e3..1e3f64,
        ) {
            let values: Vec<f64> = values.iter().map(|x| x + shift).collect();
            let line = Line::new(&values);
            let n = values.len();
            for other in 0..n {
                let radii: Vec<f64> = values.iter().map(|x| (x - values[other]).abs()).collect();
                for reach in [Reach::Below, Reach::AtMost] {
                    let mut counts = vec![0; n];
                    line.counts(&values, &radii, reach, &mut counts);
                    for i in 0..n {
                        let within = |x: &&f64| match reach {
                            Reach::Below => (*x - values[i]).abs() < radii[i],
                            Reach::AtMost => (*x - values[i]).abs() <= radii[i],
                        };
                        let truth = values.iter().filter(within).count();
                        prop_assert_eq!(counts[i] as usize, truth);
                    }
                }
            }
        }
    }
}
