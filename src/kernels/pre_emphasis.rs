//! Launches of `pre_emphasis.wgsl`.

use super::shader;
use crate::gpu::Launch;

shader!("pre_emphasis");

/// `y[n] = x[n] − coefficient · x[n−1]` within each clip of (batch, samples).
pub fn pre_emphasis<B>((batch, samples): (usize, usize), coefficient: f32, x: B, lengths: B, y: B) -> Launch<B> {
    let n = batch * samples;
    Launch::new(&SHADER, "pre_emphasis")
        .set("batch", batch)
        .set("samples", samples)
        .set("coefficient", coefficient)
        .bind("x", x)
        .bind("lengths", lengths)
        .bind("y", y)
        .invocations(n)
        .cost(8 * n as u64, 2 * n as u64)
}
