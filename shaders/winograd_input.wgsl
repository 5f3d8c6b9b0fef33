// Winograd's transform of the image (see common/winograd.wgsl):  v = Bᵀ d B  for every channel and tile, d the 6 x 6 pixels around the
// tile's 4 x 4 outputs.
//   Bᵀ = [ 4  0 -5  0  1  0 ]  [ 0 -4 -4  1  1  0 ]  [ 0  4 -4 -1  1  0 ]  [ 0 -2 -1  2  1  0 ]  [ 0  2 -1 -2  1  0 ]  [ 0  4  0 -5  0  1 ]
// Serves the input gradient too, with dy in the place of x. The width is even: a pair of pixels is inside or outside as a whole.
// Grid: one lane per channel and strip, folded.

//#include <common/pair${PACKED}.wgsl>
//#include <common/grid.wgsl>
//#include <common/divide.wgsl>
//#include <common/winograd.wgsl>

const PACKED: u32 = 1u; //#tunable  1: a pair of floats is a 64-bit integer in memory, 0: a vector
const WG: u32 = 8u; //#tunable  threads of a workgroup

@group(0) @binding(1) var<storage, read>       x: array<Pair>; // (n, cin, h, w), pairs along w
@group(0) @binding(2) var<storage, read_write> v: array<Pair>; // (36, cin, strips), pairs of tiles  overwritten

// Products by powers of two are exact, so it does not matter which of them a compiler contracts.
fn transform(a: vec2<f32>, b: vec2<f32>, c: vec2<f32>, d: vec2<f32>, e: vec2<f32>, f: vec2<f32>) -> Six {
    let s = e - 4.0 * c;
    let t = d - 4.0 * b;
    let u = e - c;
    let w = 2.0 * (d - b);
    let five = vec2<f32>(-5.0);
    return Six(fma(five, c, 4.0 * a + e), s + t, s - t, u + w, u - w, fma(five, d, 4.0 * b + f));
}

@compute @workgroup_size(WG)
fn winograd_input(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = flat_group(g, groups) * WG + lane;
    let all = p.cin * p.strips;
    if i >= all { return; }
    let at = strip(i);
    let half = p.w / 2u;
    // Row 0 is image row 4·row − 1, pair 0 holds columns 8·column − 2 and − 1; what lies before the image wraps to large numbers.
    let y0 = 4u * at.row - 1u;
    let x0 = 4u * at.column - 1u;
    let inside = at.image < p.n;
    let base = (at.image * p.cin + at.channel) * p.h * half;
    //#unroll j in 0..6
    let x_${j} = x0 + ${j}u;
    let ok_${j} = inside && x_${j} < half;
    //#end
    //#unroll r in 0..6
    let y_${r} = y0 + ${r}u;
    let in_${r} = y_${r} < p.h;
    //#unroll j in 0..6
    var d${r}_${j} = vec2<f32>();
    if in_${r} && ok_${j} { d${r}_${j} = both(x[base + y_${r} * half + x_${j}]); }
    //#end
    //#end
    //#unroll j in 0..6
    let t${j} = transform(d0_${j}, d1_${j}, d2_${j}, d3_${j}, d4_${j}, d5_${j});
    //#end
    // Columns −1 to 4 belong to the left tile, 3 to 8 to the right one.
    let r0 = row(t0.a, t1.a, t2.a, t3.a, t4.a, t5.a);
    let r1 = row(t0.b, t1.b, t2.b, t3.b, t4.b, t5.b);
    let r2 = row(t0.c, t1.c, t2.c, t3.c, t4.c, t5.c);
    let r3 = row(t0.d, t1.d, t2.d, t3.d, t4.d, t5.d);
    let r4 = row(t0.e, t1.e, t2.e, t3.e, t4.e, t5.e);
    let r5 = row(t0.f, t1.f, t2.f, t3.f, t4.f, t5.f);
    //#unroll r in 0..6
    v[${r}u * 6u * all + i] = pair(r${r}.a);
    v[(${r}u * 6u + 1u) * all + i] = pair(r${r}.b);
    v[(${r}u * 6u + 2u) * all + i] = pair(r${r}.c);
    v[(${r}u * 6u + 3u) * all + i] = pair(r${r}.d);
    v[(${r}u * 6u + 4u) * all + i] = pair(r${r}.e);
    v[(${r}u * 6u + 5u) * all + i] = pair(r${r}.f);
    //#end
}

fn row(a: vec2<f32>, b: vec2<f32>, c: vec2<f32>, d: vec2<f32>, e: vec2<f32>, f: vec2<f32>) -> Six {
    return transform(
        vec2<f32>(a.y, c.y),
        vec2<f32>(b.x, d.x),
        vec2<f32>(b.y, d.y),
        vec2<f32>(c.x, e.x),
        vec2<f32>(c.y, e.y),
        vec2<f32>(d.x, f.x),
    );
}
