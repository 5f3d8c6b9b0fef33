// Squared hinge losses of one-vs-rest machines, summed over the row of decisions f with targets y in 0..=1, and its VJP.
//   t[k] = 2 y[k] − 1,   m[k] = max(1 − t[k] f[k], 0)   (a NaN stays one)
//   l    = Σ_k m[k]²,    df[k] = −2 dl · t[k] · m[k]
// A row of upstream gradient 0 gets gradient 0 whatever it holds.
// Grid: one invocation per row, workgroups folded into 2-D.

//#include <common/grid.wgsl>
//#include <common/rectified.wgsl>

const WG: u32 = 64u; //#tunable

struct Params { rows: u32, cols: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       decision: array<f32>; // (rows, cols)
@group(0) @binding(2) var<storage, read>       targets:  array<f32>; // (rows, cols)
@group(0) @binding(3) var<storage, read_write> loss:     array<f32>; // (rows)  overwritten

@compute @workgroup_size(WG)
fn squared_hinge_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let b = flat_group(g, n) * WG + lane;
    if b >= p.rows { return; }
    var s = 0.0;
    for (var k = b * p.cols; k < (b + 1u) * p.cols; k++) {
        let m = rectified(1.0 - (2.0 * targets[k] - 1.0) * decision[k]);
        s += m * m;
    }
    loss[b] = s;
}

@group(0) @binding(3) var<storage, read>       dloss:     array<f32>; // (rows)
@group(0) @binding(4) var<storage, read_write> ddecision: array<f32>; // (rows, cols)  overwritten

@compute @workgroup_size(WG)
fn squared_hinge_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let b = flat_group(g, n) * WG + lane;
    if b >= p.rows { return; }
    let d = dloss[b];
    for (var k = b * p.cols; k < (b + 1u) * p.cols; k++) {
        let t = 2.0 * targets[k] - 1.0;
        if d == 0.0 { ddecision[k] = 0.0; } else { ddecision[k] = -2.0 * d * t * rectified(1.0 - t * decision[k]); }
    }
}
