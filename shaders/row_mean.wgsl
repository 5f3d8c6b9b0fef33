// Weighted mean of per-row losses, and its VJP. A row of weight 0 does not count (the filling of a short last batch).
//   W = Σ_b w[b],   y = Σ_b w[b]·loss[b] / W      (0 when W = 0)
//   dloss[b] = dy · w[b] / W                      needs w and W
// A row of weight 0 is left out, not multiplied by 0: its loss may be anything, NaN too.
// Grid: forward one workgroup; backward one invocation per row, workgroups folded into 2-D.

//#include <common/grid.wgsl>
//#include <common/reduce.wgsl>

struct Params { rows: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       loss:  array<f32>; // (rows)
@group(0) @binding(2) var<storage, read>       w:     array<f32>; // (rows)  not negative
@group(0) @binding(3) var<storage, read_write> y:     array<f32>; // (1)  overwritten
@group(0) @binding(4) var<storage, read_write> total: array<f32>; // (1)  W, overwritten

@compute @workgroup_size(WG)
fn row_mean_fwd(@builtin(local_invocation_index) lane: u32) {
    var s = 0.0;
    var t = 0.0;
    for (var b = lane; b < p.rows; b += WG) {
        let wb = w[b];
        if wb != 0.0 { s += wb * loss[b]; }
        t += wb;
    }
    s = block_sum(lane, s);
    t = block_sum(lane, t);
    if lane == 0u {
        if t == 0.0 { y[0] = 0.0; } else { y[0] = s / t; }
        total[0] = t;
    }
}

@group(0) @binding(1) var<storage, read>       weight:      array<f32>; // (rows)
@group(0) @binding(2) var<storage, read>       total_saved: array<f32>; // (1)
@group(0) @binding(3) var<storage, read>       dy:          array<f32>; // (1)
@group(0) @binding(4) var<storage, read_write> dloss:       array<f32>; // (rows)  overwritten

@compute @workgroup_size(WG)
fn row_mean_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let b = flat_group(g, n) * WG + lane;
    if b >= p.rows { return; }
    let t = total_saved[0];
    if t == 0.0 { dloss[b] = 0.0; } else { dloss[b] = dy[0] * weight[b] / t; }
}
