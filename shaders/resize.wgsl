// Resampling of images whose columns are the frames of clips of different length. Indices are exact integers, so that nearest and
// area windows do not depend on rounding. From n samples to m, output o of an axis takes
//   nearest   sample ⌊o·n/m⌋
//   bilinear  position s = max(0, (o + ½)·n/m − ½), between ⌊s⌋ and its neighbour (corners not aligned)
//   area      the mean of samples ⌊o·n/m⌋ .. ⌈(o+1)·n/m⌉ − 1
// Along rows n = rows. Along columns n is the clip's own frames (1 + length/hop), or all columns where hop is 0, or `shown` columns
// where that is not 0; columns the clip does not have are zero.
// Grid: one workgroup per output row, folded into 2-D.

//#include <common/grid.wgsl>

const WG: u32 = 64u; //#tunable

struct Params { planes: u32, channels: u32, rows: u32, cols: u32, out_rows: u32, out_cols: u32, hop: u32, shown: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:       array<f32>; // (B, C, rows, cols)
@group(0) @binding(2) var<storage, read>       lengths: array<u32>; // (B)  samples of each clip; not read where hop is 0
@group(0) @binding(3) var<storage, read_write> y:       array<f32>; // (B, C, out_rows, out_cols)  overwritten

struct Row { plane: u32, row: u32, own: u32, width: u32 }

// Which output row a workgroup makes, the columns its clip has and the width that is resampled.
fn place(group: u32) -> Row {
    let plane = group / p.out_rows;
    var own = p.cols;
    if p.hop > 0u {
        let length = lengths[min(plane, p.planes - 1u) / p.channels];
        own = select(0u, min(length / p.hop + 1u, p.cols), length > 0u);
    }
    return Row(plane, group % p.out_rows, own, select(own, p.shown, p.shown > 0u));
}

fn value(r: Row, row: u32, col: u32) -> f32 {
    if col >= r.own { return 0.0; }
    return x[(r.plane * p.rows + row) * p.cols + col];
}

@compute @workgroup_size(WG)
fn resize_nearest(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let group = flat_group(g, n);
    let r = place(group);
    if r.plane >= p.planes { return; }
    let row = r.row * p.rows / p.out_rows;
    for (var o = lane; o < p.out_cols; o += WG) { y[group * p.out_cols + o] = value(r, row, o * r.width / p.out_cols); }
}

struct Between { low: u32, high: u32, share: f32 }

// Neighbours of output o of m on an axis of n samples, and the share of the upper one.
fn between(o: u32, size: u32, m: u32) -> Between {
    let twice = (2u * o + 1u) * size; // 2m·(s + ½)
    if twice <= m { return Between(0u, 0u, 0.0); }
    let low = (twice - m) / (2u * m);
    return Between(low, min(low + 1u, size - 1u), f32((twice - m) % (2u * m)) / f32(2u * m));
}

@compute @workgroup_size(WG)
fn resize_bilinear(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let group = flat_group(g, n);
    let r = place(group);
    if r.plane >= p.planes { return; }
    let v = between(r.row, p.rows, p.out_rows);
    for (var o = lane; o < p.out_cols; o += WG) {
        let h = between(o, max(r.width, 1u), p.out_cols);
        let top = value(r, v.low, h.low) * (1.0 - h.share) + value(r, v.low, h.high) * h.share;
        let bottom = value(r, v.high, h.low) * (1.0 - h.share) + value(r, v.high, h.high) * h.share;
        y[group * p.out_cols + o] = top * (1.0 - v.share) + bottom * v.share;
    }
}

@compute @workgroup_size(WG)
fn resize_area(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let group = flat_group(g, n);
    let r = place(group);
    if r.plane >= p.planes { return; }
    let top = r.row * p.rows / p.out_rows;
    let bottom = ((r.row + 1u) * p.rows + p.out_rows - 1u) / p.out_rows;
    for (var o = lane; o < p.out_cols; o += WG) {
        let left = o * r.width / p.out_cols;
        let right = max(((o + 1u) * r.width + p.out_cols - 1u) / p.out_cols, left + 1u);
        var sum = 0.0;
        for (var row = top; row < bottom; row++) {
            for (var col = left; col < right; col++) { sum += value(r, row, col); }
        }
        y[group * p.out_cols + o] = sum / f32((bottom - top) * (right - left));
    }
}
