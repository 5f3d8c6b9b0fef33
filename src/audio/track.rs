//! The sound track of a container, through symphonia.

use std::{io::ErrorKind, sync::OnceLock};

use symphonia::{
    core::{
        codecs::{
            CodecParameters,
            audio::{
                AudioCodecParameters, AudioDecoder, AudioDecoderOptions,
                well_known::{CODEC_ID_AAC, CODEC_ID_ALAC, CODEC_ID_PCM_ALAW, CODEC_ID_PCM_MULAW},
            },
            registry::CodecRegistry,
        },
        errors::Error as Symphonia,
        formats::{FormatOptions, FormatReader, Track as Description, TrackType},
        io::MediaSourceStream,
        packet::Packet,
    },
    default::{
        formats::{AdtsReader, AiffReader, CafReader, FlacReader, IsoMp4Reader, MkvReader, MpaReader, OggReader},
        register_enabled_codecs,
    },
};

use super::{
    aac,
    clip::{Reason, check_format, check_shortfall},
    facts::{self, Facts},
    foreign,
    input::Input,
    notes::Notes,
    opus,
    sniff::Container,
    source::Source,
};

/// Sound behind the declared end that is the padding of a last packet, in seconds. More of it is sound, and the declaration wrong.
const PADDING_S: f64 = 0.13;

/// Bytes of a tag that some writers put at the end.
const ID3V1: u64 = 128;
/// The most frames that a packet may hold.
const LONGEST_PACKET: u64 = 1 << 20;

/// Opens the first audio track of `input`, which was recognised as `container` and should have `declared` bytes, where that is known.
///
/// # Errors
/// One line; see the damage rule of the module.
pub(super) fn open(mut input: Input<'_>, container: Container, declared: Option<u64>) -> Result<Track<'_>, Reason> {
    let there = input.left().unwrap_or(u64::MAX);
    let mut facts = facts::of(&mut input, container)?;
    facts.ends_at = facts.ends_at.max(declared.unwrap_or(0));
    check_shortfall("bytes", facts.ends_at, there).map_err(|e| format!("{}: {e}", container.name()))?;
    let mut track = Track::new(input, container, facts, there)?;
    // The first samples say what the format really is.
    let mut block = Vec::new();
    while block.is_empty() {
        if !track.step(&mut block)? {
            return Err(match (track.bad, track.packets) {
                (0, _) if track.facts.ends_at > there => format!("{}: cut short: the file ends before its sound", container.name()),
                (0, _) => format!("{}: no samples in the file", container.name()),
                (bad, all) => format!("{}: {bad} of {all} packets cannot be decoded", container.name()),
            });
        }
    }
    track.first = block;
    Ok(track)
}

/// Decoders of symphonia, and that of Opus.
fn codecs() -> &'static CodecRegistry {
    static CODECS: OnceLock<CodecRegistry> = OnceLock::new();
    CODECS.get_or_init(|| {
        let mut codecs = CodecRegistry::new();
        register_enabled_codecs(&mut codecs);
        codecs.register_audio_decoder::<opus::Decoder>();
        codecs
    })
}

/// An audio track while it is decoded.
pub(super) struct Track<'a> {
    container: Container,
    reader: Box<dyn FormatReader + 'a>,
    decoder: Box<dyn AudioDecoder>,
    id: u32,
    tracks: usize,
    facts: Facts,
    /// Frames that the header declares, 0 where it does not say.
    declared: u64,
    /// HE-AAC of which only the core is decoded.
    core_only: bool,
    /// Rate and channels, known with the first packet.
    format: Option<(u32, usize)>,
    /// Frames decoded when the track was opened.
    first: Vec<f32>,
    /// Frames decoded, those dropped included.
    frames: u64,
    /// Frames behind the declared end, until it is known whether they are padding.
    held: Vec<f32>,
    packets: usize,
    /// Bytes of all packets.
    packet_bytes: u64,
    /// Bytes of the file: more packets than this cannot be.
    bytes: u64,
    /// Packets that cannot be decoded.
    bad: usize,
    /// Whether the file ends early.
    cut: bool,
}

