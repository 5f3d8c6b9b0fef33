// Decibels of non-negative values, per clip, with a floor below the clip's loudest value.
//   d[m,t] = 10·log10(max(x^e, 1e-10)) − r,   r = max over the clip's own frames of the same (relative) or 0
//   y[m,t] = max(d[m,t], max d − range),   e = 2 for magnitudes (squared), else 1;   y = 0 behind the clip's last frame
// Grid: one workgroup per clip, folded into 2-D.

//#include <common/grid.wgsl>
//#include <common/reduce.wgsl>

struct Params { batch: u32, bands: u32, frames: u32, hop: u32, squared: u32, relative: u32, range: f32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:       array<f32>; // (B, M, T)
@group(0) @binding(2) var<storage, read>       lengths: array<u32>; // (B)        samples of each clip
@group(0) @binding(3) var<storage, read_write> y:       array<f32>; // (B, M, T)  overwritten

const LEAST: f32 = 1e-10;

fn level(v: f32) -> f32 { return 3.01029995664 * log2(max(v, LEAST)); }

fn power(v: f32) -> f32 { return select(v, v * v, p.squared == 1u); }

@compute @workgroup_size(WG)
fn decibel(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let b = flat_group(g, n);
    if b >= p.batch { return; }
    let length = lengths[b];
    let valid = select(0u, min(length / p.hop + 1u, p.frames), length > 0u);
    let base = b * p.bands * p.frames;
    var loudest = 0.0;
    for (var m = 0u; m < p.bands; m++) {
        for (var t = lane; t < valid; t += WG) { loudest = max(loudest, x[base + m * p.frames + t]); }
    }
    let most = level(power(block_max(lane, loudest)));
    let shift = select(0.0, most, p.relative == 1u);
    let least = most - shift - p.range;
    for (var m = 0u; m < p.bands; m++) {
        for (var t = lane; t < p.frames; t += WG) {
            let i = base + m * p.frames + t;
            var d = 0.0;
            if t < valid { d = max(level(power(x[i])) - shift, least); }
            y[i] = d;
        }
    }
}
