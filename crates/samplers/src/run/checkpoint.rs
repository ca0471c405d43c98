//! Checkpoints: every chain with its kernel, state, stream and draws, in one file.
//!
//! The file is `magic, version, length, content, CRC-32`, written beside its place and moved there
//! by a rename. Chains are independent, so snapshots that were taken at different iterations of
//! different chains make a consistent whole, and nobody waits for anybody.

use std::any::type_name;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rand_chacha::ChaCha8Rng;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::chain::{Chain, Keep};
use super::sink::{ChainSink, RunShape};
use super::stats::Totals;
use super::{FileError, SampleError};
use crate::whole_file::write_atomically;

const MAGIC: &[u8; 8] = b"ERGODICR";
/// The format version.
const VERSION: u32 = 1;

/// A kernel, its state, and the stream of its chain.
type Moving<K, S> = (K, S, ChaCha8Rng);

/// How kernels and states of these types become bytes.
pub(super) struct Codec<K, S> {
    encode: fn(&K, &S, &ChaCha8Rng) -> postcard::Result<Vec<u8>>,
    encode_kernel: fn(&K) -> postcard::Result<Vec<u8>>,
    decode: fn(&[u8]) -> postcard::Result<Moving<K, S>>,
}

impl<K, S> Clone for Codec<K, S> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K, S> Copy for Codec<K, S> {}

impl<K, S> Codec<K, S>
where
    K: Serialize + DeserializeOwned,
    S: Serialize + DeserializeOwned,
{
    pub(super) fn new() -> Self {
        Self {
            encode: |kernel, state, rng| postcard::to_stdvec(&(kernel, state, rng)),
            encode_kernel: |kernel| postcard::to_stdvec(kernel),
            decode: |bytes| postcard::from_bytes(bytes),
        }
    }
}

/// What a user asked for.
pub(super) struct Files<K, S> {
    pub(super) write: Option<(PathBuf, usize, Codec<K, S>)>,
    pub(super) resume: Option<(PathBuf, Codec<K, S>)>,
}

impl<K, S> Default for Files<K, S> {
    fn default() -> Self {
        Self {
            write: None,
            resume: None,
        }
    }
}

/// The settings that a run must share with the one that it continues.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) seed: u64,
    pub(super) chains: u64,
    pub(super) warmup: u64,
    pub(super) thin: u64,
    pub(super) names: Vec<String>,
    pub(super) kernel: String,
    /// CRC-32 of the kernel before its warm-up: its settings.
    pub(super) settings: u32,
    pub(super) sink: String,
}

impl Header {
    pub(super) fn new<K, S, D>(
        shape: &RunShape,
        seed: u64,
        warmup: usize,
        thin: usize,
        kernel: &K,
        codec: &Codec<K, S>,
    ) -> Result<Self, String> {
        let settings = (codec.encode_kernel)(kernel).map_err(|e| e.to_string())?;
        Ok(Self {
            seed,
            chains: shape.chains as u64,
            warmup: warmup as u64,
            thin: thin as u64,
            names: shape.names.clone(),
            kernel: type_name::<K>().to_owned(),
            settings: crc32fast::hash(&settings),
            sink: type_name::<D>().to_owned(),
        })
    }

    /// What differs between the run and the file that it is to continue.
    fn difference(&self, run: &Self) -> Option<String> {
        let differs = |what: &str, file: &dyn std::fmt::Display, run: &dyn std::fmt::Display| {
            Some(format!(
                "cannot be continued by this run: its {what} is {file}, here it is {run}"
            ))
        };
        if self.seed != run.seed {
            differs("seed", &self.seed, &run.seed)
        } else if self.chains != run.chains {
            differs("number of chains", &self.chains, &run.chains)
        } else if self.warmup != run.warmup {
            differs("number of warm-up steps", &self.warmup, &run.warmup)
        } else if self.thin != run.thin {
            differs("thinning", &self.thin, &run.thin)
        } else if self.kernel != run.kernel {
            differs("kernel", &self.kernel, &run.kernel)
        } else if self.settings != run.settings {
            Some(
                "cannot be continued by this run: the settings of its kernel are not the same"
                    .into(),
            )
        } else if self.sink != run.sink {
            differs("sink", &self.sink, &run.sink)
        } else {
            None
        }
    }
}

/// What is stored of a chain besides its kernel, state and stream.
#[derive(Serialize, Deserialize)]
struct Account {
    iterations: u64,
    warmup: Totals,
    sampling: Totals,
    /// At the position, to notice another target.
    energy: f64,
}

/// A chain as it was stored.
pub(super) struct Restored<K, S> {
    pub(super) chain: Chain<K, S>,
    pub(super) energy: f64,
    pub(super) sink: Vec<u8>,
}

/// Collects snapshots and writes the file.
pub(super) struct Keeper<K, S> {
    path: PathBuf,
    every: usize,
    codec: Codec<K, S>,
    header: Vec<u8>,
    /// The newest snapshot of each chain.
    snapshots: Mutex<Vec<Vec<u8>>>,
}

