//! Draws as comma-separated values.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ergodic_core::{Draws, StepStats};

use super::{Columns, Rows, broken, check_names, open};
use crate::whole_file::write_atomically;
use crate::{ChainSink, DrawSink, FileError, RunShape, SinkError};

/// Writes `chain`, `draw` and the parameters as columns, a row for each draw, in order.
///
/// Numbers are the shortest that read back to the same bits.
///
/// ```
/// use ergodic_core::Draws;
/// use ergodic_samplers::io;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("draws.csv");
/// let draws = Draws::new(vec!["mu".into(), "x, y".into()], 1, 2, vec![0.1, -0.0, 1e300, 2.0])?;
/// io::write_csv(&path, &draws)?;
/// assert_eq!(
///     std::fs::read_to_string(&path)?,
///     "chain,draw,mu,\"x, y\"\n0,0,0.1,-0.0\n0,1,1e300,2.0\n"
/// );
/// assert_eq!(io::read_csv(&path)?, draws);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the file cannot be written, or a parameter is called `chain` or `draw`.
pub fn write_csv(path: impl AsRef<Path>, draws: &Draws) -> Result<(), FileError> {
    let path = path.as_ref();
    check_names(path, draws.names())?;
    write_atomically(path, |file| {
        write_header(file, draws.names())?;
        for chain in 0..draws.num_chains() {
            for draw in 0..draws.num_draws() {
                write_row(file, chain, draw, draws.draw(chain, draw))?;
            }
        }
        Ok(())
    })
}

fn write_header(file: &mut impl Write, names: &[String]) -> std::io::Result<()> {
    let mut writer = csv::Writer::from_writer(file);
    let columns = ["chain", "draw"].into_iter();
    writer.write_record(columns.chain(names.iter().map(String::as_str)))?;
    writer.flush()
}

fn write_row(file: &mut impl Write, chain: usize, draw: usize, row: &[f64]) -> std::io::Result<()> {
    write!(file, "{chain},{draw}")?;
    for x in row {
        write!(file, ",{x:?}")?;
    }
    file.write_all(b"\n")
}

/// Reads what [`write_csv`] writes, from any program, also gzipped: columns in any order, rows too.
///
/// A column `chain` says to which chain a row belongs, by a number or any word (chains are then in
/// the order of their first rows); without it there is one chain. A column `draw` orders the draws
/// of a chain and may begin anywhere and leave numbers out, as after thinning; without it the rows
/// are in order. A first line of numbers alone is no header: the rows are the draws of one chain
/// whose parameters are called `x[0]`, `x[1]`, ….
///
/// # Errors
/// If the file cannot be read, a field is no number (line and column are named), a draw is there
/// twice, or chains differ in length.
pub fn read_csv(path: impl AsRef<Path>) -> Result<Draws, FileError> {
    let path = path.as_ref();
    let (_, _, stream) = open(path)?;
    from_stream(path, stream)
}

pub(super) fn from_stream(path: &Path, stream: impl Read) -> Result<Draws, FileError> {
    let error = |e: csv::Error| match e.into_kind() {
        csv::ErrorKind::Io(e) => broken(path, &e),
        csv::ErrorKind::Utf8 { pos, .. } => {
            let line = pos.map_or(0, |p| p.line());
            FileError::new(path, format!("line {line} is not UTF-8"))
        }
        _ => FileError::new(path, "is not a readable CSV file"),
    };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(stream);
    let mut record = csv::StringRecord::new();
    if !reader.read_record(&mut record).map_err(error)? {
        return Err(FileError::new(path, "is empty, but must hold draws"));
    }
    let mut names: Vec<String> = record.iter().map(str::to_owned).collect();
    let numbers = names.iter().filter(|n| n.parse::<f64>().is_ok()).count();
    let headless = numbers == names.len();
    if headless {
        names = Draws::default_names(numbers);
    }
    let columns = Columns::find(path, &names)?;
    // A parameter may be called 1 where other columns leave no doubt.
    if numbers > 0 && !headless && columns.chain.is_none() && columns.draw.is_none() {
        return Err(FileError::new(
            path,
            "has names and numbers in its first line, but must have one or the other",
        ));
    }
    let mut rows = Rows::default();
    let mut lines = Vec::new();
    let mut values = vec![Vec::new(); columns.parameters.len()];
    let mut more = headless || reader.read_record(&mut record).map_err(error)?;
    while more {
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != names.len() {
            let (found, allowed) = (record.len(), names.len());
            let reason =
                format!("line {line} has {found} fields, but the first has {allowed} fields");
            return Err(FileError::new(path, reason));
        }
        let field = |column: usize| record.get(column).unwrap_or_default();
        let number = |column: usize| {
            field(column).parse::<f64>().map_err(|_| {
                let (name, found) = (&names[column], field(column));
                let reason = format!("line {line}, column {name:?}: {found:?} is not a number");
                FileError::new(path, reason)
            })
        };
        let draw = columns.draw.map_or(Ok(lines.len() as f64), number)?;
        if !draw.is_finite() {
            let reason = format!("line {line}: the draw {draw} is not finite");
            return Err(FileError::new(path, reason));
        }
        rows.push(columns.chain.map_or("", field), draw);
        lines.push(line);
        for (values, &column) in values.iter_mut().zip(&columns.parameters) {
            values.push(number(column)?);
        }
        more = reader.read_record(&mut record).map_err(error)?;
    }
    let parameters = columns.parameters.iter();
    let names = parameters.map(|&i| names[i].clone()).collect();
    rows.into_draws(path, names, &values, |row| format!("line {}", lines[row]))
}

