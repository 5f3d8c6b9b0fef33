//! Launches of `matmul_tile.wgsl`.

use super::cooperative::{Fragments, TILE};
use super::product::{Operands, Product};
use super::shader;
use crate::gpu::Launch;

// Without cooperative matrices, and with those of 8 x 8 and of 16 x 16.
shader!("matmul_tile", [("COOP", 8), ("PARTS", 16)], [("COOP", 16), ("PARTS", 4)]);

/// The product, a tile of 64 x 64 per workgroup, by cooperative matrices with `fragments`.
pub fn matmul<B>(p: &Product, fragments: Option<Fragments>, o: Operands<B>) -> Launch<B> {
    let launch = p.launch(&SHADER, "matmul_tile").set("flags", p.flags());
    let launch = o.bind(launch).linear((p.batch * p.m.div_ceil(TILE) * p.n.div_ceil(TILE)) as u64);
    match fragments {
        Some(f) => f.tune_tile(launch),
        None => launch,
    }
}
