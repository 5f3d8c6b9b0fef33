// Batched matrix product for adapters whose subgroups are SG lanes wide and whose workgroup memory gains nothing (software Vulkan).
//   c[z,m,n] = α · Σ_k a[z,m,k] · b[z,k,n]  (+ bias[n]), optionally its positive part
// Operands are addressed by strides, so transposes cost nothing. One subgroup makes a tile of SG·RB rows x 4·SG columns: each lane loads
// four k of its own rows of `a`, every row is then broadcast; each lane owns four columns of `b`. Rows and columns past the
// end are clamped when loaded and skipped when stored.
// Grid: one workgroup per (batch, row tile, column tile), column tiles fastest, folded.

//#include <common/grid.wgsl>

const SG: u32 = 8u; //#tunable  lanes of a subgroup
const RB: u32 = 2u; //#tunable  blocks of SG rows

struct Params {
    m: u32, n: u32, k: u32, flags: u32,
    a_batch: u32, a_row: u32, a_k: u32, b_batch: u32,
    b_k: u32, b_col: u32, alpha: f32, batch: u32,
}
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       a:    array<f32>; // (batch, m, k) by strides
@group(0) @binding(2) var<storage, read>       b:    array<f32>; // (batch, k, n) by strides
@group(0) @binding(3) var<storage, read>       bias: array<f32>; // (n); any buffer without bit 0 of flags
@group(0) @binding(4) var<storage, read_write> c:    array<f32>; // (batch, m, n)  overwritten

// Where bit 2 of flags asks for it, the positive part; a NaN stays one.
fn epilogue(v: vec4<f32>) -> vec4<f32> {
    let negative = bitcast<vec4<u32>>(v) - vec4<u32>(0x80000000u) <= vec4<u32>(0x7f800000u);
    return select(v, vec4<f32>(), negative & vec4<bool>((p.flags & 4u) != 0u));
}

fn put(z: u32, row: u32, col: u32, v: vec4<f32>) {
    if row >= p.m { return; }
    let at = (z * p.m + row) * p.n + col;
    if col + 3u < p.n {
        c[at] = v.x; c[at + 1u] = v.y; c[at + 2u] = v.z; c[at + 3u] = v.w;
        return;
    }
    if col < p.n { c[at] = v.x; }
    if col + 1u < p.n { c[at + 1u] = v.y; }
    if col + 2u < p.n { c[at + 2u] = v.z; }
}

@compute @workgroup_size(SG)
fn matmul_subgroup(@builtin(subgroup_invocation_id) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let id = flat_group(g, groups);
    let across = (p.n + 4u * SG - 1u) / (4u * SG);
    let down = (p.m + SG * RB - 1u) / (SG * RB);
    let z = id / across / down;
    if z >= p.batch { return; }
    let row0 = id / across % down * SG * RB;
    let col0 = (id % across * SG + lane) * 4u;
    let last = p.n - 1u;
    let bz = z * p.b_batch;
    let b0 = bz + min(col0, last) * p.b_col;
    let b1 = bz + min(col0 + 1u, last) * p.b_col;
    let b2 = bz + min(col0 + 2u, last) * p.b_col;
    let b3 = bz + min(col0 + 3u, last) * p.b_col;
    //#unroll i in 0..RB
    let a${i} = z * p.a_batch + min(row0 + ${i}u * SG + lane, p.m - 1u) * p.a_row;
    //#unroll r in 0..SG
    var c${i}_${r} = vec4<f32>();
    //#end
    //#end
    let whole = p.k & ~3u;
    for (var k = 0u; k < whole; k += 4u) {
        //#unroll q in 0..4
        let w${q} = (k + ${q}u) * p.b_k;
        let v${q} = vec4<f32>(b[b0 + w${q}], b[b1 + w${q}], b[b2 + w${q}], b[b3 + w${q}]);
        //#end
        //#unroll i in 0..RB
        let e${i} = a${i} + k * p.a_k;
        let x${i} = vec4<f32>(a[e${i}], a[e${i} + p.a_k], a[e${i} + 2u * p.a_k], a[e${i} + 3u * p.a_k]);
        //#unroll r in 0..SG
        let y${i}_${r} = subgroupBroadcast(x${i}, ${r}u);
        c${i}_${r} = fma(vec4<f32>(y${i}_${r}.w), v3, fma(vec4<f32>(y${i}_${r}.z), v2, fma(vec4<f32>(y${i}_${r}.y), v1, fma(vec4<f32>(y${i}_${r}.x), v0, c${i}_${r}))));
        //#end
        //#end
    }
    for (var k = whole; k < p.k; k++) {
        let w = k * p.b_k;
        let v = vec4<f32>(b[b0 + w], b[b1 + w], b[b2 + w], b[b3 + w]);
        //#unroll i in 0..RB
        let x${i} = a[a${i} + k * p.a_k];
        //#unroll r in 0..SG
        c${i}_${r} = fma(vec4<f32>(subgroupBroadcast(x${i}, ${r}u)), v, c${i}_${r});
        //#end
        //#end
    }
    var add = vec4<f32>();
    if (p.flags & 1u) != 0u {
        add = vec4<f32>(bias[min(col0, last)], bias[min(col0 + 1u, last)], bias[min(col0 + 2u, last)], bias[min(col0 + 3u, last)]);
    }
    //#unroll i in 0..RB
    //#unroll r in 0..SG
    put(z, row0 + ${i}u * SG + ${r}u, col0, epilogue(p.alpha * c${i}_${r} + add));
    //#end
    //#end
}
