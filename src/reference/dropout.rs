//! Dropout with the mask of Philox 2x32-10.

/// Philox 2x32-10 (Salmon et al. 2011).
pub fn philox(mut c: [u32; 2], mut key: u32) -> [u32; 2] {
    for _ in 0..10 {
        let m = u64::from(0xD256_D193u32) * u64::from(c[0]);
        c = [(m >> 32) as u32 ^ key ^ c[1], m as u32];
        key = key.wrapping_add(0x9E37_79B9);
    }
    c
}

/// The factor of each element: 0, or `1/(1 − rate)` with the rate rounded to 16 bits.
pub fn mask(n: usize, rng: [u32; 4], rate: f64, stream: u32) -> Vec<f64> {
    let key = philox([rng[0] ^ stream.wrapping_mul(0x85EB_CA6B), rng[1]], stream)[0];
    let rate = (65_536.0 * rate).round() / 65_536.0;
    (0..n)
        .map(|i| {
            // One draw serves four neighbours.
            let word = philox([(i / 4) as u32, rng[2]], key)[i / 2 % 2];
            let u = f64::from(if i % 2 == 0 { word & 0xffff } else { word >> 16 }) / 65_536.0;
            if u >= rate { 1.0 / (1.0 - rate) } else { 0.0 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of the Random123 distribution.
    #[test]
    fn philox_known_answers() {
        assert_eq!(philox([0, 0], 0), [0xff1d_ae59, 0x6cd1_0df2]);
        assert_eq!(philox([u32::MAX, u32::MAX], u32::MAX), [0x2c3f_628b, 0xab4f_d7ad]);
        assert_eq!(philox([0x243f_6a88, 0x85a3_08d3], 0x1319_8a2e), [0xdd7c_e038, 0xf62a_4c12]);
    }

    #[test]
    fn masks_have_the_rate_and_differ_by_step_and_stream() {
        let rng = [7, 0, 3, 0];
        let kept = |m: &[f64]| m.iter().filter(|v| **v > 0.0).count();
        let a = mask(100_000, rng, 0.3, 1);
        assert!((kept(&a) as f64 - 70_000.0).abs() < 600.0, "{} kept", kept(&a));
        for b in [mask(100_000, [7, 0, 4, 0], 0.3, 1), mask(100_000, rng, 0.3, 2), mask(100_000, [8, 0, 3, 0], 0.3, 1)] {
            let both = a.iter().zip(&b).filter(|(a, b)| **a > 0.0 && **b > 0.0).count();
            assert!((both as f64 - 49_000.0).abs() < 700.0, "{both} kept by both");
        }
    }
}