impl<'a> Track<'a> {
    fn new(input: Input<'a>, container: Container, facts: Facts, bytes: u64) -> Result<Self, Reason> {
        let malformed = |e| malformed(container, e);
        let stream = MediaSourceStream::new(Box::new(input), Default::default());
        let options = FormatOptions::default();
        let reader: Box<dyn FormatReader + 'a> = match container {
            Container::Flac => Box::new(FlacReader::try_new(stream, options).map_err(malformed)?),
            Container::Mpeg => Box::new(MpaReader::try_new(stream, options).map_err(malformed)?),
            Container::Adts => Box::new(AdtsReader::try_new(stream, options).map_err(malformed)?),
            Container::Ogg => Box::new(OggReader::try_new(stream, options).map_err(malformed)?),
            Container::Mp4 => Box::new(IsoMp4Reader::try_new(stream, options).map_err(malformed)?),
            Container::Mkv => Box::new(MkvReader::try_new(stream, options).map_err(malformed)?),
            Container::Aiff => Box::new(AiffReader::try_new(stream, options).map_err(malformed)?),
            Container::Caf => Box::new(CafReader::try_new(stream, options).map_err(malformed)?),
        };
        let sound: Vec<&Description> = reader.tracks().iter().filter(|t| is_sound(t)).collect();
        let unread = || undecoded(container, reader.tracks(), &facts);
        let mut made = None;
        for track in &sound {
            let Some(CodecParameters::Audio(parameters)) = &track.codec_params else { continue };
            if let Ok((decoder, core_only)) = decoder(parameters) {
                made = Some((*track, parameters, decoder, core_only));
                break;
            }
        }
        let (track, parameters, decoder, core_only) = made.ok_or_else(unread)?;
        // MP4 has no room for rates above 65,535 Hz and writes 0; the decoder knows.
        if let (Some(rate), Some(channels)) = (parameters.sample_rate.filter(|&rate| rate > 0), &parameters.channels) {
            check_format(rate, channels.count())?;
        }
        let (id, tracks) = (track.id, sound.len());
        // Elsewhere the number is an estimate, or read from the file's own end.
        let declared = if facts.counted { track.num_frames.unwrap_or(0) } else { 0 };
        let mut facts = facts;
        if container == Container::Mkv {
            facts.length_s = length(reader.as_ref());
        }
        let (first, held, format) = (Vec::new(), Vec::new(), None);
        let (frames, packets, packet_bytes, bad, cut) = (0, 0, 0, 0, false);
        Ok(Track {
            container,
            reader,
            decoder,
            id,
            tracks,
            facts,
            declared,
            core_only,
            format,
            first,
            frames,
            held,
            packets,
            packet_bytes,
            bytes,
            bad,
            cut,
        })
    }

    /// Decodes the next packet; false behind the last.
    fn step(&mut self, block: &mut Vec<f32>) -> Result<bool, Reason> {
        let name = self.container.name();
        let packet = match self.reader.next_packet() {
            Ok(Some(packet)) if packet.track_id != self.id => return Ok(true),
            Ok(Some(packet)) => {
                self.packet_bytes += packet.data.len() as u64;
                Some(packet)
            }
            Ok(None) => return Ok(false),
            Err(Symphonia::IoError(e)) if e.kind() == ErrorKind::UnexpectedEof => {
                // MPEG and AAC frames and live Matroska have no end mark: their readers always run into the end.
                self.cut = !matches!(self.container, Container::Mpeg | Container::Adts | Container::Mkv);
                return Ok(false);
            }
            Err(Symphonia::DecodeError(_)) => None,
            Err(Symphonia::ResetRequired) => {
                self.follow()?;
                return Ok(true);
            }
            Err(e) => return Err(malformed(self.container, e)),
        };
        self.packets += 1;
        // A packet takes at least a byte; more of them would be a reader that does not advance.
        if self.packets as u64 > self.bytes {
            return Err(format!("{name}: malformed: the reader does not advance"));
        }
        let mut samples = Vec::new();
        let good = packet.map_or(Ok(false), |packet| self.decode(&packet, &mut samples))?;
        self.bad += usize::from(!good);
        self.keep(samples, block);
        Ok(true)
    }

    /// Goes on with the next of several recordings that were put one behind the other.
    fn follow(&mut self) -> Result<(), Reason> {
        let next = self.reader.tracks().iter().find(|t| is_sound(t));
        let Some((id, Some(CodecParameters::Audio(parameters)))) = next.map(|t| (t.id, &t.codec_params)) else {
            return Err(format!("{}: the second of several recordings in one file has no sound", self.container.name()));
        };
        let (decoder, _) = decoder(parameters).map_err(|e| malformed(self.container, e))?;
        (self.id, self.decoder) = (id, decoder);
        Ok(())
    }

    /// Decodes one packet; false where it is damaged.
    fn decode(&mut self, packet: &Packet, samples: &mut Vec<f32>) -> Result<bool, Reason> {
        let decoded = match self.decoder.decode(packet) {
            Ok(decoded) if decoded.frames() == 0 => return Ok(true),
            Ok(decoded) => decoded,
            Err(Symphonia::DecodeError(_) | Symphonia::IoError(_)) => return Ok(false),
            Err(e) => return Err(malformed(self.container, e)),
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
            let name = self.container.name();
            return Err(format!("{name}: changes from {first_rate} Hz, {first_channels} channels to {rate} Hz, {channels} channels"));
        }
        decoded.copy_to_vec_interleaved(samples);
        Ok(true)
    }

    /// Appends to `block` what of `samples` lies between the encoder's delay and its padding.
    fn keep(&mut self, mut samples: Vec<f32>, block: &mut Vec<f32>) {
        let Some((rate, channels)) = self.format else { return };
        let (count, at) = ((samples.len() / channels) as u64, self.frames);
        self.frames += count;
        let frames = |s: f64| (s * f64::from(rate)).round() as u64;
        let start = frames(self.facts.start_s);
        let dropped = start.saturating_sub(at).min(count);
        samples.drain(..dropped as usize * channels);
        let Some(length_s) = self.facts.length_s else { return block.append(&mut samples) };
        let end = start.saturating_add(frames(length_s));
        let inside = end.saturating_sub(at + dropped).min(count - dropped) as usize * channels;
        self.held.extend(samples.drain(inside..));
        block.append(&mut samples);
        if self.held.len() > frames(PADDING_S) as usize * channels {
            block.append(&mut self.held);
            self.facts.length_s = None;
        }
    }

    /// Frames of sound so far.
    fn heard(&self) -> u64 {
        let (rate, channels) = self.format();
        let start = (self.facts.start_s * f64::from(rate)).round() as u64;
        self.frames.saturating_sub(start).saturating_sub((self.held.len() / channels) as u64)
    }
}

