//! Networks that take sequences and vectors instead of images: their inputs, and whole runs of those that come with the crate.

mod common;

use emotone::audio;
use emotone::frontend::{Denoise, Extractor};
use emotone::graph::Var;
use emotone::models::{Input, Network, Settings, register};
use emotone::nn::{Context, Weights, layers};
use emotone::train::config::{Config, Stage};
use emotone::train::events::Event;
use emotone::train::inference::Inference;
use emotone::train::predictor::Predictor;
use emotone::train::recipe::{Recipe, Source, io};
use emotone::train::run::{RunSpec, run};
use emotone::{Error, Result, ops};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};

/// A layer on every frame, and the mean over time.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Frames {
    width: usize,
}

impl Settings for Frames {
    const NAME: &'static str = "frames";
    fn preset(_: &str) -> Self {
        Frames { width: 32 }
    }
}

impl Network for Frames {
    fn input(&self) -> Input {
        Input::Sequence
    }
    fn check(&self, shape: &[usize]) -> Result<()> {
        if shape.len() == 2 { Ok(()) } else { Err(Error::Config(format!("{shape:?} is no sequence"))) }
    }
    fn features(&self, _: &mut Context, x: Var) -> Result<Var> {
        Ok(x)
    }
    fn head(&self, cx: &mut Context, x: Var, outputs: usize) -> Result<Var> {
        let hidden = cx.scoped("hidden", |cx| layers::linear(cx, x, self.width, true))?;
        let hidden = ops::relu(cx.g, hidden)?;
        let mean = ops::mean(cx.g, hidden, 1)?;
        cx.scoped("out", |cx| layers::linear(cx, mean, outputs, true))
    }
}

/// A layer on a vector.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statistics {}

impl Settings for Statistics {
    const NAME: &'static str = "statistics";
    fn preset(_: &str) -> Self {
        Statistics {}
    }
}

impl Network for Statistics {
    fn input(&self) -> Input {
        Input::Vector
    }
    fn features(&self, _: &mut Context, x: Var) -> Result<Var> {
        Ok(x)
    }
    fn head(&self, cx: &mut Context, x: Var, outputs: usize) -> Result<Var> {
        layers::linear(cx, x, outputs, true)
    }
}

fn config(name: &str, sets: &[&str]) -> Result<Config> {
    register::<Frames>();
    register::<Statistics>();
    let mut config = Config::preset("tiny")?;
    for s in [&format!("model.name={name}"), "train.stages=single"].into_iter().chain(sets.iter().copied()) {
        config.set(s)?;
    }
    config.check()?;
    Ok(config)
}

fn recipe(name: &str) -> Recipe {
    common::recipe(config(name, &[]).expect("configuration"))
}

#[test]
fn shapes_follow_the_input_of_the_network() {
    let shape = |name: &str, sets: &[&str]| config(name, sets).expect("configuration").input_shape().expect("a shape");
    assert_eq!(shape("frames", &["sequence.frames=7"]), [7, 34]);
    assert_eq!(shape("statistics", &["vector.cepstra=20"]), [120]);
    assert_eq!(shape("res_trans", &["image.size=96"]), [1, 96, 96]);
    for (set, key) in
        [("sequence.frames=0", "sequence.frames"), ("sequence.hop=5000", "sequence.hop"), ("vector.n_fft=500", "power of two")]
    {
        let error = config("frames", &[set]).expect_err("refused").to_string();
        assert!(error.contains(key), "{error}");
    }
}

