//! Launches of `resize.wgsl`.

use super::{reduce_workgroup, shader};
use crate::gpu::{Capabilities, Launch};

shader!("resize", [("WG", 8)], [("WG", 32)], [("WG", 128)], [("WG", 256)]);

/// Extents of images.
#[derive(Debug, Clone, Copy)]
pub struct Extents {
    /// Images.
    pub batch: usize,
    /// Channels of an image.
    pub channels: usize,
    /// Rows and columns given.
    pub from: (usize, usize),
    /// Rows and columns made.
    pub to: (usize, usize),
    /// Where not 0, a clip of `length` samples has `1 + length/hop` of the columns.
    pub hop: usize,
    /// Where not 0, the columns resampled, whatever the clip has.
    pub shown: usize,
}

/// How pixels are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// The nearest value.
    Nearest,
    /// Linear between four neighbours.
    Bilinear,
    /// The mean over the pixel's area.
    Area,
}

/// Resamples images; lengths of clips are read where `hop` is not 0.
pub fn resize<B>(caps: &Capabilities, e: &Extents, filter: Filter, x: B, lengths: Option<B>, y: B) -> Launch<B> {
    let planes = e.batch * e.channels;
    let (read, made) = ((planes * e.from.0 * e.from.1) as u64, (planes * e.to.0 * e.to.1) as u64);
    let (entry, flops) = match filter {
        Filter::Nearest => ("resize_nearest", 0),
        Filter::Bilinear => ("resize_bilinear", 9 * made),
        Filter::Area => ("resize_area", read + made),
    };
    Launch::new(&SHADER, entry)
        .set("planes", planes)
        .set("channels", e.channels)
        .set("rows", e.from.0)
        .set("cols", e.from.1)
        .set("out_rows", e.to.0)
        .set("out_cols", e.to.1)
        .set("hop", e.hop)
        .set("shown", e.shown)
        .tune("WG", reduce_workgroup(caps, e.to.1))
        .bind("x", x)
        .bind_any("lengths", lengths)
        .bind("y", y)
        .linear((planes * e.to.0) as u64)
        .cost(4 * (read + made), flops)
}
