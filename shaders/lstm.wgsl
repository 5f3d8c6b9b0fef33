// One time step of one direction of an LSTM (Hochreiter & Schmidhuber 1997, with forget gates), and its VJP; between steps the host
// launches a product with the recurrent weights. Gates in PyTorch's order i, f, g, o:
//   i, f, o = σ(xg + rec),  g = tanh(xg + rec)   xg[b,t] = W_ih x + b of all times, rec[b] = W_hh h of the step before (none at the first)
//   c[b,t]  = f · c[b,before] + i · g            `before` is the time of the step before: t − 1, or t + 1 in reverse
//   h       = o · tanh c
// Backward, from the last step to the first, with dh[b] = W_hhᵀ dgates of the step after and dc its share of the cell's gradient:
//   dh' = dy + dh;   dc' = dc + dh' o (1 − tanh² c);   do = dh' tanh c, di = dc' g, dg = dc' i, df = dc' c[b,before];   dc = dc' f
// Grid: WG·PER (clip, unit) pairs per workgroup, folded.

//#include <common/grid.wgsl>
//#include <common/vec1.wgsl>
//#include <common/gates.wgsl>

const WG: u32 = 128u; //#tunable
const PER: u32 = 4u; //#tunable  pairs per invocation

// `first` at the step without one before; `last` at the step without one after.
struct Params { batch: u32, hidden: u32, steps: u32, t: u32, before: u32, first: u32, last: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       xg:       array<f32>; // (B, T, 4H)
@group(0) @binding(2) var<storage, read>       rec:      array<f32>; // (B, 4H)
@group(0) @binding(3) var<storage, read_write> gates:    array<f32>; // (B, T, 4H)  at t overwritten: i, f, g, o
@group(0) @binding(4) var<storage, read_write> c:        array<f32>; // (B, T, H)   at t overwritten, at `before` read
@group(0) @binding(5) var<storage, read_write> y:        array<f32>; // (B, T, H)   at t overwritten
@group(0) @binding(6) var<storage, read_write> h_before: array<f32>; // (B, T, H)   at t overwritten: h of the step before
@group(0) @binding(7) var<storage, read_write> h:        array<f32>; // (B, H)      overwritten

@compute @workgroup_size(WG)
fn lstm_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let start = flat_group(g, n) * WG * PER + lane;
    let H = p.hidden;
    for (var step = 0u; step < PER; step++) {
        let e = start + step * WG;
        if e >= p.batch * H { return; }
        let b = e / H;
        let j = e % H;
        let row = b * p.steps + p.t;
        let at = row * 4u * H + j;
        var z = vec4<f32>(xg[at], xg[at + H], xg[at + 2u * H], xg[at + 3u * H]);
        var h0 = 0.0;
        var c0 = 0.0;
        if p.first == 0u {
            let r = b * 4u * H + j;
            z += vec4<f32>(rec[r], rec[r + H], rec[r + 2u * H], rec[r + 3u * H]);
            h0 = h[e];
            c0 = c[(b * p.steps + p.before) * H + j];
        }
        let a = vec4<f32>(sigmoid_of(z.x), sigmoid_of(z.y), tanh_of(z.z), sigmoid_of(z.w));
        let cell = a.y * c0 + a.x * a.z;
        let out = a.w * tanh_of(cell);
        gates[at] = a.x;
        gates[at + H] = a.y;
        gates[at + 2u * H] = a.z;
        gates[at + 3u * H] = a.w;
        c[row * H + j] = cell;
        y[row * H + j] = out;
        h_before[row * H + j] = h0;
        h[e] = out;
    }
}

@group(0) @binding(1) var<storage, read>       gates_saved: array<f32>; // (B, T, 4H)
@group(0) @binding(2) var<storage, read>       c_saved:     array<f32>; // (B, T, H)
@group(0) @binding(3) var<storage, read>       dy:          array<f32>; // (B, T, H)
@group(0) @binding(4) var<storage, read>       dh:          array<f32>; // (B, H)
@group(0) @binding(5) var<storage, read_write> dc:          array<f32>; // (B, H)      overwritten
@group(0) @binding(6) var<storage, read_write> dxg:         array<f32>; // (B, T, 4H)  at t overwritten
@group(0) @binding(7) var<storage, read_write> dgates:      array<f32>; // (B, 4H)     overwritten with the same

@compute @workgroup_size(WG)
fn lstm_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let start = flat_group(g, n) * WG * PER + lane;
    let H = p.hidden;
    for (var step = 0u; step < PER; step++) {
        let e = start + step * WG;
        if e >= p.batch * H { return; }
        let b = e / H;
        let j = e % H;
        let row = b * p.steps + p.t;
        let at = row * 4u * H + j;
        let a = vec4<f32>(gates_saved[at], gates_saved[at + H], gates_saved[at + 2u * H], gates_saved[at + 3u * H]);
        let cell = tanh_of(c_saved[row * H + j]);
        var c0 = 0.0;
        if p.first == 0u { c0 = c_saved[(b * p.steps + p.before) * H + j]; }
        var d = dy[row * H + j];
        var of_cell = 0.0;
        if p.last == 0u {
            d += dh[e];
            of_cell = dc[e];
        }
        of_cell += d * a.w * (1.0 - cell * cell);
        // Through the squashing functions.
        let dz = vec4<f32>(of_cell * a.z * a.x * (1.0 - a.x), of_cell * c0 * a.y * (1.0 - a.y), of_cell * a.x * (1.0 - a.z * a.z), d * cell * a.w * (1.0 - a.w));
        dc[e] = of_cell * a.y;
        dxg[at] = dz.x;
        dxg[at + H] = dz.y;
        dxg[at + 2u * H] = dz.z;
        dxg[at + 3u * H] = dz.w;
        let s = b * 4u * H + j;
        dgates[s] = dz.x;
        dgates[s + H] = dz.y;
        dgates[s + 2u * H] = dz.z;
        dgates[s + 3u * H] = dz.w;
    }
}
