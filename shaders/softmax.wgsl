// Softmax along one axis, and its VJP. The tensor is seen as (outer, cols, inner); a row is one (outer, inner) pair.
//   y[c] = exp(x[c] − m) / Σ_c' exp(x[c'] − m),   m = max_c x[c]
//   dx   = y · (dy − Σ_c y·dy)                    needs y only; x is not kept
// Where one y is nearly 1, its dy and the sum are nearly the same number, and what is left of their difference is rounding. So the sum is taken
// twice, the second time of dy without the first, which is small: Σ y·dy = s + Σ y·(dy − s), for the y add up to 1.
// Grid: softmax_fwd and softmax_bwd one workgroup per row; softmax_row_fwd and softmax_row_bwd one invocation per row, for adapters where
// workgroup memory gains nothing; folded into 2-D past 65 535 workgroups.

//#include <common/grid.wgsl>
//#include <common/reduce.wgsl>

struct Params { rows: u32, cols: u32, inner: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x: array<f32>;       // (outer, cols, inner)
@group(0) @binding(2) var<storage, read_write> y: array<f32>;       // (outer, cols, inner)  overwritten

// First element of a row.
fn start(row: u32) -> u32 { return (row / p.inner) * p.cols * p.inner + row % p.inner; }

@compute @workgroup_size(WG)
fn softmax_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n);
    if row >= p.rows { return; }
    let base = start(row);
    var m = -3.4e38;
    //#stream c in lane..p.cols by WG
    let x_${c} = x[base + ${c} * p.inner];
    //#then
    m = max(m, x_${c});
    //#end
    m = block_max(lane, m);
    var s = 0.0;
    //#stream c in lane..p.cols by WG
    let x_${c} = x[base + ${c} * p.inner];
    //#then
    s += exp(x_${c} - m);
    //#end
    s = block_sum(lane, s);
    //#stream c in lane..p.cols by WG
    let x_${c} = x[base + ${c} * p.inner];
    //#then
    y[base + ${c} * p.inner] = exp(x_${c} - m) / s;
    //#end
}

@compute @workgroup_size(WG)
fn softmax_row_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n) * WG + lane;
    if row >= p.rows { return; }
    let base = start(row);
    let end = base + p.cols * p.inner;
    // Maximum and sum in one pass: what was summed shrinks whenever the maximum grows.
    var m = x[base];
    var s = 1.0;
    for (var i = base + p.inner; i < end; i += p.inner) {
        let v = x[i];
        let e = exp(-abs(v - m));
        s = select(s + e, s * e + 1.0, v > m);
        m = max(m, v);
    }
    let r = 1.0 / s;
    for (var i = base; i < end; i += p.inner) { y[i] = exp(x[i] - m) * r; }
}

@group(0) @binding(1) var<storage, read>       y_saved: array<f32>; // (outer, cols, inner)
@group(0) @binding(2) var<storage, read>       dy:      array<f32>; // (outer, cols, inner)
@group(0) @binding(3) var<storage, read_write> dx:      array<f32>; // (outer, cols, inner)  overwritten

@compute @workgroup_size(WG)
fn softmax_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n);
    if row >= p.rows { return; }
    let base = start(row);
    var dot = 0.0;
    //#stream c in lane..p.cols by WG
    let y_${c} = y_saved[base + ${c} * p.inner];
    let dy_${c} = dy[base + ${c} * p.inner];
    //#then
    dot += y_${c} * dy_${c};
    //#end
    dot = block_sum(lane, dot);
    var rest = 0.0;
    //#stream c in lane..p.cols by WG
    let y_${c} = y_saved[base + ${c} * p.inner];
    let dy_${c} = dy[base + ${c} * p.inner];
    //#then
    rest += y_${c} * (dy_${c} - dot);
    //#end
    rest = block_sum(lane, rest);
    //#stream c in lane..p.cols by WG
    let y_${c} = y_saved[base + ${c} * p.inner];
    let dy_${c} = dy[base + ${c} * p.inner];
    //#then
    dx[base + ${c} * p.inner] = y_${c} * (dy_${c} - dot - rest);
    //#end
}

@compute @workgroup_size(WG)
fn softmax_row_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n) * WG + lane;
    if row >= p.rows { return; }
    let base = start(row);
    let end = base + p.cols * p.inner;
    var dot = 0.0;
    for (var i = base; i < end; i += p.inner) { dot += y_saved[i] * dy[i]; }
    var rest = 0.0;
    for (var i = base; i < end; i += p.inner) { rest += y_saved[i] * (dy[i] - dot); }
    for (var i = base; i < end; i += p.inner) { dx[i] = y_saved[i] * (dy[i] - dot - rest); }
}
