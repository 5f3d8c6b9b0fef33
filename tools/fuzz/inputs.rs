//! What untrusted bytes go through, and what must hold of whatever comes out: the fuzz targets, and the test that replays their seeds.
#![allow(dead_code, reason = "each target uses one of these")]

use emotone::audio;
use emotone::data::{manifest, signal, weights};
use emotone::gpu::wgsl;
use emotone::nn::{Params, file};
use emotone::train::config::Config;
use emotone::train::lessons::Lessons;
use emotone::train::recipe::{Recipe, Source};
use std::path::Path;

/// An error is one line.
fn one_line(e: &(impl ToString + ?Sized)) {
    let text = e.to_string();
    assert!(!text.is_empty() && !text.contains('\n'), "{text:?}");
}

/// A recording, whole, in parts, and as it arrives on a stream.
pub fn audio(bytes: &[u8]) {
    let whole = audio::load_bytes(Path::new("recording"), bytes);
    match &whole {
        Ok(clip) => {
            assert!(!clip.samples.is_empty() && clip.sample_rate == audio::SAMPLE_RATE);
            assert!(clip.samples.len() as u64 <= u64::from(audio::MAX_SECONDS + 1) * u64::from(audio::SAMPLE_RATE));
            assert!(clip.samples.iter().all(|s| s.abs() <= 1.0), "outside [-1, 1]");
            assert!(clip.notes.lines(clip.duration_s).iter().all(|line| !line.contains('\n')));
        }
        Err(e) => {
            assert!(e.to_string().starts_with("recording: "), "{e}");
            one_line(e);
        }
    }
    let part = audio::Part { start_s: 0.01, end_s: Some(0.05), channel: audio::Channel::RIGHT };
    for part in audio::load_bytes_parts(Path::new("recording"), bytes, &[part, part]).into_iter().flatten() {
        match part {
            Ok(clip) => assert!(clip.samples.len() <= 4000),
            Err(e) => one_line(&e),
        }
    }
    let stream = std::io::Cursor::new(bytes.to_vec());
    match audio::Blocks::of_reader(Path::new("recording"), stream, None, audio::Channel::Mix).and_then(audio::Blocks::collect_clip) {
        Ok(clip) => assert!(whole.is_err() || whole.is_ok_and(|whole| whole.samples == clip.samples)),
        Err(e) => one_line(&e),
    }
}

/// A weight file: its tensors, and where there is a recipe the network it describes.
pub fn checkpoint(bytes: &[u8]) {
    let (weights, metadata) = match file::parse(bytes) {
        Ok(parsed) => parsed,
        Err(reason) => return one_line(&reason),
    };
    for (shape, values) in weights.values() {
        assert!(shape.elements() == values.len() && values.iter().all(|v| v.is_finite()));
    }
    match Recipe::from_metadata(&metadata) {
        Ok(recipe) => {
            if let Err(e) = recipe.inference(&mut Params::new(|_| false), 1, Source::Raw, &[]) {
                one_line(&e);
            }
        }
        Err(reason) => one_line(&reason),
    }
}

/// A manifest; the first byte says by what name.
pub fn manifest(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let path = Path::new(["m.csv", "m.tsv", "m.jsonl", "m.json", "m.txt", "m.scp"][usize::from(*first) % 6]);
    match manifest::parse(path, rest) {
        Ok(corpus) => {
            assert!(corpus.utterances.iter().all(|u| !u.label.is_empty() && !u.path.as_os_str().is_empty()));
            assert!(corpus.utterances.iter().all(|u| u.part.check().is_ok()));
            corpus.notes.iter().chain(&corpus.speaker_notes).chain(&corpus.left_out.lines(None)).for_each(one_line);
            let (weights, note) = weights(&corpus.utterances);
            assert!(weights.is_none_or(|all| all.len() == corpus.utterances.len() && all.iter().all(|w| *w >= 0.0)));
            note.iter().for_each(one_line);
        }
        Err(e) => one_line(&e),
    }
}

/// A signal of one or two channels; the first byte says which, and by what name the file goes.
pub fn signal(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let path = Path::new(["s.npy", "s.npz", "s.csv", "s.tsv"][usize::from(*first) % 4]);
    let channels = 1 + usize::from(*first) / 4 % 2;
    match signal::parse(path, rest, "ecg", channels) {
        Ok(s) => {
            assert!(s.channels.len() == channels && s.channels.iter().flatten().all(|v| v.is_finite()));
            match s.fit(None, 128.0, 50) {
                Ok((fitted, _)) => assert_eq!(fitted.len(), 50 * channels),
                Err(e) => one_line(&e),
            }
        }
        Err(e) => assert!(!e.is_empty()),
    }
}

/// A teacher's table; the first byte says whether it is CSV, TSV or safetensors.
pub fn lessons(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let table = match (first % 3, std::str::from_utf8(rest)) {
        (2, _) => Lessons::from_safetensors(rest),
        (_, Err(_)) => return,
        (delimiter, Ok(text)) => Lessons::from_csv(text, [b',', b'\t'][usize::from(delimiter)]),
    };
    match table {
        Ok(t) => {
            assert!(!t.names.is_empty() && t.names.len() == t.rows.len());
            assert!(t.rows.iter().all(|r| r.len() == t.outputs.len() && r.iter().all(|v| v.is_finite())));
            let _ = t.find(&[Path::new("a/b.wav"), Path::new(&t.names[0])]);
        }
        Err(e) => assert!(!e.is_empty()),
    }
}

/// A configuration; lines that begin with `--set ` are settings on top of it.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (sets, lines): (Vec<&str>, Vec<&str>) = text.lines().partition(|l| l.starts_with("--set "));
    let mut config = match Config::parse(&lines.join("\n"), "config.toml") {
        Ok(config) => config,
        Err(e) => return assert!(!e.to_string().is_empty()),
    };
    for set in sets {
        if let Err(e) = config.set(&set["--set ".len()..]) {
            assert!(!e.to_string().is_empty());
        }
    }
    if config.check().is_ok() {
        let written = config.to_toml().expect("a valid configuration can be written");
        assert_eq!(Config::parse(&written, "written").expect("and read"), config);
    }
}

/// A shader.
pub fn wgsl(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let include = |name: &str| match name {
        "a" => Some("const A: u32 = 1u; //#tunable\n"),
        "b" => Some("//#include <a>\n//#unroll j in 0..A\n${j}\n//#end\n"),
        "c" => Some("//#include <c>\n"),
        _ => None,
    };
    for tunables in [&[][..], &[("N", 3)]] {
        match wgsl::expand("shader.wgsl", text, tunables, &include) {
            Ok(expanded) => {
                for line in 1..=expanded.text.lines().count() {
                    assert!(!expanded.origin(line).0.is_empty());
                }
            }
            Err(e) => assert!(e.to_string().contains(':')),
        }
    }
}
