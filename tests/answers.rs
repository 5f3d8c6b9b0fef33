//! What `infer` says of recordings that are not as they should be, and how results reach other programs.

mod common;

use common::asking::{RATE, adapter, command, infer, text, voice};
use emotone::audio::write_wav;
use serde_json::Value;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

fn json(out: &Output) -> Vec<Value> {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}{}", text(&out.stdout), text(&out.stderr)))
}

fn silence(seconds: f64) -> Vec<f32> {
    vec![0.0; (seconds * f64::from(RATE)) as usize]
}

fn wav(dir: &Path, name: &str, samples: &[f32]) -> PathBuf {
    let path = dir.join(name);
    write_wav(&path, samples, RATE).expect("file");
    path
}

/// A recording of each flaw, one without, and one that is none; each flaw's name in results stands in the file's.
fn flawed(dir: &Path) {
    wav(dir, "fine.wav", &voice(2.0, 0.3));
    wav(dir, "silent.wav", &silence(2.0));
    wav(dir, "too_short.wav", &voice(0.024, 0.3));
    wav(dir, "no_speech.wav", &(0..2 * RATE).map(|i| 0.3 * (i as f32 * 0.17).sin()).collect::<Vec<_>>());
    wav(dir, "mostly_silent.wav", &[silence(2.0), voice(0.6, 0.3)].concat());
    wav(dir, "low_level.wav", &voice(2.0, 0.002));
    wav(dir, "clipped.wav", &voice(2.0, 8.0));
    let whole = std::fs::read(wav(dir, "cut_short.wav", &voice(2.0, 0.3))).expect("file");
    std::fs::write(dir.join("cut_short.wav"), &whole[..whole.len() * 3 / 4]).expect("file");
    std::fs::write(dir.join("broken.wav"), "no sound").expect("file");
}

const FILES: [&str; 9] = [
    "fine.wav",
    "silent.wav",
    "too_short.wav",
    "no_speech.wav",
    "mostly_silent.wav",
    "low_level.wav",
    "clipped.wav",
    "cut_short.wav",
    "broken.wav",
];

#[test]
fn what_is_wrong_with_recordings_is_a_field_of_every_format() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    flawed(dir);
    let run = |format: &str| {
        let out = infer(dir, &[&["--format", format], &FILES[..]].concat());
        assert_eq!(out.status.code(), Some(2), "{}", text(&out.stderr));
        out
    };
    let told = text(&run("text").stderr);
    assert!(told.contains("error: broken.wav: ") && told.contains("warning: silent.wav: silent, so there is no answer\n"), "{told}");
    assert!(told.contains("warning: cut_short.wav: cut short: 1.50 of 2.00 s are there\n") && !told.contains("fine.wav"), "{told}");
    let (lines, rows) = (text(&run("text").stdout), json(&run("json")));
    let objects: Vec<Value> = text(&run("jsonl").stdout).lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!(rows, objects);
    let table = text(&run("csv").stdout);
    let mut csv = csv::Reader::from_reader(table.as_bytes());
    let header = csv.headers().expect("header").clone();
    let table: Vec<csv::StringRecord> = csv.records().map(|r| r.expect("record")).collect();
    let column = |record: &csv::StringRecord, name: &str| record[header.iter().position(|h| h == name).expect("column")].to_string();
    for (i, file) in FILES.iter().enumerate() {
        let (row, record, flaw) = (&rows[i], &table[i], file.trim_end_matches(".wav"));
        assert_eq!((row["file"].as_str(), column(record, "file").as_str()), (Some(*file), *file));
        let line = lines.lines().find(|l| l.starts_with(file)).unwrap_or_default();
        if *file == "broken.wav" {
            let error = row["error"].as_str().expect("a reason");
            assert!(error.contains("not a recording") && !error.contains("broken.wav") && column(record, "error") == error, "{error}");
            assert!(row["label"].is_null() && column(record, "label").is_empty() && line.is_empty());
            continue;
        }
        let expected = if flaw == "fine" { vec![] } else { vec![flaw] };
        assert_eq!(row["quality"], serde_json::json!(expected), "{file}");
        assert_eq!(column(record, "quality"), expected.join(" "));
        assert_eq!(line.ends_with(&format!("  [{flaw}]")), flaw != "fine", "{line}");
        let fatal = ["silent", "too_short"].contains(&flaw);
        assert_eq!((row["label"].is_null(), row["probabilities"] == serde_json::json!({})), (fatal, fatal), "{row}");
        assert_eq!((column(record, "label").is_empty(), line.contains("no answer")), (fatal, fatal), "{line}");
    }
}

