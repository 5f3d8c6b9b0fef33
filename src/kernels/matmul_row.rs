//! Launches of `matmul_row.wgsl`.

use super::matmul::Product;
use super::{reduction, shader};
use crate::gpu::{Capabilities, Launch};

shader!("matmul_row", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    m: u32,
    n: u32,
    k: u32,
    flags: u32,
    a: [u32; 3],
    b: [u32; 3],
    alpha: f32,
    slices: u32,
    batch: u32,
    _pad: [u32; 3],
}

/// The product in two launches: partial sums of `slices` slices into `part`, then their sum.
#[expect(clippy::too_many_arguments, reason = "operands of one product")]
pub fn matmul<B: Copy>(caps: &Capabilities, p: &Product, slices: usize, a: B, b: B, bias: B, part: B, c: B) -> Vec<Launch<B>> {
    let [m, n, k] = [p.m, p.n, p.k].map(|v| v as u32);
    let params = Params {
        m,
        n,
        k,
        flags: p.flags(),
        a: p.a.map(|v| v as u32),
        b: p.b.map(|v| v as u32),
        alpha: p.alpha,
        slices: slices as u32,
        batch: p.batch as u32,
        _pad: [0; 3],
    };
    let wg = reduction(caps, p.k.div_ceil(slices));
    let elements = (p.batch * p.m * p.n) as u64;
    let parts = elements * slices as u64;
    let product = Launch::new(&SHADER, "matmul_row", &params).tune("WG", wg).bind("a", a).bind("b", b).bind("part", part);
    let sum = Launch::new(&SHADER, "matmul_row_sum", &params).tune("WG", wg).bind("part_in", part).bind("bias", bias).bind("c", c);
    vec![product.linear(parts).cost(p.bytes(), p.flops()), sum.linear(elements.div_ceil(u64::from(wg))).cost(4 * (parts + elements), parts)]
}
