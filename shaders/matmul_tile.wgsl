// Batched matrix product through workgroup memory, for software adapters without a fixed subgroup size and for cooperative matrices.
//   c[z,m,n] = α · Σ_k a[z,m,k] · b[z,k,n]  (+ bias[n]), optionally its positive part
// A workgroup of 256 invocations makes a 64 x 64 tile in steps of 16 along k; each invocation keeps 4 x 4 of it in registers.
// Grid: one workgroup per (batch, row tile, column tile), column tiles fastest, folded.

//#include <common/tile${COOP}.wgsl>
//#include <common/grid.wgsl>
//#include <common/rectified.wgsl>

const COOP: u32 = 0u; //#tunable  side of cooperative matrices, which round operands to half precision; 0 without
const PARTS: u32 = 2u; //#tunable  matrices of a subgroup at most, with COOP

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

@compute @workgroup_size(16, 16)
fn matmul_tile(
    @builtin(local_invocation_id) l: vec3<u32>, @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
) {
    let id = flat_group(g, groups);
    let across = (p.n + TILE - 1u) / TILE;
    let down = (p.m + TILE - 1u) / TILE;
    let z = id / across / down;
    if z >= p.batch { return; }
    let row0 = id / across % down * TILE;
    let col0 = id % across * TILE;
    let za = z * p.a_batch;
    let zb = z * p.b_batch;
    for (var k0 = 0u; k0 < p.k; k0 += STEP) {
        workgroupBarrier();
        // Neighbouring invocations read neighbouring memory: along k where k is the operand's inner axis, along the tile otherwise.
        for (var i = lane; i < TILE * STEP; i += 256u) {
            var ar = i / STEP; var ak = i % STEP;
            if p.a_k != 1u { ar = i % TILE; ak = i / TILE; }
            var v = 0.0;
            if row0 + ar < p.m && k0 + ak < p.k { v = a[za + (row0 + ar) * p.a_row + (k0 + ak) * p.a_k]; }
            ta[ak * TILE + ar] = Operand(v);
            var bc = i % TILE; var bk = i / TILE;
            if p.b_col != 1u { bc = i / STEP; bk = i % STEP; }
            v = 0.0;
            if col0 + bc < p.n && k0 + bk < p.k { v = b[zb + (k0 + bk) * p.b_k + (col0 + bc) * p.b_col]; }
            tb[bk * TILE + bc] = Operand(v);
        }
        workgroupBarrier();
        tile_step(l);
    }
    tile_end(l);
    //#unroll i in 0..4
    let r${i} = row0 + l.y + ${i}u * 16u;
    if r${i} < p.m {
        //#unroll j in 0..4
        let n${i}_${j} = col0 + l.x + ${j}u * 16u;
        if n${i}_${j} < p.n {
            var v = p.alpha * acc_${i}[${j}];
            if (p.flags & 1u) != 0u { v += bias[n${i}_${j}]; }
            if (p.flags & 4u) != 0u { v = rectified(v); }
            c[(z * p.m + r${i}) * p.n + n${i}_${j}] = v;
        }
        //#end
    }
    //#end
}
