// Copies a tensor.   y[i] = x[i]
// Grid: WG·PER neighbouring elements per workgroup, workgroups folded into 2-D.

//#include <common/grid.wgsl>

const WG: u32 = 128u; //#tunable
const PER: u32 = 4u; //#tunable  elements per invocation

struct Params { n: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x: array<f32>; // (n)
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // (n)  overwritten

@compute @workgroup_size(WG)
fn copy(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let x_${i} = x[${i}];
    //#then
    y[${i}] = x_${i};
    //#end
}
