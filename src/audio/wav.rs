//! The wav container.
//!
//! Parsed here rather than by a crate because real recordings break the strict readers: lengths left unknown by streaming
//! writers, RF64, odd chunks with and without their padding, files cut short. Nothing is allocated from a declared size.
//! Format: Microsoft "Multiple Channel Audio Data and WAVE Files"; RF64: EBU Tech 3306.

use std::path::Path;

use super::{
    adpcm::Adpcm,
    clip::{MAX_FILE_BYTES, Reason, check_format, check_shortfall, fail},
    foreign,
    input::Input,
    pcm::{Encoding, Layout, Pcm},
    sniff::Container,
    source::{Source, fill},
    track,
};
use crate::Result;

/// The most of a fmt chunk that is read.
const FORMAT_BYTES: u64 = 4096;

/// Walks the chunks up to the samples.
///
/// # Errors
/// What is missing, inconsistent or unsupported.
pub(super) fn open<'a>(mut input: Input<'a>) -> std::result::Result<Box<dyn Source + 'a>, Reason> {
    let mut form = [0; 12];
    fill(&mut input, &mut form)?;
    let riff_size = u32_at(&form, 4).unwrap_or(0);
    let (mut format, mut size_64, mut frames, mut odd) = (None, None, None, false);
    while let Some((id, size)) = chunk(&mut input, odd)? {
        odd = size % 2 == 1;
        match &id {
            b"data" => {
                let format = format.ok_or("wav: no fmt chunk before the data")?;
                let declared = declared_size(size, riff_size, size_64);
                return match format {
                    Format::Pcm(layout) => Ok(Box::new(samples(input, layout, declared)?)),
                    Format::Adpcm(adpcm) => Ok(Box::new(adpcm.open(input, declared, frames)?)),
                    Format::Mpeg => {
                        there(&input, declared)?;
                        let stream = input.seekable(MAX_FILE_BYTES)?.rebase(declared);
                        Ok(Box::new(track::open(stream, Container::Mpeg, declared)?))
                    }
                };
            }
            b"fmt " | b"ds64" | b"fact" => {
                let mut body = vec![0; u64::from(size).min(FORMAT_BYTES) as usize];
                let came = fill(&mut input, &mut body)?;
                if id == *b"ds64" {
                    size_64 = body.get(8..16).and_then(|b| Some(u64::from_le_bytes(b.try_into().ok()?)));
                } else if id == *b"fact" {
                    frames = u32_at(&body, 0).map(u64::from).filter(|&n| n > 0);
                } else if came < body.len() {
                    return Err("wav: the fmt chunk is cut short".into());
                } else {
                    format = Some(parse_format(&body)?);
                }
                input.skip(u64::from(size).saturating_sub(FORMAT_BYTES)).map_err(|e| e.to_string())?;
            }
            _ => {
                input.skip(u64::from(size)).map_err(|e| e.to_string())?;
            }
        }
    }
    Err(match format {
        Some(_) => "wav: no data chunk".into(),
        None => "wav: no fmt chunk".into(),
    })
}

/// Name and size of the next chunk, `None` at the end. Chunks start at even offsets, but some writers forget to pad one of `odd` size; a
/// name never begins with a zero.
fn chunk(input: &mut Input<'_>, odd: bool) -> std::result::Result<Option<([u8; 4], u32)>, Reason> {
    if odd {
        let padded = input.peek(1).map_err(|e| e.to_string())?.first().is_none_or(|&b| !(b' '..=b'~').contains(&b));
        input.skip(u64::from(padded)).map_err(|e| e.to_string())?;
    }
    let mut header = [0; 8];
    Ok((fill(input, &mut header)? == 8).then(|| ([header[0], header[1], header[2], header[3]], u32_at(&header, 4).unwrap_or(0))))
}

/// How the samples are stored.
enum Format {
    Pcm(Layout),
    Adpcm(Adpcm),
    /// A stream of MPEG audio.
    Mpeg,
}

/// Checks that enough of `declared` bytes of samples is there.
fn there(input: &Input<'_>, declared: Option<u64>) -> std::result::Result<(), Reason> {
    match input.left() {
        Some(there) => check_shortfall("bytes of samples", declared.unwrap_or(0), there),
        None => Ok(()),
    }
}

