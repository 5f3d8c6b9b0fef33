// Gradient of a 2-D convolution with respect to its input, for adapters whose subgroups are SG lanes wide (software Vulkan).
//   dx[n,ci,iy,ix] = Σ_{co,ky,kx} weight[co,ci,ky,kx] · dy[n,co,oy,ox],  oy = (iy + p − ky·d) / s where that is whole and inside
// A gather: with stride s, input pixels fall into s·s phases (iy mod s, ix mod s), and a tap reaches all pixels of a phase or none; a
// workgroup's pixels share a phase, so it skips the others without divergence.
// One subgroup makes 2·SG input channels x 4·SG pixels; see conv2d_fwd_subgroup.wgsl.
// Grid: x pixel tiles of the largest phase, y channel tiles, z groups x phases x folds of x.

//#include <common/conv2d.wgsl>

const SG: u32 = 8u; //#tunable  lanes of a subgroup

@group(0) @binding(1) var<storage, read>       weight: array<f32>; // (groups·cout, cin, kh, kw)
@group(0) @binding(2) var<storage, read>       dy:     array<f32>; // (n, groups·cout, oh, ow)
@group(0) @binding(3) var<storage, read_write> dx:     array<f32>; // (n, groups·cin, h, w)  overwritten

@compute @workgroup_size(SG)
fn conv2d_bwd_input_subgroup(@builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
    let group = g.z % p.groups;
    let phase = g.z / p.groups % (p.stride_y * p.stride_x);
    let tile = g.z / (p.groups * p.stride_y * p.stride_x) * groups.x + g.x;
    let phase_y = phase / p.stride_x;
    let phase_x = phase % p.stride_x;
    // Pixels of this phase along each axis; zero when the image is smaller than the stride.
    let rows = (max(p.h, phase_y) - phase_y + p.stride_y - 1u) / p.stride_y;
    let cols = (max(p.w, phase_x) - phase_x + p.stride_x - 1u) / p.stride_x;
    let row0 = g.y * 2u * SG;
    let area = max(rows * cols, 1u);
    let pixels = p.n * rows * cols;
    if tile * 4u * SG >= pixels { return; }
    let plane = p.oh * p.ow;
    let hw = p.h * p.w;
    let taps = p.kh * p.kw;
    //#unroll j in 0..4
    let pixel${j} = tile * 4u * SG + ${j}u * SG + lane;
    let inside${j} = pixel${j} < pixels;
    let image${j} = pixel${j} / area;
    let qy${j} = i32(pixel${j} % area / max(cols, 1u));
    let qx${j} = i32(pixel${j} % max(cols, 1u));
    let base${j} = (image${j} * p.groups + group) * p.cout * plane;
    //#end
    let w0 = group * p.cout * p.cin * taps + min(row0 + lane, p.cin - 1u) * taps;
    let w1 = group * p.cout * p.cin * taps + min(row0 + SG + lane, p.cin - 1u) * taps;
    let wstep = p.cin * taps;
    //#unroll r in 0..SG
    var c0_${r} = vec4<f32>();
    var c1_${r} = vec4<f32>();
    //#end
    let whole = p.cout & ~3u;
    for (var ky = 0u; ky < p.kh; ky++) {
        let ty = i32(phase_y + p.pad_y) - i32(ky * p.dil_y);
        if ty % i32(p.stride_y) != 0 { continue; }
        for (var kx = 0u; kx < p.kw; kx++) {
            let tx = i32(phase_x + p.pad_x) - i32(kx * p.dil_x);
            if tx % i32(p.stride_x) != 0 { continue; }
            let tap = ky * p.kw + kx;
            let shift_y = ty / i32(p.stride_y);
            let shift_x = tx / i32(p.stride_x);
            //#unroll j in 0..4
            let oy${j} = u32(qy${j} + shift_y);
            let ox${j} = u32(qx${j} + shift_x);
            let ok${j} = inside${j} && oy${j} < p.oh && ox${j} < p.ow;
            let at${j} = select(0u, base${j} + oy${j} * p.ow + ox${j}, ok${j});
            //#end
            let mask = vec4<bool>(ok0, ok1, ok2, ok3);
            for (var co = 0u; co < whole; co += 4u) {
                //#unroll q in 0..4
                let o${q} = (co + ${q}u) * plane;
                let v${q} = select(vec4<f32>(), vec4<f32>(dy[at0 + o${q}], dy[at1 + o${q}], dy[at2 + o${q}], dy[at3 + o${q}]), mask);
                //#end
                //#unroll i in 0..2
                let e${i} = w${i} + co * wstep + tap;
                let a${i} = vec4<f32>(weight[e${i}], weight[e${i} + wstep], weight[e${i} + 2u * wstep], weight[e${i} + 3u * wstep]);
                //#unroll r in 0..SG
                let b${i}_${r} = subgroupBroadcast(a${i}, ${r}u);
                c${i}_${r} = fma(vec4<f32>(b${i}_${r}.w), v3, fma(vec4<f32>(b${i}_${r}.z), v2, fma(vec4<f32>(b${i}_${r}.y), v1, fma(vec4<f32>(b${i}_${r}.x), v0, c${i}_${r}))));
                //#end
                //#end
            }
            for (var co = whole; co < p.cout; co++) {
                let o = co * plane;
                let v = select(vec4<f32>(), vec4<f32>(dy[at0 + o], dy[at1 + o], dy[at2 + o], dy[at3 + o]), mask);
                //#unroll i in 0..2
                let a${i} = weight[w${i} + co * wstep + tap];
                //#unroll r in 0..SG
                c${i}_${r} = fma(vec4<f32>(subgroupBroadcast(a${i}, ${r}u)), v, c${i}_${r});
                //#end
                //#end
            }
        }
    }
    //#unroll j in 0..4
    let iy${j} = u32(qy${j}) * p.stride_y + phase_y;
    let ix${j} = u32(qx${j}) * p.stride_x + phase_x;
    let out${j} = (image${j} * p.groups + group) * p.cin * hw + iy${j} * p.w + ix${j};
    //#end
    //#unroll i in 0..2
    //#unroll r in 0..SG
    let row${i}_${r} = row0 + ${i}u * SG + ${r}u;
    if row${i}_${r} < p.cin {
        let z = row${i}_${r} * hw;
        if inside0 { dx[out0 + z] = c${i}_${r}.x; }
        if inside1 { dx[out1 + z] = c${i}_${r}.y; }
        if inside2 { dx[out2 + z] = c${i}_${r}.z; }
        if inside3 { dx[out3 + z] = c${i}_${r}.w; }
    }
    //#end
    //#end
}
