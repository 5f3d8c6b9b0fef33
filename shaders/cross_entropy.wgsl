// Softmax cross-entropy l of each row of logits z with soft targets t and label smoothing s, and its VJP.
//   y[k]  = (1 − s)·t[k] + s/K
//   l     = Σ_k y[k]·(ln Σ_j exp(z[j] − m) + m − z[k]),   m = max_k z[k]
//   dz[k] = dl · (softmax(z)[k]·Σ_j y[j] − y[k])          labels need not sum to 1
// A row of upstream gradient 0 gets gradient 0 whatever it holds.
// Grid: one invocation per row, workgroups folded into 2-D.

//#include <common/grid.wgsl>

const WG: u32 = 64u; //#tunable

struct Params { rows: u32, cols: u32, smoothing: f32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       logits: array<f32>; // (rows, cols)
@group(0) @binding(2) var<storage, read>       targets: array<f32>; // (rows, cols)
@group(0) @binding(3) var<storage, read_write> loss:   array<f32>; // (rows)  overwritten

fn label(i: u32) -> f32 { return (1.0 - p.smoothing) * targets[i] + p.smoothing / f32(p.cols); }

// (m, ln Σ exp(z − m)) of a row.
fn log_sum(base: u32) -> vec2<f32> {
    var m = logits[base];
    for (var k = 1u; k < p.cols; k++) { m = max(m, logits[base + k]); }
    var s = 0.0;
    for (var k = 0u; k < p.cols; k++) { s += exp(logits[base + k] - m); }
    return vec2<f32>(m, log(s));
}

@compute @workgroup_size(WG)
fn cross_entropy_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let b = flat_group(g, n) * WG + lane;
    if b >= p.rows { return; }
    let base = b * p.cols;
    let ls = log_sum(base);
    var s = 0.0;
    for (var k = 0u; k < p.cols; k++) { s += label(base + k) * (ls.y - (logits[base + k] - ls.x)); }
    loss[b] = s;
}

@group(0) @binding(3) var<storage, read>       dloss:   array<f32>; // (rows)
@group(0) @binding(4) var<storage, read_write> dlogits: array<f32>; // (rows, cols)  overwritten

@compute @workgroup_size(WG)
fn cross_entropy_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let b = flat_group(g, n) * WG + lane;
    if b >= p.rows { return; }
    let base = b * p.cols;
    let d = dloss[b];
    if d == 0.0 {
        for (var k = 0u; k < p.cols; k++) { dlogits[base + k] = 0.0; }
        return;
    }
    let ls = log_sum(base);
    var total = 0.0;
    for (var k = 0u; k < p.cols; k++) { total += label(base + k); }
    for (var k = 0u; k < p.cols; k++) { dlogits[base + k] = d * (exp(logits[base + k] - ls.x - ls.y) * total - label(base + k)); }
}
