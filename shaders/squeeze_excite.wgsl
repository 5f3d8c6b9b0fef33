// The gate of squeeze-excitation (Hu et al. 2018) on pooled feature maps, and its VJP.
//   h[b,r] = max(Σ_c W1[r,c] m[b,c], 0), a NaN stays one
//   s[b,c] = σ(Σ_r W2[c,r] h[b,r])
//   z = ds · s (1 − s);   dh[b,r] = Σ_c z[b,c] W2[c,r] where h > 0, else 0;   dm[b,c] = Σ_r dh[b,r] W1[r,c]
//   dW1[r,c] = Σ_b dh[b,r] m[b,c];   dW2[c,r] = Σ_b z[b,c] h[b,r]
// Grid: squeeze_excite_fwd and _bwd one workgroup per image; squeeze_excite_bwd_weights one invocation per weight; folded.

//#include <common/grid.wgsl>
//#include <common/rectified.wgsl>
//#include <common/reduce.wgsl>

const HIDDEN: u32 = 256u; // most hidden values

struct Params { b: u32, c: u32, r: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       m:  array<f32>; // (B, C)
@group(0) @binding(2) var<storage, read>       w1: array<f32>; // (R, C)
@group(0) @binding(3) var<storage, read>       w2: array<f32>; // (C, R)
@group(0) @binding(4) var<storage, read_write> h:  array<f32>; // (B, R)  overwritten
@group(0) @binding(5) var<storage, read_write> s:  array<f32>; // (B, C)  overwritten

var<workgroup> hidden: array<f32, HIDDEN>;

@compute @workgroup_size(WG)
fn squeeze_excite_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let b = flat_group(g, n);
    if b >= p.b { return; }
    for (var r = 0u; r < p.r; r++) {
        var sum = 0.0;
        for (var c = lane; c < p.c; c += WG) { sum += w1[r * p.c + c] * m[b * p.c + c]; }
        sum = rectified(block_sum(lane, sum));
        if lane == 0u {
            hidden[r] = sum;
            h[b * p.r + r] = sum;
        }
    }
    workgroupBarrier();
    for (var c = lane; c < p.c; c += WG) {
        var z = 0.0;
        for (var r = 0u; r < p.r; r++) { z += w2[c * p.r + r] * hidden[r]; }
        // The exponent is never positive, so nothing overflows.
        let e = exp(-abs(z));
        s[b * p.c + c] = select(e, 1.0, z >= 0.0) / (1.0 + e);
    }
}

@group(0) @binding(1) var<storage, read>       s_saved: array<f32>; // (B, C)
@group(0) @binding(4) var<storage, read>       h_saved: array<f32>; // (B, R)
@group(0) @binding(5) var<storage, read>       ds:      array<f32>; // (B, C)
@group(0) @binding(6) var<storage, read_write> dh:      array<f32>; // (B, R)  overwritten
@group(0) @binding(7) var<storage, read_write> dm:      array<f32>; // (B, C)  overwritten

// Gradient before the sigmoid.
fn slope(i: u32) -> f32 {
    let v = s_saved[i];
    return ds[i] * v * (1.0 - v);
}

@compute @workgroup_size(WG)
fn squeeze_excite_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let b = flat_group(g, n);
    if b >= p.b { return; }
    for (var r = 0u; r < p.r; r++) {
        var sum = 0.0;
        for (var c = lane; c < p.c; c += WG) { sum += w2[c * p.r + r] * slope(b * p.c + c); }
        sum = block_sum(lane, sum);
        if lane == 0u {
            sum = select(0.0, sum, h_saved[b * p.r + r] > 0.0);
            hidden[r] = sum;
            dh[b * p.r + r] = sum;
        }
    }
    workgroupBarrier();
    for (var c = lane; c < p.c; c += WG) {
        var d = 0.0;
        for (var r = 0u; r < p.r; r++) { d += w1[r * p.c + c] * hidden[r]; }
        dm[b * p.c + c] = d;
    }
}

@group(0) @binding(2) var<storage, read>       m_saved: array<f32>; // (B, C)
@group(0) @binding(3) var<storage, read>       dh_in:   array<f32>; // (B, R)
@group(0) @binding(6) var<storage, read_write> dw1:     array<f32>; // (R, C)  overwritten
@group(0) @binding(7) var<storage, read_write> dw2:     array<f32>; // (C, R)  overwritten

@compute @workgroup_size(WG)
fn squeeze_excite_bwd_weights(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let e = flat_group(g, n) * WG + lane;
    if e >= p.r * p.c { return; }
    let r = e / p.c;
    let c = e % p.c;
    var d1 = 0.0;
    var d2 = 0.0;
    for (var b = 0u; b < p.b; b++) {
        d1 += dh_in[b * p.r + r] * m_saved[b * p.c + c];
        d2 += h_saved[b * p.r + r] * slope(b * p.c + c);
    }
    dw1[e] = d1;
    dw2[c * p.r + r] = d2;
}
