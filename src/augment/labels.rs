//! Labels of mixed images.

use super::{HorizontalMixup, MixLabels};
use crate::ops::Curve;

impl HorizontalMixup {
    /// The weight curve of the ops.
    pub fn curve(&self) -> Curve {
        Curve { a: self.a as f32, b: self.b as f32, c: self.c as f32 }
    }

    /// Share of the first image in the result: the mean of `min(1, w(t))` over the columns t = 0..columns−1.
    pub fn share(&self, columns: usize) -> f64 {
        let weight = |t: usize| self.c * (self.a + self.b * t as f64 / columns as f64);
        (0..columns).map(|t| weight(t).min(1.0)).sum::<f64>() / columns.max(1) as f64
    }
}

impl MixLabels {
    /// Label of an image of which `share` is labelled `first` and the rest `second`: `share·first + (1 − share)·second`, the label of
    /// the larger share, or both in full.
    pub fn mix(self, first: &[f32], second: &[f32], share: f32) -> Vec<f32> {
        let pairs = first.iter().zip(second);
        match self {
            MixLabels::Share => pairs.map(|(a, b)| share * a + (1.0 - share) * b).collect(),
            MixLabels::Dominant => if share >= 0.5 { first } else { second }.to_vec(),
            MixLabels::Multihot => pairs.map(|(a, b)| a.max(*b)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paper() -> HorizontalMixup {
        HorizontalMixup { ratio: 0.3, a: 0.05, b: 1.25, c: 1.0, labels: MixLabels::Share }
    }

    #[test]
    fn published_curve_gives_the_first_image_its_share() {
        assert!((paper().share(256) - 0.639).abs() < 2e-3, "{}", paper().share(256));
        assert!((paper().share(1_000_000) - 0.639).abs() < 1e-4, "{}", paper().share(1_000_000));
        assert_eq!(HorizontalMixup { a: 1.0, b: 0.0, c: 0.5, ..paper() }.share(7), 0.5);
    }

    #[test]
    fn label_modes() {
        let (a, b) = ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]);
        assert_eq!(MixLabels::Share.mix(&a, &b, 0.75), [0.75, 0.25, 0.0]);
        assert_eq!(MixLabels::Dominant.mix(&a, &b, 0.75), a);
        assert_eq!(MixLabels::Dominant.mix(&a, &b, 0.25), b);
        assert_eq!(MixLabels::Multihot.mix(&a, &b, 0.25), [1.0, 1.0, 0.0]);
    }
}
