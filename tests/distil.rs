//! Learning from a teacher: the loss of the definition, what enters it, recordings without labels, and what a run keeps of its teacher.

mod common;

use common::{device, recipe, spec};
use emotone::compile::{Options, Program, States};
use emotone::gpu::Device;
use emotone::graph::Graph;
use emotone::nn::{Weights, file};
use emotone::reference::noise;
use emotone::train::config::{Config, Distil};
use emotone::train::dataset::Dataset;
use emotone::train::distil::{self, Lesson, Taught};
use emotone::train::learner::Learner;
use emotone::train::predictions::Predictions;
use emotone::train::predictor::Predictor;
use emotone::train::recipe::{Recipe, Source};
use emotone::train::report::RunResult;
use emotone::train::run::{RunSpec, run};
use emotone::train::step::{Batch, Step};
use emotone::train::teacher::Teacher;
use emotone::{audio, ops};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn outcome(device: &Arc<Device>, spec: &RunSpec) -> emotone::Result<RunResult> {
    run(device, spec, &AtomicBool::new(false), &mut |_| ())
}

fn close(got: &[f32], want: &[f64], tolerance: f64) {
    let worst = got.iter().zip(want).fold(0.0f64, |m, (g, w)| m.max((f64::from(*g) - w).abs()));
    assert!(got.len() == want.len() && worst <= tolerance, "{got:?} for {want:?}");
}

const STUDENT: [f32; 12] = [0.5, -1.25, 2.0, 0.0, -0.75, 3.0, 1.5, -2.0, 0.25, 0.5, -0.5, 1.0];
const TEACHER: [f64; 12] = [1.0, -0.5, 2.5, 0.25, 2.0, 0.5, -1.0, 0.0, -3.0, 1.0, 0.0, 4.0];
const LABELS: [f32; 12] = [0.0, 0.0, 1.0, 0.0, 0.6, 0.4, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0];

/// `0.3 focal + 0.7 · 16 · KL` and its gradient, computed by PyTorch in double precision from logits of teacher and student.
#[test]
fn loss_and_gradient_are_those_of_the_definition() {
    let Some(device) = device() else { return };
    let probabilities = |z: &[f64]| {
        let e: Vec<f64> = z.iter().map(|z| z.exp()).collect();
        e.iter().map(|v| (v / e.iter().sum::<f64>()) as f32).collect::<Vec<f32>>()
    };
    let soft: Vec<f32> = TEACHER.chunks(4).flat_map(|z| distil::soften(&probabilities(z), 4.0).expect("a distribution")).collect();
    let mut g = Graph::new();
    let [student, labels, teacher] = ["student", "labels", "teacher"].map(|name| g.input(name, [3, 4]));
    let own = ops::focal_bce(&mut g, student, labels, None, 2.0, 0.1).expect("loss");
    let loss = distil::loss(&mut g, &Distil { temperature: 4.0, share: 0.7 }, own, student, teacher, None).expect("loss");
    let gradient = ops::grad(&mut g, loss, &[student]).expect("gradient")[0];
    g.output("loss", loss);
    g.output("gradient", gradient);
    let program = Program::new(&g, &States::new(&device), Options::default()).expect("program");
    for (name, values) in [("student", &STUDENT[..]), ("labels", &LABELS), ("teacher", &soft)] {
        program.write(name, values).expect("input");
    }
    program.run().expect("run");
    close(&program.read("loss").expect("loss"), &[1.2534510071591345], 3e-6);
    let want = [
        0.0004866973053293417,
        -0.01010167069452271,
        -0.002919035124262309,
        0.0125340085134556,
        -0.2004983067472922,
        0.18528030572647938,
        0.10700291395182143,
        -0.09178491293100884,
        0.15057782790496363,
        0.02852587298936267,
        0.019607844459223433,
        -0.1987115453535497,
    ];
    close(&program.read("gradient").expect("gradient"), &want, 3e-6);
}

