//! Draws as arrays of NumPy, `.npy` and `.npz`.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ergodic_core::{Draws, StepStats};
use npyz::{DType, NpyFile, Order};
use zip::write::SimpleFileOptions;

use super::{broken, open};
use crate::whole_file::write_atomically;
use crate::{ChainSink, DrawSink, FileError, RunShape, SinkError};

/// Bytes before the data: a fixed number, so that a header can be written again over itself.
const HEADER: usize = 128;

/// The header of an array of doubles in row-major order (format version 1.0 of NumPy).
fn header(shape: &[usize]) -> io::Result<[u8; HEADER]> {
    let shape: Vec<String> = shape.iter().map(ToString::to_string).collect();
    let shape = shape.join(", ");
    let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({shape}), }}");
    let mut bytes = [b' '; HEADER];
    if text.len() > HEADER - 11 {
        return Err(io::Error::other("the shape is too long"));
    }
    bytes[..8].copy_from_slice(b"\x93NUMPY\x01\x00");
    bytes[8..10].copy_from_slice(&((HEADER - 10) as u16).to_le_bytes());
    bytes[10..10 + text.len()].copy_from_slice(text.as_bytes());
    bytes[HEADER - 1] = b'\n';
    Ok(bytes)
}

fn write_values(file: &mut impl Write, values: impl Iterator<Item = f64>) -> io::Result<()> {
    for value in values {
        file.write_all(&value.to_le_bytes())?;
    }
    Ok(())
}

/// An array of numbers, as doubles in row-major order.
struct Array {
    shape: Vec<usize>,
    values: Vec<f64>,
}

fn read_array(mut reader: impl Read) -> io::Result<Array> {
    let invalid = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
    let file = NpyFile::new(&mut reader)?;
    let shape: Vec<usize> = file.shape().iter().map(|&n| n as usize).collect();
    let count = shape.iter().try_fold(1usize, |n, &k| n.checked_mul(k));
    if count.is_none() {
        return Err(invalid(format!("the shape {shape:?} is too large")));
    }
    // An axis of length 0 allows any length of the others, for which nobody has names.
    if count == Some(0) {
        return Err(invalid(format!("the shape {shape:?} holds no value")));
    }
    let order = file.order();
    let DType::Plain(kind) = file.dtype() else {
        return Err(invalid("the array holds records, not numbers".into()));
    };
    // Item by item: a header may promise more than there is.
    fn collect<T: npyz::Deserialize, R: Read>(
        file: NpyFile<R>,
        convert: impl Fn(T) -> f64,
    ) -> io::Result<Vec<f64>> {
        let data = file
            .data::<T>()
            .map_err(|e| io::Error::other(e.to_string()))?;
        data.map(|x| x.map(&convert)).collect()
    }
    let name = kind.to_string();
    let values = match name.trim_start_matches(['<', '>', '|', '=']) {
        "f8" => collect::<f64, _>(file, |x| x),
        "f4" => collect::<f32, _>(file, f64::from),
        "i1" => collect::<i8, _>(file, f64::from),
        "i2" => collect::<i16, _>(file, f64::from),
        "i4" => collect::<i32, _>(file, f64::from),
        "i8" => collect::<i64, _>(file, |x| x as f64),
        "u1" => collect::<u8, _>(file, f64::from),
        "u2" => collect::<u16, _>(file, f64::from),
        "u4" => collect::<u32, _>(file, f64::from),
        "u8" => collect::<u64, _>(file, |x| x as f64),
        "b1" => collect::<bool, _>(file, |x| f64::from(u8::from(x))),
        _ => Err(invalid(format!("the array holds {name}, not numbers"))),
    }?;
    if Some(values.len()) != count {
        return Err(invalid(format!(
            "holds {} values, but the shape is {shape:?}",
            values.len()
        )));
    }
    if reader.read(&mut [0])? > 0 {
        return Err(invalid("has trailing bytes after its values".into()));
    }
    let values = match order {
        Order::C => values,
        Order::Fortran => last_axis_first(&shape, &values),
    };
    Ok(Array { shape, values })
}

