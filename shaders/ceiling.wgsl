// What an adapter can do at most, to judge the other kernels by.
//   ceiling_fma   a ← a·x + b, STEPS·rounds times in each of 4·CHAINS chains that need nothing from each other; y = Σ of the chains,
//                 which start at 0, 1, .., 4·CHAINS − 1, each plus the invocation's lane. Nothing but registers in the loop.
//   ceiling_copy  dst = src, four floats per access.
// Grid: ceiling_fma one value per invocation; ceiling_copy WG·PER neighbouring vectors per workgroup; workgroups folded into 2-D.

//#include <common/grid.wgsl>

const WG: u32 = 128u; //#tunable
const PER: u32 = 4u; //#tunable  vectors per invocation
const CHAINS: u32 = 4u; //#tunable  vectors of chains
const STEPS: u32 = 8u; //#tunable  steps written out per round

struct Params { n: u32, rounds: u32, x: f32, b: f32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read_write> y: array<f32>; // (n)  overwritten

@compute @workgroup_size(WG)
fn ceiling_fma(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let x = vec4<f32>(p.x);
    let b = vec4<f32>(p.b);
    //#unroll c in 0..CHAINS
    var a${c} = vec4<f32>(0.0, 1.0, 2.0, 3.0) + f32(4u * ${c}u + lane);
    //#end
    for (var round = 0u; round < p.rounds; round++) {
        //#unroll s in 0..STEPS
        //#unroll c in 0..CHAINS
        a${c} = fma(a${c}, x, b); // step ${s}
        //#end
        //#end
    }
    var sum = vec4<f32>();
    //#unroll c in 0..CHAINS
    sum += a${c};
    //#end
    let i = flat_group(g, n) * WG + lane;
    if i < p.n { y[i] = sum.x + sum.y + sum.z + sum.w; }
}

@group(0) @binding(2) var<storage, read>       src: array<vec4<f32>>; // (n)
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>; // (n)  overwritten

@compute @workgroup_size(WG)
fn ceiling_copy(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let src_${i} = src[${i}];
    //#then
    dst[${i}] = src_${i};
    //#end
}
