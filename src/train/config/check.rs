//! Ranges of all values, and what values must agree on.

use std::fmt::Display;

use super::Config;
use super::words::{Fit, Loss, MixLabels};
use crate::{Error, Result};

/// Fails unless low <= value <= high; NaN fails.
fn within<T: PartialOrd + Display>(key: &str, value: T, low: T, high: T) -> Result<()> {
    if value >= low && value <= high { Ok(()) } else { Err(Error::Config(format!("{key} = {value}: allowed is {low} to {high}"))) }
}

fn require(holds: bool, key: &str, value: impl Display, rule: impl Display) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::Config(format!("{key} = {value}: must {rule}"))) }
}

impl Config {
    /// Checks every value and the agreements between them.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key, its value and what is allowed.
    pub fn check(&self) -> Result<()> {
        self.check_frontend()?;
        self.check_image()?;
        self.check_augment()?;
        self.check_model()?;
        self.check_train()?;
        self.check_stages()
    }

    fn check_frontend(&self) -> Result<()> {
        let f = &self.frontend;
        within("frontend.sample_rate", f.sample_rate, 4000, 96_000)?;
        within("frontend.pre_emphasis", f.pre_emphasis, 0.0, 0.999)?;
        within("frontend.n_fft", f.n_fft, 64, 4096)?;
        require(f.n_fft.is_power_of_two(), "frontend.n_fft", f.n_fft, "be a power of two")?;
        within("frontend.frame", f.frame, 16, f.n_fft)?;
        within("frontend.hop", f.hop, 1, f.frame)?;
        within("frontend.n_mels", f.n_mels, 8, 512)?;
        require(f.n_mels <= f.n_fft / 2, "frontend.n_mels", f.n_mels, format_args!("be at most n_fft / 2 = {}", f.n_fft / 2))?;
        let nyquist = f64::from(f.sample_rate) / 2.0;
        within("frontend.f_max", f.f_max, 100.0, nyquist)?;
        within("frontend.f_min", f.f_min, 0.0, f.f_max - 50.0)?;
        require(f.power == 1.0 || f.power == 2.0, "frontend.power", f.power, "be 1 or 2")?;
        within("frontend.db_floor", f.db_floor, -200.0, -10.0)
    }

    fn check_image(&self) -> Result<()> {
        let i = &self.image;
        within("image.size", i.size, 32, 1024)?;
        require(i.size.is_multiple_of(32), "image.size", i.size, "be a multiple of 32, by which the network shrinks it")?;
        within("image.seconds", i.seconds, 0.1, 120.0)?;
        if i.fit == Fit::Pad {
            let frames = i.seconds * f64::from(self.frontend.sample_rate) / self.frontend.hop as f64;
            require(frames >= 2.0, "image.seconds", i.seconds, "cover at least two hops")?;
        }
        require(i.channels == 1 || i.channels == 3, "image.channels", i.channels, "be 1 or 3")
    }

    fn check_augment(&self) -> Result<()> {
        let a = &self.augment;
        within("augment.random_cut.prob", a.random_cut.prob, 0.0, 1.0)?;
        within("augment.random_cut.min_fraction", a.random_cut.min_fraction, 0.1, 1.0)?;
        within("augment.random_cut.freq_zoom", a.random_cut.freq_zoom, 0.0, 0.9)?;
        within("augment.random_cut.freq_shift", a.random_cut.freq_shift, 0.0, 1.0)?;
        within("augment.cutout.prob", a.cutout.prob, 0.0, 1.0)?;
        within("augment.cutout.n", a.cutout.n, 0, 16)?;
        within("augment.cutout.size", a.cutout.size, 0.0, 1.0)?;
        within("augment.salt_pepper.prob", a.salt_pepper.prob, 0.0, 1.0)?;
        within("augment.salt_pepper.fraction", a.salt_pepper.fraction, 0.0, 1.0)?;
        within("augment.salt_pepper.pepper", a.salt_pepper.pepper, 0.0, 1.0)?;
        within("augment.mixup.ratio", a.mixup.ratio, 0.0, 1.0)?;
        let h = &a.horizontal_mixup;
        within("augment.horizontal_mixup.ratio", h.ratio, 0.0, 1.0)?;
        // Plain mixup is a = 1, b = 0, c = 0.5, so the paper's open interval 0 < a < 1, b > 0 is closed here.
        within("augment.horizontal_mixup.a", h.a, 0.0, 1.0)?;
        within("augment.horizontal_mixup.b", h.b, 0.0, 10.0)?;
        within("augment.horizontal_mixup.c", h.c, 0.0, 10.0)?;
        let both = a.mixup.ratio + h.ratio;
        require(both <= 1.0, "augment.mixup.ratio", a.mixup.ratio, "leave room for horizontal_mixup.ratio: their sum may not exceed 1")?;
        let multihot = h.ratio > 0.0 && h.labels == MixLabels::Multihot;
        let rule = "be \"share\" or \"dominant\" with train.loss = \"cross_entropy\", whose labels add up to 1";
        require(!(multihot && self.train.loss == Loss::CrossEntropy), "augment.horizontal_mixup.labels", h.labels, rule)?;
        within("augment.spec_augment.time_masks", a.spec_augment.time_masks, 0, 16)?;
        within("augment.spec_augment.time_width", a.spec_augment.time_width, 0.0, 1.0)?;
        within("augment.spec_augment.freq_masks", a.spec_augment.freq_masks, 0, 16)?;
        within("augment.spec_augment.freq_width", a.spec_augment.freq_width, 0.0, 1.0)
    }

