//! Launches of `augment.wgsl`.

use super::{reduction, shader};
use crate::gpu::{Capabilities, Launch};

shader!("augment", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

/// Most squares or bands per image; the shader's `MOST`.
pub const MOST: usize = 16;

#[repr(C)]
#[derive(Clone, Copy, Default, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    batch: u32,
    channels: u32,
    rows: u32,
    cols: u32,
    stream: u32,
    count: u32,
    count_rows: u32,
    height: u32,
    width: u32,
    prob: f32,
    share: f32,
    split: f32,
    low: f32,
    high: f32,
    fill: f32,
    zoom: f32,
    shift: f32,
    _pad: [u32; 3],
}

/// A change to images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// A window of at least `least` of each side, resampled to the whole.
    RandomCut {
        /// Smallest share of a side.
        least: f32,
        /// Where positive, rows are stretched or shrunk by up to this share, away from the last one, in the place of the window's rows.
        zoom: f32,
        /// With `zoom`, the largest shift along rows, share of their number.
        shift: f32,
    },
    /// `count` rectangles set to `fill`.
    Cutout {
        /// Rectangles per image.
        count: usize,
        /// Their rows and columns in pixels.
        size: (usize, usize),
        /// Their value.
        fill: f32,
    },
    /// A share of the pixels set to `low` or `high`.
    SaltPepper {
        /// Share of the pixels.
        share: f32,
        /// Share of those that become `low`.
        pepper: f32,
        /// Value of pepper.
        low: f32,
        /// Value of salt.
        high: f32,
    },
    /// Bands of columns and rows set to `fill`.
    SpecAugment {
        /// Bands of columns and their largest width in pixels.
        columns: (usize, usize),
        /// Bands of rows and their largest height in pixels.
        rows: (usize, usize),
        /// Their value.
        fill: f32,
    },
}

/// Changes each of (batch, channels, rows, cols) images with probability `prob`, by draws of `stream`.
pub fn augment<B>(
    caps: &Capabilities,
    [batch, channels, rows, cols]: [usize; 4],
    (change, prob, stream): (&Change, f32, u32),
    x: B,
    rng: B,
    y: B,
) -> Launch<B> {
    let n = (batch * channels * rows * cols) as u64;
    let (batch32, channels32, rows32, cols32) = (batch as u32, channels as u32, rows as u32, cols as u32);
    let common = Params { batch: batch32, channels: channels32, rows: rows32, cols: cols32, stream, prob, ..Params::default() };
    let (entry, params) = match *change {
        Change::RandomCut { least, zoom, shift } => ("random_cut", Params { share: least, zoom, shift, ..common }),
        Change::Cutout { count, size: (height, width), fill } => {
            ("cutout", Params { count: count as u32, height: height as u32, width: width as u32, fill, ..common })
        }
        Change::SaltPepper { share, pepper, low, high } => ("salt_pepper", Params { share, split: pepper, low, high, ..common }),
        Change::SpecAugment { columns, rows, fill } => {
            let (count, width, count_rows, height) = (columns.0 as u32, columns.1 as u32, rows.0 as u32, rows.1 as u32);
            ("spec_augment", Params { count, width, count_rows, height, fill, ..common })
        }
    };
    Launch::new(&SHADER, entry, &params)
        .tune("WG", reduction(caps, cols))
        .bind("x", x)
        .bind("rng", rng)
        .bind("y", y)
        .linear((batch * channels * rows) as u64)
        .cost(8 * n, 4 * n)
}
