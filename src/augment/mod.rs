//! Augmentation of training images.

mod config;

pub use config::{Augment, Cutout, HorizontalMixup, MixLabels, Mixup, RandomCut, SaltPepper, SpecAugment};
