//! Launches of `mel.wgsl`.

use super::shader;
use crate::gpu::{Capabilities, Launch};

shader!("mel", [("WG", 8)]);

/// `y[b,m,t] = Σ_j weight[first_m + j] · x[b, start_m + j, t]` for extents (batch, bins, bands, frames): x, spans with (start, bins, first
/// weight) of each band, weight, y. `weights` counts all weights.
pub fn mel<B>(caps: &Capabilities, (batch, bins, bands, frames): (usize, usize, usize, usize), weights: usize) -> Launch<B> {
    // Starting a workgroup costs a software adapter as much as a band does.
    let (wg, per): (u32, usize) = if caps.software { (8, bands) } else { (64, 1) };
    Launch::new(&SHADER, "mel")
        .set("batch", batch)
        .set("bins", bins)
        .set("bands", bands)
        .set("frames", frames)
        .set("per", per)
        .tune("WG", wg)
        .linear((batch * bands.div_ceil(per) * frames.div_ceil(wg as usize)) as u64)
        .cost(4 * (batch * (bins + bands) * frames) as u64, 2 * (batch * weights * frames) as u64)
}
