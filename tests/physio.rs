//! Signals from files to answers: a manifest, what is said about it, late fusion with its weights, and the same answers from `infer`.

mod common;

use common::device;
use emotone::data::synth::{self, SynthConfig};
use emotone::gpu::Device;
use emotone::nn::file;
use emotone::train::config::Config;
use emotone::train::dataset::{DataSpec, Dataset};
use emotone::train::report::RunResult;
use emotone::train::run::{RunSpec, run};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A corpus of 48 utterances with signals of 4 s at 128 Hz, and a run over it that takes seconds.
fn spec(dir: &Path, out: &str, sets: &[&str]) -> RunSpec {
    let corpus = dir.join("corpus");
    if !corpus.exists() {
        let config = SynthConfig { speakers: 6, clips_per_emotion_per_speaker: 2, seed: 3 };
        let signals = synth::signals(&config, [1, 4], 128.0, 512);
        synth::write_with(&synth::synthesise(&config), &signals, [1, 4], 128.0, &corpus).expect("corpus");
    }
    let mut config = Config::preset("tiny").expect("preset");
    for s in ["model.name=physio", "model.length=256", "train.batch=8", "stage.single.epochs=2"].iter().chain(sets) {
        config.set(s).expect("setting");
    }
    let data = DataSpec { paths: vec![corpus], split: "kfold:3:1".into(), ..DataSpec::default() };
    RunSpec::new(config, data, dir.join(out))
}

fn outcome(device: &Arc<Device>, spec: &RunSpec, notes: &mut Vec<String>) -> emotone::Result<RunResult> {
    run(device, spec, &AtomicBool::new(false), &mut |e| notes.push(format!("{e:?}")))
}

fn infer(model: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_infer")).arg("--model").arg(model).arg("--quiet").args(words).output().expect("infer starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn signals_in_files_are_learnt_and_answered() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let late = spec(dir.path(), "late", &[]);
    let mut notes = Vec::new();
    let result = outcome(&device, &late, &mut notes).expect("run");
    let said = notes.join("\n");
    assert!(said.contains("96 of 96 signals are longer than 2 s: their middle is taken"), "{said}");
    assert!(said.contains("1 of ecg and 4 of eeg, images 32 x 32"), "{said}");
    // The weights of the modalities lie on the simplex, in tenths, in the model as in the stage's file.
    let model = dir.path().join("late/model.safetensors");
    let weights = file::read(&model).expect("model").0;
    let of = &weights["weights"].1;
    assert!(of.len() == 3 && (of.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{of:?}");
    assert!(of.iter().all(|w| (10.0 * w - (10.0 * w).round()).abs() < 1e-5) && of != &vec![1.0 / 3.0; 3], "{of:?}");
    assert_eq!(file::read(&dir.path().join("late/best-single.safetensors")).expect("best").0["weights"], weights["weights"]);
    assert!(result.test.is_some());
    // The same answers from a manifest and from files, in every format that names classes.
    let corpus = dir.path().join("corpus");
    let out = infer(&model, &[corpus.to_str().expect("path"), "--format", "jsonl"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let rows: Vec<serde_json::Value> = text(&out.stdout).lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let name = rows[5]["file"].as_str().expect("name").to_string();
    let stem = Path::new(&name).file_stem().expect("stem").to_string_lossy().into_owned();
    let file = |kind: &str| corpus.join(kind).join(format!("{stem}.npy")).display().to_string();
    let one = infer(
        &model,
        &["--ecg", &file("ecg"), "--ecg-rate", "128", "--eeg", &file("eeg"), "--eeg-rate", "128", "--format", "jsonl", &name],
    );
    let answer: serde_json::Value = serde_json::from_str(&text(&one.stdout)).expect("JSON");
    let mut same = rows[5].clone();
    assert!(same.as_object_mut().and_then(|o| o.remove("truth")).is_some_and(|truth| truth.is_string()), "{same}");
    assert!(rows.len() == 48 && answer == same, "{answer} and {same}");
    // What is missing or wrong is named, with the file.
    let missing = infer(&model, &["--ecg", &file("ecg"), &name]);
    let said = text(&missing.stderr);
    assert!(
        missing.status.code() == Some(2) && said.contains("no signal in column \"eeg\", of which the network takes 4 channels"),
        "{said}"
    );
    let swapped = infer(&model, &["--ecg", &file("eeg"), "--eeg", &file("ecg"), &name]);
    let said = text(&swapped.stderr);
    assert!(said.contains("shape [4, 512] for 1 channels of ecg (model.ecg)") && said.contains(".npy"), "{said}");
    let windows = infer(&model, &[corpus.to_str().expect("path"), "--window", "1"]);
    assert!(text(&windows.stderr).contains("--window is for models of recordings of speech"), "{}", text(&windows.stderr));
    let silent = infer(&model, &["--ecg", &file("ecg"), "--eeg", &file("eeg")]);
    assert!(text(&silent.stderr).contains("no recording of speech"), "{}", text(&silent.stderr));
}

/// Signals alone, in a manifest without recordings of speech; and the perceptron.
#[test]
fn a_manifest_needs_no_speech() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let spec = spec(dir.path(), "mlp", &["model.audio=0", "model.fusion=mlp", "model.length=600", "signal.rate=128"]);
    let path = dir.path().join("corpus/manifest.csv");
    let whole = std::fs::read_to_string(&path).expect("manifest");
    let without = whole.lines().map(|l| l.split_once(',').expect("columns").1.to_string() + "\n").collect::<String>();
    std::fs::write(&path, without).expect("manifest");
    let mut notes = Vec::new();
    let result = outcome(&device, &spec, &mut notes).expect("run");
    let said = notes.join("\n");
    assert!(result.test.is_some() && said.contains("96 of 96 signals are shorter than 4.6875 s"), "{said}");
    assert!(!file::read(&dir.path().join("mlp/model.safetensors")).expect("model").0.contains_key("weights"));
    let data = Dataset::prepare(&device, &spec.config, &spec.data, &mut |_| ()).expect("data");
    assert!(data.names.iter().all(|n| n.contains("ecg")) && data.inputs[0].len() == 5 * 600 && data.mean_std.len() == 5);
    // A rate of their own is resampled to the network's.
    let halved = std::fs::read_to_string(&path).expect("manifest").replace(",128", ",64");
    std::fs::write(&path, halved).expect("manifest");
    let mut notes = Vec::new();
    Dataset::prepare(&device, &spec.config, &spec.data, &mut |e| notes.push(format!("{e:?}"))).expect("data");
    assert!(notes.join("\n").contains("96 of 96 signals are of another rate: resampled to 128 Hz"), "{notes:?}");
    std::fs::write(&path, whole.replace("ecg,", "ECG_II,")).expect("manifest");
    let said = outcome(&device, &RunSpec { out: dir.path().join("no"), ..spec }, &mut Vec::new()).expect_err("no column").to_string();
    assert!(said.contains("no signal in column \"ecg\""), "{said}");
}