/// Features of frames are normalised each by its own mean and deviation; frames of zeros behind a clip stay zeros. Vectors stay as they are.
#[test]
fn frames_are_normalised_and_padding_stays_zero() {
    let Some(device) = common::device() else { return };
    let mut recipe = recipe("frames");
    assert_eq!((recipe.mean.len(), recipe.std.len()), (34, 34));
    recipe.mean = (0..34).map(|f| f as f32 - 10.0).collect();
    recipe.std = (0..34).map(|f| 0.5 + f as f32).collect();
    let frames = recipe.config.sequence.frames;
    // Own frames of one row are all of them, of another three, one of which is zero in all features but the last.
    let value = |t: usize, f: usize| ((31 * t + 7 * f) % 13) as f32 - 6.0;
    let row = |own: usize| -> Vec<f32> {
        let all = (0..frames).flat_map(|t| (0..34).map(move |f| (t, f)));
        all.map(|(t, f)| {
            if t >= own {
                0.0
            } else if own == 3 && t == 1 {
                f32::from(u8::from(f == 33)) * 1e-3
            } else {
                value(t, f)
            }
        })
        .collect()
    };
    let rows = [row(frames), row(3)];
    let ask = |recipe: &Recipe, rows: &[Vec<f32>]| {
        let weights: Weights = recipe.complete_weights(&Weights::new()).expect("weights");
        let inference = Inference::new(&device, recipe, &weights, 2, &[io::FEATURES], recipe.options()).expect("inference");
        inference.run(io::FEATURES, rows.len(), &|i| &rows[i]).expect("features")
    };
    for (n, (own, got)) in [frames, 3].into_iter().zip(ask(&recipe, &rows)).enumerate() {
        for (i, v) in got.iter().enumerate() {
            let (t, f) = (i / 34, i % 34);
            let want = if t < own { (rows[n][i] - recipe.mean[f]) / recipe.std[f] } else { 0.0 };
            assert!((v - want).abs() < 1e-5, "frame {t} feature {f}: {v}, not {want}");
        }
    }
    let vectors = self::recipe("statistics");
    assert!(vectors.mean.is_empty() && vectors.input_shape(Source::Raw).expect("shape") == [78]);
    let row: Vec<f32> = (0..78).map(|i| i as f32).collect();
    assert_eq!(ask(&vectors, std::slice::from_ref(&row)), [row]);
}

/// `augment = true` asks for nothing where inputs are no images.
#[test]
fn only_images_are_augmented() {
    let nodes = |name: &str, augment: bool| {
        let recipe = recipe(name);
        let stage = Stage { augment, ..recipe.config.stage("single").expect("stage").clone() };
        assert_eq!(recipe.augments(&stage), augment && name == "res_trans");
        assert_eq!(recipe.mixes(&stage), augment && name == "res_trans");
        let mut params = emotone::nn::Params::new(|_| true);
        recipe.training(&mut params, &stage, 2, Source::Raw).expect("graph").graph.nodes().len()
    };
    assert!(nodes("res_trans", true) > nodes("res_trans", false));
    assert_eq!(nodes("frames", true), nodes("frames", false));
    assert_eq!(nodes("statistics", true), nodes("statistics", false));
}

/// A recipe of another input travels in a model file, and one whose numbers do not fit its input is refused.
#[test]
fn recipes_of_other_inputs_survive_a_file() {
    for (name, parts) in [("frames", 34), ("statistics", 0)] {
        let recipe = recipe(name);
        let read = Recipe::from_metadata(&recipe.to_metadata().expect("text")).expect("a recipe");
        assert_eq!((read.config, read.mean.len()), (recipe.config.clone(), parts));
        let wrong = Recipe { mean: vec![0.0], std: vec![1.0], ..recipe };
        let told = Recipe::from_metadata(&wrong.to_metadata().expect("text")).expect_err("refused");
        assert!(told.contains(&format!("1 means and 1 standard deviations for {parts} ")), "{told}");
    }
}

/// Trains to the end, stopped after every third step where there are steps.
fn in_pieces(device: &std::sync::Arc<emotone::gpu::Device>, mut spec: RunSpec) -> (String, usize) {
    for interruptions in 0..50 {
        let (stop, mut steps) = (AtomicBool::new(false), 0);
        let outcome = run(device, &spec, &stop, &mut |e| {
            if let Event::Step { .. } = e {
                steps += 1;
                stop.store(steps == 3, Ordering::Relaxed);
            }
        });
        match outcome {
            Ok(result) => return (result.weights_sha256, interruptions),
            Err(Error::Interrupted) => spec.resume = true,
            Err(e) => panic!("{e}"),
        }
    }
    panic!("the run makes no progress");
}

