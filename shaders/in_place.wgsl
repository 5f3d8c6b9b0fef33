// Updates of a region of state in place.
//   ema         y ← y + s·(x − y)       s = 1 − decay
//   accumulate  y ← y + s·x
//   fill        y ← s
// Grid: each workgroup takes WG·PER neighbouring elements, workgroups folded into 2-D.

//#include <common/grid.wgsl>

const WG: u32 = 128u; //#tunable
const PER: u32 = 4u; //#tunable

struct Params { n: u32, s: f32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read_write> y: array<f32>; // (n)  updated
@group(0) @binding(2) var<storage, read>       x: array<f32>; // (n)

@compute @workgroup_size(WG)
fn ema(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let y_${i} = y[${i}];
    let x_${i} = x[${i}];
    //#then
    y[${i}] = y_${i} + p.s * (x_${i} - y_${i});
    //#end
}

@compute @workgroup_size(WG)
fn accumulate(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let y_${i} = y[${i}];
    let x_${i} = x[${i}];
    //#then
    y[${i}] = y_${i} + p.s * x_${i};
    //#end
}

@compute @workgroup_size(WG)
fn fill(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    //#then
    y[${i}] = p.s;
    //#end
}
