//! Launches of `dft.wgsl`.

use super::{shader, stft};
use crate::gpu::{Capabilities, Launch, wgsl::constant};

shader!("dft", [("WG", 8)], [("WG", 256)]);

/// Complex points that fill 16 KiB of workgroup memory: half the longest frame.
pub const MOST: usize = constant(SHADER.source, "MOST") as usize;

/// Extents of a transform of frames.
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
    /// Half the samples of a frame.
    pub points: usize,
    /// How many factors `points` has.
    pub factors: usize,
}

/// Magnitudes of the bins of frames, (batch, frames, points): x, lengths, factors and turns, y.
pub fn dft<B>(caps: &Capabilities, s: &Geometry, [x, lengths, factors, turns]: [B; 4], y: B) -> Launch<B> {
    let frames = s.batch * s.frames;
    // A butterfly of four or five points takes some ten operations a point; packing and magnitudes as many again.
    let flops = 10 * s.points * (s.factors + 2);
    Launch::new(&SHADER, "dft")
        .set("batch", s.batch)
        .set("samples", s.samples)
        .set("frames", s.frames)
        .set("hop", s.hop)
        .set("points", s.points)
        .set("factors", s.factors)
        .tune("WG", if caps.software { 8 } else { 256 })
        .bind("x", x)
        .bind("lengths", lengths)
        .bind("factor", factors)
        .bind("turns", turns)
        .bind("y", y)
        .linear(frames as u64)
        .cost(4 * (s.batch * s.samples + frames * s.points) as u64, (frames * flops) as u64)
}

/// Factors of half a frame, and a [transform](stft::Operands)'s operands.
pub struct Framed<B> {
    /// How many factors there are.
    pub count: usize,
    /// Their values.
    pub factors: B,
    /// Everything else, with turns for k = 0..n/2.
    pub from: stft::Operands<B>,
}

impl<B> Framed<B> {
    fn launch(self, caps: &Capabilities, entry: &'static str, s: &stft::Geometry, parts: usize) -> Launch<B> {
        let (frames, points) = (s.batch * s.frames, s.n_fft / 2);
        let flops = 10 * points * (self.count + 2) + 2 * s.n_fft;
        Launch::new(&SHADER, entry)
            .set("batch", s.batch)
            .set("samples", s.samples)
            .set("frames", s.frames)
            .set("hop", s.hop)
            .set("points", points)
            .set("factors", self.count)
            .set("padded", s.padded())
            .tune("WG", if caps.software { 8 } else { 256 })
            .bind("framed", self.from.framed)
            .bind("lengths", self.from.lengths)
            .bind("factor", self.factors)
            .bind("turns", self.from.turns)
            .bind("window", self.from.window)
            .linear(frames as u64)
            .cost(4 * (s.batch * s.padded() + parts * frames * (points + 1)) as u64, (frames * flops) as u64)
    }

    /// Real and imaginary parts of a transform of any length that has factors, (B, K, T) each.
    pub fn complex(self, caps: &Capabilities, s: &stft::Geometry, re: B, im: B) -> Launch<B> {
        self.launch(caps, "dft_complex", s, 2).bind("re", re).bind("im", im)
    }

    /// Power or magnitude of it, (B, K, T).
    pub fn power(self, caps: &Capabilities, s: &stft::Geometry, magnitude: bool, y: B) -> Launch<B> {
        self.launch(caps, "dft_power", s, 1).set("magnitude", magnitude).bind("power", y)
    }
}
