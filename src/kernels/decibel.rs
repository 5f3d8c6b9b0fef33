//! Launches of `decibel.wgsl`.

use super::{reduce_workgroup, shader};
use crate::gpu::{Capabilities, Launch};

shader!("decibel", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

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
    Launch::new(&SHADER, "decibel")
        .set("batch", batch)
        .set("bands", bands)
        .set("frames", frames)
        .set("hop", scale.hop)
        .set("squared", scale.squared)
        .set("relative", scale.relative)
        .set("range", scale.range)
        .tune("WG", reduce_workgroup(caps, frames))
        .bind("x", x)
        .bind("lengths", lengths)
        .bind("y", y)
        .linear(batch as u64)
        .cost(12 * n, 8 * n)
}
