//! Random numbers on the host: the stream depends on the keys alone, never on the thread that asks. Those of the shaders are in
//! [`augment::rng`](crate::augment::rng).

/// SplitMix64 (Steele, Lea and Flood 2014): a Weyl sequence with increment 2^64/φ, finalised by two multiply-xorshift rounds.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator whose stream is a function of `seed` and `keys` in their order.
    pub fn new(seed: u64, keys: &[u64]) -> Self {
        let mut rng = Rng(seed);
        for &key in keys {
            let mixed = rng.bits();
            rng = Rng(mixed ^ key.wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(32));
        }
        Rng(rng.bits())
    }

    /// The plain generator from `state`.
    pub fn at(state: u64) -> Self {
        Rng(state)
    }

    /// 64 uniform bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1), 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in [low, high).
    pub fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform integer in 0..n (n > 0); the bias of the modulo is below n/2^64.
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n.max(1) as u64) as usize
    }

    /// Fisher-Yates: every order equally likely.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Standard normal, Box-Muller; clamped to ±3 so that no clip becomes an outlier no human could speak.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        (radius * (std::f64::consts::TAU * self.unit()).cos()).clamp(-3.0, 3.0)
    }
}

/// A normal number from two uniform ones (Box & Muller 1958). (Kaiming starts round in another order, which stays as it is.)
pub fn normal(unit: &mut impl FnMut() -> f64) -> f64 {
    (-2.0 * unit().ln()).sqrt() * (std::f64::consts::TAU * unit()).cos()
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn streams_follow_their_keys() {
        let first = |seed, keys: &[u64]| Rng::new(seed, keys).bits();
        assert_eq!(first(1, &[2, 3]), first(1, &[2, 3]));
        let all = [first(1, &[2, 3]), first(1, &[3, 2]), first(2, &[2, 3]), first(1, &[2]), first(1, &[2, 3, 0])];
        for i in 0..all.len() {
            for j in 0..i {
                assert_ne!(all[i], all[j], "streams {i} and {j} coincide");
            }
        }
    }

    #[test]
    fn mean_and_variance() {
        let mut rng = Rng::new(7, &[]);
        let n = 40_000;
        let (mut mean, mut square, mut uniform) = (0.0, 0.0, 0.0);
        for _ in 0..n {
            let v = rng.normal();
            mean += v / n as f64;
            square += v * v / n as f64;
            uniform += rng.unit() / n as f64;
        }
        assert!(mean.abs() < 0.02, "mean {mean}");
        assert!((square - 0.987).abs() < 0.03, "variance {square}");
        assert!((uniform - 0.5).abs() < 0.01, "uniform mean {uniform}");
    }
}
