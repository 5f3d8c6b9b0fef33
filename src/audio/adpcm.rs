//! The two ADPCM encodings of wav files, Microsoft's and IMA's, decoded by symphonia block after block.

use symphonia::{
    core::{
        audio::Channels,
        codecs::audio::{
            AudioCodecParameters, AudioDecoder, AudioDecoderOptions,
            well_known::{CODEC_ID_ADPCM_IMA_WAV, CODEC_ID_ADPCM_MS},
        },
        packet::Packet,
        units::{Duration, Timestamp},
    },
    default::codecs::AdpcmDecoder,
};

use super::{
    clip::{Reason, check_shortfall},
    input::Input,
    notes::Notes,
    source::{Source, fill},
};

/// Frames of a block as the header describes them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Adpcm {
    microsoft: bool,
    channels: usize,
    rate: u32,
    /// Bytes of a block.
    block: usize,
    /// Frames of a block.
    frames: usize,
}

impl Adpcm {
    /// Reads what follows the common part of a wav's format.
    ///
    /// # Errors
    /// Blocks that hold no frame, or not those that are announced.
    pub(super) fn new(microsoft: bool, channels: usize, rate: u32, block: usize, fmt: &[u8]) -> Result<Self, Reason> {
        if channels > 2 {
            return Err(format!("wav: ADPCM of {channels} channels is not supported; 1 and 2 are"));
        }
        // Each channel of a block has a header, which holds the first frames (Microsoft: 2 in 7 bytes, IMA: 1 in 4), then half a byte a frame.
        let (header, first) = if microsoft { (7, 2) } else { (4, 1) };
        let frames = block.checked_sub(header * channels).map_or(0, |rest| rest * 2 / channels + first);
        let announced = fmt.get(18..20).map_or(0, |b| usize::from(u16::from_le_bytes([b[0], b[1]])));
        match frames {
            n if n <= first => Err(format!("wav: ADPCM blocks of {block} bytes are too short")),
            n if announced > n => Err(format!("wav: ADPCM blocks of {block} bytes do not hold {announced} frames")),
            _ => Ok(Self { microsoft, channels, rate, block, frames }),
        }
    }

    /// Opens the blocks from the position of `input` on: `declared` bytes and `frames` frames, where the header says.
    ///
    /// # Errors
    /// Too little of them is there.
    pub(super) fn open(self, input: Input<'_>, declared: Option<u64>, frames: Option<u64>) -> Result<Blocks<'_>, Reason> {
        if let Some(there) = input.left() {
            check_shortfall("bytes of samples", declared.unwrap_or(0), there)?;
        }
        let codec = if self.microsoft { CODEC_ID_ADPCM_MS } else { CODEC_ID_ADPCM_IMA_WAV };
        let mut parameters = AudioCodecParameters::new();
        parameters.for_codec(codec).with_sample_rate(self.rate).with_channels(Channels::Discrete(self.channels as u16));
        parameters.with_max_frames_per_packet(self.frames as u64).with_frames_per_block(self.frames as u64);
        let decoder = AdpcmDecoder::try_new(&parameters, &AudioDecoderOptions::default()).map_err(|e| format!("wav: {e}"))?;
        // A count of frames that does not fit the bytes is none.
        let most = declared.or(input.left()).map_or(u64::MAX, |bytes| bytes.div_ceil(self.block as u64) * self.frames as u64);
        let frames = frames.filter(|&n| n <= most && most - n < 2 * self.frames as u64);
        Ok(Blocks { layout: self, input, decoder, declared, frames, taken: 0, passed: 0, bad: 0, short: false })
    }
}

/// Blocks while they are decoded.
pub(super) struct Blocks<'a> {
    layout: Adpcm,
    input: Input<'a>,
    decoder: AdpcmDecoder,
    declared: Option<u64>,
    frames: Option<u64>,
    /// Bytes read.
    taken: u64,
    /// Frames decoded.
    passed: u64,
    /// Blocks that cannot be decoded.
    bad: usize,
    /// Whether the last block is not whole.
    short: bool,
}

impl Source for Blocks<'_> {
    fn format(&self) -> (u32, usize) {
        (self.layout.rate, self.layout.channels)
    }

    fn frames(&self) -> Option<u64> {
        let bytes = self.declared.into_iter().chain(self.input.left().map(|left| self.taken + left)).min()?;
        Some(self.frames.unwrap_or(u64::MAX).min(bytes.div_ceil(self.layout.block as u64) * self.layout.frames as u64))
    }

    fn next(&mut self, block: &mut Vec<f32>) -> Result<bool, Reason> {
        let left = self.declared.map_or(u64::MAX, |declared| declared.saturating_sub(self.taken));
        let mut bytes = vec![0; self.layout.block.min(usize::try_from(left).unwrap_or(usize::MAX))];
        let came = fill(&mut self.input, &mut bytes)?;
        if came == 0 {
            return Ok(false);
        }
        self.taken += came as u64;
        // Of a block that is cut, the half bytes that are there; what they are filled up with is dropped.
        self.short = came < self.layout.block;
        let missing = (self.layout.block - came) * 2 / self.layout.channels;
        bytes.truncate(came);
        bytes.resize(self.layout.block, 0);
        let packet = Packet::new(0, Timestamp::new(0), Duration::new(self.layout.frames as u64), bytes);
        let mut samples: Vec<f32> = Vec::new();
        match self.decoder.decode(&packet) {
            Ok(decoded) => decoded.copy_to_vec_interleaved(&mut samples),
            Err(_) => self.bad += 1,
        }
        let end = self.frames.map_or(u64::MAX, |frames| frames.saturating_sub(self.passed));
        let whole = (samples.len() / self.layout.channels).saturating_sub(missing);
        let kept = whole.min(usize::try_from(end).unwrap_or(usize::MAX));
        block.extend_from_slice(&samples[..kept * self.layout.channels]);
        self.passed += kept as u64;
        Ok(true)
    }

    fn notes(&self, ended: bool) -> Result<Notes, Reason> {
        let packets = (self.taken / self.layout.block as u64) as usize;
        let mut notes = Notes { lost_packets: self.bad, packets, ..Notes::default() };
        if ended && self.bad > packets / 10 {
            return Err(format!("wav: {} of {packets} blocks of ADPCM cannot be decoded", self.bad));
        }
        let there = match self.input.left() {
            Some(left) => self.taken + left,
            None if ended => self.taken,
            None => u64::MAX,
        };
        let frames = |bytes: u64| bytes as f64 / self.layout.block as f64 * self.layout.frames as f64;
        if let Some(declared) = self.declared.filter(|&declared| declared > there) {
            check_shortfall("bytes of samples", declared, there)?;
            notes.cut = true;
            notes.declared_s = Some(self.frames.map_or(frames(declared), |n| n as f64) / f64::from(self.layout.rate));
        }
        notes.cut |= ended && self.short && self.frames.is_some_and(|frames| self.passed < frames);
        Ok(notes)
    }
}
