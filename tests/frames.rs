//! Networks whose inputs differ in length from clip to clip, in training and in inference.

mod common;

use common::{apart, device, spec};
use emotone::Error;
use emotone::check::network::{tiny, verify};
use emotone::frontend::frames::BANDS;
use emotone::gpu::Device;
use emotone::nn::Weights;
use emotone::reference::noise;
use emotone::train::dataset::Dataset;
use emotone::train::events::Event;
use emotone::train::inference::Inference;
use emotone::train::learner::Learner;
use emotone::train::predictions::Predictions;
use emotone::train::predictor::Predictor;
use emotone::train::recipe::{Recipe, Source, io};
use emotone::train::rooms::Rooms;
use emotone::train::run::{RunSpec, run};
use emotone::train::start::Start;
use emotone::train::step::{Batch, Step, Worker};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// An encoder for clips of up to two seconds, without dropout, whose random numbers differ with the shape of a batch.
fn recipe(sets: &[&str]) -> Recipe {
    tiny("encoder", &[&["model.dropout=0"], sets].concat()).expect("recipe")
}

fn rows(lengths: &[usize]) -> Vec<Vec<f32>> {
    lengths.iter().enumerate().map(|(i, n)| noise(i as u64, n * BANDS).iter().map(|&v| v as f32).collect()).collect()
}

/// Four rows as a batch with room for `room` frames, or for the longest of them.
fn batch(recipe: &Recipe, rows: &[Vec<f32>], room: Option<usize>) -> Batch {
    let rooms = Rooms::of(&recipe.config.inputs().expect("inputs")).expect("frames");
    let room = room.or_else(|| rows.iter().map(|row| rooms.room(row)).max()).expect("rows");
    let (x, lengths) = rooms.fill(rows.iter().map(Vec::as_slice), room);
    let emotion = (0..rows.len() * 4).map(|i| f32::from(u8::from(i % 4 == i / 4 % 4))).collect();
    Batch { x, lengths, targets: [("emotion".to_string(), emotion)].into(), ..Batch::default() }
}

fn learner(device: &Arc<Device>, recipe: &Recipe) -> Learner {
    Learner::new(device, recipe, &recipe.config.stage["single"], Source::Frames(64), &Weights::new()).expect("learner")
}

