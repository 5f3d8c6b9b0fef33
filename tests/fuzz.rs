//! Replays the seeds of the fuzz targets and every input that once failed.

#[path = "../tools/fuzz/inputs.rs"]
mod inputs;

use std::path::Path;

/// Runs `target` on each file under the folders; how many there were.
fn replay(target: fn(&[u8]), folders: &[&str]) -> usize {
    let mut files = Vec::new();
    for folder in folders {
        let entries = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).read_dir().expect("folder of seeds");
        files.extend(entries.map(|e| e.expect("entry").path()).filter(|path| path.is_file()));
    }
    for file in &files {
        println!("{}", file.display());
        target(&std::fs::read(file).expect("seed"));
    }
    files.len()
}

#[test]
fn seeds_and_past_crashes_hold() {
    assert!(replay(inputs::audio, &["tools/fuzz/seeds/audio", "tests/fixtures", "tests/fixtures/sound"]) >= 38);
    assert!(replay(inputs::checkpoint, &["tools/fuzz/seeds/checkpoint"]) >= 3);
    assert!(replay(inputs::manifest, &["tools/fuzz/seeds/manifest"]) >= 14);
    assert!(replay(inputs::signal, &["tools/fuzz/seeds/signal"]) >= 8);
    assert!(replay(inputs::lessons, &["tools/fuzz/seeds/lessons"]) >= 5);
    assert!(replay(inputs::config, &["tools/fuzz/seeds/config"]) >= 2);
    assert!(replay(inputs::wgsl, &["tools/fuzz/seeds/wgsl"]) >= 3);
}

#[test]
fn the_seeds_reach_what_they_are_for() {
    let read = |name: &str| std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/fuzz/seeds").join(name)).expect("seed");
    let (_, metadata) = emotone::nn::file::parse(&read("checkpoint/recipe")).expect("a weight file");
    emotone::train::recipe::Recipe::from_metadata(&metadata).expect("a recipe");
    emotone::train::config::Config::parse(&String::from_utf8(read("config/tiny")).expect("text"), "tiny").expect("a configuration");
    for (name, path) in [("npy", "s.npy"), ("npz", "s.npz"), ("csv", "s.csv")] {
        emotone::data::signal::parse(Path::new(path), &read(&format!("signal/{name}"))[1..], "ecg", 1).expect("a signal");
    }
    for table in ["embeddings", "answers"] {
        emotone::train::lessons::Lessons::from_safetensors(&read(&format!("lessons/{table}"))[1..]).expect("a table");
    }
    for wav in ["pcm8", "pcm16", "pcm24", "float32", "float64", "alaw", "mulaw", "extensible", "stream"] {
        emotone::audio::load_bytes(Path::new(wav), &read(&format!("audio/{wav}.wav"))).expect("a recording");
    }
}
