//! Launches of `matmul_row.wgsl`.

use super::product::{Operands, Product};
use super::{reduce_workgroup, shader};
use crate::gpu::{Capabilities, Launch};

shader!("matmul_row", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

/// The product in two launches: partial sums of `slices` slices into `part`, then their sum.
pub fn matmul<B: Copy>(caps: &Capabilities, p: &Product, slices: usize, o: Operands<B>, part: B) -> Vec<Launch<B>> {
    let wg = reduce_workgroup(caps, p.k.div_ceil(slices));
    let launch = |entry| p.launch(&SHADER, entry).set("slices", slices).tune("WG", wg);
    let elements = p.batch * p.m * p.n;
    let parts = (elements * slices) as u64;
    let product = launch("matmul_row").bind("a", o.a).bind("b", o.b).bind("part", part).linear(parts);
    let sum = launch("matmul_row_sum").set("flags", p.flags()).bind("part_in", part).bind("bias", o.bias).bind("c", o.c);
    vec![product, sum.invocations(elements).cost(4 * (parts + elements as u64), parts)]
}
