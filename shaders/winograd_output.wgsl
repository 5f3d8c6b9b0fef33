// Winograd's transform of the products back to pixels, and its adjoint (see common/winograd.wgsl):
//   forward   y = epilogue(Aᵀ m A)      backward   dm = A dy Aᵀ
//   Aᵀ = [ 1 1 1 1 1 0 ]  [ 0 1 -1 2 -2 0 ]  [ 0 1 1 4 4 0 ]  [ 0 1 -1 8 -8 1 ]
// The width is even.
// Grid: one lane per channel and strip, folded.

//#include <common/pair${PACKED}.wgsl>
//#include <common/grid.wgsl>
//#include <common/divide.wgsl>
//#include <common/winograd.wgsl>
//#include <common/epilogue.wgsl>

const PACKED: u32 = 1u; //#tunable  1: a pair of floats is a 64-bit integer in memory, 0: a vector
const WG: u32 = 8u; //#tunable  threads of a workgroup

@group(0) @binding(1) var<storage, read>       m:      array<Pair>; // (36, cout, strips), pairs of tiles
@group(0) @binding(2) var<storage, read>       bias:   array<f32>; // (cout)
@group(0) @binding(3) var<storage, read>       scale:  array<f32>; // (cout)
@group(0) @binding(4) var<storage, read>       mean:   array<f32>; // (cout)
@group(0) @binding(5) var<storage, read>       variance: array<f32>; // (cout)  running variance
@group(0) @binding(6) var<storage, read_write> y:      array<Pair>; // (n, cout, h, w), pairs along w  overwritten

fn down4(a: vec2<f32>, b: vec2<f32>, c: vec2<f32>, d: vec2<f32>, e: vec2<f32>, f: vec2<f32>) -> Four {
    let s = b + c;
    let t = b - c;
    let u = d + e;
    let w = d - e;
    return Four(a + s + u, t + 2.0 * w, s + 4.0 * u, t + 8.0 * w + f);
}

@compute @workgroup_size(WG)
fn winograd_output(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = flat_group(g, groups) * WG + lane;
    let all = p.cout * p.strips;
    if i >= all { return; }
    let at = strip(i);
    if at.image >= p.n { return; }
    //#unroll r in 0..6
    //#unroll k in 0..6
    let m${r}_${k} = both(m[(${r}u * 6u + ${k}u) * all + i]);
    //#end
    //#end
    //#unroll k in 0..6
    let t${k} = down4(m0_${k}, m1_${k}, m2_${k}, m3_${k}, m4_${k}, m5_${k});
    //#end
    let q0 = down4(t0.a, t1.a, t2.a, t3.a, t4.a, t5.a);
    let q1 = down4(t0.b, t1.b, t2.b, t3.b, t4.b, t5.b);
    let q2 = down4(t0.c, t1.c, t2.c, t3.c, t4.c, t5.c);
    let q3 = down4(t0.d, t1.d, t2.d, t3.d, t4.d, t5.d);
    let f = epilogue_of(at.channel);
    let half = p.w / 2u;
    let x0 = 4u * at.column;
    let base = (at.image * p.cout + at.channel) * p.h * half + x0;
    //#unroll r in 0..4
    let y${r} = 4u * at.row + ${r}u;
    if y${r} < p.h {
        let o = base + y${r} * half;
        y[o] = pair(vec2<f32>(epilogue(f, q${r}.a.x), epilogue(f, q${r}.b.x)));
        if x0 + 1u < half { y[o + 1u] = pair(vec2<f32>(epilogue(f, q${r}.c.x), epilogue(f, q${r}.d.x))); }
        if x0 + 2u < half { y[o + 2u] = pair(vec2<f32>(epilogue(f, q${r}.a.y), epilogue(f, q${r}.b.y))); }
        if x0 + 3u < half { y[o + 3u] = pair(vec2<f32>(epilogue(f, q${r}.c.y), epilogue(f, q${r}.d.y))); }
    }
    //#end
}

@group(0) @binding(1) var<storage, read>       mt: array<Pair>; // (36, 2·strips, cout), pairs of channels

