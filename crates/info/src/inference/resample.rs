//! Data of which random parts can be drawn: what subsamples and the search for bias need.

use ergodic_core::Randomness;

use crate::{Counts, Sample};

/// Data that can be thinned: random parts of them are data of the same law.
///
/// Every [`Sample`] is (its rows are exchangeable), and [`Counts`] (a part is drawn as from an urn,
/// multivariate hypergeometric). Serially dependent data draw contiguous stretches:
/// [`series::Series`](crate::series::Series).
///
/// ```
/// use ergodic_info::inference::Resample;
/// use ergodic_info::Counts;
///
/// let urn = Counts::new([6, 3, 1])?;
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let (a, b) = urn.halves(&mut rng);
/// assert_eq!((a.size(), b.size()), (5, 5));
/// assert_eq!(a.as_slice()[0] + b.as_slice()[0], 6);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
pub trait Resample: Sized + Send + Sync {
    /// The number of observations.
    fn size(&self) -> usize;

    /// A uniformly random part of `size` observations, without replacement.
    ///
    /// # Panics
    /// If `size` is 0 or above [`size`](Self::size).
    fn part<R: Randomness + ?Sized>(&self, size: usize, rng: &mut R) -> Self;

    /// The data in two random halves that share no observation; of an odd number, the second has
    /// one more.
    ///
    /// # Panics
    /// If there are fewer than two observations.
    fn halves<R: Randomness + ?Sized>(&self, rng: &mut R) -> (Self, Self);
}

impl<S: Sample> Resample for S {
    fn size(&self) -> usize {
        self.len()
    }

    fn part<R: Randomness + ?Sized>(&self, size: usize, rng: &mut R) -> Self {
        let mut rows = first_rows(self.len(), size, rng);
        rows.truncate(size);
        self.select(&rows)
    }

    fn halves<R: Randomness + ?Sized>(&self, rng: &mut R) -> (Self, Self) {
        let middle = self.len() / 2;
        let rows = first_rows(self.len(), middle, rng);
        (self.select(&rows[..middle]), self.select(&rows[middle..]))
    }
}

/// The rows `0..len`, of which the first `size` are a random subset and the rest its complement
/// (a Fisher–Yates shuffle broken off). Both are in increasing order: memory is then read in
/// order, and estimators that add up rows in order do so alike for equal subsets.
fn first_rows<R: Randomness + ?Sized>(len: usize, size: usize, rng: &mut R) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..len).collect();
    for i in 0..size {
        rows.swap(i, i + rng.index(len - i));
    }
    rows[..size].sort_unstable();
    rows[size..].sort_unstable();
    rows
}

impl Resample for Counts {
    fn size(&self) -> usize {
        self.total() as usize
    }

    fn part<R: Randomness + ?Sized>(&self, size: usize, rng: &mut R) -> Self {
        let drawn = urn(self, size as u64, rng);
        self.with_counts(drawn)
    }

    fn halves<R: Randomness + ?Sized>(&self, rng: &mut R) -> (Self, Self) {
        let first = urn(self, self.total() / 2, rng);
        let rest = self.as_slice().iter().zip(&first).map(|(all, a)| all - a);
        let rest = self.with_counts(rest.collect());
        (self.with_counts(first), rest)
    }
}

/// How many of each symbol are among `wanted` observations drawn without replacement: observation
/// by observation, as each is taken with probability (places left)/(observations left). `O(total)`.
fn urn<R: Randomness + ?Sized>(counts: &Counts, wanted: u64, rng: &mut R) -> Vec<u64> {
    let (mut wanted, mut left) = (wanted, counts.total());
    let mut drawn = Vec::with_capacity(counts.as_slice().len());
    for &count in counts.as_slice() {
        let mut taken = 0;
        for _ in 0..count {
            if (rng.index(left as usize) as u64) < wanted {
                taken += 1;
                wanted -= 1;
            }
            left -= 1;
        }
        drawn.push(taken);
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Symbols;

    /// Exact law of parts: all subsets of 2 out of 5 rows are equally likely.
    #[test]
    fn parts_are_uniform_subsets() {
        const DRAWS: usize = 20_000;
        let codes: Vec<u32> = (0..5).collect();
        let all = Symbols::new(codes, 5).unwrap();
        let mut seen = std::collections::HashMap::new();
        for seed in 0..DRAWS as u64 {
            let part = all.part(2, &mut ergodic_math::rng::stream(seed, 0));
            *seen.entry(part.codes().to_vec()).or_insert(0.0) += 1.0;
        }
        assert_eq!(seen.len(), 10);
        // χ² of 9 degrees: P(χ² > 45) < 1e-6.
        let expected = DRAWS as f64 / 10.0;
        let chi: f64 = seen
            .values()
            .map(|n| (n - expected) * (n - expected) / expected)
            .sum();
        assert!(chi < 45.0, "χ² = {chi}");
    }

    /// Hypergeometric law of the first symbol among 3 of the urn (4, 2): P(k) = C(4,k)C(2,3−k)/20.
    #[test]
    fn parts_of_counts_are_hypergeometric() {
        const DRAWS: usize = 20_000;
        let urn = Counts::new([4, 2]).unwrap();
        let mut seen = [0.0; 4];
        for seed in 0..DRAWS as u64 {
            let part = urn.part(3, &mut ergodic_math::rng::stream(seed, 0));
            assert_eq!(part.total(), 3);
            seen[part.as_slice()[0] as usize] += 1.0;
        }
        let mut chi = 0.0;
        for (k, p) in [(1, 4.0), (2, 12.0), (3, 4.0)] {
            let expected = DRAWS as f64 * p / 20.0;
            chi += (seen[k] - expected) * (seen[k] - expected) / expected;
        }
        assert_eq!(seen[0], 0.0);
        // 2 degrees: P(χ² > 28) = e^{−14} < 1e-6.
        assert!(chi < 28.0, "χ² = {chi}, {seen:?}");
    }

    #[test]
    fn halves_share_nothing_and_miss_nothing() {
        let all = Symbols::new((0..11).collect::<Vec<u32>>(), 11).unwrap();
        let (a, b) = all.halves(&mut ergodic_math::rng::stream(3, 0));
        assert_eq!((a.len(), b.len()), (5, 6));
        let mut both = [a.codes(), b.codes()].concat();
        both.sort_unstable();
        assert_eq!(both, all.codes());
        let counts = Counts::observed_only([7, 0, 4]).unwrap();
        let (a, b) = counts.halves(&mut ergodic_math::rng::stream(3, 0));
        assert_eq!((a.total(), b.total()), (5, 6));
        assert_eq!(a.known_alphabet(), None);
        for i in 0..3 {
            assert_eq!(a.as_slice()[i] + b.as_slice()[i], counts.as_slice()[i]);
        }
    }
}
