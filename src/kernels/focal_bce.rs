//! Launches of `focal_bce.wgsl`.

use super::shader;
use crate::gpu::Launch;

shader!("focal_bce");

fn launch<B>(entry: &'static str, (rows, cols): (usize, usize), smoothing: f32, gamma: f32) -> Launch<B> {
    Launch::new(&SHADER, entry).set("rows", rows).set("cols", cols).set("smoothing", smoothing).set("gamma", gamma).invocations(rows)
}

/// Loss of every row of logits.
pub fn forward<B>(size: (usize, usize), smoothing: f32, gamma: f32, logits: B, targets: B, loss: B) -> Launch<B> {
    let (rows, cols) = (size.0 as u64, size.1 as u64);
    launch("focal_bce_fwd", size, smoothing, gamma)
        .bind("logits", logits)
        .bind("targets", targets)
        .bind("loss", loss)
        .cost(4 * rows * (2 * cols + 1), rows * cols * (4 * cols + 16))
}

/// Gradient of the logits for that of every row's loss.
pub fn backward<B>(size: (usize, usize), smoothing: f32, gamma: f32, logits: B, targets: B, dloss: B, dlogits: B) -> Launch<B> {
    let (rows, cols) = (size.0 as u64, size.1 as u64);
    launch("focal_bce_bwd", size, smoothing, gamma)
        .bind("logits", logits)
        .bind("targets", targets)
        .bind("dloss", dloss)
        .bind("dlogits", dlogits)
        .cost(4 * rows * (3 * cols + 1), rows * cols * (8 * cols + 24))
}
