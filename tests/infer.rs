//! The programs as a user runs them: a model trained on a few clips answers about recordings, and bad input is reported.

mod common;

use common::asking::{adapter, text};
use emotone::data::synth::{self, SynthConfig};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn infer(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_infer")).args(args).output().expect("infer starts")
}

/// A corpus of 32 clips and a model trained on it, by the programs.
fn model(dir: &Path) -> (PathBuf, String) {
    let corpus = dir.join("corpus");
    let clips = synth::synthesise(&SynthConfig { speakers: 4, clips_per_emotion_per_speaker: 2, seed: 4 });
    synth::write(&clips, &corpus).expect("corpus");
    let out = dir.join("run");
    let arguments = ["--preset", "tiny", "--set", "image.size=32", "--set", "train.batch=8", "--stage", "single"];
    let run = Command::new(env!("CARGO_BIN_EXE_train"))
        .args(arguments)
        .args(["--set", "stage.single.epochs=1", "--split", "kfold:2:1", "--quiet", "--data"])
        .arg(&corpus)
        .arg("--out")
        .arg(&out)
        .output()
        .expect("train starts");
    assert!(run.status.success(), "{}", text(&run.stderr));
    for file in ["config.toml", "metrics.jsonl", "result.json", "confusion.csv", "confusion.png", "state.safetensors"] {
        assert!(out.join(file).exists(), "{file} is missing");
    }
    (corpus, out.join("model.safetensors").display().to_string())
}

/// A model with a snapshot of its run, and by the views of a clip.
fn together_and_by_views(dir: &Path, model: &str, folder: &str, clip: &str) {
    // The final model with a snapshot of its run, apart and from one file; and by views.
    let (best, file) = (model.replace("model.safetensors", "best-single.safetensors"), dir.join("both.safetensors"));
    let file = file.to_str().expect("path");
    let both = infer(&["--model", model, "--model", &best, "--save-ensemble", file, "--quiet", folder]);
    assert!(both.status.success(), "{}", text(&both.stderr));
    assert!(text(&both.stdout).contains("2 models together gain") && text(&both.stdout).contains("best-single.safetensors alone"));
    let again = infer(&["--model", file, "--quiet", folder]);
    assert_eq!(text(&again.stdout), text(&both.stdout));
    assert_eq!(text(&infer(&["--model", model, "--save-ensemble", file, "--quiet"]).stdout), "", "no recordings are needed to write it");
    let compact = dir.join("compact.safetensors");
    let compact = compact.to_str().expect("path");
    assert!(infer(&["--model", model, "--save-compact", compact, "--quiet"]).status.success());
    assert_eq!(infer(&["--model", compact, "--quiet", folder]).stdout, infer(&["--model", model, "--quiet", folder]).stdout);
    let views = infer(&["--model", model, "--tta", "--format", "csv", "--quiet", clip]);
    let whole = infer(&["--model", model, "--format", "csv", "--quiet", clip]);
    assert!(views.status.success() && views.stdout != whole.stdout, "{}", text(&views.stderr));
    let result = std::fs::read_to_string(Path::new(model).with_file_name("result.json")).expect("result");
    let result: serde_json::Value = serde_json::from_str(&result).expect("JSON");
    assert_eq!(result["test"]["clips"], result["test_tta"]["clips"]);
}

#[test]
fn a_trained_model_answers_and_bad_input_is_reported() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let (corpus, model) = model(dir.path());
    let folder = corpus.display().to_string();
    let clip = std::fs::read_dir(corpus.join("wav")).expect("clips").next().expect("a clip").expect("entry").path();
    let clip = clip.display().to_string();

    let out = infer(&["--model", &model, "--format", "json", &clip]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let rows: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let sum: f64 = rows[0]["probabilities"].as_object().expect("probabilities").values().filter_map(|p| p.as_f64()).sum();
    assert!((sum - 1.0).abs() < 1e-5, "{rows}");
    assert!(text(&out.stderr).starts_with("adapter: "));

    let windows = infer(&["--model", &model, "--format", "jsonl", "--window", "0.5", "--hop", "0.25", &clip]);
    let lines: Vec<serde_json::Value> = text(&windows.stdout).lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert!(lines.len() > 2 && lines[1]["start"] == 0.25, "{lines:?}");

    let broken = dir.path().join("broken.wav");
    std::fs::write(&broken, b"RIFF").expect("file");
    let mixed = infer(&["--model", &model, "--format", "csv", broken.to_str().expect("path"), &clip]);
    assert_eq!(mixed.status.code(), Some(2));
    assert!(text(&mixed.stderr).contains("broken.wav"), "{}", text(&mixed.stderr));
    assert_eq!(text(&mixed.stdout).lines().count(), 3, "a header, an error and an answer");

    let silent = dir.path().join("silent.wav");
    emotone::audio::write_wav(&silent, &[0.0; 16_000], 16_000).expect("file");
    let answered = infer(&["--model", &model, "--format", "csv", "--quiet", silent.to_str().expect("path"), &clip]);
    assert!(answered.status.success() && text(&answered.stdout).lines().count() == 3, "{}", text(&answered.stderr));
    let warnings = text(&answered.stderr);
    assert!(warnings.lines().count() == 1 && warnings.starts_with("warning: ") && warnings.contains("silent.wav: silent"), "{warnings}");

    let labelled = infer(&["--model", &model, "--embeddings", dir.path().join("e.safetensors").to_str().expect("path"), &folder]);
    assert!(text(&labelled.stdout).contains("UAR"), "{}", text(&labelled.stdout));
    let (vectors, _) = emotone::nn::file::read(&dir.path().join("e.safetensors")).expect("embeddings");
    assert_eq!((vectors.len(), vectors.values().next().expect("a vector").1.len()), (32, 64));

    together_and_by_views(dir.path(), &model, &folder, &clip);

    let picture = dir.path().join("picture.png");
    assert!(infer(&["--model", &model, "--spectrogram", picture.to_str().expect("path"), &clip]).status.success());
    assert!(picture.exists());
}

