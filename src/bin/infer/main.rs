//! `infer`: from recordings to labels with a trained model.

mod args;
mod fared;
mod inputs;
mod print;
mod signals;

use anyhow::{Context as _, Result, bail};
use args::{Args, Format};
use clap::Parser;
use emotone::audio::SAMPLE_RATE;
use emotone::frontend::Inputs;
use emotone::gpu::Device;
use emotone::graph::Shape;
use emotone::nn::{Weights, file};
use emotone::train::ensemble::{Ensemble, combine};
use emotone::train::metrics::Confusion;
use emotone::train::picture::{Palette, write_image};
use emotone::train::report;
use fared::Fared;
use inputs::Item;
use print::{Printer, Row};
use std::path::Path;
use std::process::ExitCode;

/// Exit code when some inputs could not be used.
const SOME_BAD: u8 = 2;
/// Recordings decoded and predicted at once.
const AT_ONCE: usize = 64;

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
    let mut model = Ensemble::load(&device, &args.model, args.batch)?;
    if let Some(file) = &args.save_ensemble {
        Ensemble::store(&args.model, file)?;
        if args.inputs.is_empty() {
            return Ok(0);
        }
    }
    if let Inputs::Signals(spec) = model.first().recipe.config.inputs()? {
        if model.names().len() > 1 || args.tta {
            bail!("a model that takes signals is asked alone and without --tta");
        }
        return signals::run(model.first(), &spec, args);
    }
    if args.ecg.is_some() || args.eeg.is_some() {
        bail!("this model takes recordings of speech, no signals");
    }
    if args.tta {
        model.look_at_views()?;
    }
    if let Some(picture) = &args.spectrogram {
        return spectrogram(&mut model, args, picture);
    }
    recordings(&mut model, args)
}

/// Prints what the model says of every recording; the number of those that could not be used.
fn recordings(model: &mut Ensemble, args: &Args) -> Result<usize> {
    if args.inputs.is_empty() {
        bail!("no recordings: name files, folders or manifests, or - for standard input");
    }
    let (items, mut bad) = inputs::collect(&args.inputs)?;
    let classes = model.classes().to_vec();
    let mut printer = Printer::new(args.format, &classes, model.says_numbers());
    let mut embeddings = Weights::new();
    let mut fared = Fared::new(model);
    for part in items.chunks(AT_ONCE) {
        let clips = load(part);
        bad += part.len() - clips.len();
        if args.embeddings.is_some() {
            let samples: Vec<&Vec<f32>> = clips.iter().map(|(_, s)| s).collect();
            for ((item, _), v) in clips.iter().zip(model.embeddings(&samples)?) {
                embeddings.insert(item.name.clone(), (Shape(vec![v.len()]), v));
            }
        }
        let windows: Vec<(usize, f64, f64, &[f32])> =
            clips.iter().enumerate().flat_map(|(i, (_, s))| args.windows(s).map(move |(from, to, part)| (i, from, to, part))).collect();
        let samples: Vec<&[f32]> = windows.iter().map(|w| w.3).collect();
        let opinions = model.opinions(&samples)?;
        let answers = combine(&opinions);
        for ((i, from, to, _), p) in windows.iter().zip(&answers) {
            printer.row(&Row { name: &clips[*i].0.name, window: args.window.map(|_| (*from, *to)), prediction: p })?;
        }
        if args.window.is_none() {
            for (i, (item, _)) in clips.iter().enumerate() {
                if let Some(c) = item.label.as_ref().and_then(|l| classes.iter().position(|c| c == l)) {
                    fared.add(c, i, &answers, &opinions);
                }
            }
        }
    }
    printer.finish()?;
    if let Some(path) = &args.embeddings {
        file::write(path, &embeddings, &file::Metadata::new())?;
    }
    fared.print(args, &classes)?;
    Ok(bad)
}

/// The recordings that can be read; says what is wrong with the others.
fn load(items: &[Item]) -> Vec<(&Item, Vec<f32>)> {
    let read = |item: &Item| item.load().inspect_err(|e| eprintln!("error: {e}")).ok();
    items.iter().filter_map(|item| Some((item, read(item)?))).collect()
}

/// Prints how the labelled inputs fared, as text.
fn measured(args: &Args, classes: &[String], truth: &[usize], predicted: &[usize]) -> Result<()> {
    if truth.is_empty() || args.format != Format::Text {
        return Ok(());
    }
    let matrix = Confusion::from_pairs(classes, truth, predicted)?;
    println!("\n{}", report::terminal(&matrix, report::colour_terminal()));
    for (name, v) in [("UAR", matrix.uar()), ("WA", matrix.accuracy()), ("macro F1", matrix.macro_f1())] {
        if let Some(v) = v {
            println!("{name} {v:.3}");
        }
    }
    Ok(())
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
