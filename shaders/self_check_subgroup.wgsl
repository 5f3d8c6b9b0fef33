// The start-up check of subgroups, apart because a device without them refuses the whole file: their width, and a broadcast of lane 0's
// number + 7 that every lane of the first subgroup must see.
// Grid: one workgroup.

struct Params { outer: u32, inner: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read_write> out: array<f32>; // (4)  overwritten

@compute @workgroup_size(64)
fn check_lanes(@builtin(local_invocation_index) index: u32, @builtin(subgroup_size) size: u32, @builtin(subgroup_invocation_id) lane: u32) {
    let first = subgroupBroadcast(lane + 7u, 0u);
    let same = subgroupAdd(select(0u, 1u, first == 7u));
    if index == 0u {
        out[0] = f32(size);
        out[1] = f32(first);
        out[2] = f32(same);
        out[3] = 0.0;
    }
}
