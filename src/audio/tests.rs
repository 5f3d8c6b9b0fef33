//! Recordings that must load: every encoding, container variant and tolerated damage.

use std::path::Path;

use super::*;

/// Header fields of a wav under construction; `bytes` lays them out with whatever they claim.
#[derive(Clone)]
pub(super) struct Header {
    pub tag: u16,
    pub channels: u16,
    pub rate: u32,
    pub bits: u16,
    pub align: u16,
    pub riff: &'static [u8; 4],
    pub riff_size: u32,
    pub data_size: Option<u32>,
    /// Chunks between fmt and data, as they stand in the file.
    pub extra: Vec<u8>,
    /// Bytes after the sixteenth of the fmt chunk.
    pub fmt_tail: Vec<u8>,
}

impl Header {
    pub fn new(tag: u16, channels: u16, rate: u32, bits: u16) -> Self {
        let align = bits.div_ceil(8) * channels;
        Self { tag, channels, rate, bits, align, riff: b"RIFF", riff_size: 36, data_size: None, extra: vec![], fmt_tail: vec![] }
    }

    pub fn bytes(&self, data: &[u8]) -> Vec<u8> {
        let mut out = self.riff.to_vec();
        out.extend(self.riff_size.to_le_bytes());
        out.extend(b"WAVE");
        out.extend(self.early());
        out.extend(b"fmt ");
        out.extend((16 + self.fmt_tail.len() as u32).to_le_bytes());
        out.extend(self.tag.to_le_bytes());
        out.extend(self.channels.to_le_bytes());
        out.extend(self.rate.to_le_bytes());
        out.extend(self.rate.wrapping_mul(u32::from(self.align)).to_le_bytes());
        out.extend(self.align.to_le_bytes());
        out.extend(self.bits.to_le_bytes());
        out.extend(&self.fmt_tail);
        out.extend(&self.extra);
        out.extend(b"data");
        out.extend(self.data_size.unwrap_or(data.len() as u32).to_le_bytes());
        out.extend(data);
        out
    }

    /// RF64 keeps the true sizes in a chunk of their own.
    fn early(&self) -> Vec<u8> {
        if self.riff == b"RIFF" { vec![] } else { [&b"ds64"[..], &28u32.to_le_bytes(), &[0; 8], &8u64.to_le_bytes(), &[0; 12]].concat() }
    }
}

#[test]
fn silence_ends_below_the_least_step_of_24_bits() {
    assert!(is_silent(&[]) && is_silent(&[0.0, -0.0, 1e-8]));
    assert!(!is_silent(&[0.0, 0.0, -1.0 / 8_388_608.0]) && !is_silent(&[0.0, f32::NAN]));
}

fn load_ok(bytes: &[u8]) -> Clip {
    load_bytes(Path::new("test"), bytes).unwrap()
}

fn tone_error(clip: &Clip) -> f32 {
    // Lossy coders delay and ring at the edges: compare the middle, at the best of a few shifts.
    let n = clip.samples.len();
    (0..1200)
        .map(|shift| {
            let want = |i: usize| 0.5 * (std::f32::consts::TAU * 440.0 * (i as f32 - shift as f32) / 16_000.0).sin();
            (n / 3..n / 2).map(|i| (clip.samples[i] - want(i)).abs()).fold(0.0, f32::max)
        })
        .fold(f32::MAX, f32::min)
}

#[test]
fn pcm_of_every_depth() {
    let half_and_minus_one: [(u16, u16, Vec<u8>); 6] = [
        (1, 8, vec![192, 0]),
        (1, 16, [16_384i16.to_le_bytes(), i16::MIN.to_le_bytes()].concat()),
        (1, 24, vec![0, 0, 0x40, 0, 0, 0x80]),
        (1, 32, [(1i32 << 30).to_le_bytes(), i32::MIN.to_le_bytes()].concat()),
        (3, 32, [0.5f32.to_le_bytes(), (-1.0f32).to_le_bytes()].concat()),
        (3, 64, [0.5f64.to_le_bytes(), (-1.0f64).to_le_bytes()].concat()),
    ];
    for (tag, bits, data) in half_and_minus_one {
        let clip = load_ok(&Header::new(tag, 1, 16_000, bits).bytes(&data));
        assert_eq!(clip.samples, [0.5, -1.0], "{bits} bits, tag {tag}");
        assert!(clip.notes == Notes::default() && clip.source_channels == 1 && clip.source_rate == 16_000);
        assert!((clip.duration_s - 2.0 / 16_000.0).abs() < 1e-12);
    }
}

#[test]
fn twelve_bits_fill_their_container_and_24_in_4_bytes_its_low_end() {
    let clip = load_ok(&Header::new(1, 1, 16_000, 12).bytes(&16_384i16.to_le_bytes()));
    assert_eq!(clip.samples, [0.5]);
    let header = Header { align: 4, ..Header::new(1, 1, 16_000, 24) };
    assert_eq!(load_ok(&header.bytes(&[0, 0, 0x40, 0, 0, 0, 0xc0, 0xff])).samples, [0.5, -0.5]);
}

