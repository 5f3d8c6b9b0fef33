// Batched matrix product like `matmul_subgroup`, for operands that can be read and written two floats at a time (software Vulkan).
//   c[z,m,n] = α · Σ_k a[z,m,k] · b[z,k,n]  (+ bias[n]), optionally its positive part
// The operands are declared u64 (see common/pair.wgsl). `a` is contiguous along k (A_ROWS = 0) or along m (1), `b` along n (B_COLS = 1)
// or along k (0); k is a multiple of 4·UNROLL_K, n of 2 (of 4 with B_COLS = 1), m of 2 with A_ROWS = 1, strides are even. One subgroup makes
// TILE_M rows x 4·SG columns, each lane loading 4·UNROLL_K k of its pairs of neighbouring rows of `a`, which are broadcast, and of its own four
// columns of `b`. More rows spread the loads of `b` over more sums; more k a round do so with what the driver's loops cost, which blend
// every sum once per round.
// Grid: one workgroup per (batch, row tile, column tile), folded; column tiles fastest, or row tiles with bit 1 of flags.

//#include <common/grid.wgsl>
//#include <common/pair.wgsl>

const SG: u32 = 8u; //#tunable  lanes of a subgroup
const A_ROWS: u32 = 0u; //#tunable  `a` is contiguous along its rows' index m
const B_COLS: u32 = 1u; //#tunable  `b` is contiguous along its columns' index n
const ROW_PAIRS: u32 = 1u; //#tunable  pairs of rows a lane loads
const UNROLL_K: u32 = 2u; //#tunable  k of a round, in fours
const ROW_LANES: u32 = 8u; //#tunable  lanes whose rows count: fewer than SG for the few rows of a small product
const TILE_M: u32 = 2u * ROW_PAIRS * ROW_LANES; // rows of a tile

struct Params {
    m: u32, n: u32, k: u32, flags: u32,
    a_batch: u32, a_row: u32, a_k: u32, b_batch: u32,
    b_k: u32, b_col: u32, alpha: f32, batch: u32,
}
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       a:    array<u64>; // (batch, m, k) by strides, pairs of f32
@group(0) @binding(2) var<storage, read>       b:    array<u64>; // (batch, k, n) by strides, pairs of f32
@group(0) @binding(3) var<storage, read>       bias: array<f32>; // (n); any buffer without bit 0 of flags
@group(0) @binding(4) var<storage, read_write> c:    array<u64>; // (batch, m, n), pairs of f32  overwritten

// Both floats of a pair, in registers of their own. Without the exclusive or, by a zero the compiler cannot know of, LLVM keeps the halves in
// the 512-bit registers that they were loaded into; each use of these closes one of the three vector ports of Intel's cores to the sums.
fn apart(v: u64) -> vec2<f32> {
    let zero = p.flags >> 31u;
    return vec2<f32>(bitcast<f32>(u32(v) ^ zero), bitcast<f32>(u32(v >> 32u) ^ zero));
}

// Where bit 2 of flags asks for it, the positive part; a NaN stays one.
fn epilogue(v: vec4<f32>) -> vec4<f32> {
    let negative = bitcast<vec4<u32>>(v) - vec4<u32>(0x80000000u) <= vec4<u32>(0x7f800000u);
    return select(v, vec4<f32>(), negative & vec4<bool>((p.flags & 4u) != 0u));
}

fn put(z: u32, row: u32, col: u32, v: vec4<f32>) {
    if row >= p.m || col >= p.n { return; }
    let at = ((z * p.m + row) * p.n + col) / 2u;
    c[at] = pair(v.xy);
    if col + 2u < p.n { c[at + 1u] = pair(v.zw); }
}

