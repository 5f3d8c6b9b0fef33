// Two floats in one access, for GPUs. (`pair1.wgsl` is the same for software drivers.)
alias Pair = vec2<f32>;
fn both(v: Pair) -> vec2<f32> { return v; }
fn pair(v: vec2<f32>) -> Pair { return v; }