#[test]
fn container_variants() {
    let data = [16_384i16.to_le_bytes(), 0i16.to_le_bytes()].concat();
    let plain = Header::new(1, 2, 16_000, 16);
    // 16 valid bits, front left and right, PCM.
    let mut extensible_tail = vec![22, 0, 16, 0, 3, 0, 0, 0, 1, 0];
    extensible_tail.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    let variants = [
        plain.clone(),
        Header { tag: 0xfffe, fmt_tail: extensible_tail, ..plain.clone() },
        Header { fmt_tail: vec![0, 0], ..plain.clone() },
        // An odd chunk is padded to an even length.
        Header { extra: b"note\x03\0\0\0abc\0".to_vec(), ..plain.clone() },
        Header { align: 0, ..plain.clone() },
        Header { riff: b"RF64", data_size: Some(u32::MAX), ..plain.clone() },
        Header { riff: b"BW64", data_size: Some(u32::MAX), ..plain.clone() },
        // Lengths a streaming writer could not know.
        Header { data_size: Some(u32::MAX), ..plain.clone() },
        Header { data_size: Some(0x7fff_f000), ..plain.clone() },
        Header { data_size: Some(0), riff_size: 0, ..plain.clone() },
    ];
    for (i, header) in variants.iter().enumerate() {
        let mut bytes = header.bytes(&data);
        if header.riff != b"RIFF" {
            bytes.extend(b"LIST\x04\0\0\0INFO");
            bytes[28..36].copy_from_slice(&(data.len() as u64).to_le_bytes());
        }
        let clip = load_ok(&bytes);
        assert_eq!(clip.samples, [0.25], "variant {i}");
        assert!(clip.notes == Notes::default() && clip.source_channels == 2, "variant {i}");
    }
}

#[test]
fn a_wav_cut_short_keeps_what_is_there() {
    let data = vec![0u8; 200];
    let clip = load_ok(&Header { data_size: Some(400), ..Header::new(1, 1, 16_000, 16) }.bytes(&data));
    assert_eq!((clip.samples.len(), clip.notes.cut), (100, true));
    // The last frame lacks a byte.
    let clip = load_ok(&Header { data_size: Some(200), ..Header::new(1, 1, 16_000, 16) }.bytes(&data[1..]));
    assert_eq!((clip.samples.len(), clip.notes.cut), (99, true));
}

#[test]
fn telephone_companding() {
    // Smallest and largest values of ITU-T G.711, on a 16-bit scale.
    for (tag, bytes, values) in [(7, [0xff, 0x00, 0x80], [0.0, -32_124.0, 32_124.0]), (6, [0xd5, 0x55, 0xaa], [8.0, -8.0, 32_256.0])] {
        assert_eq!(load_ok(&Header::new(tag, 1, 16_000, 8).bytes(&bytes)).samples, values.map(|v| v / 32_768.0), "tag {tag}");
    }
}

#[test]
fn compressed_tones() {
    for (name, bytes, rate, channels, tolerance) in [
        ("flac", &include_bytes!("../../tests/fixtures/tone.flac")[..], 44_100, 2, 1e-3),
        ("mp3", &include_bytes!("../../tests/fixtures/tone.mp3")[..], 22_050, 1, 0.05),
        ("ogg", &include_bytes!("../../tests/fixtures/tone.ogg")[..], 16_000, 1, 0.05),
    ] {
        let clip = load_ok(bytes);
        assert_eq!((clip.source_rate, clip.source_channels, clip.sample_rate), (rate, channels, 16_000), "{name}");
        let seconds = if name == "flac" { 0.25 } else { 0.5 };
        assert!((clip.duration_s - seconds).abs() < 0.1, "{name}: {} s", clip.duration_s);
        let error = tone_error(&clip);
        assert!(error <= tolerance, "{name}: {error}");
        assert!(!clip.notes.is_damaged(), "{name}: {:?}", clip.notes);
    }
}

#[test]
fn a_tag_before_the_sound_is_skipped() {
    for bytes in [&include_bytes!("../../tests/fixtures/tone.flac")[..], &include_bytes!("../../tests/fixtures/tone.mp3")[..]] {
        let tagged = [b"ID3\x03\0\0\0\0\x02\x10".to_vec(), vec![0xff; 272], bytes.to_vec()].concat();
        assert_eq!(load_ok(&tagged), load_ok(bytes));
    }
}

#[test]
fn content_counts_not_the_name_and_a_stream_equals_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("speech.mp3");
    write_wav(&path, &[0.0, 0.25, -1.0, 2.0], 16_000).unwrap();
    let clip = load(&path).unwrap();
    assert_eq!(clip.samples, [0.0, 0.25, -1.0, 32_767.0 / 32_768.0]);
    let stream = load_reader(Path::new("-"), std::fs::File::open(&path).unwrap()).unwrap();
    assert_eq!(stream, clip);
}