    fn check_model(&self) -> Result<()> {
        let m = &self.model;
        within("model.width", m.width, 4, 256)?;
        within("model.reduction", m.reduction, 1, 64)?;
        let rule = format!("be at most model.width = {}, or channel attention has no channels left", m.width);
        require(!m.se || m.reduction <= m.width, "model.reduction", m.reduction, rule)?;
        within("model.depth", m.depth, 1, 24)?;
        within("model.heads", m.heads, 1, 64)?;
        let rule = format!("divide the transformer's width 8 x model.width = {}", m.features());
        require(m.features().is_multiple_of(m.heads), "model.heads", m.heads, rule)?;
        within("model.ff", m.ff, 0, 16_384)?;
        within("model.dropout", m.dropout, 0.0, 0.9)
    }

    fn check_train(&self) -> Result<()> {
        let t = &self.train;
        // TOML integers are signed.
        within("train.seed", t.seed, 0, i64::MAX as u64)?;
        within("train.batch", t.batch, 1, 4096)?;
        within("train.micro_batches", t.micro_batches, 1, t.batch)?;
        require(
            t.batch.is_multiple_of(t.micro_batches),
            "train.micro_batches",
            t.micro_batches,
            format_args!("divide train.batch = {}", t.batch),
        )?;
        require(!t.stages.is_empty(), "train.stages", "[]", "name at least one stage")?;
        for (i, stage) in t.stages.iter().enumerate() {
            require(!t.stages[..i].contains(stage), "train.stages", format_args!("[.., {stage}, ..]"), "name each stage once")?;
        }
        within("train.label_smoothing", t.label_smoothing, 0.0, 0.9)?;
        within("train.focal_gamma", t.focal_gamma, 0.0, 10.0)?;
        within("train.weight_decay", t.weight_decay, 0.0, 1.0)?;
        within("train.betas[0]", t.betas[0], 0.0, 0.9999)?;
        within("train.betas[1]", t.betas[1], 0.0, 0.999_999)?;
        within("train.eps", t.eps, 1e-16, 0.1)?;
        within("train.momentum", t.momentum, 0.0, 0.9999)?;
        within("train.clip_norm", t.clip_norm, 0.0, 1e6)?;
        within("train.step_gamma", t.step_gamma, 0.001, 1.0)?;
        within("train.step_epochs", t.step_epochs, 1, 100_000)?;
        within("train.warmup_epochs", t.warmup_epochs, 0.0, 1000.0)?;
        within("train.ema", t.ema, 0.0, 0.999_999)?;
        within("train.early_stopping", t.early_stopping, 0, 100_000)?;
        within("train.joint_alpha", t.joint_alpha, 0.0, 100.0)
    }

    fn check_stages(&self) -> Result<()> {
        let s = &self.stage;
        let all =
            [("voiceprint", &s.voiceprint), ("emotion", &s.emotion), ("finetune", &s.finetune), ("single", &s.single), ("joint", &s.joint)];
        for (name, stage) in all {
            within(&format!("stage.{name}.epochs"), stage.epochs, 1, 100_000)?;
            within(&format!("stage.{name}.lr"), stage.lr, 1e-9, 10.0)?;
        }
        Ok(())
    }
}
