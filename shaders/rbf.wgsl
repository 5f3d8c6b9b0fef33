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
    //#stream i in first..p.rows * p.cols by WG, PER rounds
    let xx_${i} = xx[${i} / p.cols];
    let yy_${i} = yy[${i} % p.cols];
    let k_${i} = k[${i}];
    //#then
    k[${i}] = exp(-p.gamma * max(xx_${i} + yy_${i} - 2.0 * k_${i}, 0.0));
    //#end
}
