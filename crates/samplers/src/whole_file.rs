//! Files that are replaced as a whole: the old content or the new one, never a part.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use crate::FileError;

/// Writes a file beside `path`, flushes it to the disk, and moves it there.
///
/// A kill in between can leave a `.ergodic-*.part` file beside it, which nothing reads.
pub(crate) fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> Result<(), FileError> {
    let error = |e: io::Error| FileError::new(path, e);
    let folder = match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".ergodic-").suffix(".part");
    #[cfg(unix)]
    {
        // Readable as the umask says, as any other new file.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder).map_err(error)?;
    let mut writer = BufWriter::new(file.as_file_mut());
    write(&mut writer).map_err(error)?;
    writer.flush().map_err(error)?;
    drop(writer);
    file.as_file().sync_all().map_err(error)?;
    file.persist(path).map_err(|e| error(e.error))?;
    // The rename is on the disk once the folder is; not every file system can do that.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}
