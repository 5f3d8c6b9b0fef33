//! What training does to images: the `[augment]` section of a configuration.

use crate::words::words;
use serde::{Deserialize, Serialize};

words! {
    /// Labels of a mixed image.
    MixLabels {
        /// Both classes by their share of the image.
        Share = "share",
        /// The class with the larger share.
        Dominant = "dominant",
        /// Both classes fully (needs a loss over independent classes).
        Multihot = "multihot",
    }
}

/// `[augment]`: what training does to images. Lengths are shares of the image side, so that they fit any size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Augment {
    /// The image through a lens at one of six distances, and a part of it.
    pub daarip: Daarip,
    /// A random window of the image, resized to the whole.
    pub random_cut: RandomCut,
    /// Squares set to the mean.
    pub cutout: Cutout,
    /// Pixels set to the highest or lowest value.
    pub salt_pepper: SaltPepper,
    /// Weighted sums of two images.
    pub mixup: Mixup,
    /// Sums of two images whose weights change along time.
    pub horizontal_mixup: HorizontalMixup,
    /// Bands of time and frequency set to the mean.
    pub spec_augment: SpecAugment,
    /// Another tempo, voice and level, of frames.
    #[serde(default)]
    pub warp: Warp,
}

/// `[augment.daarip]` (Niu et al. 2017): a convex lens at distances of 1.5, 1.75, 2, 2.5, 3 and 4 times its focal length shows an image at
/// 2, 1.33, 1, 0.67, 0.5 and 0.33 of its size, from which it is brought back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Daarip {
    /// Probability per image of a lens; 0 for none.
    pub prob: f64,
    /// Side of what the network sees of a square image: anywhere where images are augmented, from its centre otherwise; 0 for all of it.
    pub crop: usize,
}

impl Daarip {
    /// Rows and columns of what the network sees of an image of so many.
    pub fn window(&self, (rows, cols): (usize, usize)) -> (usize, usize) {
        if self.crop == 0 { (rows, cols) } else { (self.crop.min(rows), self.crop.min(cols)) }
    }
}

/// `[augment.random_cut]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RandomCut {
    /// Probability per image; 0 for none.
    pub prob: f64,
    /// Smallest side of the window, share of the image's.
    pub min_fraction: f64,
    /// Where positive, the window keeps all frequencies and they are stretched or shrunk by up to this share, away from the highest, as
    /// if by another speaker's pitch and vocal tract (after Jaitly & Hinton 2013, "Vocal tract length perturbation"); 0 for a window.
    pub freq_zoom: f64,
    /// With `freq_zoom`, the largest shift along frequency, share of the image side.
    pub freq_shift: f64,
}

/// `[augment.cutout]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cutout {
    /// Probability per image.
    pub prob: f64,
    /// Squares per image.
    pub n: usize,
    /// Side of a square, share of the image's.
    pub size: f64,
}

/// `[augment.salt_pepper]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SaltPepper {
    /// Probability per image.
    pub prob: f64,
    /// Share of the pixels that change.
    pub fraction: f64,
    /// Share of those that become the lowest value; the released code has 0, salt only.
    pub pepper: f64,
}

/// `[augment.mixup]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mixup {
    /// Share of a batch that is mixed.
    pub ratio: f64,
}

/// `[augment.horizontal_mixup]`: w(t) = c (a + b t/T), out = min(1, w) I1 + max(0, 1 - w) I2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HorizontalMixup {
    /// Share of a batch that is mixed.
    pub ratio: f64,
    /// Weight at the first column.
    pub a: f64,
    /// Growth of the weight from the first column to the last.
    pub b: f64,
    /// Factor of both.
    pub c: f64,
    /// Labels of the result.
    pub labels: MixLabels,
}

/// `[augment.spec_augment]` (Park et al. 2019, masking only)
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpecAugment {
    /// Bands of time.
    pub time_masks: usize,
    /// Their largest width, share of the image's.
    pub time_width: f64,
    /// Bands of frequency.
    pub freq_masks: usize,
    /// Their largest height, share of the image's.
    pub freq_width: f64,
}

/// `[augment.warp]`: what frames are changed by that are as many as a recording has. Each is shown from any of its frames on, around its end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Warp {
    /// Probability per recording; 0 for none.
    pub prob: f64,
    /// Frames are read faster or more slowly by up to this share.
    pub tempo: f64,
    /// Bands are stretched or shrunk by up to this share, away from the lowest, as if by another vocal tract.
    pub zoom: f64,
    /// The most that is added to or taken off all values: another level.
    pub level: f64,
}
