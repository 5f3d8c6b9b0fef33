// Weighted sums of two images, row by row of a batch.
//   y[i] = on[i] > 0 ? v·x1[i] + u·x2[partner[i]] : x1[i]
//   mixup             v = w[i],          u = 1 − w[i]
//   horizontal_mixup  v = min(1, w(t)),  u = max(0, 1 − w(t)),   w(t) = c·(a + b·t/T),   t the column, T their number
// (Horizontal Mixup: Yuan et al. 2021, eq. 1 and 2.)  x1 and x2 may be the same batch.
// Grid: one workgroup per line of columns, folded into 2-D.

//#include <common/grid.wgsl>

const WG: u32 = 64u; //#tunable

struct Params { batch: u32, lines: u32, cols: u32, others: u32, a: f32, b: f32, c: f32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x1:      array<f32>; // (B, lines, T)
@group(0) @binding(2) var<storage, read>       x2:      array<f32>; // (others, lines, T)
@group(0) @binding(3) var<storage, read>       partner: array<u32>; // (B)  row of x2
@group(0) @binding(4) var<storage, read>       on:      array<f32>; // (B)
@group(0) @binding(5) var<storage, read>       w:       array<f32>; // (B)
@group(0) @binding(6) var<storage, read_write> y:       array<f32>; // (B, lines, T)  overwritten

@compute @workgroup_size(WG)
fn mixup(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let line = flat_group(g, n);
    let i = line / p.lines;
    if i >= p.batch { return; }
    let first = line * p.cols;
    let other = (min(partner[i], p.others - 1u) * p.lines + line % p.lines) * p.cols;
    let mixed = on[i] > 0.0;
    let v = w[i];
    for (var t = lane; t < p.cols; t += WG) {
        var s = x1[first + t];
        if mixed { s = v * s + (1.0 - v) * x2[other + t]; }
        y[first + t] = s;
    }
}

@compute @workgroup_size(WG)
fn horizontal_mixup(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let line = flat_group(g, n);
    let i = line / p.lines;
    if i >= p.batch { return; }
    let first = line * p.cols;
    let other = (min(partner[i], p.others - 1u) * p.lines + line % p.lines) * p.cols;
    let mixed = on[i] > 0.0;
    for (var t = lane; t < p.cols; t += WG) {
        var s = x1[first + t];
        if mixed {
            let weight = p.c * (p.a + p.b * f32(t) / f32(p.cols));
            s = min(1.0, weight) * s + max(0.0, 1.0 - weight) * x2[other + t];
        }
        y[first + t] = s;
    }
}
