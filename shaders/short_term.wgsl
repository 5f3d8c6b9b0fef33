// Features of each frame of clips of different length, from its samples x (n of them) and its magnitudes X (M = n/2 bins), the frames that
// lie within the clip (pyAudioAnalysis, Giannakopoulos 2015, as Atmaja & Akagi 2019 use it; ε = 2.2e-16):
//   0  zero crossings     Σ |sgn x[j] − sgn x[j−1]| / 2(n−1)
//   1  energy             Σ x² / n
//   2  entropy of energy  −Σ s·log2(s + ε) over ten equal blocks, s = a block's share of Σ x²
//   3  centroid           c = Σ f·X / (Σ X + ε),   f = (k+1)/M
//   4  spread             sqrt(Σ (f − c)²·X / (Σ X + ε))
//   5  spectral entropy   the entropy of X² in ten blocks
//   6  flux               Σ (X/(ΣX + ε) − X'/(ΣX' + ε))²,   X' the frame before; 0 in the first frame
//   7  roll-off           the first k/M whose X[0]² + .. + X[k]² exceed 9/10 of the sum; 0 if none
//   8  thirteen cepstra   rows of a cosine transform of log10(bank·X + ε), 40 bands
//  21  twelve chroma      Σ weight·X² over a pitch class's bins / max(ΣX², ε)
//  33  their deviation
// Frames behind the clip's last are zero; what is computed for them is of the first frame's samples, because barriers must not depend on what
// buffers hold.
// Grid: one workgroup per frame, folded into 2-D.

//#include <common/grid.wgsl>
//#include <common/reduce.wgsl>

const BANDS: u32 = 40u;
const CHROMA: u32 = 12u;
const CEPSTRA: u32 = 13u;
const FEATURES: u32 = 34u;
const BLOCKS: u32 = 10u;
const EPS: f32 = 2.220446e-16;

