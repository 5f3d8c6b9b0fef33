// A block of TM rows x TN columns of a matrix product for GPUs: LX x LY invocations keep 4·RX columns x 4·RY rows of sums each in registers.
// In steps of STEP terms, panels of both operands pass through workgroup memory, four rows or columns to a vec4: a read of sixteen bytes
// serves sixteen multiply-adds, and since the first index is a constant, the bounds check of the second serves all steps.
// The includer sets `place_a`, `place_b` and loads `next_a`, `next_b`. Then, step after step: barrier, `panel_store`, barrier, loads of the
// next step, which are in flight during `panel_sums`. `sum_i_r_j` is row row_of(y, i, r) and the four columns from column_of(x, j) on.
const LX: u32 = 16u; //#tunable  invocations along columns
const LY: u32 = 16u; //#tunable  invocations along rows
const RX: u32 = 2u; //#tunable  fours of columns per invocation
const RY: u32 = 2u; //#tunable  fours of rows per invocation
const STEP: u32 = 8u; //#tunable  terms of the sum at a time
const FILL_A: u32 = 1u; //#tunable  vectors of panel a per invocation, RY·STEP / LX
const FILL_B: u32 = 1u; //#tunable  vectors of panel b per invocation, RX·STEP / LY
const LANES: u32 = LX * LY;
const A4: u32 = RY * LY; // fours of rows
const B4: u32 = RX * LX; // fours of columns
const TM: u32 = 4u * A4;
const TN: u32 = 4u * B4;

// Where a vector lies in a panel. The terms of neighbouring invocations are in different banks, because rows are one vector too long.
struct Place { term: u32, four: u32 }
var<workgroup> panel_a: array<array<vec4<f32>, A4 + 1u>, STEP>;
var<workgroup> panel_b: array<array<vec4<f32>, B4 + 1u>, STEP>;
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

fn panel_store() {
    //#unroll q in 0..FILL_A
    panel_a[place_a_${q}.term][place_a_${q}.four] = next_a_${q};
    //#end
    //#unroll q in 0..FILL_B
    panel_b[place_b_${q}.term][place_b_${q}.four] = next_b_${q};
    //#end
}

fn panel_sums(x: u32, y: u32) {
    //#unroll k in 0..STEP
    //#unroll i in 0..RY
    let a${k}_${i} = panel_a[${k}][y + ${i}u * LY];
    //#end
    //#unroll j in 0..RX
    let b${k}_${j} = panel_b[${k}][x + ${j}u * LX];
    //#end
    //#unroll i in 0..RY
    //#unroll r in 0..4
    //#unroll j in 0..RX
    sum_${i}_${r}_${j} = fma(vec4<f32>(a${k}_${i}[${r}]), b${k}_${j}, sum_${i}_${r}_${j});
    //#end
    //#end
    //#end
    //#end
}
