// Winograd's transform of the 3 x 3 weights, and its adjoint (see common/winograd.wgsl):
//   forward   u = G g Gᵀ, with FLIP the taps in reverse order (the input gradient's weights)      backward   dg = Gᵀ du G
//   G = [ 1/4 0 0 ]  [ -1/6 -1/6 -1/6 ]  [ -1/6 1/6 -1/6 ]  [ 1/24 1/12 1/6 ]  [ 1/24 -1/12 1/6 ]  [ 0 0 1 ]
// A lane treats two neighbouring input channels, 18 consecutive floats, as the halves of a vec2; their number is even.
// Grid: one lane per output channel and pair of input channels, folded.

//#include <common/pair${PACKED}.wgsl>
//#include <common/grid.wgsl>
//#include <common/divide.wgsl>
//#include <common/winograd.wgsl>

const PACKED: u32 = 1u; //#tunable  1: a pair of floats is a 64-bit integer in memory, 0: a vector
const WG: u32 = 8u; //#tunable  threads of a workgroup
const FLIP: u32 = 0u; //#tunable  reverse the taps

@group(0) @binding(1) var<storage, read>       weight: array<Pair>; // (cout, cin, 3, 3), consecutive pairs
@group(0) @binding(2) var<storage, read_write> u:      array<Pair>; // (36, cout, cin), pairs along cin  overwritten

// Products by powers of two are exact, and others come last or by fma: it does not matter which a compiler contracts.
fn up6(a: vec2<f32>, b: vec2<f32>, c: vec2<f32>) -> Six {
    let s = a + c;
    let q = a + 4.0 * c;
    let r = 2.0 * b;
    return Six(0.25 * a, -(s + b) * (1.0 / 6.0), (b - s) * (1.0 / 6.0), (q + r) * (1.0 / 24.0), (q - r) * (1.0 / 24.0), c);
}

@compute @workgroup_size(WG)
fn winograd_weight(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = flat_group(g, groups) * WG + lane;
    let all = p.cout * p.cin / 2u;
    if i >= all { return; }
    //#unroll j in 0..9
    let q${j} = both(weight[i * 9u + ${j}u]);
    //#end
    // Tap t of the first channel is float t, of the second float 9 + t.
    var w0 = vec2<f32>(q0.x, q4.y);
    var w1 = vec2<f32>(q0.y, q5.x);
    var w2 = vec2<f32>(q1.x, q5.y);
    var w3 = vec2<f32>(q1.y, q6.x);
    let w4 = vec2<f32>(q2.x, q6.y);
    var w5 = vec2<f32>(q2.y, q7.x);
    var w6 = vec2<f32>(q3.x, q7.y);
    var w7 = vec2<f32>(q3.y, q8.x);
    var w8 = vec2<f32>(q4.x, q8.y);
    if FLIP == 1u {
        let k0 = w0; w0 = w8; w8 = k0;
        let k1 = w1; w1 = w7; w7 = k1;
        let k2 = w2; w2 = w6; w6 = k2;
        let k3 = w3; w3 = w5; w5 = k3;
    }
    let a = up6(w0, w3, w6);
    let b = up6(w1, w4, w7);
    let c = up6(w2, w5, w8);
    let r0 = up6(a.a, b.a, c.a);
    let r1 = up6(a.b, b.b, c.b);
    let r2 = up6(a.c, b.c, c.c);
    let r3 = up6(a.d, b.d, c.d);
    let r4 = up6(a.e, b.e, c.e);
    let r5 = up6(a.f, b.f, c.f);
    //#unroll r in 0..6
    u[${r}u * 6u * all + i] = pair(r${r}.a);
    u[(${r}u * 6u + 1u) * all + i] = pair(r${r}.b);
    u[(${r}u * 6u + 2u) * all + i] = pair(r${r}.c);
    u[(${r}u * 6u + 3u) * all + i] = pair(r${r}.d);
    u[(${r}u * 6u + 4u) * all + i] = pair(r${r}.e);
    u[(${r}u * 6u + 5u) * all + i] = pair(r${r}.f);
    //#end
}

@group(0) @binding(1) var<storage, read>       du:      array<Pair>; // (36, cout, cin), pairs along cin
@group(0) @binding(2) var<storage, read_write> dweight: array<Pair>; // (cout, cin, 3, 3), consecutive pairs  overwritten

struct Three { a: vec2<f32>, b: vec2<f32>, c: vec2<f32> }
fn down3(a: vec2<f32>, b: vec2<f32>, c: vec2<f32>, d: vec2<f32>, e: vec2<f32>, f: vec2<f32>) -> Three {
    let s = b + c;
    let t = d + e;
    let sixth = vec2<f32>(1.0 / 6.0);
    let inner = fma(vec2<f32>(1.0 / 24.0), t - 4.0 * s, 0.25 * a);
    return Three(inner, (2.0 * (c - b) + (d - e)) * (1.0 / 12.0), fma(sixth, t - s, f));
}

@compute @workgroup_size(WG)
fn winograd_weight_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = flat_group(g, groups) * WG + lane;
    let all = p.cout * p.cin / 2u;
    if i >= all { return; }
    //#unroll r in 0..6
    //#unroll k in 0..6
    let m${r}_${k} = both(du[(${r}u * 6u + ${k}u) * all + i]);
    //#end
    //#end
    //#unroll k in 0..6
    let t${k} = down3(m0_${k}, m1_${k}, m2_${k}, m3_${k}, m4_${k}, m5_${k});
    //#end
    let r0 = down3(t0.a, t1.a, t2.a, t3.a, t4.a, t5.a);
    let r1 = down3(t0.b, t1.b, t2.b, t3.b, t4.b, t5.b);
    let r2 = down3(t0.c, t1.c, t2.c, t3.c, t4.c, t5.c);
    dweight[i * 9u] = pair(vec2<f32>(r0.a.x, r0.b.x));
    dweight[i * 9u + 1u] = pair(vec2<f32>(r0.c.x, r1.a.x));
    dweight[i * 9u + 2u] = pair(vec2<f32>(r1.b.x, r1.c.x));
    dweight[i * 9u + 3u] = pair(vec2<f32>(r2.a.x, r2.b.x));
    dweight[i * 9u + 4u] = pair(vec2<f32>(r2.c.x, r0.a.y));
    dweight[i * 9u + 5u] = pair(vec2<f32>(r0.b.y, r0.c.y));
    dweight[i * 9u + 6u] = pair(vec2<f32>(r1.a.y, r1.b.y));
    dweight[i * 9u + 7u] = pair(vec2<f32>(r1.c.y, r2.a.y));
    dweight[i * 9u + 8u] = pair(vec2<f32>(r2.b.y, r2.c.y));
}
