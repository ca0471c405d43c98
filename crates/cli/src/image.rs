//! Grids of small images: samples, data and receptive fields as PNG.

use std::io;

use crate::error::CliError;

/// At most this many pixels in a picture (a gigabyte of RGB would help no one).
const MAX_PIXELS: usize = 1 << 26;

/// An RGB picture, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// `height × width × 3`.
    pub rgb: Vec<u8>,
}

/// How a number becomes a colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Colours {
    /// 0 is black, 1 is white.
    Grey,
    /// Negative is blue, 0 white, positive red, saturated at `±limit`.
    Diverging {
        /// The magnitude of the strongest colours, above 0.
        limit: f32,
    },
}

impl Colours {
    fn rgb(self, v: f32) -> [u8; 3] {
        match self {
            Self::Grey => [(v.clamp(0.0, 1.0) * 255.0).round() as u8; 3],
            Self::Diverging { limit } => {
                let t = (v / limit).clamp(-1.0, 1.0);
                let end: [f32; 3] = if t < 0.0 {
                    [33.0, 102.0, 172.0]
                } else {
                    [178.0, 24.0, 43.0]
                };
                end.map(|c| (247.0 + (c - 247.0) * t.abs()).round() as u8)
            }
        }
    }
}

/// Where the tiles of a picture lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Height and width of a tile in values.
    pub tile: (usize, usize),
    /// Tiles per line, at least 1.
    pub across: usize,
    /// Side of the square that shows one value, at least 1.
    pub scale: usize,
    /// Pixels around and between tiles.
    pub margin: usize,
    /// Grey level of the margins.
    pub background: u8,
}

impl Grid {
    /// A grid for `count` tiles of the given height and width: about square, tiles magnified to at
    /// least 24 pixels.
    pub fn for_tiles(tile: (usize, usize), count: usize) -> Self {
        let (h, w) = (tile.0.max(1), tile.1.max(1));
        let ideal = (count as f64 * h as f64 / w as f64).sqrt().ceil() as usize;
        Self {
            tile,
            across: ideal.clamp(1, count.max(1)),
            scale: (24usize.div_ceil(h.max(w))).max(if h.max(w) <= 32 { 2 } else { 1 }),
            margin: 2,
            background: 96,
        }
    }

    /// Draws `tiles`, each of height × width values.
    ///
    /// # Errors
    /// If the picture would be empty or have more than 2²⁶ pixels.
    pub fn draw<'a>(
        &self,
        tiles: impl ExactSizeIterator<Item = &'a [f32]>,
        colours: Colours,
    ) -> Result<Picture, CliError> {
        let count = tiles.len();
        let (h, w) = (self.tile.0 * self.scale, self.tile.1 * self.scale);
        let across = self.across.clamp(1, count.max(1));
        let down = count.div_ceil(across);
        let width = across.saturating_mul(w + self.margin) + self.margin;
        let height = down.saturating_mul(h + self.margin) + self.margin;
        let pixels = width.saturating_mul(height);
        if count == 0 || h == 0 || w == 0 || pixels > MAX_PIXELS {
            return Err(CliError::Failed(format!(
                "a picture of {count} tiles of {h}x{w} pixels is empty or larger than \
                 {MAX_PIXELS} pixels"
            )));
        }
        let mut rgb = vec![self.background; 3 * pixels];
        for (n, tile) in tiles.enumerate() {
            let top = self.margin + n / across * (h + self.margin);
            let left = self.margin + n % across * (w + self.margin);
            for y in 0..h {
                for x in 0..w {
                    let value = tile
                        .get(y / self.scale * self.tile.1 + x / self.scale)
                        .copied()
                        .unwrap_or(0.0);
                    let at = 3 * ((top + y) * width + left + x);
                    rgb[at..at + 3].copy_from_slice(&colours.rgb(value));
                }
            }
        }
        Ok(Picture { width, height, rgb })
    }
}

impl Picture {
    /// The picture as a PNG file.
    ///
    /// # Errors
    /// If the encoder fails, which it does not in memory.
    pub fn png(&self) -> Result<Vec<u8>, CliError> {
        let mut out = Vec::new();
        self.encode(&mut out)
            .map_err(|e| CliError::Failed(format!("PNG encoder: {e}")))?;
        Ok(out)
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), png::EncodingError> {
        // Pictures whose channels agree are stored as grey: a third of the size.
        let grey = self
            .rgb
            .chunks_exact(3)
            .all(|p| p[0] == p[1] && p[1] == p[2]);
        let size =
            |n: usize| u32::try_from(n).map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e));
        let mut encoder = png::Encoder::new(out, size(self.width)?, size(self.height)?);
        encoder.set_depth(png::BitDepth::Eight);
        if grey {
            encoder.set_color(png::ColorType::Grayscale);
            let bytes: Vec<u8> = self.rgb.iter().step_by(3).copied().collect();
            encoder.write_header()?.write_image_data(&bytes)
        } else {
            encoder.set_color(png::ColorType::Rgb);
            encoder.write_header()?.write_image_data(&self.rgb)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_places_every_tile_and_decodes_from_png() {
        let grid = Grid {
            tile: (1, 2),
            across: 2,
            scale: 2,
            margin: 1,
            background: 9,
        };
        let tiles: [&[f32]; 3] = [&[0.0, 1.0], &[1.0, 0.0], &[0.5, 0.5]];
        let picture = grid.draw(tiles.into_iter(), Colours::Grey).unwrap();
        assert_eq!((picture.width, picture.height), (11, 7));
        let file = picture.png().unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let row = |y: usize| pixels[11 * y..11 * (y + 1)].to_vec();
        assert_eq!(row(0), [9; 11]);
        assert_eq!(row(1), [9, 0, 0, 255, 255, 9, 255, 255, 0, 0, 9]);
        assert_eq!(row(5), [9, 128, 128, 128, 128, 9, 9, 9, 9, 9, 9]);
    }

    #[test]
    fn diverging_colours_are_symmetric_and_saturate() {
        let c = Colours::Diverging { limit: 2.0 };
        assert_eq!(c.rgb(0.0), [247; 3]);
        assert_eq!(c.rgb(2.0), c.rgb(50.0));
        assert_eq!(c.rgb(-2.0), c.rgb(f32::NEG_INFINITY));
    }

    #[test]
    fn absurd_pictures_are_refused() {
        let grid = Grid::for_tiles((100_000, 100_000), 4);
        let tile = [0.0f32; 4];
        assert!(
            grid.draw([&tile[..]; 4].into_iter(), Colours::Grey)
                .is_err()
        );
        let none: [&[f32]; 0] = [];
        assert!(
            Grid::for_tiles((2, 2), 0)
                .draw(none.into_iter(), Colours::Grey)
                .is_err()
        );
    }
}
