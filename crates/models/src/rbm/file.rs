//! Models and checkpoints as safetensors files, written atomically.
//!
//! A model file holds `weights` (`visible × hidden`), `visible_bias` and `hidden_bias`; a
//! checkpoint holds in addition everything that the next epoch depends on. What is not a tensor is
//! one JSON object under the metadata key `ergodic`, with sorted keys, so that equal models are
//! equal files.
//!
//! Every file is written to a temporary file in the same folder, flushed to the disk and renamed
//! over its target: whatever is killed, the target is the old file or the new one. A kill in
//! between can leave a `.ergodic-*.part` file beside it, which nothing reads and may be deleted.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use ergodic_core::{ArgumentError, OptimizerState};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};
use serde::{Deserialize, Serialize};

use super::settings::TrainSettings;
use super::train::{Best, TrainState};
use super::{Data, Rbm, Trainer, Unit};

/// The format version of model files and checkpoints.
const VERSION: u32 = 1;
const KEY: &str = "ergodic";

/// Why a file could not be read or written; the message names the file.
#[derive(Debug)]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it, and what is allowed.
    pub reason: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for FileError {}

impl FileError {
    fn new(path: &Path, reason: impl fmt::Display) -> Self {
        Self {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// Writes `bytes` to `path` so that the path holds the old content or the new one, never a part.
///
/// # Errors
/// If the folder cannot be written or the disk is full; the old content is then untouched.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let error = |e: std::io::Error| FileError::new(path, e);
    let folder = match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".ergodic-").suffix(".part");
    #[cfg(unix)]
    {
        // As any other new file, readable as the umask says; the default of a temporary file is
        // the owner alone.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder).map_err(error)?;
    file.write_all(bytes).map_err(error)?;
    file.as_file().sync_all().map_err(error)?;
    file.persist(path).map_err(|e| error(e.error))?;
    // The rename itself is on the disk once the folder is. Not every file system can do that.
    if let Ok(folder) = std::fs::File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// What a model file says besides its tensors.
#[derive(Serialize, Deserialize)]
struct ModelHeader {
    format: String,
    version: u32,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

const MODEL: &str = "ergodic-rbm";
const CHECKPOINT: &str = "ergodic-rbm-checkpoint";

/// What a checkpoint says besides its tensors. Numbers that must come back with the same bits are
/// stored as bits.
#[derive(Serialize, Deserialize)]
struct CheckpointHeader {
    format: String,
    version: u32,
    settings: TrainSettings,
    data: u64,
    epoch: usize,
    updates: u64,
    optimizer_steps: u64,
    optimizer_slots: Vec<String>,
    averaged_epochs: u64,
    without_improvement: usize,
    best_epoch: Option<usize>,
    best_log_likelihood_bits: Option<u64>,
}

/// Tensors by name, as bytes with shape and type.
type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

fn dtype<F: Unit>() -> Dtype {
    if size_of::<F>() == 4 {
        Dtype::F32
    } else {
        Dtype::F64
    }
}

fn to_bytes<F: Unit>(x: &[F]) -> Vec<u8> {
    if size_of::<F>() == 4 {
        x.iter()
            .flat_map(|x| (x.to_f64() as f32).to_le_bytes())
            .collect()
    } else {
        x.iter().flat_map(|x| x.to_f64().to_le_bytes()).collect()
    }
}

fn from_bytes<F: Unit>(bytes: &[u8]) -> Vec<F> {
    if size_of::<F>() == 4 {
        let (chunks, _) = bytes.as_chunks::<4>();
        chunks
            .iter()
            .map(|b| F::from_f32(f32::from_le_bytes(*b)))
            .collect()
    } else {
        let (chunks, _) = bytes.as_chunks::<8>();
        chunks
            .iter()
            .map(|b| F::from_f64(f64::from_le_bytes(*b)))
            .collect()
    }
}

fn put<F: Unit>(tensors: &mut Tensors, name: &str, shape: &[usize], x: &[F]) {
    let entry = (dtype::<F>(), shape.to_vec(), to_bytes(x));
    tensors.insert(name.to_owned(), entry);
}

fn write(path: &Path, tensors: &Tensors, header: &impl Serialize) -> Result<(), FileError> {
    let error = |e: &dyn fmt::Display| FileError::new(path, e);
    let views = tensors
        .iter()
        .map(|(name, (dtype, shape, bytes))| {
            let view = TensorView::new(*dtype, shape.clone(), bytes).map_err(|e| error(&e))?;
            Ok((name.clone(), view))
        })
        .collect::<Result<Vec<_>, FileError>>()?;
    let header = serde_json::to_string(header).map_err(|e| error(&e))?;
    let metadata = HashMap::from([(KEY.to_owned(), header)]);
    let bytes = serialize(views, Some(metadata)).map_err(|e| error(&e))?;
    write_atomically(path, &bytes)
}

/// A file in memory, with errors that name it.
struct Reader<'a> {
    path: &'a Path,
    tensors: SafeTensors<'a>,
}

impl<'a> Reader<'a> {
    fn new<H: for<'de> Deserialize<'de>>(
        path: &'a Path,
        bytes: &'a [u8],
    ) -> Result<(Self, H), FileError> {
        let error = |e: &dyn fmt::Display| {
            FileError::new(path, format!("not a safetensors file of ergodic: {e}"))
        };
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| error(&e))?;
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| error(&e))?;
        let header = metadata
            .metadata()
            .as_ref()
            .and_then(|m| m.get(KEY))
            .ok_or_else(|| error(&"the metadata key `ergodic` is missing"))?;
        let header = serde_json::from_str(header).map_err(|e| error(&e))?;
        Ok((Self { path, tensors }, header))
    }

    fn check(&self, format: &str, version: u32, expected: &str) -> Result<(), FileError> {
        if format != expected {
            return Err(FileError::new(
                self.path,
                format!("holds a `{format}`, but must hold a `{expected}`"),
            ));
        }
        if version != VERSION {
            return Err(FileError::new(
                self.path,
                format!("has format version {version}, but this program reads {VERSION}"),
            ));
        }
        Ok(())
    }

    fn view(&self, name: &str, dtype: Dtype, shape: &[usize]) -> Result<&'a [u8], FileError> {
        let tensor = self
            .tensors
            .tensor(name)
            .map_err(|_| FileError::new(self.path, format!("the tensor `{name}` is missing")))?;
        if tensor.dtype() != dtype || tensor.shape() != shape {
            return Err(FileError::new(
                self.path,
                format!(
                    "the tensor `{name}` is {:?} {:?}, but must be {dtype:?} {shape:?}",
                    tensor.dtype(),
                    tensor.shape(),
                ),
            ));
        }
        Ok(tensor.data())
    }

