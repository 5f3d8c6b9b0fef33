// Batch normalisation over (n, c, inner), optionally followed by ReLU (which keeps a NaN), and its VJP. Statistics run over n and inner.
//   train   μ_c = mean x,  σ⁻¹_c = 1/√(var x + ε)          x̂ = (x − μ) σ⁻¹,  y = γ x̂ + β
//   eval    the same with running statistics
//   bwd     g = dy (where y > 0, after ReLU);  dβ = Σ g,  dγ = Σ g x̂
//           train: dx = γ σ⁻¹ (g − dβ/N − x̂ dγ/N),  N = n·inner;   eval: dx = γ σ⁻¹ g
//   running m' = (1 − k) m + k μ,  v' = (1 − k) v + k var·N/(N − 1)
// The variance is summed around the mean in a second pass: exact where mean ≫ standard deviation.
// Grid: statistics one workgroup per channel; the pointwise passes one thread or one workgroup per image and channel; folded.

//#include <common/grid.wgsl>
//#include <common/vec${VEC}.wgsl>
//#include <common/reduce.wgsl>
//#include <common/rows.wgsl>

const VEC: u32 = 1u; //#tunable  floats per access

// `inner` counts accesses, `count` the values of a channel.
struct Params {
    n: u32, c: u32, inner: u32, relu: u32,
    eps: f32, momentum: f32, train: u32, row_per_thread: u32,
    count: f32,
}
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:    array<Stored>; // (n, c, inner)
@group(0) @binding(2) var<storage, read_write> mean: array<f32>; // (c)  overwritten
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>; // (c)  overwritten

@compute @workgroup_size(WG)
fn batch_norm_stats(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let c = flat_group(g, groups);
    if c >= p.c { return; }
    var s = Value();
    for (var n = 0u; n < p.n; n++) {
        let base = (n * p.c + c) * p.inner;
        for (var i = lane; i < p.inner; i += WG) { s += load(x[base + i]); }
    }
    let m = block_sum(lane, total(s)) / p.count;
    var q = Value();
    for (var n = 0u; n < p.n; n++) {
        let base = (n * p.c + c) * p.inner;
        for (var i = lane; i < p.inner; i += WG) { let d = load(x[base + i]) - m; q += d * d; }
    }
    let v = block_sum(lane, total(q)) / p.count;
    if lane == 0u {
        mean[c] = m;
        rstd[c] = 1.0 / sqrt(v + p.eps);
    }
}

@group(0) @binding(2) var<storage, read>       weight:  array<f32>; // (c)
@group(0) @binding(3) var<storage, read>       bias:    array<f32>; // (c)
@group(0) @binding(4) var<storage, read>       mean_in: array<f32>; // (c)
@group(0) @binding(5) var<storage, read>       rstd_or_var:  array<f32>; // (c)  1/√(var + ε) (train) or the variance (eval)
@group(0) @binding(6) var<storage, read_write> y:       array<Stored>; // (n, c, inner)  overwritten

fn reciprocal(c: u32) -> f32 {
    if p.train != 0u { return rstd_or_var[c]; }
    return 1.0 / sqrt(rstd_or_var[c] + p.eps);
}

@compute @workgroup_size(WG)
fn batch_norm_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let at = row_of(flat_group(g, groups), lane, p.row_per_thread);
    if at.row >= p.n * p.c { return; }
    let c = at.row % p.c;
    let m = mean_in[c];
    let r = reciprocal(c);
    let scale = weight[c];
    let shift = bias[c];
    let base = at.row * p.inner;
    for (var i = at.first; i < p.inner; i += at.step) {
        let v = scale * ((load(x[base + i]) - m) * r) + shift;
        if p.relu != 0u { y[base + i] = store(rectified(v)); } else { y[base + i] = store(v); }
    }
}

@group(0) @binding(2) var<storage, read>       y_saved: array<Stored>; // (n, c, inner); read after ReLU only
@group(0) @binding(3) var<storage, read>       mean_s:  array<f32>; // (c)
@group(0) @binding(4) var<storage, read>       rstd_or_var_s: array<f32>; // (c)
@group(0) @binding(5) var<storage, read>       dy:      array<Stored>; // (n, c, inner)
@group(0) @binding(6) var<storage, read_write> dweight: array<f32>; // (c)  overwritten
@group(0) @binding(7) var<storage, read_write> dbias:   array<f32>; // (c)  overwritten

