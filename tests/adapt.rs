//! Adaptation by unlabelled recordings and answers about some classes alone, as a user asks for them, against sums by hand.

use emotone::data::synth::{self, SynthConfig};
use emotone::nn::file;
use emotone::train::recipe::Recipe;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn infer(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_infer")).args(args).output().expect("infer starts")
}

/// Prints an answer as CSV; each file's label and probabilities.
fn answers(args: &[&str]) -> BTreeMap<String, (String, Vec<f64>)> {
    let out = infer(&[&["--quiet", "--format", "csv"], args].concat());
    assert!(out.status.success(), "{}", text(&out.stderr));
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[0].to_string(), (fields[3].to_string(), fields[4..fields.len() - 3].iter().map(|v| v.parse().expect("a number")).collect()))
    };
    text(&out.stdout).lines().skip(1).map(row).collect()
}

fn refused(args: &[&str]) -> String {
    let out = infer(args);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out.stdout));
    text(&out.stderr)
}

/// A corpus of 4 speakers and 48 clips, and a model trained on it.
fn model(dir: &Path) -> (String, PathBuf) {
    let corpus = dir.join("corpus");
    let clips = synth::synthesise(&SynthConfig { speakers: 4, clips_per_emotion_per_speaker: 3, seed: 4 });
    synth::write(&clips, &corpus).expect("corpus");
    let out = dir.join("run");
    let run = Command::new(env!("CARGO_BIN_EXE_train"))
        .args(["--preset", "tiny", "--set", "image.size=32", "--set", "train.batch=8", "--stage", "single"])
        .args(["--set", "stage.single.epochs=2", "--split", "kfold:2:1", "--quiet", "--data"])
        .arg(&corpus)
        .arg("--out")
        .arg(&out)
        .output()
        .expect("train starts");
    assert!(run.status.success(), "{}", text(&run.stderr));
    (out.join("model.safetensors").display().to_string(), corpus)
}

/// Speakers of the clips by path.
fn speakers(corpus: &Path) -> BTreeMap<String, String> {
    let corpus = emotone::data::open(corpus).expect("corpus");
    corpus.utterances.into_iter().map(|u| (u.path.display().to_string(), u.speaker)).collect()
}

/// What adaptation makes of probabilities, from the equations in `train/adapt.rs`; logits but for a constant are logarithms times the temperature.
fn by_hand(
    strict: &BTreeMap<String, (String, Vec<f64>)>,
    speakers: &BTreeMap<String, String>,
    recipe: &Recipe,
) -> BTreeMap<String, Vec<f64>> {
    let found = &recipe.calibration["emotion"];
    let temperature = f64::from(found.temperature);
    let logits: BTreeMap<&String, Vec<f64>> =
        strict.iter().map(|(file, (_, p))| (file, p.iter().map(|p| temperature * p.ln()).collect())).collect();
    let k = found.centre.len();
    let mean = |of: &dyn Fn(&String) -> bool| -> (f64, Vec<f64>) {
        let own: Vec<&Vec<f64>> = logits.iter().filter(|(file, _)| of(file)).map(|(_, l)| l).collect();
        (own.len() as f64, (0..k).map(|c| own.iter().map(|l| l[c]).sum::<f64>() / own.len() as f64).collect())
    };
    let (all, whole) = mean(&|_| true);
    let adapted = |(file, logits): (&&String, &Vec<f64>)| {
        let speaker = speakers.get(*file);
        let own = speaker.map(|s| mean(&|f| speakers.get(f) == Some(s)));
        let shifted: Vec<f64> = (0..k)
            .map(|c| {
                let centre = f64::from(found.centre[c]);
                let lies = all / (all + 5.0) * whole[c] + 5.0 / (all + 5.0) * centre;
                let lies = own.as_ref().map_or(lies, |(n, m)| n / (n + 5.0) * m[c] + 5.0 / (n + 5.0) * lies);
                (logits[c] - (lies - centre)) / temperature
            })
            .collect();
        let sum: f64 = shifted.iter().map(|l| l.exp()).sum();
        ((*file).clone(), shifted.iter().map(|l| l.exp() / sum).collect())
    };
    logits.iter().map(adapted).collect()
}

fn same(got: &BTreeMap<String, (String, Vec<f64>)>, wanted: &BTreeMap<String, Vec<f64>>) {
    assert!(!got.is_empty() && got.keys().all(|file| wanted.contains_key(file)));
    for (file, (_, got)) in got {
        let apart = got.iter().zip(&wanted[file]).fold(0.0, |m: f64, (g, w)| m.max((g - w).abs()));
        assert!(apart < 1e-4, "{file}: {got:?}, by hand {:?}", wanted[file]);
    }
}

