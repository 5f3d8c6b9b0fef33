//! Adaptation by unlabelled recordings and answers about some classes alone, as a user asks for them, against sums by hand.

use emotone::data::synth::{self, SynthConfig};
use emotone::nn::file;
use emotone::reference::self_trained;
use emotone::train::adapt::Adaptation;
use emotone::train::calibration::Calibration;
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

/// A corpus of 4 speakers and 48 clips.
fn corpus(dir: &Path) -> PathBuf {
    let corpus = dir.join("corpus");
    let clips = synth::synthesise(&SynthConfig { speakers: 4, clips_per_emotion_per_speaker: 3, seed: 4 });
    synth::write(&clips, &corpus).expect("corpus");
    corpus
}

/// A model trained on a corpus.
fn trained(dir: &Path, corpus: &Path, settings: &[&str]) -> String {
    let out = dir.join("run");
    let run = Command::new(env!("CARGO_BIN_EXE_train"))
        .args(settings)
        .args(["--split", "kfold:2:1", "--quiet", "--data"])
        .arg(corpus)
        .arg("--out")
        .arg(&out)
        .output()
        .expect("train starts");
    assert!(run.status.success(), "{}", text(&run.stderr));
    out.join("model.safetensors").display().to_string()
}

/// A corpus of 4 speakers and 48 clips, and a network trained on it by steps.
fn model(dir: &Path) -> (String, PathBuf) {
    let corpus = corpus(dir);
    let image = ["--preset", "tiny", "--set", "image.size=32", "--set", "train.batch=8", "--stage", "single"];
    let model = trained(dir, &corpus, &[&image[..], &["--set", "stage.single.epochs=2"]].concat());
    (model, corpus)
}

/// The same corpus, and a machine on features solved on it.
fn machine(dir: &Path) -> (String, PathBuf) {
    let corpus = corpus(dir);
    let kernels = ["--preset", "small", "--set", "model.name=rocket", "--set", "model.kernels=64", "--set", "train.copies=[]"];
    (trained(dir, &corpus, &kernels), corpus)
}

/// Speakers of the clips by path.
fn speakers(corpus: &Path) -> BTreeMap<String, String> {
    let corpus = emotone::data::open(corpus).expect("corpus");
    corpus.utterances.into_iter().map(|u| (u.path.display().to_string(), u.speaker)).collect()
}

/// Logits but for a constant of each file, from its probabilities: logarithms times the temperature.
fn logits(strict: &BTreeMap<String, (String, Vec<f64>)>, temperature: f64) -> BTreeMap<String, Vec<f64>> {
    strict.iter().map(|(file, (_, p))| (file.clone(), p.iter().map(|p| temperature * p.ln()).collect())).collect()
}

/// What the vectors of all files have in common, and how far those of each file's speaker lie from it, from the equations in `train/adapt.rs`.
fn lies(vectors: &BTreeMap<String, Vec<f64>>, speakers: &BTreeMap<String, String>) -> (Vec<f64>, BTreeMap<String, Vec<f64>>) {
    let mean = |of: &dyn Fn(&String) -> bool| -> (f64, Vec<f64>) {
        let own: Vec<&Vec<f64>> = vectors.iter().filter(|(file, _)| of(file)).map(|(_, v)| v).collect();
        let n = own.len() as f64;
        (n, (0..own[0].len()).map(|c| own.iter().map(|v| v[c]).sum::<f64>() / n).collect())
    };
    let (_, all) = mean(&|_| true);
    let apart = |file: &String| -> Vec<f64> {
        let Some(speaker) = speakers.get(file) else { return vec![0.0; all.len()] };
        let (n, own) = mean(&|f| speakers.get(f) == Some(speaker));
        own.iter().zip(&all).map(|(own, all)| n / (n + 5.0) * (own - all)).collect()
    };
    let apart = vectors.keys().map(|file| (file.clone(), apart(file))).collect();
    (all, apart)
}

