//! Launches of `clip.wgsl`.

use super::{lanes, shader};
use crate::gpu::{Capabilities, Launch};

shader!("clip", [("WG", 8)], [("WG", 8), ("LANES", 2)], [("WG", 256)]);

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    n: u32,
    chunk: u32,
    max_norm: f32,
    nan: u32,
}

fn workgroup(caps: &Capabilities) -> u32 {
    if caps.software { 8 } else { 256.min(caps.max_workgroup_invocations) }
}

/// Elements per chunk and number of chunks for `n` elements: at most 1024 chunks, of at least 16 elements per invocation.
pub fn chunks(caps: &Capabilities, n: usize) -> (usize, usize) {
    let wg = workgroup(caps) as usize;
    let chunk = n.div_ceil(1024).next_multiple_of(wg).max(16 * wg);
    (chunk, n.div_ceil(chunk).max(1))
}

/// `partial[w] = Σ x²` over each chunk of [`chunks`].
pub fn partial<B>(caps: &Capabilities, n: usize, x: B, partial: B) -> Launch<B> {
    let (chunk, count) = chunks(caps, n);
    let lanes = lanes(caps, &[n, chunk]);
    Launch::new(&SHADER, "clip_partial", &Params { n: (n / lanes) as u32, chunk: (chunk / lanes) as u32, max_norm: 0.0, nan: 0 })
        .tune("WG", workgroup(caps))
        .tune("LANES", lanes as u32)
        .bind("x", x)
        .bind("partial", partial)
        .linear(count as u64)
        .cost(4 * (n + count) as u64, 2 * n as u64)
}

/// `norm = √Σ partial / grown` and `scale = min(1, max_norm / (norm + 1e-6)) / grown`.
pub fn finish<B>(caps: &Capabilities, n: usize, max_norm: f32, [partial, grown]: [B; 2], norm: B, scale: B) -> Launch<B> {
    let (_, count) = chunks(caps, n);
    Launch::new(&SHADER, "clip_finish", &Params { n: count as u32, chunk: 0, max_norm, nan: f32::NAN.to_bits() })
        .tune("WG", workgroup(caps))
        .bind("partial_saved", partial)
        .bind("grown", grown)
        .bind("norm", norm)
        .bind("scale", scale)
        .cost(4 * count as u64 + 8, count as u64)
}