struct Params { batch: u32, samples: u32, frames: u32, hop: u32, n: u32, bins: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:       array<f32>; // (B, N)
@group(0) @binding(2) var<storage, read>       lengths: array<u32>; // (B)          samples of each clip
@group(0) @binding(3) var<storage, read>       mag:     array<f32>; // (B, T, M)
@group(0) @binding(4) var<storage, read>       places:  array<u32>; // (53 + ..)    first entry of each band, of each pitch class, and the end; then the bin of each entry
@group(0) @binding(5) var<storage, read>       weight:  array<f32>; // (13, 40) + .. rows of the cosine transform; then the weight of each entry
@group(0) @binding(6) var<storage, read_write> y:       array<f32>; // (B, T, 34)   overwritten

var<workgroup> rows: array<f32, 52>; // log10 of the bands, then chroma
var<private> inside: bool; // whether the clip has the frame

fn put(at: u32, v: f32) { y[at] = select(0.0, v, inside); }

fn log10(v: f32) -> f32 { return 0.30102999566398120 * log2(v); }

// A block's term of an entropy.
fn part(share: f32) -> f32 { return -share * log2(share + EPS); }

fn sum_of_samples(lane: u32, begin: u32, to: u32) -> f32 {
    var sum = 0.0;
    for (var j = begin + lane; j < to; j += WG) { sum += x[j] * x[j]; }
    return block_sum(lane, sum);
}

fn sum_of_powers(lane: u32, begin: u32, to: u32) -> f32 {
    var sum = 0.0;
    for (var k = begin + lane; k < to; k += WG) { sum += mag[k] * mag[k]; }
    return block_sum(lane, sum);
}

fn sum_of_magnitudes(lane: u32, begin: u32) -> f32 {
    var sum = 0.0;
    for (var k = begin + lane; k < begin + p.bins; k += WG) { sum += mag[k]; }
    return block_sum(lane, sum);
}

// Features 0 to 2.
fn of_samples(lane: u32, at: u32, out: u32) {
    var crossings = 0.0;
    for (var j = at + 1u + lane; j < at + p.n; j += WG) { crossings += abs(sign(x[j]) - sign(x[j - 1u])); }
    crossings = block_sum(lane, crossings);
    let block = p.n / BLOCKS;
    var energy: array<f32, BLOCKS>;
    var total = sum_of_samples(lane, at + BLOCKS * block, at + p.n);
    for (var i = 0u; i < BLOCKS; i++) {
        energy[i] = sum_of_samples(lane, at + i * block, at + (i + 1u) * block);
        total += energy[i];
    }
    var entropy = 0.0;
    for (var i = 0u; i < BLOCKS; i++) { entropy += part(energy[i] / (total + EPS)); }
    if lane == 0u {
        put(out, 0.5 * crossings / f32(p.n - 1u));
        put(out + 1u, total / f32(p.n));
        put(out + 2u, entropy);
    }
}

// Features 3 to 6 of the frame whose bins start at `at`.
fn of_spectrum(lane: u32, at: u32, first: bool, out: u32) {
    let total = sum_of_magnitudes(lane, at) + EPS;
    let scale = 1.0 / f32(p.bins);
    var sum = 0.0;
    for (var k = lane; k < p.bins; k += WG) { sum += f32(k + 1u) * scale * mag[at + k]; }
    let centroid = block_sum(lane, sum) / total;
    sum = 0.0;
    for (var k = lane; k < p.bins; k += WG) {
        let d = f32(k + 1u) * scale - centroid;
        sum += d * d * mag[at + k];
    }
    let spread = sqrt(block_sum(lane, sum) / total);
    var flux = 0.0;
    if !first {
        let before = sum_of_magnitudes(lane, at - p.bins) + EPS;
        sum = 0.0;
        for (var k = lane; k < p.bins; k += WG) {
            let d = mag[at + k] / total - mag[at - p.bins + k] / before;
            sum += d * d;
        }
        flux = block_sum(lane, sum);
    }
    if lane == 0u {
        put(out + 3u, centroid);
        put(out + 4u, spread);
        put(out + 6u, flux);
    }
}

// Features 5 and 7; returns the sum of powers.
fn of_powers(lane: u32, at: u32, out: u32) -> f32 {
    let block = p.bins / BLOCKS;
    var power: array<f32, BLOCKS>;
    var total = sum_of_powers(lane, at + BLOCKS * block, at + p.bins);
    for (var i = 0u; i < BLOCKS; i++) {
        power[i] = sum_of_powers(lane, at + i * block, at + (i + 1u) * block);
        total += power[i];
    }
    var entropy = 0.0;
    for (var i = 0u; i < BLOCKS; i++) { entropy += part(power[i] / (total + EPS)); }
    // Each thread adds up a run of bins; the runs before it are where its own sum starts.
    let run = (p.bins + WG - 1u) / WG;
    let begin = min(lane * run, p.bins);
    let to = min(begin + run, p.bins);
    var own = 0.0;
    for (var k = begin; k < to; k++) { own += mag[at + k] * mag[at + k]; }
    workgroupBarrier();
    scratch[lane] = own;
    workgroupBarrier();
    var reached = 0.0;
    var most = 0.0;
    for (var l = 0u; l < WG; l++) {
        if l < lane { reached += scratch[l]; }
        most += scratch[l];
    }
    var found = 0.0; // M − k
    for (var k = begin; k < to; k++) {
        reached += mag[at + k] * mag[at + k];
        if found == 0.0 && reached > 0.9 * most { found = f32(p.bins - k); }
    }
    found = block_max(lane, found);
    if lane == 0u {
        put(out + 5u, entropy);
        put(out + 7u, select(0.0, (f32(p.bins) - found) / f32(p.bins), found > 0.0));
    }
    return total;
}

// Features 8 to 33.
fn of_bands(lane: u32, at: u32, power: f32, out: u32) {
    for (var m = lane; m < BANDS + CHROMA; m += WG) {
        var sum = 0.0;
        for (var e = places[m]; e < places[m + 1u]; e++) {
            let v = mag[at + places[BANDS + CHROMA + 1u + e]];
            sum += weight[CEPSTRA * BANDS + e] * select(v * v, v, m < BANDS);
        }
        if m < BANDS { rows[m] = log10(sum + EPS); } else { rows[m] = sum / max(power, EPS); }
    }
    workgroupBarrier();
    for (var q = lane; q < CEPSTRA + CHROMA; q += WG) {
        var v = 0.0;
        if q < CEPSTRA {
            for (var m = 0u; m < BANDS; m++) { v += weight[q * BANDS + m] * rows[m]; }
        } else {
            v = rows[BANDS + q - CEPSTRA];
        }
        put(out + 8u + q, v);
    }
    if lane == 0u {
        var mean = 0.0;
        for (var c = BANDS; c < BANDS + CHROMA; c++) { mean += rows[c]; }
        mean /= f32(CHROMA);
        // Contracted or not as the compiler likes, it would differ in its last bit.
        var squares = 0.0;
        for (var c = BANDS; c < BANDS + CHROMA; c++) { squares = fma(rows[c] - mean, rows[c] - mean, squares); }
        put(out + FEATURES - 1u, sqrt(squares / f32(CHROMA)));
    }
}

@compute @workgroup_size(WG)
fn short_term(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n);
    if row >= p.batch * p.frames { return; }
    let b = row / p.frames;
    let t = row % p.frames;
    let out = row * FEATURES;
    inside = t * p.hop + p.n <= min(lengths[b], p.samples);
    of_samples(lane, b * p.samples + select(0u, t * p.hop, inside), out);
    of_spectrum(lane, row * p.bins, t == 0u, out);
    let power = of_powers(lane, row * p.bins, out);
    of_bands(lane, row * p.bins, power, out);
}
