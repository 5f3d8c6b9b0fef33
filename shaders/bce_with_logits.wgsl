// Sigmoid binary cross-entropy l of each row of logits z with targets t, mean over its columns, and its VJP.
//   l     = 1/K Σ_k max(z[k], 0) − z[k]·t[k] + ln(1 + exp(−|z[k]|))
//   dz[k] = dl/K · (σ(z[k]) − t[k]),   σ(z) = 1 − r for z >= 0 and r for z < 0, r = e^{−|z|}/(1 + e^{−|z|}): no digit is lost near 0 and 1
// A row of upstream gradient 0 gets gradient 0 whatever it holds.
// Grid: one invocation per row, workgroups folded into 2-D.

//#include <common/grid.wgsl>

const WG: u32 = 64u; //#tunable

struct Params { rows: u32, cols: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       logits: array<f32>; // (rows, cols)
@group(0) @binding(2) var<storage, read>       targets: array<f32>; // (rows, cols)
@group(0) @binding(3) var<storage, read_write> loss:   array<f32>; // (rows)  overwritten

// ln(1 + e) for 0 <= e <= 1; the series where the sum would round e away.
fn log_1p(e: f32) -> f32 {
    if e < 1e-3 { return e * (1.0 - 0.5 * e); }
    return log(1.0 + e);
}

@compute @workgroup_size(WG)
fn bce_with_logits_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let b = flat_group(g, n) * WG + lane;
    if b >= p.rows { return; }
    let base = b * p.cols;
    var s = 0.0;
    for (var k = 0u; k < p.cols; k++) {
        let x = logits[base + k];
        s += max(x, 0.0) - x * targets[base + k] + log_1p(exp(-abs(x)));
    }
    loss[b] = s / f32(p.cols);
}

@group(0) @binding(3) var<storage, read>       dloss:   array<f32>; // (rows)
@group(0) @binding(4) var<storage, read_write> dlogits: array<f32>; // (rows, cols)  overwritten

@compute @workgroup_size(WG)
fn bce_with_logits_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let b = flat_group(g, n) * WG + lane;
    if b >= p.rows { return; }
    let base = b * p.cols;
    let d = dloss[b] / f32(p.cols);
    for (var k = 0u; k < p.cols; k++) {
        let x = logits[base + k];
        let e = exp(-abs(x));
        let r = e / (1.0 + e);
        let slope = select(r - targets[base + k], (1.0 - targets[base + k]) - r, x >= 0.0);
        if d == 0.0 { dlogits[base + k] = 0.0; } else { dlogits[base + k] = d * slope; }
    }
}
