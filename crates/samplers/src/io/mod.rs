//! Draws to and from files, in layouts that other programs read.
//!
//! | file | feature | layout | names |
//! |---|---|---|---|
//! | `.npy` | `npy` | one array, chain × draw × parameter | no |
//! | `.npz` | `npy` | one array chain × draw for each parameter, under its name | yes |
//! | `.csv` | `csv` | a row for each draw: `chain`, `draw`, then the parameters | yes |
//! | `.parquet` | `parquet` | the same columns, integers and doubles | yes |
//!
//! Values come back with the same bits; only the payload of a NaN is lost in a `.csv`. Files are
//! written beside their place and moved there, so that they are always whole. For runs that do not
//! fit into memory there are the sinks `NpySink` and `CsvSink`, one file for each chain.
//!
//! # Reading draws with ArviZ
//!
//! ```python
//! import arviz as az, numpy as np
//!
//! draws = np.load("draws.npz")                      # write_npz
//! data = az.from_dict({name: draws[name] for name in draws.files})
//! print(az.summary(data))
//! ```
//!
//! From a `.npy`: `az.from_dict({"x": np.load("draws.npy")})`; from the files of an `NpySink`:
//! `az.from_dict({"x": np.stack([np.load(f"run.{c}.npy") for c in range(4)])})`. (ArviZ 1.0 asks
//! for `az.from_dict({"posterior": {…}})`.)
//!
//! From a `.parquet`, or a `.csv` with `pd.read_csv`:
//!
//! ```python
//! import arviz as az, pandas as pd
//!
//! table = pd.read_parquet("draws.parquet")          # write_parquet
//! data = az.convert_to_inference_data(table.set_index(["chain", "draw"]).to_xarray())
//! print(az.summary(data))
//! ```
//!
//! # Arrow
//!
//! `pyarrow.parquet.read_table("draws.parquet")` is the Arrow table, of two columns of `int64` and
//! one of `double` for each parameter, none with a missing value. There is no writer of Arrow's own
//! files (IPC, "Feather"): what reads them (pyarrow, pandas, polars, Julia, R) reads Parquet as well,
//! and they would bring some twenty crates more than the thirty that the feature has.

#[cfg(feature = "csv")]
mod csv;
#[cfg(feature = "npy")]
mod npy;
#[cfg(feature = "parquet")]
mod parquet;

#[cfg(any(feature = "csv", feature = "parquet"))]
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use ergodic_core::Draws;

#[cfg(feature = "csv")]
pub use self::csv::{CsvChain, CsvSink, read_csv, write_csv};
#[cfg(feature = "npy")]
pub use self::npy::{NpyChain, NpySink, read_npy, read_npy_chains, read_npz, write_npy, write_npz};
#[cfg(feature = "parquet")]
pub use self::parquet::{read_parquet, write_parquet};

use crate::FileError;

/// The formats of this build.
const KNOWN: &str = match (
    cfg!(feature = "npy"),
    cfg!(feature = "csv"),
    cfg!(feature = "parquet"),
) {
    (true, true, true) => ".npy, .npz, .csv, .parquet",
    (true, true, false) => ".npy, .npz, .csv",
    (true, false, true) => ".npy, .npz, .parquet",
    (true, false, false) => ".npy, .npz",
    (false, true, true) => ".csv, .parquet",
    (false, true, false) => ".csv",
    (false, false, true) => ".parquet",
    (false, false, false) => "none",
};

/// Reads draws from a file of any of the formats above, whatever its name: the first bytes say
/// which it is. A `.csv` or `.npy` may be gzipped.
///
/// ```
/// use ergodic_samplers::io;
///
/// let error = io::read("draws.csv").unwrap_err();
/// assert_eq!(error.to_string(), "draws.csv: no such file");
/// ```
///
/// # Errors
/// If the file is of another format or of one whose feature is off, or cannot be read as draws.
pub fn read(path: impl AsRef<Path>) -> Result<Draws, FileError> {
    let path = path.as_ref();
    let (packed, head, stream) = open(path)?;
    let _ = &stream;
    match Format::of(&head).ok_or_else(|| other_format(path))? {
        Format::Npz | Format::Parquet if packed => Err(FileError::new(
            path,
            "is an .npz or .parquet inside gzip: unpack it first",
        )),
        #[cfg(feature = "npy")]
        Format::Npy => npy::from_stream(path, stream, None),
        #[cfg(feature = "npy")]
        Format::Npz => read_npz(path),
        #[cfg(feature = "csv")]
        Format::Csv => csv::from_stream(path, stream),
        #[cfg(feature = "parquet")]
        Format::Parquet => read_parquet(path),
        #[cfg(not(all(feature = "npy", feature = "csv", feature = "parquet")))]
        _ => Err(other_format(path)),
    }
}

