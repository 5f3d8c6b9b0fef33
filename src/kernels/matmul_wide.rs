//! Launches of `matmul_wide.wgsl`.

use super::product::{Operands, Product, SUBGROUP};
use super::shader;
use crate::gpu::Launch;

shader!(
    "matmul_wide",
    [("A_ROWS", 0), ("B_COLS", 0)],
    [("A_ROWS", 1), ("B_COLS", 0)],
    [("A_ROWS", 1), ("B_COLS", 1)],
    [("ROW_PAIRS", 4), ("UNROLL_K", 1)],
    [("ROW_PAIRS", 4), ("UNROLL_K", 1), ("A_ROWS", 0), ("B_COLS", 0)],
    [("ROW_PAIRS", 4), ("UNROLL_K", 1), ("A_ROWS", 1), ("B_COLS", 0)],
    [("ROW_PAIRS", 4), ("UNROLL_K", 1), ("A_ROWS", 1), ("B_COLS", 1)],
    [("ROW_LANES", 4)],
    [("ROW_LANES", 4), ("A_ROWS", 0), ("B_COLS", 0)],
    [("ROW_LANES", 4), ("A_ROWS", 1), ("B_COLS", 0)],
    [("ROW_LANES", 4), ("A_ROWS", 1), ("B_COLS", 1)],
);

/// How a subgroup's tile is made up; `2 * row_pairs * row_lanes` rows.
struct Tile {
    row_pairs: u32,
    unroll_k: u32,
    row_lanes: u32,
}

impl Tile {
    fn rows(&self) -> usize {
        (2 * self.row_pairs * self.row_lanes) as usize
    }

    /// The tallest tile that wastes few rows and leaves work for every core: 64 rows are a tenth to a quarter faster than 16. Only for
    /// large products: each height costs the driver a second of compilation per layout, which small ones do not earn back.
    fn of(p: &Product) -> Self {
        let [tall, plain, low] = [(4, 1, SUBGROUP), (1, 2, SUBGROUP), (1, 2, SUBGROUP / 2)].map(|(row_pairs, unroll_k, row_lanes)| Tile {
            row_pairs,
            unroll_k,
            row_lanes,
        });
        let padded = |t: &Tile| p.m.next_multiple_of(t.rows());
        let tiles = p.batch * p.m.div_ceil(tall.rows()) * p.n.div_ceil(COLUMNS);
        match () {
            () if p.flops() < LARGE => plain,
            () if p.m <= low.rows() => low,
            () if 10 * padded(&tall) <= 11 * padded(&plain) && tiles >= 32 => tall,
            () => plain,
        }
    }
}

/// Floating-point operations from which a product counts as large.
const LARGE: u64 = 1 << 26;

/// Columns of a tile.
const COLUMNS: usize = 4 * SUBGROUP as usize;

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

/// The product, a tile of 8, 16 or 64 rows x 32 columns per subgroup. Only where [`fits`].
pub fn matmul<B>(p: &Product, o: Operands<B>) -> Launch<B> {
    let tile = Tile::of(p);
    // Neighbouring workgroups share the panel of the larger operand, which is then read from memory once.
    let panel = if p.n > p.m { 2 } else { 0 };
    let launch = p
        .launch(&SHADER, "matmul_wide")
        .set("flags", p.flags() | panel)
        .tune("A_ROWS", u32::from(a_rows(p)))
        .tune("B_COLS", u32::from(b_cols(p)))
        .tune("ROW_PAIRS", tile.row_pairs)
        .tune("UNROLL_K", tile.unroll_k)
        .tune("ROW_LANES", tile.row_lanes);
    o.bind(launch).linear((p.batch * p.m.div_ceil(tile.rows()) * p.n.div_ceil(COLUMNS)) as u64)
}
