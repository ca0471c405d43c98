//! Data: what estimators take. A sample is a sequence of independent observations (or, where an
//! estimator says so, a series) that can be taken apart by rows.
//!
//! | type | one observation |
//! |---|---|
//! | [`Symbols`] | a symbol of a finite alphabet |
//! | [`Points`] | a point of ℝᵈ |
//! | [`Pair`], [`Triple`] | two or three of the above, seen together |
//!
//! [`Counts`] is a histogram: what is left of [`Symbols`] when their order is forgotten.

use std::collections::HashMap;
use std::hash::Hash;

use ergodic_core::Randomness;

use crate::InfoError;

/// Observations by row.
pub trait Sample: Clone + Send + Sync {
    /// The number of observations.
    fn len(&self) -> usize;

    /// Whether there are no observations; constructors refuse such samples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The observations of these rows, in this order, repetitions allowed. An alphabet stays what
    /// it was.
    ///
    /// # Panics
    /// If a row does not exist.
    fn select(&self, rows: &[usize]) -> Self;

    /// The observations in a uniformly random order (Fisher–Yates).
    fn shuffled<R: Randomness + ?Sized>(&self, rng: &mut R) -> Self
    where
        Self: Sized,
    {
        let mut rows: Vec<usize> = (0..self.len()).collect();
        for i in (1..rows.len()).rev() {
            rows.swap(i, rng.index(i + 1));
        }
        self.select(&rows)
    }
}

/// A sequence of symbols `0..alphabet`.
///
/// ```
/// use ergodic_info::{Sample, Symbols};
///
/// let s = Symbols::of(&["a", "b", "a", "c"])?;
/// assert_eq!((s.len(), s.alphabet(), s.codes()), (4, 3, &[0, 1, 0, 2][..]));
/// assert_eq!(s.counts().as_slice(), [2, 1, 1]);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbols {
    codes: Vec<u32>,
    alphabet: u32,
    /// Whether the alphabet is given; else it is what was seen.
    known: bool,
}

impl Symbols {
    /// Codes of a known alphabet `0..alphabet`.
    ///
    /// # Errors
    /// If there are no codes or one is not below `alphabet`.
    pub fn new(codes: impl Into<Vec<u32>>, alphabet: u32) -> Result<Self, InfoError> {
        let codes = codes.into();
        if codes.is_empty() {
            return Err(InfoError::argument(
                "codes",
                "an empty sample",
                "at least one symbol",
            ));
        }
        if let Some(i) = codes.iter().position(|c| *c >= alphabet) {
            return Err(InfoError::argument(
                "codes",
                format!("{} at position {i}", codes[i]),
                format!("below the alphabet's size, {alphabet}"),
            ));
        }
        Ok(Self {
            codes,
            alphabet,
            known: true,
        })
    }

    /// The distinct values of `values`, numbered as they appear; the alphabet is unknown and holds
    /// what was seen.
    ///
    /// # Errors
    /// If there are no values.
    pub fn of<T: Eq + Hash>(values: &[T]) -> Result<Self, InfoError> {
        if values.is_empty() {
            return Err(InfoError::argument(
                "values",
                "an empty sample",
                "at least one symbol",
            ));
        }
        let mut numbers: HashMap<&T, u32> = HashMap::new();
        let mut codes = Vec::with_capacity(values.len());
        for value in values {
            let next = u32::try_from(numbers.len()).map_err(|_| {
                InfoError::argument(
                    "values",
                    "a sample of more than 2³² symbols",
                    "at most 2³² distinct symbols",
                )
            })?;
            codes.push(*numbers.entry(value).or_insert(next));
        }
        let alphabet = u32::try_from(numbers.len()).map_err(|_| {
            InfoError::argument(
                "values",
                "a sample of more than 2³² symbols",
                "at most 2³² distinct symbols",
            )
        })?;
        Ok(Self {
            codes,
            alphabet,
            known: false,
        })
    }

    /// The codes.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// The size of the alphabet: as given, or the number of distinct symbols seen.
    pub fn alphabet(&self) -> u32 {
        self.alphabet
    }

