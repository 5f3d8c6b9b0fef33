//! Files that must be refused: each with one line that names the file, within a second and without a large allocation.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::{tests::Header, *};

const FLAC: &[u8] = include_bytes!("../../tests/fixtures/tone.flac");
const MP3: &[u8] = include_bytes!("../../tests/fixtures/tone.mp3");
const OGG: &[u8] = include_bytes!("../../tests/fixtures/tone.ogg");

/// `bytes` with `with` written over them at `at`.
fn patched(bytes: &[u8], at: usize, with: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    out[at..at + with.len()].copy_from_slice(with);
    out
}

/// (name, bytes, a word of the reason)
type Hostile = (&'static str, Vec<u8>, &'static str);

/// What is no recording, or none of a supported kind.
fn other_files() -> Vec<Hostile> {
    vec![
        ("empty.wav", vec![], "empty"),
        ("text.wav", b"this is no sound".to_vec(), "not a recording"),
        ("zeros.wav", vec![0; 5000], "not a recording"),
        ("noise.bin", (0..4000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect(), "not a recording"),
        ("page.mp3", b"<!DOCTYPE html><p>404".to_vec(), "a web page"),
        ("pointer.flac", b"version https://git-lfs.github.com/spec/v1\n".to_vec(), "pointer"),
        ("song.m4a", b"\0\0\0\x20ftypM4A \0\0\0\0".to_vec(), "index"),
        ("big_endian.wav", b"RIFX\0\0\0\x24WAVEfmt ".to_vec(), "big-endian"),
        ("film.avi", b"RIFF\0\0\0\0AVI LIST".to_vec(), "AVI is not decoded; convert it first: ffmpeg -i "),
        ("memo.amr", b"#!AMR\n\x3c".to_vec(), "memo.amr -vn "),
    ]
}

/// Wavs whose chunks are missing, cut or longer than the file.
fn wav_chunks() -> Vec<Hostile> {
    let pcm = Header::new(1, 1, 16_000, 16);
    let wav = |h: Header| h.bytes(&[0; 64]);
    vec![
        ("four_bytes.wav", b"RIFF".to_vec(), "ends inside"),
        ("only_form.wav", b"RIFF\0\0\0\0WAVE".to_vec(), "no fmt"),
        ("fmt_cut.wav", b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0".to_vec(), "cut short"),
        ("fmt_4gb.wav", b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff\x01\0\x01\0".to_vec(), "cut short"),
        ("fmt_tiny.wav", b"RIFF\0\0\0\0WAVEfmt \x04\0\0\0\x01\0\x01\0data".to_vec(), "fmt chunk of 4 bytes"),
        ("data_first.wav", b"RIFF\0\0\0\0WAVEdata\x04\0\0\0abcd".to_vec(), "no fmt chunk"),
        ("no_data.wav", pcm.bytes(&[])[..36].to_vec(), "no data"),
        ("chunk_4gb.wav", wav(Header { extra: b"junk\xff\xff\xff\xff".to_vec(), ..pcm.clone() }), "no data"),
        ("no_samples.wav", pcm.bytes(&[]), "no samples"),
        ("half_a_sample.wav", pcm.bytes(&[1]), "no samples"),
        ("claims_4gb.wav", wav(Header { data_size: Some(0xffff_fff0), ..pcm.clone() }), "declares 4294967280"),
        ("claims_2gb.wav", wav(Header { data_size: Some(0x7000_0000), ..pcm.clone() }), "declares"),
        ("claims_thrice.wav", wav(Header { data_size: Some(192), ..pcm.clone() }), "declares 192"),
        ("rf64_claim.wav", patched(&wav(Header { riff: b"RF64", data_size: Some(u32::MAX), ..pcm.clone() }), 28, &[0xff; 7]), "declares"),
    ]
}

/// Wavs with a format or samples out of range.
fn wav_formats() -> Vec<Hostile> {
    let pcm = Header::new(1, 1, 16_000, 16);
    let wav = |h: Header| h.bytes(&[0; 64]);
    let float = Header::new(3, 1, 16_000, 32);
    let floats = |x: f32| float.bytes(&[0.0f32.to_le_bytes(), x.to_le_bytes()].concat());
    vec![
        ("zero_hz.wav", wav(Header { rate: 0, ..pcm.clone() }), "0 Hz"),
        ("one_hz.wav", wav(Header { rate: 1, ..pcm.clone() }), "1 Hz"),
        ("four_ghz.wav", wav(Header { rate: u32::MAX, ..pcm.clone() }), "4294967295 Hz"),
        ("no_channels.wav", wav(Header { channels: 0, ..pcm.clone() }), "0 channels"),
        ("many_channels.wav", wav(Header { channels: 65_535, ..pcm.clone() }), "65535 channels"),
        ("zero_bits.wav", wav(Header { bits: 0, ..pcm.clone() }), "0 bits"),
        ("wide.wav", wav(Header { bits: 65_535, align: 8192, ..pcm.clone() }), "65535 bits"),
        ("pcm64.wav", wav(Header { bits: 64, align: 8, ..pcm.clone() }), "64 bits"),
        ("float16.wav", wav(Header { tag: 3, ..pcm.clone() }), "16 bits"),
        ("align_small.wav", wav(Header { align: 1, ..pcm.clone() }), "do not fit"),
        ("align_odd.wav", wav(Header { channels: 2, align: 5, ..pcm.clone() }), "do not fit"),
        ("align_huge.wav", wav(Header { align: 65_535, ..pcm.clone() }), "do not fit"),
        ("adpcm.wav", wav(Header { tag: 2, bits: 4, align: 4, ..pcm.clone() }), "too short"),
        ("mp3_in.wav", wav(Header { tag: 0x55, bits: 16, ..pcm.clone() }), "mp3"),
        ("gsm.wav", wav(Header { tag: 0x31, bits: 0, ..pcm.clone() }), "GSM 6.10 is not decoded"),
        ("unknown_tag.wav", wav(Header { tag: 0x1234, ..pcm.clone() }), "0x1234"),
        ("extensible_cut.wav", wav(Header { tag: 0xfffe, ..pcm.clone() }), "sub-format"),
        ("nan.wav", floats(f32::NAN), "sample 1"),
        ("inf.wav", floats(f32::INFINITY), "sample 1"),
        ("minus_inf.wav", floats(f32::NEG_INFINITY), "finite"),
        ("not_normalised.wav", floats(32_767.0), "within [-1, 1]"),
        ("float64_huge.wav", Header::new(3, 1, 16_000, 64).bytes(&1e300f64.to_le_bytes()), "finite"),
        ("mulaw_empty.wav", Header { fmt_tail: vec![0, 0], ..Header::new(7, 1, 16_000, 8) }.bytes(&[]), "no samples"),
    ]
}

/// Damaged flac, mp3 and ogg.
fn compressed_files() -> Vec<Hostile> {
    vec![
        ("flac_magic.flac", b"fLaC".to_vec(), "flac"),
        ("flac_header_cut.flac", FLAC[..30].to_vec(), "flac"),
        ("flac_no_frames.flac", FLAC[..400].to_vec(), "flac"),
        ("flac_cut.flac", FLAC[..FLAC.len() / 3].to_vec(), "flac"),
        ("flac_block_16mb.flac", b"fLaC\x84\xff\xff\xff\x01\x02\x03\x04".to_vec(), "flac"),
        ("flac_0hz.flac", patched(FLAC, 18, &[0, 0, 0x02]), "flac"),
        // The 36-bit sample count in STREAMINFO: 0xf_ffff_ffff samples are 18 days.
        ("flac_claim.flac", patched(FLAC, 21, &[FLAC[21] | 0x0f, 0xff, 0xff, 0xff, 0xff]), "s of audio"),
        ("mp3_one_header.mp3", MP3[..4].to_vec(), "mp3"),
        ("mp3_header_only.mp3", [&MP3[..4], &[0u8; 60]].concat(), "mp3"),
        ("id3_only.mp3", b"ID3\x04\0\0\0\0\0\x05abcde".to_vec(), "ID3"),
        ("id3_256mb.mp3", b"ID3\x04\0\0\x7f\x7f\x7f\x7fabcde".to_vec(), "ID3"),
        ("aac.mp3", vec![0xff, 0xf1, 0x50, 0x80, 0, 0], "aac"),
        ("ogg_magic.ogg", b"OggS".to_vec(), "ogg"),
        ("ogg_one_page.ogg", OGG[..58].to_vec(), "ogg"),
        ("ogg_setup_cut.ogg", OGG[..OGG.len() / 3].to_vec(), "ogg"),
        // The identification header's rate, which its page checksum no longer matches.
        ("ogg_0hz.ogg", patched(OGG, 40, &[0; 4]), "ogg"),
        ("ogg_noise.ogg", [&OGG[..100], &[0xa5; 3000][..]].concat(), "ogg"),
    ]
}

fn refusal(path: &Path, result: Result<Clip>) -> String {
    match result {
        Err(Error::Audio { path: named, reason }) => {
            assert_eq!(named, path);
            assert!(!reason.is_empty() && !reason.contains('\n'), "{reason:?}");
            reason
        }
        other => panic!("{}: {other:?}", path.display()),
    }
}

#[test]
fn every_hostile_file_is_refused_with_its_name_and_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes, word) in [other_files(), wav_chunks(), wav_formats(), compressed_files()].concat() {
        let path = dir.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        let start = Instant::now();
        let reason = refusal(&path, load(&path));
        assert!(reason.contains(word), "{name}: {reason:?} lacks {word:?}");
        assert!(start.elapsed() < Duration::from_secs(2), "{name}: took {:?}", start.elapsed());
    }
}

#[test]
fn what_is_not_a_file_is_refused_without_blocking() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing.wav");
    assert!(refusal(&missing, load(&missing)).contains("No such file") || cfg!(not(unix)));
    assert!(refusal(dir.path(), load(dir.path())).contains("directory"));
    #[cfg(unix)]
    {
        use std::os::unix::net::UnixListener;
        let fifo = dir.path().join("fifo.wav");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        assert!(refusal(&fifo, load(&fifo)).contains("pipe"));
        let socket = dir.path().join("socket.wav");
        let _listener = UnixListener::bind(&socket).unwrap();
        assert!(refusal(&socket, load(&socket)).contains("pipe"));
        let device = Path::new("/dev/zero");
        assert!(refusal(device, load(device)).contains("device"));
        let link = dir.path().join("loop.wav");
        std::os::unix::fs::symlink(&link, &link).unwrap();
        refusal(&link, load(&link));
    }
}