/// Logits less the centre and what they are off by.
fn centred(
    strict: &BTreeMap<String, (String, Vec<f64>)>,
    speakers: &BTreeMap<String, String>,
    found: &Calibration,
) -> BTreeMap<String, Vec<f64>> {
    let logits = logits(strict, f64::from(found.temperature));
    let (all, apart) = lies(&logits, speakers);
    let n = logits.len() as f64;
    let of = |(file, l): (&String, &Vec<f64>)| {
        let centre = found.centre.iter().map(|c| f64::from(*c));
        let own =
            l.iter().zip(centre).enumerate().map(|(k, (l, centre))| l - centre - 0.8 * n / (n + 5.0) * (all[k] - centre) - apart[file][k]);
        (file.clone(), own.collect())
    };
    logits.iter().map(of).collect()
}

/// Probabilities of centred logits.
fn said(centred: &BTreeMap<String, Vec<f64>>, found: &Calibration) -> BTreeMap<String, Vec<f64>> {
    let of = |(file, own): (&String, &Vec<f64>)| {
        let e: Vec<f64> = own.iter().zip(&found.centre).map(|(o, c)| ((o + f64::from(*c)) / f64::from(found.temperature)).exp()).collect();
        let sum: f64 = e.iter().sum();
        (file.clone(), e.iter().map(|e| e / sum).collect())
    };
    centred.iter().map(of).collect()
}

/// What centring makes of answers.
fn by_hand(
    strict: &BTreeMap<String, (String, Vec<f64>)>,
    speakers: &BTreeMap<String, String>,
    recipe: &Recipe,
) -> BTreeMap<String, Vec<f64>> {
    let found = &recipe.calibration["emotion"];
    said(&centred(strict, speakers, found), found)
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
    same(&answers(&["--model", &model, "--adapt", "--adapt-by", "all", &folder]), &all);
    // Saved statistics: a file of nobody known is centred by all, a speaker's folder by the speaker's.
    same(&answers(&["--model", &model, "--adapt-from", saved, files[7]]), &all);
    same(&answers(&["--model", &model, "--adapt-from", saved, &folder]), &by_speaker);

    // Of several corpora, speakers of one name are not one speaker.
    let again = dir.path().join("again");
    let clips = synth::synthesise(&SynthConfig { speakers: 4, clips_per_emotion_per_speaker: 1, seed: 5 });
    synth::write(&clips, &again).expect("corpus");
    let both = dir.path().join("both.json");
    answers(&["--model", &model, "--adapt-save", both.to_str().expect("path"), &folder, again.to_str().expect("path")]);
    let read = Adaptation::read(&both).expect("statistics");
    assert_eq!((read.models[0].speakers.len(), read.models[0].all.count), (8, 64));

    let plain = infer(&["--model", &model, &folder]);
    let hint = format!("would alone change {changed} of 48");
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

/// A machine on features is taught by the recordings as well, of the classes asked about, and what it learnt is used again.
#[test]
fn machines_on_features_learn_from_the_recordings() {
    if emotone::check::device().is_none() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let (model, corpus) = machine(dir.path());
    let folder = corpus.display().to_string();
    let recipe = Recipe::from_metadata(&file::read(Path::new(&model)).expect("model").1).expect("recipe");
    let mut found = recipe.calibration["emotion"].clone();
    let [embeddings, saved] = ["embeddings.safetensors", "statistics.json"].map(|name| dir.path().join(name).display().to_string());
    let strict = answers(&["--model", &model, "--embeddings", &embeddings, &folder]);
    let by: BTreeMap<String, Vec<f64>> = file::read(Path::new(&embeddings))
        .expect("embeddings")
        .0
        .into_iter()
        .map(|(name, (_, values))| (name, values.iter().map(|v| f64::from(*v)).collect()))
        .collect();
    let speakers = speakers(&corpus);
    let taught = |strict: &BTreeMap<String, (String, Vec<f64>)>, found: &Calibration| {
        let (all, apart) = lies(&by, &speakers);
        let x: Vec<Vec<f64>> = by.iter().map(|(f, x)| (0..x.len()).map(|d| x[d] - all[d] - apart[f][d]).collect()).collect();
        let centred = centred(strict, &speakers, found);
        let level = |o: &Vec<f64>| o.iter().map(|v| v - o.iter().sum::<f64>() / o.len() as f64).collect();
        let o: Vec<Vec<f64>> = centred.values().map(level).collect();
        said(&centred.keys().cloned().zip(self_trained(&x, &o)).collect(), found)
    };
    let wanted = taught(&strict, &found);
    let plain = by_hand(&strict, &speakers, &recipe);
    let apart = |a: &BTreeMap<String, Vec<f64>>| {
        a.iter().flat_map(|(f, p)| p.iter().zip(&plain[f])).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()))
    };
    assert!(by.keys().eq(strict.keys()) && apart(&wanted) > 0.05, "what is learnt changes answers by {}", apart(&wanted));
    same(&answers(&["--model", &model, "--adapt-save", &saved, &folder]), &wanted);
    same(&answers(&["--model", &model, "--adapt-from", &saved, &folder]), &wanted);

    // Of two classes it learns about two.
    let names: Vec<String> = recipe.outputs("emotion").to_vec();
    let two = format!("{},{}", names[2], names[0]);
    let strict = answers(&["--model", &model, "--classes", &two, &folder]);
    found.centre = vec![found.centre[2], found.centre[0]];
    same(&answers(&["--model", &model, "--adapt", "--classes", &two, &folder]), &taught(&strict, &found));
    let error = refused(&["--model", &model, "--adapt-from", &saved, "--classes", &two, &folder]);
    assert!(error.contains("statistics.json") && error.contains(&format!("--classes {}", names.join(","))), "{error}");

    // The same classes in another order, and statistics of other features.
    let turned = names.iter().rev().cloned().collect::<Vec<String>>().join(",");
    let turned = answers(&["--model", &model, "--adapt-from", &saved, "--classes", &turned, &folder]);
    let back = turned.into_iter().map(|(file, (label, p))| (file, (label, p.into_iter().rev().collect()))).collect();
    same(&back, &wanted);
    let mut read = Adaptation::read(Path::new(&saved)).expect("statistics");
    read.models[0].taught.as_mut().expect("taught").weight.iter_mut().for_each(|w| w.truncate(100));
    read.write(Path::new(&saved)).expect("statistics");
    assert!(refused(&["--model", &model, "--adapt-from", &saved, &folder]).contains("weigh 100 features of a recording, the model has"));
}