    /// The size of the alphabet if it was given.
    pub fn known_alphabet(&self) -> Option<u32> {
        self.known.then_some(self.alphabet)
    }

    /// The histogram.
    pub fn counts(&self) -> Counts {
        Counts {
            of_symbol: histogram(&self.codes, self.alphabet as usize),
            total: self.codes.len() as u64,
            known: self.known,
        }
    }
}

/// How often each code occurs. Small alphabets are counted in four histograms by turns: an increment
/// waits for the one before it where both are of the same symbol, and equal symbols are common there.
fn histogram(codes: &[u32], alphabet: usize) -> Vec<u64> {
    /// 128 kB of counters, which stay in the second-level cache.
    const SMALL: usize = 8192;
    let mut counts = vec![0u64; alphabet];
    // Chunks keep the 32-bit counters from overflowing.
    if alphabet > SMALL || codes.len() < 4 * alphabet {
        for code in codes {
            counts[*code as usize] += 1;
        }
        return counts;
    }
    for chunk in codes.chunks(1 << 31) {
        let mut lanes = vec![[0u32; 4]; alphabet];
        let quads = chunk.chunks_exact(4);
        for (lane, code) in quads.remainder().iter().enumerate() {
            lanes[*code as usize][lane] += 1;
        }
        for quad in quads {
            for (lane, code) in quad.iter().enumerate() {
                lanes[*code as usize][lane] += 1;
            }
        }
        for (count, lanes) in counts.iter_mut().zip(&lanes) {
            *count += lanes.iter().map(|c| u64::from(*c)).sum::<u64>();
        }
    }
    counts
}

impl Sample for Symbols {
    fn len(&self) -> usize {
        self.codes.len()
    }

    fn select(&self, rows: &[usize]) -> Self {
        Self {
            codes: rows.iter().map(|r| self.codes[*r]).collect(),
            ..*self
        }
    }
}

/// A histogram: how often each symbol was seen.
///
/// ```
/// use ergodic_info::Counts;
///
/// let c = Counts::new([3, 0, 1])?; // three symbols exist
/// assert_eq!((c.total(), c.observed(), c.known_alphabet()), (4, 2, Some(3)));
/// let c = Counts::observed_only([3, 1])?; // there may be more
/// assert_eq!(c.known_alphabet(), None);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    of_symbol: Vec<u64>,
    total: u64,
    known: bool,
}

impl Counts {
    /// The histogram over a known alphabet, one count per symbol, zeros included.
    ///
    /// # Errors
    /// If there are no observations, or more than 2⁵³ of them.
    pub fn new(counts: impl Into<Vec<u64>>) -> Result<Self, InfoError> {
        Self::checked(counts.into(), true)
    }

    /// The histogram over an alphabet of unknown size.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn observed_only(counts: impl Into<Vec<u64>>) -> Result<Self, InfoError> {
        Self::checked(counts.into(), false)
    }

    fn checked(counts: Vec<u64>, known: bool) -> Result<Self, InfoError> {
        let total = counts.iter().try_fold(0u64, |sum, c| sum.checked_add(*c));
        match total {
            Some(0) => Err(InfoError::argument(
                "counts",
                "an empty sample",
                "positive somewhere",
            )),
            Some(total) if total <= 1 << 53 => Ok(Self {
                of_symbol: counts,
                total,
                known,
            }),
            _ => Err(InfoError::argument(
                "counts",
                "a histogram of more than 2⁵³ observations",
                "at most 2⁵³ observations, which f64 counts exactly",
            )),
        }
    }

    /// Other counts of the same alphabet, which may be all zero for a part of nothing.
    pub(crate) fn with_counts(&self, counts: Vec<u64>) -> Self {
        Self {
            total: counts.iter().sum(),
            of_symbol: counts,
            known: self.known,
        }
    }

    /// The counts.
    pub fn as_slice(&self) -> &[u64] {
        &self.of_symbol
    }

    /// The number of observations.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The number of symbols seen at least once.
    pub fn observed(&self) -> usize {
        self.of_symbol.iter().filter(|c| **c > 0).count()
    }

    /// The size of the alphabet if it is known.
    pub fn known_alphabet(&self) -> Option<usize> {
        self.known.then_some(self.of_symbol.len())
    }
}

