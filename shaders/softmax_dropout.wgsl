// Softmax of rows (rows, cols) followed by dropout, and the VJP of both.
//   y    = softmax(x),  kept = y · k,  k[i] = scale where u_i ≥ least, else 0     (u as in dropout.wgsl: one draw serves four neighbours)
//   dx   = kept · d − y · Σ_c kept·d                                              d: gradient of `kept`; nothing is drawn again
// Grid: softmax_dropout_fwd and _bwd one workgroup per row; the _row_ entries one invocation per row, for adapters where workgroup memory
// gains nothing; folded into 2-D past 65 535 workgroups.

//#include <common/grid.wgsl>
//#include <common/reduce.wgsl>
//#include <common/rng.wgsl>
//#include <common/mask.wgsl>

struct Params { rows: u32, cols: u32, stream: u32, least: u32, scale: f32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:    array<f32>; // (rows, cols)
@group(0) @binding(2) var<storage, read>       rng:  array<u32>; // (4)  seed low, seed high, step, unused
@group(0) @binding(3) var<storage, read_write> y:    array<f32>; // (rows, cols)  overwritten
@group(0) @binding(4) var<storage, read_write> kept: array<f32>; // (rows, cols)  overwritten

fn put(i: u32, w: f32, bits: u32) {
    y[i] = w;
    kept[i] = select(0.0, p.scale * w, bits >= p.least);
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
    let key = mask_key(vec2<u32>(rng[0], rng[1]), p.stream);
    let step = rng[2];
    for (var i = base + lane; i < end; i += WG) {
        put(i, exp(x[i] - m) / s, mask_draw(i / 4u, step, key)[i % 4u]);
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
    let key = mask_key(vec2<u32>(rng[0], rng[1]), p.stream);
    let step = rng[2];
    // By the fours of a draw; the first and the last may reach into the rows beside.
    for (var j = base / 4u; 4u * j < end; j++) {
        let u = mask_draw(j, step, key);
        //#unroll e in 0..4
        let i${e} = 4u * j + ${e}u;
        if i${e} >= base && i${e} < end { put(i${e}, exp(x[i${e}] - m) * r, u[${e}]); }
        //#end
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
