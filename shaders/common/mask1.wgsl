//#include <common/mask.wgsl>
// What dropout leaves of access `e` of a draw's four values, one value per access. (`mask2.wgsl` is the same with two.)
fn masked(u: vec4<u32>, e: u32, least: u32, v: Value) -> Value { return select(0.0, v, u[e] >= least); }
