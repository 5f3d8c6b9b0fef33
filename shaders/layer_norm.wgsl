// Layer normalisation of rows (rows, n), and its VJP.
//   x̂ = (x − μ) r,  y = γ x̂ + β
//   standard      r = 1/√(var + ε), biased variance
//   unbiased_std  r = 1/(σ + ε),    σ² = Σ (x − μ)²/(n − 1)          (the released Res-Trans code)
//   g = γ dy, and to dx what is given of it by another path (plus) is added
//   standard      dx = r (g − mean g − x̂ mean(g x̂))
//   unbiased_std  dx = r (g − mean g) − (x − μ) r² Σ g (x − μ) / (σ (n − 1))
//                 (the last term is 0 for a row without spread, σ = 0)
//   dγ = Σ_rows dy x̂,  dβ = Σ_rows dy          in slices of rows, then over the slices
// Grid: fwd and bwd one workgroup per row; bwd_params one invocation per (slice, column), bwd_params_sum one per column; all folded.

//#include <common/grid.wgsl>
//#include <common/vec${VEC}.wgsl>
//#include <common/reduce.wgsl>

const VEC: u32 = 1u; //#tunable  floats per access

struct Params { rows: u32, n: u32, eps: f32, unbiased: u32, slices: u32, plus: u32, count: f32 }
@group(0) @binding(0) var<uniform>             p: Params; // n: accesses per row, count: values

@group(0) @binding(1) var<storage, read>       x:      array<Stored>; // (rows, n)
@group(0) @binding(2) var<storage, read>       weight: array<Stored>; // (n)
@group(0) @binding(3) var<storage, read>       bias:   array<Stored>; // (n)
@group(0) @binding(4) var<storage, read_write> y:      array<Stored>; // (rows, n)  overwritten
@group(0) @binding(5) var<storage, read_write> mean:   array<f32>; // (rows)  overwritten
@group(0) @binding(6) var<storage, read_write> rstd:   array<f32>; // (rows)  overwritten

@compute @workgroup_size(WG)
fn layer_norm_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let row = flat_group(g, groups);
    if row >= p.rows { return; }
    let base = row * p.n;
    // Relative to the first value, so that a row of equal values has exactly that mean.
    let first = first_of(load(x[base]));
    var s = Value();
    //#stream i in lane..p.n by WG
    let x_${i} = load(x[base + ${i}]);
    //#then
    s += x_${i} - first;
    //#end
    let m = first + block_sum(lane, total(s)) / p.count;
    var q = Value();
    //#stream i in lane..p.n by WG
    let x_${i} = load(x[base + ${i}]);
    //#then
    let d = x_${i} - m;
    q += d * d;
    //#end
    let squares = block_sum(lane, total(q));
    var r = 1.0 / sqrt(squares / p.count + p.eps);
    if p.unbiased != 0u { r = 1.0 / (sqrt(squares / (p.count - 1.0)) + p.eps); }
    //#stream i in lane..p.n by WG
    let x_${i} = load(x[base + ${i}]);
    let weight_${i} = load(weight[${i}]);
    let bias_${i} = load(bias[${i}]);
    //#then
    y[base + ${i}] = store(weight_${i} * ((x_${i} - m) * r) + bias_${i});
    //#end
    if lane == 0u {
        mean[row] = m;
        rstd[row] = r;
    }
}

@group(0) @binding(3) var<storage, read>       mean_s: array<f32>; // (rows)
@group(0) @binding(4) var<storage, read>       rstd_s: array<f32>; // (rows)
@group(0) @binding(5) var<storage, read>       dy:     array<Stored>; // (rows, n)
@group(0) @binding(6) var<storage, read>       other:  array<Stored>; // (rows, n); any buffer when plus is 0
@group(0) @binding(7) var<storage, read_write> dx:     array<Stored>; // (rows, n)  overwritten

