// Votes of one-vs-one machines, a machine per pair of classes (0,1), (0,2) .. (K−2,K−1).
//   v[b,k] = number of pairs (k,j) whose decision is positive, and of pairs (i,k) whose decision is not
// Grid: one invocation per row and class, folded.

//#include <common/grid.wgsl>

const WG: u32 = 64u; //#tunable

struct Params { rows: u32, classes: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       decision: array<f32>; // (rows, classes·(classes − 1)/2)
@group(0) @binding(2) var<storage, read_write> v:        array<f32>; // (rows, classes)  overwritten

@compute @workgroup_size(WG)
fn votes(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let e = flat_group(g, n) * WG + lane;
    if e >= p.rows * p.classes { return; }
    let k = e % p.classes;
    var pair = e / p.classes * (p.classes * (p.classes - 1u) / 2u);
    var s = 0.0;
    for (var i = 0u; i < p.classes; i++) {
        for (var j = i + 1u; j < p.classes; j++) {
            if (i == k && decision[pair] > 0.0) || (j == k && decision[pair] <= 0.0) { s += 1.0; }
            pair++;
        }
    }
    v[e] = s;
}
