// Product with a bank of band filters that each cover few neighbouring bins, as mel filters do.
//   y[b,m,t] = Σ_{j < count_m} weight[first_m + j] · x[b, start_m + j, t]
// Grid: one workgroup per WG frames of `per` bands of a clip, folded into 2-D; the loop bounds are the same for all its threads.

//#include <common/grid.wgsl>

const WG: u32 = 64u; //#tunable

struct Params { batch: u32, bins: u32, bands: u32, frames: u32, per: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:      array<f32>; // (B, K, T)
@group(0) @binding(2) var<storage, read>       spans:  array<u32>; // (M, 3)     start bin, bins, place of the first weight
@group(0) @binding(3) var<storage, read>       weight: array<f32>; // (Σ bins)
@group(0) @binding(4) var<storage, read_write> y:      array<f32>; // (B, M, T)  overwritten

@compute @workgroup_size(WG)
fn mel(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let tiles = (p.frames + WG - 1u) / WG;
    let shares = (p.bands + p.per - 1u) / p.per;
    let row = flat_group(g, n) / tiles;
    let b = row / shares;
    if b >= p.batch { return; }
    let t = flat_group(g, n) % tiles * WG + lane;
    if t >= p.frames { return; }
    let first = row % shares * p.per;
    for (var m = first; m < min(first + p.per, p.bands); m++) {
        let count = spans[3u * m + 1u];
        let weights = spans[3u * m + 2u];
        let at = (b * p.bins + spans[3u * m]) * p.frames + t;
        var sum = 0.0;
        for (var j = 0u; j < count; j++) { sum += weight[weights + j] * x[at + j * p.frames]; }
        y[(b * p.bands + m) * p.frames + t] = sum;
    }
}
