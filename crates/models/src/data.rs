//! The embedded handwritten digits: 1797 real images of 8 × 8 pixels, with the split used everywhere.
//!
//! Source: UCI "Optical Recognition of Handwritten Digits" (E. Alpaydin, C. Kaynak, 1998),
//! CC BY 4.0. Feature `data`.

/// The number of images.
pub const DIGITS: usize = 1797;

/// Side of an image in pixels.
pub const DIGIT_SIDE: usize = 8;

/// The largest pixel value.
pub const DIGIT_MAX: u8 = 16;

const PIXELS: usize = DIGIT_SIDE * DIGIT_SIDE;

const CSV: &str = include_str!("../data/digits.csv");

/// Handwritten digits, one row of 64 pixels per image in row-major order.
///
/// ```
/// let digits = ergodic_models::data::digits();
/// assert_eq!(digits.labels.len(), 1797);
/// let (train, test) = digits.binary_split();
/// assert_eq!((train.len() / 64, test.len() / 64), (1438, 359));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits {
    /// `1797 × 64` pixels in `0..=16`.
    pub pixels: Vec<u8>,
    /// The digit that was written, `0..=9`.
    pub labels: Vec<u8>,
}

impl Digits {
    /// All rows as 0 and 1: a pixel is 1 where its value is at least 8.
    pub fn binary(&self) -> Vec<f32> {
        self.pixels
            .iter()
            .map(|&p| f32::from(u8::from(2 * p >= DIGIT_MAX)))
            .collect()
    }

    /// The binary training rows (1438 × 64) and test rows (359 × 64), each in file order.
    pub fn binary_split(&self) -> (Vec<f32>, Vec<f32>) {
        split_rows(self.binary(), PIXELS, TEST_EVERY)
    }
}

/// One row in five is a test row.
pub const TEST_EVERY: usize = 5;

/// Whether row `row` is a test row when one row in `every` is: `row mod every = every − 1`.
///
/// `every` is at least 1; with 1 every row is a test row.
pub fn is_test_row(row: usize, every: usize) -> bool {
    row % every.max(1) == every.max(1) - 1
}

/// Cuts the test rows out of `rows` (`n × columns`): `(train, test)`, each in the former order.
///
/// Only the test rows are copied; the training rows close up in place, so that a large data set
/// is never held twice.
pub fn split_rows<T: Copy>(mut rows: Vec<T>, columns: usize, every: usize) -> (Vec<T>, Vec<T>) {
    let n = rows.len().checked_div(columns).unwrap_or(0);
    let mut test = Vec::with_capacity((n / every.max(1)) * columns);
    let mut kept = 0;
    for row in 0..n {
        let range = row * columns..(row + 1) * columns;
        if is_test_row(row, every) {
            test.extend_from_slice(&rows[range]);
        } else {
            rows.copy_within(range, kept);
            kept += columns;
        }
    }
    rows.truncate(kept);
    (rows, test)
}

/// The digits, parsed from the embedded file (about a millisecond).
pub fn digits() -> Digits {
    let mut pixels = Vec::with_capacity(DIGITS * PIXELS);
    let mut labels = Vec::with_capacity(DIGITS);
    for line in CSV.lines().skip(1) {
        let numbers = line.split(',').filter_map(|field| field.parse::<u8>().ok());
        for (column, value) in numbers.enumerate() {
            if column < PIXELS {
                pixels.push(value);
            } else {
                labels.push(value);
            }
        }
    }
    Digits { pixels, labels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_digits_are_complete_and_in_range() {
        let d = digits();
        assert_eq!(d.pixels.len(), DIGITS * PIXELS);
        assert_eq!(d.labels.len(), DIGITS);
        assert!(d.pixels.iter().all(|&p| p <= DIGIT_MAX));
        assert_eq!(d.pixels.iter().max(), Some(&DIGIT_MAX));
        // Class counts of the published file.
        let mut counts = [0; 10];
        for &label in &d.labels {
            counts[usize::from(label)] += 1;
        }
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    }

    #[test]
    fn one_row_in_five_is_a_test_row_and_order_is_kept() {
        let rows: Vec<u32> = (0..2 * 12).collect();
        let (train, test) = split_rows(rows, 2, 5);
        assert_eq!(test, [8, 9, 18, 19]);
        let expected: Vec<u32> = (0..24).filter(|v| ![8, 9, 18, 19].contains(v)).collect();
        assert_eq!(train, expected);
        let (train, test) = digits().binary_split();
        assert_eq!((train.len(), test.len()), (1438 * 64, 359 * 64));
    }

    #[test]
    fn pixels_of_eight_and_above_are_ones() {
        let d = digits();
        for (pixel, bit) in d.pixels.iter().zip(d.binary()) {
            assert_eq!(bit == 1.0, *pixel >= 8);
        }
    }
}
