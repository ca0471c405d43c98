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

#[cfg(feature = "csv")]
mod csv;
#[cfg(feature = "npy")]
mod npy;
#[cfg(feature = "parquet")]
mod parquet;

use std::path::Path;

use ergodic_core::Draws;

#[cfg(feature = "csv")]
pub use self::csv::{CsvChain, CsvSink, read_csv, write_csv};
#[cfg(feature = "npy")]
pub use self::npy::{NpyChain, NpySink, read_npy, read_npy_chains, read_npz, write_npy, write_npz};
#[cfg(feature = "parquet")]
pub use self::parquet::{read_parquet, write_parquet};

use crate::FileError;

/// Reads draws from a file whose name ends in `.npy`, `.npz`, `.csv` or `.parquet`.
///
/// ```
/// use ergodic_samplers::io;
///
/// let error = io::read("draws.txt").unwrap_err();
/// assert!(error.to_string().starts_with("draws.txt: "));
/// ```
///
/// # Errors
/// If the ending is another or its feature is off, or the file cannot be read as draws.
pub fn read(path: impl AsRef<Path>) -> Result<Draws, FileError> {
    let path = path.as_ref();
    match extension(path).as_str() {
        #[cfg(feature = "npy")]
        "npy" => read_npy(path, None),
        #[cfg(feature = "npy")]
        "npz" => read_npz(path),
        #[cfg(feature = "csv")]
        "csv" => read_csv(path),
        #[cfg(feature = "parquet")]
        "parquet" => read_parquet(path),
        _ => Err(unknown(path)),
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
        _ => Err(unknown(path)),
    }
}

fn extension(path: &Path) -> String {
    path.extension()
        .map(|e| e.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}

fn unknown(path: &Path) -> FileError {
    let known: &[&str] = &[
        #[cfg(feature = "npy")]
        ".npy",
        #[cfg(feature = "npy")]
        ".npz",
        #[cfg(feature = "csv")]
        ".csv",
        #[cfg(feature = "parquet")]
        ".parquet",
    ];
    FileError::new(
        path,
        format!(
            "the ending says none of the formats that this build reads: {}",
            known.join(", ")
        ),
    )
}

/// Puts rows that name their chain and draw in order: every chain `0, 1, …` with every draw
/// `0, 1, …` exactly once. `columns` holds the values parameter by parameter.
#[cfg(any(feature = "csv", feature = "parquet"))]
fn from_rows(
    path: &Path,
    names: Vec<String>,
    places: &[(u64, u64)],
    columns: &[Vec<f64>],
    row_name: impl Fn(usize) -> String,
) -> Result<Draws, FileError> {
    if places.is_empty() {
        return Err(FileError::new(path, "holds no draw"));
    }
    let count = |of: fn(&(u64, u64)) -> u64| places.iter().map(of).max().unwrap_or(0);
    let (last_chain, last_draw) = (count(|p| p.0), count(|p| p.1));
    // Saturated, that is too many in any case.
    let expected = (u128::from(last_chain) + 1).saturating_mul(u128::from(last_draw) + 1);
    if expected != places.len() as u128 {
        return Err(FileError::new(
            path,
            format!(
                "has {} rows, but {expected} belong to the chains 0 to {last_chain} with the draws \
                 0 to {last_draw}",
                places.len()
            ),
        ));
    }
    let (chains, draws) = (last_chain as usize + 1, last_draw as usize + 1);
    let mut seen = vec![false; places.len()];
    let mut values = vec![0.0; places.len() * names.len()];
    for (row, &(chain, draw)) in places.iter().enumerate() {
        let at = chain as usize * draws + draw as usize;
        if seen[at] {
            return Err(FileError::new(
                path,
                format!(
                    "{}: draw {draw} of chain {chain} is there twice",
                    row_name(row)
                ),
            ));
        }
        seen[at] = true;
        for (parameter, column) in columns.iter().enumerate() {
            values[at * names.len() + parameter] = column[row];
        }
    }
    Draws::new(names, chains, draws, values).map_err(|e| FileError::new(path, e))
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
        let position = |name: &str| names.iter().position(|n| n == name);
        let (chain, draw) = (position("chain"), position("draw"));
        let parameters: Vec<usize> = (0..names.len())
            .filter(|&i| Some(i) != chain && Some(i) != draw)
            .collect();
        if parameters.is_empty() {
            return Err(FileError::new(path, "has no column besides chain and draw"));
        }
        if chain.is_some() && draw.is_none() {
            return Err(FileError::new(
                path,
                "has a column chain, but no column draw",
            ));
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
    for reserved in ["chain", "draw"] {
        if names.iter().any(|n| n == reserved) {
            let reason = format!("a parameter cannot be called {reserved:?}: a column is");
            return Err(FileError::new(path, reason));
        }
    }
    Ok(())
}
