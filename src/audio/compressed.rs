//! flac, mp3 and ogg vorbis, through symphonia.

use std::io::{Cursor, ErrorKind};

use symphonia::{
    core::{
        codecs::{
            CodecParameters,
            audio::{AudioDecoder, AudioDecoderOptions},
        },
        errors::Error as Symphonia,
        formats::{FormatOptions, FormatReader, TrackType},
        io::MediaSourceStream,
        packet::Packet,
    },
    default::{
        formats::{FlacReader, MpaReader, OggReader},
        get_codecs,
    },
};

use super::{
    clip::{Clip, Reason, SAMPLE_RATE, check_format, check_length, check_shortfall},
    resample::Mono16k,
    sniff::Codec,
};

/// Decodes the first audio track of `bytes`, which were recognised as `codec`.
///
/// # Errors
/// One line; see the damage rule of the module.
pub(super) fn decode(bytes: &[u8], codec: Codec) -> Result<Clip, Reason> {
    let mut track = Track::open(bytes, codec)?;
    track.decode(bytes.len())?;
    track.finish()
}

/// An audio track while it is decoded.
struct Track<'a> {
    codec: Codec,
    reader: Box<dyn FormatReader + 'a>,
    decoder: Box<dyn AudioDecoder>,
    id: u32,
    /// Samples a channel that the header declares, 0 where it does not say.
    declared: u64,
    /// What was decoded; its format is known with the first packet.
    mono: Option<Mono16k>,
    packets: usize,
    /// Packets that cannot be decoded.
    bad: usize,
    /// Whether the file ends early.
    cut: bool,
}

impl<'a> Track<'a> {
    fn open(bytes: &'a [u8], codec: Codec) -> Result<Self, Reason> {
        let name = codec.name();
        let malformed = |e| malformed(codec, e);
        let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
        let options = FormatOptions::default();
        let reader: Box<dyn FormatReader + 'a> = match codec {
            Codec::Flac => Box::new(FlacReader::try_new(stream, options).map_err(malformed)?),
            Codec::Mp3 => Box::new(MpaReader::try_new(stream, options).map_err(malformed)?),
            Codec::Ogg => Box::new(OggReader::try_new(stream, options).map_err(malformed)?),
        };
        let track = reader.default_track(TrackType::Audio).ok_or_else(|| format!("{name}: no audio track of a supported codec"))?;
        let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
            return Err(format!("{name}: the codec is unknown"));
        };
        if let (Some(rate), Some(channels)) = (parameters.sample_rate, &parameters.channels) {
            check_format(rate, channels.count())?;
        }
        // Only FLAC states a length that is neither an estimate nor read from the file's own end.
        let declared = if codec == Codec::Flac { track.num_frames.unwrap_or(0) } else { 0 };
        if let Some(rate) = parameters.sample_rate {
            check_length(declared, rate)?;
        }
        let decoder = get_codecs().make_audio_decoder(parameters, &AudioDecoderOptions::default()).map_err(malformed)?;
        let id = track.id;
        Ok(Track { codec, reader, decoder, id, declared, mono: None, packets: 0, bad: 0, cut: false })
    }

    /// Decodes all packets, `most` at the most.
    fn decode(&mut self, most: usize) -> Result<(), Reason> {
        let name = self.codec.name();
        let mut interleaved = Vec::new();
        loop {
            let packet = match self.reader.next_packet() {
                Ok(Some(packet)) if packet.track_id != self.id => continue,
                Ok(Some(packet)) => Some(packet),
                Ok(None) => return Ok(()),
                Err(Symphonia::IoError(e)) if e.kind() == ErrorKind::UnexpectedEof => {
                    // MPEG has no end mark: its reader always runs into the end.
                    self.cut = self.codec != Codec::Mp3;
                    return Ok(());
                }
                Err(Symphonia::DecodeError(_)) => None,
                Err(Symphonia::ResetRequired) => return Err(format!("{name}: several streams in one file are not supported")),
                Err(e) => return Err(malformed(self.codec, e)),
            };
            self.packets += 1;
            // A packet takes at least a byte; more of them would be a reader that does not advance.
            if self.packets > most {
                return Err(format!("{name}: malformed: the reader does not advance"));
            }
            let good = packet.map_or(Ok(false), |packet| self.push(&packet, &mut interleaved))?;
            self.bad += usize::from(!good);
        }
    }

    /// Decodes one packet by way of `interleaved`; false where it is damaged.
    fn push(&mut self, packet: &Packet, interleaved: &mut Vec<f32>) -> Result<bool, Reason> {
        let decoded = match self.decoder.decode(packet) {
            Ok(decoded) if decoded.frames() == 0 => return Ok(true),
            Ok(decoded) => decoded,
            Err(Symphonia::DecodeError(_) | Symphonia::IoError(_)) => return Ok(false),
            Err(e) => return Err(malformed(self.codec, e)),
        };
        let (rate, channels) = (decoded.spec().rate(), decoded.spec().channels().count());
        let sink = match &mut self.mono {
            Some(sink) => sink,
            None => self.mono.insert(Mono16k::new(rate, channels, 0)?),
        };
        let before = (sink.rate(), sink.channels());
        if before != (rate, channels) {
            let name = self.codec.name();
            return Err(format!("{name}: changes from {} Hz, {} channels to {rate} Hz, {channels} channels", before.0, before.1));
        }
        decoded.copy_to_vec_interleaved(interleaved);
        sink.push(interleaved)?;
        Ok(true)
    }

    fn finish(self) -> Result<Clip, Reason> {
        let Track { codec, declared, mono, packets, bad, cut, .. } = self;
        let name = codec.name();
        let mono = mono.ok_or_else(|| format!("{name}: no samples in the file"))?;
        // An MP3 cut from a longer one starts with frames whose bit reservoir is missing: two are always allowed.
        if bad > 2 + packets / 10 {
            return Err(format!("{name}: {bad} of {packets} packets cannot be decoded"));
        }
        check_shortfall("samples a channel", declared, mono.frames())?;
        let complete = bad == 0 && !cut && mono.frames() >= declared;
        let (source_rate, source_channels) = (mono.rate(), mono.channels());
        let duration_s = mono.frames() as f64 / f64::from(source_rate);
        Ok(Clip { samples: mono.finish()?, sample_rate: SAMPLE_RATE, source_rate, source_channels, duration_s, complete })
    }
}

fn malformed(codec: Codec, e: Symphonia) -> Reason {
    let name = codec.name();
    match e {
        Symphonia::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => format!("{name}: the file ends inside a header"),
        e => format!("{name}: {e}"),
    }
}
