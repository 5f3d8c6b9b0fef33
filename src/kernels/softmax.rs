//! Launches of `softmax.wgsl`.

use super::{reduction, shader};
use crate::gpu::{Capabilities, Launch};

shader!("softmax", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    rows: u32,
    cols: u32,
    inner: u32,
    _pad: u32,
}

/// Whether each row is one invocation's: on software adapters, where rows are many or short. Else each has a workgroup.
pub(super) fn by_invocation(caps: &Capabilities, rows: usize, cols: usize) -> bool {
    caps.software && (rows >= 64 || cols <= 64)
}

/// Sets the grid of a kernel over rows: `entries` are of the kernels with an invocation per row and with a workgroup per row.
pub(super) fn rows<B, P: bytemuck::Pod>(
    caps: &Capabilities,
    shader: &'static crate::gpu::Shader,
    entries: [&'static str; 2],
    params: &P,
    rows: usize,
    cols: usize,
) -> Launch<B> {
    match by_invocation(caps, rows, cols) {
        true => Launch::new(shader, entries[0], params).tune("WG", 8).linear(rows.div_ceil(8) as u64),
        false => Launch::new(shader, entries[1], params).tune("WG", reduction(caps, cols)).linear(rows as u64),
    }
}

fn launch<B>(caps: &Capabilities, entries: [&'static str; 2], (outer, cols, inner): (usize, usize, usize)) -> Launch<B> {
    let n = outer * inner;
    rows(caps, &SHADER, entries, &Params { rows: n as u32, cols: cols as u32, inner: inner as u32, _pad: 0 }, n, cols)
}

/// `y = softmax(x)` along the middle of (outer, cols, inner).
pub fn forward<B>(caps: &Capabilities, around: (usize, usize, usize), x: B, y: B) -> Launch<B> {
    let n = (around.0 * around.1 * around.2) as u64;
    launch(caps, ["softmax_row_fwd", "softmax_fwd"], around).bind("x", x).bind("y", y).cost(8 * n, 5 * n)
}

/// `dx = y · (dy − Σ y·dy)`.
pub fn backward<B>(caps: &Capabilities, around: (usize, usize, usize), y: B, dy: B, dx: B) -> Launch<B> {
    let n = (around.0 * around.1 * around.2) as u64;
    launch(caps, ["softmax_row_bwd", "softmax_bwd"], around).bind("y_saved", y).bind("dy", dy).bind("dx", dx).cost(12 * n, 4 * n)
}
