// Softmax over the first values of rows, and its VJP: attention over the keys that an input has, of all there is room for.
//   y[c] = exp(x[c] − m) / Σ_c' exp(x[c'] − m),   m = max_c x[c],   over c < valid_b = lengths[b]/per;   y[c] = 0 behind, whatever x is there
//   dx   = y · (dy − Σ_c y·dy)                                                                           dx = 0 behind
// An input has `own` rows, one after the other: row r belongs to input b = r/own. A row without valid values is all zeros.
// Grid: masked_softmax_fwd and _bwd one workgroup per row; the _row_ entries one invocation per row, for adapters where workgroup memory
// gains nothing; folded into 2-D past 65 535 workgroups.

//#include <common/grid.wgsl>
//#include <common/reduce.wgsl>

struct Params { rows: u32, cols: u32, own: u32, per: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:       array<f32>; // (rows, cols)
@group(0) @binding(2) var<storage, read>       lengths: array<u32>; // (rows/own)
@group(0) @binding(3) var<storage, read_write> y:       array<f32>; // (rows, cols)  overwritten

// Valid values of a row.
fn valid(row: u32) -> u32 { return min(lengths[row / p.own] / p.per, p.cols); }

@compute @workgroup_size(WG)
fn masked_softmax_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n);
    if row >= p.rows { return; }
    let base = row * p.cols;
    let end = base + valid(row);
    var m = -3.4e38;
    for (var i = base + lane; i < end; i += WG) { m = max(m, x[i]); }
    m = block_max(lane, m);
    var s = 0.0;
    for (var i = base + lane; i < end; i += WG) { s += exp(x[i] - m); }
    s = block_sum(lane, s);
    for (var i = base + lane; i < base + p.cols; i += WG) {
        var v = 0.0;
        if i < end { v = exp(x[i] - m) / s; }
        y[i] = v;
    }
}

@compute @workgroup_size(WG)
fn masked_softmax_row_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n) * WG + lane;
    if row >= p.rows { return; }
    let base = row * p.cols;
    let end = base + valid(row);
    // Maximum and sum in one pass: what was summed shrinks whenever the maximum grows.
    var m = -3.4e38;
    var s = 0.0;
    for (var i = base; i < end; i++) {
        let v = x[i];
        let e = exp(-abs(v - m));
        s = select(s + e, s * e + 1.0, v > m);
        m = max(m, v);
    }
    let r = 1.0 / s;
    for (var i = base; i < end; i++) { y[i] = exp(x[i] - m) * r; }
    for (var i = end; i < base + p.cols; i++) { y[i] = 0.0; }
}

@group(0) @binding(1) var<storage, read>       y_saved: array<f32>; // (rows, cols)
@group(0) @binding(3) var<storage, read>       dy:      array<f32>; // (rows, cols)
@group(0) @binding(4) var<storage, read_write> dx:      array<f32>; // (rows, cols)  overwritten

@compute @workgroup_size(WG)
fn masked_softmax_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n);
    if row >= p.rows { return; }
    let base = row * p.cols;
    let end = base + valid(row);
    var dot = 0.0;
    for (var i = base + lane; i < end; i += WG) { dot += y_saved[i] * dy[i]; }
    dot = block_sum(lane, dot);
    for (var i = base + lane; i < base + p.cols; i += WG) {
        var v = 0.0;
        if i < end { v = y_saved[i] * (dy[i] - dot); }
        dx[i] = v;
    }
}

@compute @workgroup_size(WG)
fn masked_softmax_row_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n) * WG + lane;
    if row >= p.rows { return; }
    let base = row * p.cols;
    let end = base + valid(row);
    var dot = 0.0;
    for (var i = base; i < end; i++) { dot += y_saved[i] * dy[i]; }
    for (var i = base; i < end; i++) { dx[i] = y_saved[i] * (dy[i] - dot); }
    for (var i = end; i < base + p.cols; i++) { dx[i] = 0.0; }
}
