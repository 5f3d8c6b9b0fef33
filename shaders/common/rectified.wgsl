// max(x, 0) that keeps a NaN: the bits of −0 … −∞ lie in a row, NaNs above them.
fn rectified(x: f32) -> f32 { return select(x, 0.0, bitcast<u32>(x) - 0x80000000u <= 0x7f800000u); }
fn rectified4(x: vec4<f32>) -> vec4<f32> {
    return select(x, vec4<f32>(), bitcast<vec4<u32>>(x) - vec4<u32>(0x80000000u) <= vec4<u32>(0x7f800000u));
}
