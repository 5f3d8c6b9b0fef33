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
    for (var e = 0u; e < PER; e++) {
        let i = first + e * WG;
        if i >= p.n { return; }
        let yi = y[i];
        y[i] = yi + p.s * (x[i] - yi);
    }
}

@compute @workgroup_size(WG)
fn accumulate(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    for (var e = 0u; e < PER; e++) {
        let i = first + e * WG;
        if i >= p.n { return; }
        y[i] += p.s * x[i];
    }
}

@compute @workgroup_size(WG)
fn fill(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    for (var e = 0u; e < PER; e++) {
        let i = first + e * WG;
        if i >= p.n { return; }
        y[i] = p.s;
    }
}
