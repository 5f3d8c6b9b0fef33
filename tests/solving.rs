//! Networks that are solved, not stepped, as a stage of a run.

mod common;

use emotone::Error;
use emotone::data::Split;
use emotone::data::synth::{self, SynthConfig};
use emotone::gpu::Device;
use emotone::nn::{Weights, file};
use emotone::random::Rng;
use emotone::train::config::Config;
use emotone::train::dataset::Dataset;
use emotone::train::events::Event;
use emotone::train::inference::Inference;
use emotone::train::predictor::Predictor;
use emotone::train::recipe::{Recipe, io};
use emotone::train::run::{RunSpec, run};
use emotone::train::solving::{plans, solve_stage, solved};
use emotone::train::start::Start;
use emotone::train::state::{self, Folder, Progress};
use emotone::train::task::Targets;
use emotone::train::trainer::RunContext;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

fn config(sets: &[&str]) -> Config {
    let mut config = Config::preset("tiny").expect("preset");
    for s in ["model.name=svm"].iter().chain(sets) {
        config.set(s).expect("setting");
    }
    config.check().expect("configuration");
    config
}

/// Vectors of four classes, a fifth of them for validation.
fn data() -> Dataset {
    let mut rng = Rng::at(8);
    let mut normal = || (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0;
    let centres: Vec<f64> = (0..4 * 78).map(|_| normal()).collect();
    let class: Vec<usize> = (0..150).map(|i| i % 4).collect();
    let inputs = class.iter().map(|c| (0..78).map(|d| (5.0 + centres[c * 78 + d] + 4.0 * normal()) as f32).collect()).collect();
    let names = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
    let targets = Targets::classes(names(4), class.iter().map(|c| Some(*c)).collect());
    let split = Split {
        train: (0..120).collect(),
        valid: (120..150).collect(),
        test: vec![],
        description: String::new(),
        speaker_independent: true,
        validation_by_speaker: true,
    };
    Dataset {
        inputs: Arc::new(inputs),
        copies: Vec::new(),
        names: names(150),
        corpora: vec![0; 150],
        weight: None,
        recordings: (0..150).collect(),
        digests: vec![[0; 32]; 150],
        speaker: (0..150).map(|i| (i % 3).to_string()).collect(),
        classes: names(4),
        speakers: names(3),
        targets: BTreeMap::from([("emotion".to_string(), targets)]),
        class,
        split,
        hash: String::new(),
        test_clips: Vec::new(),
        mean_std: vec![],
        features: Default::default(),
    }
}

/// Solves the only stage in a folder.
fn stage(device: &Arc<Device>, folder: &Path, sets: &[&str], progress: &mut Progress, stop: bool) -> emotone::Result<(Weights, Recipe)> {
    let (recipe, data, folder) = (common::recipe(config(sets)), data(), Folder(folder.to_path_buf()));
    let stop = AtomicBool::new(stop);
    let run = RunContext {
        device,
        recipe: &recipe,
        data: &data,
        folder: &folder,
        stop: &stop,
        save_every: Duration::from_secs(3600),
        detect_anomaly: false,
        features: None,
    };
    let mut epochs = 0;
    let done = solve_stage(&run, "single", &Weights::new(), progress, &mut |e| epochs += usize::from(matches!(e, Event::Epoch(_))));
    assert_eq!(progress.history.len(), progress.at.epoch, "{epochs} epochs were told of");
    done
}

/// Interrupted it begins again, complete it is taken from its file: in each case the same weights and settings. The model in the file
/// answers, knows what it has found out, and knows more than chance of clips it has not seen.
#[test]
fn a_stage_is_solved_resumed_and_asked() {
    let Some(device) = common::device() else { return };
    for kernel in ["model.kernel=linear", "model.kernel=rbf"] {
        let dir = tempfile::tempdir().expect("folder");
        let mut progress = Progress::default();
        let interrupted = stage(&device, dir.path(), &[kernel], &mut progress, true);
        assert!(matches!(interrupted, Err(Error::Interrupted)) && progress == Progress::default());
        let (weights, recipe) = stage(&device, dir.path(), &[kernel], &mut progress, false).expect("a solution");
        let (mut saved, _) = state::load(&Folder(dir.path().to_path_buf()).state()).expect("a state");
        assert_eq!(saved, progress);
        let (same, again) = stage(&device, dir.path(), &[kernel], &mut saved, false).expect("the same");
        assert!(same == weights && again.config == recipe.config && saved == progress);
        assert!(progress.history[0].valid_uar.expect("a validation set") > 0.5, "{:?}", progress.history);

        let (weights, metadata) = file::read(&Folder(dir.path().to_path_buf()).best("single")).expect("a file");
        let read = Recipe::from_metadata(&metadata).expect("a recipe");
        let found = &read.calibration["emotion"];
        assert!(found.clips == 30 && found.centre.len() == 4 && found.ece < found.ece_before, "{found:?}");
        let support = read.config.model.0["support"].as_integer().expect("a number");
        assert_eq!(support > 0, kernel.ends_with("rbf"), "{support} support vectors");
        let (logits, data) = (io::logits("emotion"), data());
        let inference = Inference::new(&device, &read, &weights, 5, &[&logits], read.options()).expect("inference");
        let answers = inference.run(&logits, 150, &|i| &data.inputs[i]).expect("answers");
        let measure = data.targets["emotion"].measure(&data.split.valid, &answers[120..]).expect("a measure").expect("known");
        assert_eq!(measure.confusion().and_then(|m| m.uar()), progress.history[0].valid_uar);
        // Calibrated, the chosen class is right about as often as its probability says.
        let sure: f32 = answers[120..].iter().map(|a| read.answer("emotion", a).into_iter().fold(0.0, f32::max)).sum();
        let right = measure.confusion().and_then(|m| m.accuracy()).expect("accuracy");
        assert!((f64::from(sure) / 30.0 - right).abs() < 0.2, "right in {right}, sure of {}", sure / 30.0);
    }
}

#[test]
fn stages_of_other_tasks_are_refused_and_the_plan_is_of_evaluation() {
    let Some(device) = common::device() else { return };
    let recipe = common::recipe(config(&[]));
    assert!(solved(&recipe).expect("a stage"));
    let plans = plans(&device, &recipe).expect("plans");
    assert!(plans[0].0 == "single" && plans[0].1.contains("not in steps"), "{plans:?}");
    for stages in ["joint", "voiceprint"] {
        let error = solved(&common::recipe(config(&[&format!("train.stages={stages}")]))).expect_err("refused").to_string();
        assert!(error.contains(stages) && error.contains("svm"), "{error}");
    }
    assert!(!solved(&common::recipe(Config::preset("tiny").expect("preset"))).expect("stages"));
}

/// From recordings to a model that is asked: the same twice and when it is resumed, with probabilities of classes and embeddings.
#[test]
fn a_run_is_solved_tested_and_asked() {
    let Some(device) = common::device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let complete = |spec: &RunSpec| run(&device, spec, &AtomicBool::new(false), &mut |_| ()).expect("a run");
    let first = common::spec(dir.path(), "first", &["model.name=svm", "model.kernel=rbf"]);
    let result = complete(&first);
    let again = complete(&RunSpec { resume: true, ..first.clone() });
    let second = complete(&common::spec(dir.path(), "second", &["model.name=svm", "model.kernel=rbf"]));
    assert!(result.weights_sha256 == again.weights_sha256 && result.weights_sha256 == second.weights_sha256);
    assert_eq!(result.stages["single"].epochs, 1);
    let uar = result.test.expect("a test").uar;
    assert!(uar.expect("all classes") > 0.5, "{uar:?}, where chance is 0.25");

    let mut model = Predictor::load(&device, &dir.path().join("first/model.safetensors"), 3).expect("a model");
    let clips = synth::synthesise(&SynthConfig { speakers: 1, clips_per_emotion_per_speaker: 1, seed: 77 });
    let clips: Vec<Vec<f32>> = clips.iter().map(|c| c.samples.clone()).collect();
    for p in model.predict(&clips).expect("predictions") {
        assert!((p.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{p:?}");
    }
    assert!(model.embeddings(&clips).expect("embeddings").iter().all(|e| e.len() == 78 && e.iter().all(|v| v.is_finite())));

    let (weights, metadata) = file::read(&dir.path().join("first/model.safetensors")).expect("weights");
    let start = Start { heard: Default::default(), ..Start::of(weights, &metadata) };
    let refused = RunSpec { start, ..common::spec(dir.path(), "third", &["model.name=svm"]) };
    let error = run(&device, &refused, &AtomicBool::new(false), &mut |_| ()).expect_err("refused").to_string();
    assert!(error.contains("does not start from weights"), "{error}");
}
