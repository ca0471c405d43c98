//! Enumeration of {0,1}ⁿ in Gray-code order, one flipped bit at a time.
//!
//! The reflected binary code `g(r) = r ⊕ ⌊r/2⌋` visits every bit string once, and `g(r)` differs
//! from `g(r − 1)` in the bit whose index is the number of trailing zeros of `r` (Knuth, *TAOCP*
//! vol. 4A, §7.2.1.1). A model that can update its energy for one flip in `O(degree)` is thus
//! summed over all `2ⁿ` states at that cost per state.

use std::fmt;
use std::iter::FusedIterator;
use std::ops::Range;

/// The largest number of bits.
pub const MAX_BITS: u32 = 63;

/// More bits than can be enumerated, or a range of ranks beyond the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrayError {
    /// More than [`MAX_BITS`] bits.
    TooManyBits {
        /// The number of bits.
        bits: u32,
    },
    /// A range of ranks that is empty or ends beyond `2ⁿ`.
    Range {
        /// The first rank.
        start: u64,
        /// One past the last rank.
        end: u64,
        /// The number of states, `2ⁿ`.
        states: u64,
    },
}

impl fmt::Display for GrayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyBits { bits } => {
                write!(f, "bits is {bits}, but must be at most {MAX_BITS}")
            }
            Self::Range { start, end, states } => write!(
                f,
                "ranks are {start}..{end}, but must be a non-empty part of 0..{states}"
            ),
        }
    }
}

impl std::error::Error for GrayError {}

/// The code word of rank `r`: `r ⊕ ⌊r/2⌋`, with bit `i` of the word the value of variable `i`.
///
/// ```
/// use ergodic_math::gray::code;
///
/// assert_eq!([0, 1, 2, 3].map(code), [0b00, 0b01, 0b11, 0b10]);
/// ```
#[inline]
pub fn code(rank: u64) -> u64 {
    rank ^ (rank >> 1)
}

/// The rank of a code word, the inverse of [`code`]; six steps.
///
/// ```
/// use ergodic_math::gray::{code, rank};
///
/// assert_eq!(rank(code(123_456_789)), 123_456_789);
/// ```
#[inline]
pub fn rank(code: u64) -> u64 {
    let mut r = code;
    for shift in [1, 2, 4, 8, 16, 32] {
        r ^= r >> shift;
    }
    r
}

/// One step of the enumeration: `bit` now has the value `value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flip {
    /// The index of the variable that changes.
    pub bit: usize,
    /// Its new value.
    pub value: bool,
}

/// The flips that lead from the first state of a range of ranks through all others.
///
/// A range of `m` ranks has one [`start`](Self::start) state and `m − 1` flips.
///
/// ```
/// use ergodic_math::gray::GrayCode;
///
/// // Number of states of each magnetisation of four spins, by O(1) updates.
/// let mut walk = GrayCode::new(4)?;
/// let mut up = walk.start().count_ones() as usize;
/// let mut counts = [0; 5];
/// counts[up] += 1;
/// for flip in walk {
///     if flip.value { up += 1 } else { up -= 1 }
///     counts[up] += 1;
/// }
/// assert_eq!(counts, [1, 4, 6, 4, 1]);
/// # Ok::<(), ergodic_math::gray::GrayError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrayCode {
    rank: u64,
    end: u64,
}

impl GrayCode {
    /// All of {0,1}ⁿ from the zero state, for `n` up to [`MAX_BITS`].
    ///
    /// # Errors
    /// [`GrayError::TooManyBits`].
    pub fn new(bits: u32) -> Result<Self, GrayError> {
        Ok(Self {
            rank: 0,
            end: states(bits)?,
        })
    }

    /// The states of ranks `range`, for one of many workers.
    ///
    /// # Errors
    /// [`GrayError`] for too many bits, an empty range or one beyond `2ⁿ`.
    pub fn range(bits: u32, range: Range<u64>) -> Result<Self, GrayError> {
        let states = states(bits)?;
        let Range { start, end } = range;
        if start >= end || end > states {
            return Err(GrayError::Range { start, end, states });
        }
        Ok(Self { rank: start, end })
    }

