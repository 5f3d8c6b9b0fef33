// Max and average pooling of planes (rows = N·C), and their VJPs, both as gathers.
//   max   y[o] = max over the window; dx[i] = Σ_o dy[o] where i is the first maximum, in row order, of o's window;
//         a NaN counts as larger than all numbers
//   avg   y[o] = Σ_window x / size;   dx[i] = Σ_{o whose window holds i} dy[o] / size
//         size counts padding (count_pad) within the padded image, or real pixels only
// Grid: WG·PER neighbouring output (forward) or input (backward) pixels per workgroup, folded.

//#include <common/bits.wgsl>
//#include <common/grid.wgsl>

const WG: u32 = 128u; //#tunable
const PER: u32 = 4u; //#tunable  elements per invocation

struct Params {
    rows: u32, h: u32, w: u32, oh: u32,
    ow: u32, kh: u32, kw: u32, stride_y: u32,
    stride_x: u32, pad_y: u32, pad_x: u32, count_pad: u32,
}
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:  array<f32>; // (rows, h, w)
@group(0) @binding(2) var<storage, read_write> y:  array<f32>; // (rows, oh, ow)  overwritten

// Index in the plane of the first maximum of window (oy, ox).
fn argmax(plane: u32, oy: u32, ox: u32) -> u32 {
    var best = 0xffffffffu;
    var top = 0.0;
    for (var ky = 0u; ky < p.kh; ky++) {
        let iy = oy * p.stride_y + ky - p.pad_y;
        if iy >= p.h { continue; }
        for (var kx = 0u; kx < p.kw; kx++) {
            let ix = ox * p.stride_x + kx - p.pad_x;
            if ix >= p.w { continue; }
            let v = x[plane + iy * p.w + ix];
            if best == 0xffffffffu || (is_nan(v) || v > top) && !is_nan(top) { top = v; best = iy * p.w + ix; }
        }
    }
    return best;
}

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
    let first = flat_group(g, n) * WG * PER + lane;
    for (var step = 0u; step < PER; step++) {
        let i = first + step * WG;
        if i >= p.rows * p.oh * p.ow { return; }
        let plane = i / (p.oh * p.ow) * p.h * p.w;
        y[i] = x[plane + argmax(plane, i / p.ow % p.oh, i % p.ow)];
    }
}

@compute @workgroup_size(WG)
fn avg_pool2d_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    for (var step = 0u; step < PER; step++) {
        let i = first + step * WG;
        if i >= p.rows * p.oh * p.ow { return; }
        let plane = i / (p.oh * p.ow) * p.h * p.w;
        let oy = i / p.ow % p.oh; let ox = i % p.ow;
        var s = 0.0;
        for (var ky = 0u; ky < p.kh; ky++) {
            let iy = oy * p.stride_y + ky - p.pad_y;
            if iy >= p.h { continue; }
            for (var kx = 0u; kx < p.kw; kx++) {
                let ix = ox * p.stride_x + kx - p.pad_x;
                if ix < p.w { s += x[plane + iy * p.w + ix]; }
            }
        }
        y[i] = s / window_size(oy, ox);
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

@compute @workgroup_size(WG)
fn max_pool2d_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    for (var step = 0u; step < PER; step++) {
        let i = first + step * WG;
        if i >= p.rows * p.h * p.w { return; }
        let row = i / (p.h * p.w);
        let iy = i / p.w % p.h; let ix = i % p.w;
        var s = 0.0;
        for (var oy = low_output(iy, p.pad_y, p.kh, p.stride_y); oy < high_output(iy, p.pad_y, p.stride_y, p.oh); oy++) {
            for (var ox = low_output(ix, p.pad_x, p.kw, p.stride_x); ox < high_output(ix, p.pad_x, p.stride_x, p.ow); ox++) {
                if argmax(row * p.h * p.w, oy, ox) == iy * p.w + ix { s += dy[(row * p.oh + oy) * p.ow + ox]; }
            }
        }
        dx[i] = s;
    }
}

@group(0) @binding(1) var<storage, read>       dy_in: array<f32>; // (rows, oh, ow)
@group(0) @binding(2) var<storage, read_write> dx_avg: array<f32>; // (rows, h, w)  overwritten

@compute @workgroup_size(WG)
fn avg_pool2d_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    for (var step = 0u; step < PER; step++) {
        let i = first + step * WG;
        if i >= p.rows * p.h * p.w { return; }
        let row = i / (p.h * p.w);
        let iy = i / p.w % p.h; let ix = i % p.w;
        var s = 0.0;
        for (var oy = low_output(iy, p.pad_y, p.kh, p.stride_y); oy < high_output(iy, p.pad_y, p.stride_y, p.oh); oy++) {
            for (var ox = low_output(ix, p.pad_x, p.kw, p.stride_x); ox < high_output(ix, p.pad_x, p.stride_x, p.ow); ox++) {
                s += dy_in[(row * p.oh + oy) * p.ow + ox] / window_size(oy, ox);
            }
        }
        dx_avg[i] = s;
    }
}