/// Points of ℝᵈ: `len × dim`, row-major, finite.
///
/// ```
/// use ergodic_info::{Points, Sample};
///
/// let p = Points::new(vec![0.0, 1.0, 2.0, 3.0], 2)?;
/// assert_eq!((p.len(), p.dim(), p.row(1)), (2, 2, &[2.0, 3.0][..]));
/// assert!(Points::new(vec![0.0, f64::NAN], 1).is_err());
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    values: Vec<f64>,
    dim: usize,
}

impl Points {
    /// `values` by rows of `dim` coordinates.
    ///
    /// # Errors
    /// If there are none, their number is no multiple of `dim`, `dim` is zero, or a value is not
    /// finite (row and column are named).
    pub fn new(values: impl Into<Vec<f64>>, dim: usize) -> Result<Self, InfoError> {
        let values = values.into();
        if dim == 0 {
            return Err(InfoError::argument("dim", 0, "at least 1"));
        }
        if values.is_empty() {
            return Err(InfoError::argument(
                "values",
                "an empty sample",
                "at least one point",
            ));
        }
        if values.len() % dim != 0 {
            return Err(InfoError::argument(
                "values",
                format!("a list of {} numbers", values.len()),
                format!("a multiple of the dimension, {dim}, long"),
            ));
        }
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            return Err(InfoError::argument(
                "values",
                format!("{} in row {}, column {}", values[i], i / dim, i % dim),
                "finite",
            ));
        }
        Ok(Self { values, dim })
    }

    /// A sample on the line.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn scalar(values: impl Into<Vec<f64>>) -> Result<Self, InfoError> {
        Self::new(values, 1)
    }

    /// The number of coordinates.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// All values, row-major.
    pub fn as_slice(&self) -> &[f64] {
        &self.values
    }

    /// One point.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.dim..(i + 1) * self.dim]
    }

    /// Whether all points agree in this coordinate.
    ///
    /// # Panics
    /// If there is no such coordinate.
    pub fn is_constant(&self, coordinate: usize) -> bool {
        assert!(coordinate < self.dim, "no coordinate {coordinate}");
        let mut column = self.values[coordinate..].iter().step_by(self.dim);
        let first = column.next();
        column.all(|v| Some(v) == first)
    }
}

impl Sample for Points {
    fn len(&self) -> usize {
        self.values.len() / self.dim
    }

    fn select(&self, rows: &[usize]) -> Self {
        let mut values = Vec::with_capacity(rows.len() * self.dim);
        for row in rows {
            values.extend_from_slice(self.row(*row));
        }
        Self {
            values,
            dim: self.dim,
        }
    }
}

/// Two samples seen together: row `i` of `x` with row `i` of `y`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair<X, Y = X> {
    x: X,
    y: Y,
}

impl<X: Sample, Y: Sample> Pair<X, Y> {
    /// Joins two samples.
    ///
    /// # Errors
    /// If their lengths differ.
    pub fn new(x: X, y: Y) -> Result<Self, InfoError> {
        same_length("y", y.len(), x.len())?;
        Ok(Self { x, y })
    }

    /// Joins two samples that are known to be equally long.
    pub(crate) fn joined(x: X, y: Y) -> Self {
        Self { x, y }
    }

    /// The first part.
    pub fn x(&self) -> &X {
        &self.x
    }

    /// The second part.
    pub fn y(&self) -> &Y {
        &self.y
    }
}

impl<X: Sample, Y: Sample> Sample for Pair<X, Y> {
    fn len(&self) -> usize {
        self.x.len()
    }

    fn select(&self, rows: &[usize]) -> Self {
        Self {
            x: self.x.select(rows),
            y: self.y.select(rows),
        }
    }
}

