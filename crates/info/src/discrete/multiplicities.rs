//! How many symbols were seen how often: all that an estimator of entropy needs of a sample.

use crate::{Counts, InfoError};

/// Counts below this are tallied in a table; those above are sorted.
const TABLE: usize = 1024;

/// The multiplicities of a histogram: `mᵥ` symbols were seen `v` times each.
///
/// Entropy does not care which symbol is which, so estimators work on the distinct counts, of which
/// a sample of `n` observations has at most `√(2n)`.
///
/// ```
/// use ergodic_info::Counts;
/// use ergodic_info::discrete::Multiplicities;
///
/// let m = Multiplicities::of(&Counts::new([3, 1, 0, 1])?);
/// assert_eq!(m.pairs(), [(1, 2), (3, 1)]);
/// assert_eq!((m.total(), m.observed(), m.alphabet()), (5, 3, Some(4)));
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multiplicities {
    pairs: Vec<(u64, u64)>,
    total: u64,
    observed: u64,
    alphabet: Option<u64>,
}

impl Multiplicities {
    /// The multiplicities of a histogram. Cost: one pass, and sorting the counts above 1023.
    pub fn of(counts: &Counts) -> Self {
        Self::tally(
            counts.as_slice(),
            counts.total(),
            counts.known_alphabet().map(|k| k as u64),
        )
    }

    /// As [`of`](Self::of), from a slice whose sum is known to be `total`.
    pub(crate) fn tally(counts: &[u64], total: u64, alphabet: Option<u64>) -> Self {
        let mut table = [0u64; TABLE];
        let mut large = Vec::new();
        for &count in counts {
            match table.get_mut(count as usize) {
                Some(number) => *number += 1,
                None => large.push(count),
            }
        }
        let mut pairs: Vec<(u64, u64)> = (1..TABLE as u64)
            .zip(&table[1..])
            .filter(|(_, number)| **number > 0)
            .map(|(count, number)| (count, *number))
            .collect();
        large.sort_unstable();
        for count in large {
            match pairs.last_mut() {
                Some(last) if last.0 == count => last.1 += 1,
                _ => pairs.push((count, 1)),
            }
        }
        let observed = pairs.iter().map(|pair| pair.1).sum();
        Self {
            pairs,
            total,
            observed,
            alphabet,
        }
    }

    /// The distinct counts above 0 in increasing order, each with the number of symbols that have
    /// it.
    pub fn pairs(&self) -> &[(u64, u64)] {
        &self.pairs
    }

    /// The number of observations, at least 1.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The number of symbols seen.
    pub fn observed(&self) -> u64 {
        self.observed
    }

    /// The size of the alphabet if it is known, at least [`observed`](Self::observed).
    pub fn alphabet(&self) -> Option<u64> {
        self.alphabet
    }

    /// The number of symbols seen exactly `count` times, for `count ≥ 1`.
    pub fn seen(&self, count: u64) -> u64 {
        self.pairs
            .binary_search_by_key(&count, |pair| pair.0)
            .map_or(0, |i| self.pairs[i].1)
    }

    /// The same observations as of an alphabet of this size.
    ///
    /// # Errors
    /// If fewer symbols exist than were seen.
    pub fn with_alphabet(mut self, alphabet: u64) -> Result<Self, InfoError> {
        if alphabet < self.observed {
            return Err(InfoError::argument(
                "alphabet",
                alphabet,
                format!("at least the number of symbols seen, {}", self.observed),
            ));
        }
        self.alphabet = Some(alphabet);
        Ok(self)
    }

    /// The sample without one observation of a symbol that was seen `pairs()[index].0` times, and
    /// `None` if nothing would be left.
    ///
    /// # Panics
    /// If there is no such index.
    pub fn without_one(&self, index: usize) -> Option<Self> {
        let count = self.pairs[index].0;
        if self.total == 1 {
            return None;
        }
        let mut next = self.clone();
        next.total -= 1;
        next.pairs[index].1 -= 1;
        if count == 1 {
            next.observed -= 1;
        } else if index > 0 && next.pairs[index - 1].0 == count - 1 {
            next.pairs[index - 1].1 += 1;
        } else {
            next.pairs.insert(index, (count - 1, 1));
        }
        next.pairs.retain(|pair| pair.1 > 0);
        Some(next)
    }
}

impl From<&Counts> for Multiplicities {
    fn from(counts: &Counts) -> Self {
        Self::of(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_and_small_counts_are_tallied_alike() {
        let counts = vec![5000, 2, 1024, 1023, 0, 5000, 2, 1];
        let m = Multiplicities::of(&Counts::new(counts).unwrap());
        assert_eq!(m.pairs(), [(1, 1), (2, 2), (1023, 1), (1024, 1), (5000, 2)]);
        assert_eq!((m.observed(), m.seen(2), m.seen(3)), (7, 2, 0));
        assert!(m.clone().with_alphabet(6).is_err());
        assert_eq!(m.with_alphabet(7).unwrap().alphabet(), Some(7));
    }

    #[test]
    fn leaving_one_out_is_leaving_one_out_of_the_histogram() {
        let counts = [1u64, 1, 2, 4, 5, 5, 9];
        let m = Multiplicities::of(&Counts::new(counts).unwrap());
        for (index, pair) in m.pairs().iter().enumerate() {
            let mut less = counts;
            let place = less.iter().position(|c| *c == pair.0).unwrap();
            less[place] -= 1;
            let expected = Multiplicities::of(&Counts::new(less).unwrap());
            assert_eq!(m.without_one(index), Some(expected));
        }
        let single = Multiplicities::of(&Counts::new([1]).unwrap());
        assert_eq!(single.without_one(0), None);
    }
}