#[test]
fn answers_are_centred_by_what_the_recordings_have_in_common() {
    if emotone::check::device().is_none() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let (model, corpus) = model(dir.path());
    let folder = corpus.display().to_string();
    let recipe = Recipe::from_metadata(&file::read(Path::new(&model)).expect("model").1).expect("recipe");
    let strict = answers(&["--model", &model, &folder]);
    let by_speaker = by_hand(&strict, &speakers(&corpus), &recipe);
    let saved = dir.path().join("statistics.json");
    let saved = saved.to_str().expect("path");
    let adapted = answers(&["--model", &model, "--adapt-save", saved, &folder]);
    same(&adapted, &by_speaker);
    let changed = strict.iter().filter(|(file, (label, _))| adapted[*file].0 != *label).count();
    // Files alone have no speakers: they are one group.
    let files: Vec<&str> = strict.keys().map(String::as_str).collect();
    let all = by_hand(&strict, &BTreeMap::new(), &recipe);
    same(&answers(&[&["--model", &model, "--adapt"], &files[..]].concat()), &all);
    // Saved statistics: a file of nobody known is centred by all, a speaker's folder by the speaker's.
    same(&answers(&["--model", &model, "--adapt-from", saved, files[7]]), &all);
    same(&answers(&["--model", &model, "--adapt-from", saved, &folder]), &by_speaker);

    // Of several corpora, speakers of one name are not one speaker.
    let again = dir.path().join("again");
    let clips = synth::synthesise(&SynthConfig { speakers: 4, clips_per_emotion_per_speaker: 1, seed: 5 });
    synth::write(&clips, &again).expect("corpus");
    let both = dir.path().join("both.json");
    answers(&["--model", &model, "--adapt-save", both.to_str().expect("path"), &folder, again.to_str().expect("path")]);
    let read = emotone::train::adapt::Adaptation::read(&both).expect("statistics");
    assert_eq!((read.models[0].speakers.len(), read.models[0].all.count), (8, 64));

    let plain = infer(&["--model", &model, &folder]);
    let hint = format!("would change {changed} of 48");
    assert!(text(&plain.stderr).contains(&hint), "{hint}: {}", text(&plain.stderr));
    assert!(!text(&infer(&["--model", &model, files[0]]).stderr).contains("--adapt"));
    let told = infer(&["--model", &model, "--adapt", &folder]);
    assert!(
        text(&told.stdout).contains("adapted with the recordings' own unlabelled statistics\n") && !text(&told.stderr).contains("would")
    );

    // Of other weights, and of a model that does not say from where.
    let (mut weights, metadata) = file::read(Path::new(&model)).expect("model");
    weights.values_mut().for_each(|(_, values)| values[0] += 0.25);
    let other = dir.path().join("other.safetensors");
    file::write(&other, &weights, &metadata).expect("file");
    let error = refused(&["--model", other.to_str().expect("path"), "--adapt-from", saved, files[0]]);
    let hashes = [&file::sha256(&weights)[..12], &file::sha256(&file::read(Path::new(&model)).expect("model").0)[..12]];
    assert!(error.contains("statistics.json") && hashes.iter().all(|hash| error.contains(hash)), "{error}");
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/old/old-model.safetensors");
    let error = refused(&["--model", old.to_str().expect("path"), "--adapt", files[0]]);
    assert!(error.contains("old-model.safetensors") && error.contains("train it again"), "{error}");
}

#[test]
fn answers_are_about_the_classes_asked_for() {
    if emotone::check::device().is_none() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let (model, corpus) = model(dir.path());
    let folder = corpus.display().to_string();
    let whole = answers(&["--model", &model, &folder]);
    let header = text(&infer(&["--model", &model, "--quiet", "--format", "csv", whole.keys().next().expect("a file")]).stdout);
    let names: Vec<&str> = header.lines().next().expect("a header").split(',').skip(4).take_while(|name| *name != "truth").collect();
    assert_eq!(names.len(), 4);
    let two = answers(&["--model", &model, "--classes", &format!("{},{}", names[2], names[0]), &folder]);
    for (file, (label, p)) in &two {
        let all = &whole[file].1;
        let sum = all[2] + all[0];
        assert!((p[0] - all[2] / sum).abs() < 1e-5 && (p[1] - all[0] / sum).abs() < 1e-5 && p.len() == 2, "{p:?} of {all:?}");
        assert_eq!(label, if p[0] >= p[1] { names[2] } else { names[0] });
    }
    let told = text(&infer(&["--model", &model, "--quiet", "--classes", &format!("{},{}", names[2], names[0]), &folder]).stdout);
    let others = [names[1], names[3]].map(|name| format!("12: {name} is not among the classes"));
    assert!(told.contains("24 clips: unweighted recall") && told.contains("24 of 48 labelled recordings are not measured"), "{told}");
    assert!(others.iter().all(|o| told.contains(o)), "{told}");
    let error = refused(&["--model", &model, "--classes", &format!("{},boredom", names[0]), &folder]);
    assert!(error.contains("no class boredom") && names.iter().all(|name| error.contains(name)), "{error}");
    assert!(refused(&["--model", &model, "--classes", &format!("{0},{0}", names[0]), &folder]).contains("named once"));
}
