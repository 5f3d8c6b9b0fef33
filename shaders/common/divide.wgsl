// ⌊a / b⌋ where `inverse` is 1 / b: an integer division is a loop over the lanes on software drivers. Exact below 2^23.
fn divide(a: u32, b: u32, inverse: f32) -> u32 {
    let q = u32(f32(a) * inverse);
    let r = i32(a) - i32(q * b);
    return select(select(q, q + 1u, r >= i32(b)), q - 1u, r < 0);
}