/// The loss of a learner's first step.
fn first_loss(device: &Arc<Device>, recipe: &Recipe, batch: &Batch) -> f64 {
    let mut learner = Learner::new(device, recipe, &recipe.config.stage["single"], Source::Raw, &Weights::new()).expect("learner");
    learner.update(std::slice::from_ref(batch), 1e-3).and_then(Step::done).expect("update").loss
}

/// A stage's loss has the teacher's share, over the rows that the teacher or the label knows.
#[test]
fn shares_and_rows_of_a_distilled_stage() {
    let Some(device) = device() else { return };
    let mut config = Config::preset("tiny").expect("preset");
    for s in ["image.size=32", "train.batch=4", "stage.single.augment=false", "train.stages=single"] {
        config.set(s).expect("setting");
    }
    let mut plain = recipe(config);
    let teacher = |first: f32| [vec![first, 0.2, 0.1, 0.3], vec![0.25; 12]].concat();
    let batch = |weights: &[(&str, [f32; 4])], first: f32| {
        let emotion: Vec<f32> = (0..16).map(|i| f32::from(u8::from(i % 4 == i / 4))).collect();
        let targets = [("emotion".to_string(), emotion), (distil::key("emotion"), teacher(first))].into();
        let weights: BTreeMap<_, _> = weights.iter().map(|(n, w)| ((*n).to_string(), w.to_vec())).collect();
        Batch { x: noise(3, 4 * 32 * 32).iter().map(|&v| v as f32).collect(), targets, weights, ..Batch::default() }
    };
    let own = {
        let mut batch = batch(&[], 0.4);
        batch.targets.remove(&distil::key("emotion"));
        first_loss(&device, &plain, &batch)
    };
    plain.taught = Some(Taught { file: "t".into(), sha256: "0".into(), lesson: Lesson::Answers });
    let with = |share: f64, partial: &[&str], batch: &Batch| {
        let mut recipe = plain.clone();
        recipe.config.distil.share = share;
        recipe.partial = partial.iter().map(|p| (*p).to_string()).collect();
        first_loss(&device, &recipe, batch)
    };
    let whole = batch(&[], 0.4);
    let [none, some, all] = [0.0, 0.7, 1.0].map(|share| with(share, &[], &whole));
    assert!(
        (none - own).abs() < 1e-6 && (some - 0.3 * own - 0.7 * all).abs() < 1e-5 && (all - own).abs() > 1e-3,
        "{own} {none} {some} {all}"
    );
    // A row that the teacher says nothing of does not count in its part, whatever stands there; nor one without a label in the other.
    let taught = [("emotion.teacher", [0.0, 1.0, 1.0, 1.0])];
    let [one, other] = [0.4, 9.0].map(|first| with(1.0, &["emotion.teacher"], &batch(&taught, first)));
    assert!(one == other && one != all, "{one} {other} {all}");
    let unlabelled = batch(&[("emotion", [0.0; 4])], 0.4);
    assert!((with(0.7, &["emotion"], &unlabelled) - 0.7 * all).abs() < 1e-5);
}

/// A teacher's embeddings have their share of the loss, and labels the rest.
#[test]
fn shares_of_embeddings() {
    let Some(device) = device() else { return };
    let mut config = Config::preset("tiny").expect("preset");
    let rest = ["image.size=32", "train.batch=4", "stage.single.augment=false", "train.stages=single"];
    let stage = ["stage.single.tasks.teacher=1", "stage.single.trains=trunk,emotion,teacher"];
    for s in
        ["task.teacher={ target = \"teacher\", head = \"auxiliary\", loss = \"mse\", metric = \"ccc\" }"].iter().chain(&rest).chain(&stage)
    {
        config.set(s).expect("setting");
    }
    config.check().expect("a configuration");
    let mut recipe = recipe(config);
    recipe.heads.insert("teacher".into(), vec!["e0".into(), "e1".into()]);
    recipe.taught = Some(Taught { file: "t".into(), sha256: "0".into(), lesson: Lesson::Embeddings });
    let emotion: Vec<f32> = (0..16).map(|i| f32::from(u8::from(i % 4 == i / 4))).collect();
    let targets = [("emotion".to_string(), emotion), ("teacher".to_string(), vec![1.0, -1.0, 0.5, 2.0, 0.0, 1.0, -2.0, 0.0])].into();
    let batch = Batch { x: noise(3, 4 * 32 * 32).iter().map(|&v| v as f32).collect(), targets, ..Batch::default() };
    let [labels, some, embeddings] = [0.0, 0.7, 1.0].map(|share| {
        recipe.config.distil.share = share;
        first_loss(&device, &recipe, &batch)
    });
    assert!((some - 0.3 * labels - 0.7 * embeddings).abs() < 1e-5 && (labels - embeddings).abs() > 1e-2, "{labels} {some} {embeddings}");
}

