//! Training as a user runs it: the same bits twice, and after an interruption; a network's gradient against finite differences.

mod common;

use common::{device, spec};
use emotone::Error;
use emotone::gpu::{AdapterRequest, Device, LimitsChoice};
use emotone::nn::file;
use emotone::train::config::Config;
use emotone::train::dataset::Dataset;
use emotone::train::events::Event;
use emotone::train::report::RunResult;
use emotone::train::run::{RunSpec, run};
use emotone::train::state::{self, Folder};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn complete(device: &Arc<Device>, spec: &RunSpec) -> RunResult {
    run(device, spec, &AtomicBool::new(false), &mut |_| ()).expect("run")
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_does_not() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let a = complete(&device, &spec(dir.path(), "a", &[]));
    let b = complete(&device, &spec(dir.path(), "b", &[]));
    let c = complete(&device, &spec(dir.path(), "c", &["train.seed=5"]));
    assert_eq!(a.weights_sha256, b.weights_sha256);
    assert_eq!(a.test.map(|t| t.confusion), b.test.map(|t| t.confusion));
    assert_ne!(a.weights_sha256, c.weights_sha256);
    let metrics = |out: &str| std::fs::read(dir.path().join(out).join("metrics.jsonl")).expect("metrics");
    assert_eq!(metrics("a"), metrics("b"));
}

#[test]
fn an_interrupted_run_resumes_to_the_same_bits() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    // Averaged weights and mixtures are state as well.
    let sets = ["train.ema=0.9", "augment.mixup.ratio=0.2", "train.micro_batches=2"];
    let whole = complete(&device, &spec(dir.path(), "whole", &sets));
    let mut pieces = spec(dir.path(), "pieces", &sets);
    let mut interruptions = 0;
    let result = loop {
        let stop = AtomicBool::new(false);
        let mut steps = 0;
        let outcome = run(&device, &pieces, &stop, &mut |e| {
            if let Event::Step { .. } = e {
                steps += 1;
                // In the middle of epochs, three steps at a time.
                stop.store(steps == 3, Ordering::Relaxed);
            }
        });
        match outcome {
            Ok(result) => break result,
            Err(Error::Interrupted) => interruptions += 1,
            Err(e) => panic!("{e}"),
        }
        pieces.resume = true;
        assert!(interruptions < 50, "the run makes no progress");
    };
    assert!(interruptions >= 3, "{interruptions} interruptions");
    assert_eq!(result.weights_sha256, whole.weights_sha256);
}

/// A run whose configuration file an earlier version wrote is known by the bytes of that file, however often it is interrupted.
#[test]
fn a_run_of_an_earlier_version_goes_on_more_than_once() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let old = include_str!("old/old-config.toml");
    let at = |out: &str| RunSpec { config: Config::parse(old, "old").expect("configuration"), ..spec(dir.path(), out, &[]) };
    let whole = complete(&device, &at("whole"));
    let mut pieces = at("pieces");
    let interrupted = |pieces: &RunSpec| {
        let stop = AtomicBool::new(false);
        let stopped = run(&device, pieces, &stop, &mut |e| stop.store(matches!(e, Event::Step { .. }), Ordering::Relaxed));
        assert!(matches!(stopped, Err(Error::Interrupted)), "{:?}", stopped.err());
    };
    interrupted(&pieces);
    let sha = |text: &str| Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect::<String>();
    let data = file::read(&dir.path().join("whole/model.safetensors")).expect("model").1["recipe"].clone();
    let data: serde_json::Value = serde_json::from_str(&data).expect("JSON");
    let data = data["data_hash"].as_str().expect("hash");
    let identity = |config: &str| sha(&format!("{}|{data}|{}", sha(config), device.caps().adapter));
    let folder = Folder(pieces.out.clone());
    let (mut progress, snapshot) = state::load(&folder.state()).expect("state");
    assert_eq!(progress.identity, identity(&std::fs::read_to_string(folder.config()).expect("configuration")));
    (progress.identity, progress.data, progress.adapter) = (identity(old), None, None);
    state::save(&folder.state(), &progress, &snapshot).expect("state");
    std::fs::write(folder.config(), old).expect("configuration");
    pieces.resume = true;
    interrupted(&pieces);
    interrupted(&pieces);
    assert_eq!(complete(&device, &pieces).weights_sha256, whole.weights_sha256);
}