/// Three samples seen together; the third is conditioned on.
#[derive(Clone, Debug, PartialEq)]
pub struct Triple<X, Y = X, Z = X> {
    x: X,
    y: Y,
    z: Z,
}

impl<X: Sample, Y: Sample, Z: Sample> Triple<X, Y, Z> {
    /// Joins three samples.
    ///
    /// # Errors
    /// If their lengths differ.
    pub fn new(x: X, y: Y, z: Z) -> Result<Self, InfoError> {
        same_length("y", y.len(), x.len())?;
        same_length("z", z.len(), x.len())?;
        Ok(Self { x, y, z })
    }

    /// The first part.
    pub fn x(&self) -> &X {
        &self.x
    }

    /// The second part.
    pub fn y(&self) -> &Y {
        &self.y
    }

    /// What is conditioned on.
    pub fn z(&self) -> &Z {
        &self.z
    }
}

impl<X: Sample, Y: Sample, Z: Sample> Sample for Triple<X, Y, Z> {
    fn len(&self) -> usize {
        self.x.len()
    }

    fn select(&self, rows: &[usize]) -> Self {
        Self {
            x: self.x.select(rows),
            y: self.y.select(rows),
            z: self.z.select(rows),
        }
    }
}

fn same_length(argument: &'static str, found: usize, expected: usize) -> Result<(), InfoError> {
    if found == expected {
        Ok(())
    } else {
        Err(InfoError::argument(
            argument,
            format!("a sample of {found} observations"),
            format!("as long as `x`, {expected}"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argument(error: InfoError) -> &'static str {
        match error {
            InfoError::Argument(error) => error.argument,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn bad_samples_name_their_argument() {
        assert_eq!(argument(Symbols::new([], 2).unwrap_err()), "codes");
        assert_eq!(argument(Symbols::new([0, 2], 2).unwrap_err()), "codes");
        assert_eq!(argument(Symbols::of::<u8>(&[]).unwrap_err()), "values");
        assert_eq!(argument(Counts::new([0, 0]).unwrap_err()), "counts");
        assert_eq!(argument(Counts::new([u64::MAX, 1]).unwrap_err()), "counts");
        assert_eq!(
            argument(Points::new([1.0, 2.0, 3.0], 2).unwrap_err()),
            "values"
        );
        assert_eq!(argument(Points::new([1.0], 0).unwrap_err()), "dim");
        let inf = Points::new([1.0, 2.0, 3.0, f64::INFINITY], 2).unwrap_err();
        assert!(inf.to_string().contains("row 1, column 1"), "{inf}");
        let (two, one) = (
            Points::scalar([1.0, 2.0]).unwrap(),
            Points::scalar([1.0]).unwrap(),
        );
        assert_eq!(
            argument(Pair::new(two.clone(), one.clone()).unwrap_err()),
            "y"
        );
        assert_eq!(
            argument(Triple::new(two.clone(), two, one).unwrap_err()),
            "z"
        );
    }

    #[test]
    fn rows_are_taken_together() {
        let x = Symbols::new([0, 1, 2], 4).unwrap();
        let y = Points::new([0.0, 0.5, 1.0, 1.5, 2.0, 2.5], 2).unwrap();
        let both = Pair::new(x, y).unwrap().select(&[2, 0, 0]);
        assert_eq!(both.x().codes(), [2, 0, 0]);
        assert_eq!(both.x().known_alphabet(), Some(4));
        assert_eq!(both.y().row(0), [2.0, 2.5]);
        assert_eq!(both.len(), 3);
        let order = |seed| {
            let codes: Vec<u32> = (0..5).collect();
            let all = Symbols::new(codes, 5).unwrap();
            let mut random = ergodic_math::rng::stream(seed, 0);
            all.shuffled(&mut random).codes().to_vec()
        };
        // Over all orders of 5 (120): 20,000 shuffles see each; the chance to miss one is below
        // 120·exp(−166).
        let seen: std::collections::HashSet<_> = (0..20_000).map(order).collect();
        assert_eq!(seen.len(), 120);
    }
}
