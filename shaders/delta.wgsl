// Regression slopes over time of the frames of clips of different length, and the stack of values, slopes and slopes of slopes.
//   Δ[m,t] = scale · Σ_{n=1..4} n·(c[m,t+n] − c[m,t−n]) / (2·Σ n²),   frames outside the clip being its first or last
// (The HTK Book, eq. 5.16, nine frames.) Frames behind the clip's last are zero.
// Grid: one workgroup per band of a clip, folded into 2-D.

//#include <common/grid.wgsl>

const WG: u32 = 64u; //#tunable

struct Params { batch: u32, bands: u32, frames: u32, hop: u32, scale: f32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:       array<f32>; // (B, M, T)
@group(0) @binding(2) var<storage, read>       lengths: array<u32>; // (B)        samples of each clip
@group(0) @binding(3) var<storage, read_write> d:       array<f32>; // (B, M, T)  slopes; overwritten

fn own_frames(b: u32) -> u32 {
    let length = lengths[b];
    return select(0u, min(length / p.hop + 1u, p.frames), length > 0u);
}

@compute @workgroup_size(WG)
fn delta_slope(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n);
    if row >= p.batch * p.bands { return; }
    let own = own_frames(row / p.bands);
    let base = row * p.frames;
    for (var t = lane; t < p.frames; t += WG) {
        var sum = 0.0;
        if t < own {
            for (var k = 1u; k <= 4u; k++) { sum += f32(k) * (x[base + min(t + k, own - 1u)] - x[base + t - min(t, k)]); }
        }
        d[base + t] = p.scale * sum / 60.0;
    }
}

@group(0) @binding(3) var<storage, read>       slopes: array<f32>; // (B, M, T)
@group(0) @binding(4) var<storage, read_write> y:      array<f32>; // (B, 3, M, T)  values, slopes, slopes of slopes; overwritten

@compute @workgroup_size(WG)
fn delta_stack(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n);
    if row >= p.batch * p.bands { return; }
    let b = row / p.bands;
    let own = own_frames(b);
    let base = row * p.frames;
    let plane = p.bands * p.frames;
    let to = base + 2u * b * plane;
    for (var t = lane; t < p.frames; t += WG) {
        var v = 0.0;
        var sum = 0.0;
        if t < own {
            v = x[base + t];
            for (var k = 1u; k <= 4u; k++) { sum += f32(k) * (slopes[base + min(t + k, own - 1u)] - slopes[base + t - min(t, k)]); }
        }
        y[to + t] = v;
        y[to + plane + t] = slopes[base + t];
        y[to + 2u * plane + t] = p.scale * sum / 60.0;
    }
}
