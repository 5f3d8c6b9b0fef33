//! Parts, channels, and recordings read block by block.

use std::{
    io::{self, Read},
    path::Path,
};

use super::{tests::Header, *};

/// A rising tone at `rate` Hz on the left, its double in frequency on the right, as 16-bit PCM.
fn stereo(rate: u32, frames: usize) -> Vec<u8> {
    let tone = |i: usize, hz: f64| (8000.0 * (std::f64::consts::TAU * hz * i as f64 / f64::from(rate)).sin()) as i16;
    (0..frames).flat_map(|i| [tone(i, 440.0), tone(i, 880.0)]).flat_map(i16::to_le_bytes).collect()
}

fn part(start_s: f64, end_s: Option<f64>, channel: Channel) -> Part {
    Part { start_s, end_s, channel }
}

fn parts(bytes: &[u8], wanted: &[Part]) -> Vec<Result<Clip>> {
    load_bytes_parts(Path::new("test"), bytes, wanted).unwrap()
}

#[test]
fn a_part_has_the_samples_of_its_stretch() {
    for rate in [16_000, 44_100] {
        let data = stereo(rate, rate as usize * 2);
        let wav = |data: &[u8]| Header::new(1, 2, rate, 16).bytes(data);
        let cut = |from: f64, to: f64| {
            let at = |s: f64| (s * f64::from(rate)).round() as usize * 4;
            load_bytes(Path::new("cut"), &wav(&data[at(from)..at(to)])).unwrap()
        };
        // Out of order and overlapping: one pass serves them all.
        let wanted = [(1.0, 1.25), (0.1, 0.7), (0.5, 2.0), (0.0, 2.0)];
        let got = parts(&wav(&data), &wanted.map(|(from, to)| part(from, Some(to), Channel::Mix)));
        for ((from, to), got) in wanted.into_iter().zip(got) {
            assert_eq!(got.unwrap(), cut(from, to), "{from} to {to} s at {rate} Hz");
        }
        assert_eq!(parts(&wav(&data), &[part(1.5, None, Channel::Mix)])[0].as_ref().unwrap(), &cut(1.5, 2.0));
    }
}

#[test]
fn a_channel_is_the_channel() {
    let data = stereo(16_000, 1600);
    let wav = Header::new(1, 2, 16_000, 16).bytes(&data);
    let side =
        |n: usize| -> Vec<f32> { data.chunks(4).map(|f| f32::from(i16::from_le_bytes([f[2 * n], f[2 * n + 1]])) / 32_768.0).collect() };
    let got = parts(&wav, &[Channel::LEFT, Channel::RIGHT, Channel::Mix, Channel::Number(3)].map(|c| part(0.0, None, c)));
    assert_eq!(got[0].as_ref().unwrap().samples, side(0));
    assert_eq!(got[1].as_ref().unwrap().samples, side(1));
    let mean: Vec<f32> = side(0).iter().zip(side(1)).map(|(l, r)| (l + r) / 2.0).collect();
    assert_eq!(got[2].as_ref().unwrap().samples, mean);
    let error = got[3].as_ref().unwrap_err().to_string();
    assert!(error.contains("channel 3") && error.contains("2 channels"), "{error}");
}

#[test]
fn a_part_that_is_not_there_fails_alone() {
    let wav = Header::new(1, 1, 16_000, 16).bytes(&[1; 32_000]);
    let wanted =
        [(2.0, None), (0.5, Some(0.75)), (0.5, Some(1.5)), (0.7, Some(0.6)), (0.9, Some(1.02))].map(|(a, b)| part(a, b, Channel::Mix));
    let got = parts(&wav, &wanted);
    assert!(got[0].as_ref().unwrap_err().to_string().contains("begins at 2 s, of a recording of 1.00 s"));
    assert_eq!(got[1].as_ref().unwrap().notes, Notes::default());
    let long = got[2].as_ref().unwrap();
    assert!(long.samples.len() == 8000 && (long.notes.missing_s - 0.5).abs() < 1e-9);
    assert!(long.notes.lines(long.duration_s)[0].contains("0.50 s of the wanted part"));
    assert!(got[3].as_ref().unwrap_err().to_string().contains("cannot end"));
    assert!(got[4].as_ref().unwrap().notes.missing_s == 0.0, "times are rounded");
}