impl<K, S> Keeper<K, S> {
    pub(super) fn new(
        path: PathBuf,
        every: usize,
        codec: Codec<K, S>,
        header: &Header,
    ) -> Result<Self, SampleError> {
        let bytes = postcard::to_stdvec(header)
            .map_err(|e| SampleError::Checkpoint(FileError::new(&path, e)))?;
        let chains = header.chains as usize;
        Ok(Self {
            path,
            every,
            codec,
            header: bytes,
            snapshots: Mutex::new(vec![Vec::new(); chains]),
        })
    }
}

impl<K: Send, S: Send, C: ChainSink> Keep<K, S, C> for Keeper<K, S> {
    fn keep(
        &self,
        index: usize,
        chain: &Chain<K, S>,
        energy: f64,
        sink: &mut C,
        write_file: bool,
    ) -> Result<(), SampleError> {
        let error = |e: postcard::Error| SampleError::Checkpoint(FileError::new(&self.path, e));
        let moving = (self.codec.encode)(&chain.kernel, &chain.state, &chain.rng).map_err(error)?;
        let account = postcard::to_stdvec(&Account {
            iterations: chain.iterations as u64,
            warmup: chain.warmup,
            sampling: chain.sampling,
            energy,
        })
        .map_err(error)?;
        let sink = sink.save()?;
        let mut snapshot = Vec::with_capacity(moving.len() + account.len() + sink.len() + 24);
        for part in [&account, &moving, &sink] {
            put(&mut snapshot, part);
        }
        let mut snapshots = self
            .snapshots
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        snapshots[index] = snapshot;
        if !write_file {
            return Ok(());
        }
        let mut content = Vec::new();
        put(&mut content, &self.header);
        for snapshot in snapshots.iter() {
            put(&mut content, snapshot);
        }
        write(&self.path, &content).map_err(SampleError::Checkpoint)
    }

    fn every(&self) -> usize {
        self.every
    }
}

/// Appends a block with its length.
fn put(out: &mut Vec<u8>, block: &[u8]) {
    out.extend((block.len() as u64).to_le_bytes());
    out.extend(block);
}

/// Takes the next block.
fn take<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (block, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some(block)
}

fn write(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let mut head = MAGIC.to_vec();
    head.extend(VERSION.to_le_bytes());
    head.extend((content.len() as u64).to_le_bytes());
    let checksum = crc32fast::hash(content).to_le_bytes();
    write_atomically(path, |file| {
        file.write_all(&head)?;
        file.write_all(content)?;
        file.write_all(&checksum)
    })
}

/// A checkpoint as it was read: its settings, and the chains that had begun.
pub(super) struct Stored<K, S> {
    pub(super) header: Header,
    pub(super) chains: Vec<Option<Restored<K, S>>>,
}

/// Reads a checkpoint that a run with the settings of `run` (names apart) can continue.
pub(super) fn read<K, S>(
    path: &Path,
    codec: &Codec<K, S>,
    run: &Header,
) -> Result<Stored<K, S>, FileError> {
    let error = |reason: &str| FileError::new(path, reason);
    let bytes = std::fs::read(path).map_err(|e| FileError::new(path, e))?;
    let rest = bytes
        .strip_prefix(MAGIC)
        .ok_or_else(|| error("is not a checkpoint of a run of ergodic"))?;
    let truncated = || error("is truncated");
    let (version, rest) = rest.split_first_chunk::<4>().ok_or_else(truncated)?;
    let version = u32::from_le_bytes(*version);
    if version != VERSION {
        return Err(FileError::new(
            path,
            format!("has format version {version}, but this program reads {VERSION}"),
        ));
    }
    let mut rest = rest;
    let content = take(&mut rest).ok_or_else(truncated)?;
    let checksum: [u8; 4] = rest
        .try_into()
        .map_err(|_| error("does not end after its checksum: truncated, or with more behind"))?;
    if crc32fast::hash(content) != u32::from_le_bytes(checksum) {
        return Err(error("is damaged: its checksum is wrong"));
    }
    // From here on the bytes are as they were written; what fails was written by another program.
    let foreign = || error("does not decode: it was written by another version");
    let mut content = content;
    let header = take(&mut content).ok_or_else(foreign)?;
    let header: Header = postcard::from_bytes(header).map_err(|_| foreign())?;
    if let Some(difference) = header.difference(run) {
        return Err(error(&difference));
    }
    let chains = (0..header.chains)
        .map(|_| {
            let mut chain = take(&mut content).ok_or_else(foreign)?;
            if chain.is_empty() {
                return Ok(None);
            }
            let mut part = || take(&mut chain).ok_or_else(foreign);
            let account: Account = postcard::from_bytes(part()?).map_err(|_| foreign())?;
            let (kernel, state, rng) = (codec.decode)(part()?).map_err(|_| foreign())?;
            Ok(Some(Restored {
                chain: Chain {
                    kernel,
                    state,
                    rng,
                    iterations: account.iterations as usize,
                    warmup: account.warmup,
                    sampling: account.sampling,
                },
                energy: account.energy,
                sink: part()?.to_vec(),
            }))
        })
        .collect::<Result<Vec<_>, FileError>>()?;
    Ok(Stored { header, chains })
}
