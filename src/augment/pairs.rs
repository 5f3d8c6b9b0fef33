//! Which images of a batch are mixed with which, and what becomes of their labels.

use super::rng::{Stream, below, unit};
use super::{Augment, MixLabels};

/// Stream of the draws here; the ops have others.
const STREAM: u32 = 0;
/// Weights of the first image in a plain mixture, as published with the code.
const WEIGHTS: std::ops::RangeInclusive<f32> = 0.55..=0.95;

/// The mixtures of one batch: host inputs of [`super::mix`].
#[derive(Debug, Clone, PartialEq)]
pub struct Pairs {
    /// The other image of each mixture: an index into the batch, its own where an image is not mixed.
    pub partner: Vec<u32>,
    /// 1 where images are mixed with one weight.
    pub mixup: Vec<f32>,
    /// That weight.
    pub weight: Vec<f32>,
    /// 1 where the weight follows the columns.
    pub horizontal: Vec<f32>,
    /// Share of the image's own label.
    pub share: Vec<f32>,
}

impl Pairs {
    /// Draws the mixtures of a batch of images of `columns` columns: each image becomes a plain mixture with probability
    /// `mixup.ratio`, a horizontal one with `horizontal_mixup.ratio`. Its partner is any image of another class, and no mixture is
    /// made where there is none. The same counter, classes and configuration give the same pairs.
    pub fn draw(classes: &[u32], columns: usize, config: &Augment, counter: [u32; 4]) -> Pairs {
        let n = classes.len();
        let stream = Stream::new(counter, STREAM);
        let mut pairs = Pairs {
            partner: (0..n as u32).collect(),
            mixup: vec![0.0; n],
            weight: vec![1.0; n],
            horizontal: vec![0.0; n],
            share: vec![1.0; n],
        };
        let (plain, horizontal) = (config.mixup.ratio as f32, config.horizontal_mixup.ratio as f32);
        let share = config.horizontal_mixup.share(columns) as f32;
        for i in 0..n {
            let [kind, which] = stream.draw(0, i as u32);
            let u = unit(kind);
            let others: Vec<usize> = (0..n).filter(|&j| classes[j] != classes[i]).collect();
            if u >= plain + horizontal || others.is_empty() {
                continue;
            }
            pairs.partner[i] = others[below(which, others.len().min(65_536) as u32) as usize] as u32;
            if u < plain {
                let v = WEIGHTS.start() + (WEIGHTS.end() - WEIGHTS.start()) * unit(stream.draw(1, i as u32)[0]);
                (pairs.mixup[i], pairs.weight[i], pairs.share[i]) = (1.0, v, v);
            } else {
                (pairs.horizontal[i], pairs.share[i]) = (1.0, share);
            }
        }
        pairs
    }

    /// Targets (B, K) of the batch whose images alone have `targets`.
    pub fn labels(&self, targets: &[f32], mode: MixLabels) -> Vec<f32> {
        let k = targets.len() / self.partner.len().max(1);
        let row = |i: usize| &targets[i * k..(i + 1) * k];
        let label = |i: usize| match self.partner[i] as usize {
            j if j == i => row(i).to_vec(),
            j => mode.mix(row(i), row(j), self.share[i]),
        };
        (0..self.partner.len()).flat_map(label).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::rng::counter;
    use super::super::tests::config;
    use super::*;

    #[test]
    fn ratios_classes_and_repetition() {
        let mut c = config();
        c.mixup.ratio = 0.2;
        c.horizontal_mixup.ratio = 0.3;
        let classes: Vec<u32> = (0..2000).map(|i| i % 4).collect();
        let pairs = Pairs::draw(&classes, 256, &c, counter(5, 9));
        let part = |v: &[f32]| v.iter().sum::<f32>() / 2000.0;
        assert!((part(&pairs.mixup) - 0.2).abs() < 0.03 && (part(&pairs.horizontal) - 0.3).abs() < 0.03, "{pairs:?}");
        for i in 0..2000 {
            let mixed = pairs.mixup[i] + pairs.horizontal[i];
            assert!(mixed == 0.0 || mixed == 1.0);
            assert_eq!(classes[pairs.partner[i] as usize] != classes[i], mixed == 1.0, "{i}");
            assert!((0.5..=1.0).contains(&pairs.share[i]));
        }
        assert_eq!(pairs, Pairs::draw(&classes, 256, &c, counter(5, 9)));
        assert_ne!(pairs, Pairs::draw(&classes, 256, &c, counter(5, 10)));
        // One class only: nothing to mix with.
        assert_eq!(Pairs::draw(&[1, 1, 1], 256, &c, counter(5, 9)).partner, [0, 1, 2]);
    }

    #[test]
    fn labels_follow_shares() {
        let pairs =
            Pairs { partner: vec![1, 1], mixup: vec![1.0, 0.0], weight: vec![0.75, 1.0], horizontal: vec![0.0; 2], share: vec![0.75, 1.0] };
        assert_eq!(pairs.labels(&[1.0, 0.0, 0.0, 1.0], MixLabels::Share), [0.75, 0.25, 0.0, 1.0]);
        assert_eq!(pairs.labels(&[1.0, 0.0, 0.0, 1.0], MixLabels::Multihot), [1.0, 1.0, 0.0, 1.0]);
    }
}