@compute @workgroup_size(WG)
fn layer_norm_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let row = flat_group(g, groups);
    if row >= p.rows { return; }
    let base = row * p.n;
    let m = mean_s[row];
    let r = rstd_s[row];
    var sums = Value();
    var dots = Value();
    //#stream i in lane..p.n by WG
    let dy_${i} = load(dy[base + ${i}]);
    let weight_${i} = load(weight[${i}]);
    let x_${i} = load(x[base + ${i}]);
    //#then
    let d = dy_${i} * weight_${i};
    sums += d;
    dots += d * (x_${i} - m);
    //#end
    let sum = block_sum(lane, total(sums)) / p.count;
    // A row of one value has no gradient; a product that is not rounded before the mean is subtracted would leave its rounding, times r.
    let scale = select(r, 0.0, p.count == 1.0);
    let dot = block_sum(lane, total(dots));
    var slope = r * r * r * dot / p.count;
    if p.unbiased != 0u {
        // The term's share of dx is below σ/(σ + ε): under a millionth it is left out, where σ = 1/r − ε would have cancelled.
        let sigma = 1.0 / r - p.eps;
        slope = 0.0;
        if sigma > 1e-6 * p.eps { slope = r * r * dot / (sigma * (p.count - 1.0)); }
    }
    //#stream i in lane..p.n by WG
    let dy_${i} = load(dy[base + ${i}]);
    let weight_${i} = load(weight[${i}]);
    let x_${i} = load(x[base + ${i}]);
    //#then
    var d = scale * (dy_${i} * weight_${i} - sum) - (x_${i} - m) * slope;
    if p.plus != 0u { d += load(other[base + ${i}]); }
    dx[base + ${i}] = store(d);
    //#end
}

@group(0) @binding(2) var<storage, read>       mean_c: array<f32>; // (rows)
@group(0) @binding(3) var<storage, read>       rstd_c: array<f32>; // (rows)
@group(0) @binding(4) var<storage, read>       dy_c:   array<Stored>; // (rows, n)
@group(0) @binding(5) var<storage, read_write> part_w: array<Stored>; // (slices, n)  overwritten; dweight where slices is 1
@group(0) @binding(6) var<storage, read_write> part_b: array<Stored>; // (slices, n)  overwritten; dbias where slices is 1

@compute @workgroup_size(WG)
fn layer_norm_bwd_params(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let id = flat_group(g, groups) * WG + lane;
    let slice = id / p.n;
    if slice >= p.slices { return; }
    let c = id % p.n;
    let span = (p.rows + p.slices - 1u) / p.slices;
    let end = min(p.rows, (slice + 1u) * span);
    var dw = Value();
    var db = Value();
    //#stream row in slice * span..end by 1u
    let d_${row} = load(dy_c[${row} * p.n + c]);
    let x_${row} = load(x[${row} * p.n + c]);
    let mean_${row} = mean_c[${row}];
    let rstd_${row} = rstd_c[${row}];
    //#then
    dw += d_${row} * ((x_${row} - mean_${row}) * rstd_${row});
    db += d_${row};
    //#end
    part_w[id] = store(dw);
    part_b[id] = store(db);
}

@group(0) @binding(1) var<storage, read>       sum_w:   array<Stored>; // (slices, n)
@group(0) @binding(2) var<storage, read>       sum_b:   array<Stored>; // (slices, n)
@group(0) @binding(3) var<storage, read_write> dweight: array<Stored>; // (n)  overwritten
@group(0) @binding(4) var<storage, read_write> dbias:   array<Stored>; // (n)  overwritten

@compute @workgroup_size(WG)
fn layer_norm_bwd_params_sum(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let c = flat_group(g, groups) * WG + lane;
    if c >= p.n { return; }
    var dw = Value();
    var db = Value();
    //#stream slice in 0u..p.slices by 1u
    let w_${slice} = load(sum_w[${slice} * p.n + c]);
    let b_${slice} = load(sum_b[${slice} * p.n + c]);
    //#then
    dw += w_${slice};
    db += b_${slice};
    //#end
    dweight[c] = store(dw);
    dbias[c] = store(db);
}