#[test]
fn silence_in_a_timeline_has_no_label_and_equal_neighbours_join() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    wav(dir, "call.wav", &[voice(2.0, 0.3), silence(6.0), voice(2.0, 0.3)].concat());
    let rows = json(&infer(dir, &["--format", "json", "--window", "2", "--hop", "2", "call.wav"]));
    let silent: Vec<bool> = rows.iter().map(|r| r["quality"] == serde_json::json!(["silent"])).collect();
    assert_eq!(silent, [false, true, true, true, false], "{rows:?}");
    assert!(rows.iter().zip(&silent).all(|(r, silent)| r["label"].is_null() == *silent), "{rows:?}");
    let joined = json(&infer(dir, &["--format", "json", "--window", "2", "--hop", "2", "--join", "call.wav"]));
    let spans: Vec<(f64, f64)> = joined.iter().map(|r| (r["start"].as_f64().unwrap(), r["end"].as_f64().unwrap())).collect();
    assert_eq!(spans, [(0.0, 2.0), (2.0, 8.0), (8.0, 10.0)]);
    // Windows that overlap and agree are one from the first start to the last end, with the mean of their probabilities.
    let apart = json(&infer(dir, &["--format", "json", "--window", "0.5", "--hop", "0.2", "call.wav"]));
    let joined = json(&infer(dir, &["--format", "json", "--window", "0.5", "--hop", "0.2", "--join", "call.wav"]));
    let mut groups: Vec<Vec<&Value>> = Vec::new();
    for row in &apart {
        match groups.last_mut().filter(|group| group[0]["label"] == row["label"]) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    assert!(joined.len() == groups.len() && groups.iter().any(|g| g.len() > 1 && g[0]["label"].is_string()), "{apart:?}");
    for (row, group) in joined.iter().zip(&groups) {
        assert_eq!((&row["label"], &row["start"], &row["end"]), (&group[0]["label"], &group[0]["start"], &group[group.len() - 1]["end"]));
        let mean = group.iter().map(|r| r["probabilities"]["anger"].as_f64().unwrap_or(0.0)).sum::<f64>() / group.len() as f64;
        assert!((row["probabilities"]["anger"].as_f64().unwrap_or(0.0) - mean).abs() < 1e-5, "{row}");
    }
}

#[test]
fn timelines_are_written_for_other_programs() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    wav(dir, "call.wav", &[voice(2.0, 0.3), silence(4.0)].concat());
    std::fs::create_dir(dir.join("b")).expect("folder");
    wav(&dir.join("b"), "call.wav", &voice(2.0, 0.3));
    let windows = ["--window", "2", "--hop", "2", "--join"];
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    for (file, start) in
        [("t.srt", "1\n00:00:00,000 --> 00:00:02,000\n"), ("t.TextGrid", "File type = \"ooTextFile\"\n"), ("t.tsv", "Tier\tBegin")]
    {
        let out = infer(dir, &[&windows[..], &["--output", file, "call.wav"]].concat());
        assert!(out.status.success() && out.stdout.is_empty(), "{}", text(&out.stderr));
        assert!(read(file).starts_with(start) && read(file).contains("(silent)"), "{}", read(file));
    }
    let labels = text(&infer(dir, &[&windows[..], &["--format", "audacity", "call.wav"]].concat()).stdout);
    assert!(labels.ends_with("2.000000\t6.000000\t(silent)\n") && labels.lines().count() == 2, "{labels}");
    // Of several recordings each has its own.
    let several = infer(dir, &[&windows[..], &["--format", "audacity", "call.wav", "b/call.wav"]].concat());
    assert!(several.status.code() == Some(1) && text(&several.stderr).contains("--output FOLDER/"), "{}", text(&several.stderr));
    let out = infer(dir, &[&windows[..], &["--format", "audacity", "--output", "labels/", "call.wav", "b/call.wav"]].concat());
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert_eq!((read("labels/call.txt"), read("labels/b_call.txt").lines().count()), (labels, 1));
    // What would destroy an input, or says nothing of the format, is refused.
    for (output, word) in [("call.wav", "the suffix names no format"), ("t.xyz", "add --format")] {
        let out = infer(dir, &["--output", output, "call.wav"]);
        assert!(out.status.code() == Some(1) && text(&out.stderr).contains(word), "{}", text(&out.stderr));
    }
    let out = infer(dir, &["--format", "csv", "--output", "call.wav", "call.wav"]);
    assert!(out.status.code() == Some(1) && text(&out.stderr).contains("one of the inputs"), "{}", text(&out.stderr));
}