/// An earlier version kept both heads, whatever the stages: what it saved of a stage has a head that the run lacks now.
#[test]
fn a_finished_stage_of_an_earlier_version_with_a_head_too_many_is_gone_on_from() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let mut spec = spec(dir.path(), "a", &["train.stages=single", "stage.single.epochs=1"]);
    let whole = complete(&device, &spec);
    let best = Folder(spec.out.clone()).best("single");
    let (mut weights, metadata) = file::read(&best).expect("weights");
    weights.insert("voiceprint.bias".into(), ([3].into(), vec![0.0; 3]));
    file::write(&best, &weights, &metadata).expect("weights");
    spec.resume = true;
    assert_eq!(complete(&device, &spec).weights_sha256, whole.weights_sha256);
}

#[test]
fn a_lost_device_is_an_error_and_the_run_goes_on_from_its_snapshot() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let whole = complete(&device, &spec(dir.path(), "whole", &[]));
    let mut pieces = spec(dir.path(), "pieces", &[]);
    pieces.save_every = Duration::ZERO;
    let mut steps = 0;
    let lost = run(&device, &pieces, &AtomicBool::new(false), &mut |e| {
        if let Event::Step { .. } = e {
            steps += 1;
            if steps == 4 {
                device.destroy();
            }
        }
    });
    let Err(Error::DeviceLost(told)) = lost else { panic!("{:?}", lost.err()) };
    let state = pieces.out.join("state.safetensors").display().to_string();
    assert!(told.contains(&format!("continue from {state} (updates in its stage: 3)")) && told.contains("--resume"), "{told}");
    let fresh = Device::open(&AdapterRequest::from_env()).expect("device");
    pieces.resume = true;
    assert_eq!(complete(&fresh, &pieces).weights_sha256, whole.weights_sha256);
}

#[test]
fn a_run_is_neither_overwritten_nor_resumed_by_another() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let mut spec = spec(dir.path(), "a", &["train.stages=single", "stage.single.epochs=1"]);
    complete(&device, &spec);
    let message = |spec: &RunSpec| run(&device, spec, &AtomicBool::new(false), &mut |_| ()).expect_err("refused").to_string();
    assert!(message(&spec).contains("--resume"), "{}", message(&spec));
    spec.resume = true;
    spec.config.set("train.seed=9").expect("setting");
    assert!(message(&spec).contains("another configuration"), "{}", message(&spec));
}

#[test]
fn a_batch_too_large_is_refused_with_one_that_fits() {
    if device().is_none() {
        return;
    }
    // WebGPU's default limits bound a value to 128 MiB on every adapter.
    let request = AdapterRequest { limits: LimitsChoice::Default, ..AdapterRequest::from_env() };
    let device = Device::open(&request).expect("device");
    let dir = tempfile::tempdir().expect("folder");
    let sets = ["train.stages=single", "image.size=64", "model.width=16", "train.batch=4096"];
    let spec = spec(dir.path(), "a", &sets);
    let error = run(&device, &spec, &AtomicBool::new(false), &mut |_| ()).map(|_| ()).expect_err("refused");
    let Error::OutOfMemory { fits_batch: Some(batch), .. } = &error else { panic!("{error}") };
    assert!(4096 % batch == 0 && (64..4096).contains(batch), "batch {batch}");
    assert!(error.to_string().contains(&format!("batch size {batch} fits")), "{error}");
}

#[test]
fn silent_clips_are_counted() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let spec = spec(dir.path(), "a", &[]);
    let mut clips: Vec<_> = std::fs::read_dir(dir.path().join("corpus/wav")).expect("clips").map(|e| e.expect("entry").path()).collect();
    clips.sort();
    for (n, expected) in ["1 of 48 clips is silent", "2 of 48 clips are silent"].into_iter().enumerate() {
        // Of different length: equal clips would count as copies.
        emotone::audio::write_wav(&clips[n], &vec![0.0; 8000 + n], 16_000).expect("file");
        let mut warnings = Vec::new();
        let prepared = Dataset::prepare(&device, &spec.config, &spec.data, &mut |e| {
            if let Event::Warning(text) = e {
                warnings.push(text.to_string());
            }
        });
        prepared.expect("data");
        let named = clips[0].display().to_string();
        assert!(warnings.iter().filter(|w| w.contains(expected) && w.contains(&named)).count() == 1, "{warnings:?}");
    }
}
