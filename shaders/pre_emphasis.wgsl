// First-order high-pass filter of clips of different length, as speech front ends apply before framing.
//   y[b,0] = x[b,0],   y[b,n] = x[b,n] − c·x[b,n−1] for n < length_b,   y[b,n] = 0 behind the clip
// Grid: one invocation per sample, workgroups folded into 2-D.

//#include <common/grid.wgsl>

const WG: u32 = 128u; //#tunable

struct Params { batch: u32, samples: u32, coefficient: f32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:       array<f32>; // (B, N)
@group(0) @binding(2) var<storage, read>       lengths: array<u32>; // (B)     samples of each clip
@group(0) @binding(3) var<storage, read_write> y:       array<f32>; // (B, N)  overwritten

@compute @workgroup_size(WG)
fn pre_emphasis(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let i = flat_group(g, n) * WG + lane;
    if i >= p.batch * p.samples { return; }
    let at = i % p.samples;
    var v = 0.0;
    if at < lengths[i / p.samples] {
        v = x[i];
        if at > 0u { v -= p.coefficient * x[i - 1u]; }
    }
    y[i] = v;
}
