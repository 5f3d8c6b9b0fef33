// Gradient of a 2-D convolution with respect to its weight, for adapters whose subgroups are SG lanes wide (software Vulkan).
//   dw[co,ci,ky,kx] = Σ_{n,oy,ox} dy[n,co,oy,ox] · x[n,ci, oy·s − p + ky·d, ox·s − p + kx·d]
// One subgroup makes 2·SG output channels x 4·SG columns (ci,ky,kx). Each lane loads `dy` of its own two channels, which is broadcast,
// and gathers x for its four columns. A row of pixels has an interior where no column leaves the image; only its edges are masked.
// Grid: x column tiles, y channel tiles, z groups.

//#include <common/conv2d.wgsl>

const SG: u32 = 8u; //#tunable  lanes of a subgroup

@group(0) @binding(1) var<storage, read>       x:  array<f32>; // (n, groups·cin, h, w)
@group(0) @binding(2) var<storage, read>       dy: array<f32>; // (n, groups·cout, oh, ow)
@group(0) @binding(3) var<storage, read_write> dw: array<f32>; // (groups·cout, cin, kh, kw)  overwritten

@compute @workgroup_size(SG)
fn conv2d_bwd_weight_subgroup(@builtin(workgroup_id) g: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
    let group = g.z;
    let row0 = g.y * 2u * SG;
    let plane = p.oh * p.ow;
    let hw = p.h * p.w;
    let taps = p.kh * p.kw;
    let columns = p.cin * taps;
    //#unroll j in 0..4
    let column${j} = g.x * 4u * SG + ${j}u * SG + lane;
    let inside${j} = column${j} < columns;
    let ci${j} = min(column${j}, columns - 1u) / taps;
    let fy${j} = column${j} % taps / p.kw * p.dil_y - p.pad_y;
    let fx${j} = column${j} % p.kw * p.dil_x - p.pad_x;
    //#end
    let d0 = group * p.cout + min(row0 + lane, p.cout - 1u);
    let d1 = group * p.cout + min(row0 + SG + lane, p.cout - 1u);
    //#unroll r in 0..SG
    var c0_${r} = vec4<f32>();
    var c1_${r} = vec4<f32>();
    //#end
    // Interior of a pixel row: no column of any lane leaves the image. `last` is one past it.
    let reach = (p.kw - 1u) * p.dil_x;
    let first = min((p.pad_x + p.stride_x - 1u) / p.stride_x, p.ow);
    var last = first;
    if p.w + p.pad_x > reach { last = clamp((p.w - 1u + p.pad_x - reach) / p.stride_x + 1u, first, p.ow); }
    let stop = first + ((last - first) & ~3u);
    for (var n = 0u; n < p.n; n++) {
        for (var oy = 0u; oy < p.oh; oy++) {
            //#unroll j in 0..4
            let iy${j} = oy * p.stride_y + fy${j};
            let ok${j} = inside${j} && iy${j} < p.h;
            let at${j} = select(0u, ((n * p.groups + group) * p.cin + ci${j}) * hw + iy${j} * p.w, ok${j});
            let px${j} = select(0u, fx${j}, ok${j});
            //#end
            let mask = vec4<f32>(f32(ok0), f32(ok1), f32(ok2), f32(ok3));
            let row = oy * p.ow;
            let e0 = (n * p.groups * p.cout + d0) * plane + row;
            let e1 = (n * p.groups * p.cout + d1) * plane + row;
            for (var ox = first; ox < stop; ox += 4u) {
                //#unroll i in 0..2
                let a${i} = vec4<f32>(dy[e${i} + ox], dy[e${i} + ox + 1u], dy[e${i} + ox + 2u], dy[e${i} + ox + 3u]);
                //#end
                //#unroll q in 0..4
                let o${q} = (ox + ${q}u) * p.stride_x;
                let v${q} = mask * vec4<f32>(x[at0 + px0 + o${q}], x[at1 + px1 + o${q}], x[at2 + px2 + o${q}], x[at3 + px3 + o${q}]);
                //#end
                //#unroll i in 0..2
                //#unroll r in 0..SG
                let b${i}_${r} = subgroupBroadcast(a${i}, ${r}u);
                c${i}_${r} = fma(vec4<f32>(b${i}_${r}.w), v3, fma(vec4<f32>(b${i}_${r}.z), v2, fma(vec4<f32>(b${i}_${r}.y), v1, fma(vec4<f32>(b${i}_${r}.x), v0, c${i}_${r}))));
                //#end
                //#end
            }
            for (var t = 0u; t < p.ow - (stop - first); t++) {
                let ox = select(t + (stop - first), t, t < first);
                //#unroll j in 0..4
                let ix${j} = ox * p.stride_x + fx${j};
                let in${j} = ok${j} && ix${j} < p.w;
                //#end
                let edge = vec4<f32>(f32(in0), f32(in1), f32(in2), f32(in3));
                let v = edge * vec4<f32>(x[at0 + select(0u, ix0, in0)], x[at1 + select(0u, ix1, in1)], x[at2 + select(0u, ix2, in2)], x[at3 + select(0u, ix3, in3)]);
                //#unroll i in 0..2
                let a${i} = dy[e${i} + ox];
                //#unroll r in 0..SG
                c${i}_${r} = fma(vec4<f32>(subgroupBroadcast(a${i}, ${r}u)), v, c${i}_${r});
                //#end
                //#end
            }
        }
    }
    //#unroll i in 0..2
    //#unroll r in 0..SG
    let row${i}_${r} = row0 + ${i}u * SG + ${r}u;
    if row${i}_${r} < p.cout {
        let z = (group * p.cout + row${i}_${r}) * columns;
        if inside0 { dw[z + column0] = c${i}_${r}.x; }
        if inside1 { dw[z + column1] = c${i}_${r}.y; }
        if inside2 { dw[z + column2] = c${i}_${r}.z; }
        if inside3 { dw[z + column3] = c${i}_${r}.w; }
    }
    //#end
    //#end
}
