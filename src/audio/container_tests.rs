//! Containers and codecs that people have, against the signal that `tests/fixtures/sound/make.sh` puts into each.

use std::path::Path;

use super::*;

/// Seconds of the signal.
const SECONDS: f64 = 0.6;

/// The signal, at 16 kHz: half scale, rising from 300 to 1500 Hz, faded over 20 ms.
fn chirp() -> Vec<f64> {
    let at = |i: usize| i as f64 / 16_000.0;
    let tone = |t: f64| 0.5 * (std::f64::consts::TAU * (300.0 * t + 1000.0 * t * t)).sin();
    (0..9600).map(|i| tone(at(i)) * (at(i).min(SECONDS - at(i)) / 0.02).min(1.0)).collect()
}

/// Where the signal lies in `samples` within `most` samples to both sides of the beginning, how much like it they are (1 is the same but
/// for the level), and their level relative to it.
fn compare(samples: &[f32], most: i64) -> (i64, f64, f64) {
    let signal = chirp();
    let mut best = (0, 0.0, 0.0);
    for lag in -most..=most {
        let (mut product, mut ours, mut theirs) = (0.0, 0.0, 0.0);
        for (i, s) in signal.iter().enumerate() {
            let x = usize::try_from(i as i64 + lag).ok().and_then(|j| samples.get(j)).map_or(0.0, |&x| f64::from(x));
            product += s * x;
            ours += x * x;
            theirs += s * s;
        }
        let likeness = product / (ours * theirs).sqrt().max(1e-12);
        if likeness > best.1 {
            best = (lag, likeness, (ours / theirs).sqrt());
        }
    }
    best
}

/// A recording, its rate and channels, how late the sound may come and how much longer the recording may be, both in milliseconds.
pub(super) type Row = (&'static str, &'static [u8], u32, usize, f64, f64);

macro_rules! sound {
    ($name:literal) => {
        ($name, &include_bytes!(concat!("../../tests/fixtures/sound/", $name))[..])
    };
}

fn row(file: (&'static str, &'static [u8]), rate: u32, channels: usize, late_ms: f64, longer_ms: f64) -> Row {
    (file.0, file.1, rate, channels, late_ms, longer_ms)
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        // What says where its sound begins and ends is exact.
        row(sound!("aac.m4a"), 44_100, 2, 0.5, 1.0),
        row(sound!("index_first.m4a"), 44_100, 1, 0.5, 1.0),
        row(sound!("two_tracks.mp4"), 22_050, 1, 0.5, 1.0),
        row(sound!("alac.m4a"), 16_000, 1, 0.0, 0.0),
        row(sound!("alac.caf"), 16_000, 1, 0.0, 0.0),
        row(sound!("opus.opus"), 48_000, 1, 0.5, 0.0),
        row(sound!("voice.ogg"), 48_000, 2, 0.5, 0.0),
        row(sound!("opus.webm"), 48_000, 1, 0.5, 8.0),
        row(sound!("film.webm"), 48_000, 1, 0.5, 8.0),
        row(sound!("opus.mp4"), 48_000, 1, 0.5, 1.0),
        row(sound!("vorbis.webm"), 16_000, 1, 0.5, 1.0),
        // Written to a pipe, as browsers do: nothing says how long they are.
        row(sound!("live.webm"), 48_000, 1, 0.5, 15.0),
        row(sound!("live.flac"), 8_000, 1, 0.2, 0.0),
        row(sound!("pcm.aiff"), 8_000, 1, 0.2, 0.0),
        row(sound!("alaw.aifc"), 8_000, 1, 0.2, 0.0),
        row(sound!("mulaw.caf"), 8_000, 1, 0.2, 0.0),
        row(sound!("flac.mkv"), 8_000, 1, 0.2, 1.0),
        row(sound!("ms.wav"), 8_000, 1, 0.2, 0.0),
        row(sound!("ima.wav"), 8_000, 1, 0.2, 0.0),
        row(sound!("gapless.mp3"), 16_000, 1, 0.5, 0.5),
        // The rest has the delay and the padding of its codec: a frame or two.
        row(sound!("fragments.mp4"), 44_100, 1, 24.0, 30.0),
        row(sound!("adts.aac"), 16_000, 1, 65.0, 130.0),
        row(sound!("layer2.mp2"), 16_000, 1, 31.0, 75.0),
        row(sound!("mp3.wav"), 16_000, 1, 70.0, 110.0),
    ]
}

