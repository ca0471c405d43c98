//! Data sets: the embedded digits, and files in the formats that images and tables are published in.

mod delimited;
mod idx;
mod npy;

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;
use std::str::FromStr;

use ergodic::models::data as embedded;
use flate2::read::MultiGzDecoder;

use crate::error::CliError;
pub use npy::encode_bytes as npy_of_bits;

/// At most this many values are read from one file (8 GiB as bytes).
const MAX_VALUES: u64 = 1 << 33;

/// Pixels, row after row.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// 0 or 1, one byte each.
    Binary(Vec<u8>),
    /// The probability of a 1, in `0..=1`.
    Probabilities(Vec<f32>),
}

/// Rows of binary pixels, or of their probabilities.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// `digits`, or the file as the user gave it.
    pub name: String,
    /// Number of rows, at least 1.
    pub rows: usize,
    /// Values per row, at least 1.
    pub columns: usize,
    /// Height and width of a row that is an image.
    pub image: Option<(usize, usize)>,
    /// `rows × columns`.
    pub values: Values,
    /// One label per row.
    pub labels: Option<Vec<u8>>,
}

impl Dataset {
    /// Row `row` as numbers in `0..=1`.
    pub fn row(&self, row: usize) -> Vec<f32> {
        let range = row * self.columns..(row + 1) * self.columns;
        match &self.values {
            Values::Binary(bits) => bits[range].iter().map(|&b| f32::from(b)).collect(),
            Values::Probabilities(p) => p[range].to_vec(),
        }
    }

    /// Cuts off the test rows, row `i` where `i mod every = every − 1`: `(train, test)`.
    ///
    /// # Errors
    /// If either part would be empty.
    pub fn split(self, every: usize) -> Result<(Self, Self), CliError> {
        let test_rows = self.rows.checked_div(every).unwrap_or(0);
        if test_rows == 0 || test_rows == self.rows {
            return Err(CliError::option(
                "--test-every",
                every,
                format!(
                    "between 2 and the number of rows, {}, so that there are training and test rows",
                    self.rows
                ),
            ));
        }
        let columns = self.columns;
        let (train, test) = match self.values {
            Values::Binary(bits) => {
                let (train, test) = embedded::split_rows(bits, columns, every);
                (Values::Binary(train), Values::Binary(test))
            }
            Values::Probabilities(p) => {
                let (train, test) = embedded::split_rows(p, columns, every);
                (Values::Probabilities(train), Values::Probabilities(test))
            }
        };
        let (train_labels, test_labels) = self
            .labels
            .map(|labels| embedded::split_rows(labels, 1, every))
            .unzip();
        let part = |rows, values, labels| Self {
            name: self.name.clone(),
            rows,
            columns,
            image: self.image,
            values,
            labels,
        };
        Ok((
            part(self.rows - test_rows, train, train_labels),
            part(test_rows, test, test_labels),
        ))
    }
}

/// Which column of a CSV file holds labels instead of a pixel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LabelColumn {
    /// The column that the header calls `label`, if there is one.
    #[default]
    Auto,
    /// No column.
    None,
    /// The last column.
    Last,
    /// Counted from 1.
    Number(usize),
    /// By its name in the header.
    Name(String),
}

impl FromStr for LabelColumn {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "auto" => Self::Auto,
            "none" => Self::None,
            "last" => Self::Last,
            "" => return Err("must be a name, a number from 1, last or none".into()),
            _ => match text.parse::<usize>() {
                Ok(0) => return Err("columns are counted from 1".into()),
                Ok(number) => Self::Number(number),
                Err(_) => Self::Name(text.to_owned()),
            },
        })
    }
}

/// Whether the first line of a CSV file names its columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Header {
    /// It does if none of its fields is a number.
    #[default]
    Auto,
    /// It does.
    Yes,
    /// It is data.
    No,
}

/// How a file is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadOptions {
    /// A pixel is 1 where `value / max_value ≥ threshold`; one half if not given.
    pub threshold: Option<f64>,
    /// Keep `value / max_value` as the probability of a 1.
    pub keep_probabilities: bool,
    /// The largest allowed value: see [`load`].
    pub max_value: Option<f64>,
    /// The label column of a CSV file.
    pub label_column: LabelColumn,
    /// The header of a CSV file.
    pub header: Header,
    /// Height and width of the images, if the file does not say.
    pub image: Option<(usize, usize)>,
}

/// What a format reader hands over: values not yet divided by their maximum.
struct Raw {
    rows: usize,
    columns: usize,
    image: Option<(usize, usize)>,
    values: RawValues,
    labels: Option<Vec<u8>>,
}

enum RawValues {
    Bytes(Vec<u8>, f64),
    Floats(Vec<f32>, f64),
}

