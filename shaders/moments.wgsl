// Mean and population standard deviation over time of the rows of clips of different length.
//   μ[m] = Σ_t x[m,t] / T_b,   σ[m] = sqrt(Σ_t (x[m,t] − μ[m])² / T_b),   T_b = 1 + length_b/hop frames of the clip's own
// Both are zero for a clip without samples.
// Grid: one workgroup per row of a clip, folded into 2-D.

//#include <common/grid.wgsl>
//#include <common/reduce.wgsl>

struct Params { batch: u32, rows: u32, frames: u32, hop: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:       array<f32>; // (B, M, T)
@group(0) @binding(2) var<storage, read>       lengths: array<u32>; // (B)        samples of each clip
@group(0) @binding(3) var<storage, read_write> y:       array<f32>; // (B, 2, M)  means, then deviations; overwritten

@compute @workgroup_size(WG)
fn moments(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n);
    if row >= p.batch * p.rows { return; }
    let b = row / p.rows;
    let length = lengths[b];
    let own = select(0u, min(length / p.hop + 1u, p.frames), length > 0u);
    let count = f32(max(own, 1u));
    let base = row * p.frames;
    var sum = 0.0;
    for (var t = lane; t < own; t += WG) { sum += x[base + t]; }
    let mean = block_sum(lane, sum) / count;
    var squares = 0.0;
    for (var t = lane; t < own; t += WG) {
        let d = x[base + t] - mean;
        squares += d * d;
    }
    let deviation = sqrt(block_sum(lane, squares) / count);
    if lane == 0u {
        y[row + b * p.rows] = mean;
        y[row + b * p.rows + p.rows] = deviation;
    }
}
