// The discrete Fourier transform of frames of clips of different length, for frames of any even length n whose half is a product of 2, 3
// and 5 (200 ms at 16 kHz are 3200 samples, which is no power of two).
//   dft          y[b,t,k] = |Σ_j x_b[t·hop + j]·e^(−2πi·kj/n)| / M,   M = n/2,   k = 0..M−1,   for the frames that lie within the clip
//   dft_complex  X[b,k,t] = Σ_j w[j]·v_b[t·hop + j]·e^(−2πi·kj/n),   k = 0..M,   t < 1 + length_b/hop: what stft.wgsl computes for powers of
//                two, of the continued clips v that stft_pad writes there
//   dft_power    |X|², or |X|
// What lies behind the clip's last frame is zero.
//
// As in stft.wgsl, n real samples are M complex ones, z[j] = x[2j] + i·x[2j+1], transformed by decimation in time: samples are placed in the
// order of reversed digits, and a pass per factor of M follows in place, each butterfly in registers. With E = (Z[k] + Z*[M−k])/2 and
// O = (Z[k] − Z*[M−k])/2i,   X[k] = E + e^(−2πi·k/n)·O,   X[M−k] = conj(E − e^(−2πi·k/n)·O).
// Factors are values, not constants: one pipeline serves all lengths, and 2048 points fill the 16 KiB every adapter has.
// A frame that the clip does not have is its first one, transformed and thrown away: barriers must not depend on what buffers hold.
// Grid: one workgroup per frame, folded into 2-D.

//#include <common/grid.wgsl>

const WG: u32 = 256u; //#tunable  power of two
const MOST: u32 = 2048u; // complex points

