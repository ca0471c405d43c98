//! The columns of a table: reading, missing values, types.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};
use flate2::read::MultiGzDecoder;

use crate::arguments::{ColumnKind, InfoArgs};
use crate::data::Header;
use crate::error::CliError;

/// More values than this in one table are a slip of the keyboard.
const MAX_VALUES: usize = 1 << 28;

/// A column with more distinct values than this is no list of categories, unless the user says so
/// or its values are words.
const MAX_CATEGORIES: usize = 50;

/// Categories are seen this often on average, or the values are those of a continuous column.
const SEEN: usize = 5;

/// What a field says when there is no value, whatever its case.
const MISSING: [&str; 6] = ["", "na", "n/a", "nan", "null", "none"];

/// One column.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) values: Values,
    /// The number of distinct values.
    pub(super) distinct: usize,
    /// How often the most frequent value is seen.
    pub(super) most: usize,
    /// How often the least frequent one is.
    pub(super) least: usize,
}

/// Its values by rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    /// Numbers of the distinct values, in the order in which they appear.
    Discrete(Vec<u32>),
    /// Finite numbers.
    Continuous(Vec<f64>),
}

impl Column {
    pub(super) fn rows(&self) -> usize {
        match &self.values {
            Values::Discrete(codes) => codes.len(),
            Values::Continuous(values) => values.len(),
        }
    }

    /// The name of its type in tables.
    pub(super) fn kind(&self) -> &'static str {
        match self.values {
            Values::Discrete(_) => "discrete",
            Values::Continuous(_) => "continuous",
        }
    }
}

/// The chosen columns of a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Columns {
    pub(super) all: Vec<Column>,
    pub(super) rows: usize,
    /// Rows left out because a chosen column has no value there.
    pub(super) skipped: usize,
}

/// Fields as they stand in the file.
pub(in crate::commands) struct Raw {
    pub(in crate::commands) names: Vec<String>,
    /// Column by column.
    pub(in crate::commands) fields: Vec<Vec<String>>,
    /// The line of each row.
    pub(in crate::commands) lines: Vec<u64>,
}

/// Reads the chosen columns.
pub(super) fn read(args: &InfoArgs) -> Result<Columns, CliError> {
    let path = &args.table;
    let raw = fields(path, args.header)?;
    let chosen = choose(&raw.names, &args.columns, "--columns", path)?;
    let mut kinds = HashMap::new();
    for (name, kind) in &args.types {
        let at = position(&raw.names, name, "--type", path)?;
        if !chosen.contains(&at) {
            return Err(CliError::option(
                "--type",
                name,
                "a column that --columns chooses",
            ));
        }
        if kinds.insert(at, *kind).is_some() {
            return Err(CliError::option("--type", name, "given once per column"));
        }
    }
    let mut keep = Vec::with_capacity(raw.lines.len());
    for row in 0..raw.lines.len() {
        match chosen.iter().find(|c| missing(&raw.fields[**c][row])) {
            None => keep.push(row),
            Some(_) if args.skip_missing => {}
            Some(c) => {
                return Err(CliError::Cell {
                    path: path.clone(),
                    place: place(&raw, row, *c),
                    found: format!("\"{}\"", raw.fields[*c][row]),
                    allowed: "a value (--skip-missing leaves out rows without one)".into(),
                });
            }
        }
    }
    if keep.is_empty() {
        return Err(CliError::file(
            path,
            "has no row in which all chosen columns have a value, but must have at least one",
        ));
    }
    let all = chosen
        .iter()
        .map(|c| column(&raw, *c, &keep, kinds.get(c).copied(), path))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Columns {
        all,
        rows: keep.len(),
        skipped: raw.lines.len() - keep.len(),
    })
}

fn missing(field: &str) -> bool {
    MISSING.iter().any(|m| field.eq_ignore_ascii_case(m))
}

pub(in crate::commands) fn place(raw: &Raw, row: usize, column: usize) -> String {
    format!("line {}, column \"{}\"", raw.lines[row], raw.names[column])
}

