// Sum along one axis, and its VJP. The tensor is seen as (outer, n, inner).
//   y[o,i]    = s · Σ_j x[o,j,i]          (s = 1: sum, s = 1/n: mean)
//   dx[o,j,i] = s · dy[o,i]
// reduce_block: one workgroup per output, for long sums along the inner axis; reduce_lane: one invocation per output, or
// per neighbouring outputs of one access; reduce_row: one invocation per sum along the inner axis.
// Grid: folded into 2-D.

//#include <common/grid.wgsl>
//#include <common/vec${VEC}.wgsl>
//#include <common/reduce.wgsl>

const VEC: u32 = 1u; //#tunable  floats per access of reduce_lane and reduce_row
const PER: u32 = 4u; //#tunable  elements per invocation of the streaming kernels

struct Params { outer: u32, n: u32, inner: u32, scale: f32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:  array<f32>; // (outer, n, inner)
@group(0) @binding(2) var<storage, read_write> y:  array<f32>; // (outer, inner)  overwritten

@compute @workgroup_size(WG)
fn reduce_block(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let e = flat_group(g, groups);
    if e >= p.outer * p.inner { return; }
    let base = (e / p.inner) * p.n * p.inner + e % p.inner;
    var s = 0.0;
    //#stream j in lane..p.n by WG
    let x_${j} = x[base + ${j} * p.inner];
    //#then
    s += x_${j};
    //#end
    s = block_sum(lane, s);
    if lane == 0u { y[e] = p.scale * s; }
}

// `inner` counts accesses in reduce_lane, `n` in reduce_row.
@group(0) @binding(1) var<storage, read>       xs: array<Stored>; // (outer, n, inner)
@group(0) @binding(2) var<storage, read_write> ys: array<Stored>; // (outer, inner)  overwritten

@compute @workgroup_size(WG)
fn reduce_lane(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let e = flat_group(g, groups) * WG + lane;
    if e >= p.outer * p.inner { return; }
    let base = (e / p.inner) * p.n * p.inner + e % p.inner;
    var s = Value();
    //#stream j in 0u..p.n by 1u
    let x_${j} = load(xs[base + ${j} * p.inner]);
    //#then
    s += x_${j};
    //#end
    ys[e] = store(p.scale * s);
}

@compute @workgroup_size(WG)
fn reduce_row(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let e = flat_group(g, groups) * WG + lane;
    if e >= p.outer { return; }
    var s = Value();
    //#stream j in e * p.n..(e + 1u) * p.n by 1u
    let x_${j} = load(xs[${j}]);
    //#then
    s += x_${j};
    //#end
    y[e] = p.scale * total(s);
}

@group(0) @binding(1) var<storage, read>       dy: array<f32>; // (outer, inner)
@group(0) @binding(2) var<storage, read_write> dx: array<f32>; // (outer, n, inner)  overwritten

@compute @workgroup_size(WG)
fn reduce_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let first = flat_group(g, groups) * WG * PER + lane;
    //#stream e in first..p.outer * p.n * p.inner by WG, PER rounds
    let dy_${e} = dy[${e} / (p.n * p.inner) * p.inner + ${e} % p.inner];
    //#then
    dx[${e}] = p.scale * dy_${e};
    //#end
}
