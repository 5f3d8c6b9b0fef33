//! The wav container and its uncompressed encodings.
//!
//! Parsed here rather than by a crate because real recordings break the strict readers: lengths left unknown by streaming
//! writers, RF64, odd chunks, files cut short. Samples are read straight from the bytes; nothing is allocated from a
//! declared size. Format: Microsoft "Multiple Channel Audio Data and WAVE Files"; RF64: EBU Tech 3306.

use std::path::Path;

use super::{
    clip::{Clip, Reason, SAMPLE_RATE, check_format, check_length, check_shortfall, fail},
    resample::Mono16k,
};
use crate::Result;

/// Frames converted at a time.
const BLOCK: usize = 8192;

/// How one sample is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Unsigned8,
    /// Little-endian two's complement of this many bytes.
    Signed(usize),
    Float32,
    Float64,
    ALaw,
    MuLaw,
}

/// The samples of a wav, borrowed from its bytes.
#[derive(Debug)]
pub(super) struct Wav<'a> {
    encoding: Encoding,
    channels: usize,
    rate: u32,
    /// Bytes of one sample as stored; may exceed what `encoding` reads (24 bits kept in 4 bytes).
    container: usize,
    /// Whole frames.
    data: &'a [u8],
    complete: bool,
}

struct Format {
    encoding: Encoding,
    channels: usize,
    rate: u32,
    container: usize,
}

/// Walks the chunks up to the samples.
///
/// # Errors
/// What is missing, inconsistent or unsupported.
pub(super) fn parse(bytes: &[u8]) -> std::result::Result<Wav<'_>, Reason> {
    let riff_size = u32_at(bytes, 4).unwrap_or(0);
    let (mut at, mut format, mut data_size_64) = (12, None, None);
    while let (Some(id), Some(size)) = (bytes.get(at..at + 4), u32_at(bytes, at + 4)) {
        let body = &bytes[at + 8..];
        match id {
            b"ds64" => data_size_64 = body.get(8..16).and_then(|b| Some(u64::from_le_bytes(b.try_into().ok()?))),
            b"fmt " => format = Some(parse_format(body.get(..size as usize).ok_or("wav: the fmt chunk is cut short")?)?),
            b"data" => {
                let Format { encoding, channels, rate, container } = format.ok_or("wav: no fmt chunk before the data")?;
                let declared = declared_size(size, riff_size, data_size_64);
                let present = body.len() as u64;
                let taken = declared.unwrap_or(present).min(present);
                let frame = container * channels;
                check_length(declared.unwrap_or(present) / frame as u64, rate).or_else(|long| {
                    // A false claim and a long recording deserve different words.
                    check_shortfall("bytes of samples", declared.unwrap_or(0), present).and(Err(long))
                })?;
                check_shortfall("bytes of samples", declared.unwrap_or(0), present)?;
                let data = &body[..taken as usize / frame * frame];
                if data.is_empty() {
                    return Err("wav: no samples in the file".into());
                }
                return Ok(Wav { encoding, channels, rate, container, data, complete: declared.is_none_or(|d| d <= present) });
            }
            _ => {}
        }
        // Chunks start at even offsets.
        at = at.saturating_add(8).saturating_add(size as usize).saturating_add(size as usize & 1);
        if at >= bytes.len() {
            break;
        }
    }
    Err(match format {
        Some(_) => "wav: no data chunk".into(),
        None => "wav: no fmt chunk".into(),
    })
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
        (0x55, _) => return Err("wav: MP3 inside wav is not supported; extract it".into()),
        (2 | 0x11, _) => return Err("wav: ADPCM is not supported; convert to PCM".into()),
        _ => return Err(format!("wav: encoding {tag:#06x} is not supported")),
    };
    let container = if align == 0 { stored } else { align / channels };
    if !(stored..=8).contains(&container) || (align != 0 && align % channels != 0) {
        return Err(format!("wav: {bits} bits a sample do not fit {channels} channels in frames of {align} bytes"));
    }
    Ok(Format { encoding, channels, rate, container })
}

impl Wav<'_> {
    /// Converts, mixes and resamples.
    pub(super) fn decode(&self) -> std::result::Result<Clip, Reason> {
        let frame = self.container * self.channels;
        let mut mono = Mono16k::new(self.rate, self.channels, (self.data.len() / frame) as u64)?;
        let mut block = Vec::with_capacity(BLOCK * self.channels);
        for bytes in self.data.chunks(frame * BLOCK) {
            block.clear();
            let samples = bytes.chunks_exact(self.container);
            match self.encoding {
                Encoding::Unsigned8 => block.extend(samples.map(|s| (f32::from(s[0]) - 128.0) / 128.0)),
                Encoding::ALaw => block.extend(samples.map(|s| a_law(s[0]))),
                Encoding::MuLaw => block.extend(samples.map(|s| mu_law(s[0]))),
                // Sign extension by shifting the stored bytes to the top of an i32.
                Encoding::Signed(2) => block.extend(samples.map(|s| f32::from(i16::from_le_bytes([s[0], s[1]])) / 32_768.0)),
                Encoding::Signed(3) => block.extend(samples.map(|s| scaled(i32::from_le_bytes([0, s[0], s[1], s[2]])))),
                Encoding::Signed(_) => block.extend(samples.map(|s| scaled(i32::from_le_bytes([s[0], s[1], s[2], s[3]])))),
                Encoding::Float32 => block.extend(samples.map(|s| f32::from_le_bytes([s[0], s[1], s[2], s[3]]))),
                Encoding::Float64 => {
                    block.extend(samples.map(|s| f64::from_le_bytes([s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]]) as f32))
                }
            }
            mono.push(&block)?;
        }
        let duration_s = mono.frames() as f64 / f64::from(self.rate);
        Ok(Clip {
            samples: mono.finish()?,
            sample_rate: SAMPLE_RATE,
            source_rate: self.rate,
            source_channels: self.channels,
            duration_s,
            complete: self.complete,
        })
    }
}

fn scaled(x: i32) -> f32 {
    x as f32 / 2_147_483_648.0
}

/// ITU-T G.711 A-law: sign, 3-bit exponent, 4-bit mantissa, every other bit inverted.
fn a_law(byte: u8) -> f32 {
    let code = byte ^ 0x55;
    let (exponent, mantissa) = (code >> 4 & 7, i32::from(code & 15) << 4);
    let size = if exponent == 0 { mantissa + 8 } else { (mantissa + 0x108) << (exponent - 1) };
    (if code & 0x80 != 0 { size } else { -size }) as f32 / 32_768.0
}

/// ITU-T G.711 mu-law: sign, 3-bit exponent, 4-bit mantissa, all bits inverted, with a bias of 132.
fn mu_law(byte: u8) -> f32 {
    let code = !byte;
    let size = (((i32::from(code & 15) << 3) + 132) << (code >> 4 & 7)) - 132;
    (if code & 0x80 != 0 { -size } else { size }) as f32 / 32_768.0
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
