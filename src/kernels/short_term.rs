//! Launches of `short_term.wgsl`.

use super::{reduce_workgroup, shader};
use crate::gpu::{Capabilities, Launch, wgsl::constant};

shader!("short_term", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

/// Features of a frame.
pub const FEATURES: usize = constant(SHADER.source, "FEATURES") as usize;
/// Bands whose logarithms become cepstra.
pub const BANDS: usize = constant(SHADER.source, "BANDS") as usize;
/// Pitch classes.
pub const CHROMA: usize = constant(SHADER.source, "CHROMA") as usize;
/// Cepstral coefficients.
pub const CEPSTRA: usize = constant(SHADER.source, "CEPSTRA") as usize;

/// Extents of clips and their frames.
#[derive(Debug, Clone, Copy)]
pub struct Geometry {
    /// Clips.
    pub batch: usize,
    /// Samples a clip has room for.
    pub samples: usize,
    /// Frames a clip has room for.
    pub frames: usize,
    /// Samples between frames.
    pub hop: usize,
    /// Samples of a frame.
    pub frame: usize,
    /// Entries of the bands and pitch classes.
    pub entries: usize,
}

/// What the features are made of.
pub struct Operands<B> {
    /// Samples of clips, (batch, samples).
    pub x: B,
    /// Samples of each clip.
    pub lengths: B,
    /// Magnitudes, (batch, frames, bins).
    pub mag: B,
    /// First entries of bands and pitch classes, and the bins of entries.
    pub places: B,
    /// Rows of the cosine transform, and the weights of entries.
    pub weight: B,
}

/// Features (batch, frames, [`FEATURES`]).
pub fn short_term<B>(caps: &Capabilities, s: &Geometry, from: Operands<B>, y: B) -> Launch<B> {
    let (frames, bins) = (s.batch * s.frames, s.frame / 2);
    // Samples are read three times, magnitudes eight and once per entry.
    let flops = 7 * s.frame + 22 * bins + 3 * s.entries + 2 * CEPSTRA * BANDS;
    Launch::new(&SHADER, "short_term")
        .set("batch", s.batch)
        .set("samples", s.samples)
        .set("frames", s.frames)
        .set("hop", s.hop)
        .set("n", s.frame)
        .set("bins", bins)
        .tune("WG", reduce_workgroup(caps, bins))
        .bind("x", from.x)
        .bind("lengths", from.lengths)
        .bind("mag", from.mag)
        .bind("places", from.places)
        .bind("weight", from.weight)
        .bind("y", y)
        .linear(frames as u64)
        .cost(4 * (s.batch * s.samples + frames * (bins + FEATURES)) as u64, (frames * flops) as u64)
}
