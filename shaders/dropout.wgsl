// Dropout with a counter-based generator: nothing is stored, the backward pass draws the same numbers again.
//   k_i = scale where u_i ≥ least, else 0;   scale = 65536 / (65536 − least)
//   (u_4j .. u_4j+3) = Philox(counter = (j, step), key = seed and stream), sixteen bits each
//   dropout          y = k x                 its own VJP
//   dropout_add      y = a + k x             VJP: dropout for x, the identity for a
//   dropout_relu     y = k max(x, 0), where kept a NaN stays one
//   dropout_relu_bwd dx = scale · dy where y > 0, else 0: nothing is drawn
// Grid: one invocation per PER groups of four elements, folded.

//#include <common/grid.wgsl>
//#include <common/vec${VEC}.wgsl>
//#include <common/rng.wgsl>
//#include <common/mask${VEC}.wgsl>

const WG: u32 = 128u; //#tunable
const PER: u32 = 4u; //#tunable  groups of four elements per invocation, which share the key; accesses of dropout_relu_bwd
const VEC: u32 = 1u; //#tunable  floats per access
const RUN: u32 = 4u; //#tunable  accesses per group: 4 / VEC

struct Params { n: u32, stream: u32, least: u32, scale: f32 }
@group(0) @binding(0) var<uniform>             p: Params; // n in accesses

@group(0) @binding(1) var<storage, read>       x:   array<Stored>; // (n)
@group(0) @binding(2) var<storage, read>       rng: array<u32>; // (4)  seed low, seed high, step, unused
@group(0) @binding(3) var<storage, read_write> y:   array<Stored>; // (n)  overwritten

fn kept(u: vec4<u32>, e: u32, v: Value) -> Value { return masked(u, e, p.least, p.scale * v); }

@compute @workgroup_size(WG)
fn dropout(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let key = mask_key(vec2<u32>(rng[0], rng[1]), p.stream);
    let step = rng[2];
    var j = flat_group(g, n) * WG * PER + lane;
    for (var k = 0u; k < PER && RUN * j < p.n; k++) {
        let u = mask_draw(j, step, key);
        //#unroll e in 0..RUN
        let i${e} = RUN * j + ${e}u;
        if i${e} < p.n { y[i${e}] = store(kept(u, ${e}u, load(x[i${e}]))); }
        //#end
        j += WG;
    }
}

@compute @workgroup_size(WG)
fn dropout_relu(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let key = mask_key(vec2<u32>(rng[0], rng[1]), p.stream);
    let step = rng[2];
    var j = flat_group(g, n) * WG * PER + lane;
    for (var k = 0u; k < PER && RUN * j < p.n; k++) {
        let u = mask_draw(j, step, key);
        //#unroll e in 0..RUN
        let i${e} = RUN * j + ${e}u;
        if i${e} < p.n { y[i${e}] = store(kept(u, ${e}u, rectified(load(x[i${e}])))); }
        //#end
        j += WG;
    }
}

@group(0) @binding(3) var<storage, read>       a:   array<Stored>; // (n)
@group(0) @binding(4) var<storage, read_write> sum: array<Stored>; // (n)  overwritten

@compute @workgroup_size(WG)
fn dropout_add(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let key = mask_key(vec2<u32>(rng[0], rng[1]), p.stream);
    let step = rng[2];
    var j = flat_group(g, n) * WG * PER + lane;
    for (var k = 0u; k < PER && RUN * j < p.n; k++) {
        let u = mask_draw(j, step, key);
        //#unroll e in 0..RUN
        let i${e} = RUN * j + ${e}u;
        if i${e} < p.n { sum[i${e}] = store(load(a[i${e}]) + kept(u, ${e}u, load(x[i${e}]))); }
        //#end
        j += WG;
    }
}

@group(0) @binding(1) var<storage, read>       y_saved: array<Stored>; // (n)
@group(0) @binding(2) var<storage, read>       dy:      array<Stored>; // (n)
@group(0) @binding(3) var<storage, read_write> dx:      array<Stored>; // (n)  overwritten

@compute @workgroup_size(WG)
fn dropout_relu_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let dy_${i} = load(dy[${i}]);
    let y_saved_${i} = load(y_saved[${i}]);
    //#then
    dx[${i}] = store(select(Value(), p.scale * dy_${i}, y_saved_${i} > Value()));
    //#end
}
