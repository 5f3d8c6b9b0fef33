// Divergence l of each row's teacher distribution q from the student's softened one, times temperature², and its VJP.
//   p[k]  = softmax(z/T)[k] = exp((z[k] − m)/T) / Σ_j exp((z[j] − m)/T),   m = max_k z[k]
//   l     = T² · Σ_k q[k]·(ln q[k] − ln p[k])                 0·ln 0 = 0
//   dz[k] = dl · T · (p[k]·Σ_j q[j] − q[k])                   shares need not sum to 1
// A row of upstream gradient 0 gets gradient 0 whatever it holds.
// Grid: one invocation per row, workgroups folded into 2-D.

//#include <common/grid.wgsl>

const WG: u32 = 64u; //#tunable

struct Params { rows: u32, cols: u32, temperature: f32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       logits: array<f32>; // (rows, cols)
@group(0) @binding(2) var<storage, read>       targets: array<f32>; // (rows, cols)
@group(0) @binding(3) var<storage, read_write> loss:   array<f32>; // (rows)  overwritten

// (m, ln Σ exp((z − m)/T)) of a row.
fn log_sum(base: u32) -> vec2<f32> {
    var m = logits[base];
    for (var k = 1u; k < p.cols; k++) { m = max(m, logits[base + k]); }
    var s = 0.0;
    for (var k = 0u; k < p.cols; k++) { s += exp((logits[base + k] - m) / p.temperature); }
    return vec2<f32>(m, log(s));
}

@compute @workgroup_size(WG)
fn kl_distillation_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let b = flat_group(g, n) * WG + lane;
    if b >= p.rows { return; }
    let base = b * p.cols;
    let ls = log_sum(base);
    var s = 0.0;
    for (var k = 0u; k < p.cols; k++) {
        let q = targets[base + k];
        if q > 0.0 { s += q * (log(q) - ((logits[base + k] - ls.x) / p.temperature - ls.y)); }
    }
    loss[b] = p.temperature * p.temperature * s;
}

@group(0) @binding(3) var<storage, read>       dloss:   array<f32>; // (rows)
@group(0) @binding(4) var<storage, read_write> dlogits: array<f32>; // (rows, cols)  overwritten

@compute @workgroup_size(WG)
fn kl_distillation_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let b = flat_group(g, n) * WG + lane;
    if b >= p.rows { return; }
    let base = b * p.cols;
    let d = dloss[b] * p.temperature;
    if d == 0.0 {
        for (var k = 0u; k < p.cols; k++) { dlogits[base + k] = 0.0; }
        return;
    }
    let ls = log_sum(base);
    var total = 0.0;
    for (var k = 0u; k < p.cols; k++) { total += targets[base + k]; }
    for (var k = 0u; k < p.cols; k++) {
        dlogits[base + k] = d * (exp((logits[base + k] - ls.x) / p.temperature - ls.y) * total - targets[base + k]);
    }
}