/// What the first bytes of a file tell.
#[derive(Clone, Copy)]
enum Format {
    Npy,
    Npz,
    Csv,
    Parquet,
}

impl Format {
    fn of(head: &[u8]) -> Option<Self> {
        match head {
            _ if head.starts_with(b"\x93NUMPY") => Some(Self::Npy),
            // Of an archive with an entry, or of an empty one.
            _ if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") => {
                Some(Self::Npz)
            }
            _ if head.starts_with(b"PAR1") => Some(Self::Parquet),
            _ if head.contains(&0) => None,
            _ => Some(Self::Csv),
        }
    }
}

/// Whether the file is packed, its first bytes, and all of them.
type Opened = (bool, Vec<u8>, Box<dyn Read>);

/// Opens a file, unpacks it if it is gzipped, and says so.
fn open(path: &Path) -> Result<Opened, FileError> {
    let error = |e: io::Error| broken(path, &e);
    let file = File::open(path).map_err(error)?;
    if file.metadata().map_err(error)?.is_dir() {
        return Err(FileError::new(
            path,
            "is a folder, but must be a file of draws",
        ));
    }
    let (head, plain) = peek(BufReader::new(file)).map_err(error)?;
    #[cfg(any(feature = "csv", feature = "npy"))]
    if head.starts_with(&[0x1f, 0x8b]) {
        let (head, inner) = peek(flate2::read::MultiGzDecoder::new(plain)).map_err(error)?;
        return Ok((true, head, Box::new(inner)));
    }
    Ok((false, head, Box::new(plain)))
}

/// The first bytes of a stream, and the whole stream again.
fn peek<R: Read>(mut stream: R) -> io::Result<(Vec<u8>, impl Read)> {
    let mut head = Vec::new();
    stream.by_ref().take(512).read_to_end(&mut head)?;
    Ok((head.clone(), io::Cursor::new(head).chain(stream)))
}

/// What an error of the file system or of a decoder means.
fn broken(path: &Path, e: &io::Error) -> FileError {
    match e.kind() {
        io::ErrorKind::NotFound => FileError::new(path, "no such file"),
        io::ErrorKind::UnexpectedEof => FileError::new(path, "is truncated"),
        _ => FileError::new(path, e),
    }
}

/// Writes draws to a file whose name ends in `.npy` (which keeps no names), `.npz`, `.csv` or
/// `.parquet`.
///
/// # Errors
/// If the ending is another or its feature is off, or the file cannot be written.
pub fn write(path: impl AsRef<Path>, draws: &Draws) -> Result<(), FileError> {
    let path = path.as_ref();
    let _ = draws;
    match extension(path).as_str() {
        #[cfg(feature = "npy")]
        "npy" => write_npy(path, draws),
        #[cfg(feature = "npy")]
        "npz" => write_npz(path, draws),
        #[cfg(feature = "csv")]
        "csv" => write_csv(path, draws),
        #[cfg(feature = "parquet")]
        "parquet" => write_parquet(path, draws),
        _ => Err(unknown_ending(path)),
    }
}

