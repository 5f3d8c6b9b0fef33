// Short-time Fourier transform of centred, windowed frames of clips of different length.
//   X[b,k,t] = Σ_n w[n]·x_b[t·hop + n − n_fft/2]·e^(−2πi·kn/n_fft),   k = 0..n_fft/2,   t < 1 + length_b/hop
// The window of `win` samples sits in the middle of n_fft; samples outside the clip are reflected at its ends or zero. Frames behind
// the clip's last are zero.
//
// n_fft real samples are taken as POINTS = n_fft/2 complex ones, z[n] = x[2n] + i·x[2n+1], stored in bit-reversed order and
// transformed in place by decimation in time, two radix-2 stages at once. With E = (Z[k] + Z*[M−k])/2 and O = (Z[k] − Z*[M−k])/2i,
//   X[k] = E + e^(−2πi·k/n_fft)·O,   X[M−k] = conj(E − e^(−2πi·k/n_fft)·O),   M = POINTS.
// 2048 complex points fill the 16 KiB of workgroup memory every adapter has; shorter transforms put FRAMES neighbours there, which
// makes loads and stores of one bin adjacent. A frame has WG / FRAMES lanes; with one lane no barrier is needed.
// Grid: one workgroup per FRAMES frames of a clip, folded into 2-D.

//#include <common/grid.wgsl>

const WG: u32 = 256u;     //#tunable  power of two, a multiple of FRAMES
const POINTS: u32 = 256u; //#tunable  power of two
const FRAMES: u32 = 8u;   //#tunable  power of two
const LANES: u32 = WG / FRAMES;
const LOG: u32 = firstTrailingBit(POINTS);

