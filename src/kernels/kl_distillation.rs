//! Launches of `kl_distillation.wgsl`.

use super::shader;
use crate::gpu::Launch;

shader!("kl_distillation");

fn launch<B>(entry: &'static str, (rows, cols): (usize, usize), temperature: f32) -> Launch<B> {
    Launch::new(&SHADER, entry).set("rows", rows).set("cols", cols).set("temperature", temperature).invocations(rows)
}

/// Loss of every row of logits.
pub fn forward<B>(size: (usize, usize), temperature: f32, logits: B, targets: B, loss: B) -> Launch<B> {
    let (rows, cols) = (size.0 as u64, size.1 as u64);
    launch("kl_distillation_fwd", size, temperature)
        .bind("logits", logits)
        .bind("targets", targets)
        .bind("loss", loss)
        .cost(4 * rows * (2 * cols + 1), 11 * rows * cols)
}

/// Gradient of the logits for that of every row's loss.
pub fn backward<B>(size: (usize, usize), temperature: f32, logits: B, targets: B, dloss: B, dlogits: B) -> Launch<B> {
    let (rows, cols) = (size.0 as u64, size.1 as u64);
    launch("kl_distillation_bwd", size, temperature)
        .bind("logits", logits)
        .bind("targets", targets)
        .bind("dloss", dloss)
        .bind("dlogits", dlogits)
        .cost(4 * rows * (3 * cols + 1), 12 * rows * cols)
}