#[test]
fn every_container_holds_the_signal() {
    let mut wrong = Vec::new();
    for (name, bytes, rate, channels, late_ms, longer_ms) in rows() {
        let clip = match load_bytes(Path::new(name), bytes) {
            Ok(clip) => clip,
            Err(e) => {
                wrong.push(e.to_string());
                continue;
            }
        };
        let longer = (clip.duration_s - SECONDS) * 1000.0;
        let (lag, likeness, level) = compare(&clip.samples, 1200);
        let tracks = if name == "two_tracks.mp4" { 2 } else { 1 };
        let right = (clip.source_rate, clip.source_channels) == (rate, channels)
            && (-0.05..=longer_ms + 0.05).contains(&longer)
            && lag.abs() as f64 <= late_ms * 16.0
            && likeness > 0.98
            && (level - 1.0).abs() < 0.05
            && !clip.notes.is_damaged()
            && clip.notes.tracks.max(1) == tracks;
        if !right {
            let format = (clip.source_rate, clip.source_channels);
            wrong.push(format!(
                "{name}: {format:?}, {longer:.3} ms longer, {lag} late, {likeness:.4} like it, level {level:.3}, {:?}",
                clip.notes
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A copy that broke off is refused or says that it is cut, whatever the container and wherever the copy ended.
#[test]
fn cut_copies_are_refused_or_marked() {
    let mut silent = Vec::new();
    for (name, bytes, ..) in rows() {
        for percent in [51, 60, 75, 90, 95, 99] {
            let cut = &bytes[..bytes.len() * percent / 100];
            match load_bytes(Path::new(name), cut) {
                Err(Error::Audio { reason, .. }) => assert!(!reason.is_empty()),
                Err(other) => panic!("{other}"),
                Ok(clip) if clip.notes.cut => assert!(!clip.notes.lines(clip.duration_s).is_empty()),
                Ok(clip) => silent.push(format!("{name} at {percent} %: {:.3} s, {:?}", clip.duration_s, clip.notes)),
            }
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn what_is_not_decoded_is_named_with_the_way_out() {
    let (name, bytes) = sound!("ac3.mkv");
    let error = load_bytes(Path::new(name), bytes).unwrap_err().to_string();
    assert!(error.contains("AC-3 is not decoded") && error.ends_with("ffmpeg -i ac3.mkv -vn ac3.wav"), "{error}");
    // The same film, its sound under another name.
    let renamed: Vec<u8> =
        bytes.windows(5).position(|w| w == b"A_AC3").map(|at| [&bytes[..at], b"A_XYZ", &bytes[at + 5..]].concat()).unwrap();
    let error = load_bytes(Path::new(name), &renamed).unwrap_err().to_string();
    assert!(error.contains("XYZ is not decoded"), "{error}");
    // MP4 with the four letters of AMR in the place of those of AAC.
    let (name, bytes) = sound!("aac.m4a");
    let at = bytes.windows(4).position(|w| w == b"mp4a").unwrap();
    let amr = [&bytes[..at], b"samr", &bytes[at + 4..]].concat();
    let error = load_bytes(Path::new(name), &amr).unwrap_err().to_string();
    assert!(error.contains("AMR is not decoded") && error.contains("ffmpeg -i aac.m4a"), "{error}");
}

#[test]
fn a_film_without_sound_is_called_so() {
    let (name, bytes) = sound!("mute.mp4");
    let error = load_bytes(Path::new(name), bytes).unwrap_err().to_string();
    assert!(error.contains("a film without sound"), "{error}");
}

/// HE-AAC that says so: its core is decoded, and that is noted.
#[test]
fn the_core_of_he_aac_is_read_and_noted() {
    let (name, bytes) = sound!("two_tracks.mp4");
    // The configuration of plain AAC (2) at 22.05 kHz (7) on one channel, of 5 bytes with an extension that says there is no upper band,
    // becomes an upper band (5) to 44.1 kHz (4) over it: 00101 0111 0001 0100 00010 000.
    let (plain, he) = ([5, 0x13, 0x88, 0x56, 0xe5, 0x00], [5, 0x2b, 0x8a, 0x08, 0x00, 0x00]);
    let at = bytes.windows(6).position(|w| w == plain).unwrap();
    let with_band = [&bytes[..at], &he, &bytes[at + 6..]].concat();
    let (plain, he) = (load_bytes(Path::new(name), bytes).unwrap(), load_bytes(Path::new(name), &with_band).unwrap());
    assert_eq!((he.notes.band_limit_hz, plain.notes.band_limit_hz), (Some(11_025), None));
    assert!(he.samples == plain.samples && he.notes.lines(he.duration_s)[1].contains("HE-AAC"));
}

#[test]
fn two_recordings_in_one_ogg_are_read_one_after_the_other() {
    let (name, bytes) = sound!("opus.opus");
    let clip = load_bytes(Path::new(name), &[bytes, bytes].concat()).unwrap();
    assert!((clip.duration_s - 2.0 * SECONDS).abs() < 0.03, "{} s", clip.duration_s);
    // The second begins where it should.
    assert!(compare(&clip.samples[9600..], 1200).1 > 0.98);
}

#[test]
fn blocks_of_a_container_are_the_samples_of_the_file() {
    for (name, bytes, ..) in rows() {
        let blocks = Blocks::of_reader(Path::new("-"), bytes, None, Channel::Mix).and_then(Blocks::collect_clip);
        assert!(blocks.unwrap() == load_bytes(Path::new(name), bytes).unwrap(), "{name}");
    }
}