/// Streams each chain to a file of its own, `PREFIX.0.csv`, `PREFIX.1.csv`, …, with the columns of
/// [`write_csv`].
///
/// ```
/// use ergodic_core::StepStats;
/// use ergodic_samplers::{ChainSink, DrawSink, RunShape, io};
///
/// let folder = tempfile::tempdir()?;
/// let sink = io::CsvSink::new(folder.path().join("run"));
/// let shape = RunShape { names: vec!["x".into()], chains: 1, draws: 1 };
/// let mut chain = sink.open(0, &shape)?;
/// chain.push(0, &[0.25], &StepStats::default())?;
/// chain.finish(1)?;
/// let text = std::fs::read_to_string(folder.path().join("run.0.csv"))?;
/// assert_eq!(text, "chain,draw,x\n0,0,0.25\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvSink {
    prefix: PathBuf,
}

impl CsvSink {
    /// Files whose path begins with `prefix`.
    pub fn new(prefix: impl Into<PathBuf>) -> Self {
        Self {
            prefix: prefix.into(),
        }
    }

    /// The file of one chain.
    pub fn path(&self, chain: usize) -> PathBuf {
        let mut path = self.prefix.clone().into_os_string();
        path.push(format!(".{chain}.csv"));
        path.into()
    }
}

/// The open file of one chain of a [`CsvSink`].
#[derive(Debug)]
pub struct CsvChain {
    chain: usize,
    path: PathBuf,
    file: BufWriter<File>,
}

impl CsvChain {
    fn flush(&mut self) -> Result<u64, FileError> {
        let flushed = self.file.flush().and_then(|()| {
            self.file.get_ref().sync_data()?;
            self.file.stream_position()
        });
        flushed.map_err(|e| FileError::new(&self.path, e))
    }
}

impl DrawSink for CsvSink {
    type Chain = CsvChain;

    fn open(&self, chain: usize, shape: &RunShape) -> Result<CsvChain, SinkError> {
        let path = self.path(chain);
        check_names(&path, &shape.names)?;
        let open = || {
            let mut file = BufWriter::new(File::create(&path)?);
            write_header(&mut file, &shape.names)?;
            Ok(file)
        };
        let file = open().map_err(|e: std::io::Error| FileError::new(&path, e))?;
        Ok(CsvChain { chain, path, file })
    }

    fn resume(
        &self,
        chain: usize,
        _: &RunShape,
        _: usize,
        saved: &[u8],
    ) -> Result<CsvChain, SinkError> {
        let path = self.path(chain);
        let error = |e: &dyn std::fmt::Display| FileError::new(&path, e);
        let length: [u8; 8] = saved
            .try_into()
            .map_err(|_| error(&"its place in the checkpoint is damaged"))?;
        let length = u64::from_le_bytes(length);
        let mut file = OpenOptions::new()
            .write(true)
            .open(&path)
            .map_err(|e| error(&e))?;
        let found = file.metadata().map_err(|e| error(&e))?.len();
        if found < length {
            let reason = format!("has {found} bytes, but the checkpoint was made after {length}");
            return Err(error(&reason).into());
        }
        file.set_len(length)
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .map_err(|e| error(&e))?;
        let file = BufWriter::new(file);
        Ok(CsvChain { chain, path, file })
    }
}

impl ChainSink for CsvChain {
    fn push(&mut self, draw: usize, parameters: &[f64], _: &StepStats) -> Result<(), SinkError> {
        write_row(&mut self.file, self.chain, draw, parameters)
            .map_err(|e| FileError::new(&self.path, e).into())
    }
    fn save(&mut self) -> Result<Vec<u8>, SinkError> {
        Ok(self.flush()?.to_le_bytes().to_vec())
    }
    fn finish(&mut self, _: usize) -> Result<(), SinkError> {
        self.flush()?;
        Ok(())
    }
}
