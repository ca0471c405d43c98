//! What a training run leaves behind, built from its results and written as one set.

use std::path::Path;

use crate::data::Dataset;
use crate::error::CliError;
use crate::image::{Colours, Grid, Picture};
use crate::output::OutputFolder;
use crate::report::{self, Figure};
use crate::summary::{Summary, Table, to_json};

/// Tiles shown at most in one picture of the report.
const SHOWN: usize = 100;

/// The results of a run, besides the model file.
#[derive(Clone, Debug)]
pub struct Artifacts<'a> {
    /// The figures.
    pub summary: &'a Summary,
    /// One row per epoch.
    pub metrics: &'a Table,
    /// Training rows to show beside the samples.
    pub data: &'a Dataset,
    /// Model samples, 0 and 1, row-major.
    pub samples: &'a [u8],
    /// Weights of each hidden unit, the strongest unit first.
    pub receptive_fields: &'a [Vec<f32>],
}

/// The height and width in which a row is shown: as an image, or as a strip.
pub fn tile(image: Option<(usize, usize)>, columns: usize) -> (usize, usize) {
    image.unwrap_or((1, columns))
}

/// Binary rows as a picture.
///
/// # Errors
/// If the picture would be too large.
pub fn picture_of_bits(bits: &[u8], tile: (usize, usize)) -> Result<Picture, CliError> {
    let columns = tile.0 * tile.1;
    let values: Vec<f32> = bits.iter().map(|&b| f32::from(b)).collect();
    let rows = values.len().checked_div(columns).unwrap_or(0);
    Grid::for_tiles(tile, rows).draw(values.chunks_exact(columns.max(1)), Colours::Grey)
}

impl Artifacts<'_> {
    /// Writes `model.safetensors`, `metrics.csv`, `samples.png`, `report.html` and, when all others
    /// are there, `summary.json`; `model` writes the first to the path that it is given.
    ///
    /// # Errors
    /// If a file cannot be written; the former files are then still there.
    pub fn write(
        &self,
        folder: &OutputFolder,
        model: impl FnOnce(&Path) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let tile = tile(self.data.image, self.data.columns);
        let columns = self.data.columns;
        let samples = picture_of_bits(self.samples, tile)?;
        let count = self.samples.len() / columns;
        let shown = count.min(SHOWN);
        let rows: Vec<Vec<f32>> = (0..shown.min(self.data.rows))
            // Spread over the file, which may be sorted.
            .map(|i| self.data.row(i * self.data.rows / shown))
            .collect();
        let fields = &self.receptive_fields[..self.receptive_fields.len().min(SHOWN)];
        let limit = quantile(fields.iter().flatten().map(|w| w.abs()), 0.99);
        let mut figures = vec![
            Figure {
                title: "Samples of the model".into(),
                caption: format!("{shown} samples, each from a Gibbs chain of its own."),
                picture: picture_of_bits(&self.samples[..shown * columns], tile)?,
            },
            Figure {
                title: "Training rows".into(),
                caption: format!("{} rows of {}, evenly spaced.", rows.len(), self.data.name),
                picture: Grid::for_tiles(tile, rows.len())
                    .draw(rows.iter().map(Vec::as_slice), Colours::Grey)?,
            },
        ];
        if !fields.is_empty() {
            figures.push(Figure {
                title: "Receptive fields".into(),
                caption: format!(
                    "Weights of {} of {} hidden units, the strongest first: red switches the unit \
                     on, blue off; full colour at ±{limit:.2}.",
                    fields.len(),
                    self.receptive_fields.len()
                ),
                picture: Grid::for_tiles(tile, fields.len()).draw(
                    fields.iter().map(Vec::as_slice),
                    Colours::Diverging { limit },
                )?,
            });
        }
        let page = report::html(self.summary, self.metrics, &figures)?;
        let summary = to_json(self.summary)?;
        let mut staged = folder.stage();
        staged.add_with("model.safetensors", model)?;
        staged.add("metrics.csv", self.metrics.csv().as_bytes())?;
        staged.add("samples.png", &samples.png()?)?;
        staged.add("report.html", page.as_bytes())?;
        staged.add("summary.json", summary.as_bytes())?;
        staged.publish()
    }
}

/// The `q`-quantile of the values; 1 where that is not above 0.
fn quantile(values: impl Iterator<Item = f32>, q: f64) -> f32 {
    let mut values: Vec<f32> = values.filter(|v| v.is_finite()).collect();
    values.sort_by(f32::total_cmp);
    let at = (q * values.len().saturating_sub(1) as f64).round() as usize;
    values.get(at).copied().filter(|v| *v > 0.0).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{LoadOptions, load};
    use crate::report::METRICS;
    use crate::summary::tests::example;

    #[test]
    fn every_artifact_is_written_and_readable() {
        let folder = tempfile::tempdir().unwrap();
        let out = OutputFolder::open(folder.path()).unwrap();
        let data = load("digits", &LoadOptions::default()).unwrap();
        let samples: Vec<u8> = (0..64 * 9).map(|i| u8::from(i % 3 == 0)).collect();
        let fields: Vec<Vec<f32>> = (0..5)
            .map(|j| (0..64).map(|i| (i as f32 * 0.1 + j as f32).sin()).collect())
            .collect();
        Artifacts {
            summary: &example(),
            metrics: &Table::new(&METRICS),
            data: &data,
            samples: &samples,
            receptive_fields: &fields,
        }
        .write(&out, |path| {
            std::fs::write(path, b"model").map_err(|e| CliError::output(path, e))
        })
        .unwrap();
        let read = |name| std::fs::read(out.file(name)).unwrap();
        assert!(read("metrics.csv").starts_with(b"epoch,updates,"));
        assert!(read("samples.png").starts_with(b"\x89PNG"));
        assert!(read("report.html").ends_with(b"</html>\n"));
        let json: serde_json::Value = serde_json::from_slice(&read("summary.json")).unwrap();
        assert_eq!(json["hidden"], 128);
    }

    #[test]
    fn rows_that_are_no_images_are_strips() {
        assert_eq!(tile(None, 30), (1, 30));
        let picture = picture_of_bits(&[0, 1, 1, 0], tile(None, 2)).unwrap();
        assert!(picture.width > 0);
    }
}