struct Params { batch: u32, samples: u32, frames: u32, hop: u32, points: u32, factors: u32, padded: u32, magnitude: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:       array<f32>; // (B, N)
@group(0) @binding(2) var<storage, read>       lengths: array<u32>; // (B)          samples of each clip
@group(0) @binding(3) var<storage, read>       factor:  array<u32>; // (factors)    of M, each 2, 3, 4 or 5
@group(0) @binding(4) var<storage, read>       turns:   array<f32>; // (M, 2)       cos, −sin of 2π·k/n
@group(0) @binding(5) var<storage, read_write> y:       array<f32>; // (B, T, M)    overwritten

var<workgroup> z: array<vec2<f32>, MOST>;

fn times(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> { return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }

// e^(−2πi·k/n), k < M
fn turn(k: u32) -> vec2<f32> { return vec2<f32>(turns[2u * k], turns[2u * k + 1u]); }

// −i·v
fn quarter(v: vec2<f32>) -> vec2<f32> { return vec2<f32>(v.y, -v.x); }

// The place of point j: its digits in reversed order.
fn place(j: u32) -> u32 {
    var rest = j;
    var block = p.points;
    var at = 0u;
    for (var i = p.factors; i > 0u; i--) {
        let r = factor[i - 1u];
        block /= r;
        at += rest % r * block;
        rest /= r;
    }
    return at;
}

const SIN3: f32 = 0.86602540378443865; // sin 2π/3
const COS5: vec2<f32> = vec2<f32>(0.30901699437494742, -0.80901699437494742); // cos 2π/5, cos 4π/5
const SIN5: vec2<f32> = vec2<f32>(0.95105651629515357, 0.58778525229247313); // sin 2π/5, sin 4π/5

// Transforms r points that stand h apart from `at` on; w is the turn of the second of them.
fn butterfly(r: u32, at: u32, h: u32, w: vec2<f32>) {
    let a = z[at];
    let b = times(w, z[at + h]);
    if r == 2u {
        z[at] = a + b;
        z[at + h] = a - b;
        return;
    }
    let w2 = times(w, w);
    let c = times(w2, z[at + 2u * h]);
    if r == 3u {
        let m = a - 0.5 * (b + c);
        let s = SIN3 * quarter(b - c);
        z[at] = a + b + c;
        z[at + h] = m + s;
        z[at + 2u * h] = m - s;
        return;
    }
    let d = times(times(w2, w), z[at + 3u * h]);
    if r == 4u {
        let e = quarter(b - d);
        z[at] = a + c + (b + d);
        z[at + h] = a - c + e;
        z[at + 2u * h] = a + c - (b + d);
        z[at + 3u * h] = a - c - e;
        return;
    }
    let e = times(times(w2, w2), z[at + 4u * h]);
    let outer = b + e;
    let inner = c + d;
    let m1 = a + COS5.x * outer + COS5.y * inner;
    let m2 = a + COS5.y * outer + COS5.x * inner;
    let s1 = quarter(SIN5.x * (b - e) + SIN5.y * (c - d));
    let s2 = quarter(SIN5.y * (b - e) - SIN5.x * (c - d));
    z[at] = a + outer + inner;
    z[at + h] = m1 + s1;
    z[at + 2u * h] = m2 + s2;
    z[at + 3u * h] = m2 - s2;
    z[at + 4u * h] = m1 - s1;
}

// Transforms what was placed.
fn transform(lane: u32) {
    workgroupBarrier();
    var h = 1u;
    for (var i = 0u; i < p.factors; i++) {
        let r = factor[i];
        let step = 2u * p.points / (h * r);
        for (var j = lane; j < p.points / r; j += WG) {
            let pos = j % h;
            butterfly(r, (j - pos) * r + pos, h, turn(pos * step));
        }
        h *= r;
        workgroupBarrier();
    }
}

struct Pair { low: vec2<f32>, high: vec2<f32> }

// Bins k and M − k of the real transform, k ≤ M/2.
fn bins(k: u32) -> Pair {
    let a = z[k];
    let m = z[select(p.points - k, 0u, k == 0u)];
    let e = 0.5 * vec2<f32>(a.x + m.x, a.y - m.y);
    let o = times(turn(k), 0.5 * vec2<f32>(a.y + m.y, m.x - a.x));
    return Pair(e + o, vec2<f32>(e.x - o.x, o.y - e.y));
}

@compute @workgroup_size(WG)
fn dft(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n);
    if row >= p.batch * p.frames { return; }
    let b = row / p.frames;
    let start = row % p.frames * p.hop;
    let out = row * p.points;
    let own = start + 2u * p.points <= min(lengths[b], p.samples);
    let begin = b * p.samples + select(0u, start, own);
    for (var j = lane; j < p.points; j += WG) { z[place(j)] = vec2<f32>(x[begin + 2u * j], x[begin + 2u * j + 1u]); }
    transform(lane);
    let scale = 1.0 / f32(p.points);
    for (var k = lane; k <= p.points / 2u; k += WG) {
        let v = bins(k);
        y[out + k] = select(0.0, scale * length(v.low), own);
        if k > 0u { y[out + p.points - k] = select(0.0, scale * length(v.high), own); }
    }
}

@group(0) @binding(1) var<storage, read>       framed: array<f32>; // (B, padded)  what stft_pad wrote
@group(0) @binding(5) var<storage, read>       window: array<f32>; // (n)
@group(0) @binding(6) var<storage, read_write> re:     array<f32>; // (B, K, T)    overwritten
@group(0) @binding(7) var<storage, read_write> im:     array<f32>; // (B, K, T)    overwritten

// Frame t of clip b, windowed and transformed; whether the clip has it.
fn windowed(b: u32, t: u32, lane: u32) -> bool {
    let length = min(lengths[b], p.samples);
    let own = length > 0u && t <= length / p.hop;
    let start = b * p.padded + select(0u, t, own) * p.hop;
    for (var j = lane; j < p.points; j += WG) {
        let i = 2u * j;
        z[place(j)] = vec2<f32>(window[i] * framed[start + i], window[i + 1u] * framed[start + i + 1u]);
    }
    transform(lane);
    return own;
}

@compute @workgroup_size(WG)
fn dft_complex(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n);
    if row >= p.batch * p.frames { return; }
    let b = row / p.frames;
    let t = row % p.frames;
    let own = windowed(b, t, lane);
    let column = b * (p.points + 1u) * p.frames + t;
    for (var k = lane; k <= p.points / 2u; k += WG) {
        var v = Pair(vec2<f32>(0.0), vec2<f32>(0.0));
        if own { v = bins(k); }
        re[column + k * p.frames] = v.low.x;
        im[column + k * p.frames] = v.low.y;
        re[column + (p.points - k) * p.frames] = v.high.x;
        im[column + (p.points - k) * p.frames] = v.high.y;
    }
}

@group(0) @binding(6) var<storage, read_write> power: array<f32>; // (B, K, T)  |X|², or |X| where p.magnitude is 1; overwritten

@compute @workgroup_size(WG)
fn dft_power(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n);
    if row >= p.batch * p.frames { return; }
    let b = row / p.frames;
    let t = row % p.frames;
    let own = windowed(b, t, lane);
    let column = b * (p.points + 1u) * p.frames + t;
    for (var k = lane; k <= p.points / 2u; k += WG) {
        var low = 0.0;
        var high = 0.0;
        if own {
            let v = bins(k);
            low = dot(v.low, v.low);
            high = dot(v.high, v.high);
            if p.magnitude == 1u {
                low = sqrt(low);
                high = sqrt(high);
            }
        }
        power[column + k * p.frames] = low;
        power[column + (p.points - k) * p.frames] = high;
    }
}
