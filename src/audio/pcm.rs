//! Uncompressed samples, and the two telephone encodings, as they lie in wav files and raw streams.

use std::{fmt, io::Read, str::FromStr};

use super::{
    clip::{Reason, check_format, check_shortfall},
    input::Input,
    notes::Notes,
    source::Source,
};

/// Frames converted at a time.
const BLOCK: usize = 8192;

/// How one sample is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Unsigned8,
    Signed8,
    /// Little-endian two's complement of this many bytes.
    Signed(usize),
    /// Big-endian two's complement of this many bytes.
    SignedBig(usize),
    Float32,
    Float64,
    ALaw,
    MuLaw,
}

impl Encoding {
    /// Bytes of one sample.
    pub(super) fn bytes(self) -> usize {
        match self {
            Encoding::Unsigned8 | Encoding::Signed8 | Encoding::ALaw | Encoding::MuLaw => 1,
            Encoding::Signed(n) | Encoding::SignedBig(n) => n,
            Encoding::Float32 => 4,
            Encoding::Float64 => 8,
        }
    }
}

/// How frames are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) encoding: Encoding,
    pub(super) channels: usize,
    pub(super) rate: u32,
    /// Bytes of one sample as stored; may exceed what `encoding` reads (24 bits kept in 4 bytes).
    pub(super) container: usize,
}

impl Layout {
    /// Bytes of a frame.
    pub(super) fn frame(&self) -> usize {
        self.container * self.channels
    }
}

/// Samples without a header, as `arecord -t raw` or `ffmpeg -f s16le` write them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw(Layout);

impl Raw {
    /// Rate in Hz.
    pub fn rate(&self) -> u32 {
        self.0.rate
    }

    /// Channels.
    pub fn channels(&self) -> usize {
        self.0.channels
    }
}

/// Names of encodings, those of ffmpeg.
const NAMES: [(&str, Encoding); 12] = [
    ("u8", Encoding::Unsigned8),
    ("s8", Encoding::Signed8),
    ("s16le", Encoding::Signed(2)),
    ("s24le", Encoding::Signed(3)),
    ("s32le", Encoding::Signed(4)),
    ("s16be", Encoding::SignedBig(2)),
    ("s24be", Encoding::SignedBig(3)),
    ("s32be", Encoding::SignedBig(4)),
    ("f32le", Encoding::Float32),
    ("f64le", Encoding::Float64),
    ("alaw", Encoding::ALaw),
    ("mulaw", Encoding::MuLaw),
];

impl FromStr for Raw {
    type Err = String;

    /// Encoding, rate and, where there are several, channels: `s16le:16000`, `f32le:48000:2`.
    fn from_str(text: &str) -> Result<Self, String> {
        let usage = || {
            let names = NAMES.map(|(name, _)| name).join(", ");
            format!("{text:?} is not a raw format such as s16le:16000 or s16le:48000:2 (encoding:rate:channels); encodings: {names}")
        };
        let mut fields = text.split([':', ',']).map(str::trim);
        let name = fields.next().unwrap_or_default().to_ascii_lowercase();
        let (_, encoding) = NAMES.iter().find(|(known, _)| *known == name).ok_or_else(usage)?;
        let rate: u32 = fields.next().and_then(|rate| rate.parse().ok()).ok_or_else(usage)?;
        let channels: usize = fields.next().map_or(Ok(1), str::parse).map_err(|_| usage())?;
        if fields.next().is_some() {
            return Err(usage());
        }
        check_format(rate, channels)?;
        Ok(Raw(Layout { encoding: *encoding, channels, rate, container: encoding.bytes() }))
    }
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, encoding)| *encoding == self.0.encoding).map_or("", |(name, _)| name);
        write!(f, "{name}:{}:{}", self.0.rate, self.0.channels)
    }
}

/// Frames that lie one after the other.
pub(super) struct Pcm<'a> {
    input: Input<'a>,
    layout: Layout,
    /// Bytes of samples by the header, where it says.
    declared: Option<u64>,
    /// Bytes of samples read or skipped.
    taken: u64,
    /// What was read and not converted yet.
    bytes: Vec<u8>,
    /// What to call the container in errors.
    name: &'static str,
}

impl<'a> Pcm<'a> {
    /// Frames from the current position of `input` on: `declared` bytes, or all that there are.
    pub(super) fn new(input: Input<'a>, layout: Layout, declared: Option<u64>, name: &'static str) -> Self {
        Self { input, layout, declared, taken: 0, bytes: Vec::new(), name }
    }

    /// Frames without a header.
    pub(super) fn raw(input: Input<'a>, raw: Raw) -> Self {
        Self::new(input, raw.0, None, "raw")
    }

    /// Bytes that may still be read.
    fn left(&self) -> u64 {
        let declared = self.declared.map_or(u64::MAX, |declared| declared.saturating_sub(self.taken));
        declared.min(self.input.left().unwrap_or(u64::MAX))
    }
}

