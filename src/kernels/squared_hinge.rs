//! Launches of `squared_hinge.wgsl`.

use super::shader;
use crate::gpu::Launch;

shader!("squared_hinge");

fn launch<B>(entry: &'static str, (rows, cols): (usize, usize)) -> Launch<B> {
    Launch::new(&SHADER, entry).set("rows", rows).set("cols", cols).invocations(rows)
}

/// Loss of every row of decisions.
pub fn forward<B>(size: (usize, usize), decision: B, targets: B, loss: B) -> Launch<B> {
    let (rows, cols) = (size.0 as u64, size.1 as u64);
    let launch = launch("squared_hinge_fwd", size).bind("decision", decision).bind("targets", targets).bind("loss", loss);
    launch.cost(4 * rows * (2 * cols + 1), 7 * rows * cols)
}

/// Gradient of the decisions for that of every row's loss.
pub fn backward<B>(size: (usize, usize), decision: B, targets: B, dloss: B, ddecision: B) -> Launch<B> {
    let (rows, cols) = (size.0 as u64, size.1 as u64);
    let launch = launch("squared_hinge_bwd", size).bind("decision", decision).bind("targets", targets).bind("dloss", dloss);
    launch.bind("ddecision", ddecision).cost(4 * rows * (3 * cols + 1), 8 * rows * cols)
}
