// Dropout's mask: one draw serves four neighbours i = 4j .. 4j + 3, sixteen bits each. Needs common/rng.wgsl.

// Key of a stream; `words` are seed low, seed high.
fn mask_key(words: vec2<u32>, stream: u32) -> u32 { return philox(vec2<u32>(words.x ^ (stream * 0x85EBCA6Bu), words.y), stream).x; }

// The four numbers below 65536 of elements 4j .. 4j + 3.
fn mask_draw(j: u32, step: u32, key: u32) -> vec4<u32> {
    let u = philox(vec2<u32>(j, step), key);
    return vec4<u32>(u.x & 0xffffu, u.x >> 16u, u.y & 0xffffu, u.y >> 16u);
}
