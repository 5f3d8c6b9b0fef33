// Random changes to training images. Every draw is a function of (seed, step, stream, image, number of the draw): nothing depends on
// how work is scheduled. An image is changed with probability `prob`, all its channels alike.
//   random_cut    a window of at least `share` of each side, resampled to the whole image (linear between pixel centres); with `zoom` the
//                 rows are stretched or shrunk by up to that share instead, away from the last one, and shifted by up to `shift` of all
//   cutout        `count` squares of `height` x `width` pixels anywhere, set to `fill`
//   salt_pepper   a share `share` of the pixels set to `low` (with probability `split`) or `high`
//   spec_augment  `count` bands of up to `width` columns and `count_rows` bands of up to `height` rows, set to `fill`
//   warp          from any column on, around the end, at a rate of 1 +- `share`; the rows stretched or shrunk by up to `zoom` away from the
//                 first one; up to `shift` added or taken off everywhere
// Grid: one workgroup per row of pixels, folded into 2-D.

//#include <common/grid.wgsl>
//#include <common/rng.wgsl>

const WG: u32 = 64u; //#tunable
const MOST: u32 = 16u; // squares or bands per image

struct Params {
    batch: u32, channels: u32, rows: u32, cols: u32,
    stream: u32, count: u32, count_rows: u32, height: u32,
    width: u32, prob: f32, share: f32, split: f32,
    low: f32, high: f32, fill: f32, zoom: f32,
    shift: f32,
}
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:   array<f32>; // (B, C, H, W)
@group(0) @binding(2) var<storage, read>       rng: array<u32>; // (4)  seed low, seed high, step, unused
@group(0) @binding(3) var<storage, read_write> y:   array<f32>; // (B, C, H, W)  overwritten

struct Row { image: u32, row: u32, base: u32, key: u32, changed: bool }

// The row a workgroup makes; `image` is `batch` behind the last.
fn place(group: u32) -> Row {
    let image = group / (p.channels * p.rows);
    let key = philox(vec2<u32>(rng[2], p.stream), rng[0] ^ (rng[1] * 0x9E3779B9u)).x;
    let first = philox(vec2<u32>(0u, image), key);
    return Row(min(image, p.batch), group % p.rows, group * p.cols, key, unit(first.x) < p.prob);
}

// Draw `i` from 1 on of an image; draw 0 decides whether it is changed.
fn draw(r: Row, i: u32) -> vec2<u32> { return philox(vec2<u32>(i, r.image), r.key); }

// Uniform in 0..n, n <= 65536.
fn below(bits: u32, n: u32) -> u32 { return ((bits >> 16u) * n) >> 16u; }

// Position of output pixel `o` of `n` in a window of `size` pixels from `origin` on.
fn position(o: u32, n: u32, origin: f32, size: f32) -> f32 {
    return clamp(origin + (f32(o) + 0.5) * size / f32(n) - 0.5, 0.0, f32(n - 1u));
}

@compute @workgroup_size(WG)
fn random_cut(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let r = place(flat_group(g, n));
    if r.image >= p.batch { return; }
    let size = draw(r, 1u);
    let origin = draw(r, 2u);
    var height = f32(p.rows) * (p.share + (1.0 - p.share) * unit(size.x));
    var above = unit(origin.x) * (f32(p.rows) - height);
    if p.zoom > 0.0 {
        height = f32(p.rows) * (1.0 + p.zoom * (2.0 * unit(size.x) - 1.0));
        above = f32(p.rows) - height + f32(p.rows) * p.shift * (2.0 * unit(origin.x) - 1.0);
    }
    let width = f32(p.cols) * (p.share + (1.0 - p.share) * unit(size.y));
    let v = position(r.row, p.rows, above, height);
    let left = unit(origin.y) * (f32(p.cols) - width);
    let top = u32(v);
    let plane = r.base - r.row * p.cols;
    let upper = plane + top * p.cols;
    let lower = plane + min(top + 1u, p.rows - 1u) * p.cols;
    let down = v - f32(top);
    for (var o = lane; o < p.cols; o += WG) {
        if r.changed {
            let h = position(o, p.cols, left, width);
            let c0 = u32(h);
            let c1 = min(c0 + 1u, p.cols - 1u);
            let across = h - f32(c0);
            let a = x[upper + c0] * (1.0 - across) + x[upper + c1] * across;
            let b = x[lower + c0] * (1.0 - across) + x[lower + c1] * across;
            y[r.base + o] = a * (1.0 - down) + b * down;
        } else {
            y[r.base + o] = x[r.base + o];
        }
    }
}

