//! flac, mp3 and ogg vorbis, through symphonia.

use std::io::{Cursor, ErrorKind};

use symphonia::{
    core::{
        codecs::{CodecParameters, audio::AudioDecoderOptions},
        errors::Error as Symphonia,
        formats::{FormatOptions, FormatReader, TrackType},
        io::MediaSourceStream,
    },
    default::{
        formats::{FlacReader, MpaReader, OggReader},
        get_codecs,
    },
};

use super::{Clip, Reason, SAMPLE_RATE, check_format, check_shortfall, resample::Mono16k, sniff::Codec};

/// Decodes the first audio track of `bytes`, which were recognised as `codec`.
///
/// # Errors
/// One line; see the damage rule of the module.
pub(super) fn decode(bytes: &[u8], codec: Codec) -> Result<Clip, Reason> {
    let name = match codec {
        Codec::Flac => "flac",
        Codec::Mp3 => "mp3",
        Codec::Ogg => "ogg",
    };
    let malformed = |e: Symphonia| match e {
        Symphonia::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => format!("{name}: the file ends inside a header"),
        e => format!("{name}: {e}"),
    };
    let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
    let options = FormatOptions::default();
    let mut reader: Box<dyn FormatReader + '_> = match codec {
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
        super::check_length(declared, rate)?;
    }
    let track_id = track.id;
    let mut decoder = get_codecs().make_audio_decoder(parameters, &AudioDecoderOptions::default()).map_err(malformed)?;

    let mut mono: Option<Mono16k> = None;
    let mut interleaved = Vec::new();
    let (mut packets, mut bad, mut cut) = (0usize, 0usize, false);
    loop {
        let packet = match reader.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            Err(Symphonia::IoError(e)) if e.kind() == ErrorKind::UnexpectedEof => {
                // MPEG has no end mark: its reader always runs into the end.
                cut = codec != Codec::Mp3;
                break;
            }
            Err(Symphonia::DecodeError(_)) => {
                (packets, bad) = (packets + 1, bad + 1);
                if packets > bytes.len() {
                    break;
                }
                continue;
            }
            Err(Symphonia::ResetRequired) => return Err(format!("{name}: several streams in one file are not supported")),
            Err(e) => return Err(malformed(e)),
        };
        if packet.track_id != track_id {
            continue;
        }
        packets += 1;
        // A packet takes at least a byte; more of them would be a reader that does not advance.
        if packets > bytes.len() {
            return Err(format!("{name}: malformed: the reader does not advance"));
        }
        match decoder.decode(&packet) {
            Ok(decoded) if decoded.frames() == 0 => {}
            Ok(decoded) => {
                let (rate, channels) = (decoded.spec().rate(), decoded.spec().channels().count());
                let sink = match &mut mono {
                    Some(sink) if (sink.rate(), sink.channels()) != (rate, channels) => {
                        return Err(format!(
                            "{name}: changes from {} Hz, {} channels to {rate} Hz, {channels} channels",
                            sink.rate(),
                            sink.channels()
                        ));
                    }
                    Some(sink) => sink,
                    None => mono.insert(Mono16k::new(rate, channels, 0)?),
                };
                decoded.copy_to_vec_interleaved(&mut interleaved);
                sink.push(&interleaved)?;
            }
            Err(Symphonia::DecodeError(_) | Symphonia::IoError(_)) => bad += 1,
            Err(e) => return Err(malformed(e)),
        }
    }
    let Some(mono) = mono else {
        return Err(format!("{name}: no samples in the file"));
    };
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
