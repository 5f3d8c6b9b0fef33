//! Models asked together, the views of a clip, and windows of images: against what each says alone.

use emotone::compile::{Options, Program, States};
use emotone::frontend::Extractor;
use emotone::frontend::views::VIEWS;
use emotone::gpu::Device;
use emotone::nn::{Params, RNG, Weights, counter, file};
use emotone::reference::noise;
use emotone::train::config::{Config, Stage};
use emotone::train::distil::Lesson;
use emotone::train::ensemble::Ensemble;
use emotone::train::inference::Inference;
use emotone::train::predictor::{Prediction, Predictor};
use emotone::train::recipe::{Recipe, Source, io};
use emotone::train::teacher::Teacher;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Writes a model that nobody trained, of a network with settings, for classes.
fn model(dir: &Path, name: &str, sets: &[&str], classes: &[&str]) -> PathBuf {
    let mut config = Config::preset("tiny").expect("preset");
    sets.iter().chain(&["train.stages=single"]).for_each(|s| config.set(s).expect(s));
    config.check().expect("configuration");
    let classes: Vec<String> = classes.iter().map(|c| c.to_string()).collect();
    let recipe = Recipe::untrained(config, &classes, &[]).expect("recipe");
    // Away from the symmetry of fresh weights, so that answers differ.
    let mut weights = recipe.complete_weights(&Weights::new()).expect("weights");
    let head = weights.iter_mut().filter(|(_, (shape, _))| shape.0.first() == Some(&classes.len()));
    head.for_each(|(_, (_, values))| values.iter_mut().for_each(|v| *v *= 8.0));
    let path = dir.join(name);
    file::write(&path, &weights, &recipe.to_metadata().expect("metadata")).expect("file");
    path
}

fn clips() -> Vec<Vec<f32>> {
    [9000, 16_000, 4000].iter().map(|&n| noise(n as u64, n).iter().map(|&v| 0.1 * v as f32).collect()).collect()
}

fn alone(device: &Arc<Device>, path: &Path, clips: &[Vec<f32>]) -> Vec<Prediction> {
    Predictor::load(device, path, 2).expect("model").predict(clips).expect("answers")
}

/// Three networks with different images, front ends and orders of their classes.
fn members(dir: &Path) -> [PathBuf; 3] {
    [
        model(dir, "a.safetensors", &["image.size=32", "model.width=4", "model.heads=2"], &["anger", "joy", "sadness"]),
        model(dir, "b.safetensors", &["model.name=emoception", "frontend.n_mels=40", "train.seed=5"], &["sadness", "anger", "joy"]),
        model(dir, "c.safetensors", &["image.size=32", "model.width=4", "model.heads=2", "train.seed=9"], &["anger", "joy", "sadness"]),
    ]
}

#[test]
fn an_ensemble_says_the_sum_of_what_its_members_say_from_one_file_too() {
    let Some(device) = emotone::check::device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let [a, b, c] = members(dir.path());
    let clips = clips();
    let said = [&a, &b, &c].map(|path| alone(&device, path, &clips));
    // The second knows the classes in another order.
    let order = [[0, 1, 2], [1, 2, 0], [0, 1, 2]];
    let mut together = Ensemble::load(&device, &[a.clone(), b.clone(), c.clone()], 2).expect("ensemble");
    assert_eq!(together.classes(), ["anger", "joy", "sadness"]);
    let answers = together.predict(&clips).expect("answers");
    for (i, answer) in answers.iter().enumerate() {
        for (class, got) in answer.probabilities.iter().enumerate() {
            let want = (0..3).map(|m| said[m][i].probabilities[order[m][class]]).sum::<f32>() / 3.0;
            assert!((got - want).abs() < 1e-6, "clip {i}, class {class}: {got}, not {want}");
        }
        let top = answer.probabilities.iter().fold(0f32, |m, p| m.max(*p));
        assert_eq!(Some(answer.class), answer.probabilities.iter().position(|p| *p == top));
    }
    assert!(said[0] != said[1] && said[0] != said[2], "members differ: {said:?}");
    let width = |path: &PathBuf| Predictor::load(&device, path, 2).expect("model").embeddings(&clips[..1]).expect("vector")[0].len();
    let vectors = together.embeddings(&clips).expect("vectors");
    assert_eq!(vectors[0].len(), [&a, &b, &c].into_iter().map(width).sum::<usize>());

    // One file of two, and one of that and the third; a model alone says what it says alone.
    let (two, three) = (dir.path().join("two.safetensors"), dir.path().join("three.safetensors"));
    Ensemble::store(&[a.clone(), b], &two).expect("file");
    Ensemble::store(&[two.clone(), c], &three).expect("file");
    let mut read = Ensemble::load(&device, std::slice::from_ref(&three), 2).expect("ensemble");
    assert_eq!((read.names().len(), read.predict(&clips).expect("answers")), (3, answers));
    assert_eq!(Ensemble::load(&device, std::slice::from_ref(&a), 2).expect("model").predict(&clips).expect("answers"), said[0]);
    assert_eq!(Teacher::open(&three).expect("a teacher").taught().lesson, Lesson::Answers);

    // A tensor that belongs to nobody.
    let (mut weights, metadata) = file::read(&two).expect("file");
    weights.insert("members.7.x".into(), ([1].into(), vec![0.0]));
    file::write(&two, &weights, &metadata).expect("file");
    let error = Ensemble::load(&device, &[two], 2).err().expect("refused").to_string();
    assert!(error.contains("two.safetensors") && error.contains("members.7.x"), "{error}");
}

