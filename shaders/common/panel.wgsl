// A block of TM rows x TN columns of a matrix product for GPUs, by LX x LY invocations. In steps of STEP terms, panels of both operands pass
// through workgroup memory; the includer's sums0.wgsl multiplies them in registers, sums8.wgsl and sums16.wgsl by cooperative matrices.
// The includer sets `place_a`, `place_b` and loads `next_a`, `next_b`. Then, step after step: barrier, `panel_store`, barrier, loads of the
// next step, which are in flight during `panel_sums`. After the last comes `panel_end`; then `sum_i_r_j` of an invocation is row
// row_of(y, i, r) and the four columns from column_of(x, j) on.
const LX: u32 = 16u; //#tunable  invocations along columns
const LY: u32 = 16u; //#tunable  invocations along rows
const RX: u32 = 2u; //#tunable  fours of columns per invocation
const RY: u32 = 2u; //#tunable  fours of rows per invocation
const STEP: u32 = 8u; //#tunable  terms of the sum at a time
const FILL_A: u32 = 1u; //#tunable  vectors of panel a per invocation, RY·STEP / LX
const FILL_B: u32 = 1u; //#tunable  vectors of panel b per invocation, RX·STEP / LY
const WAVE: u32 = 8u; //#tunable  lanes of a subgroup, with COOP
const FX: u32 = 1u; //#tunable  cooperative matrices of a subgroup side by side
const FY: u32 = 1u; //#tunable  rows of them
const LANES: u32 = LX * LY;
const A4: u32 = RY * LY; // fours of rows
const B4: u32 = RX * LX; // fours of columns
const TM: u32 = 4u * A4;
const TN: u32 = 4u * B4;

// Where a vector lies in a panel.
struct Place { term: u32, four: u32 }
//#unroll q in 0..FILL_A
var<private> place_a_${q}: Place;
var<private> next_a_${q}: vec4<f32>;
//#end
//#unroll q in 0..FILL_B
var<private> place_b_${q}: Place;
var<private> next_b_${q}: vec4<f32>;
//#end
//#unroll i in 0..RY
//#unroll r in 0..4
//#unroll j in 0..RX
var<private> sum_${i}_${r}_${j}: vec4<f32>;
//#end
//#end
//#end

fn row_of(y: u32, i: u32, r: u32) -> u32 { return 4u * (y + i * LY) + r; }
fn column_of(x: u32, j: u32) -> u32 { return 4u * (x + j * LX); }

// The place of vector `i` of a panel of `fours`, so that neighbours read neighbouring memory: along the sum where that is the inner axis.
fn place(i: u32, fours: u32, along_sum: bool) -> Place {
    return Place(select(i / fours, i % STEP, along_sum), select(i % fours, i / STEP, along_sum));
}
