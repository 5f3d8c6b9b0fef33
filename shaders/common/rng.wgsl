// Counter-based random numbers: Philox 2x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
// The same (key, counter) gives the same bits on every adapter; nothing is stored between steps.

// High and low half of a 32 x 32 bit product.
fn mul_wide(a: u32, b: u32) -> vec2<u32> {
    let al = a & 0xffffu; let ah = a >> 16u;
    let bl = b & 0xffffu; let bh = b >> 16u;
    let ll = al * bl; let lh = al * bh; let hl = ah * bl; let hh = ah * bh;
    let mid = (ll >> 16u) + (lh & 0xffffu) + (hl & 0xffffu);
    return vec2<u32>(hh + (lh >> 16u) + (hl >> 16u) + (mid >> 16u), (mid << 16u) | (ll & 0xffffu));
}

fn philox(counter: vec2<u32>, seed: u32) -> vec2<u32> {
    var c = counter;
    var k = seed;
    for (var r = 0u; r < 10u; r++) {
        let m = mul_wide(0xD256D193u, c.x);
        c = vec2<u32>(m.x ^ k ^ c.y, m.y);
        k += 0x9E3779B9u;
    }
    return c;
}

// Uniform in [0, 1) with 24 bits.
fn unit(bits: u32) -> f32 { return f32(bits >> 8u) * (1.0 / 16777216.0); }
