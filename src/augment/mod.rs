//! Augmentation of training images, as graph ops on (B, C, H, W): random cut, salt and pepper, mixtures of two images, cutout, masks; and of
//! frames on (B, T, F): warp, mixtures, masks.
//!
//! Nothing here has state: what happens to image i of step s follows from (seed, s, i) and the configuration alone, so a resumed run
//! repeats itself and no result depends on scheduling.

mod config;
mod labels;
mod pairs;
pub mod rng;
pub mod wave;

pub use config::{Augment, Cutout, Daarip, HorizontalMixup, MixLabels, Mixup, RandomCut, SaltPepper, SpecAugment, Warp};
pub use pairs::Pairs;
pub use wave::Version;

use crate::Result;
use crate::graph::{Graph, Var};
use crate::ops::{self, Change};

/// Pixel values that changes set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// Of pepper: the lowest an image has.
    pub low: f32,
    /// Of salt: the highest an image has.
    pub high: f32,
    /// Of cut-out squares and masks: the mean.
    pub fill: f32,
}

/// The host's inputs of [`mix`], written each step from [`Pairs`].
#[derive(Debug, Clone, Copy)]
pub struct PairInputs {
    /// [`Pairs::partner`], as unsigned integers.
    pub partner: Var,
    /// [`Pairs::mixup`].
    pub mixup: Var,
    /// [`Pairs::weight`].
    pub weight: Var,
    /// [`Pairs::horizontal`].
    pub horizontal: Var,
}

impl PairInputs {
    /// Declares graph inputs `mix.partner`, `mix.mixup`, `mix.weight` and `mix.horizontal` of (B).
    pub fn declare(g: &mut Graph, batch: usize) -> Self {
        PairInputs {
            partner: g.input("mix.partner", [batch]),
            mixup: g.input("mix.mixup", [batch]),
            weight: g.input("mix.weight", [batch]),
            horizontal: g.input("mix.horizontal", [batch]),
        }
    }

    /// Writes the pairs of a step into a program whose graph declared them; kinds of mixture it does not make are left out.
    ///
    /// # Errors
    /// A batch of another size.
    pub fn write(program: &crate::compile::Program, pairs: &Pairs) -> Result<()> {
        program.write_u32("mix.partner", &pairs.partner)?;
        for (name, values) in [("mix.mixup", &pairs.mixup), ("mix.weight", &pairs.weight), ("mix.horizontal", &pairs.horizontal)] {
            program.write(name, values)?;
        }
        Ok(())
    }
}

/// Mixes the images that `pairs` names with their partners; nothing where both ratios are 0.
///
/// # Shapes
/// `x` (B, C, H, W) → the same.
///
/// # Errors
/// Other shapes.
pub fn mix(g: &mut Graph, x: Var, pairs: &PairInputs, config: &Augment) -> Result<Var> {
    let mut y = x;
    if config.mixup.ratio > 0.0 {
        y = ops::mixup_rows(g, y, x, pairs.partner, pairs.mixup, pairs.weight)?;
    }
    // Partners are taken from the unmixed images, or their share of the label would be wrong.
    if config.horizontal_mixup.ratio > 0.0 {
        y = ops::horizontal_mixup_rows(g, y, x, pairs.partner, pairs.horizontal, config.horizontal_mixup.curve())?;
    }
    Ok(y)
}

/// All changes the configuration asks for, in the order lens and window, random cut, salt and pepper, mixtures (where `pairs` are given), cutout, masks.
///
/// # Shapes
/// `x` (B, C, H, W), `rng` (4) as [`rng::counter`] makes it → (B, C, H, W), or of [`Daarip::window`] where that is less.
///
/// # Errors
/// Other shapes; shares outside \[0, 1\].
pub fn augment(g: &mut Graph, x: Var, rng: Var, pairs: Option<&PairInputs>, config: &Augment, levels: &Levels) -> Result<Var> {
    g.scoped("augment", |g| {
        let (rows, cols) = match g.shape(x).0[..] {
            [_, _, rows, cols] => (rows, cols),
            _ => return Err(crate::Error::shape("augment", "4 dimensions", g.shape(x).to_string())),
        };
        let pixels = |share: f64, n: usize| (share * n as f64).round() as usize;
        let mut y = x;
        let apply = |g: &mut Graph, y: &mut Var, prob: f64, stream: u32, change: Change| -> Result<()> {
            if prob > 0.0 {
                *y = ops::augment(g, *y, rng, change, prob as f32, stream)?;
            }
            Ok(())
        };
        let c = config;
        let window = c.daarip.window((rows, cols));
        if c.daarip.prob > 0.0 || window != (rows, cols) {
            y = ops::lens(g, y, rng, window, c.daarip.prob as f32, 5)?;
        }
        let (rows, cols) = window;
        let cut = &c.random_cut;
        let change = Change::RandomCut { least: cut.min_fraction as f32, zoom: cut.freq_zoom as f32, shift: cut.freq_shift as f32 };
        apply(g, &mut y, cut.prob, 1, change)?;
        let salt = &c.salt_pepper;
        let change = Change::SaltPepper { share: salt.fraction as f32, pepper: salt.pepper as f32, low: levels.low, high: levels.high };
        apply(g, &mut y, salt.prob, 2, change)?;
        if let Some(pairs) = pairs {
            y = mix(g, y, pairs, c)?;
        }
        let size = (pixels(c.cutout.size, rows), pixels(c.cutout.size, cols));
        let prob = if c.cutout.n > 0 { c.cutout.prob } else { 0.0 };
        apply(g, &mut y, prob, 3, Change::Cutout { count: c.cutout.n, size, fill: levels.fill })?;
        let (prob, change) = masks(&c.spec_augment, [rows, cols], levels.fill);
        apply(g, &mut y, prob, 4, change)?;
        Ok(y)
    })
}