#[test]
fn the_encoder_does_what_networks_must() {
    let Some(device) = device() else { return };
    verify(&device, &recipe(&[])).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn answers_come_in_order_and_do_not_depend_on_neighbours() {
    let Some(device) = device() else { return };
    let recipe = recipe(&[]);
    let weights = recipe.complete_weights(&Weights::new()).expect("weights");
    let logits = io::logits("emotion");
    let inference = Inference::new(&device, &recipe, &weights, 4, &[&logits, io::EMBEDDING], recipe.options()).expect("inference");
    // More than a batch of one room, longer than there is room for, and hardly anything.
    let rows = rows(&[64, 10, 200, 40, 50, 60, 64, 34, 260, 1, 0, 128]);
    let ask = |which: &[usize]| inference.run(&logits, which.len(), &|i| &rows[which[i]]).expect("answers");
    let all: Vec<usize> = (0..rows.len()).collect();
    let backwards: Vec<usize> = all.iter().rev().copied().collect();
    let (together, mut reversed) = (ask(&all), ask(&backwards));
    reversed.reverse();
    for i in all {
        let alone = ask(&[i]).remove(0);
        for other in [&together[i], &reversed[i]] {
            let error = apart(&alone, other);
            assert!(error < 1e-4, "a clip of {} frames differs by {error}", rows[i].len() / BANDS);
        }
    }
    assert!(apart(&together[0], &together[6]) > 1e-3, "clips are told apart");
    // Batches of the same room and size are one program's, and so an input has the same bits in any place of any of them.
    let (some, others) = (ask(&[0, 3]), ask(&[6, 0]));
    assert_eq!(some[0], others[1]);
}

#[test]
fn parts_of_different_length_add_up_as_if_they_were_of_one() {
    let Some(device) = device() else { return };
    let recipe = recipe(&["train.batch=8", "train.micro_batches=2", "train.optimiser=sgd"]);
    let (short, long) = (rows(&[10, 32, 24, 30]), rows(&[100, 64, 90, 128]));
    let after = |room: Option<usize>| {
        let mut learner = learner(&device, &recipe);
        let losses: Vec<f64> = (0..3)
            .map(|_| {
                let parts = [batch(&recipe, &short, room), batch(&recipe, &long, room)];
                learner.update(&parts, 0.01).and_then(Step::done).expect("update").loss
            })
            .collect();
        (losses, learner.weights().expect("weights"))
    };
    let ((own, weights), (one, others)) = (after(None), after(Some(128)));
    assert!(own[2] < own[0] - 1e-3, "nothing is learnt: {own:?}");
    assert!(own.iter().zip(&one).all(|(a, b)| (a - b).abs() < 1e-4), "{own:?}, of one length {one:?}");
    for (name, (_, values)) in &weights {
        let error = apart(values, &others[name].1);
        assert!(error < 1e-4, "{name} differs by {error}");
    }
}

#[test]
fn workers_with_parts_of_different_length_make_the_bits_of_micro_batches() {
    let Some(device) = device() else { return };
    let (whole, part) = (recipe(&["train.batch=8", "train.micro_batches=2"]), recipe(&["train.batch=4"]));
    let stage = &whole.config.stage["single"];
    let mut one = learner(&device, &whole);
    let worker = |index| {
        Learner::for_worker(&device, &part, stage, Source::Frames(64), &Weights::new(), Worker { index, count: 2 }).expect("worker")
    };
    let mut workers = [worker(0), worker(1)];
    let parts = [batch(&whole, &rows(&[10, 32, 24, 30]), None), batch(&whole, &rows(&[100, 64, 90, 128]), None)];
    for _ in 0..2 {
        one.update(&parts, 1e-3).and_then(Step::done).expect("update");
        workers.iter_mut().zip(&parts).for_each(|(w, part)| _ = w.add_gradients(std::slice::from_ref(part)).expect("loss"));
        let sums: Vec<Vec<f32>> = workers.iter().map(|w| w.gradient_sum().expect("gradients")).collect();
        let sum: Vec<f32> = sums[0].iter().zip(&sums[1]).map(|(a, b)| a + b).collect();
        for w in &mut workers {
            w.set_gradient_sum(&sum).expect("exchange");
            w.apply(1e-3).expect("update");
        }
    }
    let want = one.snapshot().expect("snapshot");
    assert!(workers.iter().all(|w| w.snapshot().expect("snapshot") == want));
}

#[test]
fn a_bad_number_is_found_in_the_part_it_is_in_and_nothing_is_moved() {
    let Some(device) = device() else { return };
    let recipe = recipe(&["train.batch=8", "train.micro_batches=2"]);
    let mut learner = learner(&device, &recipe);
    let good = [batch(&recipe, &rows(&[10, 32, 24, 30]), None), batch(&recipe, &rows(&[100, 64, 90, 128]), None)];
    learner.update(&good, 1e-3).and_then(Step::done).expect("update");
    let before = learner.snapshot().expect("snapshot");
    let mut bad = good.clone();
    bad[1].x[3] = f32::NAN;
    for search in [false, true] {
        learner.detect_anomaly = search;
        let Step::Diverged { error: Error::NonFinite(what), intact: true } = learner.update(&bad, 1e-3).expect("a step") else {
            panic!("the step is taken for good")
        };
        assert!(what.contains("update 2: node"), "{what}");
        assert!(learner.snapshot().expect("snapshot") == before, "something has moved");
    }
    learner.detect_anomaly = false;
    learner.update(&good, 1e-3).and_then(Step::done).expect("the next step is fine");
}

fn of_encoder(dir: &Path, out: &str, sets: &[&str]) -> RunSpec {
    let all = ["model.name=encoder", "train.stages=single", "stage.single.epochs=2", "stage.single.lr=1e-3", "train.batch=8"];
    spec(dir, out, &[&all, sets].concat())
}

#[test]
fn a_run_resumes_to_the_same_bits_and_its_model_answers_alike() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let sets = ["train.micro_batches=2", "train.ema=0.9"];
    let whole = of_encoder(dir.path(), "whole", &sets);
    let result = run(&device, &whole, &AtomicBool::new(false), &mut |_| ()).expect("run");
    let mut pieces = of_encoder(dir.path(), "pieces", &sets);
    let mut interruptions = 0;
    let again = loop {
        let (stop, mut steps) = (AtomicBool::new(false), 0);
        let outcome = run(&device, &pieces, &stop, &mut |e| {
            if let Event::Step { .. } = e {
                steps += 1;
                stop.store(steps == 3, Ordering::Relaxed);
            }
        });
        match outcome {
            Ok(result) => break result,
            Err(Error::Interrupted) => interruptions += 1,
            Err(e) => panic!("{e}"),
        }
        pieces.resume = true;
    };
    assert!(interruptions >= 2, "{interruptions} interruptions");
    assert_eq!(again.weights_sha256, result.weights_sha256);
    let said = Predictions::read(&whole.out.join("predictions.csv")).expect("predictions");
    let mut model = Predictor::load(&device, &whole.out.join("model.safetensors"), 3).expect("model");
    assert_eq!(model.classes(), said.outputs);
    let clips: Vec<Vec<f32>> = said.rows.iter().map(|r| emotone::audio::load(Path::new(&r.clip)).expect("clip").samples).collect();
    for (row, answer) in said.rows.iter().zip(model.predict(&clips).expect("answers")) {
        let error = apart(&row.values, &answer.probabilities);
        assert!(error < 1e-4, "{} differs by {error}", row.clip);
    }
    assert!(model.look_at_views().expect_err("refused").to_string().contains("views at test time are parts of images"));
    assert_eq!(model.embeddings(&clips[..2]).expect("embeddings")[0].len(), 2 * 2 * 64);
}

