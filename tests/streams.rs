//! `infer` on sound that is still being recorded, on lists and folders, and on more of it than fits in memory.

mod common;

use common::asking::{RATE, adapter, command, infer, text, voice};
use emotone::audio::write_wav;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn fed(dir: &Path, args: &[&str], input: &[u8]) -> Output {
    let mut child = command(dir, args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("infer starts");
    // It may have refused its flags already.
    let _ = child.stdin.take().expect("stdin").write_all(input);
    child.wait_with_output().expect("output")
}

fn pcm(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|v| ((v * 32_768.0).round() as i16).to_le_bytes()).collect()
}

/// A wav header as recorders write it that do not know yet how long they will record.
fn endless_header() -> Vec<u8> {
    let mut bytes = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    bytes.extend(RATE.to_le_bytes());
    bytes.extend((2 * RATE).to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data\xff\xff\xff\xff");
    bytes
}

/// Lines of a child's output as they come.
fn lines(child: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    let out = BufReader::new(child.stdout.take().expect("stdout"));
    std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    lines
}

#[test]
fn windows_of_a_stream_are_answered_as_they_fill() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let window = ["--window", "1", "--hop", "1"];
    let raw = ["--raw", "s16le", "--rate", "16000", "--channels", "1"];
    for (flags, header) in [(&[][..], endless_header()), (&raw[..], vec![]), (&["--raw", "s16le:16000"][..], vec![])] {
        let args = [&window[..], flags, &["--format", "jsonl", "-"]].concat();
        let mut child = command(dir.path(), &args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("infer starts");
        let (mut input, lines) = (child.stdin.take().expect("stdin"), lines(&mut child));
        input.write_all(&header).expect("header");
        for second in 0..3 {
            // A little more than the window, for the decoder takes whole blocks.
            let seconds = if second == 0 { 1.6 } else { 1.0 };
            input.write_all(&pcm(&voice(seconds, 0.3))).and_then(|()| input.flush()).expect("sound");
            let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("{flags:?}: window {second} of a stream that goes on: {e}"));
            let row: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            assert!(row["start"] == f64::from(second) && row["file"] == "-" && row["label"].is_string(), "{line}");
        }
        drop(input);
        let last: Vec<String> = lines.iter().collect();
        assert!(child.wait().expect("status").success() && last.len() == 1, "{last:?}");
    }
    let said = text(&fed(dir.path(), &["--raw", "s16le", "-"], &pcm(&voice(1.0, 0.3))).stderr);
    assert!(said.contains("--rate"), "{said}");
}

#[test]
fn a_recording_or_names_of_recordings_come_on_standard_input() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    for name in ["a.wav", "b c.wav"] {
        write_wav(&dir.join(name), &voice(1.0, 0.3), RATE).expect("file");
    }
    let whole = fed(dir, &["--format", "csv", "-"], &std::fs::read(dir.join("a.wav")).expect("file"));
    let file = infer(dir, &["--format", "csv", "a.wav"]);
    assert_eq!(text(&whole.stdout), text(&file.stdout).replace("a.wav", "-"), "{}", text(&whole.stderr));
    let both = text(&infer(dir, &["--format", "csv", "a.wav", "b c.wav"]).stdout);
    for list in ["a.wav\nb c.wav\n", "a.wav\r\nb c.wav", "a.wav\0b c.wav\0"] {
        assert_eq!(text(&fed(dir, &["--format", "csv", "-"], list.as_bytes()).stdout), both);
    }
    std::fs::write(dir.join("list.txt"), "a.wav\nb c.wav\nnone.wav\n").expect("file");
    let listed = infer(dir, &["--format", "csv", "list.txt"]);
    assert!(listed.status.code() == Some(2) && text(&listed.stderr).contains("none.wav"), "{}", text(&listed.stderr));
    assert!(text(&listed.stdout).starts_with(&both), "{}", text(&listed.stdout));
    assert_eq!(fed(dir, &["-"], b"").status.code(), Some(2));
    // Parts of a recording, one of them labelled.
    write_wav(&dir.join("long.wav"), &voice(12.0, 0.3), RATE).expect("file");
    std::fs::write(dir.join("parts.csv"), "path;start;end;label\nlong.wav;0;2;anger\nlong.wav;2.5;12;\n").expect("file");
    let parts = infer(dir, &["--format", "json", "--window", "5", "--hop", "5", "parts.csv"]);
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&parts.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&parts.stderr)));
    let told: Vec<(&str, f64, f64)> = rows
        .iter()
        .map(|r| (r["file"].as_str().unwrap_or_default(), r["start"].as_f64().unwrap_or(-1.0), r["end"].as_f64().unwrap_or(-1.0)))
        .collect();
    let (first, second) = ("long.wav#t=0.000,2.000", "long.wav#t=2.500,12.000");
    assert_eq!(told, [(first, 0.0, 2.0), (second, 2.5, 7.5), (second, 7.5, 12.0)]);
    assert!(rows[0]["truth"] == "anger" && rows[1]["truth"].is_null(), "{rows:?}");
}