struct Params { batch: u32, samples: u32, frames: u32, hop: u32, win: u32, reflect: u32, magnitude: u32, _pad: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:       array<f32>; // (B, N)
@group(0) @binding(2) var<storage, read>       lengths: array<u32>; // (B)          samples of each clip
@group(0) @binding(3) var<storage, read>       window:  array<f32>; // (win)
@group(0) @binding(4) var<storage, read>       turns:   array<f32>; // (POINTS, 2)  cos, −sin of 2π·k/n_fft
@group(0) @binding(5) var<storage, read_write> re:      array<f32>; // (B, K, T)    overwritten
@group(0) @binding(6) var<storage, read_write> im:      array<f32>; // (B, K, T)    overwritten

var<workgroup> z: array<vec2<f32>, POINTS * FRAMES>; // (POINTS, FRAMES)

fn times(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> { return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }

// e^(−2πi·k/n_fft)
fn turn(k: u32) -> vec2<f32> { return vec2<f32>(turns[2u * k], turns[2u * k + 1u]); }

fn barrier() { if LANES > 1u { workgroupBarrier(); } }

// Sample `s` of the clip of `length` samples that starts at `base`, with the ends continued.
fn sample(base: u32, length: i32, s: i32) -> f32 {
    var at = s;
    if s < 0 || s >= length {
        if p.reflect == 0u { return 0.0; }
        let period = max(2 * (length - 1), 1);
        at = abs(s) % period;
        if at >= length { at = period - at; }
    }
    return x[base + u32(at)];
}

// Transforms frame t0 + f of clip b into z[.., f].
fn transform(b: u32, t: u32, f: u32, l: u32, length: u32) {
    let base = b * p.samples;
    let before = (2u * POINTS - p.win) / 2u; // zeros of n_fft in front of the window
    let start = i32(t * p.hop) - i32(POINTS);
    for (var i = l; i < POINTS; i += LANES) {
        var v = vec2<f32>(0.0);
        let n = 2u * i;
        if n + 1u >= before && n < before + p.win {
            if n >= before { v.x = window[n - before] * sample(base, i32(length), start + i32(n)); }
            if n + 1u < before + p.win { v.y = window[n + 1u - before] * sample(base, i32(length), start + i32(n) + 1); }
        }
        z[(reverseBits(i) >> (32u - LOG)) * FRAMES + f] = v;
    }
    barrier();
    var h = 1u;
    if LOG % 2u == 1u {
        for (var i = l; i < POINTS / 2u; i += LANES) {
            let u = z[2u * i * FRAMES + f];
            let v = z[(2u * i + 1u) * FRAMES + f];
            z[2u * i * FRAMES + f] = u + v;
            z[(2u * i + 1u) * FRAMES + f] = u - v;
        }
        barrier();
        h = 2u;
    }
    for (; h < POINTS; h *= 4u) {
        for (var j = l; j < POINTS / 4u; j += LANES) {
            let pos = j & (h - 1u);
            let at = ((j - pos) * 4u + pos) * FRAMES + f;
            let step = h * FRAMES;
            let outer = turn(pos * (POINTS / 2u / h)); // of the stage of size 4h
            let inner = turn(pos * (POINTS / h));      // of the stage of size 2h
            let z0 = z[at];
            let z1 = times(inner, z[at + step]);
            let z2 = z[at + 2u * step];
            let z3 = times(inner, z[at + 3u * step]);
            let even = times(outer, z2 + z3);
            let odd = times(outer, z2 - z3);
            let quarter = vec2<f32>(odd.y, -odd.x); // −i·odd
            z[at] = z0 + z1 + even;
            z[at + step] = z0 - z1 + quarter;
            z[at + 2u * step] = z0 + z1 - even;
            z[at + 3u * step] = z0 - z1 - quarter;
        }
        barrier();
    }
}

struct Pair { low: vec2<f32>, high: vec2<f32> }

// Bins k and POINTS − k of the real transform.
fn bins(k: u32, f: u32) -> Pair {
    let a = z[k * FRAMES + f];
    let m = z[((POINTS - k) & (POINTS - 1u)) * FRAMES + f];
    let e = 0.5 * vec2<f32>(a.x + m.x, a.y - m.y);
    let o = 0.5 * vec2<f32>(a.y + m.y, m.x - a.x);
    let wo = times(turn(k), o);
    return Pair(e + wo, vec2<f32>(e.x - wo.x, wo.y - e.y));
}

@compute @workgroup_size(WG)
fn stft_complex(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let tiles = (p.frames + FRAMES - 1u) / FRAMES;
    let b = flat_group(g, n) / tiles;
    if b >= p.batch { return; }
    let f = lane % FRAMES;
    let l = lane / FRAMES;
    let first = flat_group(g, n) % tiles * FRAMES;
    let t = first + f;
    let length = min(lengths[b], p.samples);
    let valid = select(0u, length / p.hop + 1u, length > 0u);
    if first < valid { transform(b, min(t, valid - 1u), f, l, length); }
    if t >= p.frames { return; }
    let column = b * (POINTS + 1u) * p.frames + t;
    for (var k = l; k <= POINTS / 2u; k += LANES) {
        var v = Pair(vec2<f32>(0.0), vec2<f32>(0.0));
        if t < valid { v = bins(k, f); }
        re[column + k * p.frames] = v.low.x;
        im[column + k * p.frames] = v.low.y;
        re[column + (POINTS - k) * p.frames] = v.high.x;
        im[column + (POINTS - k) * p.frames] = v.high.y;
    }
}

@group(0) @binding(5) var<storage, read_write> y: array<f32>; // (B, K, T)  |X|², or |X| where p.magnitude is 1; overwritten

@compute @workgroup_size(WG)
fn stft_power(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let tiles = (p.frames + FRAMES - 1u) / FRAMES;
    let b = flat_group(g, n) / tiles;
    if b >= p.batch { return; }
    let f = lane % FRAMES;
    let l = lane / FRAMES;
    let first = flat_group(g, n) % tiles * FRAMES;
    let t = first + f;
    let length = min(lengths[b], p.samples);
    let valid = select(0u, length / p.hop + 1u, length > 0u);
    if first < valid { transform(b, min(t, valid - 1u), f, l, length); }
    if t >= p.frames { return; }
    let column = b * (POINTS + 1u) * p.frames + t;
    for (var k = l; k <= POINTS / 2u; k += LANES) {
        var low = 0.0;
        var high = 0.0;
        if t < valid {
            let v = bins(k, f);
            low = dot(v.low, v.low);
            high = dot(v.high, v.high);
            if p.magnitude == 1u {
                low = sqrt(low);
                high = sqrt(high);
            }
        }
        y[column + k * p.frames] = low;
        y[column + (POINTS - k) * p.frames] = high;
    }
}
