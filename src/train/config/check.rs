//! Ranges of all values, and what values must agree on.

use super::Config;
use super::section::Target;
use super::words::{Fit, Loss, MixLabels, hint};
use crate::Result;
use crate::audio::SAMPLE_RATE;
use crate::models::TRUNK;
use crate::ops::dft_takes;
use crate::range::{require, within};

impl Config {
    /// Checks every value and the agreements between them.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) naming the key, its value and what is allowed.
    pub fn check(&self) -> Result<()> {
        self.check_frontend()?;
        self.check_image()?;
        self.check_sequence()?;
        within("frames.seconds", self.frames.seconds, 0.2, 600.0)?;
        self.check_vector()?;
        within("signal.rate", self.signal.rate, 1.0, 10_000.0)?;
        self.check_augment()?;
        self.check_tasks()?;
        self.check_train()?;
        self.check_stages()?;
        self.check_model()
    }

    fn check_frontend(&self) -> Result<()> {
        let f = &self.frontend;
        require(f.sample_rate == SAMPLE_RATE, "frontend.sample_rate", f.sample_rate, "be 16000, the rate every recording is resampled to")?;
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
        within("image.size", i.size, 8, 1024)?;
        require(
            i.height == 0 || (8..=1024).contains(&i.height),
            "image.height",
            i.height,
            "be 0, for as many rows as columns, or 8 to 1024",
        )?;
        within("image.seconds", i.seconds, 0.1, 120.0)?;
        if i.fit == Fit::Pad {
            let frames = i.seconds * f64::from(self.frontend.sample_rate) / self.frontend.hop as f64;
            require(frames >= 2.0, "image.seconds", i.seconds, "cover at least two hops")?;
        }
        require(i.channels == 1 || i.channels == 3, "image.channels", i.channels, "be 1 or 3")
    }

    fn check_sequence(&self) -> Result<()> {
        let s = &self.sequence;
        within("sequence.frames", s.frames, 1, 10_000)?;
        within("sequence.silence_threshold", s.silence_threshold, 0.0, 0.5)?;
        within("sequence.min_silence", s.min_silence, 0.001, 10.0)?;
        within("sequence.frame", s.frame, 64, 4096)?;
        let rule = "be even, and half of it a product of 2, 3 and 5, for its Fourier transform";
        require(dft_takes(s.frame), "sequence.frame", s.frame, rule)?;
        within("sequence.hop", s.hop, 1, s.frame)
    }

    fn check_vector(&self) -> Result<()> {
        let v = &self.vector;
        within("vector.n_fft", v.n_fft, 64, 4096)?;
        require(v.n_fft.is_power_of_two(), "vector.n_fft", v.n_fft, "be a power of two")?;
        within("vector.frame", v.frame, 16, v.n_fft)?;
        within("vector.hop", v.hop, 1, v.frame)?;
        within("vector.n_mels", v.n_mels, 8, v.n_fft / 2)?;
        within("vector.cepstra", v.cepstra, 1, v.n_mels)
    }

    fn check_augment(&self) -> Result<()> {
        let a = &self.augment;
        within("augment.daarip.prob", a.daarip.prob, 0.0, 1.0)?;
        let (crop, size) = (a.daarip.crop, self.image.size);
        let rule = format!("be 0 for the whole image, or 8 to image.size = {size}, and image.height 0");
        let square = self.image.height == 0 || self.image.height == size;
        require(crop == 0 || (square && (8..=size).contains(&crop)), "augment.daarip.crop", crop, rule)?;
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
        for (name, _) in self.task.iter().filter(|(_, t)| multihot && t.target == Target::Label && t.loss == Loss::CrossEntropy) {
            let rule = format!("be \"share\" or \"dominant\" with task.{name}.loss = \"cross_entropy\", whose labels add up to 1");
            require(false, "augment.horizontal_mixup.labels", h.labels, rule)?;
        }
        within("augment.spec_augment.time_masks", a.spec_augment.time_masks, 0, 16)?;
        within("augment.spec_augment.time_width", a.spec_augment.time_width, 0.0, 1.0)?;
        within("augment.spec_augment.freq_masks", a.spec_augment.freq_masks, 0, 16)?;
        within("augment.spec_augment.freq_width", a.spec_augment.freq_width, 0.0, 1.0)?;
        within("augment.warp.prob", a.warp.prob, 0.0, 1.0)?;
        within("augment.warp.tempo", a.warp.tempo, 0.0, 0.9)?;
        within("augment.warp.zoom", a.warp.zoom, 0.0, 0.9)?;
        within("augment.warp.level", a.warp.level, 0.0, 10.0)
    }