impl Source for Pcm<'_> {
    fn format(&self) -> (u32, usize) {
        (self.layout.rate, self.layout.channels)
    }

    fn frames(&self) -> Option<u64> {
        let there = self.input.left().map(|left| self.taken + left);
        [there, self.declared].into_iter().flatten().min().map(|bytes| bytes / self.layout.frame() as u64)
    }

    fn next(&mut self, block: &mut Vec<f32>) -> Result<bool, Reason> {
        let frame = self.layout.frame();
        let have = self.bytes.len();
        let wanted = (self.left().min((frame * BLOCK - have) as u64)) as usize;
        self.bytes.resize(have + wanted, 0);
        // One read: what has arrived on a stream is passed on at once.
        let came = loop {
            match self.input.read(&mut self.bytes[have..]) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other.map_err(|e| e.to_string())?,
            }
        };
        self.taken += came as u64;
        self.bytes.truncate(have + came);
        let whole = self.bytes.len() / frame * frame;
        convert(&self.bytes[..whole], self.layout.encoding, self.layout.container, block);
        self.bytes.drain(..whole);
        Ok(came > 0)
    }

    fn skip(&mut self, frames: u64) -> Result<u64, Reason> {
        let frame = self.layout.frame() as u64;
        if !self.bytes.is_empty() {
            return Ok(0);
        }
        let frames = frames.min(self.left() / frame);
        self.input.skip(frames * frame).map_err(|e| e.to_string())?;
        self.taken += frames * frame;
        Ok(frames)
    }

    fn notes(&self, ended: bool) -> Result<Notes, Reason> {
        // Of a stream the length is known at its end; of a file before.
        let there = match self.input.left() {
            Some(left) => self.taken + left,
            None if ended => self.taken,
            None => u64::MAX,
        };
        let Some(declared) = self.declared.filter(|&declared| declared > there) else { return Ok(Notes::default()) };
        check_shortfall("bytes of samples", declared, there).map_err(|reason| format!("{}: {reason}", self.name))?;
        let declared_s = (declared / self.layout.frame() as u64) as f64 / f64::from(self.layout.rate);
        Ok(Notes { cut: true, declared_s: Some(declared_s), ..Notes::default() })
    }
}

/// Appends the samples that `bytes` hold, each in `container` bytes.
fn convert(bytes: &[u8], encoding: Encoding, container: usize, block: &mut Vec<f32>) {
    let samples = bytes.chunks_exact(container);
    match encoding {
        Encoding::Unsigned8 => block.extend(samples.map(|s| (f32::from(s[0]) - 128.0) / 128.0)),
        Encoding::Signed8 => block.extend(samples.map(|s| f32::from(s[0] as i8) / 128.0)),
        Encoding::ALaw => block.extend(samples.map(|s| a_law(s[0]))),
        Encoding::MuLaw => block.extend(samples.map(|s| mu_law(s[0]))),
        // Sign extension by shifting the stored bytes to the top of an i32.
        Encoding::Signed(2) => block.extend(samples.map(|s| f32::from(i16::from_le_bytes([s[0], s[1]])) / 32_768.0)),
        Encoding::Signed(3) => block.extend(samples.map(|s| scaled(i32::from_le_bytes([0, s[0], s[1], s[2]])))),
        Encoding::Signed(_) => block.extend(samples.map(|s| scaled(i32::from_le_bytes([s[0], s[1], s[2], s[3]])))),
        Encoding::SignedBig(2) => block.extend(samples.map(|s| f32::from(i16::from_be_bytes([s[0], s[1]])) / 32_768.0)),
        Encoding::SignedBig(3) => block.extend(samples.map(|s| scaled(i32::from_be_bytes([s[0], s[1], s[2], 0])))),
        Encoding::SignedBig(_) => block.extend(samples.map(|s| scaled(i32::from_be_bytes([s[0], s[1], s[2], s[3]])))),
        Encoding::Float32 => block.extend(samples.map(|s| f32::from_le_bytes([s[0], s[1], s[2], s[3]]))),
        Encoding::Float64 => block.extend(samples.map(|s| f64::from_le_bytes([s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]]) as f32)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_raw_encoding_reads_a_half_and_minus_one() {
        let rows: [(&str, &[u8]); 12] = [
            ("u8", &[192, 0]),
            ("s8", &[0x40, 0x80]),
            ("s16le", &[0, 0x40, 0, 0x80]),
            ("s24le", &[0, 0, 0x40, 0, 0, 0x80]),
            ("s32le", &[0, 0, 0, 0x40, 0, 0, 0, 0x80]),
            ("s16be", &[0x40, 0, 0x80, 0]),
            ("s24be", &[0x40, 0, 0, 0x80, 0, 0]),
            ("s32be", &[0x40, 0, 0, 0, 0x80, 0, 0, 0]),
            ("f32le", &[0, 0, 0, 0x3f, 0, 0, 0x80, 0xbf]),
            ("f64le", &[0, 0, 0, 0, 0, 0, 0xe0, 0x3f, 0, 0, 0, 0, 0, 0, 0xf0, 0xbf]),
            ("alaw", &[0xa5, 0x2a]),
            ("mulaw", &[0x8f, 0x00]),
        ];
        for (name, bytes) in rows {
            let raw: Raw = format!("{name}:8000").parse().unwrap();
            assert_eq!(raw.to_string(), format!("{name}:8000:1"));
            let mut block = Vec::new();
            while Pcm::raw(Input::memory(bytes), raw).next(&mut block).unwrap() && block.is_empty() {}
            let tolerance = if name.ends_with("law") { 0.03 } else { 0.0 };
            assert!((block[0] - 0.5).abs() <= tolerance && (block[1] + 1.0).abs() <= tolerance, "{name}: {block:?}");
        }
        for bad in ["", "s16le", "s16le:x", "s12le:8000", "s16le:8000:0", "s16le:8000:1:1", "s16le:10"] {
            assert!(bad.parse::<Raw>().is_err(), "{bad}");
        }
    }
}
