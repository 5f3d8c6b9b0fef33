// One access, one float. (`vec2.wgsl` is the same with two.)
//#include <common/rectified.wgsl>
alias Stored = f32;
alias Value = f32;
fn load(s: Stored) -> Value { return s; }
fn store(v: Value) -> Stored { return v; }
fn total(v: Value) -> f32 { return v; }
fn first_of(v: Value) -> f32 { return v; }
fn largest(v: Value) -> f32 { return v; }
// By its bits, for compilers may take comparisons as if there were none.
fn not_a_number(v: Value) -> bool { return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u; }
