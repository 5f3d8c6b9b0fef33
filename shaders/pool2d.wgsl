// Max and average pooling of planes (rows = N·C), and their VJPs, both as gathers.
//   max   y[o] = max over the window, arg[o] its place there, the first in row order; a NaN counts as larger than all numbers
//         dx[i] = Σ_o dy[o] where arg[o] names i
//   avg   y[o] = Σ_window x / size;   dx[i] = Σ_{o whose window holds i} dy[o] / size
//         size counts padding (count_pad) within the padded image, or real pixels only
// Grid: one thread or one workgroup per row of output (forward) or input (backward) pixels, or one thread per plane; folded.

//#include <common/bits.wgsl>
//#include <common/divide.wgsl>
//#include <common/grid.wgsl>
//#include <common/rows.wgsl>

const WG: u32 = 128u; //#tunable

struct Params {
    rows: u32, h: u32, w: u32, oh: u32,
    ow: u32, kh: u32, kw: u32, stride_y: u32,
    stride_x: u32, pad_y: u32, pad_x: u32, count_pad: u32,
    row_per_thread: u32, per_stride: f32, // One over stride_x, or over kw where planes are added to
}
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:  array<f32>; // (rows, h, w)
@group(0) @binding(2) var<storage, read_write> y:   array<f32>; // (rows, oh, ow)  overwritten
@group(0) @binding(3) var<storage, read_write> arg: array<f32>; // (rows, oh, ow)  overwritten

// Number of pixels window (oy, ox) is divided by.
fn window_size(oy: u32, ox: u32) -> f32 {
    // One past the window, in coordinates shifted by the padding so that nothing is negative.
    var y0 = oy * p.stride_y; var x0 = ox * p.stride_x;
    var y1 = min(y0 + p.kh, p.h + 2u * p.pad_y); var x1 = min(x0 + p.kw, p.w + 2u * p.pad_x);
    if p.count_pad == 0u {
        y0 = max(y0, p.pad_y); x0 = max(x0, p.pad_x);
        y1 = min(y1, p.h + p.pad_y); x1 = min(x1, p.w + p.pad_x);
    }
    return f32((y1 - y0) * (x1 - x0));
}

@compute @workgroup_size(WG)
fn max_pool2d_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let at = row_of(flat_group(g, n), lane, p.row_per_thread);
    if at.row >= p.rows * p.oh { return; }
    let plane = at.row / p.oh * p.h * p.w;
    let top = at.row % p.oh * p.stride_y - p.pad_y;
    for (var ox = at.first; ox < p.ow; ox += at.step) {
        let left = ox * p.stride_x - p.pad_x;
        var best = 0.0;
        var place = 0xffffffffu;
        for (var ky = 0u; ky < p.kh; ky++) {
            if top + ky >= p.h { continue; }
            let line = plane + (top + ky) * p.w;
            for (var kx = 0u; kx < p.kw; kx++) {
                if left + kx >= p.w { continue; }
                let v = x[line + left + kx];
                if place == 0xffffffffu || ((is_nan(v) || v > best) && !is_nan(best)) {
                    best = v;
                    place = ky * p.kw + kx;
                }
            }
        }
        y[at.row * p.ow + ox] = best;
        arg[at.row * p.ow + ox] = f32(place);
    }
}

@compute @workgroup_size(WG)
fn avg_pool2d_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let at = row_of(flat_group(g, n), lane, p.row_per_thread);
    if at.row >= p.rows * p.oh { return; }
    let plane = at.row / p.oh * p.h * p.w;
    let oy = at.row % p.oh;
    let top = oy * p.stride_y - p.pad_y;
    for (var ox = at.first; ox < p.ow; ox += at.step) {
        let left = ox * p.stride_x - p.pad_x;
        var s = 0.0;
        for (var ky = 0u; ky < p.kh; ky++) {
            if top + ky >= p.h { continue; }
            let line = plane + (top + ky) * p.w;
            for (var kx = 0u; kx < p.kw; kx++) {
                if left + kx < p.w { s += x[line + left + kx]; }
            }
        }
        y[at.row * p.ow + ox] = s / window_size(oy, ox);
    }
}

@group(0) @binding(2) var<storage, read>       dy: array<f32>; // (rows, oh, ow)
@group(0) @binding(3) var<storage, read_write> dx: array<f32>; // (rows, h, w)  overwritten