@compute @workgroup_size(SG)
fn matmul_wide(@builtin(subgroup_invocation_id) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let id = flat_group(g, groups);
    let across = (p.n + 4u * SG - 1u) / (4u * SG);
    let down = (p.m + TILE_M - 1u) / TILE_M;
    let z = id / across / down;
    if z >= p.batch { return; }
    let t = id % (across * down);
    let rows_first = (p.flags & 2u) != 0u;
    let row0 = select(t / across, t % down, rows_first) * TILE_M;
    let col0 = (select(t % across, t / down, rows_first) * SG + lane) * 4u;
    let last = p.n - 1u;
    // Rows and columns past the end are read at the last ones that exist and not stored. Strides count pairs from here on, except the
    // one that is 1.
    let a_step = p.a_k / 2u;
    let b_step = p.b_k / 2u;
    let bz = z * p.b_batch;
    //#unroll j in 0..ROW_PAIRS
    let m${j} = min(row0 + 2u * (ROW_LANES * ${j}u + lane), p.m - 1u);
    let a${j}_0 = (z * p.a_batch + m${j} * p.a_row) / 2u;
    let a${j}_1 = (z * p.a_batch + min(m${j} + 1u, p.m - 1u) * p.a_row) / 2u;
    //#end
    var b0 = (bz + min(col0, p.n - min(p.n, 4u))) / 2u;
    var b1 = 0u;
    var b2 = 0u;
    var b3 = 0u;
    if B_COLS == 0u {
        b0 = (bz + min(col0, last) * p.b_col) / 2u;
        b1 = (bz + min(col0 + 1u, last) * p.b_col) / 2u;
        b2 = (bz + min(col0 + 2u, last) * p.b_col) / 2u;
        b3 = (bz + min(col0 + 3u, last) * p.b_col) / 2u;
    }
    //#unroll j in 0..ROW_PAIRS
    //#unroll i in 0..2
    //#unroll r in 0..ROW_LANES
    var c${j}_${i}_${r} = vec4<f32>();
    //#end
    //#end
    //#end
    for (var k = 0u; k < p.k; k += 4u * UNROLL_K) {
        //#unroll h in 0..UNROLL_K
        let k${h} = k + 4u * ${h}u;
        let h${h} = k${h} / 2u;
        //#unroll q in 0..4
        var v${h}_${q}: vec4<f32>;
        //#end
        if B_COLS == 1u {
            //#unroll q in 0..4
            let w${q} = b0 + (k${h} + ${q}u) * b_step;
            v${h}_${q} = vec4<f32>(apart(b[w${q}]), apart(b[w${q} + 1u]));
            //#end
        } else {
            //#unroll j in 0..4
            let s${j} = apart(b[b${j} + h${h}]);
            let t${j} = apart(b[b${j} + h${h} + 1u]);
            //#end
            v${h}_0 = vec4<f32>(s0.x, s1.x, s2.x, s3.x);
            v${h}_1 = vec4<f32>(s0.y, s1.y, s2.y, s3.y);
            v${h}_2 = vec4<f32>(t0.x, t1.x, t2.x, t3.x);
            v${h}_3 = vec4<f32>(t0.y, t1.y, t2.y, t3.y);
        }
        //#unroll j in 0..ROW_PAIRS
        var x${h}_${j}_0: vec4<f32>;
        var x${h}_${j}_1: vec4<f32>;
        if A_ROWS == 1u {
            //#unroll q in 0..4
            let d${q} = apart(a[a${j}_0 + (k${h} + ${q}u) * a_step]);
            //#end
            x${h}_${j}_0 = vec4<f32>(d0.x, d1.x, d2.x, d3.x);
            x${h}_${j}_1 = vec4<f32>(d0.y, d1.y, d2.y, d3.y);
        } else {
            //#unroll i in 0..2
            x${h}_${j}_${i} = vec4<f32>(apart(a[a${j}_${i} + h${h}]), apart(a[a${j}_${i} + h${h} + 1u]));
            //#end
        }
        //#end
        //#end
        //#unroll j in 0..ROW_PAIRS
        //#unroll i in 0..2
        //#unroll r in 0..ROW_LANES
        var s${j}_${i}_${r} = c${j}_${i}_${r};
        //#unroll h in 0..UNROLL_K
        let f${h}_${j}_${i}_${r} = subgroupBroadcast(x${h}_${j}_${i}, ${r}u);
        s${j}_${i}_${r} = fma(vec4<f32>(f${h}_${j}_${i}_${r}.x), v${h}_0, s${j}_${i}_${r});
        s${j}_${i}_${r} = fma(vec4<f32>(f${h}_${j}_${i}_${r}.y), v${h}_1, s${j}_${i}_${r});
        s${j}_${i}_${r} = fma(vec4<f32>(f${h}_${j}_${i}_${r}.z), v${h}_2, s${j}_${i}_${r});
        s${j}_${i}_${r} = fma(vec4<f32>(f${h}_${j}_${i}_${r}.w), v${h}_3, s${j}_${i}_${r});
        //#end
        c${j}_${i}_${r} = s${j}_${i}_${r};
        //#end
        //#end
        //#end
    }
    var add = vec4<f32>();
    if (p.flags & 1u) != 0u {
        add = vec4<f32>(bias[min(col0, last)], bias[min(col0 + 1u, last)], bias[min(col0 + 2u, last)], bias[min(col0 + 3u, last)]);
    }
    //#unroll j in 0..ROW_PAIRS
    //#unroll i in 0..2
    //#unroll r in 0..ROW_LANES
    put(z, row0 + 2u * (ROW_LANES * ${j}u + ${r}u) + ${i}u, col0, epilogue(p.alpha * c${j}_${i}_${r} + add));
    //#end
    //#end
    //#end
}
