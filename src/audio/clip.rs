//! A decoded recording, and the bounds it must keep.

use std::path::Path;

use super::{foreign, notes::Notes};
use crate::{Error, error::one_line};

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
    /// What is not as it should be: cut short, damaged, of several tracks.
    pub notes: Notes,
}

impl Clip {
    /// What is known of it besides its samples.
    pub(crate) fn clone_without_samples(&self) -> Clip {
        Clip { samples: Vec::new(), notes: self.notes.clone(), ..*self }
    }
}

/// Why a recording was refused, in one line without its name.
pub(super) type Reason = String;

/// Checks a source format before anything is allocated for it.
pub(super) fn check_format(rate: u32, channels: usize) -> Result<(), Reason> {
    if !SOURCE_RATES.contains(&rate) {
        return Err(format!("sample rate {rate} Hz is outside {} to {} Hz", SOURCE_RATES.start(), SOURCE_RATES.end()));
    }
    if !(1..=MAX_CHANNELS).contains(&channels) {
        return Err(format!("{channels} channels; 1 to {MAX_CHANNELS} are accepted"));
    }
    Ok(())
}

pub(super) fn check_length(frames: u64, rate: u32) -> Result<(), Reason> {
    let most = u64::from(MAX_SECONDS) * u64::from(rate);
    let seconds = frames / u64::from(rate);
    let way = "a manifest with start and end in seconds makes stretches of it";
    if frames > most { Err(format!("{seconds} s of audio, more than the {MAX_SECONDS} s accepted at once; {way}")) } else { Ok(()) }
}

/// The damage rule of the module: how much of the declared length must be there.
pub(super) fn check_shortfall(unit: &str, declared: u64, present: u64) -> Result<(), Reason> {
    if present < declared.div_ceil(2) { Err(format!("the header declares {declared} {unit}, the file holds {present}")) } else { Ok(()) }
}

/// The error for the recording at `path`, with the way out where there is one.
pub(super) fn fail(path: &Path, reason: impl std::fmt::Display) -> Error {
    let mut reason = one_line(reason);
    if reason.ends_with(foreign::CONVERT) {
        reason += &foreign::advice(path);
    }
    Error::Audio { path: path.into(), reason }
}
