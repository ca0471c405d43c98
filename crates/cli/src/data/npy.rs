//! NPY files (NumPy's array format, versions 1 to 3) of two or three dimensions.

use std::io::Read;
use std::path::Path;

use super::{
    LoadOptions, Raw, RawValues, broken, checked_shape, out_of_range, place, read_exactly,
};
use crate::error::CliError;

pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// A longer header than any plain array has.
const MAX_HEADER: u32 = 1 << 16;

/// The element type, whether the first index runs fastest, and the shape.
fn read_header(path: &Path, stream: &mut impl Read) -> Result<(Kind, bool, Vec<u64>), CliError> {
    let fail = |reason: String| CliError::file(path, reason);
    let mut start = [0; 8];
    stream
        .read_exact(&mut start)
        .map_err(|e| broken(path, &e))?;
    if !start.starts_with(MAGIC) {
        return Err(fail(
            "does not start with the magic bytes of NPY, 0x93 NUMPY".into(),
        ));
    }
    let length = match start[6] {
        1 => {
            let mut bytes = [0; 2];
            stream
                .read_exact(&mut bytes)
                .map_err(|e| broken(path, &e))?;
            u32::from(u16::from_le_bytes(bytes))
        }
        2 | 3 => {
            let mut bytes = [0; 4];
            stream
                .read_exact(&mut bytes)
                .map_err(|e| broken(path, &e))?;
            u32::from_le_bytes(bytes)
        }
        version => {
            return Err(fail(format!(
                "has NPY version {version}, but must be version 1, 2 or 3"
            )));
        }
    };
    if length > MAX_HEADER {
        return Err(fail(format!(
            "announces an NPY header of {length} bytes, but at most {MAX_HEADER} are allowed"
        )));
    }
    let mut header = vec![0; length as usize];
    stream
        .read_exact(&mut header)
        .map_err(|e| broken(path, &e))?;
    let header = String::from_utf8_lossy(&header);
    let (descr, fortran, shape) = parse_header(&header)
        .ok_or_else(|| fail("has an NPY header that is not that of a plain array".into()))?;
    let kind = Kind::parse(descr).ok_or_else(|| {
        fail(format!(
            "holds values of type {descr}, but must hold bool, integers, f4 or f8"
        ))
    })?;
    Ok((kind, fortran, shape))
}

pub(super) fn read(
    path: &Path,
    mut stream: impl Read,
    options: &LoadOptions,
) -> Result<Raw, CliError> {
    let fail = |reason: String| CliError::file(path, reason);
    let (kind, fortran, shape) = read_header(path, &mut stream)?;
    let image = match shape[..] {
        [_, _] => None,
        [_, h, w] => Some((h as usize, w as usize)),
        _ => {
            return Err(fail(format!(
                "has {} dimensions, but must have 2 (rows x columns) or 3 (rows x height x width)",
                shape.len()
            )));
        }
    };
    let (rows, columns) = checked_shape(path, shape[0], &shape[1..])?;
    let values = rows * columns;
    let bytes = read_exactly(path, &mut stream, values as u64 * kind.size as u64)?;
    let order = Order {
        fortran,
        shape: &shape,
    };
    let values = if kind.size == 1 && kind.code != b'i' {
        unsigned_bytes(path, order.rows_first(bytes), columns, &kind, options)?
    } else {
        numbers(path, &bytes, columns, &kind, &order, options)?
    };
    Ok(Raw {
        rows,
        columns,
        image,
        values,
        labels: None,
    })
}

fn unsigned_bytes(
    path: &Path,
    bytes: Vec<u8>,
    columns: usize,
    kind: &Kind,
    options: &LoadOptions,
) -> Result<RawValues, CliError> {
    let largest = bytes.iter().copied().max().unwrap_or(0);
    let max = match options.max_value {
        Some(max) => max,
        None if kind.code == b'b' => 1.0,
        None => integer_range(path, f64::from(largest))?,
    };
    if let Some(at) = bytes.iter().position(|&b| f64::from(b) > max) {
        let found = f64::from(bytes[at]);
        return Err(out_of_range(path, place(at, columns), found, max, true));
    }
    Ok(RawValues::Bytes(bytes, max))
}

fn numbers(
    path: &Path,
    bytes: &[u8],
    columns: usize,
    kind: &Kind,
    order: &Order<'_>,
    options: &LoadOptions,
) -> Result<RawValues, CliError> {
    let float = kind.code == b'f';
    let given = options.max_value.is_some();
    let max = options
        .max_value
        .unwrap_or(if float { 1.0 } else { f64::INFINITY });
    let mut values = Vec::with_capacity(bytes.len() / kind.size);
    let mut largest = 0.0f64;
    for element in bytes.chunks_exact(kind.size) {
        let value = kind.decode(element);
        if !(0.0..=max).contains(&value) {
            let at = order.row_major(values.len());
            let (max, given) = if max.is_finite() {
                (max, given)
            } else {
                (255.0, true)
            };
            return Err(out_of_range(path, place(at, columns), value, max, given));
        }
        largest = largest.max(value);
        values.push(value as f32);
    }
    let max = if max.is_finite() {
        max
    } else {
        integer_range(path, largest)?
    };
    Ok(RawValues::Floats(order.rows_first(values), max))
}

