// Batch normalisation over (n, c, inner), optionally followed by ReLU (which keeps a NaN), and its VJP. Statistics run over n and inner.
//   train   μ_c = mean x,  σ⁻¹_c = 1/√(var x + ε)          x̂ = (x − μ) σ⁻¹,  y = γ x̂ + β
//   eval    the same with running statistics
//   bwd     g = dy (where y > 0, after ReLU);  dβ = Σ g,  dγ = Σ g x̂
//           train: dx = γ σ⁻¹ (g − dβ/N − x̂ dγ/N),  N = n·inner;   eval: dx = γ σ⁻¹ g
//   running m' = (1 − k) m + k μ,  v' = (1 − k) v + k var·N/(N − 1)
// x may be the first channels of a wider tensor, and one of several pieces of what is normalised; then the pass writes and reads the
// piece's channels of y, dy and the parameters, and dx may be added to what is there.
// The variance is summed around the mean in a second pass: exact where mean ≫ standard deviation.
// Grid: statistics one workgroup per channel; the pointwise passes one thread or one workgroup per image and channel; folded.

//#include <common/grid.wgsl>
//#include <common/vec${VEC}.wgsl>
//#include <common/reduce.wgsl>
//#include <common/rows.wgsl>

const VEC: u32 = 1u; //#tunable  floats per access

// `inner` counts accesses, `count` the values of a channel. The piece has channels `first` .. `first + c` of the `whole` ones.
struct Params {
    n: u32, c: u32, inner: u32, relu: u32,
    eps: f32, momentum: f32, train: u32, row_per_thread: u32,
    count: f32, stored: u32, whole: u32, first: u32, accumulate: u32,
}
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:    array<Stored>; // (n, stored, inner), c of them
@group(0) @binding(2) var<storage, read_write> mean: array<f32>; // (whole)  the piece overwritten
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>; // (whole)  the piece overwritten

// Where channel c of image n begins in x and dx, and in y and dy.
fn in_x(n: u32, c: u32) -> u32 { return (n * p.stored + c) * p.inner; }
fn in_y(n: u32, c: u32) -> u32 { return (n * p.whole + p.first + c) * p.inner; }

@compute @workgroup_size(WG)
fn batch_norm_stats(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let c = flat_group(g, groups);
    if c >= p.c { return; }
    var s = Value();
    for (var n = 0u; n < p.n; n++) {
        let base = in_x(n, c);
        //#stream i in lane..p.inner by WG
        let x_${i} = load(x[base + ${i}]);
        //#then
        s += x_${i};
        //#end
    }
    let m = block_sum(lane, total(s)) / p.count;
    var q = Value();
    for (var n = 0u; n < p.n; n++) {
        let base = in_x(n, c);
        //#stream i in lane..p.inner by WG
        let x_${i} = load(x[base + ${i}]);
        //#then
        let d = x_${i} - m;
        q += d * d;
        //#end
    }
    let v = block_sum(lane, total(q)) / p.count;
    if lane == 0u {
        mean[p.first + c] = m;
        rstd[p.first + c] = 1.0 / sqrt(v + p.eps);
    }
}

@group(0) @binding(2) var<storage, read>       weight:  array<f32>; // (whole)
@group(0) @binding(3) var<storage, read>       bias:    array<f32>; // (whole)
@group(0) @binding(4) var<storage, read>       mean_in: array<f32>; // (whole)
@group(0) @binding(5) var<storage, read>       rstd_or_var:  array<f32>; // (whole)  1/√(var + ε) (train) or the variance (eval)
@group(0) @binding(6) var<storage, read_write> y:       array<Stored>; // (n, whole, inner)  the piece overwritten

fn reciprocal(c: u32) -> f32 {
    if p.train != 0u { return rstd_or_var[c]; }
    return 1.0 / sqrt(rstd_or_var[c] + p.eps);
}

