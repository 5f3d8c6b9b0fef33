//! Launches of `matmul_subgroup.wgsl`.

use super::matmul::{Product, SUBGROUP};
use super::shader;
use crate::gpu::Launch;

shader!("matmul_subgroup");

/// The `Params` block of both tiled products.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct Params {
    m: u32,
    n: u32,
    k: u32,
    pub(super) flags: u32,
    a: [u32; 3],
    b: [u32; 3],
    alpha: f32,
    batch: u32,
}

impl Params {
    pub(super) fn new(p: &Product) -> Self {
        let [m, n, k, batch] = [p.m, p.n, p.k, p.batch].map(|v| v as u32);
        Params { m, n, k, flags: p.flags(), a: p.a.map(|v| v as u32), b: p.b.map(|v| v as u32), alpha: p.alpha, batch }
    }
}

/// The product, a tile of 16 rows x 32 columns per subgroup.
pub fn matmul<B>(p: &Product, a: B, b: B, bias: B, c: B) -> Launch<B> {
    let (rows, cols) = (2 * SUBGROUP as usize, 4 * SUBGROUP as usize);
    Launch::new(&SHADER, "matmul_subgroup", &Params::new(p))
        .bind("a", a)
        .bind("b", b)
        .bind("bias", bias)
        .bind("c", c)
        .linear((p.batch * p.m.div_ceil(rows) * p.n.div_ceil(cols)) as u64)
        .cost(p.bytes(), p.flops())
}
