const WG: u32 = 128u; //#tunable  power of two
var<workgroup> scratch: array<f32, WG>;

// Sum of `v` over the workgroup, returned to every thread. Opens with a barrier so that it may be called again.
fn block_sum(lane: u32, v: f32) -> f32 {
    workgroupBarrier();
    scratch[lane] = v;
    workgroupBarrier();
    for (var half = WG / 2u; half > 0u; half >>= 1u) {
        if lane < half { scratch[lane] += scratch[lane + half]; }
        workgroupBarrier();
    }
    return scratch[0];
}

// Maximum of `v` over the workgroup, returned to every thread.
fn block_max(lane: u32, v: f32) -> f32 {
    workgroupBarrier();
    scratch[lane] = v;
    workgroupBarrier();
    for (var half = WG / 2u; half > 0u; half >>= 1u) {
        if lane < half { scratch[lane] = max(scratch[lane], scratch[lane + half]); }
        workgroupBarrier();
    }
    return scratch[0];
}
