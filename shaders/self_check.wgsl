// The start-up check: what some drivers silently get wrong.
//   loops      300 x 300 nested iterations must count 90 000 (Mesa 22 stops after 65 535 in total)
//   workgroup  a sum through workgroup memory and barriers
//   arithmetic an exponential, a root and a division
// Grid: one workgroup.

struct Params { outer: u32, inner: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read_write> out: array<f32>; // (4)  overwritten

var<workgroup> parts: array<f32, 64>;

@compute @workgroup_size(64)
fn check_loops(@builtin(local_invocation_index) lane: u32) {
    var count = 0u;
    for (var i = 0u; i < p.outer; i++) {
        for (var j = 0u; j < p.inner; j++) { count += 1u; }
    }
    parts[lane] = f32(lane + 1u);
    workgroupBarrier();
    for (var half = 32u; half > 0u; half >>= 1u) {
        if lane < half { parts[lane] += parts[lane + half]; }
        workgroupBarrier();
    }
    if lane == 0u {
        out[0] = f32(count);
        out[1] = parts[0];
        out[2] = exp(-f32(p.outer) / 300.0);
        out[3] = sqrt(f32(p.inner)) / f32(p.outer);
    }
}