    fn get<F: Unit>(&self, name: &str, shape: &[usize]) -> Result<Vec<F>, FileError> {
        let values: Vec<F> = from_bytes(self.view(name, dtype::<F>(), shape)?);
        if let Some(i) = values.iter().position(|x| !x.is_finite()) {
            return Err(FileError::new(
                self.path,
                format!(
                    "the tensor `{name}` holds {} at index {i}, but must be finite",
                    values[i]
                ),
            ));
        }
        Ok(values)
    }

    /// The shape `visible × hidden` of the weights.
    fn shape(&self) -> Result<(usize, usize), FileError> {
        let weights = self
            .tensors
            .tensor("weights")
            .map_err(|_| FileError::new(self.path, "the tensor `weights` is missing"))?;
        match *weights.shape() {
            [visible, hidden] if visible > 0 && hidden > 0 => Ok((visible, hidden)),
            ref other => Err(FileError::new(
                self.path,
                format!("the tensor `weights` has shape {other:?}, but must be visible x hidden"),
            )),
        }
    }

    fn rbm<F: Unit>(&self, prefix: &str) -> Result<Rbm<F>, FileError> {
        let (visible, hidden) = self.shape()?;
        let name = |part: &str| format!("{prefix}{part}");
        let mut parameters = self.get(&name("weights"), &[visible, hidden])?;
        parameters.extend(self.get::<F>(&name("visible_bias"), &[visible])?);
        parameters.extend(self.get::<F>(&name("hidden_bias"), &[hidden])?);
        Rbm::from_parameters(visible, hidden, parameters).map_err(|e| FileError::new(self.path, e))
    }
}

fn put_rbm<F: Unit>(tensors: &mut Tensors, prefix: &str, rbm: &Rbm<F>) {
    let (visible, hidden) = (rbm.visible(), rbm.hidden());
    let name = |part: &str| format!("{prefix}{part}");
    put(tensors, &name("weights"), &[visible, hidden], rbm.weights());
    let (b, c) = (rbm.visible_bias(), rbm.hidden_bias());
    put(tensors, &name("visible_bias"), &[visible], b);
    put(tensors, &name("hidden_bias"), &[hidden], c);
}

fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    std::fs::read(path).map_err(|e| FileError::new(path, e))
}

impl<F: Unit> Rbm<F> {
    /// Writes the machine with `metadata` to a safetensors file, atomically. Equal machines with
    /// equal metadata make equal files, byte for byte.
    ///
    /// # Errors
    /// If the file cannot be written; what was there before is untouched.
    pub fn save(&self, path: &Path, metadata: &BTreeMap<String, String>) -> Result<(), FileError> {
        let mut tensors = Tensors::new();
        put_rbm(&mut tensors, "", self);
        let header = ModelHeader {
            format: MODEL.to_owned(),
            version: VERSION,
            metadata: metadata.clone(),
        };
        write(path, &tensors, &header)
    }

    /// Reads a machine and its metadata. A checkpoint serves as well: its current machine.
    ///
    /// # Errors
    /// If the file is missing, is no safetensors file of this program and version, or its tensors
    /// have another type, other shapes than `W` says, or values that are not finite.
    pub fn load(path: &Path) -> Result<(Self, BTreeMap<String, String>), FileError> {
        let bytes = read(path)?;
        let (reader, header) = Reader::new::<ModelHeader>(path, &bytes)?;
        let expected = if header.format == CHECKPOINT {
            CHECKPOINT
        } else {
            MODEL
        };
        reader.check(&header.format, header.version, expected)?;
        Ok((reader.rbm("")?, header.metadata))
    }
}

