//! Runs in which something goes wrong, and what must not change between runs.

mod common;

use common::{device, recipe, spec};
use emotone::Error;
use emotone::nn::file;
use emotone::reference::noise;
use emotone::train::events::Event;
use emotone::train::learner::Learner;
use emotone::train::recipe::Source;
use emotone::train::run::{RunSpec, run};
use emotone::train::step::{Batch, Step};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// One stage in which each update takes ten times the weights from them, until something overflows.
fn diverging(dir: &Path, out: &str) -> RunSpec {
    let sets = ["train.stages=single", "stage.single.epochs=30", "stage.single.lr=10", "train.optimiser=sgd", "train.weight_decay=1"];
    spec(dir, out, &[&sets[..], &["train.warmup_epochs=0", "train.momentum=0", "train.ema=0.9"]].concat())
}

#[test]
fn a_run_that_diverges_saves_the_state_before_and_says_how_to_go_on() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let mut failing = diverging(dir.path(), "failing");
    let fail = |spec: &RunSpec| {
        let mut good = 0;
        let outcome = run(&device, spec, &AtomicBool::new(false), &mut |e| {
            if let Event::Step { done, .. } = e {
                good = done;
            }
        });
        match outcome {
            Err(Error::NonFinite(told)) => (good, told),
            other => panic!("{:?}", other.err()),
        }
    };
    let (good, told) = fail(&failing);
    let state = failing.out.join("state.safetensors");
    let saved = format!("the state before is in {} (updates in its stage: {good})", state.display());
    assert!(good > 0 && told.contains(&format!("update {}", good + 1)) && told.contains(&saved), "{good}: {told}");
    assert!(told.contains(&format!("--weights {}", state.display())) && told.contains("stage.NAME.lr"), "{told}");
    // What was saved is what a run holds that stopped there of its own will: the failed update left no trace.
    let stop = AtomicBool::new(false);
    let stopped = diverging(dir.path(), "stopped");
    let outcome = run(&device, &stopped, &stop, &mut |e| {
        if let Event::Step { done, .. } = e {
            stop.store(done == good, Ordering::Relaxed);
        }
    });
    assert!(matches!(outcome, Err(Error::Interrupted)), "{:?}", outcome.err());
    let read = |spec: &RunSpec| file::read(&spec.out.join("state.safetensors")).expect("state").0;
    let kept = read(&failing);
    assert_eq!(file::sha256(&kept), file::sha256(&read(&stopped)));
    // The same update again, and then past it.
    failing.resume = true;
    assert_eq!(fail(&failing).1, told);
    let mut onward = spec(dir.path(), "onward", &["train.stages=single", "stage.single.epochs=1", "stage.single.lr=1e-4"]);
    onward.start.weights =
        kept.into_iter().map(|(name, (shape, v))| (name, (shape, v.iter().map(|v| v.clamp(-1.0, 1.0)).collect()))).collect();
    run(&device, &onward, &AtomicBool::new(false), &mut |_| ()).expect("a run from the saved weights");
}

/// Long enough to show a buffer that is made every step and kept; the figures of thousands of steps come from `step_bench --soak`.
#[test]
fn training_and_inference_hold_no_more_device_memory_with_time() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let config = spec(dir.path(), "a", &["train.batch=4"]).config;
    let stage = config.stage["single"].clone();
    let mut learner = Learner::new(&device, &recipe(config), &stage, Source::Raw, &Default::default()).expect("learner");
    let x: Vec<f32> = noise(3, 4 * 32 * 32).iter().map(|&v| v as f32).collect();
    let emotion: Vec<f32> = (0..16).map(|i| f32::from(u8::from(i % 4 == i / 4))).collect();
    let batch = [Batch { x: x.clone(), targets: [("emotion".to_string(), emotion)].into(), ..Batch::default() }];
    let mut held = Vec::new();
    for round in 0..4 {
        for _ in 0..80 {
            learner.update(&batch, 1e-4).and_then(Step::done).expect("update");
            learner.infer(4, &|i| &x[i * 1024..][..1024]).expect("logits");
            learner.weights().expect("weights");
        }
        device.wait().expect("device");
        // The first round fills caches.
        held.extend((round > 0).then(|| device.memory()));
    }
    assert!(held[0].bytes > 0 || device.caps().backend != "Vulkan", "the allocator reports nothing");
    assert!(held.iter().all(|m| *m == held[0]), "{held:?}");
}

#[test]
fn the_same_bits_whatever_the_drivers_threads() {
    if device().is_none() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let corpus = spec(dir.path(), "unused", &[]).data.paths[0].clone();
    // Without threads, with two, and again: lavapipe reads this; other drivers run three times as they are.
    let [none, two, again] = [("none", "0"), ("two", "2"), ("again", "2")].map(|(name, threads)| {
        let out = dir.path().join(name);
        let mut train = Command::new(env!("CARGO_BIN_EXE_train"));
        train.env("LP_NUM_THREADS", threads).args(["--quiet", "--preset", "tiny", "--split", "kfold:3:1", "--data"]).arg(&corpus);
        for set in ["image.size=32", "train.batch=8", "stage.voiceprint.epochs=1", "stage.emotion.epochs=1", "stage.finetune.epochs=1"] {
            train.args(["--set", set]);
        }
        let done = train.arg("--out").arg(&out).output().expect("train starts");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let weights = file::read(&out.join("model.safetensors")).expect("model").0;
        let text = |name: &str| std::fs::read_to_string(out.join(name)).expect("file");
        (file::sha256(&weights), text("metrics.jsonl"), text("confusion.csv"))
    });
    assert_eq!(none, two);
    assert_eq!(two, again);
    assert_eq!(none.1.lines().count(), 3, "{}", none.1);
}

#[test]
fn what_software_drivers_compile_is_remembered_and_never_needed() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let cache = dir.path().join("emotone/precompiled.json");
    let plan = || {
        let mut train = Command::new(env!("CARGO_BIN_EXE_train"));
        let done = train.env("XDG_CACHE_HOME", dir.path()).args(["--plan", "--preset", "tiny"]).output().expect("train starts");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        (done.stdout, std::fs::read_to_string(&cache).unwrap_or_default())
    };
    let first = plan();
    let ahead = device.caps().driver.contains("llvmpipe") && std::thread::available_parallelism().map_or(1, usize::from) > 1;
    let kept: BTreeMap<String, Vec<String>> = serde_json::from_str(&first.1).unwrap_or_default();
    assert_eq!(kept.values().any(|v| v.len() > 20), ahead, "{}", first.1);
    assert_eq!(plan(), first);
    std::fs::write(&cache, "{ half").expect("write");
    assert_eq!(plan().0, first.0);
    // No place to keep anything.
    std::fs::remove_dir_all(dir.path().join("emotone")).expect("remove");
    std::fs::write(dir.path().join("emotone"), "a file").expect("write");
    assert_eq!(plan().0, first.0);
}
