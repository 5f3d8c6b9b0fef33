// Part of a tensor along one axis, seen as (outer, n, inner), its VJP, and concatenation.
//   slice_fwd   part[o,j,i] = whole[o, start + j, i]
//   slice_bwd   whole[o,j,i] = part[o, j − start, i] inside, 0 elsewhere
//   concat_part whole[o, start + j, i] = part[o,j,i], the rest of `whole` untouched (one launch per part)
// Grid: WG·PER neighbouring elements per workgroup of the part (fwd, concat) or of the whole (bwd), folded.

//#include <common/grid.wgsl>

const WG: u32 = 128u; //#tunable
const PER: u32 = 4u; //#tunable  elements per invocation

struct Params { outer: u32, n: u32, inner: u32, start: u32, m: u32 }
@group(0) @binding(0) var<uniform>             p: Params; // n: extent of the whole, m: of the part

@group(0) @binding(1) var<storage, read>       whole: array<f32>; // (outer, n, inner)
@group(0) @binding(2) var<storage, read_write> part:  array<f32>; // (outer, m, inner)  overwritten

// Index in the whole of element i of the part.
fn place(i: u32) -> u32 {
    let row = p.m * p.inner;
    return i / row * p.n * p.inner + p.start * p.inner + i % row;
}

@compute @workgroup_size(WG)
fn slice_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.outer * p.m * p.inner by WG, PER rounds
    let whole_${i} = whole[place(${i})];
    //#then
    part[${i}] = whole_${i};
    //#end
}

@group(0) @binding(1) var<storage, read>       part_in:   array<f32>; // (outer, m, inner)
@group(0) @binding(2) var<storage, read_write> whole_out: array<f32>; // (outer, n, inner)  overwritten

// What element i of the whole has of the part.
fn inside(i: u32) -> f32 {
    let j = i / p.inner % p.n - p.start;
    if j < p.m { return part_in[(i / (p.n * p.inner) * p.m + j) * p.inner + i % p.inner]; }
    return 0.0;
}

@compute @workgroup_size(WG)
fn slice_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.outer * p.n * p.inner by WG, PER rounds
    let part_${i} = inside(${i});
    //#then
    whole_out[${i}] = part_${i};
    //#end
}

@compute @workgroup_size(WG)
fn concat_part(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.outer * p.m * p.inner by WG, PER rounds
    let part_${i} = part_in[${i}];
    //#then
    whole_out[place(${i})] = part_${i};
    //#end
}