#[test]
fn one_channel_of_two_is_listened_to() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    let (left, right) = (voice(1.0, 0.3), vec![0.0; RATE as usize]);
    write_wav(&dir.join("left.wav"), &left, RATE).expect("file");
    let both: Vec<f32> = left.iter().zip(&right).flat_map(|(l, r)| [*l, *r]).collect();
    let mut bytes = endless_header();
    (bytes[22], bytes[32]) = (2, 4);
    bytes.extend(pcm(&both));
    std::fs::write(dir.join("call.wav"), &bytes).expect("file");
    let row = |args: &[&str]| -> serde_json::Value {
        let out = infer(dir, &[args, &["--format", "json"]].concat());
        serde_json::from_slice::<serde_json::Value>(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&out.stderr)))[0].clone()
    };
    let alone = row(&["left.wav"]);
    for channel in ["left", "1"] {
        assert_eq!(row(&["--channel", channel, "call.wav"])["probabilities"], alone["probabilities"]);
    }
    assert_eq!(row(&["--channel", "right", "call.wav"])["quality"], serde_json::json!(["silent"]));
    let error = row(&["--channel", "3", "call.wav"]);
    assert!(error["error"].as_str().is_some_and(|e| e.contains("channel 3") && e.contains('2')), "{error}");
}

/// Folders in folders, whatever they are called; what is no recording or cannot be read is said, and the rest is done.
#[test]
fn a_folder_is_heard_whatever_its_layout() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    for name in ["2024/05/one.wav", "2024/06/two.wav", "loose.wav"] {
        std::fs::create_dir_all(dir.join("calls").join(name).parent().expect("folder")).expect("folder");
        write_wav(&dir.join("calls").join(name), &voice(1.0, 0.3), RATE).expect("file");
    }
    let out = infer(dir, &["--format", "csv", "calls"]);
    assert!(out.status.success() && text(&out.stdout).lines().count() == 4, "{}{}", text(&out.stdout), text(&out.stderr));
    std::fs::write(dir.join("calls/more.zip"), "PK\x03\x04").expect("file");
    std::fs::write(dir.join("calls/2024/bad.wav"), "no sound").expect("file");
    let out = infer(dir, &["--format", "csv", "--left-out", "left.csv", "calls"]);
    let told = text(&out.stderr);
    assert!(out.status.code() == Some(2) && told.contains("more.zip") && told.contains("bad.wav"), "{told}");
    assert_eq!(text(&out.stdout).lines().count(), 5);
    let left = std::fs::read_to_string(dir.join("left.csv")).expect("file");
    assert!(left.lines().count() == 3 && left.contains("more.zip") && left.contains("bad.wav"), "{left}");
}

/// A long recording among short ones is answered in windows, in bounded memory, and said to be.
#[test]
fn a_long_recording_neither_stops_the_rest_nor_fills_memory() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    write_wav(&dir.join("a.wav"), &voice(1.0, 0.3), RATE).expect("file");
    write_wav(&dir.join("c.wav"), &voice(1.0, 0.3), RATE).expect("file");
    let mut bytes = endless_header();
    let minute = pcm(&voice(60.0, 0.3));
    (0..30).for_each(|_| bytes.extend(&minute));
    std::fs::write(dir.join("b.wav"), &bytes).expect("file");
    let args = ["--format", "jsonl", "--window", "60", "--hop", "60", "a.wav", "b.wav", "c.wav"];
    let out = infer(dir, &args);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert_eq!(text(&out.stdout).lines().count(), 32);
    let mut child = command(dir, &["--format", "jsonl", "a.wav", "b.wav", "c.wav"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("infer starts");
    let rows: Vec<String> = lines(&mut child).iter().collect();
    assert_eq!(rows.len(), 2 + 360);
    assert!(rows[0].contains("a.wav") && rows[361].contains("c.wav"), "{rows:?}");
    let mut told = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().expect("stderr"), &mut told).expect("text");
    assert!(child.wait().expect("status").success() && told.contains("b.wav: longer than 30 s"), "{told}");
}
