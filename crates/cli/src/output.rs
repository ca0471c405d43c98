//! Files that appear whole or not at all.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile, TempPath};

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

/// [`check_writable`] for a plot, whose name has to say that it is an SVG file.
///
/// # Errors
/// As [`check_writable`], and if the name does not end in `.svg`.
pub fn check_plot(path: &Path) -> Result<(), CliError> {
    if path
        .extension()
        .is_none_or(|e| !e.eq_ignore_ascii_case("svg"))
    {
        return Err(CliError::option(
            "--plot",
            path.display(),
            "a file that ends in .svg",
        ));
    }
    check_writable(path)
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn temporary(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".ergodic-").suffix(".part");
    #[cfg(unix)]
    {
        // As any other new file, readable as the umask says; the default of a temporary file is
        // the owner alone.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// The folder that receives the results of a run.
#[derive(Clone, Debug)]
pub struct OutputFolder {
    path: PathBuf,
    /// Whether this run made it.
    made: bool,
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
        let made = !path.exists();
        std::fs::create_dir_all(path)
            .and_then(|()| temporary(path).map(drop))
            .map_err(|e| CliError::output(path, format!("the folder must be writable: {e}")))?;
        Ok(Self {
            path: path.to_owned(),
            made,
        })
    }

    /// After a failed run: removes the folder if this run made it and left nothing in it.
    pub fn discard_if_empty(&self) {
        if self.made {
            // A folder that is not empty is refused, which is what is wanted.
            let _ = std::fs::remove_dir(&self.path);
        }
    }

    /// Removes the file called `name` if it is there.
    ///
    /// # Errors
    /// If it is there and cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), CliError> {
        match std::fs::remove_file(self.file(name)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(CliError::output(&self.file(name), e))
            }
            _ => Ok(()),
        }
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

    /// A set of files that is to replace the former one.
    pub fn stage(&self) -> Staged<'_> {
        Staged {
            folder: self,
            parts: Vec::new(),
        }
    }
}

/// Files that are written in full, under temporary names, before the first takes its own: a full
/// disk leaves the former set as it was. Dropped, it removes what was not published.
#[derive(Debug)]
pub struct Staged<'a> {
    folder: &'a OutputFolder,
    parts: Vec<(String, TempPath)>,
}

impl Staged<'_> {
    /// Adds the file called `name`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), CliError> {
        let error = |e| CliError::output(&self.folder.file(name), e);
        let mut file = temporary(&self.folder.path).map_err(error)?;
        file.write_all(bytes)
            .and_then(|()| file.as_file().sync_all())
            .map_err(error)?;
        self.parts.push((name.to_owned(), file.into_temp_path()));
        Ok(())
    }

    /// Adds the file called `name`, which `write` writes to the path that it is given.
    ///
    /// # Errors
    /// If it cannot be written; the message names the file itself.
    pub fn add_with(
        &mut self,
        name: &str,
        write: impl FnOnce(&Path) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let target = self.folder.file(name);
        let path = temporary(&self.folder.path)
            .map_err(|e| CliError::output(&target, e))?
            .into_temp_path();
        write(&path).map_err(|e| match e {
            CliError::Output { reason, .. } => CliError::output(&target, reason),
            other => other,
        })?;
        self.parts.push((name.to_owned(), path));
        Ok(())
    }

    /// Gives the files their names, in the order in which they were added.
    ///
    /// # Errors
    /// If a name belongs to a folder, before anything is renamed, or a file cannot be renamed.
    pub fn publish(self) -> Result<(), CliError> {
        for (name, _) in &self.parts {
            let target = self.folder.file(name);
            if target.is_dir() {
                return Err(CliError::output(
                    &target,
                    "it is a folder, but must be a file",
                ));
            }
        }
        for (name, part) in self.parts {
            let target = self.folder.file(&name);
            part.persist(&target)
                .map_err(|e| CliError::output(&target, e.error))?;
        }
        // The renames themselves are on the disk once the folder is. Not every file system can do
        // that.
        if let Ok(folder) = std::fs::File::open(&self.folder.path) {
            let _ = folder.sync_all();
        }
        Ok(())
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
    fn a_set_that_cannot_be_completed_leaves_the_former_one() {
        let folder = tempfile::tempdir().unwrap();
        let out = OutputFolder::open(folder.path()).unwrap();
        out.write("a", b"old").unwrap();
        let names = || std::fs::read_dir(folder.path()).unwrap().count();
        let mut staged = out.stage();
        staged.add("a", b"new").unwrap();
        let failed = staged.add_with("b", |_| Err(CliError::output(Path::new("temp"), "full")));
        assert_eq!(failed, Err(CliError::output(&out.file("b"), "full")));
        drop(staged);
        assert_eq!(names(), 1);
        std::fs::create_dir(out.file("c")).unwrap();
        let mut staged = out.stage();
        staged.add("a", b"new").unwrap();
        staged.add("c", b"new").unwrap();
        assert!(staged.publish().is_err());
        assert_eq!(std::fs::read(out.file("a")).unwrap(), b"old");
        let mut staged = out.stage();
        staged.add("a", b"new").unwrap();
        staged
            .add_with("d", |path| write_atomically(path, b"too"))
            .unwrap();
        staged.publish().unwrap();
        assert_eq!(std::fs::read(out.file("a")).unwrap(), b"new");
        assert_eq!(std::fs::read(out.file("d")).unwrap(), b"too");
        assert_eq!(names(), 3);
    }

    #[test]
    fn a_failed_run_leaves_no_empty_folder_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        let out = OutputFolder::open(&path).unwrap();
        out.write("x", b"kept").unwrap();
        out.discard_if_empty();
        assert!(path.exists());
        out.remove("x").unwrap();
        out.remove("x").unwrap();
        OutputFolder::open(&path).unwrap().discard_if_empty();
        assert!(path.exists(), "it was there before");
        out.discard_if_empty();
        assert!(!path.exists());
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
