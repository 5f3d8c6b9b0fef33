// Short-time Fourier transform of centred, windowed frames of clips of different length.
//   X[b,k,t] = Σ_n w[n]·v_b[t·hop + n − n_fft/2]·e^(−2πi·kn/n_fft),   k = 0..n_fft/2,   t < 1 + length_b/hop
//   v_b[n] = x_b[n] − c·x_b[n−1],   v_b[0] = x_b[0];   outside the clip v is reflected at its ends or zero
// Frames behind the clip's last are zero. stft_pad writes v with n_fft/2 samples on either side, so that frames need no edges; dft.wgsl,
// whose transforms are of other lengths, reads that too.
//
// n_fft real samples are taken as POINTS = n_fft/2 complex ones, z[n] = x[2n] + i·x[2n+1], transformed by decimation in time: a first pass
// of radix FIRST takes samples in the order of reversed digits, passes of radix 8 follow in place, each butterfly in registers (memory is
// what is dear, on software adapters above all; radix 16 is no faster there and takes twice as long to compile). With E = (Z[k] + Z*[M−k])/2 and O = (Z[k] − Z*[M−k])/2i,
//   X[k] = E + e^(−2πi·k/n_fft)·O,   X[M−k] = conj(E − e^(−2πi·k/n_fft)·O),   M = POINTS.
// 2048 complex points fill the 16 KiB of workgroup memory every adapter has; shorter transforms put FRAMES neighbours there, which
// makes loads and stores of one bin adjacent. A frame has THREADS threads; with one no barrier is needed.
// Grid: one workgroup per FRAMES frames of a clip, folded into 2-D.

//#include <common/grid.wgsl>

const WG: u32 = 256u;     //#tunable  power of two, a multiple of FRAMES
const POINTS: u32 = 256u; //#tunable  power of two, at least 8
const FRAMES: u32 = 8u;   //#tunable  power of two
const THREADS: u32 = WG / FRAMES;
const LOG: u32 = firstTrailingBit(POINTS);
const DIGITS: u32 = (LOG - 1u) / 3u;        // passes of radix 8 after the first
const FIRST: u32 = POINTS >> (3u * DIGITS); // 2, 4 or 8

struct Params {
    batch: u32, samples: u32, frames: u32, hop: u32,
    padded: u32, first: u32, last: u32, reflect: u32,
    magnitude: u32, emphasis: f32, centre: u32,
}
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:       array<f32>; // (B, N)
@group(0) @binding(2) var<storage, read>       lengths: array<u32>; // (B)          samples of each clip
@group(0) @binding(3) var<storage, read_write> v:       array<f32>; // (B, padded)  overwritten

const CHUNK: u32 = 16u; // samples a thread of stft_pad makes

// Sample `s` of the emphasised clip that starts at `base`, with its ends continued.
fn sample(base: u32, length: i32, s: i32) -> f32 {
    var at = s;
    if s < 0 || s >= length {
        if p.reflect == 0u || length == 0 { return 0.0; }
        let period = max(2 * (length - 1), 1);
        at = abs(s) % period;
        if at >= length { at = period - at; }
    }
    let i = base + u32(at);
    if at == 0 { return x[i]; }
    return x[i] - p.emphasis * x[i - 1u];
}

// Grid: one workgroup per WG · CHUNK samples of a clip.
@compute @workgroup_size(WG)
fn stft_pad(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let tiles = (p.padded + WG * CHUNK - 1u) / (WG * CHUNK);
    let b = flat_group(g, n) / tiles;
    if b >= p.batch { return; }
    let first = flat_group(g, n) % tiles * WG * CHUNK + lane;
    let length = i32(min(lengths[b], p.samples));
    for (var i = first; i < min(first + WG * CHUNK, p.padded); i += WG) {
        v[b * p.padded + i] = sample(b * p.samples, length, i32(i) - i32(p.centre));
    }
}

@group(0) @binding(1) var<storage, read>       framed:  array<f32>; // (B, padded)  what stft_pad wrote
@group(0) @binding(3) var<storage, read>       window:  array<f32>; // (n_fft)      zero outside first..last
@group(0) @binding(4) var<storage, read>       turns:   array<f32>; // (POINTS, 2)  cos, −sin of 2π·k/n_fft
@group(0) @binding(5) var<storage, read_write> re:      array<f32>; // (B, K, T)    overwritten
@group(0) @binding(6) var<storage, read_write> im:      array<f32>; // (B, K, T)    overwritten

var<workgroup> z: array<vec2<f32>, POINTS * FRAMES>; // (POINTS, FRAMES)

