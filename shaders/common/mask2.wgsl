//#include <common/mask.wgsl>
// What dropout leaves of access `e` of a draw's four values, two values per access.
fn masked(u: vec4<u32>, e: u32, least: u32, v: Value) -> Value { return select(Value(), v, select(u.xy, u.zw, e == 1u) >= vec2<u32>(least)); }
