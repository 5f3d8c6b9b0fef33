//! Launches of `clip.wgsl`.

use super::{shader, vector_width};
use crate::gpu::{Capabilities, Launch};

shader!("clip", [("WG", 8)], [("WG", 8), ("VEC", 2)], [("WG", 256)]);

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
    let vec = vector_width(caps, &[n, chunk]);
    Launch::new(&SHADER, "clip_partial")
        .set("n", n / vec)
        .set("chunk", chunk / vec)
        .tune("WG", workgroup(caps))
        .tune("VEC", vec as u32)
        .bind("x", x)
        .bind("partial", partial)
        .linear(count as u64)
        .cost(4 * (n + count) as u64, 2 * n as u64)
}

/// `norm = √Σ partial / loss_scale` and `scale = min(1, max_norm / (norm + 1e-6)) / loss_scale`.
pub fn finish<B>(caps: &Capabilities, n: usize, max_norm: f32, [partial, loss_scale]: [B; 2], norm: B, scale: B) -> Launch<B> {
    let (_, count) = chunks(caps, n);
    Launch::new(&SHADER, "clip_finish")
        .set("n", count)
        .set("max_norm", max_norm)
        .set("nan", f32::NAN.to_bits())
        .tune("WG", workgroup(caps))
        .bind("partial_saved", partial)
        .bind("loss_scale", loss_scale)
        .bind("norm", norm)
        .bind("scale", scale)
        .cost(4 * count as u64 + 8, count as u64)
}
