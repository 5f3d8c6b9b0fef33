// 2-D convolution and its gradients as implicit matrix products through workgroup memory, for software adapters without a fixed subgroup
// size and for cooperative matrices. Equations: conv2d_fwd_subgroup.wgsl, conv2d_bwd_input_subgroup.wgsl, conv2d_bwd_weight_subgroup.wgsl.
//   fwd         rows co, columns (n,oy,ox), sum over (ci,ky,kx)
//   bwd_input   rows ci, columns (n,iy,ix), sum over (co,ky,kx)
//   bwd_weight  rows co, columns (ci,ky,kx), sum over (n,oy,ox), cut into slices that a second launch adds in order
// Grid: x column tiles, y row tiles, z groups x folds of x (bwd_weight: groups x slices).

//#include <common/tile${COOP}.wgsl>
//#include <common/conv2d.wgsl>
//#include <common/epilogue.wgsl>

const COOP: u32 = 0u; //#tunable  side of cooperative matrices, which round operands to half precision; 0 without
const PARTS: u32 = 2u; //#tunable  matrices of a subgroup at most, with COOP

@group(0) @binding(1) var<storage, read>       x:      array<f32>; // (n, groups·cin, h, w)
@group(0) @binding(2) var<storage, read>       weight: array<f32>; // (groups·cout, cin, kh, kw)
@group(0) @binding(3) var<storage, read>       bias:   array<f32>; // (groups·cout)
@group(0) @binding(4) var<storage, read>       scale:  array<f32>; // (groups·cout)
@group(0) @binding(5) var<storage, read>       mean:   array<f32>; // (groups·cout)
@group(0) @binding(6) var<storage, read>       variance: array<f32>; // (groups·cout)  running variance
@group(0) @binding(7) var<storage, read_write> y:      array<f32>; // (n, groups·cout, oh, ow)  overwritten

// x at output pixel `pixel` (over n, oy, ox) for column (ci,ky,kx); zero outside the image.
fn pixel_at(group: u32, pixel: u32, column: u32) -> f32 {
    let taps = p.kh * p.kw;
    let plane = p.oh * p.ow;
    let iy = pixel % plane / p.ow * p.stride_y + column % taps / p.kw * p.dil_y - p.pad_y;
    let ix = pixel % p.ow * p.stride_x + column % p.kw * p.dil_x - p.pad_x;
    if iy >= p.h || ix >= p.w { return 0.0; }
    return x[(((pixel / plane) * p.groups + group) * p.cin + column / taps) * p.h * p.w + iy * p.w + ix];
}

@compute @workgroup_size(16, 16)
fn conv2d_fwd_tile(@builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_id) l: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let group = g.z % p.groups;
    let col0 = ((g.z / p.groups) * groups.x + g.x) * TILE;
    let first_row = g.y * TILE;
    let plane = p.oh * p.ow;
    let pixels = p.n * plane;
    let depth = p.cin * p.kh * p.kw;
    for (var k0 = 0u; k0 < depth; k0 += STEP) {
        workgroupBarrier();
        for (var i = lane; i < TILE * STEP; i += 256u) {
            let ak = k0 + i % STEP; let row = first_row + i / STEP;
            var v = 0.0;
            if row < p.cout && ak < depth { v = weight[(group * p.cout + row) * depth + ak]; }
            ta[(i % STEP) * TILE + i / STEP] = Operand(v);
            let bk = k0 + i / TILE; let pixel = col0 + i % TILE;
            v = 0.0;
            if pixel < pixels && bk < depth { v = pixel_at(group, pixel, bk); }
            tb[i] = Operand(v);
        }
        workgroupBarrier();
        tile_step(l);
    }
    tile_end(l);
    //#unroll i in 0..4
    let row${i} = first_row + l.y + ${i}u * 16u;
    if row${i} < p.cout {
        let f = epilogue_of(group * p.cout + row${i});
        //#unroll j in 0..4
        let pixel${i}_${j} = col0 + l.x + ${j}u * 16u;
        if pixel${i}_${j} < pixels {
            y[((pixel${i}_${j} / plane * p.groups + group) * p.cout + row${i}) * plane + pixel${i}_${j} % plane] = epilogue(f, acc_${i}[${j}]);
        }
        //#end
    }
    //#end
}

@group(0) @binding(1) var<storage, read>       weight_in: array<f32>; // (groups·cout, cin, kh, kw)
@group(0) @binding(2) var<storage, read>       dy_out:    array<f32>; // (n, groups·cout, oh, ow)
@group(0) @binding(3) var<storage, read_write> dx:        array<f32>; // (n, groups·cin, h, w)  overwritten