/// A teacher of other classes and their order, and its pupil on labelled and unlabelled recordings.
#[test]
fn a_model_teaches_another_on_recordings_without_labels() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let teacher = spec(dir.path(), "teacher", &["train.stages=single", "stage.single.epochs=1"]);
    outcome(&device, &teacher).expect("teacher");
    let model = dir.path().join("teacher/model.safetensors");
    let more = dir.path().join("more");
    std::fs::create_dir(&more).expect("folder");
    for i in 0..3 {
        let samples: Vec<f32> = noise(90 + i, 6000).iter().map(|v| 0.1 * *v as f32).collect();
        audio::write_wav(&more.join(format!("{i}.wav")), &samples, 16_000).expect("wav");
    }
    let student = |out: &str| {
        let mut student = spec(dir.path(), out, &["train.stages=single", "stage.single.epochs=2", "model.width=4", "model.heads=2"]);
        student.data.teacher = Some(Teacher::open(&model).expect("teacher"));
        student.data.unlabelled = vec![more.clone()];
        student
    };
    let spec = student("student");
    let mut notes = Vec::new();
    let data = Dataset::prepare(&device, &spec.config, &spec.data, &mut |e| notes.push(format!("{e:?}"))).expect("data");
    let n = data.names.len();
    assert!(n == 51 && data.split.train[data.split.train.len() - 3..] == [48, 49, 50], "{n} clips, {:?}", data.split.train);
    assert!(data.split.description.contains("3 unlabelled recordings join training"), "{}", data.split.description);
    // What it says at the temperature is what the pupil is to say.
    let mut predictor = Predictor::load(&device, &model, 4).expect("model");
    for i in [0, 50] {
        let clip = audio::load(Path::new(&data.names[i])).expect("clip");
        let answer = &predictor.predict(&[clip.samples]).expect("answer")[0];
        let want: Vec<f64> = distil::soften(&answer.probabilities, 4.0).expect("shares").iter().map(|v| f64::from(*v)).collect();
        close(&data.targets["emotion.teacher"].row(i), &want, 1e-5);
        assert!(i < 48 || data.class[i] == answer.class, "an unlabelled clip has the class its teacher takes it for");
    }
    assert!(data.targets["emotion"].known(47) && !data.targets["emotion"].known(48) && data.partial().contains("emotion"));
    let result = outcome(&device, &spec).expect("student");
    let taught = result.taught.expect("a teacher");
    assert!(taught.file == "model.safetensors" && taught.lesson == Lesson::Answers && taught.sha256.len() == 64, "{taught:?}");
    let (_, metadata) = file::read(&dir.path().join("student/model.safetensors")).expect("model");
    assert_eq!(Recipe::from_metadata(&metadata).expect("recipe").taught, Some(taught));
    // The same again goes on from its state; with another teacher it does not.
    let mut again = student("student");
    again.resume = true;
    let same = outcome(&device, &again).expect("the same run");
    assert_eq!(same.weights_sha256, result.weights_sha256);
    again.data.teacher = Some(Teacher::open(&dir.path().join("student/model.safetensors")).expect("teacher"));
    let said = outcome(&device, &again).expect_err("another teacher").to_string();
    assert!(said.contains("another teacher"), "{said}");
    again.data.teacher = None;
    let said = outcome(&device, &again).expect_err("no teacher").to_string();
    assert!(said.contains("name a teacher (--teacher)"), "{said}");
}