@compute @workgroup_size(WG)
fn batch_norm_bwd_params(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let c = flat_group(g, groups);
    if c >= p.c { return; }
    let m = mean_s[c];
    var r = rstd_or_var_s[c];
    if p.train == 0u { r = 1.0 / sqrt(r + p.eps); }
    var sum = Value();
    var product = Value();
    for (var n = 0u; n < p.n; n++) {
        let base = (n * p.c + c) * p.inner;
        for (var i = lane; i < p.inner; i += WG) {
            var d = load(dy[base + i]);
            if p.relu != 0u { d = select(Value(), d, load(y_saved[base + i]) > Value()); }
            sum += d;
            product += d * (load(x[base + i]) - m);
        }
    }
    let db = block_sum(lane, total(sum));
    let dw = block_sum(lane, total(product)) * r;
    if lane == 0u {
        dbias[c] = db;
        dweight[c] = dw;
    }
}

// Coefficients of each channel for the pointwise pass: dx = dy·scale + (x − μ)·x_scale + constant, and μ.
@group(0) @binding(1) var<storage, read>       weight_k: array<f32>; // (c)
@group(0) @binding(2) var<storage, read>       mean_k:   array<f32>; // (c)
@group(0) @binding(3) var<storage, read>       rstd_or_var_k: array<f32>; // (c)
@group(0) @binding(4) var<storage, read>       dweight_k: array<f32>; // (c)
@group(0) @binding(5) var<storage, read>       dbias_k:  array<f32>; // (c)
@group(0) @binding(6) var<storage, read_write> coefficients:   array<f32>; // (4, c)  overwritten

@compute @workgroup_size(WG)
fn batch_norm_bwd_coefficients(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let c = flat_group(g, groups) * WG + lane;
    if c >= p.c { return; }
    var r = rstd_or_var_k[c];
    if p.train == 0u { r = 1.0 / sqrt(r + p.eps); }
    let scale = weight_k[c] * r;
    coefficients[c] = scale;
    var x_scale = 0.0;
    var constant = 0.0;
    if p.train != 0u {
        x_scale = -scale * r * dweight_k[c] / p.count;
        constant = -scale * dbias_k[c] / p.count;
    }
    coefficients[p.c + c] = x_scale;
    coefficients[2u * p.c + c] = constant;
    coefficients[3u * p.c + c] = mean_k[c];
}

@group(0) @binding(3) var<storage, read>       coefficients_in: array<f32>; // (4, c)
@group(0) @binding(4) var<storage, read>       dy_in:     array<Stored>; // (n, c, inner)
@group(0) @binding(5) var<storage, read_write> dx:        array<Stored>; // (n, c, inner)  overwritten

@compute @workgroup_size(WG)
fn batch_norm_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let at = row_of(flat_group(g, groups), lane, p.row_per_thread);
    if at.row >= p.n * p.c { return; }
    let c = at.row % p.c;
    let scale = coefficients_in[c];
    let x_scale = coefficients_in[p.c + c];
    let constant = coefficients_in[2u * p.c + c];
    let m = coefficients_in[3u * p.c + c];
    let base = at.row * p.inner;
    for (var i = at.first; i < p.inner; i += at.step) {
        var d = load(dy_in[base + i]);
        if p.relu != 0u { d = select(Value(), d, load(y_saved[base + i]) > Value()); }
        dx[base + i] = store(d * scale + (load(x[base + i]) - m) * x_scale + constant);
    }
}

@group(0) @binding(1) var<storage, read>       running_mean: array<f32>; // (c)
@group(0) @binding(2) var<storage, read>       running_var:  array<f32>; // (c)
@group(0) @binding(3) var<storage, read>       batch_mean:   array<f32>; // (c)
@group(0) @binding(4) var<storage, read>       batch_rstd:   array<f32>; // (c)
@group(0) @binding(5) var<storage, read_write> new_mean:     array<f32>; // (c)  overwritten
@group(0) @binding(6) var<storage, read_write> new_var:      array<f32>; // (c)  overwritten

@compute @workgroup_size(WG)
fn batch_norm_running(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let c = flat_group(g, groups) * WG + lane;
    if c >= p.c { return; }
    let biased = max(1.0 / (batch_rstd[c] * batch_rstd[c]) - p.eps, 0.0);
    new_mean[c] = (1.0 - p.momentum) * running_mean[c] + p.momentum * batch_mean[c];
    new_var[c] = (1.0 - p.momentum) * running_var[c] + p.momentum * biased * p.count / max(p.count - 1.0, 1.0);
}
