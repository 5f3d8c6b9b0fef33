//! `infer`: from recordings to labels with a trained model.

mod answers;
mod args;
mod boxed;
mod fared;
mod inputs;
mod print;
mod signals;

use anyhow::{Context as _, Result, bail};
use args::Args;
use clap::Parser;
use emotone::audio::SAMPLE_RATE;
use emotone::frontend::Inputs;
use emotone::gpu::Device;
use emotone::nn::file;
use emotone::train::ensemble::Ensemble;
use emotone::train::picture::{Palette, write_image};
use std::path::Path;
use std::process::ExitCode;

/// Exit code when some inputs could not be used.
const SOME_BAD: u8 = 2;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(SOME_BAD),
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}

/// Does everything; returns the number of inputs that could not be used.
fn run(args: &Args) -> Result<usize> {
    let device = Device::open(&args.adapter_request())?;
    if !args.quiet {
        eprintln!("{}", device.caps().headline());
    }
    let mut model = match args.model.is_empty() {
        true => boxed::load(&device, args.batch)?,
        false => Ensemble::load(&device, &args.model, args.batch)?,
    };
    if saved(args)? && args.inputs.is_empty() {
        return Ok(0);
    }
    if let Inputs::Signals(spec) = model.first().recipe.config.inputs()? {
        if model.names().len() > 1 || args.tta || args.adapts() || args.adapt_from.is_some() || !args.classes.is_empty() {
            bail!("a model that takes signals is asked alone and without --tta, --adapt and --classes");
        }
        return signals::run(model.first(), &spec, args);
    }
    if args.ecg.is_some() || args.eeg.is_some() {
        bail!("this model takes recordings of speech, no signals");
    }
    if args.tta {
        model.look_at_views()?;
    }
    if !args.classes.is_empty() {
        if model.says_numbers() {
            bail!("--classes is for models that tell classes apart; this one answers {}", model.classes().join(", "));
        }
        model.choose(&args.classes)?;
    }
    if let Some(picture) = &args.spectrogram {
        return spectrogram(&mut model, args, picture);
    }
    answers::print(&mut model, args)
}

/// Writes the models into one file, where that is asked for.
fn saved(args: &Args) -> Result<bool> {
    if let Some(out) = &args.save_ensemble {
        Ensemble::store(&args.model, out)?;
    }
    if let Some(out) = &args.save_compact {
        let [model] = args.model.as_slice() else { bail!("--save-compact is of one model; --save-ensemble writes several into one first") };
        let (weights, metadata) = file::read(model)?;
        file::write_compact(out, &weights, &metadata)?;
    }
    Ok(args.save_ensemble.is_some() || args.save_compact.is_some())
}

/// Writes the image the network sees of the one input, low frequencies at the bottom.
fn spectrogram(model: &mut Ensemble, args: &Args, path: &Path) -> Result<usize> {
    let (items, bad) = inputs::collect(&args.inputs)?;
    let [item] = items.as_slice() else { bail!("--spectrogram takes one recording, got {}", items.len()) };
    let model = model.first();
    if let Inputs::Sequences(..) | Inputs::Frames(..) | Inputs::Vectors(..) = model.recipe.config.inputs()? {
        bail!(
            "--spectrogram shows images, and network {} takes {}",
            model.recipe.config.model.name(),
            model.recipe.config.inputs()?.plural()
        );
    }
    let samples = item.load()?;
    let image = model.inputs(&[samples])?.pop().context("no image")?;
    let (rows, columns) = model.recipe.config.image.extents();
    let upright: Vec<f32> = (0..rows).rev().flat_map(|r| image[r * columns..(r + 1) * columns].to_vec()).collect();
    write_image(path, columns, rows, &upright, Palette::Magma)?;
    Ok(bad)
}

/// Seconds to samples.
fn samples(seconds: f64) -> usize {
    (seconds * f64::from(SAMPLE_RATE)).round() as usize
}