#[test]
#[cfg(unix)]
fn a_file_that_may_not_be_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret.wav");
    write_wav(&path, &[0.0; 10], 16_000).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser reads it all the same.
    if std::fs::File::open(&path).is_err() {
        assert!(refusal(&path, load(&path)).contains("ermission"));
    } else {
        load(&path).unwrap();
    }
}

#[test]
fn a_sparse_file_is_refused_before_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("huge.wav");
    std::fs::File::create(&path).unwrap().set_len(5 << 30).unwrap();
    let start = Instant::now();
    assert!(refusal(&path, load(&path)).contains("not a recording"));
    assert!(read(&path).unwrap_err().to_string().contains("more than"));
    assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());
}

#[test]
fn three_hours_of_telephone_speech_are_too_long() {
    let bytes = Header::new(1, 1, 8_000, 8).bytes(&vec![128; 8_000 * 3 * 3600]);
    let reason = refusal(Path::new("long.wav"), load_bytes(Path::new("long.wav"), &bytes));
    assert!(reason.contains("10800 s"), "{reason}");
}

/// Every prefix and thousands of single-byte changes of real files: any result, no panic, no hang, no absurd length.
#[test]
fn damaged_files_never_escape() {
    let wav = Header::new(1, 2, 22_050, 24).bytes(&[9; 600]);
    let start = Instant::now();
    let containers = super::container_tests::rows().into_iter().map(|(name, bytes, ..)| (name, bytes));
    for (name, file) in [("wav", wav.as_slice()), ("flac", FLAC), ("mp3", MP3), ("ogg", OGG)].into_iter().chain(containers) {
        let mut random = 0x9e37_79b9_7f4a_7c15u64;
        let check = |bytes: &[u8]| match load_bytes(Path::new(name), bytes) {
            Ok(clip) => {
                assert!(!clip.samples.is_empty() && clip.samples.iter().all(|x| x.abs() <= 1.0), "{name}");
                assert!(clip.samples.len() < 4_000_000, "{name}: {} samples from {} bytes", clip.samples.len(), bytes.len());
            }
            Err(Error::Audio { reason, .. }) => assert!(!reason.contains('\n')),
            Err(other) => panic!("{name}: {other}"),
        };
        (0..file.len()).step_by(if file.len() > 4000 { 61 } else { 17 }).for_each(|n| check(&file[..n]));
        for _ in 0..200 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Headers matter most: half of the changes fall into the first 256 bytes.
            let span = if random & 1 == 0 { 256.min(file.len()) } else { file.len() };
            check(&patched(file, (random >> 33) as usize % span, &[(random >> 20) as u8]));
        }
    }
    assert!(start.elapsed() < Duration::from_secs(120), "{:?}", start.elapsed());
}

#[test]
fn what_cannot_be_written_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.wav");
    assert!(write_wav(&path, &[0.0, f32::NAN], 16_000).is_err());
    assert!(!path.exists());
    assert!(write_wav(&dir.path().join("no/such/folder.wav"), &[0.0], 16_000).is_err());
}
