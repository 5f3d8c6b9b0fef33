//! `--preview`: what each augmentation does to a few training images, a picture each.

use anyhow::{Result, bail};
use emotone::augment::{self, Augment, Levels, PairInputs, Pairs, rng};
use emotone::compile::{Options, Program, States};
use emotone::frontend::Inputs;
use emotone::gpu::Device;
use emotone::graph::Graph;
use emotone::train::config::Config;
use emotone::train::dataset::Dataset;
use emotone::train::picture::{Palette, Tile, write_grid};
use std::path::Path;
use std::sync::Arc;

/// Images per picture.
const IMAGES: usize = 8;

/// The configuration with everything off.
fn nothing(config: &Augment) -> Augment {
    let mut a = config.clone();
    (a.daarip.prob, a.daarip.crop) = (0.0, 0);
    a.random_cut.prob = 0.0;
    a.cutout.prob = 0.0;
    a.salt_pepper.prob = 0.0;
    a.mixup.ratio = 0.0;
    a.horizontal_mixup.ratio = 0.0;
    a.spec_augment.time_masks = 0;
    a.spec_augment.freq_masks = 0;
    a
}

/// One augmentation at a time, always applied, with the configuration's other settings.
fn variants(config: &Augment) -> Vec<(&'static str, Augment)> {
    let one = |change: &dyn Fn(&mut Augment)| {
        let mut a = nothing(config);
        change(&mut a);
        a
    };
    vec![
        ("none", nothing(config)),
        ("daarip", one(&|a| (a.daarip.prob, a.daarip.crop) = (1.0, config.daarip.crop))),
        ("random_cut", one(&|a| a.random_cut.prob = 1.0)),
        ("cutout", one(&|a| (a.cutout.prob, a.cutout.n) = (1.0, a.cutout.n.max(1)))),
        ("salt_pepper", one(&|a| a.salt_pepper.prob = 1.0)),
        ("mixup", one(&|a| a.mixup.ratio = 1.0)),
        ("horizontal_mixup", one(&|a| a.horizontal_mixup.ratio = 1.0)),
        ("spec_augment", one(&|a| (a.spec_augment.time_masks, a.spec_augment.freq_masks) = (1, 1))),
    ]
}

/// Writes `DIR/<augmentation>.png`.
pub fn write(device: &Arc<Device>, config: &Config, data: &Dataset, dir: &Path) -> Result<()> {
    let inputs = config.inputs()?;
    if !matches!(inputs, Inputs::Images(..)) {
        bail!(
            "--preview shows augmented images; model.name = {:?} takes {}, which are not augmented",
            config.model.name(),
            inputs.plural()
        );
    }
    std::fs::create_dir_all(dir)?;
    // Evenly spaced over the training set, so that classes differ.
    let train = &data.split.train;
    let rows: Vec<usize> = (0..IMAGES).map(|i| train[i * train.len() / IMAGES]).collect();
    let (c, (h, w)) = (config.image.channels, config.image.extents());
    let levels = Levels { low: 0.0, high: 1.0, fill: data.mean_std[0].0 };
    for (name, settings) in variants(&config.augment) {
        let mut g = Graph::new();
        let x = g.input("x", [IMAGES, c, h, w]);
        let counter = g.input("rng", [4]);
        let pairs = PairInputs::declare(&mut g, IMAGES);
        let y = augment::augment(&mut g, x, counter, Some(&pairs), &settings, &levels)?;
        g.output("y", y);
        let (h, w) = (g.shape(y)[2], g.shape(y)[3]);
        let program = Program::new(&g, &States::new(device), Options::default())?;
        let classes: Vec<u32> = rows.iter().map(|&i| data.class[i] as u32).collect();
        let state = rng::counter(config.train.seed, 1);
        let drawn = Pairs::draw(&classes, w, &settings, state);
        program.write("x", &rows.iter().flat_map(|&i| data.inputs[i].clone()).collect::<Vec<f32>>())?;
        program.write_u32("rng", &state)?;
        PairInputs::write(&program, &drawn)?;
        program.run()?;
        let images = program.read("y")?;
        // Row 0 of an image is the lowest band; pictures start at the top.
        let upright = |image: &[f32]| (0..h).rev().flat_map(|r| image[r * w..(r + 1) * w].to_vec()).collect::<Vec<f32>>();
        let pictures: Vec<Vec<f32>> = images.chunks(c * h * w).map(upright).collect();
        let class = |row: usize| data.classes.get(data.class[row]).map_or("unlabelled", String::as_str);
        let captions: Vec<String> = (0..IMAGES)
            .map(|i| match rows[drawn.partner[i] as usize] {
                other if other != rows[i] => format!("{:.2} {} + {}", drawn.share[i], class(rows[i]), class(other)),
                _ => class(rows[i]).to_string(),
            })
            .collect();
        let tiles: Vec<Tile> = pictures
            .iter()
            .zip(&captions)
            .map(|(values, caption)| Tile { caption: caption.clone(), width: w, height: h, values })
            .collect();
        write_grid(&dir.join(format!("{name}.png")), &tiles, 4, 2, Palette::Magma)?;
    }
    Ok(())
}
