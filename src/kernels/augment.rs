//! Launches of `augment.wgsl`.

use super::{reduce_workgroup, shader};
use crate::gpu::{Capabilities, Launch, wgsl::constant};

shader!("augment", [("WG", 8)], [("WG", 32)], [("WG", 128)], [("WG", 256)]);

/// Most squares or bands per image.
pub const MOST: usize = constant(SHADER.source, "MOST") as usize;

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
    /// Columns read at another rate from any on, around the end, rows stretched and values shifted: another tempo, voice and level of frames
    /// that fill the image.
    Warp {
        /// The largest change of the rate, share of it.
        tempo: f32,
        /// Rows are stretched or shrunk by up to this share, away from the first one.
        zoom: f32,
        /// The most that is added or taken off.
        level: f32,
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
    let launch = match *change {
        Change::RandomCut { least, zoom, shift } => {
            Launch::new(&SHADER, "random_cut").set("share", least).set("zoom", zoom).set("shift", shift)
        }
        Change::Cutout { count, size: (height, width), fill } => {
            Launch::new(&SHADER, "cutout").set("count", count).set("height", height).set("width", width).set("fill", fill)
        }
        Change::SaltPepper { share, pepper, low, high } => {
            Launch::new(&SHADER, "salt_pepper").set("share", share).set("split", pepper).set("low", low).set("high", high)
        }
        Change::SpecAugment { columns, rows, fill } => Launch::new(&SHADER, "spec_augment")
            .set("count", columns.0)
            .set("width", columns.1)
            .set("count_rows", rows.0)
            .set("height", rows.1)
            .set("fill", fill),
        Change::Warp { tempo, zoom, level } => Launch::new(&SHADER, "warp").set("share", tempo).set("zoom", zoom).set("shift", level),
    };
    launch
        .set("batch", batch)
        .set("channels", channels)
        .set("rows", rows)
        .set("cols", cols)
        .set("stream", stream)
        .set("prob", prob)
        .tune("WG", reduce_workgroup(caps, cols))
        .bind("x", x)
        .bind("rng", rng)
        .bind("y", y)
        .linear((batch * channels * rows) as u64)
        .cost(8 * n, 4 * n)
}
