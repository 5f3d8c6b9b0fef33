//! flac, mp3 and ogg vorbis, through symphonia.

use std::io::ErrorKind;

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
    clip::{Reason, check_format, check_shortfall},
    input::Input,
    notes::Notes,
    sniff::Codec,
    source::Source,
};

/// Opens the first audio track of `input`, which was recognised as `codec`.
///
/// # Errors
/// One line; see the damage rule of the module.
pub(super) fn open(input: Input<'_>, codec: Codec) -> Result<Track<'_>, Reason> {
    let most = input.left().unwrap_or(u64::MAX);
    let mut track = Track::open(input, codec, most)?;
    // The first samples say what the format really is.
    while track.format.is_none() {
        let mut block = Vec::new();
        if !track.step(&mut block)? {
            return Err(format!("{}: no samples in the file", codec.name()));
        }
        track.first = block;
    }
    Ok(track)
}

/// An audio track while it is decoded.
pub(super) struct Track<'a> {
    codec: Codec,
    reader: Box<dyn FormatReader + 'a>,
    decoder: Box<dyn AudioDecoder>,
    id: u32,
    /// Samples a channel that the header declares, 0 where it does not say.
    declared: u64,
    /// Rate and channels, known with the first packet.
    format: Option<(u32, usize)>,
    /// Frames decoded when the track was opened.
    first: Vec<f32>,
    frames: u64,
    packets: usize,
    /// More packets than this cannot be.
    most: u64,
    /// Packets that cannot be decoded.
    bad: usize,
    /// Whether the file ends early.
    cut: bool,
}

impl<'a> Track<'a> {
    fn open(input: Input<'a>, codec: Codec, most: u64) -> Result<Self, Reason> {
        let name = codec.name();
        let malformed = |e| malformed(codec, e);
        let stream = MediaSourceStream::new(Box::new(input), Default::default());
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
        let decoder = get_codecs().make_audio_decoder(parameters, &AudioDecoderOptions::default()).map_err(malformed)?;
        let id = track.id;
        let (first, format) = (Vec::new(), None);
        Ok(Track { codec, reader, decoder, id, declared, format, first, frames: 0, packets: 0, most, bad: 0, cut: false })
    }

    /// Decodes the next packet; false behind the last.
    fn step(&mut self, block: &mut Vec<f32>) -> Result<bool, Reason> {
        let name = self.codec.name();
        let packet = match self.reader.next_packet() {
            Ok(Some(packet)) if packet.track_id != self.id => return Ok(true),
            Ok(Some(packet)) => Some(packet),
            Ok(None) => return Ok(false),
            Err(Symphonia::IoError(e)) if e.kind() == ErrorKind::UnexpectedEof => {
                // MPEG has no end mark: its reader always runs into the end.
                self.cut = self.codec != Codec::Mp3;
                return Ok(false);
            }
            Err(Symphonia::DecodeError(_)) => None,
            Err(Symphonia::ResetRequired) => return Err(format!("{name}: several streams in one file are not supported")),
            Err(e) => return Err(malformed(self.codec, e)),
        };
        self.packets += 1;
        // A packet takes at least a byte; more of them would be a reader that does not advance.
        if self.packets as u64 > self.most {
            return Err(format!("{name}: malformed: the reader does not advance"));
        }
        let good = packet.map_or(Ok(false), |packet| self.decode(&packet, block))?;
        self.bad += usize::from(!good);
        Ok(true)
    }

    /// Decodes one packet; false where it is damaged.
    fn decode(&mut self, packet: &Packet, block: &mut Vec<f32>) -> Result<bool, Reason> {
        let decoded = match self.decoder.decode(packet) {
            Ok(decoded) if decoded.frames() == 0 => return Ok(true),
            Ok(decoded) => decoded,
            Err(Symphonia::DecodeError(_) | Symphonia::IoError(_)) => return Ok(false),
            Err(e) => return Err(malformed(self.codec, e)),
        };
        let (rate, channels) = (decoded.spec().rate(), decoded.spec().channels().count());
        let (first_rate, first_channels) = match self.format {
            Some(format) => format,
            None => {
                check_format(rate, channels)?;
                *self.format.insert((rate, channels))
            }
        };
        if (first_rate, first_channels) != (rate, channels) {
            let name = self.codec.name();
            return Err(format!("{name}: changes from {first_rate} Hz, {first_channels} channels to {rate} Hz, {channels} channels"));
        }
        decoded.copy_to_vec_interleaved(block);
        self.frames += decoded.frames() as u64;
        Ok(true)
    }
}

impl Source for Track<'_> {
    fn format(&self) -> (u32, usize) {
        self.format.unwrap_or((1, 1))
    }

    fn frames(&self) -> Option<u64> {
        (self.declared > 0).then_some(self.declared)
    }

    fn next(&mut self, block: &mut Vec<f32>) -> Result<bool, Reason> {
        if !self.first.is_empty() {
            *block = std::mem::take(&mut self.first);
            return Ok(true);
        }
        self.step(block)
    }

    fn notes(&self, ended: bool) -> Result<Notes, Reason> {
        let mut notes = Notes { lost_packets: self.bad, packets: self.packets, ..Notes::default() };
        if ended {
            // An MP3 cut from a longer one starts with frames whose bit reservoir is missing: two are always allowed.
            if self.bad > 2 + self.packets / 10 {
                return Err(format!("{}: {} of {} packets cannot be decoded", self.codec.name(), self.bad, self.packets));
            }
            check_shortfall("samples a channel", self.declared, self.frames)?;
            notes.cut = self.cut || self.frames < self.declared;
            notes.declared_s = (self.frames < self.declared).then(|| self.declared as f64 / f64::from(self.format().0));
        }
        Ok(notes)
    }
}

fn malformed(codec: Codec, e: Symphonia) -> Reason {
    let name = codec.name();
    match e {
        Symphonia::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => format!("{name}: the file ends inside a header"),
        e => format!("{name}: {e}"),
    }
}
