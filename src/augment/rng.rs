//! Counter-based random numbers on the host, the same as the shaders': Philox 2x32-10 (Salmon et al. 2011, "Parallel random numbers:
//! as easy as 1, 2, 3").

/// Ten rounds of Philox on `counter` under `key`.
pub fn philox(counter: [u32; 2], key: u32) -> [u32; 2] {
    let (mut c, mut k) = (counter, key);
    for _ in 0..10 {
        let product = 0xD256_D193 * u64::from(c[0]);
        c = [(product >> 32) as u32 ^ k ^ c[1], product as u32];
        k = k.wrapping_add(0x9E37_79B9);
    }
    c
}

/// Uniform in [0, 1) with 24 bits.
pub fn unit(bits: u32) -> f32 {
    (bits >> 8) as f32 / 16_777_216.0
}

/// Uniform in 0..n for n up to 65 536.
pub fn below(bits: u32, n: u32) -> u32 {
    ((bits >> 16) * n) >> 16
}

pub use crate::nn::counter;

/// Draws of one step for one purpose, as the shaders make them.
#[derive(Debug, Clone, Copy)]
pub struct Stream {
    key: u32,
}

impl Stream {
    /// Draws under `counter` for the purpose `stream`.
    pub fn new(counter: [u32; 4], stream: u32) -> Self {
        Stream { key: philox([counter[2], stream], counter[0] ^ counter[1].wrapping_mul(0x9E37_79B9))[0] }
    }

    /// Draw `i` of image `image`: two words.
    pub fn draw(self, i: u32, image: u32) -> [u32; 2] {
        philox([i, image], self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The generator's published known answers.
    #[test]
    fn known_answers() {
        assert_eq!(philox([0, 0], 0), [0xff1d_ae59, 0x6cd1_0df2]);
        assert_eq!(philox([!0, !0], !0), [0x2c3f_628b, 0xab4f_d7ad]);
        assert_eq!(philox([0x243f_6a88, 0x85a3_08d3], 0x1319_8a2e), [0xdd7c_e038, 0xf62a_4c12]);
    }

    #[test]
    fn streams_steps_and_seeds_differ() {
        let base = Stream::new(counter(7, 1), 1).draw(0, 0);
        for other in [Stream::new(counter(7, 1), 2), Stream::new(counter(7, 2), 1), Stream::new(counter(8, 1), 1)] {
            assert_ne!(base, other.draw(0, 0));
        }
        assert_ne!(base, Stream::new(counter(7 + (1 << 32), 1), 1).draw(0, 0));
        assert_eq!(base, Stream::new(counter(7, 1), 1).draw(0, 0));
    }
}
