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
    per: u32,
    _pad: [u32; 3],
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
    // Starting a workgroup costs a software adapter as much as a band does.
    let (wg, per): (u32, usize) = if caps.software { (8, bands) } else { (64, 1) };
    let (batch32, bins32, bands32, frames32) = (batch as u32, bins as u32, bands as u32, frames as u32);
    let params = Params { batch: batch32, bins: bins32, bands: bands32, frames: frames32, per: per as u32, _pad: [0; 3] };
    Launch::new(&SHADER, "mel", &params)
        .tune("WG", wg)
        .bind("x", x)
        .bind("spans", spans)
        .bind("weight", weight)
        .bind("y", y)
        .linear((batch * bands.div_ceil(per) * frames.div_ceil(wg as usize)) as u64)
        .cost(4 * (batch * (bins + bands) * frames) as u64, 2 * (batch * weights * frames) as u64)
}
