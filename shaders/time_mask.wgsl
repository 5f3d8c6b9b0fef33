// Sequences with zeros in the place of what stands behind their valid positions, and the VJP: what a convolution sees behind a sequence's end
// is then the same, whatever room the sequence is in.
//   y[r,t] = s · x[r,t] for t < valid_b = min(lengths[b]/per, T);  0 behind, whatever x is there      b = r/own, the input of row r
//   s      = 1, or with `spread` T/valid_b: then the mean of y over all T positions is that of x over the valid ones
//   dx     = the same of dy: the forward kernel again
// Grid: one thread or one workgroup per row, folded.

//#include <common/grid.wgsl>
//#include <common/rows.wgsl>

const WG: u32 = 64u; //#tunable

struct Params { rows: u32, cols: u32, own: u32, per: u32, spread: u32, row_per_thread: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:       array<f32>; // (rows, T)
@group(0) @binding(2) var<storage, read>       lengths: array<u32>; // (rows/own)
@group(0) @binding(3) var<storage, read_write> y:       array<f32>; // (rows, T)  overwritten

@compute @workgroup_size(WG)
fn time_mask_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let at = row_of(flat_group(g, n), lane, p.row_per_thread);
    if at.row >= p.rows { return; }
    let valid = min(lengths[at.row / p.own] / p.per, p.cols);
    let scale = select(1.0, f32(p.cols) / f32(max(valid, 1u)), p.spread == 1u);
    let base = at.row * p.cols;
    for (var t = at.first; t < p.cols; t += at.step) {
        var v = 0.0;
        if t < valid { v = scale * x[base + t]; }
        y[base + t] = v;
    }
}
