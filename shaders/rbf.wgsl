// Gaussian kernel matrix of two sets of vectors, from their products, which `k` holds beforehand.
//   rbf_norms  norms[r] = Σ_d x[r,d]²
//   rbf        k[i,j]   = exp(−gamma · max(xx[i] + yy[j] − 2 k[i,j], 0))      |x − y|² by norms and product, never below 0
// Grid: rbf_norms one invocation per row; rbf WG·PER neighbouring elements per workgroup; folded.

//#include <common/grid.wgsl>

const WG: u32 = 128u; //#tunable
const PER: u32 = 4u; //#tunable  elements per invocation

struct Params { rows: u32, cols: u32, gamma: f32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:     array<f32>; // (rows, cols)
@group(0) @binding(2) var<storage, read_write> norms: array<f32>; // (rows)  overwritten

@compute @workgroup_size(WG)
fn rbf_norms(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let r = flat_group(g, n) * WG + lane;
    if r >= p.rows { return; }
    var s = 0.0;
    for (var i = r * p.cols; i < (r + 1u) * p.cols; i++) { s += x[i] * x[i]; }
    norms[r] = s;
}

@group(0) @binding(1) var<storage, read>       xx: array<f32>; // (rows)
@group(0) @binding(2) var<storage, read>       yy: array<f32>; // (cols)
@group(0) @binding(3) var<storage, read_write> k:  array<f32>; // (rows, cols)  x · y, overwritten

@compute @workgroup_size(WG)
fn rbf(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    for (var step = 0u; step < PER; step++) {
        let i = first + step * WG;
        if i >= p.rows * p.cols { return; }
        k[i] = exp(-p.gamma * max(xx[i / p.cols] + yy[i % p.cols] - 2.0 * k[i], 0.0));
    }
}
