// Global gradient norm and the factor that brings it down to a maximum, in two stages of fixed order.
//   clip_partial   partial[w] = Σ x² over the w-th chunk
//   clip_finish    norm = √Σ_w partial[w] / loss_scale,   scale = min(1, max_norm / (norm + 1e-6)) / loss_scale
// where the gradients are those of the loss times `loss_scale`.
// A norm that is not finite gives scale NaN (made from bits, so that no compiler folds it away).
// Grid: clip_partial one workgroup per chunk, folded into 2-D; clip_finish one workgroup.

//#include <common/bits.wgsl>
//#include <common/grid.wgsl>
//#include <common/vec${VEC}.wgsl>
//#include <common/reduce.wgsl>

const VEC: u32 = 1u; //#tunable  floats per access

struct Params { n: u32, chunk: u32, max_norm: f32, nan: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:       array<Stored>; // (n), n and chunk in accesses
@group(0) @binding(2) var<storage, read_write> partial: array<f32>; // (ceil(n / chunk))  overwritten

@compute @workgroup_size(WG)
fn clip_partial(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let group = flat_group(g, n);
    let first = group * p.chunk;
    if first >= p.n { return; }
    let end = first + min(p.chunk, p.n - first);
    var squares = Value();
    //#stream i in first + lane..end by WG
    let x_${i} = load(x[${i}]);
    //#then
    squares += x_${i} * x_${i};
    //#end
    let s = block_sum(lane, total(squares));
    if lane == 0u { partial[group] = s; }
}

@group(0) @binding(1) var<storage, read>       partial_saved: array<f32>; // (n)  n = number of chunks
@group(0) @binding(2) var<storage, read>       loss_scale:    array<f32>; // (1)
@group(0) @binding(3) var<storage, read_write> norm:          array<f32>; // (1)  overwritten
@group(0) @binding(4) var<storage, read_write> scale:         array<f32>; // (1)  overwritten

@compute @workgroup_size(WG)
fn clip_finish(@builtin(local_invocation_index) lane: u32) {
    var s = 0.0;
    for (var i = lane; i < p.n; i += WG) { s += partial_saved[i]; }
    s = block_sum(lane, s);
    if lane == 0u {
        let r = sqrt(s) / loss_scale[0];
        norm[0] = r;
        var factor = 1.0;
        if r + 1e-6 > p.max_norm { factor = p.max_norm / (r + 1e-6); }
        if !finite(s) { factor = bitcast<f32>(p.nan); }
        scale[0] = factor / loss_scale[0];
    }
}
