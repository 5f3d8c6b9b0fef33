//! Dynamic loss scaling (Micikevicius et al. 2018, "Mixed precision training"): the loss is multiplied so that small gradients survive
//! rounding to half precision, and the update divides by the same factor.

use serde::{Deserialize, Serialize};

/// Factor of the loss, a power of two so that scaling rounds nothing, and what happened to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LossScale {
    /// Factor of the loss in the next step.
    pub factor: f32,
    /// Steps with a finite gradient since the factor changed.
    good: u64,
    /// Steps that changed nothing because their gradient was not finite.
    pub skipped: u64,
}

impl Default for LossScale {
    fn default() -> Self {
        LossScale { factor: 65_536.0, good: 0, skipped: 0 }
    }
}

impl LossScale {
    /// Steps after which the factor is tried at twice its value.
    const PATIENCE: u64 = 2000;

    /// Takes note of a step: halves the factor after a gradient that is not finite, doubles it after many that are. `false` when the
    /// gradient is not finite although nothing is scaled any more.
    pub fn observe(&mut self, finite: bool) -> bool {
        if finite {
            self.good += 1;
            if self.good == Self::PATIENCE {
                (self.factor, self.good) = ((2.0 * self.factor).min(16_777_216.0), 0);
            }
            return true;
        }
        let last = self.factor == 1.0;
        self.skipped += 1;
        (self.factor, self.good) = ((0.5 * self.factor).max(1.0), 0);
        !last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_at_once_and_doubles_after_patience() {
        let mut s = LossScale::default();
        assert!(s.observe(false) && s.observe(false));
        assert_eq!((s.factor, s.skipped), (16_384.0, 2));
        for _ in 0..LossScale::PATIENCE - 1 {
            assert!(s.observe(true));
        }
        assert_eq!(s.factor, 16_384.0);
        s.observe(true);
        assert_eq!(s.factor, 32_768.0);
        let refused = (0..100).position(|_| !s.observe(false));
        assert_eq!((refused, s.factor), (Some(15), 1.0));
    }
}