#[test]
fn what_is_cut_off_behind_a_part_is_not_its_damage() {
    let wav = Header { data_size: Some(64_000), ..Header::new(1, 1, 16_000, 16) }.bytes(&[1; 40_000]);
    let got = parts(&wav, &[part(0.0, Some(1.0), Channel::Mix), part(0.5, Some(1.5), Channel::Mix), Part::default()]);
    let cut: Vec<bool> = got.iter().map(|clip| clip.as_ref().unwrap().notes.cut).collect();
    assert_eq!(cut, [false, true, true]);
    let whole = got[2].as_ref().unwrap();
    assert_eq!(whole.notes.lines(whole.duration_s), ["cut short: 1.25 of 2.00 s are there"]);
}

/// Gives `piece` bytes at a time.
struct Pieces(Vec<u8>, usize, usize);

impl Read for Pieces {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.2.min(buf.len()).min(self.0.len() - self.1);
        buf[..n].copy_from_slice(&self.0[self.1..self.1 + n]);
        self.1 += n;
        Ok(n)
    }
}

#[test]
fn blocks_of_a_stream_are_the_samples_of_the_file() {
    let wav = Header::new(1, 2, 44_100, 16).bytes(&stereo(44_100, 30_000));
    let flac = include_bytes!("../../tests/fixtures/tone.flac").to_vec();
    for bytes in [wav, flac] {
        let whole = load_bytes(Path::new("-"), &bytes).unwrap();
        for piece in [7, 4096, usize::MAX] {
            let reader = Pieces(bytes.clone(), 0, piece);
            let clip = Blocks::of_reader(Path::new("-"), reader, None, Channel::Mix).unwrap().collect_clip().unwrap();
            assert!(clip == whole, "{piece} bytes at a time");
        }
    }
    let raw = Some("s16le:44100:2".parse().unwrap());
    let blocks = Blocks::of_reader(Path::new("-"), Pieces(stereo(44_100, 3000), 0, 11), raw, Channel::RIGHT).unwrap();
    let wav = Header::new(1, 2, 44_100, 16).bytes(&stereo(44_100, 3000));
    assert_eq!(blocks.collect_clip().unwrap(), parts(&wav, &[part(0.0, None, Channel::RIGHT)]).remove(0).unwrap());
}

#[test]
fn blocks_come_before_the_stream_ends() {
    /// A recorder that is still running: a second of sound, then nothing that anybody could wait for.
    struct Running(Vec<u8>, usize);
    impl Read for Running {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            if self.1 == self.0.len() {
                return Err(io::Error::other("asked for more than was there"));
            }
            let n = buf.len().min(self.0.len() - self.1);
            buf[..n].copy_from_slice(&self.0[self.1..self.1 + n]);
            self.1 += n;
            Ok(n)
        }
    }
    let header = Header { data_size: Some(u32::MAX), riff_size: u32::MAX, ..Header::new(1, 1, 16_000, 16) };
    let mut blocks = Blocks::of_reader(Path::new("-"), Running(header.bytes(&[1; 32_000]), 0), None, Channel::Mix).unwrap();
    let mut heard = 0;
    while heard < 16_000 {
        heard += blocks.next().unwrap().unwrap().len();
    }
    assert_eq!((heard, blocks.decoded_s()), (16_000, 1.0));
    assert!(blocks.next().unwrap().unwrap_err().to_string().contains("asked for more"));
    assert!(blocks.next().is_none());
}

#[test]
fn a_recording_longer_than_a_clip_may_be_is_read_block_by_block_and_in_parts() {
    let hours = 3 * 3600 * 8000u64;
    let raw = Some("mulaw:8000".parse().unwrap());
    let mut blocks = Blocks::of_reader(Path::new("-"), io::repeat(0xa5).take(hours), raw, Channel::Mix).unwrap();
    let (mut heard, mut largest) = (0, 0);
    for block in blocks.by_ref() {
        let block = block.unwrap();
        heard += block.len() as u64;
        largest = largest.max(block.len());
    }
    assert_eq!((heard, blocks.decoded_s()), (hours * 2, 10_800.0));
    assert!(largest < 40_000, "{largest} samples at a time");
    // On disk, the end of it: a hole of three hours takes no room.
    let path = tempfile::tempdir().unwrap().keep().join("long.wav");
    let header = Header { data_size: Some(hours as u32), ..Header::new(7, 1, 8_000, 8) }.bytes(&[]);
    std::fs::write(&path, &header).unwrap();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(header.len() as u64 + hours).unwrap();
    assert!(load(&path).unwrap_err().to_string().contains("10800 s of audio"));
    assert_eq!(load_part(&path, &part(10_799.5, None, Channel::Mix)).unwrap().samples.len(), 8000);
    assert_eq!(Blocks::open(&path, &part(10_000.0, Some(10_001.0), Channel::Mix)).unwrap().collect_clip().unwrap().duration_s, 1.0);
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}