    fn check_model(&self) -> Result<()> {
        self.network()?.check(&self.seen_shape()?)
    }

    fn check_tasks(&self) -> Result<()> {
        for (name, task) in &self.task {
            let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            require(plain && name != TRUNK, &format!("task.{name}"), "...", "have a name of letters, digits and _, other than trunk")?;
            let numbers = match &task.target {
                Target::Columns(names) => names.len() == 1,
                Target::Teacher => true,
                Target::Label | Target::Speaker => false,
            };
            let key = format!("task.{name}.loss");
            let rule = "be \"mse\" for the numbers of one column, and only for them (or a teacher's embeddings)";
            require(task.loss.of_numbers() == numbers, &key, task.loss, rule)?;
            let key = format!("task.{name}.metric");
            let rule = "be \"ccc\" for the numbers of one column, and only for them (or a teacher's embeddings)";
            require((task.metric.name() == "ccc") == numbers, &key, task.metric, rule)?;
        }
        Ok(())
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
        let rule = "be 0 where train.validate = false: nothing then says what is an improvement";
        require(t.validate || t.early_stopping == 0, "train.early_stopping", t.early_stopping, rule)?;
        within("distil.temperature", self.distil.temperature, 0.1, 100.0)?;
        within("distil.share", self.distil.share, 0.0, 1.0)
    }

    fn check_stages(&self) -> Result<()> {
        for (name, stage) in &self.stage {
            let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
            require(plain, &format!("stage.{name}"), "...", "have a name of letters, digits, _ and -, for the file of its best weights")?;
            within(&format!("stage.{name}.epochs"), stage.epochs, 1, 100_000)?;
            within(&format!("stage.{name}.lr"), stage.lr, 1e-9, 10.0)?;
            let (key, lr) = (format!("stage.{name}.trunk_lr"), stage.trunk_lr);
            require(lr == 0.0 || (1e-9..=10.0).contains(&lr), &key, lr, "be 0, for that of the stage, or 1e-9 to 10")?;
            within(&format!("stage.{name}.layer_decay"), stage.layer_decay, 0.01, 1.0)?;
            for (task, weight) in &stage.tasks {
                self.known_task(&format!("stage.{name}.tasks"), task)?;
                within(&format!("stage.{name}.tasks.{task}"), *weight, 0.0, 100.0)?;
            }
            require(stage.tasks().next().is_some(), &format!("stage.{name}.tasks"), "{}", "name at least one task with a weight above 0")?;
            for group in stage.trains.iter().filter(|g| *g != TRUNK) {
                self.known_task(&format!("stage.{name}.trains"), group)?;
            }
            let learns = stage.trains(TRUNK) || stage.tasks().any(|(task, _)| stage.trains(task));
            let rule = "name trunk or a task of the stage: what else is there is not reached by its losses";
            require(learns, &format!("stage.{name}.trains"), format_args!("{:?}", stage.trains), rule)?;
        }
        self.stages().map(|_| ())
    }

    fn known_task(&self, key: &str, name: &str) -> Result<()> {
        let names = self.task.keys().map(String::as_str);
        let hint = hint(name, names.clone());
        let all = names.collect::<Vec<_>>().join(", ");
        require(self.task.contains_key(name), key, format_args!("{name:?}"), format_args!("be one of the tasks {all}{hint}"))
    }
}
