// Batched matrix product like `matmul_subgroup`, for operands that can be read and written two floats at a time (software Vulkan).
//   c[z,m,n] = α · Σ_k a[z,m,k] · b[z,k,n]  (+ bias[n]), optionally its positive part
// The operands are declared u64 (see common/pair.wgsl). `a` is contiguous along k (A_ROWS = 0) or along m (1), `b` along n (B_COLS = 1)
// or along k (0); k is a multiple of 8, n of 2 (of 4 with B_COLS = 1), m of 2 with A_ROWS = 1, strides are even. One subgroup makes
// 2·SG rows x 4·SG columns, each lane loading eight k of two neighbouring rows of `a`, which are broadcast, and of its own four columns
// of `b`. Eight k at a time, because the driver's loops blend every accumulator once per round.
// Grid: one workgroup per (batch, row tile, column tile), folded; column tiles fastest, or row tiles with bit 1 of flags.

//#include <common/grid.wgsl>
//#include <common/pair.wgsl>

const SG: u32 = 8u; //#tunable  lanes of a subgroup
const A_ROWS: u32 = 0u; //#tunable  `a` is contiguous along its rows' index m
const B_COLS: u32 = 1u; //#tunable  `b` is contiguous along its columns' index n

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

// Where bit 2 of flags asks for it, the positive part; a NaN stays one.
fn finished(v: vec4<f32>) -> vec4<f32> {
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
    let down = (p.m + 2u * SG - 1u) / (2u * SG);
    let z = id / across / down;
    if z >= p.batch { return; }
    let t = id % (across * down);
    let rows_first = (p.flags & 2u) != 0u;
    let row0 = select(t / across, t % down, rows_first) * 2u * SG;
    let col0 = (select(t % across, t / down, rows_first) * SG + lane) * 4u;
    let last = p.n - 1u;
    // Rows and columns past the end are read at the last ones that exist and not stored. Strides count pairs from here on, except the
    // one that is 1.
    let row = min(row0 + 2u * lane, p.m - 1u);
    let a_step = p.a_k / 2u;
    let b_step = p.b_k / 2u;
    let bz = z * p.b_batch;
    let a0 = (z * p.a_batch + row * p.a_row) / 2u;
    let a1 = (z * p.a_batch + min(row + 1u, p.m - 1u) * p.a_row) / 2u;
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
    //#unroll r in 0..SG
    var c0_${r} = vec4<f32>();
    var c1_${r} = vec4<f32>();
    //#end
    for (var k = 0u; k < p.k; k += 8u) {
        let h = k / 2u;
        //#unroll q in 0..8
        var v${q}: vec4<f32>;
        //#end
        if B_COLS == 1u {
            //#unroll q in 0..8
            let w${q} = b0 + (k + ${q}u) * b_step;
            v${q} = vec4<f32>(both(b[w${q}]), both(b[w${q} + 1u]));
            //#end
        } else {
            //#unroll j in 0..4
            let s${j} = both(b[b${j} + h]);
            let t${j} = both(b[b${j} + h + 1u]);
            let u${j} = both(b[b${j} + h + 2u]);
            let o${j} = both(b[b${j} + h + 3u]);
            //#end
            v0 = vec4<f32>(s0.x, s1.x, s2.x, s3.x);
            v1 = vec4<f32>(s0.y, s1.y, s2.y, s3.y);
            v2 = vec4<f32>(t0.x, t1.x, t2.x, t3.x);
            v3 = vec4<f32>(t0.y, t1.y, t2.y, t3.y);
            v4 = vec4<f32>(u0.x, u1.x, u2.x, u3.x);
            v5 = vec4<f32>(u0.y, u1.y, u2.y, u3.y);
            v6 = vec4<f32>(o0.x, o1.x, o2.x, o3.x);
            v7 = vec4<f32>(o0.y, o1.y, o2.y, o3.y);
        }
        var x0: vec4<f32>;
        var x1: vec4<f32>;
        var z0: vec4<f32>;
        var z1: vec4<f32>;
        if A_ROWS == 1u {
            //#unroll q in 0..8
            let d${q} = both(a[a0 + (k + ${q}u) * a_step]);
            //#end
            x0 = vec4<f32>(d0.x, d1.x, d2.x, d3.x);
            x1 = vec4<f32>(d0.y, d1.y, d2.y, d3.y);
            z0 = vec4<f32>(d4.x, d5.x, d6.x, d7.x);
            z1 = vec4<f32>(d4.y, d5.y, d6.y, d7.y);
        } else {
            //#unroll i in 0..2
            x${i} = vec4<f32>(both(a[a${i} + h]), both(a[a${i} + h + 1u]));
            z${i} = vec4<f32>(both(a[a${i} + h + 2u]), both(a[a${i} + h + 3u]));
            //#end
        }
        //#unroll i in 0..2
        //#unroll r in 0..SG
        let f${i}_${r} = subgroupBroadcast(x${i}, ${r}u);
        let l${i}_${r} = subgroupBroadcast(z${i}, ${r}u);
        let m${i}_${r} = fma(vec4<f32>(f${i}_${r}.w), v3, fma(vec4<f32>(f${i}_${r}.z), v2, fma(vec4<f32>(f${i}_${r}.y), v1, fma(vec4<f32>(f${i}_${r}.x), v0, c${i}_${r}))));
        c${i}_${r} = fma(vec4<f32>(l${i}_${r}.w), v7, fma(vec4<f32>(l${i}_${r}.z), v6, fma(vec4<f32>(l${i}_${r}.y), v5, fma(vec4<f32>(l${i}_${r}.x), v4, m${i}_${r}))));
        //#end
        //#end
    }
    var add = vec4<f32>();
    if (p.flags & 1u) != 0u {
        add = vec4<f32>(bias[min(col0, last)], bias[min(col0 + 1u, last)], bias[min(col0 + 2u, last)], bias[min(col0 + 3u, last)]);
    }
    //#unroll i in 0..2
    //#unroll r in 0..SG
    put(z, row0 + 2u * ${r}u + ${i}u, col0, finished(p.alpha * c${i}_${r} + add));
    //#end
    //#end
}
