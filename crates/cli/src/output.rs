//! Files that appear whole or not at all.

use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::error::CliError;

/// Writes `bytes` to `path` so that a kill or a full disk at any time leaves either the former
/// file or the new one.
///
/// # Errors
/// If the folder cannot be written, with the former file untouched.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    ergodic::models::rbm::write_atomically(path, bytes)
        .map_err(|e| CliError::output(&e.path, e.reason))
}

/// Finds out whether `path` can be written, leaving nothing behind: before hours of work, not
/// after.
///
/// # Errors
/// If it is a folder, or its folder does not exist or cannot be written.
pub fn check_writable(path: &Path) -> Result<(), CliError> {
    if path.is_dir() {
        return Err(CliError::output(path, "it is a folder, but must be a file"));
    }
    temporary(parent(path))
        .map(drop)
        .map_err(|e| CliError::output(path, format!("its folder must be writable: {e}")))
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn temporary(folder: &Path) -> std::io::Result<NamedTempFile> {
    Builder::new()
        .prefix(".ergodic-")
        .suffix(".tmp")
        .tempfile_in(folder)
}

/// The folder that receives the results of a run.
#[derive(Clone, Debug)]
pub struct OutputFolder {
    path: PathBuf,
}

impl OutputFolder {
    /// Makes the folder if it is not there, and finds out whether it can be written.
    ///
    /// # Errors
    /// If it is a file, or cannot be made or written.
    pub fn open(path: &Path) -> Result<Self, CliError> {
        if path.exists() && !path.is_dir() {
            return Err(CliError::output(path, "it is a file, but must be a folder"));
        }
        std::fs::create_dir_all(path)
            .and_then(|()| temporary(path).map(drop))
            .map_err(|e| CliError::output(path, format!("the folder must be writable: {e}")))?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// The path of the file called `name`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes one file atomically.
    ///
    /// # Errors
    /// As [`write_atomically`].
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), CliError> {
        write_atomically(&self.file(name), bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_replaces_the_file_and_leaves_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let out = OutputFolder::open(&folder.path().join("a/b")).unwrap();
        out.write("x.json", b"one").unwrap();
        out.write("x.json", b"two").unwrap();
        assert_eq!(std::fs::read(out.file("x.json")).unwrap(), b"two");
        let names: Vec<_> = std::fs::read_dir(folder.path().join("a/b"))
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(names, ["x.json"]);
    }

    #[test]
    fn files_and_missing_folders_are_refused_before_any_work() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, b"kept").unwrap();
        assert!(OutputFolder::open(&file).is_err());
        assert!(OutputFolder::open(&file.join("below")).is_err());
        assert!(check_writable(&folder.path().join("none/x.png")).is_err());
        assert!(check_writable(folder.path()).is_err());
        assert!(check_writable(&file).is_ok());
        assert_eq!(std::fs::read(&file).unwrap(), b"kept");
    }
}
