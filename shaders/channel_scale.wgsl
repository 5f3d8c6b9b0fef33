// Scale per image and channel, and its VJP. (rows = B·C, inner = H·W)
//   y[r,i]  = s[r] · x[r,i]
//   dx[r,i] = s[r] · dy[r,i]         (the forward kernel again)
//   ds[r]   = Σ_i x[r,i] · dy[r,i]
// and with what follows it:
//   tail    y[r,i] = s[r] · x[r,i] + a[r,i], optionally its positive part (a NaN stays one)
//   shift   y[r,i] = s[r] · x[r,i] + factor · t[r]
// Grid: channel_scale_fwd, _tail and _shift WG·PER neighbouring elements per workgroup; channel_scale_bwd one workgroup per row; folded.

//#include <common/grid.wgsl>
//#include <common/rectified.wgsl>
//#include <common/reduce.wgsl>

const PER: u32 = 4u; //#tunable  elements per invocation of the streaming kernels

struct Params { rows: u32, inner: u32, relu: u32, factor: f32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:  array<f32>; // (rows, inner)
@group(0) @binding(2) var<storage, read>       s:  array<f32>; // (rows)
@group(0) @binding(3) var<storage, read_write> y:  array<f32>; // (rows, inner)  overwritten

// Row and column of element i, and of element i + WG from those of element i: one division per invocation.
fn place(i: u32) -> vec2<u32> { return vec2<u32>(i / p.inner, i % p.inner); }
fn onward(at: vec2<u32>) -> vec2<u32> {
    var row = at.x;
    var col = at.y + WG;
    while col >= p.inner {
        col -= p.inner;
        row++;
    }
    return vec2<u32>(row, col);
}

@compute @workgroup_size(WG)
fn channel_scale_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    var at = place(first);
    for (var step = 0u; step < PER; step++) {
        let i = first + step * WG;
        if i >= p.rows * p.inner { return; }
        y[i] = s[at.x] * x[i];
        at = onward(at);
    }
}

@group(0) @binding(3) var<storage, read>       a:   array<f32>; // (rows, inner)
@group(0) @binding(3) var<storage, read>       t:   array<f32>; // (rows)
@group(0) @binding(4) var<storage, read_write> sum: array<f32>; // (rows, inner)  overwritten

@compute @workgroup_size(WG)
fn channel_scale_tail(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    var at = place(first);
    for (var step = 0u; step < PER; step++) {
        let i = first + step * WG;
        if i >= p.rows * p.inner { return; }
        let v = s[at.x] * x[i] + a[i];
        sum[i] = select(v, rectified(v), p.relu != 0u);
        at = onward(at);
    }
}

@compute @workgroup_size(WG)
fn channel_scale_shift(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    var at = place(first);
    for (var step = 0u; step < PER; step++) {
        let i = first + step * WG;
        if i >= p.rows * p.inner { return; }
        sum[i] = s[at.x] * x[i] + p.factor * t[at.x];
        at = onward(at);
    }
}

@group(0) @binding(2) var<storage, read>       dy: array<f32>; // (rows, inner)
@group(0) @binding(3) var<storage, read_write> ds: array<f32>; // (rows)  overwritten

@compute @workgroup_size(WG)
fn channel_scale_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n);
    if row >= p.rows { return; }
    var sum = 0.0;
    for (var i = lane; i < p.inner; i += WG) { sum += x[row * p.inner + i] * dy[row * p.inner + i]; }
    sum = block_sum(lane, sum);
    if lane == 0u { ds[row] = sum; }
}