#[test]
fn what_is_no_model_is_refused_with_its_name() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    for (name, bytes) in [("absent", None), ("junk", Some(&b"not a model"[..])), ("empty", Some(&b""[..]))] {
        let path = dir.path().join(name);
        if let Some(bytes) = bytes {
            std::fs::write(&path, bytes).expect("file");
        }
        let out = infer(&["--model", path.to_str().expect("path"), "x.wav"]);
        let message = text(&out.stderr);
        assert_eq!(out.status.code(), Some(1));
        assert!(message.contains(name) && message.contains("error: ") && !message.contains("panicked"), "{message}");
    }
}

/// Without --model the one in the box is asked, and the small one with --small, where the program was built with them.
#[test]
fn the_models_in_the_box_are_asked() {
    if !adapter() {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let clip = root.join("tests/fixtures/tone.flac");
    let mut said = Vec::new();
    for (model, flag) in [("assets/emotion.safetensors", None), ("assets/small.safetensors", Some("--small"))] {
        let args = ["--quiet", "--format", "json", clip.to_str().expect("path")].into_iter().chain(flag);
        let out = infer(&args.collect::<Vec<_>>());
        if root.join(model).exists() {
            assert!(out.status.success(), "{}", text(&out.stderr));
            let rows: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
            let sum: f64 = rows[0]["probabilities"].as_object().expect("probabilities").values().filter_map(|p| p.as_f64()).sum();
            assert!((sum - 1.0).abs() < 1e-5 && rows[0]["label"].is_string(), "{rows}");
            said.push(rows[0]["probabilities"].clone());
        } else {
            assert_eq!(out.status.code(), Some(1));
            assert!(text(&out.stderr).contains("not in the box: name a model with --model"), "{}", text(&out.stderr));
        }
    }
    assert!(said.len() < 2 || said[0] != said[1], "two models");
}

/// A model that an earlier version wrote, of which its `infer` said this.
#[test]
fn models_of_earlier_versions_answer_as_they_did() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let old = tests.join("old/old-model.safetensors");
    // As it was; as trained in one stage on emotions, which kept a head for speakers all the same.
    let (weights, metadata) = emotone::nn::file::read(&old).expect("model");
    let mut single = metadata.clone();
    let recipe = single.get_mut("recipe").expect("recipe");
    assert!(recipe.contains(r#""stages":["voiceprint","emotion"]"#));
    *recipe = recipe.replace(r#""stages":["voiceprint","emotion"]"#, r#""stages":["single"]"#);
    let again = dir.path().join("single.safetensors");
    emotone::nn::file::write(&again, &weights, &single).expect("file");
    let said = [("tone.flac", [0.271395, 0.260134, 0.278051, 0.190419]), ("tone.mp3", [0.317063, 0.216413, 0.314028, 0.152496])];
    for model in [&old, &again] {
        for (clip, wanted) in said {
            let clip = tests.join("fixtures").join(clip);
            let args = ["--model", model.to_str().expect("path"), "--format", "json", "--quiet", clip.to_str().expect("path")];
            let out = infer(&args);
            assert!(out.status.success(), "{}", text(&out.stderr));
            let rows: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
            let got = ["anger", "gentleness", "happiness", "sadness"].map(|c| rows[0]["probabilities"][c].as_f64().expect("probability"));
            let apart = got.iter().zip(wanted).fold(0.0, |m: f64, (g, w)| m.max((g - w).abs()));
            assert!(apart < 1e-4, "{got:?}, earlier {wanted:?}");
        }
    }
}

/// Own clips become a model that starts from the one in the box; but not where that has heard them.
#[test]
fn training_starts_from_the_box() {
    let boxed = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/emotion.safetensors");
    if !boxed.exists() || !adapter() {
        eprintln!("SKIPPED: training_starts_from_the_box: no model in the box, or no adapter");
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let corpus = dir.path().join("corpus");
    let clips = synth::synthesise(&SynthConfig { speakers: 4, clips_per_emotion_per_speaker: 1, seed: 4 });
    synth::write(&clips, &corpus).expect("corpus");
    let train = |out: &str, more: &[&str]| {
        let out = dir.path().join(out);
        let run = Command::new(env!("CARGO_BIN_EXE_train"))
            .args(["--set", "train.copies=noise", "--split", "kfold:2:1", "--data"])
            .arg(&corpus)
            .args(more)
            .arg("--out")
            .arg(&out)
            .output()
            .expect("train starts");
        assert!(run.status.success(), "{}", text(&run.stderr));
        text(&run.stderr) + &text(&run.stdout)
    };
    let said = train("first", &["--no-feature-cache"]);
    assert!(said.contains("starts from the model in the box") && said.contains("cross-validated UAR"), "{said}");
    let (weights, _) = emotone::nn::file::read(&dir.path().join("first/model.safetensors")).expect("model");
    let (theirs, _) = emotone::nn::file::read(&boxed).expect("box");
    assert_eq!(weights["conv1.weight"], theirs["conv1.weight"]);
    assert_ne!(weights["emotion.weight"].0, theirs["emotion.weight"].0, "four classes, not seven");
    let scratch = train("scratch", &["--preset", "tiny", "--stage", "single", "--set", "stage.single.epochs=1"]);
    assert!(!scratch.contains("box"), "{scratch}");
}