#[test]
fn labelled_recordings_that_are_not_measured_are_counted_with_the_reason() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    flawed(dir);
    wav(dir, "long.wav", &voice(31.0, 0.3));
    let labels = "path,label\nfine.wav,angry\nclipped.wav,calm\nlow_level.wav,calm\nsilent.wav,anger\nbroken.wav,anger\nlong.wav,anger\n";
    std::fs::write(dir.join("list.csv"), labels).expect("file");
    let out = infer(dir, &["list.csv"]);
    let said = text(&out.stdout);
    let line = said.lines().find(|l| l.contains("not measured")).unwrap_or_else(|| panic!("{said}{}", text(&out.stderr)));
    assert!(line.starts_with("5 of 6 labelled recordings are not measured (2: calm is not among the classes; "), "{line}");
    assert!(["1: silent", "1: could not be used", "1: longer than 30 s"].iter().all(|w| line.contains(w)), "{line}");
    assert!(said.contains("UAR") && said.contains("1 clips") && said.contains("angry is taken for anger: 1 recordings\n"), "{said}");
    let rows = json(&infer(dir, &["--format", "json", "list.csv"]));
    assert_eq!((&rows[0]["truth"], &rows[1]["truth"], &rows[4]["truth"]), (&"angry".into(), &"calm".into(), &"anger".into()));
    assert_eq!(rows.len(), 5 + 7, "a long recording is answered in windows");
}

#[test]
fn readers_may_go_before_the_end() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    wav(dir, "fine.wav", &voice(2.0, 0.3));
    for format in ["text", "json", "jsonl", "csv", "srt"] {
        let start = |stderr: Stdio| {
            let mut child = command(dir, &["--format", format, "fine.wav", "none.wav"][..if format == "srt" { 3 } else { 4 }])
                .stdout(Stdio::piped())
                .stderr(stderr)
                .spawn()
                .expect("infer starts");
            drop(child.stdout.take());
            child
        };
        let mut child = start(Stdio::piped());
        let mut told = String::new();
        child.stderr.take().expect("stderr").read_to_string(&mut told).expect("text");
        let status = child.wait().expect("status");
        assert!(status.success() && !told.contains("panicked") && !told.contains("roken pipe"), "{format}: {status} {told}");
        let mut deaf = start(Stdio::piped());
        drop(deaf.stderr.take());
        assert!(deaf.wait().expect("status").success(), "{format}");
    }
}

#[test]
#[cfg(unix)]
fn names_that_would_drive_a_terminal_are_written_out() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    let names = ["one\ntwo.wav", "\u{1b}[31mred.wav", "喜び,\"joy\".wav"];
    names.iter().for_each(|name| _ = wav(dir, name, &voice(1.0, 0.3)));
    std::fs::write(dir.join("bad\n\u{1b}[2J.wav"), "no sound").expect("file");
    let all = [&names[..], &["bad\n\u{1b}[2J.wav"]].concat();
    let out = infer(dir, &all);
    let (said, told) = (text(&out.stdout), text(&out.stderr));
    assert!(said.lines().count() == 3 && said.contains("one\\ntwo.wav  ") && said.contains("\\u{1b}[31mred.wav  "), "{said}");
    assert!(said.contains("喜び,\"joy\".wav  ") && told.contains("error: bad\\n\\u{1b}[2J.wav: "), "{said}{told}");
    assert!(!said.contains('\u{1b}') && !told.contains('\u{1b}'));
    let rows = json(&infer(dir, &[&["--format", "json"], &all[..]].concat()));
    assert_eq!(rows.iter().map(|r| r["file"].as_str().expect("name")).collect::<Vec<_>>(), all);
    let table = infer(dir, &[&["--format", "csv"], &all[..]].concat()).stdout;
    let read: Vec<String> = csv::Reader::from_reader(&table[..]).records().map(|r| r.expect("record")[0].to_string()).collect();
    assert_eq!(read, all);
}
