//! Training data: binary rows, or rows of probabilities that are sampled anew.

use ergodic_core::{ArgumentError, Randomness};
use ergodic_math::rng;

/// The streams of [`Data::split`] and [`Data::to_bits`], apart from those of training.
const SPLIT: u64 = 0x91 << 48;
const BITS: u64 = 0x92 << 48;

/// Rows of visible units: bits, or the probabilities of bits.
///
/// A row of probabilities stands for the independent Bernoulli law of its pixels (a grey image);
/// training draws fresh bits from it whenever it comes up, so that the objective is the expected
/// log-likelihood under that law.
///
/// ```
/// use ergodic_models::rbm::Data;
///
/// let data = Data::binary(2, 3, vec![1, 0, 1, 1, 1, 1]).unwrap();
/// assert_eq!(data.base_rates(), [0.75, 0.5, 0.75]); // add-one: (count + 1)/(rows + 2)
/// assert!(Data::binary(2, 3, vec![0; 5]).is_err());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    rows: usize,
    visible: usize,
    values: Values,
}

#[derive(Clone, Debug, PartialEq)]
enum Values {
    Bits(Vec<u8>),
    Probabilities(Vec<f32>),
}

fn check(rows: usize, visible: usize, length: usize) -> Result<(), ArgumentError> {
    for (name, n) in [("rows", rows), ("visible", visible)] {
        if n == 0 {
            return Err(ArgumentError::new(name, 0, "at least 1"));
        }
    }
    if rows.checked_mul(visible) != Some(length) {
        return Err(ArgumentError::new(
            "values",
            format!("of length {length}"),
            format!("of length {rows} x {visible}"),
        ));
    }
    Ok(())
}

impl Data {
    /// `rows × visible` bytes of 0 or 1, row-major.
    ///
    /// # Errors
    /// If a size is 0, the length does not match or a byte is neither 0 nor 1.
    pub fn binary(rows: usize, visible: usize, bits: Vec<u8>) -> Result<Self, ArgumentError> {
        check(rows, visible, bits.len())?;
        if let Some(i) = bits.iter().position(|b| *b > 1) {
            return Err(ArgumentError::new(
                "bits",
                format!("{} in row {}, column {}", bits[i], i / visible, i % visible),
                "0 or 1",
            ));
        }
        Ok(Self {
            rows,
            visible,
            values: Values::Bits(bits),
        })
    }

