//! Opus, through `opus-pure`, as a decoder of symphonia, which has none of its own.

use opus_pure::{MAX_PACKET_SAMPLES, OpusDecoder, OpusMSDecoder};
use symphonia::core::{
    audio::{AsGenericAudioBufferRef, AudioBuffer, AudioMut, AudioSpec, Channels, GenericAudioBufferRef},
    codecs::{
        CodecInfo,
        audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions, FinalizeResult, well_known::CODEC_ID_OPUS},
        registry::{RegisterableAudioDecoder, SupportedAudioCodec},
    },
    errors::{Error, Result},
    packet::PacketRef,
};

/// The rate that everything is decoded at (RFC 7845 §4).
const RATE: u32 = 48_000;

/// The identification header (RFC 7845 §5.1), as Ogg, Matroska and MP4 keep it.
struct Head {
    channels: usize,
    /// Frames before the sound.
    pre_skip: usize,
    /// Factor of the samples.
    gain: f32,
    /// How channels are made of streams: 0 is one stream, 1 surround in the order of Vorbis.
    family: u8,
}

impl Head {
    fn parse(bytes: &[u8], in_mp4: bool) -> Option<Self> {
        let bytes = bytes.strip_prefix(b"OpusHead")?;
        let &[_, channels, a, b, _, _, _, _, gain_a, gain_b, family, ..] = bytes else { return None };
        // MP4 keeps the same fields big-endian.
        let u16_of = if in_mp4 { u16::from_be_bytes } else { u16::from_le_bytes };
        let gain = f32::from(u16_of([gain_a, gain_b]) as i16) / 256.0;
        Some(Self { channels: usize::from(channels), pre_skip: usize::from(u16_of([a, b])), gain: 10f32.powf(gain / 20.0), family })
    }
}

enum Streams {
    One(Box<OpusDecoder>),
    Several(Box<OpusMSDecoder>),
}

/// Decodes packets of Opus.
pub(super) struct Decoder {
    parameters: AudioCodecParameters,
    streams: Streams,
    channels: usize,
    gain: f32,
    /// Frames to be dropped before the sound begins.
    skip: usize,
    pcm: Vec<f32>,
    buffer: AudioBuffer<f32>,
}

impl Decoder {
    fn decode_into(&mut self, packet: &PacketRef<'_>) -> Result<()> {
        self.buffer.clear();
        if packet.data.is_empty() {
            return Ok(());
        }
        let decoded = match &mut self.streams {
            Streams::One(decoder) => decoder.decode(packet.data, MAX_PACKET_SAMPLES, &mut self.pcm),
            Streams::Several(decoder) => decoder.decode(packet.data, MAX_PACKET_SAMPLES, &mut self.pcm),
        };
        let frames = decoded.map_err(|_| Error::DecodeError("opus: the packet cannot be decoded"))?.min(MAX_PACKET_SAMPLES);
        let end = frames.saturating_sub(packet.trim_end.get().try_into().unwrap_or(usize::MAX));
        let start = self.skip.min(frames);
        self.skip -= start;
        if start >= end {
            return Ok(());
        }
        self.buffer.render_uninit(Some(end - start));
        for (i, plane) in self.buffer.iter_planes_mut().enumerate() {
            let samples = self.pcm[start * self.channels..].chunks_exact(self.channels);
            plane.iter_mut().zip(samples).for_each(|(to, frame)| *to = frame[i] * self.gain);
        }
        Ok(())
    }
}

impl AudioDecoder for Decoder {
    fn reset(&mut self) {
        // What cannot be set back goes on from where it was.
        let _ = match &mut self.streams {
            Streams::One(decoder) => decoder.reset_state(),
            Streams::Several(decoder) => decoder.reset_state(),
        };
    }

    fn codec_info(&self) -> &CodecInfo {
        &Self::supported_codecs()[0].info
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.parameters
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        if let Err(e) = self.decode_into(packet) {
            self.buffer.clear();
            return Err(e);
        }
        Ok(self.buffer.as_generic_audio_buffer_ref())
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.buffer.as_generic_audio_buffer_ref()
    }
}

impl RegisterableAudioDecoder for Decoder {
    fn try_registry_new(parameters: &AudioCodecParameters, _: &AudioDecoderOptions) -> Result<Box<dyn AudioDecoder>> {
        let extra = parameters.extra_data.as_deref().unwrap_or_default();
        // The version is 1 but for MP4, where it is 0.
        let head = Head::parse(extra, extra.get(8) == Some(&0)).ok_or(Error::DecodeError("opus: no identification header"))?;
        let unsupported = |_| Error::Unsupported("opus: these channels are not supported");
        let streams = match head.family {
            0 => Streams::One(Box::new(OpusDecoder::new(RATE as i32, head.channels).map_err(unsupported)?)),
            family => Streams::Several(Box::new(OpusMSDecoder::new(RATE as i32, head.channels, family).map_err(unsupported)?)),
        };
        let spec = AudioSpec::new(RATE, Channels::Discrete(head.channels as u16));
        Ok(Box::new(Self {
            parameters: parameters.clone(),
            streams,
            channels: head.channels,
            gain: head.gain,
            skip: head.pre_skip,
            pcm: vec![0.0; MAX_PACKET_SAMPLES * head.channels],
            buffer: AudioBuffer::new(spec, MAX_PACKET_SAMPLES),
        }))
    }

    fn supported_codecs() -> &'static [SupportedAudioCodec] {
        const INFO: CodecInfo = CodecInfo { short_name: "opus", long_name: "Opus", profiles: &[] };
        &[SupportedAudioCodec { id: CODEC_ID_OPUS, info: INFO }]
    }
}
