//! Launches of `decibel.wgsl`.

use super::{reduction, shader};
use crate::gpu::{Capabilities, Launch};

shader!("decibel", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    batch: u32,
    bands: u32,
    frames: u32,
    hop: u32,
    squared: u32,
    relative: u32,
    range: f32,
    _pad: u32,
}

/// What the values are and what their decibels refer to.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Samples between frames, from which a clip's own frames follow.
    pub hop: usize,
    /// The values are magnitudes, squared first.
    pub squared: bool,
    /// 0 dB is the clip's maximum, else 1.
    pub relative: bool,
    /// Decibels between the clip's maximum and the floor.
    pub range: f32,
}

/// Decibels of (batch, bands, frames), clip by clip. A relative scale makes a silent clip 0 dB throughout.
pub fn decibel<B>(caps: &Capabilities, (batch, bands, frames): (usize, usize, usize), scale: &Scale, x: B, lengths: B, y: B) -> Launch<B> {
    let n = (batch * bands * frames) as u64;
    let params = Params {
        batch: batch as u32,
        bands: bands as u32,
        frames: frames as u32,
        hop: scale.hop as u32,
        squared: scale.squared.into(),
        relative: scale.relative.into(),
        range: scale.range,
        _pad: 0,
    };
    Launch::new(&SHADER, "decibel", &params)
        .tune("WG", reduction(caps, frames))
        .bind("x", x)
        .bind("lengths", lengths)
        .bind("y", y)
        .linear(batch as u64)
        .cost(12 * n, 8 * n)
}