/// Values whose first axis ran fastest (Fortran order), now with the last running fastest.
fn last_axis_first(shape: &[usize], values: &[f64]) -> Vec<f64> {
    let place = |mut row_major: usize| {
        let mut index = vec![0; shape.len()];
        for (i, &n) in index.iter_mut().zip(shape).rev() {
            *i = row_major % n;
            row_major /= n;
        }
        index
            .iter()
            .zip(shape)
            .rev()
            .fold(0, |at, (i, n)| at * n + i)
    };
    (0..values.len()).map(|at| values[place(at)]).collect()
}

/// Writes one array of doubles, chain × draw × parameter. The names are not kept.
///
/// ```
/// use ergodic_core::Draws;
/// use ergodic_samplers::io;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("draws.npy");
/// let draws = Draws::new(vec!["mu".into()], 2, 2, vec![1.0, 2.0, 3.0, 4.0])?;
/// io::write_npy(&path, &draws)?;
/// assert_eq!(io::read_npy(&path, Some(vec!["mu".into()]))?, draws);
/// assert_eq!(io::read_npy(&path, None)?.names(), ["x[0]"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the file cannot be written.
pub fn write_npy(path: impl AsRef<Path>, draws: &Draws) -> Result<(), FileError> {
    let shape = [
        draws.num_chains(),
        draws.num_draws(),
        draws.num_parameters(),
    ];
    write_atomically(path.as_ref(), |file| {
        file.write_all(&header(&shape)?)?;
        write_values(file, draws.values().iter().copied())
    })
}

/// Reads an array of numbers as draws, also gzipped: chain × draw × parameter; of two axes, draw ×
/// parameter of one chain, as a [`NpySink`] writes it; of one axis, the draws of one parameter of
/// one chain. Without names they are `x[0]`, `x[1]`, ….
///
/// # Errors
/// If the file cannot be read, holds no numbers, has another number of axes or an empty one, or the
/// names do not fit.
pub fn read_npy(path: impl AsRef<Path>, names: Option<Vec<String>>) -> Result<Draws, FileError> {
    let path = path.as_ref();
    let (_, _, stream) = open(path)?;
    from_stream(path, stream, names)
}

pub(super) fn from_stream(
    path: &Path,
    stream: impl Read,
    names: Option<Vec<String>>,
) -> Result<Draws, FileError> {
    let Array { shape, values } = read_array(stream).map_err(|e| broken(path, &e))?;
    let (chains, draws, parameters) = match shape[..] {
        [chains, draws, parameters] => (chains, draws, parameters),
        [draws, parameters] => (1, draws, parameters),
        [draws] => (1, draws, 1),
        _ => {
            let reason = format!("has the shape {shape:?}, but must be chain × draw × parameter");
            return Err(FileError::new(path, reason));
        }
    };
    let names = names.unwrap_or_else(|| Draws::default_names(parameters));
    Draws::new(names, chains, draws, values).map_err(|e| FileError::new(path, e))
}

/// Reads files of a [`NpySink`], one for each chain, each draw × parameter. Chains are cut to the
/// length of the shortest.
///
/// # Errors
/// As [`read_npy`], or if there is no file, or the files have unlike numbers of parameters.
pub fn read_npy_chains<P: AsRef<Path>>(
    paths: &[P],
    names: Option<Vec<String>>,
) -> Result<Draws, FileError> {
    let mut arrays: Vec<Array> = Vec::new();
    for path in paths {
        let path = path.as_ref();
        let (_, _, stream) = open(path)?;
        let array = read_array(stream).map_err(|e| broken(path, &e))?;
        let expected = arrays
            .first()
            .map_or(array.shape.last(), |a| a.shape.last());
        if array.shape.len() != 2 || array.shape.last() != expected {
            let shape = &array.shape;
            let reason =
                format!("has the shape {shape:?}, but must be draw × parameter as the first");
            return Err(FileError::new(path, reason));
        }
        arrays.push(array);
    }
    let first = paths.first().map_or(Path::new(""), AsRef::as_ref);
    let draws = arrays.iter().map(|a| a.shape[0]).min().unwrap_or(0);
    let parameters = arrays.first().map_or(0, |a| a.shape[1]);
    let chains = arrays.iter().map(|a| &a.values[..draws * parameters]);
    let values = chains.collect::<Vec<_>>().concat();
    let names = names.unwrap_or_else(|| Draws::default_names(parameters));
    Draws::new(names, arrays.len(), draws, values).map_err(|e| FileError::new(first, e))
}

