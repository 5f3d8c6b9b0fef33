// DAARIP (Niu et al. 2017, "A breakthrough in speech emotion recognition using deep retinal convolution neural networks"): an image as a convex
// lens of focal length F shows it from one of six distances u, and a window of it.
//   M = 1/(u/F − 1) for u/F = 1.5, 1.75, 2, 2.5, 3, 4;   an image of n pixels a side is resampled to ⌊M n + ½⌋ and back, both bilinearly
// A pixel of the result is a sum over four rows by four columns of the image, whose weights are products of those of the two resamplings.
// Draws follow from (seed, step, stream, image): draw 0 whether there is a lens, with probability `prob`; 1 its distance; 2 where the window is.
// Grid: one workgroup per row of the window, folded into 2-D.

//#include <common/grid.wgsl>
//#include <common/rng.wgsl>

const WG: u32 = 64u; //#tunable

struct Params { batch: u32, channels: u32, rows: u32, cols: u32, out_rows: u32, out_cols: u32, stream: u32, prob: f32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:   array<f32>; // (B, C, rows, cols)
@group(0) @binding(2) var<storage, read>       rng: array<u32>; // (4)  seed low, seed high, step, unused
@group(0) @binding(3) var<storage, read_write> y:   array<f32>; // (B, C, out_rows, out_cols)  overwritten

// Uniform in 0..n, n <= 65536.
fn below(bits: u32, n: u32) -> u32 { return ((bits >> 16u) * n) >> 16u; }

// ⌊M n + ½⌋ of distance `view`, M as a fraction.
fn side(n: u32, view: u32) -> u32 {
    var m = vec2<u32>(1u, 1u);
    if view == 0u { m = vec2<u32>(2u, 1u); }
    if view == 1u { m = vec2<u32>(4u, 3u); }
    if view == 3u { m = vec2<u32>(2u, 3u); }
    if view == 4u { m = vec2<u32>(1u, 2u); }
    if view == 5u { m = vec2<u32>(1u, 3u); }
    return max((2u * n * m.x + m.y) / (2u * m.y), 1u);
}

struct Between { low: u32, high: u32, share: f32 }

// Neighbours of pixel `o` of m on an axis of `size` pixels, and the share of the upper one (corners not aligned).
fn between(o: u32, size: u32, m: u32) -> Between {
    let twice = (2u * o + 1u) * size;
    if twice <= m { return Between(0u, 0u, 0.0); }
    let low = (twice - m) / (2u * m);
    return Between(low, min(low + 1u, size - 1u), f32((twice - m) % (2u * m)) / f32(2u * m));
}

struct Taps { at: vec4<u32>, weight: vec4<f32> }

// Pixels of an axis of n, and their weights, that make pixel `o` after resampling to `middle` and back.
fn taps(o: u32, n: u32, middle: u32) -> Taps {
    let back = between(o, middle, n);
    let a = between(back.low, n, middle);
    let b = between(back.high, n, middle);
    let low = 1.0 - back.share;
    let weight = vec4<f32>(low * (1.0 - a.share), low * a.share, back.share * (1.0 - b.share), back.share * b.share);
    return Taps(vec4<u32>(a.low, a.high, b.low, b.high), weight);
}

@compute @workgroup_size(WG)
fn lens(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let group = flat_group(g, n);
    let plane = group / p.out_rows;
    let image = plane / p.channels;
    if image >= p.batch { return; }
    let key = philox(vec2<u32>(rng[2], p.stream), rng[0] ^ (rng[1] * 0x9E3779B9u)).x;
    let seen = unit(philox(vec2<u32>(0u, image), key).x) < p.prob;
    let view = select(2u, below(philox(vec2<u32>(1u, image), key).x, 6u), seen);
    let corner = philox(vec2<u32>(2u, image), key);
    let top = below(corner.x, p.rows - p.out_rows + 1u);
    let left = below(corner.y, p.cols - p.out_cols + 1u);
    let v = taps(top + group % p.out_rows, p.rows, side(p.rows, view));
    let r = (vec4<u32>(plane * p.rows) + v.at) * p.cols;
    let across = side(p.cols, view);
    for (var o = lane; o < p.out_cols; o += WG) {
        let h = taps(left + o, p.cols, across);
        let a = vec4<f32>(x[r.x + h.at.x], x[r.x + h.at.y], x[r.x + h.at.z], x[r.x + h.at.w]);
        let b = vec4<f32>(x[r.y + h.at.x], x[r.y + h.at.y], x[r.y + h.at.z], x[r.y + h.at.w]);
        let c = vec4<f32>(x[r.z + h.at.x], x[r.z + h.at.y], x[r.z + h.at.z], x[r.z + h.at.w]);
        let d = vec4<f32>(x[r.w + h.at.x], x[r.w + h.at.y], x[r.w + h.at.z], x[r.w + h.at.w]);
        y[group * p.out_cols + o] = dot(v.weight, vec4<f32>(dot(a, h.weight), dot(b, h.weight), dot(c, h.weight), dot(d, h.weight)));
    }
}
