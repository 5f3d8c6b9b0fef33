//! Launches of `bce_with_logits.wgsl`.

use super::shader;
use crate::gpu::Launch;

shader!("bce_with_logits");

/// Invocations per workgroup; the shader's default.
const WG: u64 = 64;

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    rows: u32,
    cols: u32,
    _pad: [u32; 2],
}

fn launch<B>(entry: &'static str, (rows, cols): (usize, usize)) -> Launch<B> {
    let params = Params { rows: rows as u32, cols: cols as u32, _pad: [0; 2] };
    Launch::new(&SHADER, entry, &params).linear((rows as u64).div_ceil(WG))
}

/// Loss `l` of every row of `z` with labels `t`.
pub fn forward<B>(size: (usize, usize), z: B, t: B, l: B) -> Launch<B> {
    let (rows, cols) = (size.0 as u64, size.1 as u64);
    launch("bce_with_logits_fwd", size).bind("z", z).bind("t", t).bind("l", l).cost(4 * rows * (2 * cols + 1), 8 * rows * cols)
}

/// Gradient `dz` of the logits for the gradient `dl` of every row's loss.
pub fn backward<B>(size: (usize, usize), z: B, t: B, dl: B, dz: B) -> Launch<B> {
    let (rows, cols) = (size.0 as u64, size.1 as u64);
    launch("bce_with_logits_bwd", size)
        .bind("z", z)
        .bind("t", t)
        .bind("dl", dl)
        .bind("dz", dz)
        .cost(4 * rows * (3 * cols + 1), 6 * rows * cols)
}
