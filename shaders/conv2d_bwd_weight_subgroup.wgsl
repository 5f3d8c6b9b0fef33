// Gradient of a 2-D convolution with respect to its weight, for adapters whose subgroups are SG lanes wide (software Vulkan).
//   dw[co,ci,ky,kx] = Σ_{n,oy,ox} dy[n,co,oy,ox] · x[n,ci, oy·s − p + ky·d, ox·s − p + kx·d]
// One subgroup makes 2·SG output channels x 4·SG columns (ci,ky,kx). Each lane loads `dy` of its own two channels, which is broadcast,
// and gathers x for its four columns, four pixels of a row at a time. A row has an interior where no column leaves the image; only the
// pixels outside it, taken together, are checked one by one. With few tiles the images are cut into slices that a second launch adds in
// order.
// Grid: x column tiles, y channel tiles, z groups x slices.

//#include <common/conv2d.wgsl>

const SG: u32 = 8u; //#tunable  lanes of a subgroup

@group(0) @binding(1) var<storage, read>       x:  array<f32>; // (n, groups·cin, h, w)
@group(0) @binding(2) var<storage, read>       dy: array<f32>; // (n, groups·cout, oh, ow)
@group(0) @binding(3) var<storage, read_write> dw: array<f32>; // (slices, groups·cout, cin, kh, kw)  overwritten

@compute @workgroup_size(SG)
fn conv2d_bwd_weight_subgroup(@builtin(workgroup_id) g: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
    let group = g.z % p.groups;
    let slice = g.z / p.groups;
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
    let loose = p.ow - (stop - first);
    for (var n = slice * p.n / p.slices; n < (slice + 1u) * p.n / p.slices; n++) {
        for (var oy = 0u; oy < p.oh; oy++) {
            //#unroll j in 0..4
            let iy${j} = oy * p.stride_y + fy${j};
            let ok${j} = inside${j} && iy${j} < p.h;
            let at${j} = select(0u, ((n * p.groups + group) * p.cin + ci${j}) * hw + iy${j} * p.w, ok${j});
            let px${j} = select(0u, fx${j}, ok${j});
            //#end
            let mask = vec4<bool>(ok0, ok1, ok2, ok3);
            let row = oy * p.ow;
            let e0 = (n * p.groups * p.cout + d0) * plane + row;
            let e1 = (n * p.groups * p.cout + d1) * plane + row;
            for (var ox = first; ox < stop; ox += 4u) {
                //#unroll i in 0..2
                let a${i} = vec4<f32>(dy[e${i} + ox], dy[e${i} + ox + 1u], dy[e${i} + ox + 2u], dy[e${i} + ox + 3u]);
                //#end
                //#unroll q in 0..4
                let o${q} = (ox + ${q}u) * p.stride_x;
                let v${q} = select(vec4<f32>(), vec4<f32>(x[at0 + px0 + o${q}], x[at1 + px1 + o${q}], x[at2 + px2 + o${q}], x[at3 + px3 + o${q}]), mask);
                //#end
                //#unroll i in 0..2
                //#unroll r in 0..SG
                let b${i}_${r} = subgroupBroadcast(a${i}, ${r}u);
                c${i}_${r} = fma(vec4<f32>(b${i}_${r}.w), v3, fma(vec4<f32>(b${i}_${r}.z), v2, fma(vec4<f32>(b${i}_${r}.y), v1, fma(vec4<f32>(b${i}_${r}.x), v0, c${i}_${r}))));
                //#end
                //#end
            }
            for (var t = 0u; t < loose; t += 4u) {
                //#unroll q in 0..4
                let t${q} = min(t + ${q}u, loose - 1u);
                let ox${q} = select(t${q} + (stop - first), t${q}, t${q} < first);
                //#unroll j in 0..4
                let ix${q}_${j} = ox${q} * p.stride_x + fx${j};
                let in${q}_${j} = ok${j} && t + ${q}u < loose && ix${q}_${j} < p.w;
                let x${q}_${j} = at${j} + select(0u, ix${q}_${j}, in${q}_${j});
                //#end
                let v${q} = select(vec4<f32>(), vec4<f32>(x[x${q}_0], x[x${q}_1], x[x${q}_2], x[x${q}_3]), vec4<bool>(in${q}_0, in${q}_1, in${q}_2, in${q}_3));
                //#end
                //#unroll i in 0..2
                let a${i} = vec4<f32>(dy[e${i} + ox0], dy[e${i} + ox1], dy[e${i} + ox2], dy[e${i} + ox3]);
                //#unroll r in 0..SG
                let b${i}_${r} = subgroupBroadcast(a${i}, ${r}u);
                c${i}_${r} = fma(vec4<f32>(b${i}_${r}.w), v3, fma(vec4<f32>(b${i}_${r}.z), v2, fma(vec4<f32>(b${i}_${r}.y), v1, fma(vec4<f32>(b${i}_${r}.x), v0, c${i}_${r}))));
                //#end
                //#end
            }
        }
    }
    //#unroll i in 0..2
    //#unroll r in 0..SG
    let row${i}_${r} = row0 + ${i}u * SG + ${r}u;
    if row${i}_${r} < p.cout {
        let z = ((slice * p.groups + group) * p.cout + row${i}_${r}) * columns;
        if inside0 { dw[z + column0] = c${i}_${r}.x; }
        if inside1 { dw[z + column1] = c${i}_${r}.y; }
        if inside2 { dw[z + column2] = c${i}_${r}.z; }
        if inside3 { dw[z + column3] = c${i}_${r}.w; }
    }
    //#end
    //#end
}
