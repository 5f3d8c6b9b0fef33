//! Launches of `matmul_row.wgsl`.

use super::product::{Operands, Product};
use super::{shader, stream_workgroup};
use crate::gpu::{Capabilities, Launch};

shader!("matmul_row", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

/// The product in two launches: partial sums of `slices` slices into `part`, then their sum.
pub fn matmul<B: Copy>(caps: &Capabilities, p: &Product, slices: usize, o: Operands<B>, part: B) -> Vec<Launch<B>> {
    let launch = p.launch(&SHADER, "matmul_row").set("slices", slices).tune("WG", stream_workgroup(caps, p.k.div_ceil(slices)));
    let launch = launch.bind("a", o.a).bind("b", o.b).bind("part", part).linear((p.batch * p.m * p.n * slices) as u64);
    vec![launch, sum(caps, p, slices, part, o)]
}

/// The sum of `slices` slices in `part`, and what is done to it.
pub(super) fn sum<B>(caps: &Capabilities, p: &Product, slices: usize, part: B, o: Operands<B>) -> Launch<B> {
    let elements = p.batch * p.m * p.n;
    let parts = (elements * slices) as u64;
    let launch = p.launch(&SHADER, "matmul_row_sum").set("slices", slices).tune("WG", stream_workgroup(caps, p.k.div_ceil(slices)));
    let launch = launch.set("flags", p.flags()).bind("part_in", part).bind_any("bias", o.bias).bind("c", o.c);
    launch.invocations(elements).cost(4 * (parts + elements as u64), parts)
}
