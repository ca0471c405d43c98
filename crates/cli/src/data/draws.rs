//! Draws of Markov chains: tables and arrays of numbers, one row a draw.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use csv::{ByteRecord, ErrorKind, ReaderBuilder, Trim};
use ergodic::core::Draws;
use flate2::read::MultiGzDecoder;

use super::{MAX_VALUES, broken, npy, peek};
use crate::error::CliError;

/// Loads draws from `path`. The format is recognised by content, also inside gzip:
///
/// * comma-separated values. With a header, its columns are parameters; a column `chain` says to
///   which chain a row belongs (any label, in the order of appearance) and a column `draw`, which
///   has to ascend within each chain, is no parameter. Without them the rows are one chain.
/// * NPY of two dimensions (draws × parameters, one chain) or three (chains × draws × parameters).
///
/// # Errors
/// One for everything that is wrong with the file, with row and column where there is one.
pub fn load(path: &Path) -> Result<Draws, CliError> {
    let open = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => CliError::file(path, "no such file"),
        _ => CliError::file(path, format!("cannot be read: {e}")),
    };
    let meta = std::fs::metadata(path).map_err(open)?;
    if meta.is_dir() {
        return Err(CliError::file(
            path,
            "is a folder, but must be a .csv or .npy file of draws",
        ));
    }
    let file = BufReader::with_capacity(1 << 16, File::open(path).map_err(open)?);
    let (head, plain) = peek(file).map_err(|e| broken(path, &e))?;
    if head.starts_with(&[0x1f, 0x8b]) {
        let (head, inner) = peek(MultiGzDecoder::new(plain)).map_err(|e| broken(path, &e))?;
        read_format(path, &head, inner)
    } else {
        read_format(path, &head, plain)
    }
}

fn read_format(path: &Path, head: &[u8], stream: impl Read) -> Result<Draws, CliError> {
    let not_yet = |format: &str| {
        Err(CliError::file(
            path,
            format!("is {format}, which cannot be read yet: it must be .csv or .npy"),
        ))
    };
    match head {
        [] => Err(CliError::file(
            path,
            "is empty, but must have at least one draw",
        )),
        _ if head.starts_with(npy::MAGIC) => array(path, stream),
        _ if head.starts_with(b"PK\x03\x04") => not_yet("a .npz archive"),
        _ if head.starts_with(b"PAR1") => not_yet("a Parquet file"),
        _ if head.contains(&0) => Err(CliError::file(
            path,
            "is not a table of draws: it must be .csv or .npy",
        )),
        _ => table(path, stream),
    }
}

fn array(path: &Path, stream: impl Read) -> Result<Draws, CliError> {
    let (shape, values) = npy::read_array(path, stream)?;
    let (chains, draws, width) = match shape[..] {
        [draws, width] => (1, draws, width),
        [chains, draws, width] => (chains, draws, width),
        _ => {
            return Err(CliError::file(
                path,
                format!(
                    "has {} dimensions, but must have 2 (draws x parameters) or 3 (chains x draws \
                     x parameters)",
                    shape.len()
                ),
            ));
        }
    };
    let names = Draws::default_names(width as usize);
    Draws::new(names, chains as usize, draws as usize, values)
        .map_err(|e| CliError::file(path, e.to_string()))
}

/// What a column of a table holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Chain,
    Draw,
    Parameter,
}

fn number(field: &[u8]) -> Option<f64> {
    str::from_utf8(field).ok()?.parse().ok()
}

fn table(path: &Path, stream: impl Read) -> Result<Draws, CliError> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(stream);
    let mut rows = Rows::new(path);
    let mut record = ByteRecord::new();
    let mut first = true;
    while reader
        .read_byte_record(&mut record)
        .map_err(|e| match e.into_kind() {
            ErrorKind::Io(e) => broken(path, &e),
            _ => CliError::file(path, "is not a readable CSV file"),
        })?
    {
        let line = record.position().map_or(1, csv::Position::line);
        if std::mem::take(&mut first) {
            record = super::delimited::strip_mark(&record);
            if rows.start(&record)? {
                continue;
            }
        }
        rows.push(&record, line)?;
    }
    rows.finish()
}

/// A chain as it is read.
#[derive(Default)]
struct Chain {
    label: Vec<u8>,
    values: Vec<f64>,
    draws: usize,
    last: Option<f64>,
}

