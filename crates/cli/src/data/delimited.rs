//! Comma-separated values: one row per line, with or without a header, with or without labels.

use std::io::Read;
use std::path::Path;

use csv::{ByteRecord, ErrorKind, ReaderBuilder, Trim};

use super::{Header, LabelColumn, LoadOptions, MAX_VALUES, Raw, RawValues, broken, out_of_range};
use crate::error::CliError;

pub(super) fn read(path: &Path, stream: impl Read, options: &LoadOptions) -> Result<Raw, CliError> {
    // Raggedness is found here and not by the parser, so that the message can name the row.
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(stream);
    let mut record = ByteRecord::new();
    let max = options.max_value.unwrap_or(1.0);
    let mut table = Table {
        path,
        max,
        given: options.max_value.is_some(),
        header_line: false,
        fields: 0,
        label: None,
        rows: 0,
        values: Vec::new(),
        labels: Vec::new(),
    };
    let mut first = true;
    while reader
        .read_byte_record(&mut record)
        .map_err(|e| match e.into_kind() {
            ErrorKind::Io(e) => broken(path, &e),
            _ => CliError::file(path, "is not a readable CSV file"),
        })?
    {
        if first {
            first = false;
            table.start(&strip_mark(&record), options)?;
            if table.header_line {
                continue;
            }
            table.push(&strip_mark(&record), 1)?;
        } else {
            let line = record.position().map_or(0, csv::Position::line);
            table.push(&record, line)?;
        }
    }
    table.finish()
}

/// The record without the byte-order mark that spreadsheet programs put in front.
pub(super) fn strip_mark(record: &ByteRecord) -> ByteRecord {
    record
        .iter()
        .enumerate()
        .map(|(i, field)| match field.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) if i == 0 => rest,
            _ => field,
        })
        .collect()
}

fn number(field: &[u8]) -> Option<f64> {
    str::from_utf8(field).ok()?.parse().ok()
}

struct Table<'a> {
    path: &'a Path,
    max: f64,
    given: bool,
    header_line: bool,
    fields: usize,
    /// Index of the label column.
    label: Option<usize>,
    rows: usize,
    values: Vec<f32>,
    labels: Vec<u8>,
}

impl Table<'_> {
    /// Learns from the first line how many fields there are and which is the label.
    fn start(&mut self, first: &ByteRecord, options: &LoadOptions) -> Result<(), CliError> {
        self.fields = first.len();
        let numbers = first.iter().filter(|f| number(f).is_some()).count();
        self.header_line = match options.header {
            Header::Yes => true,
            Header::No => false,
            Header::Auto => numbers == 0,
        };
        let position = |name: &str| {
            first
                .iter()
                .position(|f| f.eq_ignore_ascii_case(name.as_bytes()))
        };
        self.label = match &options.label_column {
            LabelColumn::None => None,
            LabelColumn::Auto => self.header_line.then(|| position("label")).flatten(),
            LabelColumn::Last => Some(self.fields - 1),
            LabelColumn::Number(n) if (1..=self.fields).contains(n) => Some(n - 1),
            LabelColumn::Number(n) => {
                return Err(CliError::option(
                    "--label-column",
                    n,
                    format!(
                        "between 1 and the number of columns of {}, {}",
                        self.path.display(),
                        self.fields
                    ),
                ));
            }
            LabelColumn::Name(name) => match self.header_line.then(|| position(name)).flatten() {
                Some(at) => Some(at),
                None => {
                    return Err(CliError::option(
                        "--label-column",
                        name,
                        format!("a column that the header of {} names", self.path.display()),
                    ));
                }
            },
        };
        if self.fields == usize::from(self.label.is_some()) {
            return Err(CliError::file(
                self.path,
                "has zero columns of values, but must have at least one",
            ));
        }
        Ok(())
    }

    fn push(&mut self, record: &ByteRecord, line: u64) -> Result<(), CliError> {
        self.rows += 1;
        let row = if line == self.rows as u64 {
            format!("row {}", self.rows)
        } else {
            format!("row {} (line {line})", self.rows)
        };
        if record.len() != self.fields {
            return Err(CliError::Cell {
                path: self.path.to_owned(),
                place: row,
                found: format!("{} columns long", record.len()),
                allowed: format!("{} columns long like the first line", self.fields),
            });
        }
        for (column, field) in record.iter().enumerate() {
            let place = || format!("{row}, column {}", column + 1);
            let wrong = |allowed: String| CliError::Cell {
                path: self.path.to_owned(),
                place: place(),
                found: format!("\"{}\"", String::from_utf8_lossy(field)),
                allowed,
            };
            let value = number(field);
            if self.label == Some(column) {
                let label = value.filter(|v| (0.0..=255.0).contains(v) && v.fract() == 0.0);
                let label =
                    label.ok_or_else(|| wrong("a label, that is an integer in 0..=255".into()))?;
                self.labels.push(label as u8);
                continue;
            }
            let value = value.ok_or_else(|| {
                let hint = if self.rows == 1 && !self.header_line {
                    " (--header yes says that the first line names the columns)"
                } else {
                    ""
                };
                wrong(format!("a number in 0..={}{hint}", self.max))
            })?;
            if !(0.0..=self.max).contains(&value) {
                return Err(out_of_range(
                    self.path,
                    place(),
                    value,
                    self.max,
                    self.given,
                ));
            }
            self.values.push(value as f32);
        }
        if self.values.len() as u64 > MAX_VALUES {
            return Err(CliError::file(
                self.path,
                format!("has more than {MAX_VALUES} values"),
            ));
        }
        Ok(())
    }

    fn finish(self) -> Result<Raw, CliError> {
        if self.rows == 0 {
            return Err(CliError::file(
                self.path,
                "has zero rows, but must have at least one",
            ));
        }
        Ok(Raw {
            rows: self.rows,
            columns: self.values.len() / self.rows,
            image: None,
            values: RawValues::Floats(self.values, self.max),
            labels: self.label.map(|_| self.labels),
        })
    }
}