fn times(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> { return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }

// e^(−2πi·k/n_fft)
fn turn(k: u32) -> vec2<f32> { return vec2<f32>(turns[2u * k], turns[2u * k + 1u]); }

fn barrier() { if THREADS > 1u { workgroupBarrier(); } }

// Point i of the packed, windowed frame that starts at `start`.
fn packed(start: u32, i: u32) -> vec2<f32> {
    let n = 2u * i;
    if n + 1u < p.first || n > p.last { return vec2<f32>(0.0); }
    return vec2<f32>(window[n] * framed[start + n], window[n + 1u] * framed[start + n + 1u]);
}

struct Four { a: vec2<f32>, b: vec2<f32>, c: vec2<f32>, d: vec2<f32> }

// Transform of four points.
fn four(a: vec2<f32>, b: vec2<f32>, c: vec2<f32>, d: vec2<f32>) -> Four {
    let e = b - d;
    let quarter = vec2<f32>(e.y, -e.x); // −i·e
    return Four(a + c + (b + d), a - c + quarter, a + c - (b + d), a - c - quarter);
}

const R: f32 = 0.70710678118654752; // cos π/4

// Transform of eight points: four even and four odd ones, turned by e^(−2πi·k/8).
fn eight(u: ptr<function, array<vec2<f32>, 8>>) {
    let even = four((*u)[0], (*u)[2], (*u)[4], (*u)[6]);
    let odd = four((*u)[1], (*u)[3], (*u)[5], (*u)[7]);
    let b = times(vec2<f32>(R, -R), odd.b);
    let c = vec2<f32>(odd.c.y, -odd.c.x);
    let d = times(vec2<f32>(-R, -R), odd.d);
    (*u)[0] = even.a + odd.a;
    (*u)[1] = even.b + b;
    (*u)[2] = even.c + c;
    (*u)[3] = even.d + d;
    (*u)[4] = even.a - odd.a;
    (*u)[5] = even.b - b;
    (*u)[6] = even.c - c;
    (*u)[7] = even.d - d;
}

// The DIGITS octal digits of `i` in reverse.
fn reversed(i: u32) -> u32 {
    var r = 0u;
    var rest = i;
    for (var d = 0u; d < DIGITS; d++) {
        r = (r << 3u) | (rest & 7u);
        rest >>= 3u;
    }
    return r;
}

// Transforms frame t of clip b into z[.., f].
fn transform(b: u32, t: u32, f: u32, l: u32) {
    let start = b * p.padded + t * p.hop;
    var h = FIRST;
    if FIRST == 8u {
        // Only placed: the first pass is like the others then, with turns of 1, and its text is there once.
        for (var i = l; i < POINTS; i += THREADS) { z[i * FRAMES + f] = packed(start, reversed(i >> 3u) + (i & 7u) * (POINTS / 8u)); }
        h = 1u;
    } else if FIRST == 4u {
        for (var j = l; j < POINTS / 4u; j += THREADS) {
            let i = reversed(j);
            //#unroll k in 0..4
            let v${k} = packed(start, i + ${k}u * (POINTS / 4u));
            //#end
            let y = four(v0, v1, v2, v3);
            z[4u * j * FRAMES + f] = y.a;
            z[(4u * j + 1u) * FRAMES + f] = y.b;
            z[(4u * j + 2u) * FRAMES + f] = y.c;
            z[(4u * j + 3u) * FRAMES + f] = y.d;
        }
    } else {
        for (var j = l; j < POINTS / 2u; j += THREADS) {
            let i = reversed(j);
            let v0 = packed(start, i);
            let v1 = packed(start, i + POINTS / 2u);
            z[2u * j * FRAMES + f] = v0 + v1;
            z[(2u * j + 1u) * FRAMES + f] = v0 - v1;
        }
    }
    barrier();
    for (; h < POINTS; h *= 8u) {
        for (var j = l; j < POINTS / 8u; j += THREADS) {
            let pos = j & (h - 1u);
            let at = ((j - pos) * 8u + pos) * FRAMES + f;
            let step = h * FRAMES;
            // Powers of e^(−2πi·pos/8h), each from two smaller ones.
            let w1 = turn(pos * (POINTS / 4u / h));
            let w2 = times(w1, w1);
            let w3 = times(w2, w1);
            let w4 = times(w2, w2);
            let w5 = times(w3, w2);
            let w6 = times(w3, w3);
            let w7 = times(w4, w3);
            var u: array<vec2<f32>, 8>;
            u[0] = z[at];
            //#unroll k in 1..8
            u[${k}] = times(w${k}, z[at + ${k}u * step]);
            //#end
            eight(&u);
            //#unroll k in 0..8
            z[at + ${k}u * step] = u[${k}];
            //#end
        }
        barrier();
    }
}

fn own_frames(b: u32) -> u32 {
    let length = min(lengths[b], p.samples);
    return select(0u, length / p.hop + 1u, length > 0u);
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
    let valid = own_frames(b);
    transform(b, min(t, max(valid, 1u) - 1u), f, l);
    if t >= p.frames { return; }
    let column = b * (POINTS + 1u) * p.frames + t;
    for (var k = l; k <= POINTS / 2u; k += THREADS) {
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
    let valid = own_frames(b);
    transform(b, min(t, max(valid, 1u) - 1u), f, l);
    if t >= p.frames { return; }
    let column = b * (POINTS + 1u) * p.frames + t;
    for (var k = l; k <= POINTS / 2u; k += THREADS) {
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
