// The matrices of a subgroup where adapters have them of several sizes: an even share, and at least one. Where there are more subgroups than
// matrices, the surplus makes the last one again, for they all have to be there.
var<workgroup> lanes: u32;

fn own_parts(lane: u32) -> u32 {
    let counted = subgroupAdd(1u);
    if lane == 0u { lanes = counted; }
    return max(SIDE * SIDE * workgroupUniformLoad(&lanes) / 256u, 1u);
}

fn first_part(lane: u32, own: u32) -> u32 { return min(lane / subgroupAdd(1u) * own, SIDE * SIDE - own); }
