// Pointwise arithmetic on tensors of one shape, or with b repeated.
//   add    y = a + b         (its own VJP: dy for both); add_relu its positive part (a NaN stays one)
//   mul    y = a · b         (VJP: mul(dy, b), mul(dy, a))
//   add_broadcast, mul_broadcast: y[o,j,i] = a[o,j,i] + b[j], a[o,j,i] · b[j]   (VJP for b: summed over o and i by reduce.wgsl)
//   affine y = s·x + t       (VJP: affine(dy, s, 0))
// Grid: WG·PER neighbouring elements per workgroup, workgroups folded into 2-D.

//#include <common/grid.wgsl>
//#include <common/vec${VEC}.wgsl>

const WG: u32 = 128u; //#tunable
const PER: u32 = 4u; //#tunable  accesses per invocation
const VEC: u32 = 1u; //#tunable  floats per access

// n in accesses; inner and period (the extents of i and j) for b, where inner is 1 or accesses are of one float
struct Params { n: u32, scale: f32, shift: f32, inner: u32, period: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       a: array<Stored>; // (n), n in accesses
@group(0) @binding(2) var<storage, read>       b: array<Stored>; // (n), (period) where repeated
@group(0) @binding(3) var<storage, read_write> y: array<Stored>; // (n)  overwritten

@compute @workgroup_size(WG)
fn add(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let a_${i} = load(a[${i}]);
    let b_${i} = load(b[${i}]);
    //#then
    y[${i}] = store(a_${i} + b_${i});
    //#end
}

@compute @workgroup_size(WG)
fn add_relu(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let a_${i} = load(a[${i}]);
    let b_${i} = load(b[${i}]);
    //#then
    y[${i}] = store(rectified(a_${i} + b_${i}));
    //#end
}

@compute @workgroup_size(WG)
fn mul(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let a_${i} = load(a[${i}]);
    let b_${i} = load(b[${i}]);
    //#then
    y[${i}] = store(a_${i} * b_${i});
    //#end
}

@compute @workgroup_size(WG)
fn add_broadcast(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let a_${i} = load(a[${i}]);
    let b_${i} = load(b[${i} / p.inner % p.period]);
    //#then
    y[${i}] = store(a_${i} + b_${i});
    //#end
}

@compute @workgroup_size(WG)
fn mul_broadcast(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let a_${i} = load(a[${i}]);
    let b_${i} = load(b[${i} / p.inner % p.period]);
    //#then
    y[${i}] = store(a_${i} * b_${i});
    //#end
}

@compute @workgroup_size(WG)
fn affine(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let a_${i} = load(a[${i}]);
    //#then
    y[${i}] = store(p.scale * a_${i} + p.shift);
    //#end
}
