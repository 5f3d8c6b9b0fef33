// One access, two floats: kernels written for `Stored` and `Value` serve GPUs with `vec1.wgsl` and software drivers with this.
//#include <common/pair.wgsl>
alias Stored = u64;
alias Value = vec2<f32>;
fn load(s: Stored) -> Value { return both(s); }
fn store(v: Value) -> Stored { return pair(v); }
fn total(v: Value) -> f32 { return v.x + v.y; }
fn largest(v: Value) -> f32 { return max(v.x, v.y); }
fn first_of(v: Value) -> f32 { return v.x; }
// As in rectified.wgsl, for two.
fn rectified(v: Value) -> Value { return select(v, Value(), bitcast<vec2<u32>>(v) - vec2<u32>(0x80000000u) <= vec2<u32>(0x7f800000u)); }
// As in vec1.wgsl.
fn not_a_number(v: Value) -> vec2<bool> { return (bitcast<vec2<u32>>(v) & vec2<u32>(0x7fffffffu)) > vec2<u32>(0x7f800000u); }