struct Rows<'a> {
    path: &'a Path,
    columns: Vec<Column>,
    names: Vec<String>,
    chains: Vec<Chain>,
    by_label: HashMap<Vec<u8>, usize>,
    values: u64,
}

impl<'a> Rows<'a> {
    fn new(path: &'a Path) -> Self {
        Self {
            path,
            columns: Vec::new(),
            names: Vec::new(),
            chains: Vec::new(),
            by_label: HashMap::new(),
            values: 0,
        }
    }

    /// Learns the columns from the first line; whether it was a header.
    fn start(&mut self, first: &ByteRecord) -> Result<bool, CliError> {
        let numbers = first.iter().filter(|f| number(f).is_some()).count();
        if numbers == first.len() {
            self.columns = vec![Column::Parameter; first.len()];
            self.names = Draws::default_names(first.len());
            return Ok(false);
        }
        if numbers > 0 {
            return Err(CliError::file(
                self.path,
                "has names and numbers in its first line, but must have one or the other",
            ));
        }
        for field in first {
            let name = String::from_utf8_lossy(field).into_owned();
            let column = match name.to_lowercase().as_str() {
                "chain" => Column::Chain,
                "draw" => Column::Draw,
                _ => Column::Parameter,
            };
            if column != Column::Parameter && self.columns.contains(&column) {
                return Err(CliError::file(
                    self.path,
                    format!("has two columns called {name}, but must have one"),
                ));
            }
            if column == Column::Parameter {
                self.names.push(name);
            }
            self.columns.push(column);
        }
        if self.names.is_empty() {
            return Err(CliError::file(
                self.path,
                "has zero parameters, but must have a column beside chain and draw",
            ));
        }
        Ok(true)
    }

    fn push(&mut self, record: &ByteRecord, line: u64) -> Result<(), CliError> {
        let cell = |place: String, found: String, allowed: &str| CliError::Cell {
            path: self.path.to_owned(),
            place,
            found,
            allowed: allowed.to_owned(),
        };
        if record.len() != self.columns.len() {
            return Err(cell(
                format!("line {line}"),
                format!("{} columns long", record.len()),
                &format!("{} columns long like the first line", self.columns.len()),
            ));
        }
        self.values += self.names.len() as u64;
        if self.values > MAX_VALUES {
            return Err(CliError::file(
                self.path,
                format!("has more than {MAX_VALUES} values, which is too many"),
            ));
        }
        let label = self
            .columns
            .iter()
            .position(|&c| c == Column::Chain)
            .map_or(&b""[..], |at| &record[at]);
        let index = if let Some(&index) = self.by_label.get(label) {
            index
        } else {
            self.chains.push(Chain {
                label: label.to_vec(),
                ..Chain::default()
            });
            self.by_label.insert(label.to_vec(), self.chains.len() - 1);
            self.chains.len() - 1
        };
        let chain = &mut self.chains[index];
        chain.draws += 1;
        for (at, (field, column)) in record.iter().zip(&self.columns).enumerate() {
            if *column == Column::Chain {
                continue;
            }
            let place = || format!("line {line}, column {}", at + 1);
            let text = || format!("\"{}\"", String::from_utf8_lossy(field));
            let value = number(field).ok_or_else(|| cell(place(), text(), "a number"))?;
            if !value.is_finite() {
                return Err(cell(place(), text(), "finite"));
            }
            if *column == Column::Parameter {
                chain.values.push(value);
            } else if chain.last.is_some_and(|last| value <= last) {
                return Err(cell(
                    place(),
                    text(),
                    "above the draw before it in its chain",
                ));
            } else {
                chain.last = Some(value);
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Draws, CliError> {
        let fail = |reason: String| CliError::file(self.path, reason);
        let Some(first) = self.chains.first() else {
            return Err(fail("has zero draws, but must have at least one".into()));
        };
        let draws = first.draws;
        if let Some(other) = self.chains.iter().find(|c| c.draws != draws) {
            return Err(fail(format!(
                "has {} draws in chain {}, but must have {draws} as in chain {}",
                other.draws,
                String::from_utf8_lossy(&other.label),
                String::from_utf8_lossy(&first.label),
            )));
        }
        let count = self.chains.len();
        let mut values = Vec::with_capacity(self.values as usize);
        for chain in self.chains {
            values.extend(chain.values);
        }
        Draws::new(self.names, count, draws, values)
            .map_err(|e| CliError::file(self.path, e.to_string()))
    }
}
