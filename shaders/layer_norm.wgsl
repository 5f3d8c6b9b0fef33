// Layer normalisation of rows (rows, n), and its VJP.
//   x̂ = (x − μ) r,  y = γ x̂ + β
//   standard      r = 1/√(var + ε), biased variance
//   unbiased_std  r = 1/(σ + ε),    σ² = Σ (x − μ)²/(n − 1)          (the released Res-Trans code)
//   g = γ dy
//   standard      dx = r (g − mean g − x̂ mean(g x̂))
//   unbiased_std  dx = r (g − mean g) − (x − μ) r² Σ g (x − μ) / (σ (n − 1))
//   dγ = Σ_rows dy x̂,  dβ = Σ_rows dy
// Grid: fwd and bwd one workgroup per row, folded; bwd_params one invocation per column.

//#include <common/grid.wgsl>
//#include <common/reduce.wgsl>

struct Params { rows: u32, n: u32, eps: f32, unbiased: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:      array<f32>; // (rows, n)
@group(0) @binding(2) var<storage, read>       weight: array<f32>; // (n)
@group(0) @binding(3) var<storage, read>       bias:   array<f32>; // (n)
@group(0) @binding(4) var<storage, read_write> y:      array<f32>; // (rows, n)  overwritten
@group(0) @binding(5) var<storage, read_write> mean:   array<f32>; // (rows)  overwritten
@group(0) @binding(6) var<storage, read_write> rstd:   array<f32>; // (rows)  overwritten

@compute @workgroup_size(WG)
fn layer_norm_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let row = flat_group(g, groups);
    if row >= p.rows { return; }
    let base = row * p.n;
    var s = 0.0;
    for (var i = lane; i < p.n; i += WG) { s += x[base + i]; }
    let m = block_sum(lane, s) / f32(p.n);
    var q = 0.0;
    for (var i = lane; i < p.n; i += WG) { let d = x[base + i] - m; q += d * d; }
    q = block_sum(lane, q);
    var r = 1.0 / sqrt(q / f32(p.n) + p.eps);
    if p.unbiased != 0u { r = 1.0 / (sqrt(q / f32(p.n - 1u)) + p.eps); }
    for (var i = lane; i < p.n; i += WG) { y[base + i] = weight[i] * ((x[base + i] - m) * r) + bias[i]; }
    if lane == 0u {
        mean[row] = m;
        rstd[row] = r;
    }
}

@group(0) @binding(3) var<storage, read>       mean_s: array<f32>; // (rows)
@group(0) @binding(4) var<storage, read>       rstd_s: array<f32>; // (rows)
@group(0) @binding(5) var<storage, read>       dy:     array<f32>; // (rows, n)
@group(0) @binding(6) var<storage, read_write> dx:     array<f32>; // (rows, n)  overwritten

@compute @workgroup_size(WG)
fn layer_norm_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let row = flat_group(g, groups);
    if row >= p.rows { return; }
    let base = row * p.n;
    let m = mean_s[row];
    let r = rstd_s[row];
    var sum = 0.0;
    var dot = 0.0;
    for (var i = lane; i < p.n; i += WG) {
        let d = dy[base + i] * weight[i];
        sum += d;
        dot += d * (x[base + i] - m);
    }
    sum = block_sum(lane, sum) / f32(p.n);
    dot = block_sum(lane, dot);
    var slope = r * r * r * dot / f32(p.n);
    if p.unbiased != 0u { slope = r * r * dot / ((1.0 / r - p.eps) * f32(p.n - 1u)); }
    for (var i = lane; i < p.n; i += WG) {
        dx[base + i] = r * (dy[base + i] * weight[i] - sum) - (x[base + i] - m) * slope;
    }
}

@group(0) @binding(2) var<storage, read>       mean_c:  array<f32>; // (rows)
@group(0) @binding(3) var<storage, read>       rstd_c:  array<f32>; // (rows)
@group(0) @binding(4) var<storage, read>       dy_c:    array<f32>; // (rows, n)
@group(0) @binding(5) var<storage, read_write> dweight: array<f32>; // (n)  overwritten
@group(0) @binding(6) var<storage, read_write> dbias:   array<f32>; // (n)  overwritten

@compute @workgroup_size(WG)
fn layer_norm_bwd_params(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let c = flat_group(g, groups) * WG + lane;
    if c >= p.n { return; }
    var dw = 0.0;
    var db = 0.0;
    for (var row = 0u; row < p.rows; row++) {
        let d = dy_c[row * p.n + c];
        dw += d * ((x[row * p.n + c] - mean_c[row]) * rstd_c[row]);
        db += d;
    }
    dweight[c] = dw;
    dbias[c] = db;
}