/// A ridge learns from validation clips too, is told from answers to speakers that it was solved without, and is tested on the features it has. From
/// its own weights, held by a large penalty, it comes to these again.
#[test]
fn a_ridge_is_validated_by_speaker_and_starts_from_a_model() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let solve = |spec: &RunSpec| {
        let mut said = Vec::new();
        let result = run(&device, spec, &AtomicBool::new(false), &mut |e| match e {
            Event::Summary(text) => said.push(text.to_string()),
            Event::Epoch(record) => said.push(format!("valid {:?}", record.valid_uar)),
            _ => {}
        });
        result.expect("run");
        (said, emotone::nn::file::read(&spec.out.join("model.safetensors")).expect("model").0)
    };
    let first = of_encoder(dir.path(), "first", &["model.head=ridge"]);
    let (said, weights) = solve(&first);
    let answers = Predictions::read(&first.out.join("predictions.csv")).expect("predictions");
    let others = 48 - answers.rows.len();
    let line = said.iter().find(|text| text.contains("machines on")).expect("a line");
    assert!(
        line.contains(&format!("machines on {others} clips")) && line.contains(&format!("cross-validated by speaker on {others}")),
        "{line}"
    );
    assert!(said.iter().any(|text| text.starts_with("valid Some")), "{said:?}");
    let mut model = Predictor::load(&device, &first.out.join("model.safetensors"), 3).expect("model");
    let clips: Vec<Vec<f32>> = answers.rows.iter().map(|r| emotone::audio::load(Path::new(&r.clip)).expect("clip").samples).collect();
    for (row, answer) in answers.rows.iter().zip(model.predict(&clips).expect("answers")) {
        let error = apart(&row.values, &answer.probabilities);
        assert!(error < 1e-5, "{} differs by {error}", row.clip);
    }
    let again = |out: &str, penalty: &str| {
        let sets = ["model.head=ridge", &format!("model.penalty={penalty}")];
        solve(&RunSpec { start: Start { weights: weights.clone(), ..Start::default() }, ..of_encoder(dir.path(), out, &sets) }).1
    };
    let weight = |of: &Weights| of["emotion.weight"].1.clone();
    let (held, free) = (again("held", "1e6"), again("free", "0.01"));
    assert!(apart(&weight(&held), &weight(&weights)) < 1e-5, "{}", apart(&weight(&held), &weight(&weights)));
    assert!(apart(&weight(&free), &weight(&weights)) > 1e-4);
}

/// What a run said that has to do with features, how many it computed, and the hash of its weights.
fn told(device: &Arc<Device>, spec: &RunSpec) -> (Vec<String>, usize, String) {
    let (mut said, mut computed) = (Vec::new(), 0);
    let result = run(device, spec, &AtomicBool::new(false), &mut |e| match e {
        Event::Summary(text) | Event::Warning(text) if text.contains("features of the frozen trunk") => said.push(text.to_string()),
        Event::Preparing("features of the frozen trunk", done, _) => computed = done,
        _ => {}
    });
    (said, computed, result.expect("run").weights_sha256)
}