@compute @workgroup_size(WG)
fn warp(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let r = place(flat_group(g, n));
    if r.image >= p.batch { return; }
    let along = draw(r, 1u);
    let across = draw(r, 2u);
    let cols = f32(p.cols);
    let rate = 1.0 + p.share * (2.0 * unit(along.x) - 1.0);
    let start = cols * unit(along.y);
    let v = min(f32(r.row) * (1.0 + p.zoom * (2.0 * unit(across.x) - 1.0)), f32(p.rows - 1u));
    let level = p.shift * (2.0 * unit(across.y) - 1.0);
    let first = u32(v);
    let plane = r.base - r.row * p.cols;
    let lower = plane + first * p.cols;
    let upper = plane + min(first + 1u, p.rows - 1u) * p.cols;
    let part = v - f32(first);
    for (var o = lane; o < p.cols; o += WG) {
        if r.changed {
            let h = start + f32(o) * rate;
            let t = h - floor(h / cols) * cols;
            let c0 = min(u32(t), p.cols - 1u);
            let c1 = select(c0 + 1u, 0u, c0 + 1u == p.cols);
            let between = t - f32(c0);
            let a = x[lower + c0] * (1.0 - between) + x[lower + c1] * between;
            let b = x[upper + c0] * (1.0 - between) + x[upper + c1] * between;
            y[r.base + o] = a * (1.0 - part) + b * part + level;
        } else {
            y[r.base + o] = x[r.base + o];
        }
    }
}

@compute @workgroup_size(WG)
fn cutout(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let r = place(flat_group(g, n));
    if r.image >= p.batch { return; }
    // Left edges of the squares that this row crosses.
    var left: array<u32, MOST>;
    var crossed = 0u;
    for (var s = 0u; s < min(p.count, MOST) && r.changed; s++) {
        let d = draw(r, 1u + s);
        let top = below(d.x, p.rows - p.height + 1u);
        if r.row >= top && r.row < top + p.height {
            left[crossed] = below(d.y, p.cols - p.width + 1u);
            crossed++;
        }
    }
    for (var o = lane; o < p.cols; o += WG) {
        var v = x[r.base + o];
        for (var s = 0u; s < crossed; s++) {
            if o >= left[s] && o < left[s] + p.width { v = p.fill; }
        }
        y[r.base + o] = v;
    }
}

@compute @workgroup_size(WG)
fn salt_pepper(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let r = place(flat_group(g, n));
    if r.image >= p.batch { return; }
    for (var o = lane; o < p.cols; o += WG) {
        var v = x[r.base + o];
        if r.changed {
            let d = draw(r, 1u + r.row * p.cols + o);
            if unit(d.x) < p.share { v = select(p.high, p.low, unit(d.y) < p.split); }
        }
        y[r.base + o] = v;
    }
}

@compute @workgroup_size(WG)
fn spec_augment(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let r = place(flat_group(g, n));
    if r.image >= p.batch { return; }
    var masked = false;
    for (var s = 0u; s < min(p.count_rows, MOST) && r.changed; s++) {
        let d = draw(r, 1u + MOST + s);
        let height = below(d.x, p.height + 1u);
        let top = below(d.y, p.rows - height + 1u);
        masked = masked || (r.row >= top && r.row < top + height);
    }
    var start: array<u32, MOST>;
    var stop: array<u32, MOST>;
    let bands = select(0u, min(p.count, MOST), r.changed);
    for (var s = 0u; s < bands; s++) {
        let d = draw(r, 1u + s);
        let width = below(d.x, p.width + 1u);
        start[s] = below(d.y, p.cols - width + 1u);
        stop[s] = start[s] + width;
    }
    for (var o = lane; o < p.cols; o += WG) {
        var v = select(x[r.base + o], p.fill, masked);
        for (var s = 0u; s < bands; s++) {
            if o >= start[s] && o < stop[s] { v = p.fill; }
        }
        y[r.base + o] = v;
    }
}