// The forward transform where the product was made transposed, for few tiles: a thread treats two channels of one tile.
@compute @workgroup_size(WG)
fn winograd_output_few(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = flat_group(g, groups) * WG + lane;
    let all = p.cout * p.strips;
    if i >= all { return; }
    let tile = divide(i, p.cout / 2u, p.per_pair);
    let channel = 2u * (i - tile * (p.cout / 2u));
    let at = strip(tile / 2u);
    if at.image >= p.n { return; }
    //#unroll r in 0..6
    //#unroll k in 0..6
    let m${r}_${k} = both(mt[(${r}u * 6u + ${k}u) * all + i]);
    //#end
    //#end
    //#unroll k in 0..6
    let t${k} = down4(m0_${k}, m1_${k}, m2_${k}, m3_${k}, m4_${k}, m5_${k});
    //#end
    let q0 = down4(t0.a, t1.a, t2.a, t3.a, t4.a, t5.a);
    let q1 = down4(t0.b, t1.b, t2.b, t3.b, t4.b, t5.b);
    let q2 = down4(t0.c, t1.c, t2.c, t3.c, t4.c, t5.c);
    let q3 = down4(t0.d, t1.d, t2.d, t3.d, t4.d, t5.d);
    let half = p.w / 2u;
    let x0 = 4u * at.column + 2u * (tile % 2u);
    let plane = p.h * half;
    let base = (at.image * p.cout + channel) * plane + x0;
    let f0 = epilogue_of(channel);
    let f1 = epilogue_of(channel + 1u);
    //#unroll r in 0..4
    let y${r} = 4u * at.row + ${r}u;
    if y${r} < p.h {
        let o = base + y${r} * half;
        if x0 < half {
            y[o] = pair(vec2<f32>(epilogue(f0, q${r}.a.x), epilogue(f0, q${r}.b.x)));
            y[o + plane] = pair(vec2<f32>(epilogue(f1, q${r}.a.y), epilogue(f1, q${r}.b.y)));
        }
        if x0 + 1u < half {
            y[o + 1u] = pair(vec2<f32>(epilogue(f0, q${r}.c.x), epilogue(f0, q${r}.d.x)));
            y[o + plane + 1u] = pair(vec2<f32>(epilogue(f1, q${r}.c.y), epilogue(f1, q${r}.d.y)));
        }
    }
    //#end
}

@group(0) @binding(1) var<storage, read>       dy: array<Pair>; // (n, cout, h, w), pairs along w
@group(0) @binding(2) var<storage, read_write> dm: array<Pair>; // (36, cout, strips), pairs of tiles  overwritten

fn up6(a: vec2<f32>, b: vec2<f32>, c: vec2<f32>, d: vec2<f32>) -> Six {
    let s = a + c;
    let t = b + d;
    let u = a + 4.0 * c;
    let w = 2.0 * b + 8.0 * d;
    return Six(a, s + t, s - t, u + w, u - w, d);
}

@compute @workgroup_size(WG)
fn winograd_output_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = flat_group(g, groups) * WG + lane;
    let all = p.cout * p.strips;
    if i >= all { return; }
    let at = strip(i);
    let inside = at.image < p.n;
    let half = p.w / 2u;
    let x0 = 4u * at.column;
    let base = (at.image * p.cout + at.channel) * p.h * half + x0;
    //#unroll r in 0..4
    let y${r} = 4u * at.row + ${r}u;
    //#unroll j in 0..4
    var e${r}_${j} = vec2<f32>();
    if inside && y${r} < p.h && x0 + ${j}u < half { e${r}_${j} = both(dy[base + y${r} * half + ${j}u]); }
    //#end
    // Columns of both tiles: 0 and 4, 1 and 5, 2 and 6, 3 and 7.
    let c${r} = up6(
        vec2<f32>(e${r}_0.x, e${r}_2.x), vec2<f32>(e${r}_0.y, e${r}_2.y), vec2<f32>(e${r}_1.x, e${r}_3.x), vec2<f32>(e${r}_1.y, e${r}_3.y));
    //#end
    let t0 = up6(c0.a, c1.a, c2.a, c3.a);
    let t1 = up6(c0.b, c1.b, c2.b, c3.b);
    let t2 = up6(c0.c, c1.c, c2.c, c3.c);
    let t3 = up6(c0.d, c1.d, c2.d, c3.d);
    let t4 = up6(c0.e, c1.e, c2.e, c3.e);
    let t5 = up6(c0.f, c1.f, c2.f, c3.f);
    //#unroll k in 0..6
    dm[${k}u * all + i] = pair(t${k}.a);
    dm[(6u + ${k}u) * all + i] = pair(t${k}.b);
    dm[(12u + ${k}u) * all + i] = pair(t${k}.c);
    dm[(18u + ${k}u) * all + i] = pair(t${k}.d);
    dm[(24u + ${k}u) * all + i] = pair(t${k}.e);
    dm[(30u + ${k}u) * all + i] = pair(t${k}.f);
    //#end
}