#[test]
fn models_of_other_classes_are_refused_with_those_that_differ() {
    let Some(device) = emotone::check::device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let small = ["image.size=32", "model.width=4", "model.heads=2"];
    let a = model(dir.path(), "a.safetensors", &small, &["anger", "fear", "joy"]);
    let b = model(dir.path(), "b.safetensors", &small, &["anger", "joy", "pride"]);
    let error = Ensemble::load(&device, &[a, b], 2).err().expect("refused").to_string();
    let parts = ["b.safetensors", "a.safetensors", "does not know fear", "alone knows pride"];
    assert!(parts.iter().all(|part| error.contains(part)) && !error.contains("anger"), "{error}");
}

#[test]
fn answers_by_views_are_averages_over_them() {
    let Some(device) = emotone::check::device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let [a, b, _] = members(dir.path());
    let clips = clips();
    for path in [a, b.clone()] {
        let (weights, metadata) = file::read(&path).expect("file");
        let recipe = Recipe::from_metadata(&metadata).expect("recipe");
        let logits = io::logits("emotion");
        let inference = Inference::new(&device, &recipe, &weights, 4, &[logits.as_str()], recipe.options()).expect("network");
        let views = Extractor::of_views(&device, &recipe.config.inputs().expect("inputs")).expect("images").extract(&clips).expect("views");
        let mut model = Predictor::load(&device, &path, 4).expect("model");
        let whole = model.predict(&clips).expect("answers");
        model.look_at_views().expect("images");
        let answers = model.predict(&clips).expect("answers");
        assert!(answers != whole, "views change answers");
        for (answer, views) in answers.iter().zip(&views) {
            let n = views.len() / VIEWS;
            let said = inference.run(&logits, VIEWS, &|i| &views[i * n..][..n]).expect("logits");
            let loss = recipe.config.task["emotion"].loss;
            for (class, got) in answer.probabilities.iter().enumerate() {
                let want = said.iter().map(|l| loss.answer(l)[class]).sum::<f32>() / VIEWS as f32;
                assert!((got - want).abs() < 1e-6, "{got}, not {want}");
            }
        }
    }
    let sequences = model(dir.path(), "s.safetensors", &["model.name=lstm"], &["anger", "joy", "sadness"]);
    let mut mixed = Ensemble::load(&device, &[b, sequences], 2).expect("ensemble");
    assert_eq!(mixed.predict(&clips).expect("answers").len(), 3, "members may take other inputs");
    let error = mixed.look_at_views().expect_err("no images").to_string();
    assert!(error.contains("s.safetensors") && error.contains("sequences"), "{error}");
}

/// `augment.daarip.crop`: evaluation sees the centre of an image, training a window anywhere, of the same weights.
#[test]
fn a_network_of_windows_sees_the_centre_where_nothing_is_augmented() {
    let Some(device) = emotone::check::device() else { return };
    let recipe = |sets: &[&str]| {
        let mut config = Config::preset("tiny").expect("preset");
        ["model.name=drcnn", "augment.horizontal_mixup.ratio=0", "augment.random_cut.prob=0"]
            .iter()
            .chain(sets)
            .for_each(|s| config.set(s).expect(s));
        config.check().expect("configuration");
        Recipe::untrained(config, &["joy".into(), "fear".into()], &[]).expect("recipe")
    };
    let windows = recipe(&["image.size=111", "augment.daarip.crop=99", "augment.daarip.prob=1"]);
    let whole = recipe(&["image.size=99"]);
    let weights = windows.complete_weights(&Weights::new()).expect("weights");
    let image: Vec<f32> = noise(3, 111 * 111).iter().map(|&v| v as f32).collect();
    let centre: Vec<f32> = (6..105).flat_map(|row| image[row * 111 + 6..][..99].to_vec()).collect();
    let logits = io::logits("emotion");
    let ask = |recipe: &Recipe, image: &[f32]| {
        let inference = Inference::new(&device, recipe, &weights, 1, &[logits.as_str()], recipe.options()).expect("network");
        inference.run(&logits, 1, &|_| image).expect("logits")
    };
    assert_eq!(ask(&windows, &image), ask(&whole, &centre));
    let stage = |augment: bool| Stage { augment, ..windows.config.stage["single"].clone() };
    let loss = |augment: bool, step: u32| {
        let mut params = Params::new(|_| true);
        let built = windows.training(&mut params, &stage(augment), 1, Source::Raw).expect("graph");
        let mut g = built.graph;
        g.output("loss", built.loss);
        let mut states = States::new(&device);
        params.allocate(&mut states).expect("memory");
        params.upload(&states, &weights, true).expect("weights");
        let program = Program::new(&g, &states, Options::default()).expect("program");
        program.write(io::X, &image).expect("image");
        program.write(&io::target("emotion"), &[1.0, 0.0]).expect("target");
        program.write_u32(RNG, &counter(1, step)).expect("counter");
        program.run().expect("a run");
        program.read("loss").expect("loss")[0]
    };
    // Dropout is the same at the same step, so what differs is the window and the lens.
    assert!(loss(true, 1) != loss(false, 1), "training sees what evaluation sees");
    assert!(loss(true, 1) == loss(true, 1) && loss(true, 1) != loss(true, 2));
    let wrong = Config::parse("preset = \"tiny\"\n[augment.daarip]\ncrop = 65\n", "window").expect("values").check();
    assert!(wrong.expect_err("refused").to_string().contains("augment.daarip.crop = 65"));
}