/// Speakers of whom each expresses one emotion, if the manifest is believed, are not told apart.
#[test]
fn centring_by_speaker_that_takes_emotion_away_is_noticed() {
    if emotone::check::device().is_none() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let (model, corpus) = machine(dir.path());
    let folder = corpus.display().to_string();
    let manifest = dir.path().join("emotions.csv");
    let rows = emotone::data::open(&corpus)
        .expect("corpus")
        .utterances
        .into_iter()
        .map(|u| format!("{},{},{}\n", u.path.display(), u.label, u.label));
    std::fs::write(&manifest, format!("path,label,speaker\n{}", rows.collect::<String>())).expect("manifest");
    let doubts =
        |what: &[&str]| text(&infer(&[&["--model", &model, "--adapt"], what].concat()).stderr).contains("--adapt-by speaker insists");
    let manifest = manifest.to_str().expect("path");
    assert!(
        doubts(&[manifest])
            && !doubts(&[&folder])
            && !doubts(&["--adapt-by", "all", manifest])
            && !doubts(&["--adapt-by", "speaker", manifest])
    );
    let [auto, all] = ["auto", "all"].map(|by| answers(&["--model", &model, "--adapt", "--adapt-by", by, manifest]));
    let insisted = answers(&["--model", &model, "--adapt", "--adapt-by", "speaker", manifest]);
    assert!(auto == all && insisted != all && all == answers(&["--model", &model, "--adapt", "--adapt-by", "all", &folder]));
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
