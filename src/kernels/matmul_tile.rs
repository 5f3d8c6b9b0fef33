//! Launches of `matmul_tile.wgsl`.

use super::cooperative::{Fragments, cooperative_shader};
use super::matmul::Product;
use super::matmul_subgroup::Params;
use crate::gpu::Launch;

cooperative_shader!("matmul_tile");

/// The product, a tile of 64 x 64 per workgroup, by cooperative matrices with `fragments`.
pub fn matmul<B>(p: &Product, fragments: Option<Fragments>, a: B, b: B, bias: B, c: B) -> Launch<B> {
    let launch = Launch::new(&SHADER, "matmul_tile", &Params::new(p))
        .bind("a", a)
        .bind("b", b)
        .bind("bias", bias)
        .bind("c", c)
        .linear((p.batch * p.m.div_ceil(64) * p.n.div_ceil(64)) as u64)
        .cost(p.bytes(), p.flops());
    match fragments {
        Some(f) => f.tune(launch),
        None => launch,
    }
}