/// Writes an archive with one array chain × draw for each parameter, under its name; not
/// compressed, as draws hardly can be.
///
/// ```
/// use ergodic_core::Draws;
/// use ergodic_samplers::io;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("draws.npz");
/// let draws = Draws::new(vec!["mu".into(), "tau".into()], 1, 2, vec![1.0, 2.0, 3.0, 4.0])?;
/// io::write_npz(&path, &draws)?;
/// assert_eq!(io::read_npz(&path)?, draws);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the file cannot be written.
pub fn write_npz(path: impl AsRef<Path>, draws: &Draws) -> Result<(), FileError> {
    let shape = [draws.num_chains(), draws.num_draws()];
    let bytes = 8 * draws.num_chains() as u64 * draws.num_draws() as u64;
    write_atomically(path.as_ref(), |file| {
        let mut archive = zip::ZipWriter::new(file);
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .large_file(bytes > u64::from(u32::MAX) / 2);
        for (parameter, name) in draws.names().iter().enumerate() {
            archive.start_file(format!("{name}.npy"), options)?;
            archive.write_all(&header(&shape)?)?;
            let values = draws.values().iter().skip(parameter);
            let mut buffered = BufWriter::new(&mut archive);
            write_values(
                &mut buffered,
                values.step_by(draws.num_parameters()).copied(),
            )?;
            buffered.flush()?;
        }
        archive.finish()?;
        Ok(())
    })
}

/// Reads an archive of arrays chain × draw (or of one axis, the draws of one chain), compressed or
/// not, in the order in which they were written; an array with a third axis gives the parameters
/// `name[0]`, `name[1]`, ….
///
/// # Errors
/// If the file cannot be read, or its arrays hold no numbers or differ in chains and draws.
pub fn read_npz(path: impl AsRef<Path>) -> Result<Draws, FileError> {
    let path = path.as_ref();
    let error = |e: &dyn std::fmt::Display| FileError::new(path, e);
    let file = File::open(path).map_err(|e| broken(path, &e))?;
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|e| error(&e))?;
    let mut names = Vec::new();
    let mut columns: Vec<Vec<f64>> = Vec::new();
    let mut size = None;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|e| error(&e))?;
        let Some(name) = entry.name().strip_suffix(".npy").map(str::to_owned) else {
            continue;
        };
        let wrong = |reason: &dyn std::fmt::Display| error(&format!("array {name:?}: {reason}"));
        let Array { shape, values } = read_array(entry).map_err(|e| wrong(&e))?;
        let (chains, draws, parameters) = match shape[..] {
            [chains, draws, parameters] => (chains, draws, Some(parameters)),
            [chains, draws] => (chains, draws, None),
            [draws] => (1, draws, None),
            _ => return Err(wrong(&format!("has the shape {shape:?}"))),
        };
        let expected = *size.get_or_insert((chains, draws));
        if expected != (chains, draws) {
            let reason = format!("is of {chains} chains and {draws} draws, others of {expected:?}");
            return Err(wrong(&reason));
        }
        match parameters {
            None => {
                names.push(name);
                columns.push(values);
            }
            Some(n) => {
                for i in 0..n {
                    names.push(format!("{name}[{i}]"));
                    columns.push(values.iter().skip(i).step_by(n).copied().collect());
                }
            }
        }
    }
    let (chains, draws) = size.ok_or_else(|| error(&"holds no array"))?;
    let mut values = Vec::with_capacity(columns.len() * chains * draws);
    for row in 0..chains * draws {
        values.extend(columns.iter().map(|column| column[row]));
    }
    Draws::new(names, chains, draws, values).map_err(|e| error(&e))
}

