//! Recordings from untrusted files: any supported encoding, rate and channel count to mono f32 in [-1, 1] at 16 kHz.
//!
//! | encoding | read by | notes |
//! |---|---|---|
//! | wav: PCM 8/16/24/32 bit, float 32/64 bit, A-law, mu-law; RIFF, RF64, BW64, extensible | [`wav`] | streaming headers (unknown length) are read to the end |
//! | flac, mp3, ogg vorbis | symphonia | a leading ID3v2 tag is skipped |
//!
//! The content decides what a file is, never its name. Channels are averaged. Every failure is one
//! [`Error::Audio`](crate::Error::Audio) naming the file; a decoder that panics is such a failure too.
//!
//! **Bounds.** At most [`MAX_FILE_BYTES`] are read and [`MAX_SECONDS`] decoded; declared sizes are compared with the
//! bytes that are there before anything is allocated for them, so memory stays below the file, its 16 kHz samples and
//! a few decoder tables.
//!
//! **Damage.** A file that ends before its declared length is accepted when at least half of it is there, and
//! [`Clip::complete`] is then false; below half it is an error, for it is a failed download rather than a recording.
//! Up to a tenth of the packets of a compressed file may be undecodable, with the same mark.

mod clip;
mod compressed;
mod guard;
mod quality;
mod resample;
mod sniff;
pub mod wav;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;

use std::{fs::File, io::Read, path::Path};

pub use clip::{Clip, MAX_CHANNELS, MAX_FILE_BYTES, MAX_SECONDS, SAMPLE_RATE, SOURCE_RATES, is_silent};
pub use quality::{Flaw, flaws};
pub use wav::write_wav;

#[cfg(test)]
use crate::Error;
use crate::Result;
use clip::{Reason, fail};
use sniff::Kind;

/// Loads the recording at `path`.
///
/// # Errors
/// [`Error::Audio`](crate::Error::Audio) with the path and one line of reason. Never blocks on a pipe or device: only regular files are opened.
pub fn load(path: &Path) -> Result<Clip> {
    load_bytes(path, &read(path)?)
}

/// Mono samples at `rate` Hz, brought to 16 kHz.
///
/// # Errors
/// One line of reason: no samples, a rate outside [`SOURCE_RATES`], values that are not finite.
pub fn resample(samples: &[f32], rate: u32) -> std::result::Result<Vec<f32>, String> {
    let mut mono = resample::Mono16k::new(rate, 1, samples.len() as u64)?;
    mono.push(samples)?;
    mono.finish()
}

/// Reads a whole file within [`MAX_FILE_BYTES`], refusing anything but a non-empty regular file before opening it.
///
/// # Errors
/// [`Error::Audio`](crate::Error::Audio) with the path and one line of reason.
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
/// [`Error::Audio`](crate::Error::Audio) with the name and one line of reason.
pub fn load_bytes(name: &Path, bytes: &[u8]) -> Result<Clip> {
    guard::catch(|| decode(bytes)).and_then(|clip| clip).map_err(|reason| fail(name, reason))
}

/// Whether a file that begins with these bytes is a recording of a kind that is read.
pub fn is_sound(head: &[u8]) -> bool {
    head.starts_with(b"ID3") || sniff::kind(head).is_ok()
}

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