    /// `2ᵏ` walks of equal length that together visit all of {0,1}ⁿ, `k = log2_parts` at most
    /// `n`. The high `k` bits are constant within a walk.
    ///
    /// # Errors
    /// [`GrayError::TooManyBits`], also for more parts than states.
    ///
    /// ```
    /// use ergodic_math::gray::GrayCode;
    ///
    /// let starts: Vec<u64> = GrayCode::split(4, 2)?.map(|walk| walk.start()).collect();
    /// assert_eq!(starts, [0b0000, 0b0110, 0b1100, 0b1010]);
    /// # Ok::<(), ergodic_math::gray::GrayError>(())
    /// ```
    pub fn split(
        bits: u32,
        log2_parts: u32,
    ) -> Result<impl ExactSizeIterator<Item = Self> + Clone, GrayError> {
        states(bits)?;
        let Some(low) = bits.checked_sub(log2_parts) else {
            return Err(GrayError::TooManyBits { bits: log2_parts });
        };
        // A range of `u64` has no exact size; `usize` has 64 bits wherever 2ᵏ walks fit.
        Ok((0..1usize << log2_parts).map(move |part| {
            let rank = (part as u64) << low;
            Self {
                rank,
                end: rank + (1 << low),
            }
        }))
    }

    /// The state that the walk stands on: before the first flip its start, bit `i` for variable
    /// `i`.
    #[inline]
    pub fn start(&self) -> u64 {
        code(self.rank)
    }
}

fn states(bits: u32) -> Result<u64, GrayError> {
    if bits > MAX_BITS {
        return Err(GrayError::TooManyBits { bits });
    }
    Ok(1 << bits)
}

impl Iterator for GrayCode {
    type Item = Flip;

    #[inline(always)]
    fn next(&mut self) -> Option<Flip> {
        let next = self.rank + 1;
        if next >= self.end {
            return None;
        }
        self.rank = next;
        let bit = next.trailing_zeros();
        Some(Flip {
            bit: bit as usize,
            value: (code(next) >> bit) & 1 == 1,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.end - self.rank - 1);
        (left.unwrap_or(usize::MAX), left.ok())
    }
}

impl FusedIterator for GrayCode {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn walk(mut gray: GrayCode) -> Vec<u64> {
        let mut states = vec![gray.start()];
        while let Some(Flip { bit, value }) = gray.next() {
            let x = states[states.len() - 1];
            assert_ne!((x >> bit) & 1 == 1, value, "a flip changes its bit");
            states.push(x ^ (1 << bit));
            assert_eq!(gray.start(), x ^ (1 << bit));
        }
        states
    }

    #[test]
    fn every_state_is_visited_exactly_once() {
        for n in 0..=12 {
            let states = walk(GrayCode::new(n).unwrap());
            assert_eq!(states.len(), 1 << n);
            assert!(states.iter().all(|&x| x < 1 << n));
            assert_eq!(states.iter().collect::<HashSet<_>>().len(), 1 << n);
        }
    }

    #[test]
    fn split_walks_concatenate_to_the_whole_and_hold_high_bits() {
        for k in 0..=9 {
            let mut all = Vec::new();
            for part in GrayCode::split(9, k).unwrap() {
                let states = walk(part);
                assert!(states.iter().all(|x| x >> (9 - k) == states[0] >> (9 - k)));
                all.extend(states);
            }
            assert_eq!(all, walk(GrayCode::new(9).unwrap()));
        }
    }

    #[test]
    fn any_range_is_a_part_of_the_whole() {
        let all = walk(GrayCode::new(7).unwrap());
        for (start, end) in [(0, 1), (3, 77), (64, 128), (127, 128)] {
            let part = walk(GrayCode::range(7, start..end).unwrap());
            assert_eq!(part, &all[start as usize..end as usize]);
        }
    }

    #[test]
    fn rank_inverts_code_at_the_edges() {
        for r in [0, 1, 2, u64::MAX, u64::MAX - 1, 1 << 63, (1 << 62) + 12345] {
            assert_eq!(rank(code(r)), r);
            assert_eq!(code(rank(r)), r);
        }
    }

    #[test]
    fn sixty_three_bits_are_the_limit() {
        let mut last = GrayCode::range(63, (1 << 63) - 3..1 << 63).unwrap();
        assert_eq!(last.size_hint(), (2, Some(2)));
        assert_eq!(last.by_ref().count(), 2);
        assert_eq!(last.start(), 1 << 62);
        assert_eq!(GrayCode::new(64), Err(GrayError::TooManyBits { bits: 64 }));
        assert!(GrayCode::split(3, 4).is_err());
        assert!(GrayCode::range(3, 4..4).is_err());
        assert!(GrayCode::range(3, 4..9).is_err());
    }
}