@compute @workgroup_size(WG)
fn batch_norm_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let at = row_of(flat_group(g, groups), lane, p.row_per_thread);
    if at.row >= p.n * p.c { return; }
    let image = at.row / p.c;
    let own = at.row - image * p.c;
    let c = p.first + own;
    let m = mean_in[c];
    let r = reciprocal(c);
    let scale = weight[c];
    let shift = bias[c];
    let base = in_x(image, own);
    let to = in_y(image, own);
    //#stream i in at.first..p.inner by at.step
    let x_${i} = load(x[base + ${i}]);
    //#then
    let v = scale * ((x_${i} - m) * r) + shift;
    if p.relu != 0u { y[to + ${i}] = store(rectified(v)); } else { y[to + ${i}] = store(v); }
    //#end
}

@group(0) @binding(2) var<storage, read>       y_saved: array<Stored>; // (n, whole, inner); read after ReLU only
@group(0) @binding(3) var<storage, read>       mean_s:  array<f32>; // (whole)
@group(0) @binding(4) var<storage, read>       rstd_or_var_s: array<f32>; // (whole)
@group(0) @binding(5) var<storage, read>       dy:      array<Stored>; // (n, whole, inner)
@group(0) @binding(6) var<storage, read_write> dweight: array<f32>; // (whole)  the piece overwritten
@group(0) @binding(7) var<storage, read_write> dbias:   array<f32>; // (whole)  the piece overwritten

// dy, after ReLU where y is positive only.
fn of_positive(dy: Value, y: Value) -> Value {
    if p.relu == 0u { return dy; }
    return select(Value(), dy, y > Value());
}

@compute @workgroup_size(WG)
fn batch_norm_bwd_params(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let c = flat_group(g, groups);
    if c >= p.c { return; }
    let m = mean_s[p.first + c];
    var r = rstd_or_var_s[p.first + c];
    if p.train == 0u { r = 1.0 / sqrt(r + p.eps); }
    var sum = Value();
    var product = Value();
    for (var n = 0u; n < p.n; n++) {
        let base = in_x(n, c);
        let above = in_y(n, c);
        //#stream i in lane..p.inner by WG
        let dy_${i} = load(dy[above + ${i}]);
        let x_${i} = load(x[base + ${i}]);
        var y_${i} = Value();
        if p.relu != 0u { y_${i} = load(y_saved[above + ${i}]); }
        //#then
        let d = of_positive(dy_${i}, y_${i});
        sum += d;
        product += d * (x_${i} - m);
        //#end
    }
    let db = block_sum(lane, total(sum));
    let dw = block_sum(lane, total(product)) * r;
    if lane == 0u {
        dbias[p.first + c] = db;
        dweight[p.first + c] = dw;
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

@group(0) @binding(3) var<storage, read>       coefficients_in: array<f32>; // (4, whole)
@group(0) @binding(4) var<storage, read>       dy_in:     array<Stored>; // (n, whole, inner)
@group(0) @binding(5) var<storage, read_write> dx:        array<Stored>; // (n, stored, inner), c of them overwritten or added to

@compute @workgroup_size(WG)
fn batch_norm_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let at = row_of(flat_group(g, groups), lane, p.row_per_thread);
    if at.row >= p.n * p.c { return; }
    let image = at.row / p.c;
    let own = at.row - image * p.c;
    let c = p.first + own;
    let scale = coefficients_in[c];
    let x_scale = coefficients_in[p.whole + c];
    let constant = coefficients_in[2u * p.whole + c];
    let m = coefficients_in[3u * p.whole + c];
    let base = in_x(image, own);
    let above = in_y(image, own);
    //#stream i in at.first..p.inner by at.step
    let dy_${i} = load(dy_in[above + ${i}]);
    let x_${i} = load(x[base + ${i}]);
    var y_${i} = Value();
    if p.relu != 0u { y_${i} = load(y_saved[above + ${i}]); }
    //#then
    let v = of_positive(dy_${i}, y_${i}) * scale + (x_${i} - m) * x_scale + constant;
    if p.accumulate != 0u { dx[base + ${i}] = store(load(dx[base + ${i}]) + v); } else { dx[base + ${i}] = store(v); }
    //#end
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