/// The range of integers whose largest is `largest`: guessed only where no one could object.
fn integer_range(path: &Path, largest: f64) -> Result<f64, CliError> {
    if largest <= 1.0 {
        Ok(1.0)
    } else if (128.0..=255.0).contains(&largest) {
        Ok(255.0)
    } else {
        Err(CliError::file(
            path,
            format!(
                "holds integers up to {largest}, which is neither 0/1 nor 0..=255: --max-value \
                 must say what counts as 1"
            ),
        ))
    }
}

/// An element type: `f4`, `u1`, … with its byte order.
struct Kind {
    code: u8,
    size: usize,
    big_endian: bool,
}

impl Kind {
    fn parse(descr: &str) -> Option<Self> {
        let (order, code, size) = match *descr.as_bytes() {
            [order, code, size] => (order, code, size),
            [code @ b'?'] => (b'|', code, b'1'),
            _ => return None,
        };
        let code = if code == b'?' { b'b' } else { code };
        let allowed = match code {
            b'b' => size == b'1',
            b'i' | b'u' => matches!(size, b'1' | b'2' | b'4' | b'8'),
            b'f' => matches!(size, b'4' | b'8'),
            _ => false,
        };
        (allowed && matches!(order, b'<' | b'>' | b'|' | b'=')).then_some(Self {
            code,
            size: usize::from(size - b'0'),
            big_endian: order == b'>',
        })
    }

    /// The value of `size` bytes. Integers above 2⁵³ are rounded, which no allowed range can see.
    fn decode(&self, bytes: &[u8]) -> f64 {
        let mut word = [0; 8];
        for (i, &b) in bytes.iter().enumerate() {
            let little = if self.big_endian {
                bytes.len() - 1 - i
            } else {
                i
            };
            word[little] = b;
        }
        let bits = u64::from_le_bytes(word);
        match (self.code, self.size) {
            (b'f', 4) => f64::from(f32::from_bits(bits as u32)),
            (b'f', _) => f64::from_bits(bits),
            (b'i', size) => {
                let unused = 64 - 8 * size as u32;
                ((bits << unused) as i64 >> unused) as f64
            }
            _ => bits as f64,
        }
    }
}

/// Where an element of the file belongs.
struct Order<'a> {
    fortran: bool,
    shape: &'a [u64],
}

impl Order<'_> {
    /// The row-major index of the `at`-th element of the file.
    fn row_major(&self, at: usize) -> usize {
        if !self.fortran {
            return at;
        }
        let mut rest = at;
        let mut index = 0;
        let mut stride: usize = self.shape.iter().map(|&d| d as usize).product();
        for &d in self.shape {
            let d = d as usize;
            stride /= d;
            index += (rest % d) * stride;
            rest /= d;
        }
        index
    }

    fn rows_first<T: Copy + Default>(&self, values: Vec<T>) -> Vec<T> {
        if !self.fortran {
            return values;
        }
        let mut out = vec![T::default(); values.len()];
        for (at, v) in values.into_iter().enumerate() {
            out[self.row_major(at)] = v;
        }
        out
    }
}

/// `(descr, fortran_order, shape)` of a header such as
/// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }`.
fn parse_header(header: &str) -> Option<(&str, bool, Vec<u64>)> {
    let body = header.trim().strip_prefix('{')?.strip_suffix('}')?;
    let value = |key: &str| {
        let at = ['\'', '"']
            .iter()
            .find_map(|q| body.split_once(&format!("{q}{key}{q}")))?
            .1;
        at.trim_start().strip_prefix(':').map(str::trim_start)
    };
    let descr = value("descr")?;
    let quote = descr.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let descr = descr[1..].split_once(quote)?.0;
    let fortran = value("fortran_order")?;
    let fortran = if fortran.starts_with("True") {
        true
    } else if fortran.starts_with("False") {
        false
    } else {
        return None;
    };
    let shape = value("shape")?.strip_prefix('(')?.split_once(')')?.0;
    let shape: Option<Vec<u64>> = shape
        .split(',')
        .map(str::trim)
        .filter(|d| !d.is_empty())
        .map(|d| d.parse().ok())
        .collect();
    Some((descr, fortran, shape?))
}

/// `rows × columns` values in `0..=255` as an NPY file of `u1`, version 1.
pub fn encode_bytes(rows: usize, columns: usize, values: &[u8]) -> Vec<u8> {
    let mut header =
        format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    // The format asks for a total that is a multiple of 64, ending in a newline.
    let padding = 63 - (MAGIC.len() + 4 + header.len()) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let mut out = Vec::with_capacity(MAGIC.len() + 4 + header.len() + values.len());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[1, 0]);
    out.extend_from_slice(&(header.len() as u16).to_le_bytes());
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(values);
    out
}
