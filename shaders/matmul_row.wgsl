// Batched matrix product with few outputs and a long sum: one workgroup per output element, or per part of it.
//   part[s,z,m,n] = Σ_{k in slice s} a[z,m,k] · b[z,k,n];   with one slice, c = α·part (+ bias)
//   c[z,m,n]      = α · Σ_s part[s,z,m,n]  (+ bias[n]), optionally its positive part
// Grid: matmul_row one workgroup per (slice, element), folded; matmul_row_sum one invocation per element, folded.

//#include <common/grid.wgsl>
//#include <common/rectified.wgsl>
//#include <common/reduce.wgsl>

struct Params {
    m: u32, n: u32, k: u32, flags: u32,
    a_batch: u32, a_row: u32, a_k: u32, b_batch: u32,
    b_k: u32, b_col: u32, alpha: f32, slices: u32,
    batch: u32,
}
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       a:    array<f32>; // (batch, m, k) by strides
@group(0) @binding(2) var<storage, read>       b:    array<f32>; // (batch, k, n) by strides
@group(0) @binding(3) var<storage, read_write> part: array<f32>; // (slices, batch, m, n)  overwritten

@compute @workgroup_size(WG)
fn matmul_row(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let id = flat_group(g, groups);
    let elements = p.batch * p.m * p.n;
    if id >= p.slices * elements { return; }
    let slice = id / elements;
    let e = id % elements;
    let z = e / (p.m * p.n);
    let at_a = z * p.a_batch + (e / p.n % p.m) * p.a_row;
    let at_b = z * p.b_batch + (e % p.n) * p.b_col;
    let span = (p.k + p.slices - 1u) / p.slices;
    let end = min(p.k, (slice + 1u) * span);
    var s = 0.0;
    //#stream k in slice * span + lane..end by WG
    let a_${k} = a[at_a + ${k} * p.a_k];
    let b_${k} = b[at_b + ${k} * p.b_k];
    //#then
    s += a_${k} * b_${k};
    //#end
    s = block_sum(lane, s);
    if lane == 0u { part[id] = s; }
}

@group(0) @binding(1) var<storage, read>       part_in: array<f32>; // (slices, batch, m, n)
@group(0) @binding(2) var<storage, read>       bias:    array<f32>; // (n); any buffer without bit 0 of flags
@group(0) @binding(3) var<storage, read_write> c:       array<f32>; // (batch, m, n)  overwritten

@compute @workgroup_size(WG)
fn matmul_row_sum(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let e = flat_group(g, groups) * WG + lane;
    let elements = p.batch * p.m * p.n;
    if e >= elements { return; }
    var s = 0.0;
    //#stream i in 0u..p.slices by 1u
    let part_${i} = part_in[${i} * elements + e];
    //#then
    s += part_${i};
    //#end
    s *= p.alpha;
    if (p.flags & 1u) != 0u { s += bias[e % p.n]; }
    if (p.flags & 4u) != 0u { s = rectified(s); }
    c[e] = s;
}
