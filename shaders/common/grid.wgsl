// Linear workgroup number in a grid folded over x, then y.
fn flat_group(g: vec3<u32>, n: vec3<u32>) -> u32 { return g.y * n.x + g.x; }
