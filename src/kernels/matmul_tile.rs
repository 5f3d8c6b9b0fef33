//! Launches of `matmul_tile.wgsl`.

use super::matmul::Product;
use super::matmul_subgroup::Params;
use super::shader;
use crate::gpu::Launch;

shader!("matmul_tile");

/// The product, a tile of 64 x 64 per workgroup.
pub fn matmul<B>(p: &Product, a: B, b: B, bias: B, c: B) -> Launch<B> {
    Launch::new(&SHADER, "matmul_tile", &Params::new(p))
        .bind("a", a)
        .bind("b", b)
        .bind("bias", bias)
        .bind("c", c)
        .linear((p.batch * p.m.div_ceil(64) * p.n.div_ceil(64)) as u64)
        .cost(p.bytes(), p.flops())
}
