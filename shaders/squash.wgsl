// Vectors of capsules, rows of (rows, cols): squashing to a length below 1, and their lengths. (Sabour et al. 2017, "Dynamic routing between
// capsules"; ε as in Res-Trans's released code.) With q = Σ x² and n = √q:
//   squash  y = x · q/((1 + q)(n + ε))
//           dx = dy · q/((1 + q)(n + ε)) + x · (Σ x·dy) · k,   k = (2/(1 + q) − n/(n + ε))/((1 + q)(n + ε))
//           (the derivative of the factor by n, over n; nothing is divided by n)
//   length  y = n,   dx = x · dy/n   (0 for a vector of length 0)
// Grid: one invocation per vector, workgroups folded into 2-D.

//#include <common/grid.wgsl>
//#include <common/vec${VEC}.wgsl>

const WG: u32 = 64u; //#tunable
const VEC: u32 = 1u; //#tunable  floats per access

struct Params { rows: u32, cols: u32, eps: f32 } // cols counts accesses
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:  array<Stored>; // (rows, cols)
@group(0) @binding(2) var<storage, read_write> y:  array<Stored>; // (rows, cols)  overwritten

// Σ x² of the row at `base`.
fn square(base: u32) -> f32 {
    var q = Value();
    for (var i = base; i < base + p.cols; i++) { let v = load(x[i]); q += v * v; }
    return total(q);
}

@compute @workgroup_size(WG)
fn squash_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n) * WG + lane;
    if row >= p.rows { return; }
    let base = row * p.cols;
    let q = square(base);
    let factor = q / ((1.0 + q) * (sqrt(q) + p.eps));
    for (var i = base; i < base + p.cols; i++) { y[i] = store(factor * load(x[i])); }
}

@group(0) @binding(2) var<storage, read>       dy: array<Stored>; // (rows, cols)
@group(0) @binding(3) var<storage, read_write> dx: array<Stored>; // (rows, cols)  overwritten

@compute @workgroup_size(WG)
fn squash_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n) * WG + lane;
    if row >= p.rows { return; }
    let base = row * p.cols;
    let q = square(base);
    var products = Value();
    for (var i = base; i < base + p.cols; i++) { products += load(x[i]) * load(dy[i]); }
    let size = sqrt(q);
    let below = 1.0 / ((1.0 + q) * (size + p.eps));
    let k = total(products) * below * (2.0 / (1.0 + q) - size / (size + p.eps));
    for (var i = base; i < base + p.cols; i++) { dx[i] = store(q * below * load(dy[i]) + k * load(x[i])); }
}

@group(0) @binding(2) var<storage, read_write> len: array<f32>; // (rows)  overwritten

@compute @workgroup_size(WG)
fn length_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n) * WG + lane;
    if row >= p.rows { return; }
    len[row] = sqrt(square(row * p.cols));
}

@group(0) @binding(2) var<storage, read>       len_saved: array<f32>; // (rows)
@group(0) @binding(3) var<storage, read>       dlen:      array<f32>; // (rows)
@group(0) @binding(4) var<storage, read_write> dvector:   array<Stored>; // (rows, cols)  overwritten

@compute @workgroup_size(WG)
fn length_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n) * WG + lane;
    if row >= p.rows { return; }
    let size = len_saved[row];
    var factor = 0.0;
    if size > 0.0 { factor = dlen[row] / size; }
    for (var i = row * p.cols; i < (row + 1u) * p.cols; i++) { dvector[i] = store(factor * load(x[i])); }
}
