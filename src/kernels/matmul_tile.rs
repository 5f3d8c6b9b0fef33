//! Launches of `matmul_tile.wgsl`.

use super::cooperative::{Fragments, TILE, cooperative_shader};
use super::product::{Operands, Product};
use crate::gpu::Launch;

cooperative_shader!("matmul_tile");

/// The product, a tile of 64 x 64 per workgroup, by cooperative matrices with `fragments`.
pub fn matmul<B>(p: &Product, fragments: Option<Fragments>, o: Operands<B>) -> Launch<B> {
    let launch = p.launch(&SHADER, "matmul_tile").set("flags", p.flags());
    let launch = o.bind(launch).linear((p.batch * p.m.div_ceil(TILE) * p.n.div_ceil(TILE)) as u64);
    match fragments {
        Some(f) => f.tune(launch),
        None => launch,
    }
}