fn column(
    raw: &Raw,
    at: usize,
    keep: &[usize],
    asked: Option<ColumnKind>,
    path: &Path,
) -> Result<Column, CliError> {
    let fields = &raw.fields[at];
    let mut numbers = Vec::with_capacity(keep.len());
    let mut first_word = None;
    for row in keep {
        match fields[*row].parse::<f64>() {
            Ok(number) if number.is_finite() => numbers.push(number),
            _ => {
                first_word = Some(*row);
                break;
            }
        }
    }
    if asked == Some(ColumnKind::Continuous)
        && let Some(row) = first_word
    {
        return Err(CliError::Cell {
            path: path.to_owned(),
            place: place(raw, row, at),
            found: format!("\"{}\"", fields[row]),
            allowed: "a finite number, as the column is to be continuous".into(),
        });
    }
    if asked.is_none()
        && let Some(row) = first_word
    {
        stray_word(raw, at, keep, row, path)?;
    }
    // 1 and 1.0 are one value, and so are 0 and -0.
    let mut codes = Vec::with_capacity(keep.len());
    let mut counts: Vec<usize> = Vec::new();
    if first_word.is_some() {
        let mut seen: HashMap<&str, u32> = HashMap::new();
        for row in keep {
            codes.push(code(&mut seen, fields[*row].as_str(), &mut counts));
        }
    } else {
        let mut seen: HashMap<u64, u32> = HashMap::new();
        for number in &numbers {
            codes.push(code(&mut seen, (number + 0.0).to_bits(), &mut counts));
        }
    }
    let distinct = counts.len();
    let categories = distinct <= MAX_CATEGORIES && (distinct * SEEN <= keep.len() || distinct == 1);
    let discrete = match asked {
        Some(kind) => kind == ColumnKind::Discrete,
        None => first_word.is_some() || categories,
    };
    Ok(Column {
        name: raw.names[at].clone(),
        values: if discrete {
            Values::Discrete(codes)
        } else {
            Values::Continuous(numbers)
        },
        distinct,
        most: counts.iter().copied().max().unwrap_or(0),
        least: counts.iter().copied().min().unwrap_or(0),
    })
}

/// Refuses a column of numbers with a few words, which would otherwise be all words: an infinite value, a
/// mark for missing ones, a slip of the pen.
fn stray_word(
    raw: &Raw,
    at: usize,
    keep: &[usize],
    first: usize,
    path: &Path,
) -> Result<(), CliError> {
    let fields = &raw.fields[at];
    let finite = |row: &&usize| fields[**row].parse::<f64>().is_ok_and(f64::is_finite);
    let words: HashSet<&str> = keep
        .iter()
        .filter(|row| !finite(row))
        .map(|row| fields[*row].as_str())
        .collect();
    let numbers: HashSet<&str> = keep
        .iter()
        .filter(finite)
        .map(|row| fields[*row].as_str())
        .collect();
    let infinite = words.iter().all(|w| w.parse::<f64>().is_ok());
    // Categories named by numbers and words are few.
    let stray = words.len() * 10 <= numbers.len();
    if !numbers.is_empty() && (infinite || stray) {
        return Err(CliError::Cell {
            path: path.to_owned(),
            place: place(raw, first, at),
            found: format!("\"{}\"", fields[first]),
            allowed: format!(
                "a finite number like others of its column (--type \"{}=discrete\" takes all as words)",
                raw.names[at]
            ),
        });
    }
    Ok(())
}

/// The number of a value, which is counted.
fn code<T: std::hash::Hash + Eq>(
    seen: &mut HashMap<T, u32>,
    value: T,
    counts: &mut Vec<usize>,
) -> u32 {
    // The table has fewer values than 2³².
    let next = seen.len() as u32;
    let code = *seen.entry(value).or_insert(next);
    if code == next && counts.len() == next as usize {
        counts.push(0);
    }
    counts[code as usize] += 1;
    code
}

/// The places of the columns called so, by name or by number from 1; all if none is called.
fn choose(
    names: &[String],
    called: &[String],
    option: &str,
    path: &Path,
) -> Result<Vec<usize>, CliError> {
    if called.is_empty() {
        return Ok((0..names.len()).collect());
    }
    let mut places = Vec::new();
    for name in called {
        let at = position(names, name, option, path)?;
        if places.contains(&at) {
            return Err(CliError::option(option, name, "named once"));
        }
        places.push(at);
    }
    Ok(places)
}

pub(in crate::commands) fn position(
    names: &[String],
    name: &str,
    option: &str,
    path: &Path,
) -> Result<usize, CliError> {
    names
        .iter()
        .position(|n| n == name)
        .or_else(|| {
            name.parse::<usize>()
                .ok()
                .filter(|n| (1..=names.len()).contains(n))
                .map(|n| n - 1)
        })
        .ok_or_else(|| {
            CliError::option(
                option,
                name,
                format!(
                    "the name of a column of {}, or its number, 1 to {}",
                    path.display(),
                    names.len()
                ),
            )
        })
}