    /// `rows × visible` probabilities, row-major.
    ///
    /// # Errors
    /// If a size is 0, the length does not match or a value is not in `[0, 1]`.
    pub fn probabilities(
        rows: usize,
        visible: usize,
        values: Vec<f32>,
    ) -> Result<Self, ArgumentError> {
        check(rows, visible, values.len())?;
        if let Some(i) = values.iter().position(|p| !(0.0..=1.0).contains(p)) {
            return Err(ArgumentError::new(
                "values",
                format!(
                    "{} in row {}, column {}",
                    values[i],
                    i / visible,
                    i % visible
                ),
                "between 0 and 1",
            ));
        }
        Ok(Self {
            rows,
            visible,
            values: Values::Probabilities(values),
        })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of visible units.
    pub fn visible(&self) -> usize {
        self.visible
    }

    /// The bits, row-major, if the data are binary.
    pub fn bits(&self) -> Option<&[u8]> {
        match &self.values {
            Values::Bits(bits) => Some(bits),
            Values::Probabilities(_) => None,
        }
    }

    /// The values as numbers, row-major.
    pub fn to_f32(&self) -> Vec<f32> {
        match &self.values {
            Values::Bits(bits) => bits.iter().map(|b| f32::from(*b)).collect(),
            Values::Probabilities(p) => p.clone(),
        }
    }

    /// The base rate of each visible unit with add-one smoothing, `(Σ + 1)/(rows + 2)`.
    pub fn base_rates(&self) -> Vec<f64> {
        let mut sums = vec![1.0; self.visible];
        match &self.values {
            Values::Bits(bits) => {
                for row in bits.chunks_exact(self.visible) {
                    for (s, b) in sums.iter_mut().zip(row) {
                        *s += f64::from(*b);
                    }
                }
            }
            Values::Probabilities(p) => {
                for row in p.chunks_exact(self.visible) {
                    for (s, p) in sums.iter_mut().zip(row) {
                        *s += f64::from(*p);
                    }
                }
            }
        }
        sums.iter().map(|s| s / (self.rows as f64 + 2.0)).collect()
    }

    /// The given rows, in the given order.
    ///
    /// # Errors
    /// If there are none, or one is out of range.
    pub fn select(&self, rows: &[usize]) -> Result<Self, ArgumentError> {
        if let Some(r) = rows.iter().find(|r| **r >= self.rows) {
            return Err(ArgumentError::new(
                "rows",
                r,
                format!("below {}", self.rows),
            ));
        }
        match &self.values {
            Values::Bits(bits) => {
                let values = gather(bits, rows, self.visible);
                Self::binary(rows.len(), self.visible, values)
            }
            Values::Probabilities(p) => {
                let values = gather(p, rows, self.visible);
                Self::probabilities(rows.len(), self.visible, values)
            }
        }
    }

    /// Cuts a random part of about `fraction` of the rows off: `(rest, part)`. The part is `None`
    /// where it would be empty.
    ///
    /// # Errors
    /// If the fraction is not in `[0, 1)` or nothing would be left.
    pub fn split(&self, fraction: f64, seed: u64) -> Result<(Self, Option<Self>), ArgumentError> {
        if !(0.0..1.0).contains(&fraction) {
            return Err(ArgumentError::new(
                "fraction",
                fraction,
                "at least 0 and below 1",
            ));
        }
        let part = (self.rows as f64 * fraction).round() as usize;
        if part == 0 {
            return Ok((self.clone(), None));
        }
        let mut order: Vec<usize> = (0..self.rows).collect();
        shuffle(&mut order, &mut rng::stream(seed, SPLIT));
        let (validation, train) = order.split_at_mut(part);
        validation.sort_unstable();
        train.sort_unstable();
        Ok((self.select(train)?, Some(self.select(validation)?)))
    }

    /// Writes the bits of the given rows into `out`, drawing them where the data are
    /// probabilities. A binary row takes no randomness.
    pub fn draw<R: Randomness + ?Sized>(&self, rows: &[usize], out: &mut [u8], rng: &mut R) {
        for (out, &r) in out.chunks_exact_mut(self.visible).zip(rows) {
            let range = r * self.visible..(r + 1) * self.visible;
            match &self.values {
                Values::Bits(bits) => out.copy_from_slice(&bits[range]),
                Values::Probabilities(p) => rng.bernoulli_mask_f32(&p[range], out),
            }
        }
    }

    /// All rows as bits; probabilities are drawn once under `seed`.
    pub fn to_bits(&self, seed: u64) -> Vec<u8> {
        let mut out = vec![0; self.rows * self.visible];
        let rows: Vec<usize> = (0..self.rows).collect();
        self.draw(&rows, &mut out, &mut rng::stream(seed, BITS));
        out
    }

    /// A 64-bit FNV-1a hash of shape and values, by which a checkpoint knows its data.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325u64;
        let mut feed = |bytes: &[u8]| {
            for b in bytes {
                hash = (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        feed(&(self.rows as u64).to_le_bytes());
        feed(&(self.visible as u64).to_le_bytes());
        match &self.values {
            Values::Bits(bits) => feed(bits),
            Values::Probabilities(p) => p.iter().for_each(|p| feed(&p.to_bits().to_le_bytes())),
        }
        hash
    }
}

fn gather<T: Copy>(values: &[T], rows: &[usize], width: usize) -> Vec<T> {
    rows.iter()
        .flat_map(|&r| &values[r * width..(r + 1) * width])
        .copied()
        .collect()
}

/// A uniformly random order (Fisher and Yates).
pub(super) fn shuffle<R: Randomness + ?Sized>(order: &mut [usize], rng: &mut R) {
    for i in (1..order.len()).rev() {
        order.swap(i, rng.index(i + 1));
    }
}
