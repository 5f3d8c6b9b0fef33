//! Launches of `matmul_wide.wgsl`.

use super::matmul::{Product, SUBGROUP};
use super::matmul_subgroup::Params;
use super::shader;
use crate::gpu::Launch;

shader!("matmul_wide", [("A_ROWS", 0), ("B_COLS", 0)], [("A_ROWS", 1), ("B_COLS", 0)], [("A_ROWS", 1), ("B_COLS", 1)],);

/// Whether the operands can be read in pairs: contiguous along one axis, with even strides along the others.
pub fn fits(p: &Product) -> bool {
    let even = |strides: &[usize]| strides.iter().all(|s| s % 2 == 0);
    let a = if a_rows(p) { even(&[p.a[0], p.a[2], p.m]) } else { p.a[2] == 1 && even(&[p.a[0], p.a[1]]) };
    let b = if b_cols(p) { even(&p.b[..2]) && p.n.is_multiple_of(4) } else { p.b[1] == 1 && even(&[p.b[0], p.b[2]]) };
    a && b && p.k.is_multiple_of(8) && p.n.is_multiple_of(2)
}

fn a_rows(p: &Product) -> bool {
    p.a[1] == 1 && p.a[2] != 1
}

fn b_cols(p: &Product) -> bool {
    p.b[2] == 1
}

/// The product, a tile of 16 rows x 32 columns per subgroup. Only where [`fits`].
pub fn matmul<B>(p: &Product, a: B, b: B, bias: B, c: B) -> Launch<B> {
    let (rows, cols) = (2 * SUBGROUP as usize, 4 * SUBGROUP as usize);
    let mut params = Params::new(p);
    // Neighbouring workgroups share the panel of the larger operand, which is then read from memory once.
    params.flags |= if p.n > p.m { 2 } else { 0 };
    Launch::new(&SHADER, "matmul_wide", &params)
        .tune("A_ROWS", u32::from(a_rows(p)))
        .tune("B_COLS", u32::from(b_cols(p)))
        .bind("a", a)
        .bind("b", b)
        .bind("bias", bias)
        .bind("c", c)
        .linear((p.batch * p.m.div_ceil(rows) * p.n.div_ceil(cols)) as u64)
        .cost(p.bytes(), p.flops())
}
