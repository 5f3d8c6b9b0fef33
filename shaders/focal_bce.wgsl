// Focal binary cross-entropy l on softmax outputs of each row of logits z with targets t, mean over its classes, and its VJP. Nothing is
// detached.
//   y[k] = (1 − s)·t[k] + s/K,   p = softmax(z)
//   L[k] = −(y[k]·ln p[k] + (1 − y[k])·ln(1 − p[k]))
//   l    = 1/K Σ_k (1 − exp(−L[k]))^γ · L[k]
// From logits, because ln(1 − p) loses all digits as p → 1. With o_k = ln Σ_{j≠k} exp(z[j]) and a_k = max(z[k], o_k):
//   ln Σ_j exp(z[j]) = a_k + ln(1 + exp(−|z[k] − o_k|)) =: e_k,   ln p = z[k] − e_k,   ln(1 − p) = o_k − e_k
// Backward. u = 1 − exp(−L):
//   f_k      = d(u^γ L)/dL = u^γ (1 + γ (1 − u) L/u)
//   dL/dp    = (p − y) / (p (1 − p))
//   dp_k/dz_i = p_k (δ_ik − p_i)
//   dz[i]    = f_i (p_i − y_i) − Σ_{k≠i} f_k (p_k − y_k) p_i/(1 − p_k),   p_i/(1 − p_k) = exp(z[i] − o_k) for i ≠ k
// Every factor is bounded, so finite logits give finite gradients. K is small: both directions take K² exponentials per row.
// A row of upstream gradient 0 gets gradient 0 whatever it holds.
// Grid: one invocation per row, workgroups folded into 2-D.

//#include <common/grid.wgsl>

const WG: u32 = 64u; //#tunable

struct Params { rows: u32, cols: u32, smoothing: f32, gamma: f32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       logits: array<f32>; // (rows, cols)
@group(0) @binding(2) var<storage, read>       targets: array<f32>; // (rows, cols)
@group(0) @binding(3) var<storage, read_write> loss:   array<f32>; // (rows)  overwritten

fn label(i: u32) -> f32 { return (1.0 - p.smoothing) * targets[i] + p.smoothing / f32(p.cols); }

// ln Σ_{j≠k} exp(z[j]) of the row at `base`.
fn log_sum_others(base: u32, k: u32) -> f32 {
    var m = -3.4e38;
    for (var j = 0u; j < p.cols; j++) { m = select(max(m, logits[base + j]), m, j == k); }
    var s = 0.0;
    for (var j = 0u; j < p.cols; j++) { s += select(exp(logits[base + j] - m), 0.0, j == k); }
    return m + log(s);
}

// (ln p, ln(1 − p)) of one class from its logit and o_k.
fn log_probabilities(own: f32, others: f32) -> vec2<f32> {
    let e = log(1.0 + exp(-abs(own - others)));
    return vec2<f32>(min(own - others, 0.0) - e, min(others - own, 0.0) - e);
}

// 1 − exp(−x) for x >= 0; the series where the difference would cancel.
fn one_minus_exp(x: f32) -> f32 {
    if x < 0.03 { return max(x, 0.0) * (1.0 - x * (0.5 - x * (1.0 / 6.0 - x / 24.0))); }
    return 1.0 - exp(-x);
}

// u^γ with 0^0 = 1.
fn focus(u: f32) -> f32 {
    if p.gamma == 0.0 { return 1.0; }
    if p.gamma == 2.0 { return u * u; }
    return pow(u, p.gamma);
}

@compute @workgroup_size(WG)
fn focal_bce_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let b = flat_group(g, n) * WG + lane;
    if b >= p.rows { return; }
    let base = b * p.cols;
    var sum = 0.0;
    for (var k = 0u; k < p.cols; k++) {
        let y = label(base + k);
        let lp = log_probabilities(logits[base + k], log_sum_others(base, k));
        let loss = -(y * lp.x + (1.0 - y) * lp.y);
        sum += focus(one_minus_exp(loss)) * loss;
    }
    loss[b] = sum / f32(p.cols);
}

@group(0) @binding(3) var<storage, read>       dloss:   array<f32>; // (rows)
@group(0) @binding(4) var<storage, read_write> dlogits: array<f32>; // (rows, cols)  overwritten

@compute @workgroup_size(WG)
fn focal_bce_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let b = flat_group(g, n) * WG + lane;
    if b >= p.rows { return; }
    let base = b * p.cols;
    let d = dloss[b] / f32(p.cols);
    for (var i = 0u; i < p.cols; i++) { dlogits[base + i] = 0.0; }
    if d == 0.0 { return; }
    for (var k = 0u; k < p.cols; k++) {
        let y = label(base + k);
        let others = log_sum_others(base, k);
        let lp = log_probabilities(logits[base + k], others);
        let loss = -(y * lp.x + (1.0 - y) * lp.y);
        let u = one_minus_exp(loss);
        var ratio = 1.0; // L/u, 1 in the limit L → 0
        if !(loss < 1e-20) { ratio = loss / u; }
        let f = d * focus(u) * (1.0 + p.gamma * (1.0 - u) * ratio) * (exp(lp.x) - y);
        for (var i = 0u; i < p.cols; i++) {
            dlogits[base + i] += select(-f * exp(logits[base + i] - others), f, i == k);
        }
    }
}
