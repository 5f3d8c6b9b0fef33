//! Launches of `matmul_subgroup.wgsl`.

use super::product::{Operands, Product, SUBGROUP};
use super::shader;
use crate::gpu::Launch;

shader!("matmul_subgroup");

/// The product, a tile of 16 rows x 32 columns per subgroup.
pub fn matmul<B>(p: &Product, o: Operands<B>) -> Launch<B> {
    let (rows, cols) = (2 * SUBGROUP as usize, 4 * SUBGROUP as usize);
    let launch = p.launch(&SHADER, "matmul_subgroup").set("flags", p.flags());
    o.bind(launch).linear((p.batch * p.m.div_ceil(rows) * p.n.div_ceil(cols)) as u64)
}