#[test]
fn features_of_a_frozen_trunk_are_kept_for_later_runs() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let kept = dir.path().join("cache/features");
    let at = |out: &str, sets: &[&str]| {
        let all = ["train.stages=emotion", "stage.emotion.epochs=2"];
        RunSpec { features: Some(kept.clone()), ..of_encoder(dir.path(), out, &[&all, sets].concat()) }
    };
    let files = || {
        let list = |folder: &Path| std::fs::read_dir(folder).expect("folder").map(|e| e.expect("entry").path()).collect::<Vec<_>>();
        let mut all: Vec<_> = list(&kept).iter().flat_map(|trunk| list(trunk)).collect();
        all.sort();
        all
    };
    let without = told(&device, &RunSpec { features: None, ..at("without", &[]) });
    assert!(without.0.is_empty() && without.1 == 48 && !kept.exists());
    let first = told(&device, &at("first", &[]));
    assert_eq!(first, (vec![], 48, without.2.clone()), "features from a folder that has none");
    // Another head, learnt otherwise, on the same trunk.
    let second = told(&device, &at("second", &["stage.emotion.lr=2e-3", "model.dropout=0.1", "model.penalty=3", "train.ema=0.5"]));
    assert_eq!(second.0, ["features of the frozen trunk: 48 of 48 are known from an earlier run"]);
    assert_eq!(second.1, 0);
    assert_eq!(told(&device, &at("again", &[])).2, first.2, "features from the file give other bits");
    let [file] = &files()[..] else { panic!("{:?}", files()) };
    // Damage is seen and mended.
    let mut bytes = std::fs::read(file).expect("file");
    let whole = bytes.clone();
    *bytes.last_mut().expect("bytes") ^= 1;
    std::fs::write(file, &bytes).expect("file");
    let damaged = told(&device, &at("damaged", &[]));
    assert!(damaged.0[0].contains("are no use, and are computed again") && damaged.0[0].contains("checksum"), "{:?}", damaged.0);
    assert_eq!((damaged.1, damaged.2), (48, first.2.clone()));
    assert!(std::fs::read(file).expect("file") == whole);
    // A file of which some features are gone, and one with features of another network.
    let (mut weights, metadata) = emotone::nn::file::read(file).expect("features");
    let gone: Vec<String> = weights.keys().take(5).cloned().collect();
    gone.iter().for_each(|name| _ = weights.remove(name));
    emotone::nn::file::write(file, &weights, &metadata).expect("features");
    let some = told(&device, &at("some", &[]));
    assert_eq!((some.0[0].as_str(), some.1), ("features of the frozen trunk: 43 of 48 are known from an earlier run", 5));
    assert_eq!(some.2, first.2, "features computed with others give other bits");
    let [added] = &files().into_iter().filter(|f| f != file).collect::<Vec<_>>()[..] else { panic!("{:?}", files()) };
    std::fs::remove_file(added).expect("removed");
    weights.values_mut().for_each(|(shape, values)| {
        values.truncate(7);
        shape.0 = vec![7];
    });
    emotone::nn::file::write(file, &weights, &metadata).expect("features");
    let stale = told(&device, &at("stale", &[]));
    assert!(stale.0[0].contains("expected 256 values, got 7"), "{:?}", stale.0);
    assert_eq!((stale.1, stale.2), (48, first.2));
    // Another trunk has a file of its own, and one that the run itself has trained none.
    assert_eq!(told(&device, &at("other", &["train.seed=9"])).1, 48);
    assert_eq!(told(&device, &at("fewer", &["model.taps=[2]"])).1, 48);
    assert_eq!(files().len(), 3);
    let trained = told(&device, &at("trained", &["train.stages=single,emotion", "stage.single.epochs=1"]));
    assert_eq!((trained.0.len(), trained.1, files().len()), (0, 48, 3));
}

/// More than a network takes is cut off, and said.
#[test]
fn long_clips_are_cut_and_counted() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let spec = of_encoder(dir.path(), "a", &["frames.seconds=1"]);
    let clip = std::fs::read_dir(dir.path().join("corpus/wav")).expect("clips").next().expect("a clip").expect("entry").path();
    emotone::audio::write_wav(&clip, &vec![0.1; 40_000], 16_000).expect("file");
    let mut warnings = Vec::new();
    let data = Dataset::prepare(&device, &spec.config, &spec.data, &mut |e| {
        if let Event::Warning(text) = e {
            warnings.push(text.to_string());
        }
    });
    let data = data.expect("data");
    assert_eq!(data.inputs.iter().map(|i| i.len() / BANDS).max(), Some(100));
    assert!(warnings.iter().any(|w| w.contains("of 48 clips the end is cut off: they are longer than frames.seconds = 1")), "{warnings:?}");
    let sources = data.sources(&spec.config).expect("sources");
    assert_eq!(sources[0], Source::Frames(100), "the largest room is the most there may be");
}