fn extension(path: &Path) -> String {
    path.extension()
        .map(|e| e.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}

fn unknown_ending(path: &Path) -> FileError {
    let reason = "the ending says none of the formats that this build writes";
    FileError::new(path, format!("{reason}: {KNOWN}"))
}

fn other_format(path: &Path) -> FileError {
    let reason = "holds no draws in a format that this build reads";
    FileError::new(path, format!("{reason}: {KNOWN}"))
}

/// The rows of a table as they come.
#[cfg(any(feature = "csv", feature = "parquet"))]
#[derive(Default)]
struct Rows {
    /// The chains in the order of their first rows.
    labels: Vec<String>,
    by_label: HashMap<String, usize>,
    /// Chain (as numbered by `labels`) and draw of each row.
    places: Vec<(usize, f64)>,
}

#[cfg(any(feature = "csv", feature = "parquet"))]
impl Rows {
    fn push(&mut self, chain: &str, draw: f64) {
        let index = if let Some(&index) = self.by_label.get(chain) {
            index
        } else {
            self.labels.push(chain.to_owned());
            self.by_label
                .insert(chain.to_owned(), self.labels.len() - 1);
            self.labels.len() - 1
        };
        self.places.push((index, draw));
    }

    /// Puts the rows in order. `columns` holds the values parameter by parameter.
    fn into_draws(
        self,
        path: &Path,
        names: Vec<String>,
        columns: &[Vec<f64>],
        row_name: impl Fn(usize) -> String,
    ) -> Result<Draws, FileError> {
        let Self { labels, places, .. } = self;
        let mut lengths = vec![0usize; labels.len()];
        for &(chain, _) in &places {
            lengths[chain] += 1;
        }
        let Some(&draws) = lengths.first() else {
            return Err(FileError::new(path, "holds no draw"));
        };
        if let Some(other) = lengths.iter().position(|&n| n != draws) {
            let reason = format!(
                "has {} draws in chain {}, but must have {draws} as in chain {}",
                lengths[other], labels[other], labels[0]
            );
            return Err(FileError::new(path, reason));
        }
        // By their numbers where all have one, else as they came.
        let numbers: Option<Vec<u64>> = labels.iter().map(|l| l.parse().ok()).collect();
        let rank = |chain: usize| numbers.as_ref().map_or(chain as u64, |n| n[chain]);
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by(|&a, &b| {
            let ((c, i), (d, j)) = (places[a], places[b]);
            (rank(c), c).cmp(&(rank(d), d)).then(i.total_cmp(&j))
        });
        let twice = order.windows(2).find_map(|pair| match *pair {
            [a, b] if places[a] == places[b] => Some(b),
            _ => None,
        });
        if let Some(row) = twice {
            let (chain, draw) = places[row];
            let (place, chain) = (row_name(row), &labels[chain]);
            let reason = format!("{place}: draw {draw} of chain {chain:?} is there twice");
            return Err(FileError::new(path, reason));
        }
        let mut values = Vec::with_capacity(places.len() * columns.len());
        for row in order {
            values.extend(columns.iter().map(|column| column[row]));
        }
        Draws::new(names, labels.len(), draws, values).map_err(|e| FileError::new(path, e))
    }
}

/// The columns `chain`, `draw`, and all others in their order.
#[cfg(any(feature = "csv", feature = "parquet"))]
struct Columns {
    chain: Option<usize>,
    draw: Option<usize>,
    parameters: Vec<usize>,
}

#[cfg(any(feature = "csv", feature = "parquet"))]
impl Columns {
    fn find(path: &Path, names: &[String]) -> Result<Self, FileError> {
        let position = |name: &str| {
            let mut all = (0..names.len()).filter(|&i| names[i].eq_ignore_ascii_case(name));
            let first = all.next();
            if all.next().is_some() {
                let reason = format!("has two columns called {name}, but must have one");
                return Err(FileError::new(path, reason));
            }
            Ok(first)
        };
        let (chain, draw) = (position("chain")?, position("draw")?);
        let parameters: Vec<usize> = (0..names.len())
            .filter(|&i| Some(i) != chain && Some(i) != draw)
            .collect();
        if parameters.is_empty() {
            return Err(FileError::new(path, "has no column besides chain and draw"));
        }
        Ok(Self {
            chain,
            draw,
            parameters,
        })
    }
}

#[cfg(any(feature = "csv", feature = "parquet"))]
fn check_names(path: &Path, names: &[String]) -> Result<(), FileError> {
    let reserved = |n: &&String| ["chain", "draw"].iter().any(|r| n.eq_ignore_ascii_case(r));
    match names.iter().find(reserved) {
        Some(name) => {
            let reason = format!("a parameter cannot be called {name:?}: a column is");
            Err(FileError::new(path, reason))
        }
        None => Ok(()),
    }
}