impl Source for Track<'_> {
    fn format(&self) -> (u32, usize) {
        self.format.unwrap_or((1, 1))
    }

    fn frames(&self) -> Option<u64> {
        let declared = self.facts.length_s.map(|s| (s * f64::from(self.format().0)).round() as u64);
        declared.or((self.declared > 0).then_some(self.declared))
    }

    fn next(&mut self, block: &mut Vec<f32>) -> Result<bool, Reason> {
        if !self.first.is_empty() {
            *block = std::mem::take(&mut self.first);
            return Ok(true);
        }
        self.step(block)
    }

    fn notes(&self, ended: bool) -> Result<Notes, Reason> {
        let rate = f64::from(self.format().0);
        let band_limit_hz = self.core_only.then_some(self.format().0 / 2);
        let mut notes = Notes { lost_packets: self.bad, packets: self.packets, tracks: self.tracks, band_limit_hz, ..Notes::default() };
        let missing_bytes = self.facts.ends_at > self.bytes;
        notes.cut = missing_bytes || self.facts.open_end;
        if ended {
            let heard = self.heard();
            // An MP3 cut from a longer one starts with frames whose bit reservoir is missing: two are always allowed.
            if self.bad > 2 + self.packets / 10 {
                return Err(format!("{}: {} of {} packets cannot be decoded", self.container.name(), self.bad, self.packets));
            }
            check_shortfall("samples a channel", self.declared, heard)?;
            // Less than a tag is left behind the last whole frame.
            let rest =
                self.facts.starts_at.filter(|_| self.declared == 0).map_or(0, |at| self.bytes.saturating_sub(at + self.packet_bytes));
            notes.cut |= self.cut || heard < self.declared || (rest > 0 && rest != ID3V1);
            let declared_s = self.facts.length_s.or((self.declared > 0).then_some(self.declared as f64 / rate));
            notes.declared_s = declared_s.filter(|&s| notes.cut && s > heard as f64 / rate);
        }
        Ok(notes)
    }
}

