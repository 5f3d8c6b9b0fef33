// max(x, 0) that keeps a NaN: the bits of −0 … −∞ lie in a row, NaNs above them.
fn rectified(x: f32) -> f32 { return select(x, 0.0, bitcast<u32>(x) - 0x80000000u <= 0x7f800000u); }