fn infer(model: &Path, args: &[&str], clip: &Path) -> Output {
    let all = [&["--quiet", "--model", model.to_str().expect("path")], args, &[clip.to_str().expect("path")]].concat();
    Command::new(env!("CARGO_BIN_EXE_infer")).args(all).output().expect("infer starts")
}

fn lines(out: &Output) -> Vec<serde_json::Value> {
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect()
}

/// What `infer` says of a recording, whole and in windows, and of one shorter than any frame; what it refuses.
fn ask(dir: &Path, model: &Path, clip: &Path, plural: &str, width: usize) {
    let whole = lines(&infer(model, &["--format", "jsonl"], clip));
    let sum: f64 = whole[0]["probabilities"].as_object().expect("probabilities").values().filter_map(serde_json::Value::as_f64).sum();
    assert!((sum - 1.0).abs() < 1e-5, "{whole:?}");
    let windows = lines(&infer(model, &["--format", "jsonl", "--window", "0.5", "--hop", "0.25"], clip));
    assert!(windows.len() > 2 && windows[1]["start"] == 0.25 && windows.iter().any(|w| w["probabilities"] != windows[0]["probabilities"]));
    let short = dir.join("short.wav");
    audio::write_wav(&short, &[0.1, -0.2, 0.05, 0.3], 16_000).expect("file");
    let short = &lines(&infer(model, &["--format", "jsonl"], &short))[0];
    assert!(short["quality"] == serde_json::json!(["too_short"]) && short["label"].is_null(), "{short}");
    let vectors = dir.join(format!("{plural}.safetensors"));
    assert!(infer(model, &["--embeddings", vectors.to_str().expect("path")], clip).status.success());
    assert_eq!(emotone::nn::file::read(&vectors).expect("embeddings").0.values().next().expect("a vector").1.len(), width);
    let refused = infer(model, &["--spectrogram", dir.join("no.png").to_str().expect("path")], clip);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && told.contains(&format!("takes {plural}")) && !dir.join("no.png").exists(), "{told}");
}

/// The networks of the paper that take no images, trained on recordings whose noise is taken out, interrupted and resumed, then asked from
/// their files, which carry what is done about noise.
#[test]
fn the_crates_networks_are_trained_resumed_and_asked() {
    let Some(device) = common::device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    for (name, plural, width, stops) in [("lstm", "sequences", 32, 3), ("svm", "vectors", 78, 0)] {
        let model = format!("model.name={name}");
        let sets = [model.as_str(), "train.batch=8", "stage.single.epochs=3", "frontend.denoise=berouti"];
        let spec = |out: &str| common::spec(dir.path(), &format!("{name}-{out}"), &sets);
        let whole = run(&device, &spec("whole"), &AtomicBool::new(false), &mut |_| ()).expect("run");
        let (pieces, interruptions) = in_pieces(&device, spec("pieces"));
        assert!(interruptions >= stops, "{interruptions} interruptions");
        assert_eq!(pieces, whole.weights_sha256, "{name}");
        assert!(whole.test.and_then(|t| t.uar).is_some());

        let model: PathBuf = spec("whole").out.join("model.safetensors");
        let mut predictor = Predictor::load(&device, &model, 2).expect("model");
        let config = predictor.recipe.config.clone();
        assert_eq!((config.frontend.denoise, config.model.name()), (Denoise::Berouti, name));
        let path = std::fs::read_dir(dir.path().join("corpus/wav")).expect("clips").next().expect("a clip").expect("entry").path();
        let clip = audio::load(&path).expect("recording").samples;
        let made = Extractor::new(&device, &config.inputs().expect("inputs")).extract(&[&clip]).expect("inputs");
        assert_eq!(predictor.inputs(&[&clip]).expect("inputs"), made);
        assert_eq!(made[0].len(), config.input_shape().expect("shape").iter().product::<usize>());
        assert_eq!(predictor.predict(&[[0.1, -0.2, 0.05, 0.3]]).expect("an answer about less than a frame").len(), 1);
        ask(dir.path(), &model, &path, plural, width);
    }
}
