//! `train`: from recordings to a trained model.

mod args;
mod boxed;
mod flags;
mod folds;
mod preview;
mod request;
mod show;
mod stop;

use anyhow::{Context as _, Result};
use args::Args;
use emotone::gpu::{AdapterRequest, Device};
use emotone::nn::file;
use emotone::text;
use emotone::train::dataset::Dataset;
use emotone::train::events::Event;
use emotone::train::folds::FoldsSpec;
use emotone::train::recipe::Recipe;
use emotone::train::run::{self, RunSpec};
use emotone::train::start::Start;
use emotone::train::teacher::{self, Teacher};
use emotone::{Error, train::config::Config};
use show::{complain, say};
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

fn main() -> ExitCode {
    match Args::read().and_then(|args| execute(&args)) {
        Ok(code) => code,
        Err(e) => {
            complain(&text::lines(&format!("error: {e:#}")));
            ExitCode::FAILURE
        }
    }
}

fn execute(args: &Args) -> Result<ExitCode> {
    if args.list_adapters {
        for a in args.adapter_request().list() {
            say!("{a}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    if args.doctor {
        return doctor(AdapterRequest { all_variants: true, unchecked: Some(false), ..args.adapter_request() });
    }
    let config = args.configuration()?;
    if args.print_config {
        say!("{}", config.to_toml()?.trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let device = Device::open(&args.adapter_request())?;
    let mut show = show::Show::new(args.mode());
    show.line(&device.caps().headline());
    device.watch_precompilation(show.precompilation());
    if args.plan {
        return plan(&device, &config, args.data_spec()?.teacher.as_ref());
    }
    if let Some(dir) = &args.preview {
        let data = Dataset::prepare(&device, &config, &args.data_spec()?, &mut |e| show.event(&e))?;
        preview::write(&device, &config, &data, dir)?;
        show.line(&format!("previews are in {}", text::path(dir)));
        return Ok(ExitCode::SUCCESS);
    }
    train(args, config, &device, &mut show)
}

/// Trains, tests and reports.
fn train(args: &Args, config: Config, device: &Arc<Device>, show: &mut show::Show) -> Result<ExitCode> {
    args.idle(&config)?.iter().for_each(|text| show.event(&Event::Warning(text)));
    let request = request::text(args);
    if request.is_none() {
        show.event(&Event::Warning(
            "a path is not Unicode, so the run's folder cannot keep it: going on with --resume needs the same flags again",
        ));
    }
    let spec = RunSpec {
        start: start(args, &config, show)?,
        resume: args.resumes(),
        save_every: Duration::from_secs(args.save_every),
        detect_anomaly: args.detect_anomaly,
        tune: args.tune,
        features: args.features(),
        request,
        ..RunSpec::new(config, args.data_spec()?, args.out()?)
    };
    let stop = stop::on_signals()?;
    let done = match &args.folds {
        Some(chosen) => {
            let (folds, seeds) = (chosen.clone(), args.seeds as usize);
            let spec = FoldsSpec { run: spec.clone(), folds, seeds };
            let result = emotone::train::folds::run(device, &spec, &stop.flag, &mut |e| show.event(&e));
            show.stop();
            result.map(|result| folds::finish(show, &spec.run.out, &result))
        }
        None => run::run(device, &spec, &stop.flag, &mut |e| show.event(&e)).map(|result| show.finish(&spec.out, &result)),
    };
    match done {
        Ok(shown) => shown.map(|()| show.code()),
        Err(Error::Interrupted) => {
            show.line(&format!("stopped; go on with --resume {}", text::shell(&spec.out)));
            Ok(ExitCode::from(stop.code()))
        }
        Err(e) => match show.fold() {
            Some(fold) => Err(e).context(fold),
            None => Err(e.into()),
        },
    }
}

/// Weights to start from: a model of ours, weights published for the network, or a trunk published under other names.
fn start(args: &Args, config: &Config, show: &show::Show) -> Result<Start> {
    let mut start = Start::default();
    let encoder = config.model.name() == "encoder" && config.network()?.solver().is_some();
    if args.weights.is_none() && encoder && boxed::is_there() {
        start = boxed::start()?;
        show.line("starts from the model in the box: its speech encoder, and where that helps what it knows of classes; --preset small trains a network from scratch");
    }
    if let Some(path) = &args.weights {
        let (tensors, metadata) = file::read(path)?;
        let network = config.network()?;
        let published = !metadata.contains_key(Recipe::KEY) && network.imports(&tensors);
        start = match published {
            true => {
                let own = network.import(&tensors, &config.input_shape()?).with_context(|| text::path(path))?;
                Start { weights: own, ..Start::default() }
            }
            // Whoever names a model wants all of it.
            false => Start { heard: BTreeSet::new(), ..Start::of(tensors, &metadata) },
        };
    }
    if let Some(path) = &args.trunk {
        let (tensors, _) = file::read(path)?;
        let renamed = config.network()?.import(&tensors, &config.input_shape()?);
        start.weights.extend(renamed.with_context(|| text::path(path))?);
    }
    Ok(start)
}

/// Examines the adapter and keeps what was found for later runs.
fn doctor(request: AdapterRequest) -> Result<ExitCode> {
    let device = Device::open(&request)?;
    say!("{}", device.caps().headline());
    let mut report = emotone::doctor::examine(&device, &|_, _| (), &mut |_| ())?;
    report.unchecked = emotone::doctor::unchecked(&device, false, &mut |_| ())?;
    say!("{report}");
    if !report.keep(&device) {
        complain(&format!("warning: there is no cache folder to keep this in; set EMOTONE_DISABLE={}", report.switches().join(",")));
    }
    Ok(if report.usable() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints the compiled training step of each stage.
fn plan(device: &Arc<Device>, config: &Config, teacher: Option<&Teacher>) -> Result<ExitCode> {
    let names = |what: &str, n: usize| (0..n).map(|i| format!("{what}{i}")).collect::<Vec<_>>();
    let config = &teacher.map_or_else(|| Ok(config.clone()), |t| t.extend(config))?;
    let mut recipe = Recipe::untrained(config.clone(), &names("class", 8), &names("speaker", 20))?;
    if let Some(teacher) = teacher {
        recipe.taught = Some(teacher.taught());
        recipe.heads.get_mut(teacher::TASK).into_iter().for_each(|head| *head = teacher.dimensions());
    }
    for (stage, text) in run::plans(device, &recipe)? {
        say!("stage {stage}, batch {}, 8 classes, 20 speakers\n{text}\n", config.train.batch);
    }
    Ok(ExitCode::SUCCESS)
}