/// A network that is solved has its teacher's share in what is to be answered, and recordings without labels are answered as the teacher does; one
/// that cannot learn answers says so.
#[test]
fn a_table_teaches_networks_that_are_solved() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let mut student = spec(dir.path(), "alone", &["model.name=rocket", "train.copies=[]", "distil.share=1"]);
    let alone = outcome(&device, &student).expect("run");
    let more = dir.path().join("more");
    std::fs::create_dir(&more).expect("folder");
    let samples: Vec<f32> = noise(90, 16_000).iter().map(|v| 0.1 * *v as f32).collect();
    audio::write_wav(&more.join("a.wav"), &samples, 16_000).expect("wav");
    // What it says has nothing to do with the labels, so a pupil that heeds it alone is at chance.
    let text = std::fs::read_to_string(dir.path().join("corpus/manifest.csv")).expect("manifest");
    let paths = text.lines().skip(1).filter_map(|l| l.split(',').next()).chain(["a.wav"]);
    let said = |i: usize| (0..5).map(|k| if k == (i * i / 3) % 5 { ",0.8" } else { ",0.05" }).collect::<String>();
    let rows = paths.enumerate().map(|(i, p)| format!("{p}{}\n", said(i))).collect::<String>();
    std::fs::write(dir.path().join("t.csv"), format!("path,surprise,sadness,gentleness,happiness,anger\n{rows}")).expect("table");
    student.data.teacher = Some(Teacher::open(&dir.path().join("t.csv")).expect("teacher"));
    student.data.unlabelled = vec![more];
    student.out = dir.path().join("taught");
    let mut clips = String::new();
    let taught = run(&device, &student, &AtomicBool::new(false), &mut |e| clips += &format!("{e:?}\n")).expect("run");
    let uar = |result: &RunResult| result.test.as_ref().and_then(|t| t.uar).expect("answers");
    assert!(uar(&alone) > 0.5 && uar(&taught) < 0.4, "{} alone, {} taught", uar(&alone), uar(&taught));
    assert!(clips.contains("on 33 clips"), "{clips}");
    student.config.set("model.name=svm").expect("setting");
    let said = outcome(&device, &RunSpec { out: dir.path().join("svm"), ..student.clone() }).expect_err("no answers").to_string();
    assert!(said.contains("is learnt with cross_entropy"), "{said}");
}

/// A teacher that was solved says of the recordings it was solved on what it said without their speakers, and of others what it says.
#[test]
fn a_solved_teacher_answers_its_own_clips_without_their_speakers() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    outcome(&device, &spec(dir.path(), "teacher", &["model.name=rocket", "train.copies=[]"])).expect("teacher");
    let model = dir.path().join("teacher/model.safetensors");
    let held_out = Predictions::read(&dir.path().join("teacher/held_out.csv")).expect("answers");
    let mut student = spec(dir.path(), "student", &["model.name=rocket", "train.copies=[]", "distil.temperature=1"]);
    student.data.teacher = Some(Teacher::open(&model).expect("teacher"));
    let data = Dataset::prepare(&device, &student.config, &student.data, &mut |_| ()).expect("data");
    assert_eq!(held_out.rows.len(), data.split.train.len() + data.split.valid.len());
    let said = |i: usize| data.targets["emotion.teacher"].row(i);
    let doubles = |values: &[f32]| values.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
    let mut predictor = Predictor::load(&device, &model, 4).expect("model");
    let mut own = 0.0f32;
    for row in &held_out.rows {
        let i = data.names.iter().position(|name| *name == row.clip).expect("a clip of the run");
        close(&said(i), &doubles(&row.values), 1e-5);
        let clip = audio::load(Path::new(&row.clip)).expect("clip");
        let answer = predictor.predict(&[clip.samples]).expect("answer").remove(0).probabilities;
        own = own.max(common::apart(&answer, &row.values));
    }
    assert!(own > 0.1, "with their speakers it says the same");
    let tested = data.split.test[0];
    let clip = audio::load(Path::new(&data.names[tested])).expect("clip");
    close(&said(tested), &doubles(&predictor.predict(&[clip.samples]).expect("answer")[0].probabilities), 1e-5);
    // The same model without them is another teacher.
    let with = student.data.teacher.map(|t| t.taught().sha256);
    std::fs::remove_file(dir.path().join("teacher/held_out.csv")).expect("file");
    assert_ne!(with, Some(Teacher::open(&model).expect("teacher").taught().sha256));
}

