//! Recordings from untrusted files: any supported encoding, rate and channel count to mono f32 in [-1, 1] at 16 kHz.
//!
//! | encoding | read by | notes |
//! |---|---|---|
//! | wav: PCM 8/16/24/32 bit, float 32/64 bit, A-law, mu-law; RIFF, RF64, BW64, extensible | [`wav`] | streaming headers (unknown length) are read to the end |
//! | flac, mp3, ogg vorbis | symphonia | a leading ID3v2 tag is skipped |
//!
//! The content decides what a file is, never its name. Channels are averaged. Every failure is one
//! [`Error::Audio`] naming the file; a decoder that panics is such a failure too.
//!
//! **Bounds.** At most [`MAX_FILE_BYTES`] are read and [`MAX_SECONDS`] decoded; declared sizes are compared with the
//! bytes that are there before anything is allocated for them, so memory stays below the file, its 16 kHz samples and
//! a few decoder tables.
//!
//! **Damage.** A file that ends before its declared length is accepted when at least half of it is there, and
//! [`Clip::complete`] is then false; below half it is an error, for it is a failed download rather than a recording.
//! Up to a tenth of the packets of a compressed file may be undecodable, with the same mark.

mod compressed;
mod guard;
mod resample;
mod sniff;
pub mod wav;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

pub use wav::write_wav;

use crate::{Error, Result, error::one_line};
use sniff::Kind;

/// Rate of every [`Clip`] in Hz.
pub const SAMPLE_RATE: u32 = 16_000;
/// The longest recording accepted, in seconds (two hours).
pub const MAX_SECONDS: u32 = 7_200;
/// The largest file accepted, in bytes (1 GiB).
pub const MAX_FILE_BYTES: u64 = 1 << 30;
/// Source rates accepted, in Hz.
pub const SOURCE_RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;
/// The most channels accepted.
pub const MAX_CHANNELS: usize = 64;

/// Largest sample of a silent recording: below the least step of 24-bit audio.
const SILENCE: f32 = 1e-7;

/// Whether nothing is to be heard. Features of silence are arbitrary; see [`ops::decibel`](crate::ops::decibel).
pub fn is_silent(samples: &[f32]) -> bool {
    samples.iter().all(|s| s.abs() <= SILENCE)
}

/// A decoded recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// Mono samples in [-1, 1], at least one.
    pub samples: Vec<f32>,
    /// Rate of `samples` in Hz: [`SAMPLE_RATE`].
    pub sample_rate: u32,
    /// Rate of the file in Hz.
    pub source_rate: u32,
    /// Channels of the file.
    pub source_channels: usize,
    /// Length of the recording in seconds, at the file's own rate.
    pub duration_s: f64,
    /// False where the file ends before its declared length or some packets could not be decoded.
    pub complete: bool,
}

/// Loads the recording at `path`.
///
/// # Errors
/// [`Error::Audio`] with the path and one line of reason. Never blocks on a pipe or device: only regular files are opened.
pub fn load(path: &Path) -> Result<Clip> {
    load_bytes(path, &read(path)?)
}

/// Reads a whole file within [`MAX_FILE_BYTES`], refusing anything but a non-empty regular file before opening it.
///
/// # Errors
/// [`Error::Audio`] with the path and one line of reason.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let check = |found: std::fs::Metadata| match found.len() {
        _ if found.is_dir() => Err(fail(path, "is a directory, not a recording")),
        _ if !found.is_file() => Err(fail(path, "is a pipe, socket or device, not a regular file")),
        0 => Err(fail(path, "the file is empty")),
        n if n > MAX_FILE_BYTES => Err(fail(path, format!("{n} bytes, more than the {MAX_FILE_BYTES} accepted"))),
        n => Ok(n),
    };
    check(std::fs::metadata(path).map_err(|e| fail(path, e))?)?;
    let file = File::open(path).map_err(|e| fail(path, e))?;
    // The path may have been replaced between the two calls: ask the open file itself.
    let size = check(file.metadata().map_err(|e| fail(path, e))?)?;
    read_capped(path, file, size)
}

/// Loads a recording from a stream such as standard input; `name` stands for it in errors.
///
/// # Errors
/// As [`load`]; a stream longer than [`MAX_FILE_BYTES`] is refused.
pub fn load_reader(name: &Path, reader: impl Read) -> Result<Clip> {
    load_bytes(name, &read_capped(name, reader, 0)?)
}

fn read_capped(name: &Path, reader: impl Read, expected: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(expected as usize).map_err(|e| fail(name, e))?;
    reader.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|e| fail(name, e))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(fail(name, format!("more than the {MAX_FILE_BYTES} bytes accepted")));
    }
    Ok(bytes)
}

/// Decodes a recording held in memory; `name` stands for it in errors.
///
/// # Errors
/// [`Error::Audio`] with the name and one line of reason.
pub fn load_bytes(name: &Path, bytes: &[u8]) -> Result<Clip> {
    guard::catch(|| decode(bytes)).and_then(|clip| clip).map_err(|reason| fail(name, reason))
}

/// Why a recording was refused, in one line without its name.
type Reason = String;

fn decode(bytes: &[u8]) -> std::result::Result<Clip, Reason> {
    if bytes.is_empty() {
        return Err("the file is empty".into());
    }
    let bytes = sniff::skip_id3(bytes)?;
    match sniff::kind(bytes)? {
        Kind::Wav => wav::parse(bytes)?.decode(),
        Kind::Compressed(codec) => compressed::decode(bytes, codec),
    }
}

/// Checks a source format before anything is allocated for it.
fn check_format(rate: u32, channels: usize) -> std::result::Result<(), Reason> {
    if !SOURCE_RATES.contains(&rate) {
        return Err(format!("sample rate {rate} Hz is outside {} to {} Hz", SOURCE_RATES.start(), SOURCE_RATES.end()));
    }
    if !(1..=MAX_CHANNELS).contains(&channels) {
        return Err(format!("{channels} channels; 1 to {MAX_CHANNELS} are accepted"));
    }
    Ok(())
}

fn check_length(frames: u64, rate: u32) -> std::result::Result<(), Reason> {
    let most = u64::from(MAX_SECONDS) * u64::from(rate);
    if frames > most { Err(format!("{} s of audio, more than the {MAX_SECONDS} s accepted", frames / u64::from(rate))) } else { Ok(()) }
}

/// The damage rule of the module: how much of the declared length must be there.
fn check_shortfall(unit: &str, declared: u64, present: u64) -> std::result::Result<(), Reason> {
    if present < declared.div_ceil(2) { Err(format!("the header declares {declared} {unit}, the file holds {present}")) } else { Ok(()) }
}

fn fail(path: impl Into<PathBuf>, reason: impl std::fmt::Display) -> Error {
    Error::Audio { path: path.into(), reason: one_line(reason) }
}
