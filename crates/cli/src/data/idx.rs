//! IDX files of images, as MNIST is published: magic `0x00000803`, then `n`, height and width as
//! big-endian 32-bit numbers, then one byte per pixel.

use std::io::Read;
use std::path::Path;

use super::{
    LoadOptions, Raw, RawValues, broken, checked_shape, out_of_range, place, read_exactly,
};
use crate::error::CliError;

const IMAGES: u32 = 0x0000_0803;
const LABELS: u32 = 0x0000_0801;

pub(super) fn read(
    path: &Path,
    mut stream: impl Read,
    options: &LoadOptions,
) -> Result<Raw, CliError> {
    let mut number = || -> Result<u32, CliError> {
        let mut bytes = [0; 4];
        stream
            .read_exact(&mut bytes)
            .map_err(|e| broken(path, &e))?;
        Ok(u32::from_be_bytes(bytes))
    };
    match number()? {
        IMAGES => {}
        LABELS => {
            return Err(CliError::file(
                path,
                format!(
                    "holds IDX labels (magic 0x{LABELS:08x}), but must hold images (magic \
                     0x{IMAGES:08x}); MNIST publishes them as train-images-idx3-ubyte.gz"
                ),
            ));
        }
        other => {
            return Err(CliError::file(
                path,
                format!(
                    "starts with the magic number 0x{other:08x}, but must be IDX images of bytes \
                     (0x{IMAGES:08x}), NPY or CSV"
                ),
            ));
        }
    }
    let (n, h, w) = (number()?, number()?, number()?);
    let (rows, columns) = checked_shape(path, n.into(), &[h.into(), w.into()])?;
    let bytes = read_exactly(path, &mut stream, rows as u64 * columns as u64)?;
    let max = options.max_value.unwrap_or(255.0);
    if let Some(at) = bytes.iter().position(|&b| f64::from(b) > max) {
        let found = f64::from(bytes[at]);
        return Err(out_of_range(path, place(at, columns), found, max, true));
    }
    Ok(Raw {
        rows,
        columns,
        image: Some((h as usize, w as usize)),
        values: RawValues::Bytes(bytes, max),
        labels: None,
    })
}
