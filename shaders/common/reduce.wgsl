const WG: u32 = 128u; //#tunable  power of two
var<workgroup> lanes: array<f32, WG>;

// Sum of `v` over the workgroup, returned to every lane. Opens with a barrier so that it may be called again.
fn block_sum(lane: u32, v: f32) -> f32 {
    workgroupBarrier();
    lanes[lane] = v;
    workgroupBarrier();
    for (var half = WG / 2u; half > 0u; half >>= 1u) {
        if lane < half { lanes[lane] += lanes[lane + half]; }
        workgroupBarrier();
    }
    return lanes[0];
}

// Maximum of `v` over the workgroup, returned to every lane.
fn block_max(lane: u32, v: f32) -> f32 {
    workgroupBarrier();
    lanes[lane] = v;
    workgroupBarrier();
    for (var half = WG / 2u; half > 0u; half >>= 1u) {
        if lane < half { lanes[lane] = max(lanes[lane], lanes[lane + half]); }
        workgroupBarrier();
    }
    return lanes[0];
}
