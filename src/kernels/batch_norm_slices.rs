//! Sums of a batch norm: launches of `batch_norm_slices.wgsl` on GPUs, which a workgroup per channel may leave idle, else of `batch_norm.wgsl`.

use super::batch_norm::Norm;
use super::{shader, stream_workgroup};
use crate::gpu::{Capabilities, Launch};

shader!("batch_norm_slices", [("WG", 32)], [("WG", 64)], [("WG", 256)]);

/// Values of a channel that the shader can count: their numbers are divided in single precision.
const MOST: usize = 1 << 23;
/// Workgroups that keep a GPU busy.
const FULL: usize = 512;
/// Fewest values of a slice: eight per invocation.
const SLICE: usize = 2048;

/// Whether a norm's sums are made by slices.
fn fits(caps: &Capabilities, norm: &Norm) -> bool {
    !caps.software && (1..MOST).contains(&(norm.n * norm.inner))
}

/// Slices of a channel's values, and the values of each.
fn slices(norm: &Norm) -> (usize, usize) {
    let values = norm.n * norm.inner;
    let wanted = FULL.div_ceil(norm.c.max(1)).clamp(1, values.div_ceil(SLICE));
    let span = values.div_ceil(wanted);
    (values.div_ceil(span), span)
}

fn launch<B>(norm: &Norm, entry: &'static str) -> Launch<B> {
    let (slices, span) = slices(norm);
    let launch = Launch::new(&SHADER, entry).set("n", norm.n).set("c", norm.c).set("inner", norm.inner).set("relu", norm.relu);
    let launch = launch.set("eps", norm.eps).set("train", norm.train).set("count", (norm.n * norm.inner) as f32);
    let launch = launch.set("stored", norm.stored).set("whole", norm.whole).set("first", norm.first);
    launch.set("slices", slices).set("span", span).set("per_inner", 1.0 / norm.inner as f32)
}

/// A workgroup per slice and channel, of `bytes` and four operations per value.
fn part<B>(caps: &Capabilities, norm: &Norm, entry: &'static str, bytes: u64) -> Launch<B> {
    let (slices, span) = slices(norm);
    let values = (norm.n * norm.c * norm.inner) as u64;
    let launch = launch(norm, entry).tune("WG", stream_workgroup(caps, span));
    launch.linear((slices * norm.c) as u64).cost(bytes * values, 4 * values)
}

/// An invocation per channel.
fn join<B>(norm: &Norm, entry: &'static str) -> Launch<B> {
    let parts = (slices(norm).0 * norm.c) as u64;
    launch(norm, entry).tune("WG", 64).invocations(norm.c).cost(8 * parts, 6 * parts)
}

/// Mean and `rstd` of each channel of x; `scratch` reserves memory for so many elements.
pub fn stats<B: Copy>(caps: &Capabilities, norm: &Norm, x: B, [mean, rstd]: [B; 2], mut scratch: impl FnMut(usize) -> B) -> Vec<Launch<B>> {
    if !fits(caps, norm) {
        return vec![norm.stats(caps).bind("x", x).bind("mean", mean).bind("rstd", rstd)];
    }
    let parts = [(); 2].map(|()| scratch(slices(norm).0 * norm.c));
    let part = part(caps, norm, "batch_norm_stats_part", 8).bind("x", x).bind("part_mean", parts[0]).bind("part_squares", parts[1]);
    let join = join(norm, "batch_norm_stats_join").bind("part_mean_in", parts[0]).bind("part_squares_in", parts[1]);
    vec![part, join.bind("mean", mean).bind("rstd", rstd)]
}

/// Gradients of weight and bias from x, y (read after ReLU only), mean, `rstd` or variance, and dy; scratch as for [`stats`].
pub fn backward_params<B: Copy>(
    caps: &Capabilities,
    norm: &Norm,
    [x, y, mean, rstd_or_var, dy]: [B; 5],
    [dweight, dbias]: [B; 2],
    mut scratch: impl FnMut(usize) -> B,
) -> Vec<Launch<B>> {
    let y = norm.relu.then_some(y);
    if !fits(caps, norm) {
        let launch = norm.backward_params(caps).bind("x", x).bind_any("y_saved", y).bind("mean_s", mean).bind("rstd_or_var_s", rstd_or_var);
        return vec![launch.bind("dy", dy).bind("dweight", dweight).bind("dbias", dbias)];
    }
    let parts = [(); 2].map(|()| scratch(slices(norm).0 * norm.c));
    let bytes = if norm.relu { 12 } else { 8 };
    let part = part(caps, norm, "batch_norm_sums_part", bytes).bind("x", x).bind_any("y_saved", y).bind("mean_s", mean).bind("dy", dy);
    let join = join(norm, "batch_norm_sums_join").bind("part_sum_in", parts[0]).bind("part_product_in", parts[1]);
    let join = join.bind("rstd_or_var_s", rstd_or_var).bind("dweight", dweight).bind("dbias", dbias);
    vec![part.bind("part_sum", parts[0]).bind("part_product", parts[1]), join]
}