/// Masks of images of so many rows and columns, and how often they are set.
fn masks(s: &SpecAugment, [rows, cols]: [usize; 2], fill: f32) -> (f64, Change) {
    let pixels = |share: f64, n: usize| (share * n as f64).round() as usize;
    let (columns, rows) = ((s.time_masks, pixels(s.time_width, cols)), (s.freq_masks, pixels(s.freq_width, rows)));
    (if s.time_masks + s.freq_masks > 0 { 1.0 } else { 0.0 }, Change::SpecAugment { columns, rows, fill })
}

impl Augment {
    /// Whether [`frames`] changes anything.
    pub fn changes_frames(&self) -> bool {
        let s = &self.spec_augment;
        self.warp.prob + self.mixup.ratio + self.horizontal_mixup.ratio > 0.0 || s.time_masks + s.freq_masks > 0
    }
}

/// What the configuration asks for of frames: warp, mixtures (where `pairs` are given), masks of value `fill`. What it says of images alone
/// does not touch them.
///
/// # Shapes
/// `x` (B, T, F), all of it valid, `rng` (4) as [`rng::counter`] makes it → the same.
///
/// # Errors
/// Other shapes; shares outside \[0, 1\].
pub fn frames(g: &mut Graph, x: Var, rng: Var, pairs: Option<&PairInputs>, config: &Augment, fill: f32) -> Result<Var> {
    g.scoped("augment", |g| {
        let &[batch, frames, bands] = g.shape(x).0.as_slice() else {
            return Err(crate::Error::shape("augment", "frames (B, T, F)", g.shape(x).to_string()));
        };
        let x = ops::permute(g, x, &[0, 2, 1])?;
        let mut y = ops::reshape(g, x, [batch, 1, bands, frames])?;
        let w = &config.warp;
        if w.prob > 0.0 {
            let change = Change::Warp { tempo: w.tempo as f32, zoom: w.zoom as f32, level: w.level as f32 };
            y = ops::augment(g, y, rng, change, w.prob as f32, 6)?;
        }
        if let Some(pairs) = pairs {
            y = mix(g, y, pairs, config)?;
        }
        let (prob, change) = masks(&config.spec_augment, [bands, frames], fill);
        if prob > 0.0 {
            y = ops::augment(g, y, rng, change, prob as f32, 4)?;
        }
        let y = ops::reshape(g, y, [batch, bands, frames])?;
        ops::permute(g, y, &[0, 2, 1])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything a little.
    pub fn config() -> Augment {
        Augment {
            daarip: Daarip { prob: 0.0, crop: 0 },
            random_cut: RandomCut { prob: 0.8, min_fraction: 0.75, freq_zoom: 0.0, freq_shift: 0.0 },
            cutout: Cutout { prob: 0.5, n: 3, size: 0.2 },
            salt_pepper: SaltPepper { prob: 0.4, fraction: 0.06, pepper: 0.5 },
            mixup: Mixup { ratio: 0.1 },
            horizontal_mixup: HorizontalMixup { ratio: 0.3, a: 0.05, b: 1.25, c: 1.0, labels: MixLabels::Share },
            spec_augment: SpecAugment { time_masks: 1, time_width: 0.1, freq_masks: 1, freq_width: 0.1 },
            warp: Warp::default(),
        }
    }

    #[test]
    fn only_what_is_asked_for_becomes_a_node() {
        let count = |c: &Augment| {
            let mut g = Graph::new();
            let (x, rng) = (g.input("x", [4, 1, 32, 32]), g.input("rng", [4]));
            let pairs = PairInputs::declare(&mut g, 4);
            let before = g.nodes().len();
            let y = augment(&mut g, x, rng, Some(&pairs), c, &Levels { low: 0.0, high: 1.0, fill: 0.5 }).unwrap();
            assert_eq!(g.shape(y), g.shape(x));
            g.nodes().len() - before
        };
        let mut c = config();
        assert_eq!(count(&c), 6);
        c.mixup.ratio = 0.0;
        c.cutout.n = 0;
        c.salt_pepper.prob = 0.0;
        assert_eq!(count(&c), 3);
        c.daarip.prob = 0.5;
        assert_eq!(count(&c), 4);
    }

    #[test]
    fn frames_are_warped_mixed_and_masked() {
        let count = |c: &Augment| {
            let mut g = Graph::new();
            let (x, rng) = (g.input("x", [4, 30, 8]), g.input("rng", [4]));
            let pairs = PairInputs::declare(&mut g, 4);
            let y = frames(&mut g, x, rng, Some(&pairs), c, 0.0).unwrap();
            assert_eq!(g.shape(y), g.shape(x));
            let names: Vec<&str> = g.nodes().iter().map(|n| n.name()).collect();
            ["warp", "mixup", "horizontal_mixup", "spec_augment", "random_cut"].map(|op| names.iter().filter(|n| **n == op).count())
        };
        let mut c = Augment { warp: Warp { prob: 1.0, tempo: 0.2, zoom: 0.1, level: 0.0 }, ..config() };
        assert_eq!(count(&c), [1, 1, 1, 1, 0]);
        (c.warp.prob, c.mixup.ratio) = (0.0, 0.0);
        assert!(c.changes_frames());
        assert_eq!(count(&c), [0, 0, 1, 1, 0]);
        c.horizontal_mixup.ratio = 0.0;
        (c.spec_augment.time_masks, c.spec_augment.freq_masks) = (0, 0);
        assert!(!c.changes_frames());
        assert_eq!(count(&c), [0; 5]);
    }
}