// Outputs whose windows hold input coordinate i: from `low_output` to `high_output`, the latter one past.
fn low_output(i: u32, pad: u32, k: u32, stride: u32) -> u32 {
    let reach = i + pad + 1u;
    if reach <= k { return 0u; }
    return (reach - k + stride - 1u) / stride;
}

fn high_output(i: u32, pad: u32, stride: u32, outputs: u32) -> u32 { return min((i + pad) / stride + 1u, outputs); }

// Outputs whose windows hold column ix: the first, and one past the last.
fn outputs_of_column(ix: u32) -> vec2<u32> {
    let reach = max(ix + p.pad_x + 1u, p.kw) - p.kw;
    let past = min(divide(ix + p.pad_x, p.stride_x, p.per_stride) + 1u, p.ow);
    return vec2<u32>(divide(reach + p.stride_x - 1u, p.stride_x, p.per_stride), past);
}

@group(0) @binding(1) var<storage, read>       arg_saved: array<f32>; // (rows, oh, ow)

@compute @workgroup_size(WG)
fn max_pool2d_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let at = row_of(flat_group(g, n), lane, p.row_per_thread);
    if at.row >= p.rows * p.h { return; }
    let plane = at.row / p.h * p.oh;
    let iy = at.row % p.h;
    let low = low_output(iy, p.pad_y, p.kh, p.stride_y);
    let high = high_output(iy, p.pad_y, p.stride_y, p.oh);
    for (var ix = at.first; ix < p.w; ix += at.step) {
        let across = outputs_of_column(ix);
        var s = 0.0;
        for (var oy = low; oy < high; oy++) {
            let line = (plane + oy) * p.ow;
            let ky = iy + p.pad_y - oy * p.stride_y;
            for (var ox = across.x; ox < across.y; ox++) {
                let kx = ix + p.pad_x - ox * p.stride_x;
                if arg_saved[line + ox] == f32(ky * p.kw + kx) { s += dy[line + ox]; }
            }
        }
        dx[at.row * p.w + ix] = s;
    }
}

@group(0) @binding(4) var<storage, read_write> dx_sum: array<f32>; // (rows, h, w)  overwritten

// The same sums in the same order by a thread per plane, which adds each dy where it belongs: an access per output in the place of a search
// per input.
@compute @workgroup_size(WG)
fn max_pool2d_bwd_plane(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n) * WG + lane;
    if row >= p.rows { return; }
    let plane = row * p.h * p.w;
    for (var i = 0u; i < p.h * p.w; i++) { dx_sum[plane + i] = 0.0; }
    for (var oy = 0u; oy < p.oh; oy++) {
        let line = (row * p.oh + oy) * p.ow;
        for (var ox = 0u; ox < p.ow; ox++) {
            let place = u32(arg_saved[line + ox]);
            // A window without a pixel has no maximum.
            if place >= p.kh * p.kw { continue; }
            let ky = divide(place, p.kw, p.per_stride);
            let iy = oy * p.stride_y + ky - p.pad_y;
            let ix = ox * p.stride_x + (place - ky * p.kw) - p.pad_x;
            dx_sum[plane + iy * p.w + ix] += dy[line + ox];
        }
    }
}

@group(0) @binding(1) var<storage, read>       dy_in: array<f32>; // (rows, oh, ow)
@group(0) @binding(2) var<storage, read_write> dx_avg: array<f32>; // (rows, h, w)  overwritten

@compute @workgroup_size(WG)
fn avg_pool2d_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let at = row_of(flat_group(g, n), lane, p.row_per_thread);
    if at.row >= p.rows * p.h { return; }
    let plane = at.row / p.h * p.oh;
    let iy = at.row % p.h;
    let low = low_output(iy, p.pad_y, p.kh, p.stride_y);
    let high = high_output(iy, p.pad_y, p.stride_y, p.oh);
    for (var ix = at.first; ix < p.w; ix += at.step) {
        let across = outputs_of_column(ix);
        var s = 0.0;
        for (var oy = low; oy < high; oy++) {
            for (var ox = across.x; ox < across.y; ox++) { s += dy_in[(plane + oy) * p.ow + ox] / window_size(oy, ox); }
        }
        dx_avg[at.row * p.w + ix] = s;
    }
}
