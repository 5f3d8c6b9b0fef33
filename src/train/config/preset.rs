//! Built-in configurations.

use super::Config;
use super::section::*;
use super::words::{nearest, *};
use crate::{Error, Result};

impl Config {
    /// Names of the built-in configurations, from the cheapest.
    pub const PRESETS: &'static [&'static str] = &["tiny", "small", "paper"];

    /// A built-in configuration.
    ///
    /// # Errors
    /// [`Error::Config`] listing the names when `name` is none of them.
    pub fn preset(name: &str) -> Result<Self> {
        match name {
            "tiny" => Ok(tiny()),
            "small" => Ok(small()),
            "paper" => Ok(paper()),
            _ => {
                let hint = nearest(name, Self::PRESETS.iter().copied()).map_or_else(String::new, |n| format!("; did you mean {n:?}?"));
                Err(Error::Config(format!("preset {name:?} is not one of {}{hint}", Self::PRESETS.join(", "))))
            }
        }
    }
}

/// The full-size network as published (Yuan et al. 2021 and the released code). Where neither says, the choice is ours: 16 kHz with 25 ms
/// frames, voiceprint training as long as the emotion stage, labels of mixed images by share.
fn paper() -> Config {
    let stage = |lr: f64| Stage { epochs: 60, lr, augment: true };
    Config {
        frontend: paper_frontend(),
        image: Image { size: 256, fit: Fit::Stretch, resize: Resize::Nearest, seconds: 4.0, channels: 1, normalise: Normalise::Train },
        augment: paper_augment(),
        model: paper_model(),
        train: paper_train(),
        stage: Stages { voiceprint: stage(5e-4), emotion: stage(5e-4), finetune: stage(1e-4), single: stage(5e-4), joint: stage(5e-4) },
    }
}

fn paper_frontend() -> Frontend {
    Frontend {
        sample_rate: 16_000,
        pre_emphasis: 0.97,
        window: Window::Hamming,
        padding: Padding::Reflect,
        frame: 400,
        hop: 160,
        n_fft: 512,
        n_mels: 64,
        f_min: 20.0,
        f_max: 8000.0,
        mel_scale: MelScale::Slaney,
        mel_norm: MelNorm::Slaney,
        power: 1.0,
        db_floor: -80.0,
    }
}

fn paper_augment() -> Augment {
    Augment {
        random_cut: RandomCut { prob: 0.8, min_fraction: 0.75, freq_zoom: 0.0, freq_shift: 0.0 },
        // Three squares of 50 pixels in 256, 5000 salt pixels in 278 x 278.
        cutout: Cutout { prob: 1.0, n: 3, size: 0.195 },
        salt_pepper: SaltPepper { prob: 0.44, fraction: 0.065, pepper: 0.0 },
        mixup: Mixup { ratio: 0.0 },
        horizontal_mixup: HorizontalMixup { ratio: 0.3, a: 0.05, b: 1.25, c: 1.0, labels: MixLabels::Share },
        spec_augment: SpecAugment { time_masks: 0, time_width: 0.1, freq_masks: 0, freq_width: 0.1 },
    }
}

fn paper_model() -> Model {
    Model {
        name: ModelName::ResTrans,
        width: 64,
        se: true,
        reduction: 16,
        token: Token::Channel,
        depth: 6,
        heads: 8,
        ff: 0,
        dropout: 0.1,
        norm: NormPlace::Pre,
        position: Position::None,
        ln: LayerNormKind::UnbiasedStd,
        speaker_head: SpeakerHead::Flatten,
    }
}

fn paper_train() -> Train {
    Train {
        seed: 2,
        batch: 12,
        micro_batches: 1,
        precision: Precision::F32,
        recompute: false,
        stages: vec![StageName::Voiceprint, StageName::Emotion],
        optimiser: Optimiser::Adamw,
        loss: Loss::FocalBce,
        label_smoothing: 0.1,
        focal_gamma: 2.0,
        weight_decay: 0.05,
        betas: [0.9, 0.999],
        eps: 1e-8,
        momentum: 0.9,
        clip_norm: 0.0,
        schedule: Schedule::Step,
        step_gamma: 0.7,
        step_epochs: 10,
        warmup_epochs: 0.0,
        ema: 0.0,
        early_stopping: 0,
        bn_frozen: true,
        joint_alpha: 0.3,
        class_balanced: false,
    }
}

/// A sixteenth of the arithmetic per layer, for recorded speech on a few processor cores or a small GPU.
fn small() -> Config {
    let mut c = paper();
    c.image.size = 96;
    c.image.resize = Resize::Area;
    // Measured on EmoDB, five held-out speakers: the strongest single help for new voices.
    c.augment.random_cut = RandomCut { prob: 0.7, min_fraction: 0.75, freq_zoom: 0.15, freq_shift: 0.025 };
    c.augment.cutout.prob = 0.3;
    c.augment.salt_pepper = SaltPepper { prob: 0.0, fraction: 0.03, pepper: 0.5 };
    c.augment.spec_augment = SpecAugment { time_masks: 1, time_width: 0.12, freq_masks: 1, freq_width: 0.12 };
    c.model =
        Model { width: 16, reduction: 8, depth: 2, token: Token::Time, position: Position::Sin, ln: LayerNormKind::Standard, ..c.model };
    c.train.stages = vec![StageName::Voiceprint, StageName::Emotion, StageName::Finetune];
    c.train.loss = Loss::CrossEntropy;
    c.train.batch = 16;
    c.train.clip_norm = 5.0;
    c.train.schedule = Schedule::Cosine;
    c.train.warmup_epochs = 1.0;
    c.train.class_balanced = true;
    c.train.ema = 0.99;
    c.stage = Stages {
        voiceprint: Stage { epochs: 12, lr: 1e-3, augment: true },
        emotion: Stage { epochs: 6, lr: 1e-3, augment: true },
        finetune: Stage { epochs: 48, lr: 1e-3, augment: true },
        single: Stage { epochs: 66, lr: 1e-3, augment: true },
        joint: Stage { epochs: 66, lr: 1e-3, augment: true },
    };
    c
}

/// Learns the synthetic corpus in a minute or so.
fn tiny() -> Config {
    let mut c = small();
    c.image.size = 64;
    c.model = Model { width: 8, reduction: 4, depth: 1, heads: 4, ..c.model };
    c.augment.random_cut = RandomCut { prob: 0.3, freq_zoom: 0.0, freq_shift: 0.0, ..c.augment.random_cut };
    c.augment.cutout.prob = 0.0;
    c.augment.salt_pepper.prob = 0.0;
    c.train.batch = 32;
    c.train.warmup_epochs = 0.5;
    c.train.ema = 0.95;
    c.stage = Stages {
        voiceprint: Stage { epochs: 6, lr: 2e-3, augment: true },
        emotion: Stage { epochs: 4, lr: 2e-3, augment: true },
        finetune: Stage { epochs: 24, lr: 2e-3, augment: true },
        single: Stage { epochs: 12, lr: 2e-3, augment: true },
        joint: Stage { epochs: 12, lr: 2e-3, augment: true },
    };
    c
}