@compute @workgroup_size(16, 16)
fn conv2d_bwd_input_tile(@builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_id) l: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let group = g.z % p.groups;
    let col0 = ((g.z / p.groups) * groups.x + g.x) * TILE;
    let first_row = g.y * TILE;
    let hw = p.h * p.w;
    let plane = p.oh * p.ow;
    let pixels = p.n * hw;
    let taps = p.kh * p.kw;
    let depth = p.cout * taps;
    for (var k0 = 0u; k0 < depth; k0 += STEP) {
        workgroupBarrier();
        for (var i = lane; i < TILE * STEP; i += 256u) {
            let ak = k0 + i % STEP; let row = first_row + i / STEP;
            var v = 0.0;
            if row < p.cin && ak < depth { v = weight_in[((group * p.cout + ak / taps) * p.cin + row) * taps + ak % taps]; }
            ta[(i % STEP) * TILE + i / STEP] = Operand(v);
            let bk = k0 + i / TILE; let pixel = col0 + i % TILE;
            v = 0.0;
            if pixel < pixels && bk < depth {
                // Wraps below zero to a large number, which the range test refuses.
                let ty = pixel % hw / p.w + p.pad_y - bk % taps / p.kw * p.dil_y;
                let tx = pixel % p.w + p.pad_x - bk % p.kw * p.dil_x;
                let oy = ty / p.stride_y; let ox = tx / p.stride_x;
                if ty < 0x80000000u && tx < 0x80000000u && ty % p.stride_y == 0u && tx % p.stride_x == 0u && oy < p.oh && ox < p.ow {
                    v = dy_out[((pixel / hw * p.groups + group) * p.cout + bk / taps) * plane + oy * p.ow + ox];
                }
            }
            tb[i] = Operand(v);
        }
        workgroupBarrier();
        tile_step(l);
    }
    tile_end(l);
    //#unroll i in 0..4
    let row${i} = first_row + l.y + ${i}u * 16u;
    if row${i} < p.cin {
        //#unroll j in 0..4
        let pixel${i}_${j} = col0 + l.x + ${j}u * 16u;
        if pixel${i}_${j} < pixels {
            dx[((pixel${i}_${j} / hw * p.groups + group) * p.cin + row${i}) * hw + pixel${i}_${j} % hw] = acc_${i}[${j}];
        }
        //#end
    }
    //#end
}

@group(0) @binding(2) var<storage, read>       dy: array<f32>; // (n, groups·cout, oh, ow)
@group(0) @binding(3) var<storage, read_write> dw: array<f32>; // (slices, groups·cout, cin, kh, kw)  overwritten

@compute @workgroup_size(16, 16)
fn conv2d_bwd_weight_tile(@builtin(workgroup_id) g: vec3<u32>, @builtin(local_invocation_id) l: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let group = g.z % p.groups;
    let slice = g.z / p.groups;
    let col0 = g.x * TILE;
    let first_row = g.y * TILE;
    let plane = p.oh * p.ow;
    let pixels = p.n * plane;
    let columns = p.cin * p.kh * p.kw;
    let span = (pixels + p.slices - 1u) / p.slices;
    let end = min(pixels, (slice + 1u) * span);
    for (var k0 = slice * span; k0 < end; k0 += STEP) {
        workgroupBarrier();
        for (var i = lane; i < TILE * STEP; i += 256u) {
            let ak = k0 + i % STEP; let row = first_row + i / STEP;
            var v = 0.0;
            if row < p.cout && ak < end { v = dy[((ak / plane * p.groups + group) * p.cout + row) * plane + ak % plane]; }
            ta[(i % STEP) * TILE + i / STEP] = Operand(v);
            let bk = k0 + i % STEP; let column = col0 + i / STEP;
            v = 0.0;
            if column < columns && bk < end { v = pixel_at(group, bk, column); }
            tb[(i % STEP) * TILE + i / STEP] = Operand(v);
        }
        workgroupBarrier();
        tile_step(l);
    }
    tile_end(l);
    //#unroll i in 0..4
    let row${i} = first_row + l.y + ${i}u * 16u;
    if row${i} < p.cout {
        //#unroll j in 0..4
        let column${i}_${j} = col0 + l.x + ${j}u * 16u;
        if column${i}_${j} < columns {
            dw[((slice * p.groups + group) * p.cout + row${i}) * columns + column${i}_${j}] = acc_${i}[${j}];
        }
        //#end
    }
    //#end
}
