// Margin loss l of each row of capsule lengths z with targets t (Sabour et al. 2017), and its VJP.
//   l     = Σ_k t[k]·max(0, upper − z[k])² + down·(1 − t[k])·max(0, z[k] − lower)²
//   dz[k] = 2 dl·(down·(1 − t[k])·max(0, z[k] − lower) − t[k]·max(0, upper − z[k]))
// A row of upstream gradient 0 gets gradient 0 whatever it holds.
// Grid: one invocation per row, workgroups folded into 2-D.

//#include <common/grid.wgsl>

const WG: u32 = 64u; //#tunable

struct Params { rows: u32, cols: u32, upper: f32, lower: f32, down: f32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       lengths: array<f32>; // (rows, cols)
@group(0) @binding(2) var<storage, read>       targets: array<f32>; // (rows, cols)
@group(0) @binding(3) var<storage, read_write> loss:    array<f32>; // (rows)  overwritten

@compute @workgroup_size(WG)
fn margin_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let b = flat_group(g, n) * WG + lane;
    if b >= p.rows { return; }
    let base = b * p.cols;
    var s = 0.0;
    for (var i = base; i < base + p.cols; i++) {
        let short = max(p.upper - lengths[i], 0.0);
        let long = max(lengths[i] - p.lower, 0.0);
        s += targets[i] * short * short + p.down * (1.0 - targets[i]) * long * long;
    }
    loss[b] = s;
}

@group(0) @binding(3) var<storage, read>       dloss:    array<f32>; // (rows)
@group(0) @binding(4) var<storage, read_write> dlengths: array<f32>; // (rows, cols)  overwritten

@compute @workgroup_size(WG)
fn margin_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let b = flat_group(g, n) * WG + lane;
    if b >= p.rows { return; }
    let base = b * p.cols;
    let d = 2.0 * dloss[b];
    for (var i = base; i < base + p.cols; i++) {
        let short = max(p.upper - lengths[i], 0.0);
        let long = max(lengths[i] - p.lower, 0.0);
        let slope = p.down * (1.0 - targets[i]) * long - targets[i] * short;
        if d == 0.0 { dlengths[i] = 0.0; } else { dlengths[i] = d * slope; }
    }
}
