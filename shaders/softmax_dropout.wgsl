// Softmax of rows (rows, cols) followed by dropout, and the VJP of both.
//   y    = softmax(x),  kept = y · k,  k[i] = scale where u_i ≥ rate, else 0      (u as in dropout.wgsl: one draw serves two neighbours)
//   dx   = kept · d − y · Σ_c kept·d                                              d: gradient of `kept`; nothing is drawn again
// Grid: softmax_dropout_fwd and _bwd one workgroup per row; the _row_ entries one invocation per row, for adapters where workgroup memory
// gains nothing; folded into 2-D past 65 535 workgroups.

//#include <common/grid.wgsl>
//#include <common/reduce.wgsl>
//#include <common/rng.wgsl>

struct Params { rows: u32, cols: u32, stream: u32, rate: f32, scale: f32, _pad0: u32, _pad1: u32, _pad2: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:    array<f32>; // (rows, cols)
@group(0) @binding(2) var<storage, read>       rng:  array<u32>; // (4)  seed low, seed high, step, unused
@group(0) @binding(3) var<storage, read_write> y:    array<f32>; // (rows, cols)  overwritten
@group(0) @binding(4) var<storage, read_write> kept: array<f32>; // (rows, cols)  overwritten

fn key() -> u32 { return philox(vec2<u32>(rng[0] ^ p.stream * 0x85EBCA6Bu, rng[1]), p.stream).x; }

fn put(i: u32, w: f32, bits: u32) {
    y[i] = w;
    kept[i] = select(0.0, p.scale * w, unit(bits) >= p.rate);
}

@compute @workgroup_size(WG)
fn softmax_dropout_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n);
    if row >= p.rows { return; }
    let base = row * p.cols;
    let end = base + p.cols;
    var m = -3.4e38;
    for (var i = base + lane; i < end; i += WG) { m = max(m, x[i]); }
    m = block_max(lane, m);
    var s = 0.0;
    for (var i = base + lane; i < end; i += WG) { s += exp(x[i] - m); }
    s = block_sum(lane, s);
    let k = key();
    let step = rng[2];
    for (var i = base + lane; i < end; i += WG) {
        let u = philox(vec2<u32>(i / 2u, step), k);
        put(i, exp(x[i] - m) / s, select(u.x, u.y, i % 2u == 1u));
    }
}

@compute @workgroup_size(WG)
fn softmax_dropout_row_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n) * WG + lane;
    if row >= p.rows { return; }
    let base = row * p.cols;
    let end = base + p.cols;
    // Maximum and sum in one pass: what was summed shrinks whenever the maximum grows.
    var m = x[base];
    var s = 1.0;
    for (var i = base + 1u; i < end; i++) {
        let v = x[i];
        let e = exp(-abs(v - m));
        s = select(s + e, s * e + 1.0, v > m);
        m = max(m, v);
    }
    let r = 1.0 / s;
    let k = key();
    let step = rng[2];
    // By pairs of a draw; the first and the last may reach into the rows beside.
    for (var j = base / 2u; 2u * j < end; j++) {
        let i = 2u * j;
        let u = philox(vec2<u32>(j, step), k);
        if i >= base { put(i, exp(x[i] - m) * r, u.x); }
        if i + 1u < end { put(i + 1u, exp(x[i + 1u] - m) * r, u.y); }
    }
}

@group(0) @binding(1) var<storage, read>       y_saved:    array<f32>; // (rows, cols)
@group(0) @binding(2) var<storage, read>       kept_saved: array<f32>; // (rows, cols)
@group(0) @binding(3) var<storage, read>       d:          array<f32>; // (rows, cols)
@group(0) @binding(4) var<storage, read_write> dx:         array<f32>; // (rows, cols)  overwritten

@compute @workgroup_size(WG)
fn softmax_dropout_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n);
    if row >= p.rows { return; }
    let base = row * p.cols;
    let end = base + p.cols;
    var dot = 0.0;
    for (var i = base + lane; i < end; i += WG) { dot += kept_saved[i] * d[i]; }
    dot = block_sum(lane, dot);
    for (var i = base + lane; i < end; i += WG) { dx[i] = kept_saved[i] * d[i] - y_saved[i] * dot; }
}

@compute @workgroup_size(WG)
fn softmax_dropout_row_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n) * WG + lane;
    if row >= p.rows { return; }
    let base = row * p.cols;
    let end = base + p.cols;
    var dot = 0.0;
    for (var i = base; i < end; i++) { dot += kept_saved[i] * d[i]; }
    for (var i = base; i < end; i++) { dx[i] = kept_saved[i] * d[i] - y_saved[i] * dot; }
}
