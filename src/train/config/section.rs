//! The sections of a configuration. Real numbers are f64 so that they print as they were written.

use serde::{Deserialize, Serialize};

use super::choice::*;

/// `[frontend]`: from samples to mel bands in dB.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frontend {
    /// Samples per second after resampling.
    pub sample_rate: u32,
    /// Coefficient a of y\[n\] = x\[n\] - a x\[n-1\]; 0 for none.
    pub pre_emphasis: f64,
    /// Analysis window.
    pub window: Window,
    /// Window length, samples.
    pub frame: usize,
    /// Samples between frames.
    pub hop: usize,
    /// Points of the Fourier transform, a power of two, at least `frame`.
    pub n_fft: usize,
    /// Mel bands.
    pub n_mels: usize,
    /// Lower edge of the lowest band, Hz.
    pub f_min: f64,
    /// Upper edge of the highest band, Hz.
    pub f_max: f64,
    /// Frequency warping.
    pub mel_scale: MelScale,
    /// Scaling of the triangles.
    pub mel_norm: MelNorm,
    /// Exponent of the magnitude spectrum: 1 or 2.
    pub power: f64,
    /// Lowest level kept, dB relative to the clip's own maximum.
    pub db_floor: f64,
}

/// `[image]`: from mel bands to the network's input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Rows and columns.
    pub size: usize,
    /// How lengths are made equal.
    pub fit: Fit,
    /// How values are resampled.
    pub resize: Resize,
    /// Seconds shown when `fit` is `pad`.
    pub seconds: f64,
    /// 1: the spectrogram; 3: with its first and second differences over time.
    pub channels: usize,
    /// Scaling of the values.
    pub normalise: Normalise,
}

/// `[augment]`: what training does to images. Lengths are shares of the image side, so that they fit any size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Augment {
    /// A random window of the image, resized to the whole.
    pub random_cut: RandomCut,
    /// Squares set to the image's mean.
    pub cutout: Cutout,
    /// Pixels set to the highest or lowest value.
    pub salt_pepper: SaltPepper,
    /// Weighted sums of two images.
    pub mixup: Mixup,
    /// Sums of two images whose weights change along time.
    pub horizontal_mixup: HorizontalMixup,
    /// Bands of time and frequency set to the image's mean.
    pub spec_augment: SpecAugment,
}

/// `[augment.random_cut]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RandomCut {
    /// Probability per image; 0 for none.
    pub prob: f64,
    /// Smallest side of the window, share of the image's.
    pub min_fraction: f64,
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

/// `[model]`: the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Which network.
    pub name: ModelName,
    /// Channels after the stem; the feature maps have eight times as many, which is the transformer's width.
    pub width: usize,
    /// Channel attention in the residual blocks.
    pub se: bool,
    /// Its bottleneck: channels / reduction.
    pub reduction: usize,
    /// What a token is.
    pub token: Token,
    /// Transformer blocks.
    pub depth: usize,
    /// Attention heads; they divide the transformer's width.
    pub heads: usize,
    /// Hidden width of the feed-forward part; 0 for four times the transformer's width.
    pub ff: usize,
    /// Dropout probability in the transformer.
    pub dropout: f64,
    /// Where blocks normalise.
    pub norm: NormPlace,
    /// Position encoding.
    pub position: Position,
    /// Layer normalisation.
    pub ln: LayerNormKind,
    /// Head of the speaker task.
    pub speaker_head: SpeakerHead,
}

impl Model {
    /// Width of the transformer: the channels of the last feature maps.
    pub fn features(&self) -> usize {
        8 * self.width
    }

    /// Hidden width of the feed-forward part.
    pub fn feed_forward(&self) -> usize {
        if self.ff == 0 { 4 * self.features() } else { self.ff }
    }
}

/// `[train]`: how the network learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Train {
    /// Seed of everything random.
    pub seed: u64,
    /// Clips per step.
    pub batch: usize,
    /// Parts a batch is computed in, for memory; they divide it.
    pub micro_batches: usize,
    /// Stages in order.
    pub stages: Vec<StageName>,
    /// Optimiser.
    pub optimiser: Optimiser,
    /// Loss of the emotion task; the speaker task has cross-entropy.
    pub loss: Loss,
    /// Share of the label spread over all classes.
    pub label_smoothing: f64,
    /// Exponent of the focal loss.
    pub focal_gamma: f64,
    /// Decay of all weights per step, times the learning rate.
    pub weight_decay: f64,
    /// Decay rates of AdamW's moments; the second is RMSprop's too.
    pub betas: [f64; 2],
    /// Added to the denominators of AdamW and RMSprop.
    pub eps: f64,
    /// Momentum of SGD and RMSprop.
    pub momentum: f64,
    /// Largest gradient norm; 0 for no clipping.
    pub clip_norm: f64,
    /// Learning-rate schedule.
    pub schedule: Schedule,
    /// Factor of the step schedule.
    pub step_gamma: f64,
    /// Epochs between its steps.
    pub step_epochs: usize,
    /// Epochs of linear warm-up at the start of a stage; fractions count.
    pub warmup_epochs: f64,
    /// Decay of the weights' moving average per step; 0 for none.
    pub ema: f64,
    /// Epochs without improvement on the validation set before a stage ends; 0 for never.
    pub early_stopping: usize,
    /// Frozen layers keep their batch-norm statistics too.
    pub bn_frozen: bool,
    /// Weight of the speaker loss in the joint stage.
    pub joint_alpha: f64,
    /// Every class is drawn equally often.
    pub class_balanced: bool,
}

/// `[stage.*]`: what differs between stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stages {
    /// `[stage.voiceprint]`
    pub voiceprint: Stage,
    /// `[stage.emotion]`
    pub emotion: Stage,
    /// `[stage.finetune]`
    pub finetune: Stage,
    /// `[stage.single]`
    pub single: Stage,
    /// `[stage.joint]`
    pub joint: Stage,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Passes over the training set.
    pub epochs: usize,
    /// Base learning rate.
    pub lr: f64,
    /// Whether images are augmented.
    pub augment: bool,
}