/// Streams each chain to a file of its own, `PREFIX.0.npy`, `PREFIX.1.npy`, …: an array of doubles
/// draw × parameter. [`read_npy_chains`] reads them again.
///
/// A run that is killed leaves a header with the planned number of draws before the fewer that were
/// made; continue it from its checkpoint.
///
/// ```
/// use ergodic_core::StepStats;
/// use ergodic_samplers::{ChainSink, DrawSink, RunShape, io};
///
/// let folder = tempfile::tempdir()?;
/// let sink = io::NpySink::new(folder.path().join("run"));
/// let shape = RunShape { names: vec!["x".into()], chains: 1, draws: 1000 };
/// let mut chain = sink.open(0, &shape)?;
/// chain.push(0, &[0.25], &StepStats::default())?;
/// chain.finish(1)?; // stopped early
/// let draws = io::read_npy_chains(&[sink.path(0)], None)?;
/// assert_eq!(draws.values(), [0.25]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NpySink {
    prefix: PathBuf,
}

impl NpySink {
    /// Files whose path begins with `prefix`.
    pub fn new(prefix: impl Into<PathBuf>) -> Self {
        Self {
            prefix: prefix.into(),
        }
    }

    /// The file of one chain.
    pub fn path(&self, chain: usize) -> PathBuf {
        let mut path = self.prefix.clone().into_os_string();
        path.push(format!(".{chain}.npy"));
        path.into()
    }
}

/// The open file of one chain of a [`NpySink`].
#[derive(Debug)]
pub struct NpyChain {
    path: PathBuf,
    parameters: usize,
    file: BufWriter<File>,
}

impl NpyChain {
    fn sync(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_data()
    }
}

impl DrawSink for NpySink {
    type Chain = NpyChain;

    fn open(&self, chain: usize, shape: &RunShape) -> Result<NpyChain, SinkError> {
        let path = self.path(chain);
        let parameters = shape.names.len();
        let open = || {
            let mut file = BufWriter::new(File::create(&path)?);
            file.write_all(&header(&[shape.draws, parameters])?)?;
            Ok(file)
        };
        let file = open().map_err(|e: io::Error| FileError::new(&path, e))?;
        Ok(NpyChain {
            path,
            parameters,
            file,
        })
    }

    fn resume(
        &self,
        chain: usize,
        shape: &RunShape,
        draws: usize,
        _: &[u8],
    ) -> Result<NpyChain, SinkError> {
        let path = self.path(chain);
        let parameters = shape.names.len();
        let open = || {
            let mut file = OpenOptions::new().write(true).open(&path)?;
            let length = HEADER as u64 + 8 * draws as u64 * parameters as u64;
            let found = file.metadata()?.len();
            if found < length {
                return Err(io::Error::other(format!(
                    "has {found} bytes, but the checkpoint was made after {length}"
                )));
            }
            file.write_all(&header(&[shape.draws, parameters])?)?;
            file.set_len(length)?;
            file.seek(SeekFrom::End(0))?;
            Ok(BufWriter::new(file))
        };
        let file = open().map_err(|e| FileError::new(&path, e))?;
        Ok(NpyChain {
            path,
            parameters,
            file,
        })
    }
}

impl ChainSink for NpyChain {
    fn push(&mut self, _: usize, parameters: &[f64], _: &StepStats) -> Result<(), SinkError> {
        write_values(&mut self.file, parameters.iter().copied())
            .map_err(|e| FileError::new(&self.path, e).into())
    }

    fn save(&mut self) -> Result<Vec<u8>, SinkError> {
        self.sync().map_err(|e| FileError::new(&self.path, e))?;
        Ok(Vec::new())
    }

    /// Writes the header again, for the draws that were made.
    fn finish(&mut self, draws: usize) -> Result<(), SinkError> {
        let finish = || {
            self.file.flush()?;
            let header = header(&[draws, self.parameters])?;
            let file = self.file.get_mut();
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&header)?;
            file.seek(SeekFrom::End(0))?;
            file.sync_data()
        };
        let mut finish = finish;
        finish().map_err(|e: io::Error| FileError::new(&self.path, e).into())
    }
}