impl<F: Unit> Trainer<F> {
    /// Writes everything that the next epoch depends on, atomically: a trainer
    /// [resumed](Self::resume) from it goes on with the same bits.
    ///
    /// # Errors
    /// If the file cannot be written; the last checkpoint is then untouched.
    pub fn checkpoint(&self, path: &Path) -> Result<(), FileError> {
        let s = &self.state;
        let mut tensors = Tensors::new();
        put_rbm(&mut tensors, "", &s.rbm);
        let n = s.rbm.parameters().len();
        let hidden = s.rbm.hidden();
        let chains = (
            Dtype::U8,
            vec![s.chains.len() / hidden, hidden],
            s.chains.clone(),
        );
        tensors.insert("chains".to_owned(), chains);
        put(&mut tensors, "hidden_mean", &[hidden], &s.hidden_mean);
        if s.averaged_epochs > 0 {
            put(&mut tensors, "averaged", &[n], &s.averaged);
        }
        if let Some(best) = &s.best {
            put(&mut tensors, "best", &[n], &best.parameters);
        }
        let optimizer = self.optimizer.state();
        for (name, values) in &optimizer.slots {
            // Empty before the first update.
            let shape = [values.len()];
            put(&mut tensors, &format!("optimizer.{name}"), &shape, values);
        }
        let header = CheckpointHeader {
            format: CHECKPOINT.to_owned(),
            version: VERSION,
            settings: self.settings.clone(),
            data: self.fingerprint,
            epoch: s.epoch,
            updates: s.updates,
            optimizer_steps: optimizer.steps,
            optimizer_slots: optimizer.slots.into_iter().map(|(name, _)| name).collect(),
            averaged_epochs: s.averaged_epochs,
            without_improvement: s.without_improvement,
            best_epoch: s.best.as_ref().map(|b| b.epoch),
            best_log_likelihood_bits: s.best.as_ref().map(|b| b.log_likelihood.to_bits()),
        };
        write(path, &tensors, &header)
    }

    /// Goes on from a checkpoint, with the settings stored in it, on the same data.
    ///
    /// # Errors
    /// If the file is missing, is no checkpoint of this program and version, is damaged, or was
    /// made on other data.
    pub fn resume(path: &Path, data: &Data) -> Result<Self, FileError> {
        let bytes = read(path)?;
        let (reader, h) = Reader::new::<CheckpointHeader>(path, &bytes)?;
        reader.check(&h.format, h.version, CHECKPOINT)?;
        let error = |e: ArgumentError| FileError::new(path, e);
        if h.data != data.fingerprint() {
            return Err(FileError::new(
                path,
                "was made on other data than these; resume needs the same rows",
            ));
        }
        h.settings.check().map_err(error)?;
        let rbm: Rbm<F> = reader.rbm("")?;
        let n = rbm.parameters().len();
        if rbm.hidden() != h.settings.hidden || rbm.visible() != data.visible() {
            return Err(FileError::new(
                path,
                format!(
                    "holds {} x {} weights, but settings and data ask for {} x {}",
                    rbm.visible(),
                    rbm.hidden(),
                    data.visible(),
                    h.settings.hidden
                ),
            ));
        }
        let shape = [h.settings.chains, h.settings.hidden];
        let chains = reader.view("chains", Dtype::U8, &shape)?.to_vec();
        if chains.iter().any(|c| *c > 1) {
            return Err(FileError::new(
                path,
                "a chain holds values other than 0 and 1",
            ));
        }
        let best = match (h.best_epoch, h.best_log_likelihood_bits) {
            (Some(epoch), Some(bits)) => Some(Best {
                epoch,
                log_likelihood: f64::from_bits(bits),
                parameters: reader.get("best", &[n])?,
            }),
            _ => None,
        };
        let state = TrainState {
            epoch: h.epoch,
            updates: h.updates,
            chains,
            hidden_mean: reader.get("hidden_mean", &[h.settings.hidden])?,
            averaged: if h.averaged_epochs > 0 {
                reader.get("averaged", &[n])?
            } else {
                Vec::new()
            },
            averaged_epochs: h.averaged_epochs,
            best,
            without_improvement: h.without_improvement,
            rbm,
        };
        let slots = h
            .optimizer_slots
            .into_iter()
            .map(|name| {
                let length = if h.optimizer_steps == 0 { 0 } else { n };
                let values = reader.get(&format!("optimizer.{name}"), &[length])?;
                Ok((name, values))
            })
            .collect::<Result<_, FileError>>()?;
        let mut optimizer = h.settings.build_optimizer().map_err(error)?;
        optimizer
            .restore(OptimizerState {
                steps: h.optimizer_steps,
                slots,
            })
            .map_err(error)?;
        Self::assemble(h.settings, data, state, optimizer).map_err(error)
    }
}