fn is_sound(track: &Description) -> bool {
    track.track_type() == Some(TrackType::Audio)
}

/// A decoder, and whether it leaves out the upper band of HE-AAC.
fn decoder(parameters: &AudioCodecParameters) -> Result<(Box<dyn AudioDecoder>, bool), Symphonia> {
    let core = parameters.extra_data.as_deref().filter(|_| parameters.codec == CODEC_ID_AAC).and_then(aac::core);
    let core_only = core.is_some();
    let mut parameters = parameters.clone();
    if let Some(core) = core {
        parameters.with_extra_data(core);
    }
    if matches!(parameters.codec, CODEC_ID_PCM_ALAW | CODEC_ID_PCM_MULAW) {
        // CAF gives the 8 bits that are stored, the decoder expects the 16 that it makes.
        (parameters.bits_per_sample, parameters.bits_per_coded_sample) = (None, None);
    }
    // Decoders allocate by these.
    let alac = parameters.extra_data.as_deref().filter(|_| parameters.codec == CODEC_ID_ALAC).and_then(|cookie| cookie.first_chunk());
    let frames = parameters.max_frames_per_packet.unwrap_or(0).max(u64::from(alac.map_or(0, |n| u32::from_be_bytes(*n))));
    if frames > LONGEST_PACKET {
        return Err(Symphonia::LimitError("packets of more than a million frames"));
    }
    let decoder = codecs().make_audio_decoder(&parameters, &AudioDecoderOptions::default())?;
    Ok((decoder, core_only))
}

/// Length of a recording in seconds, where it is said.
fn length(reader: &dyn FormatReader) -> Option<f64> {
    let info = reader.media_info();
    let time = info.time_base?.calc_duration(info.duration?)?;
    Some(time.as_secs_f64()).filter(|s| s.is_finite() && *s > 0.0)
}

/// Why no track is decoded.
fn undecoded(container: Container, tracks: &[Description], facts: &Facts) -> Reason {
    let name = container.name();
    let video = tracks.iter().any(|t| t.track_type() == Some(TrackType::Video));
    let codec = tracks.iter().filter(|t| is_sound(t)).find_map(|t| match &t.codec_params {
        Some(CodecParameters::Audio(parameters)) => foreign::codec(parameters.codec),
        _ => None,
    });
    match codec.map(String::from).or_else(|| facts.codec.clone()) {
        Some(codec) => format!("{name}: {}", foreign::undecoded(&codec)),
        None if video => format!("{name}: a film without sound"),
        None => format!("{name}: no audio track of a known codec; {}", foreign::CONVERT),
    }
}

fn malformed(container: Container, e: Symphonia) -> Reason {
    let name = container.name();
    match e {
        Symphonia::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => format!("{name}: the file ends inside a header"),
        Symphonia::Unsupported(what) => format!("{name}: {what}: {}", foreign::undecoded("this")),
        e => format!("{name}: {e}"),
    }
}