/// Loads `source`: `digits`, or a file.
///
/// The format is recognised by content, also inside gzip: NPY (2-D, or `n × h × w`; `bool`,
/// integers, `f4`, `f8`), IDX images of bytes as MNIST is published, otherwise comma-separated
/// values.
///
/// Values must lie in `0..=max_value`: 16 for the digits, 255 for IDX, 1 for floats, bools and
/// CSV unless given. For an integer NPY file it is 1 if all are 0 or 1, 255 if the largest is in
/// `128..=255`, and has to be given otherwise.
///
/// # Errors
/// One for everything that is wrong with the file, with row and column where there is one.
pub fn load(source: &str, options: &LoadOptions) -> Result<Dataset, CliError> {
    if let Some(t) = options.threshold
        && !(t > 0.0 && t <= 1.0)
    {
        return Err(CliError::option("--threshold", t, "above 0 and at most 1"));
    }
    if let Some(m) = options.max_value
        && !(m > 0.0 && m.is_finite())
    {
        return Err(CliError::option(
            "--max-value",
            m,
            "a finite number above 0",
        ));
    }
    let path = Path::new(source);
    let raw = if source == "digits" {
        if let Some(max) = options.max_value {
            return Err(CliError::option(
                "--max-value",
                max,
                "left out with the digits, whose pixels are in 0..=16",
            ));
        }
        only_csv(options, source)?;
        let digits = embedded::digits();
        Raw {
            rows: embedded::DIGITS,
            columns: embedded::DIGIT_SIDE * embedded::DIGIT_SIDE,
            image: Some((embedded::DIGIT_SIDE, embedded::DIGIT_SIDE)),
            values: RawValues::Bytes(digits.pixels, f64::from(embedded::DIGIT_MAX)),
            labels: Some(digits.labels),
        }
    } else {
        read_file(path, options)?
    };
    let image = match (raw.image, options.image) {
        (_, Some((h, w))) if h.checked_mul(w) != Some(raw.columns) => {
            return Err(CliError::option(
                "--image-shape",
                format!("{h}x{w}"),
                format!("a height and width whose product is {}", raw.columns),
            ));
        }
        (_, Some(given)) => Some(given),
        (Some(own), None) => Some(own),
        (None, None) => square(raw.columns),
    };
    Ok(Dataset {
        name: source.to_owned(),
        rows: raw.rows,
        columns: raw.columns,
        image,
        values: finish(raw.values, options),
        labels: raw.labels,
    })
}

/// A table whose number of columns is a square of at least 2 is shown as square images.
fn square(columns: usize) -> Option<(usize, usize)> {
    let side = columns.isqrt();
    (side >= 2 && side * side == columns).then_some((side, side))
}

fn finish(values: RawValues, options: &LoadOptions) -> Values {
    let threshold = options.threshold.unwrap_or(0.5);
    let one = |v: f64, max: f64| u8::from(v / max >= threshold);
    match (values, options.keep_probabilities) {
        (RawValues::Bytes(mut bytes, max), false) => {
            let table: [u8; 256] = std::array::from_fn(|v| one(v as f64, max));
            for b in &mut bytes {
                *b = table[usize::from(*b)];
            }
            Values::Binary(bytes)
        }
        (RawValues::Bytes(bytes, max), true) => {
            Values::Probabilities(bytes.iter().map(|&b| (f64::from(b) / max) as f32).collect())
        }
        (RawValues::Floats(values, max), false) => {
            Values::Binary(values.iter().map(|&v| one(f64::from(v), max)).collect())
        }
        (RawValues::Floats(mut values, max), true) => {
            for v in &mut values {
                *v = (f64::from(*v) / max) as f32;
            }
            Values::Probabilities(values)
        }
    }
}

fn read_file(path: &Path, options: &LoadOptions) -> Result<Raw, CliError> {
    let open = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => CliError::file(path, "no such file (and not the word digits)"),
        _ => CliError::file(path, format!("cannot be read: {e}")),
    };
    let meta = std::fs::metadata(path).map_err(open)?;
    if meta.is_dir() {
        return Err(CliError::file(
            path,
            "is a folder, but must be a .csv, .npy or IDX file",
        ));
    }
    let file = BufReader::with_capacity(1 << 16, File::open(path).map_err(open)?);
    let (head, plain) = peek(file).map_err(|e| broken(path, &e))?;
    if head.starts_with(&[0x1f, 0x8b]) {
        let (head, inner) = peek(MultiGzDecoder::new(plain)).map_err(|e| broken(path, &e))?;
        read_format(path, &head, inner, options)
    } else {
        read_format(path, &head, plain, options)
    }
}

