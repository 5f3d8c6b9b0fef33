// Two floats in one access: a software driver spends a dozen instructions per lane on each, whatever its width.
fn both(v: u64) -> vec2<f32> { return vec2<f32>(bitcast<f32>(u32(v)), bitcast<f32>(u32(v >> 32u))); }
fn pair(v: vec2<f32>) -> u64 { return u64(bitcast<u32>(v.x)) | (u64(bitcast<u32>(v.y)) << 32u); }
