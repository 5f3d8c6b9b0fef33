// Statistics pooling: mean and standard deviation over the valid positions of sequences, plain or weighted, and the VJP.
//   μ[d] = Σ_t a[t]·x[t,d],   σ[d] = sqrt(Σ_t a[t]·(x[t,d] − μ[d])²),   t < valid_b = min(lengths[b]/per, T)
//   a[t] = 1/valid_b, or given weights that add up to 1 over the valid positions. Both are 0 for an input without any.
//   dx[t,d] = a[t]·(dμ[d] + dσ[d]·(x[t,d] − μ[d])/σ[d])                       the second term 0 where σ is; dx = 0 behind the valid ones
//   da[t]   = Σ_d dμ[d]·x[t,d] + dσ[d]·(x[t,d] − μ[d])²/2σ[d]                 along weights that keep their sum; da = 0 behind
// Grid: time_pool_fwd one invocation per column of an input; time_pool_bwd one per column and CHUNK positions; time_pool_bwd_weight one
// workgroup per position, time_pool_row_bwd_weight one invocation (for software adapters). Workgroups folded into 2-D.

//#include <common/grid.wgsl>
//#include <common/reduce.wgsl>

const CHUNK: u32 = 32u;

struct Params { batch: u32, frames: u32, width: u32, per: u32, weighted: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:       array<f32>; // (B, T, D)
@group(0) @binding(2) var<storage, read>       lengths: array<u32>; // (B)
@group(0) @binding(3) var<storage, read>       weight:  array<f32>; // (B, T)     where p.weighted is 1; else unread
@group(0) @binding(4) var<storage, read_write> y:       array<f32>; // (B, 2, D)  means, then deviations; overwritten

fn valid(b: u32) -> u32 { return min(lengths[b] / p.per, p.frames); }

// What position t of input b counts, of `own` valid ones.
fn share(b: u32, t: u32, own: u32) -> f32 {
    if p.weighted == 1u { return weight[b * p.frames + t]; }
    return 1.0 / f32(own);
}

@compute @workgroup_size(WG)
fn time_pool_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let column = flat_group(g, n) * WG + lane;
    if column >= p.batch * p.width { return; }
    let b = column / p.width;
    let d = column % p.width;
    let own = valid(b);
    let first = b * p.frames * p.width + d;
    var mean = 0.0;
    if p.weighted == 1u {
        for (var t = 0u; t < own; t++) { mean += weight[b * p.frames + t] * x[first + t * p.width]; }
    } else {
        for (var t = 0u; t < own; t++) { mean += x[first + t * p.width]; }
        mean /= f32(max(own, 1u));
    }
    var squares = 0.0;
    for (var t = 0u; t < own; t++) {
        let e = x[first + t * p.width] - mean;
        squares += share(b, t, own) * e * e;
    }
    y[2u * b * p.width + d] = mean;
    y[(2u * b + 1u) * p.width + d] = sqrt(max(squares, 0.0));
}

@group(0) @binding(4) var<storage, read>       y_saved: array<f32>; // (B, 2, D)
@group(0) @binding(5) var<storage, read>       dy:      array<f32>; // (B, 2, D)
@group(0) @binding(6) var<storage, read_write> dx:      array<f32>; // (B, T, D)  overwritten

// dσ/σ of a column; 0 where nothing deviates.
fn slope(at: u32) -> f32 {
    let deviation = y_saved[at];
    if deviation > 0.0 { return dy[at] / deviation; }
    return 0.0;
}

@compute @workgroup_size(WG)
fn time_pool_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let i = flat_group(g, n) * WG + lane;
    let chunks = (p.frames + CHUNK - 1u) / CHUNK;
    if i >= p.batch * chunks * p.width { return; }
    let d = i % p.width;
    let b = i / p.width / chunks;
    let start = i / p.width % chunks * CHUNK;
    let own = valid(b);
    let mean_at = 2u * b * p.width + d;
    let mean = y_saved[mean_at];
    let dmean = dy[mean_at];
    let s = slope(mean_at + p.width);
    for (var t = start; t < min(start + CHUNK, p.frames); t++) {
        let at = (b * p.frames + t) * p.width + d;
        var v = 0.0;
        if t < own { v = share(b, t, own) * (dmean + s * (x[at] - mean)); }
        dx[at] = v;
    }
}

@group(0) @binding(6) var<storage, read_write> da: array<f32>; // (B, T)  overwritten

// A column's part of da[t].
fn part(b: u32, t: u32, d: u32) -> f32 {
    let mean_at = 2u * b * p.width + d;
    let v = x[(b * p.frames + t) * p.width + d];
    let e = v - y_saved[mean_at];
    return dy[mean_at] * v + 0.5 * slope(mean_at + p.width) * e * e;
}

@compute @workgroup_size(WG)
fn time_pool_bwd_weight(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n);
    if row >= p.batch * p.frames { return; }
    let b = row / p.frames;
    let t = row % p.frames;
    var s = 0.0;
    if t < valid(b) {
        for (var d = lane; d < p.width; d += WG) { s += part(b, t, d); }
    }
    s = block_sum(lane, s);
    if lane == 0u { da[row] = s; }
}

@compute @workgroup_size(WG)
fn time_pool_row_bwd_weight(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n) * WG + lane;
    if row >= p.batch * p.frames { return; }
    let b = row / p.frames;
    let t = row % p.frames;
    var s = 0.0;
    if t < valid(b) {
        for (var d = 0u; d < p.width; d++) { s += part(b, t, d); }
    }
    da[row] = s;
}
