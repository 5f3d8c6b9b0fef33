//! Launches of `lens.wgsl`.

use super::{reduce_workgroup, shader};
use crate::gpu::{Capabilities, Launch};

shader!("lens", [("WG", 8)], [("WG", 32)], [("WG", 128)], [("WG", 256)]);

/// Windows of `to` rows and columns of (batch, channels, rows, cols) images, each seen through a lens with probability `prob`, by draws of
/// `stream`.
pub fn lens<B>(
    caps: &Capabilities,
    [batch, channels, rows, cols]: [usize; 4],
    to: (usize, usize),
    (prob, stream): (f32, u32),
    [x, rng]: [B; 2],
    y: B,
) -> Launch<B> {
    let (read, made) = ((batch * channels * rows * cols) as u64, (batch * channels * to.0 * to.1) as u64);
    let launch = Launch::new(&SHADER, "lens").set("batch", batch).set("channels", channels).set("rows", rows).set("cols", cols);
    let launch = launch.set("out_rows", to.0).set("out_cols", to.1).set("stream", stream).set("prob", prob);
    let launch = launch.tune("WG", reduce_workgroup(caps, to.1)).linear((batch * channels * to.0) as u64);
    launch.bind("x", x).bind("rng", rng).bind("y", y).cost(4 * (read + made), 60 * made)
}
