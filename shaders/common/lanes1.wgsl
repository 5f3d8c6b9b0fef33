// One access, one float. (`lanes2.wgsl` is the same with two.)
alias Stored = f32;
alias Value = f32;
fn load(s: Stored) -> Value { return s; }
fn store(v: Value) -> Stored { return v; }
fn total(v: Value) -> f32 { return v; }
// max(v, 0) that keeps a NaN: the bits of −0 … −∞ lie in a row, NaNs above them.
fn rectified(v: Value) -> Value { return select(v, 0.0, bitcast<u32>(v) - 0x80000000u <= 0x7f800000u); }
