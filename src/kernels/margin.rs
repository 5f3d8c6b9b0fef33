//! Launches of `margin.wgsl`.

use super::shader;
use crate::gpu::Launch;

shader!("margin");

/// Lengths aimed at and the weight of absent classes: upper, lower, down.
pub type Constants = [f32; 3];

fn launch<B>(entry: &'static str, (rows, cols): (usize, usize), [upper, lower, down]: Constants) -> Launch<B> {
    let launch = Launch::new(&SHADER, entry).set("rows", rows).set("cols", cols);
    launch.set("upper", upper).set("lower", lower).set("down", down).invocations(rows)
}

/// Loss of every row of lengths.
pub fn forward<B>(size: (usize, usize), constants: Constants, lengths: B, targets: B, loss: B) -> Launch<B> {
    let (rows, cols) = (size.0 as u64, size.1 as u64);
    let launch = launch("margin_fwd", size, constants).bind("lengths", lengths).bind("targets", targets).bind("loss", loss);
    launch.cost(4 * rows * (2 * cols + 1), 10 * rows * cols)
}

/// Gradient of the lengths for that of every row's loss.
pub fn backward<B>(size: (usize, usize), constants: Constants, [lengths, targets, dloss]: [B; 3], dlengths: B) -> Launch<B> {
    let (rows, cols) = (size.0 as u64, size.1 as u64);
    let launch = launch("margin_bwd", size, constants).bind("lengths", lengths).bind("targets", targets).bind("dloss", dloss);
    launch.bind("dlengths", dlengths).cost(4 * rows * (3 * cols + 1), 9 * rows * cols)
}
