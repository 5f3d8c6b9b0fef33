//! Launches of `mel.wgsl`.

use super::shader;
use crate::gpu::{Capabilities, Launch};

shader!("mel", [("WG", 8)]);

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    batch: u32,
    bins: u32,
    bands: u32,
    frames: u32,
}

/// `y[b,m,t] = Σ_j weight[first_m + j] · x[b, start_m + j, t]` for extents (batch, bins, bands, frames); `spans` has (start, bins,
/// first weight) of each band, `weights` counts them all.
#[allow(clippy::too_many_arguments, reason = "one operand per binding")]
pub fn mel<B>(
    caps: &Capabilities,
    (batch, bins, bands, frames): (usize, usize, usize, usize),
    weights: usize,
    x: B,
    spans: B,
    weight: B,
    y: B,
) -> Launch<B> {
    let wg: u32 = if caps.software { 8 } else { 64 };
    let params = Params { batch: batch as u32, bins: bins as u32, bands: bands as u32, frames: frames as u32 };
    Launch::new(&SHADER, "mel", &params)
        .tune("WG", wg)
        .bind("x", x)
        .bind("spans", spans)
        .bind("weight", weight)
        .bind("y", y)
        .linear((batch * bands * frames.div_ceil(wg as usize)) as u64)
        .cost(4 * (batch * (bins + bands) * frames) as u64, 2 * (batch * weights * frames) as u64)
}
