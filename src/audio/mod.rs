//! Recordings from untrusted files: any supported encoding, rate and channel count to mono f32 in [-1, 1] at 16 kHz.
//!
//! | encoding | read by | notes |
//! |---|---|---|
//! | wav: PCM 8/16/24/32 bit, float 32/64 bit, A-law, mu-law; RIFF, RF64, BW64, extensible; raw PCM | `wav`, `pcm` | streaming headers (unknown length) are read to the end |
//! | au, NIST SPHERE: PCM, A-law, mu-law | `headers` | Shorten in SPHERE is not |
//! | wav: ADPCM of Microsoft and IMA, MPEG audio | `adpcm`, `track` | |
//! | flac, mp1, mp2, mp3, aac (ADTS) | `track`, by symphonia | a leading ID3v2 tag is skipped |
//! | m4a, mp4, mov, mkv, webm, ogg, aiff, caf with AAC (LC, two channels at the most), ALAC, Opus, Vorbis, FLAC, MP3, PCM | `track`, by symphonia; Opus by opus-pure | of a film the sound, of several tracks the first; HE-AAC without its upper band |
//!
//! The encoder's delay and padding are dropped where the container says them. What is not decoded is named by its codec, with the command
//! that converts it (`foreign`).
//!
//! The content decides what a file is, never its name. Channels are averaged. Every failure is one
//! [`Error::Audio`](crate::Error::Audio) naming the file; a decoder that panics is such a failure too.
//!
//! **Bounds.** At most [`MAX_SECONDS`] are decoded into a clip, and at most [`MAX_FILE_BYTES`] held in memory; declared sizes are compared
//! with the bytes that are there before anything is allocated for them. [`Blocks`] take a recording of any length in bounded memory.
//!
//! **Damage.** A file that ends before its declared length is accepted when at least half of it is there, and
//! [`Notes::cut`] then says so; below half it is an error, for it is a failed download rather than a recording.
//! Up to a tenth of the packets of a compressed file may be undecodable; [`Notes::lost_packets`] counts them.

mod aac;
mod adpcm;
mod blocks;
mod clip;
mod cut;
mod decode;
mod facts;
mod foreign;
mod guard;
mod headers;
mod input;
mod mpeg;
mod notes;
mod open;
mod opus;
mod part;
mod pcm;
mod quality;
mod resample;
mod sniff;
mod source;
mod track;
mod wav;

#[cfg(test)]
mod container_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod part_tests;
#[cfg(test)]
mod tests;

use std::{fs::File, io::Read, path::Path};

pub use blocks::Blocks;
pub use clip::{Clip, MAX_CHANNELS, MAX_FILE_BYTES, MAX_SECONDS, SAMPLE_RATE, SOURCE_RATES, is_silent};
pub use cut::{Cutter, Piece, WHOLE_S, WINDOW_S};
pub use notes::Notes;
pub use part::{Channel, Part};
pub use pcm::Raw;
pub use quality::{Flaw, flaws};
pub use wav::write_wav;

#[cfg(test)]
use crate::Error;
use crate::Result;
use clip::fail;
use input::Input;

/// Loads the recording at `path`, whole and mixed.
///
/// # Errors
/// [`Error::Audio`](crate::Error::Audio) with the path and one line of reason. Never blocks on a pipe or device: only regular files are opened.
pub fn load(path: &Path) -> Result<Clip> {
    load_part(path, &Part::default())
}

/// Loads a stretch or a channel of the recording at `path`. Only that is kept in memory, so the recording may be longer than
/// [`MAX_SECONDS`].
///
/// # Errors
/// As [`load`]; a part that begins behind the end of the recording, or a channel that it lacks.
pub fn load_part(path: &Path, part: &Part) -> Result<Clip> {
    single(load_parts(path, std::slice::from_ref(part))?)
}

/// Loads several parts of the recording at `path`, in one pass over it. Each may fail for itself.
///
/// # Errors
/// As [`load`], where nothing can be read.
pub fn load_parts(path: &Path, parts: &[Part]) -> Result<Vec<Result<Clip>>> {
    named(path, decode::parts(open_file(path)?, parts))
}

/// Decodes parts of a recording held in memory, in one pass; `name` stands for it in errors.
///
/// # Errors
/// As [`load_parts`].
pub fn load_bytes_parts(name: &Path, bytes: &[u8], parts: &[Part]) -> Result<Vec<Result<Clip>>> {
    named(name, decode::parts(Input::memory(bytes), parts))
}

/// Decodes a recording held in memory, whole and mixed; `name` stands for it in errors.
///
/// # Errors
/// [`Error::Audio`](crate::Error::Audio) with the name and one line of reason.
pub fn load_bytes(name: &Path, bytes: &[u8]) -> Result<Clip> {
    single(load_bytes_parts(name, bytes, &[Part::default()])?)
}

fn named(name: &Path, parts: std::result::Result<Vec<std::result::Result<Clip, String>>, String>) -> Result<Vec<Result<Clip>>> {
    let parts = parts.map_err(|reason| fail(name, reason))?;
    Ok(parts.into_iter().map(|part| part.map_err(|reason| fail(name, reason))).collect())
}

/// The only one.
fn single(parts: Vec<Result<Clip>>) -> Result<Clip> {
    parts.into_iter().next().unwrap_or_else(|| Err(crate::Error::Data("no part is wanted".into())))
}

/// Mono samples at `rate` Hz, brought to 16 kHz.
///
/// # Errors
/// One line of reason: no samples, a rate outside [`SOURCE_RATES`], values that are not finite.
pub fn resample(samples: &[f32], rate: u32) -> std::result::Result<Vec<f32>, String> {
    clip::check_length(samples.len() as u64, rate)?;
    let mut mono = resample::Mono16k::new(rate, 1, Channel::Mix)?;
    mono.push(samples)?;
    mono.finish()
}

/// Reads a whole file within [`MAX_FILE_BYTES`], refusing anything but a non-empty regular file before opening it.
///
/// # Errors
/// [`Error::Audio`](crate::Error::Audio) with the path and one line of reason.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let (file, size) = open_regular(path, MAX_FILE_BYTES)?;
    read_capped(path, file, size)
}

/// The recording at `path`, not read yet.
fn open_file(path: &Path) -> Result<Input<'static>> {
    let (file, size) = open_regular(path, u64::MAX)?;
    Ok(Input::file(file, size))
}

/// Opens a regular file that is not empty and has `most` bytes at the most.
fn open_regular(path: &Path, most: u64) -> Result<(File, u64)> {
    let check = |found: std::fs::Metadata| match found.len() {
        _ if found.is_dir() => Err(fail(path, "is a directory, not a recording")),
        _ if !found.is_file() => Err(fail(path, "is a pipe, socket or device, not a regular file")),
        0 => Err(fail(path, "the file is empty")),
        n if n > most => Err(fail(path, format!("{n} bytes, more than the {most} accepted"))),
        n => Ok(n),
    };
    check(std::fs::metadata(path).map_err(|e| fail(path, e))?)?;
    let file = File::open(path).map_err(|e| fail(path, e))?;
    // The path may have been replaced between the two calls: ask the open file itself.
    let size = check(file.metadata().map_err(|e| fail(path, e))?)?;
    Ok((file, size))
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

/// Whether a file that begins with these bytes is a recording of a kind that is read.
pub fn is_sound(head: &[u8]) -> bool {
    head.starts_with(b"ID3") || sniff::kind(head).is_ok()
}
