// Dropout with a counter-based generator: nothing is stored, the backward pass draws the same numbers again.
//   y[i] = x[i] / (1 − rate) where u_i ≥ rate, else 0;   u_i = Philox(counter = (i, step), key = seed and stream)
// Its VJP is the same map applied to dy. Grid: one invocation per element, folded.

//#include <common/grid.wgsl>
//#include <common/rng.wgsl>

const WG: u32 = 128u; //#tunable

struct Params { n: u32, stream: u32, rate: f32, _pad: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:   array<f32>; // (n)
@group(0) @binding(2) var<storage, read>       rng: array<u32>; // (4)  seed low, seed high, step, unused
@group(0) @binding(3) var<storage, read_write> y:   array<f32>; // (n)  overwritten

@compute @workgroup_size(WG)
fn dropout(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let i = flat_group(g, n) * WG + lane;
    if i >= p.n { return; }
    let key = philox(vec2<u32>(rng[0] ^ p.stream * 0x85EBCA6Bu, rng[1]), p.stream).x;
    let u = unit(philox(vec2<u32>(i, rng[2]), key).x);
    y[i] = select(0.0, x[i] / (1.0 - p.rate), u >= p.rate);
}
