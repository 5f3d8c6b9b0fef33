//! Launches of `softmax.wgsl`.

use super::{reduce_workgroup, shader};
use crate::gpu::{Capabilities, Launch, Shader};

shader!("softmax", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

/// Whether each row is one invocation's: on software adapters, where rows are many or short. Else each has a workgroup.
pub(super) fn by_invocation(caps: &Capabilities, rows: usize, cols: usize) -> bool {
    caps.software && (rows >= 64 || cols <= 64)
}

/// A launch of a kernel over rows: `entries` are those with an invocation per row and with a workgroup per row.
pub(super) fn rows<B>(caps: &Capabilities, shader: &'static Shader, entries: [&'static str; 2], rows: usize, cols: usize) -> Launch<B> {
    let launch = match by_invocation(caps, rows, cols) {
        true => Launch::new(shader, entries[0]).tune("WG", 8).invocations(rows),
        false => Launch::new(shader, entries[1]).tune("WG", reduce_workgroup(caps, cols)).linear(rows as u64),
    };
    launch.set("rows", rows).set("cols", cols)
}

fn launch<B>(caps: &Capabilities, entries: [&'static str; 2], (outer, cols, inner): (usize, usize, usize)) -> Launch<B> {
    rows(caps, &SHADER, entries, outer * inner, cols).set("inner", inner)
}

/// `y = softmax(x)` along the middle of (outer, cols, inner).
pub fn forward<B>(caps: &Capabilities, around: (usize, usize, usize), x: B, y: B) -> Launch<B> {
    let n = (around.0 * around.1 * around.2) as u64;
    launch(caps, ["softmax_row_fwd", "softmax_fwd"], around).bind("x", x).bind("y", y).cost(8 * n, 5 * n)
}

/// `dx = y · (dy − Σ y·dy)`.
pub fn backward<B>(caps: &Capabilities, around: (usize, usize, usize), y: B, dy: B, dx: B) -> Launch<B> {
    let n = (around.0 * around.1 * around.2) as u64;
    launch(caps, ["softmax_row_bwd", "softmax_bwd"], around).bind("y_saved", y).bind("dy", dy).bind("dx", dx).cost(12 * n, 7 * n)
}