/// The first bytes of a stream, and the whole stream again.
fn peek<R: Read>(mut stream: R) -> io::Result<(Vec<u8>, impl Read)> {
    let mut head = Vec::new();
    stream.by_ref().take(512).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(stream)))
}

fn read_format(
    path: &Path,
    head: &[u8],
    stream: impl Read,
    options: &LoadOptions,
) -> Result<Raw, CliError> {
    let name = path
        .file_name()
        .map(|n| n.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    let extension = Path::new(name.strip_suffix(".gz").unwrap_or(&name)).extension();
    let is = |wanted: &str| extension.is_some_and(|e| e == wanted);
    if head.is_empty() {
        return Err(CliError::file(
            path,
            "is empty, but must have at least one row",
        ));
    }
    if head.starts_with(npy::MAGIC) || is("npy") {
        only_csv(options, &name)?;
        npy::read(path, stream, options)
    } else if head.contains(&0) || name.contains("-ubyte") || is("idx") {
        only_csv(options, &name)?;
        idx::read(path, stream, options)
    } else {
        delimited::read(path, stream, options)
    }
}

/// Refuses options that would have no effect.
fn only_csv(options: &LoadOptions, source: &str) -> Result<(), CliError> {
    let allowed = || format!("used with a CSV file, which {source} is not");
    if !matches!(options.label_column, LabelColumn::Auto | LabelColumn::None) {
        return Err(CliError::option("--label-column", "given", allowed()));
    }
    if options.header != Header::Auto {
        return Err(CliError::option("--header", "given", allowed()));
    }
    Ok(())
}

/// What an I/O error inside a file means.
fn broken(path: &Path, e: &io::Error) -> CliError {
    let reason = match e.kind() {
        io::ErrorKind::UnexpectedEof => "is truncated".to_owned(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            format!("is corrupt: {e}")
        }
        _ => format!("cannot be read: {e}"),
    };
    CliError::file(path, reason)
}

/// Reads exactly `expected` bytes to the end of the stream.
fn read_exactly(path: &Path, stream: &mut impl Read, expected: u64) -> Result<Vec<u8>, CliError> {
    // The size comes from a header that may lie: memory grows with what is really there.
    let mut bytes = Vec::new();
    stream
        .by_ref()
        .take(expected)
        .read_to_end(&mut bytes)
        .map_err(|e| broken(path, &e))?;
    if (bytes.len() as u64) < expected {
        return Err(CliError::file(
            path,
            format!(
                "is truncated: its header announces {expected} bytes of values, but there are {}",
                bytes.len()
            ),
        ));
    }
    let mut one = Vec::new();
    stream
        .take(1)
        .read_to_end(&mut one)
        .map_err(|e| broken(path, &e))?;
    if !one.is_empty() {
        return Err(CliError::file(
            path,
            format!(
                "has trailing bytes after the {expected} bytes of values that its header announces"
            ),
        ));
    }
    Ok(bytes)
}

/// Checks a shape and multiplies it: `(rows, columns)`.
fn checked_shape(path: &Path, rows: u64, row_shape: &[u64]) -> Result<(usize, usize), CliError> {
    let columns = row_shape
        .iter()
        .try_fold(1u64, |product, &d| product.checked_mul(d));
    let total = columns.and_then(|c| c.checked_mul(rows));
    let shape = std::iter::once(rows)
        .chain(row_shape.iter().copied())
        .map(|d| d.to_string())
        .collect::<Vec<_>>()
        .join("x");
    if rows == 0 {
        return Err(CliError::file(
            path,
            format!("has zero rows (shape {shape}), but must have at least one"),
        ));
    }
    if columns == Some(0) {
        return Err(CliError::file(
            path,
            format!("has zero columns (shape {shape}), but must have at least one"),
        ));
    }
    match (columns, total) {
        (Some(columns), Some(total)) if total <= MAX_VALUES => {
            Ok((rows as usize, columns as usize))
        }
        _ => Err(CliError::file(
            path,
            format!("announces the shape {shape}, but at most {MAX_VALUES} values are allowed"),
        )),
    }
}

/// Row and column of value `at`, counted from 1.
fn place(at: usize, columns: usize) -> String {
    format!("row {}, column {}", at / columns + 1, at % columns + 1)
}

/// A value outside `0..=max`.
fn out_of_range(path: &Path, place: String, found: f64, max: f64, given: bool) -> CliError {
    let hint = if given || found.is_nan() || found < 0.0 {
        ""
    } else {
        " (--max-value sets another largest value)"
    };
    CliError::Cell {
        path: path.to_owned(),
        place,
        found: found.to_string(),
        allowed: format!("a number in 0..={max}{hint}"),
    }
}

#[cfg(test)]
mod tests;
