//! `infer`: from recordings to labels with a trained model.

mod answers;
mod args;
mod boxed;
mod embedded;
mod fared;
mod flawed;
mod format;
mod inputs;
mod print;
mod record;
mod signals;
mod sound;
mod target;
mod tell;
mod timeline;

use answers::Answers;
use anyhow::{Context as _, Result, bail};
use args::Args;
use clap::Parser;
use emotone::frontend;
use emotone::gpu::Device;
use emotone::nn::file;
use emotone::text;
use emotone::train::adapt::Adaptation;
use emotone::train::ensemble::Ensemble;
use emotone::train::picture::{Palette, write_image};
use format::Format;
use inputs::Inputs;
use print::{Answered, Printer};
use std::path::Path;
use std::process::ExitCode;
use target::Target;
use tell::tell;

/// Exit code when some inputs could not be used.
const SOME_BAD: u8 = 2;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        // Help and version are no errors. Whoever asked may have gone.
        Err(told) => {
            let _ = told.print();
            return if told.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    match run(&args) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(SOME_BAD),
        // As `head` does when it has read enough.
        Err(e) if target::is_closed(&e) => ExitCode::SUCCESS,
        Err(e) => {
            tell!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}

/// Does everything; returns the number of inputs that could not be used.
fn run(args: &Args) -> Result<usize> {
    let device = Device::open(&args.adapter_request())?;
    if !args.quiet {
        tell!("{}", device.caps().headline());
    }
    let mut model = match args.model.is_empty() {
        true => boxed::load(&device, args.batch(), args.small)?,
        false => Ensemble::load(&device, &args.model, args.batch())?,
    };
    if saved(args)? && args.inputs.is_empty() {
        return Ok(0);
    }
    if let frontend::Inputs::Signals(spec) = model.first().recipe.config.inputs()? {
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
    answer(&mut model, args)
}

/// Writes what the model says of every recording; the number of those that could not be used.
fn answer(model: &mut Ensemble, args: &Args) -> Result<usize> {
    if args.inputs.is_empty() {
        bail!("no recordings: name files, folders or manifests, or - for standard input");
    }
    if args.join && model.says_numbers() {
        bail!("--join is of equal labels; this model answers with numbers: {}", model.classes().join(", "));
    }
    let saved = args.adapt_from.as_ref().map(|path| saved_statistics(model, path)).transpose()?;
    if args.adapts() {
        model.adaptable()?;
    }
    let Inputs { items, mut left_out } = Inputs::collect(args)?;
    let mut printer = printer(model.classes(), model.says_numbers(), args, items.len())?;
    Answers::new(model, args, &items, saved.as_ref()).run(&mut printer, &mut left_out)?;
    if let Some(file) = &args.left_out {
        left_out.write(file)?;
    }
    Ok(left_out.len())
}

/// What writes results of so many recordings.
fn printer(classes: &[String], numbers: bool, args: &Args, recordings: usize) -> Result<Printer> {
    let format = args.format();
    if let (None, Some(path)) =
        (args.format, args.output.as_deref().filter(|path| path.extension().is_some() && Format::of_file(path).is_none()))
    {
        bail!("--output {}: the suffix names no format; add --format", text::shell(path));
    }
    if let Some(path) = args.output.as_deref().and_then(|path| std::fs::canonicalize(path).ok())
        && args.inputs.iter().any(|input| std::fs::canonicalize(input).is_ok_and(|input| input == path && !input.is_dir()))
    {
        bail!("--output {}: it is one of the inputs", text::shell(&path));
    }
    let target = Target::open(args.output.as_deref())?;
    if format.is_timeline() && recordings > 1 && !target.is_folder() {
        bail!("{recordings} recordings, and a timeline in this format is of one: name a folder for a file of each with --output FOLDER/");
    }
    Ok(Printer::new(format, Answered { names: classes.to_vec(), numbers }, target, args.join))
}

/// Statistics of earlier recordings by the same models.
fn saved_statistics(model: &Ensemble, path: &Path) -> Result<Adaptation> {
    let saved = Adaptation::read(path)?;
    model.fits(&saved).with_context(|| path.display().to_string())?;
    Ok(saved)
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
    let Inputs { items, left_out } = Inputs::collect(args)?;
    let [item] = items.as_slice() else { bail!("--spectrogram takes one recording, got {}", items.len()) };
    let model = model.first();
    use frontend::Inputs::{Frames, Sequences, Vectors};
    if let Sequences(..) | Frames(..) | Vectors(..) = model.recipe.config.inputs()? {
        bail!(
            "--spectrogram shows images, and network {} takes {}",
            model.recipe.config.model.name(),
            model.recipe.config.inputs()?.plural()
        );
    }
    let mut sound = item.open()?;
    let mut samples = Vec::new();
    while let Some(block) = sound.next()? {
        samples.extend(block);
    }
    let image = model.inputs(&[samples])?.pop().context("no image")?;
    let (rows, columns) = model.recipe.config.image.extents();
    let upright: Vec<f32> = (0..rows).rev().flat_map(|r| image[r * columns..(r + 1) * columns].to_vec()).collect();
    write_image(path, columns, rows, &upright, Palette::Magma)?;
    Ok(left_out.len())
}