/// Tables of other programs: classes in another order, rows that lack, classes it does not know, embeddings.
#[test]
fn a_table_teaches_answers_or_embeddings() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let mut student = spec(dir.path(), "answers", &["train.stages=single", "stage.single.epochs=1"]);
    let text = std::fs::read_to_string(dir.path().join("corpus/manifest.csv")).expect("manifest");
    let paths: Vec<&str> = text.lines().skip(1).map(|l| l.split(',').next().expect("path")).collect();
    let write = |name: &str, header: &str, row: &dyn Fn(usize) -> String| {
        let path = dir.path().join(name);
        let rows = paths.iter().enumerate().skip(1).map(|(i, p)| format!("{p},{}\n", row(i)));
        std::fs::write(&path, format!("path,{header}\n{}", rows.collect::<String>())).expect("table");
        Some(Teacher::open(&path).expect("teacher"))
    };
    student.data.teacher = write("t.csv", "surprise,sadness,gentleness,happiness,anger", &|_| "0.1,0.1,0.2,0.2,0.4".into());
    let classes = Dataset::prepare(&device, &student.config, &student.data, &mut |_| ()).expect("data");
    let known: Vec<bool> = (0..48).map(|i| classes.targets["emotion.teacher"].known(i)).collect();
    let missing = classes.names.iter().position(|n| n.ends_with(paths[0])).expect("the first");
    assert!((0..48).all(|i| known[i] == (i != missing)));
    let row = classes.targets["emotion.teacher"].row(usize::from(missing == 0));
    let anger = classes.classes.iter().position(|c| c == "anger").expect("anger");
    assert!(row.iter().enumerate().all(|(k, v)| k == anger || *v < row[anger]) && (row.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{row:?}");
    outcome(&device, &student).expect("run");
    student.data.teacher = write("u.csv", "surprise,sadness,gentleness,happiness,angry", &|_| "0.1,0.1,0.2,0.2,0.4".into());
    let said = outcome(&device, &RunSpec { out: dir.path().join("no"), ..student.clone() }).expect_err("classes").to_string();
    assert!(said.contains("does not know anger; it knows surprise, sadness"), "{said}");
    student.config.set("task.emotion.loss=bce").expect("setting");
    let said = outcome(&device, &RunSpec { out: dir.path().join("no"), ..student.clone() }).expect_err("loss").to_string();
    assert!(said.contains("task.emotion.loss = bce"), "{said}");

    let mut student = spec(dir.path(), "embeddings", &["train.stages=single", "stage.single.epochs=2"]);
    student.data.teacher = write("e.csv", "e0,e1,e2", &|i| format!("{},{},-3", i % 7, (i * i) % 5));
    let result = outcome(&device, &student).expect("run");
    assert_eq!(result.taught.map(|t| t.lesson), Some(Lesson::Embeddings));
    let (weights, metadata) = file::read(&dir.path().join("embeddings/model.safetensors")).expect("model");
    assert_eq!(Recipe::from_metadata(&metadata).expect("recipe").heads["teacher"], ["e0", "e1", "e2"]);
    assert_eq!(weights["teacher.weight"].0[0], 3);
    // The head has learnt something: the constant dimension is zero for every row, so only its bias decays.
    assert!(result.test.is_some(), "the model answers the emotion");
}
