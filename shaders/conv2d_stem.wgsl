// The stem of a residual network, a convolution with stride 2 along rows from few channels (software Vulkan):
//   y[n,co,oy,ox] = epilogue(co, Σ_{ci,ky,kx} weight[co,ci,ky,kx] · x[n,ci, oy·s − p + ky, 2·ox − 3 + kx])      kx < 7, w even
// As in conv2d_fwd_subgroup, one subgroup makes 2·SG output channels x 4·SG pixels; here the seven taps of a row are read as four pairs
// (see common/pair.wgsl): pair j of an output pixel holds taps 2j − 1 and 2j, and is inside or outside the image as a whole.
// Grid: x pixel tiles, y channel tiles, z folds of x.

//#include <common/conv2d.wgsl>
//#include <common/epilogue.wgsl>
//#include <common/pair.wgsl>

const SG: u32 = 8u; //#tunable  lanes of a subgroup

@group(0) @binding(1) var<storage, read>       x:      array<u64>; // (n, cin, h, w), pairs along w
@group(0) @binding(2) var<storage, read>       weight: array<f32>; // (cout, cin, kh, 7)
@group(0) @binding(3) var<storage, read>       bias:   array<f32>; // (cout)
@group(0) @binding(4) var<storage, read>       scale:  array<f32>; // (cout)
@group(0) @binding(5) var<storage, read>       mean:   array<f32>; // (cout)
@group(0) @binding(6) var<storage, read>       variance: array<f32>; // (cout)  running variance
@group(0) @binding(7) var<storage, read_write> y:      array<f32>; // (n, cout, oh, ow)  overwritten

@compute @workgroup_size(SG)
fn conv2d_stem(@builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
    let tile = g.z * groups.x + g.x;
    let row0 = g.y * 2u * SG;
    let plane = p.oh * p.ow;
    let pixels = p.n * plane;
    let half = p.w / 2u;
    //#unroll j in 0..4
    let pixel${j} = tile * 4u * SG + ${j}u * SG + lane;
    let inside${j} = pixel${j} < pixels;
    let image${j} = pixel${j} / plane;
    let oy${j} = pixel${j} % plane / p.ow;
    // Pair 0 begins four columns before twice the output's; what lies before the image wraps to a large number.
    let px${j} = pixel${j} % p.ow - 2u;
    let base${j} = image${j} * p.cin * p.h * half;
    //#end
    //#unroll i in 0..2
    let w${i} = min(row0 + ${i}u * SG + lane, p.cout - 1u) * p.cin * p.kh * 7u;
    //#unroll r in 0..SG
    var c${i}_${r} = vec4<f32>();
    //#end
    //#end
    for (var line = 0u; line < p.cin * p.kh; line++) {
        let ci = line / p.kh;
        let ky = line % p.kh;
        //#unroll j in 0..4
        let iy${j} = oy${j} * p.stride_y + ky - p.pad_y;
        let at${j} = base${j} + (ci * p.h + iy${j}) * half;
        let in${j} = inside${j} && iy${j} < p.h;
        //#unroll q in 0..4
        let ok${j}_${q} = in${j} && px${j} + ${q}u < half;
        let d${j}_${q} = select(vec2<f32>(), both(x[select(0u, at${j} + px${j} + ${q}u, ok${j}_${q})]), ok${j}_${q});
        //#end
        //#end
        //#unroll q in 0..4
        let e${q} = vec4<f32>(d0_${q}.x, d1_${q}.x, d2_${q}.x, d3_${q}.x);
        let f${q} = vec4<f32>(d0_${q}.y, d1_${q}.y, d2_${q}.y, d3_${q}.y);
        //#end
        //#unroll i in 0..2
        let k${i} = w${i} + line * 7u;
        let a${i} = vec4<f32>(weight[k${i}], weight[k${i} + 1u], weight[k${i} + 2u], weight[k${i} + 3u]);
        let b${i} = vec3<f32>(weight[k${i} + 4u], weight[k${i} + 5u], weight[k${i} + 6u]);
        //#unroll r in 0..SG
        let s${i}_${r} = subgroupBroadcast(a${i}, ${r}u);
        let t${i}_${r} = subgroupBroadcast(b${i}, ${r}u);
        let u${i}_${r} = fma(vec4<f32>(s${i}_${r}.w), e2, fma(vec4<f32>(s${i}_${r}.z), f1, fma(vec4<f32>(s${i}_${r}.y), e1, fma(vec4<f32>(s${i}_${r}.x), f0, c${i}_${r}))));
        c${i}_${r} = fma(vec4<f32>(t${i}_${r}.z), f3, fma(vec4<f32>(t${i}_${r}.y), e3, fma(vec4<f32>(t${i}_${r}.x), f2, u${i}_${r})));
        //#end
        //#end
    }
    //#unroll j in 0..4
    let out${j} = image${j} * p.cout * plane + pixel${j} % plane;
    //#end
    //#unroll i in 0..2
    //#unroll r in 0..SG
    let row${i}_${r} = row0 + ${i}u * SG + ${r}u;
    if row${i}_${r} < p.cout {
        let f = epilogue_of(row${i}_${r});
        let z = row${i}_${r} * plane;
        if inside0 { y[out0 + z] = epilogue(f, c${i}_${r}.x); }
        if inside1 { y[out1 + z] = epilogue(f, c${i}_${r}.y); }
        if inside2 { y[out2 + z] = epilogue(f, c${i}_${r}.z); }
        if inside3 { y[out3 + z] = epilogue(f, c${i}_${r}.w); }
    }
    //#end
    //#end
}