/// The samples, which begin at the position of `input`.
fn samples(input: Input<'_>, layout: Layout, declared: Option<u64>) -> std::result::Result<Pcm<'_>, Reason> {
    there(&input, declared)?;
    let held = input.left().map(|there| declared.unwrap_or(there).min(there));
    if held.is_some_and(|bytes| bytes < layout.frame() as u64) {
        return Err("wav: no samples in the file".into());
    }
    Ok(Pcm::new(input, layout, declared, "wav"))
}

/// Bytes of samples by the header; `None` where a streaming writer did not know: it leaves 2^32-1 (ffmpeg), just under
/// 2^31 (sox), or zero in both sizes (recorders that were stopped).
fn declared_size(size: u32, riff_size: u32, ds64: Option<u64>) -> Option<u64> {
    match (size, ds64) {
        (u32::MAX, Some(n)) => Some(n).filter(|&n| n != 0 && n != u64::MAX),
        (u32::MAX | 0x7fff_f000..=0x7fff_ffff, None) => None,
        (0, None) if riff_size == 0 => None,
        _ => Some(u64::from(size)),
    }
}

fn parse_format(fmt: &[u8]) -> std::result::Result<Format, Reason> {
    let field = |at: usize| u16_at(fmt, at);
    let (Some(mut tag), Some(channels), Some(rate), Some(align), Some(bits)) = (field(0), field(2), u32_at(fmt, 4), field(12), field(14))
    else {
        return Err(format!("wav: a fmt chunk of {} bytes, 16 or more expected", fmt.len()));
    };
    if tag == 0xfffe {
        // WAVE_FORMAT_EXTENSIBLE: the first two bytes of the sub-format GUID are the old tag.
        tag = field(24).ok_or("wav: an extensible fmt chunk without its sub-format")?;
    }
    let (channels, align, bits) = (usize::from(channels), usize::from(align), usize::from(bits));
    check_format(rate, channels)?;
    let stored = bits.div_ceil(8);
    let encoding = match (tag, stored) {
        (1, 1) => Encoding::Unsigned8,
        (1, 2..=4) => Encoding::Signed(stored),
        (3, 4) => Encoding::Float32,
        (3, 8) => Encoding::Float64,
        (6, 1) => Encoding::ALaw,
        (7, 1) => Encoding::MuLaw,
        (1 | 3 | 6 | 7, _) => return Err(format!("wav: {bits} bits a sample are not supported")),
        (2 | 0x11, _) => return Ok(Format::Adpcm(Adpcm::new(tag == 2, channels, rate, align, fmt)?)),
        (0x50 | 0x55, _) => return Ok(Format::Mpeg),
        _ => return Err(format!("wav: {}", foreign::undecoded(&foreign::wav_tag(tag)))),
    };
    let container = if align == 0 { stored } else { align / channels };
    if !(stored..=8).contains(&container) || (align != 0 && align % channels != 0) {
        return Err(format!("wav: {bits} bits a sample do not fit {channels} channels in frames of {align} bytes"));
    }
    Ok(Format::Pcm(Layout { encoding, channels, rate, container }))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Writes mono samples as 16-bit PCM at `rate` Hz: round(32768 x), saturating, so that reading them back is within 2^-16.
///
/// # Errors
/// [`crate::Error::Audio`] where a sample is not finite or the file cannot be written.
pub fn write_wav(path: &Path, samples: &[f32], rate: u32) -> Result<()> {
    if let Some(at) = samples.iter().position(|x| !x.is_finite()) {
        return Err(fail(path, format!("sample {at} is {}, not a finite number", samples[at])));
    }
    let spec = hound::WavSpec { channels: 1, sample_rate: rate, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let write = || -> hound::Result<()> {
        let mut writer = hound::WavWriter::create(path, spec)?;
        for &x in samples {
            writer.write_sample((x * 32_768.0).round() as i16)?;
        }
        writer.finalize()
    };
    write().map_err(|e| fail(path, e))
}
