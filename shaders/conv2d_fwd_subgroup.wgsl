// 2-D convolution for adapters whose subgroups are SG lanes wide (software Vulkan): implicit matrix product without a buffer of patches.
//   y[n,co,oy,ox] = epilogue(co, Σ_{ci,ky,kx} weight[co,ci,ky,kx] · x[n,ci, oy·s − p + ky·d, ox·s − p + kx·d])
// One subgroup makes 2·SG output channels x 4·SG pixels. Taps are the outer loops, so that a lane computes the address and the
// validity of its four pixels once per tap; along the input channels each lane loads the weights of its own two output channels, which
// are then broadcast. Channels past the last multiple of four (all of them in a stem of one or three) take four taps of a row at a time
// instead. Invalid pixels are selected away, not multiplied by zero: they are read at x[0], which may be infinite.
// Grid: x pixel tiles, y channel tiles, z groups x folds of x.

//#include <common/conv2d.wgsl>
//#include <common/epilogue.wgsl>

const SG: u32 = 8u; //#tunable  lanes of a subgroup

@group(0) @binding(1) var<storage, read>       x:      array<f32>; // (n, groups·cin, h, w)
@group(0) @binding(2) var<storage, read>       weight: array<f32>; // (groups·cout, cin, kh, kw)
@group(0) @binding(3) var<storage, read>       bias:   array<f32>; // (groups·cout)
@group(0) @binding(4) var<storage, read>       scale:  array<f32>; // (groups·cout)
@group(0) @binding(5) var<storage, read>       mean:   array<f32>; // (groups·cout)
@group(0) @binding(6) var<storage, read>       variance: array<f32>; // (groups·cout)  running variance
@group(0) @binding(7) var<storage, read_write> y:      array<f32>; // (n, groups·cout, oh, ow)  overwritten

@compute @workgroup_size(SG)
fn conv2d_fwd_subgroup(@builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
    let group = g.z % p.groups;
    let tile = (g.z / p.groups) * groups.x + g.x;
    let row0 = g.y * 2u * SG;
    let plane = p.oh * p.ow;
    let pixels = p.n * plane;
    let hw = p.h * p.w;
    let taps = p.kh * p.kw;
    //#unroll j in 0..4
    let pixel${j} = tile * 4u * SG + ${j}u * SG + lane;
    let inside${j} = pixel${j} < pixels;
    let image${j} = pixel${j} / plane;
    let oy${j} = pixel${j} % plane / p.ow;
    let ox${j} = pixel${j} % p.ow;
    let base${j} = (image${j} * p.groups + group) * p.cin * hw;
    //#end
    let w0 = (group * p.cout + min(row0 + lane, p.cout - 1u)) * p.cin * taps;
    let w1 = (group * p.cout + min(row0 + SG + lane, p.cout - 1u)) * p.cin * taps;
    //#unroll r in 0..SG
    var c0_${r} = vec4<f32>();
    var c1_${r} = vec4<f32>();
    //#end
    let whole = p.cin & ~3u;
    let shared_kw = select(0u, p.kw, whole > 0u);
    for (var ky = 0u; ky < p.kh; ky++) {
        for (var kx = 0u; kx < shared_kw; kx++) {
            let tap = ky * p.kw + kx;
            //#unroll j in 0..4
            let iy${j} = oy${j} * p.stride_y + ky * p.dil_y - p.pad_y;
            let ix${j} = ox${j} * p.stride_x + kx * p.dil_x - p.pad_x;
            let ok${j} = inside${j} && iy${j} < p.h && ix${j} < p.w;
            let at${j} = select(0u, base${j} + iy${j} * p.w + ix${j}, ok${j});
            //#end
            let mask = vec4<bool>(ok0, ok1, ok2, ok3);
            for (var ci = 0u; ci < whole; ci += 4u) {
                //#unroll q in 0..4
                let o${q} = (ci + ${q}u) * hw;
                let v${q} = select(vec4<f32>(), vec4<f32>(x[at0 + o${q}], x[at1 + o${q}], x[at2 + o${q}], x[at3 + o${q}]), mask);
                //#end
                //#unroll i in 0..2
                let e${i} = w${i} + ci * taps + tap;
                let a${i} = vec4<f32>(weight[e${i}], weight[e${i} + taps], weight[e${i} + 2u * taps], weight[e${i} + 3u * taps]);
                //#unroll r in 0..SG
                let b${i}_${r} = subgroupBroadcast(a${i}, ${r}u);
                c${i}_${r} = fma(vec4<f32>(b${i}_${r}.w), v3, fma(vec4<f32>(b${i}_${r}.z), v2, fma(vec4<f32>(b${i}_${r}.y), v1, fma(vec4<f32>(b${i}_${r}.x), v0, c${i}_${r}))));
                //#end
                //#end
            }
        }
        //#unroll j in 0..4
        let iy${j} = oy${j} * p.stride_y + ky * p.dil_y - p.pad_y;
        let in${j} = inside${j} && iy${j} < p.h;
        let line${j} = base${j} + iy${j} * p.w;
        let left${j} = ox${j} * p.stride_x - p.pad_x;
        //#end
        for (var ci = whole; ci < p.cin; ci++) {
            for (var kx = 0u; kx < p.kw; kx += 4u) {
                //#unroll q in 0..4
                let shift${q} = (kx + ${q}u) * p.dil_x;
                let tap${q} = kx + ${q}u < p.kw;
                //#unroll j in 0..4
                let ok${q}_${j} = in${j} && tap${q} && left${j} + shift${q} < p.w;
                let at${q}_${j} = select(0u, line${j} + ci * hw + left${j} + shift${q}, ok${q}_${j});
                //#end
                let v${q} = select(vec4<f32>(), vec4<f32>(x[at${q}_0], x[at${q}_1], x[at${q}_2], x[at${q}_3]), vec4<bool>(ok${q}_0, ok${q}_1, ok${q}_2, ok${q}_3));
                let k${q} = min(kx + ${q}u, p.kw - 1u);
                //#end
                //#unroll i in 0..2
                let e${i} = w${i} + ci * taps + ky * p.kw;
                let a${i} = vec4<f32>(weight[e${i} + k0], weight[e${i} + k1], weight[e${i} + k2], weight[e${i} + k3]);
                //#unroll r in 0..SG
                let b${i}_${r} = subgroupBroadcast(a${i}, ${r}u);
                c${i}_${r} = fma(vec4<f32>(b${i}_${r}.w), v3, fma(vec4<f32>(b${i}_${r}.z), v2, fma(vec4<f32>(b${i}_${r}.y), v1, fma(vec4<f32>(b${i}_${r}.x), v0, c${i}_${r}))));
                //#end
                //#end
            }
        }
    }
    //#unroll j in 0..4
    let out${j} = (image${j} * p.groups + group) * p.cout * plane + pixel${j} % plane;
    //#end
    //#unroll i in 0..2
    //#unroll r in 0..SG
    let row${i}_${r} = row0 + ${i}u * SG + ${r}u;
    if row${i}_${r} < p.cout {
        let f = epilogue_of(group * p.cout + row${i}_${r});
        let z = row${i}_${r} * plane;
        if inside0 { y[out0 + z] = epilogue(f, c${i}_${r}.x); }
        if inside1 { y[out1 + z] = epilogue(f, c${i}_${r}.y); }
        if inside2 { y[out2 + z] = epilogue(f, c${i}_${r}.z); }
        if inside3 { y[out3 + z] = epilogue(f, c${i}_${r}.w); }
    }
    //#end
    //#end
}