pub(in crate::commands) fn fields(path: &Path, header: Header) -> Result<Raw, CliError> {
    let broken = |e: &std::io::Error| {
        let reason = match e.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => format!("cannot be read: {e}"),
        };
        CliError::file(path, reason)
    };
    if path.is_dir() {
        return Err(CliError::file(
            path,
            "is a folder, but must be a table of comma-separated values",
        ));
    }
    let mut file = BufReader::new(File::open(path).map_err(|e| broken(&e))?);
    let mut start = [0; 2];
    let read = file.read(&mut start).map_err(|e| broken(&e))?;
    let rest = std::io::Cursor::new(start).take(read as u64).chain(file);
    let stream: Box<dyn Read> = if read == 2 && start == [0x1f, 0x8b] {
        Box::new(MultiGzDecoder::new(rest))
    } else {
        Box::new(rest)
    };
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(stream);
    let mut record = StringRecord::new();
    let mut raw = Raw {
        names: Vec::new(),
        fields: Vec::new(),
        lines: Vec::new(),
    };
    while reader
        .read_record(&mut record)
        .map_err(|e| match e.into_kind() {
            ErrorKind::Io(e) => broken(&e),
            ErrorKind::Utf8 { pos, .. } => {
                let line = pos.map_or(0, |p| p.line());
                CliError::file(path, format!("line {line} is not UTF-8 text"))
            }
            _ => CliError::file(path, "is not a readable CSV file"),
        })?
    {
        let line = record.position().map_or(0, csv::Position::line);
        if raw.fields.is_empty() {
            // Spreadsheet programs put a byte-order mark in front.
            let first: Vec<String> = record
                .iter()
                .enumerate()
                .map(|(i, f)| {
                    if i == 0 {
                        f.trim_start_matches('\u{feff}')
                    } else {
                        f
                    }
                })
                .map(str::to_owned)
                .collect();
            if raw.start(first, header, line, path)? {
                continue;
            }
        }
        raw.push(&record, line, path)?;
    }
    if raw.fields.is_empty() {
        return Err(CliError::file(path, "is empty, but must hold a table"));
    }
    if raw.lines.is_empty() {
        return Err(CliError::file(
            path,
            "has a header and no row, but must have at least one",
        ));
    }
    raw.check_separator(path)?;
    Ok(raw)
}

impl Raw {
    /// Refuses what another separator than the comma left as one column.
    fn check_separator(&self, path: &Path) -> Result<(), CliError> {
        let ([name], [fields]) = (self.names.as_slice(), self.fields.as_slice()) else {
            return Ok(());
        };
        for (separator, called) in [(';', "semicolons"), ('\t', "tabs"), ('|', "bars")] {
            let holds = |text: &str| text.contains(separator);
            if fields.iter().all(|f| holds(f)) && (holds(name) || fields.len() > 1) {
                return Err(CliError::file(
                    path,
                    format!("has {called} between its fields, but must have commas"),
                ));
            }
        }
        Ok(())
    }

    /// Learns the columns from the first line; whether it was a header.
    fn start(
        &mut self,
        first: Vec<String>,
        header: Header,
        line: u64,
        path: &Path,
    ) -> Result<bool, CliError> {
        self.fields = vec![Vec::new(); first.len()];
        let numbers = first
            .iter()
            .filter(|f| f.parse::<f64>().is_ok() && !missing(f))
            .count();
        let named = match header {
            Header::Yes => true,
            Header::No => false,
            Header::Auto => numbers == 0,
        };
        self.names = first
            .iter()
            .enumerate()
            .map(|(i, name)| {
                if named && !name.is_empty() {
                    name.clone()
                } else {
                    format!("column {}", i + 1)
                }
            })
            .collect();
        let mut seen = HashSet::new();
        if let Some(twice) = self.names.iter().find(|n| !seen.insert(n.as_str())) {
            return Err(CliError::file(
                path,
                format!(
                    "line {line} names column \"{twice}\" twice (--header no says that it is data)"
                ),
            ));
        }
        Ok(named)
    }

    fn push(&mut self, record: &StringRecord, line: u64, path: &Path) -> Result<(), CliError> {
        if record.len() != self.fields.len() {
            return Err(CliError::file(
                path,
                format!(
                    "line {line} has {} fields, but must have {} fields like the first",
                    record.len(),
                    self.fields.len()
                ),
            ));
        }
        for (column, field) in self.fields.iter_mut().zip(record) {
            let first = self.lines.is_empty();
            let field = if first {
                field.trim_start_matches('\u{feff}')
            } else {
                field
            };
            column.push(field.to_owned());
        }
        self.lines.push(line);
        if self.lines.len().saturating_mul(self.fields.len()) > MAX_VALUES {
            return Err(CliError::file(
                path,
                format!("has more than {MAX_VALUES} values"),
            ));
        }
        Ok(())
    }
}
