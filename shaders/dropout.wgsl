// Dropout with a counter-based generator: nothing is stored, the backward pass draws the same numbers again.
//   y[i] = scale · x[i] where u_i ≥ rate, else 0;   scale = 1 / (1 − rate)
//   (u_2j, u_2j+1) = Philox(counter = (j, step), key = seed and stream)      one draw serves two elements
// Its VJP is the same map applied to dy. Grid: one invocation per PER pairs of elements, folded.

//#include <common/grid.wgsl>
//#include <common/rng.wgsl>

const WG: u32 = 128u; //#tunable
const PER: u32 = 4u; //#tunable  pairs per invocation, which share the key

struct Params { n: u32, stream: u32, rate: f32, scale: f32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:   array<f32>; // (n)
@group(0) @binding(2) var<storage, read>       rng: array<u32>; // (4)  seed low, seed high, step, unused
@group(0) @binding(3) var<storage, read_write> y:   array<f32>; // (n)  overwritten

@compute @workgroup_size(WG)
fn dropout(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let key = philox(vec2<u32>(rng[0] ^ p.stream * 0x85EBCA6Bu, rng[1]), p.stream).x;
    let step = rng[2];
    var j = flat_group(g, n) * WG * PER + lane;
    for (var k = 0u; k < PER && 2u * j < p.n; k++) {
        let u = philox(vec2<u32>(j, step), key);
        let i = 2u * j;
        y[i] = select(0.0, p.scale * x[i], unit(u.x) >= p.rate);
        if i + 1u < p.n { y[i + 1u] = select(0.0, p.scale * x[i + 1u], unit(u.y) >= p.rate); }
        j += WG;
    }
}
