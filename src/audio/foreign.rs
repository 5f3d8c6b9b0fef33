//! Recordings that are not decoded here, named by their codec, and what to do with them.

use std::path::Path;

use symphonia::core::codecs::audio::{
    AudioCodecId,
    well_known::{
        CODEC_ID_AAC, CODEC_ID_AC3, CODEC_ID_DCA, CODEC_ID_EAC3, CODEC_ID_MUSEPACK, CODEC_ID_OPUS, CODEC_ID_SPEEX, CODEC_ID_TRUEHD,
        CODEC_ID_TTA, CODEC_ID_WAVPACK,
    },
};

use crate::foreign::{self, Foreign};
use crate::text::shell;

/// Ends a reason whose file ffmpeg can convert; [`advice`] says how.
pub(super) const CONVERT: &str = "convert it first";

/// What follows a reason that ends with [`CONVERT`]: the command for the recording at `path`.
pub(super) fn advice(path: &Path) -> String {
    if path == Path::new("-") {
        return ": ffmpeg -i - -vn -f wav -".into();
    }
    let wav = path.with_extension("wav");
    // A file whose name ends with wav already must not be written over.
    let wav = if wav == path { path.with_extension("pcm.wav") } else { wav };
    format!(": ffmpeg -i {} -vn {}", shell(path), shell(&wav))
}

/// First bytes: (offset, magic, what it is, whether ffmpeg reads it).
const MAGIC: &[(usize, &[u8], &str, bool)] = &[
    (0, b"#!AMR-WB", "AMR-WB (a telephone's voice memo)", true),
    (0, b"#!AMR", "AMR (a telephone's voice memo)", true),
    (0, b"\x30\x26\xb2\x75", "Windows Media (WMA)", true),
    (0, b"\x0b\x77", "AC-3 (Dolby Digital)", true),
    (0, b"\x7f\xfe\x80\x01", "DTS", true),
    (0, b"DSD ", "DSD (dsf)", true),
    (0, b"FRM8", "DSD (dff)", true),
    (0, b"MAC ", "Monkey's Audio", true),
    (0, b"wvpk", "WavPack", true),
    (0, b"TTA1", "True Audio", true),
    (0, b"MPCK", "Musepack", true),
    (0, b"MP+", "Musepack", true),
    (0, b".RMF", "RealMedia", true),
    (0, b".ra\xfd", "RealAudio", true),
    (0, b"FLV\x01", "Flash Video", true),
    (8, b"AVI ", "AVI", true),
    (0, b"\x00\x00\x01\xba", "an MPEG film (program stream)", true),
    (0, b"RIFX", "a big-endian wav (RIFX)", true),
    (0, b"Creative Voice File", "a Creative voice file (voc)", true),
    (28, b"Speex   ", "Speex", true),
    (0, b"riff\x2e\x91\xcf\x11", "Sony Wave64", true),
    (0, b"#!SILK", "Skype's SILK, which ffmpeg does not read either", false),
    (1, b"#!SILK", "Skype's SILK, which ffmpeg does not read either", false),
    (0, b"MThd", "a MIDI file, which holds notes and no sound", false),
    (0, b"\x00\x05\x16\x07", "a Mac's resource file (._), not the recording itself", false),
];

/// What `head` begins with, where it is known, as the reason for not reading it.
pub(super) fn named(head: &[u8]) -> Option<String> {
    if head.first() == Some(&0x47) && head.get(188) == Some(&0x47) {
        return Some(undecoded("an MPEG transport stream"));
    }
    match MAGIC.iter().find(|(at, magic, ..)| head.get(*at..).is_some_and(|b| b.starts_with(magic))) {
        Some((.., name, true)) => Some(undecoded(name)),
        Some((.., name, false)) => Some(format!("this is {name}")),
        None => silent(head),
    }
}

/// What begins so where it is no sound at all.
fn silent(head: &[u8]) -> Option<String> {
    let foreign = foreign::what(head, "")?;
    match foreign {
        Foreign::Zip | Foreign::Torch | Foreign::Archive(_) => Some(format!("this is {foreign}: unpack it")),
        Foreign::Document(_) | Foreign::Network(_) | Foreign::Page | Foreign::LfsPointer => Some(format!("this is {foreign}")),
        // What a pickle begins with may begin a recording, and any text is none.
        Foreign::Pickle | Foreign::Empty | Foreign::Recording | Foreign::Text => None,
    }
}

/// The reason for not reading `codec`.
pub(super) fn undecoded(codec: &str) -> String {
    format!("{codec} is not decoded; {CONVERT}")
}

/// Name of a codec of symphonia's list, of those that people meet.
pub(super) fn codec(id: AudioCodecId) -> Option<&'static str> {
    Some(match id {
        CODEC_ID_AC3 => "AC-3",
        CODEC_ID_EAC3 => "E-AC-3",
        CODEC_ID_DCA => "DTS",
        CODEC_ID_TRUEHD => "TrueHD",
        CODEC_ID_SPEEX => "Speex",
        CODEC_ID_WAVPACK => "WavPack",
        CODEC_ID_TTA => "True Audio",
        CODEC_ID_MUSEPACK => "Musepack",
        CODEC_ID_AAC => "AAC of this kind (more than two channels, or not LC)",
        CODEC_ID_OPUS => "Opus of this kind",
        _ => return None,
    })
}

/// Name of a codec by its tag in a wav's header.
pub(super) fn wav_tag(tag: u16) -> String {
    match tag {
        0x14 | 0x42 | 0x111 => "G.723".into(),
        0x20 => "Yamaha ADPCM".into(),
        0x22 => "TrueSpeech".into(),
        0x31 => "GSM 6.10".into(),
        0x40 | 0x45 | 0x64 => "G.726 ADPCM".into(),
        0x65 | 0x28f => "G.722".into(),
        0x75 => "Voxware".into(),
        0x83 => "G.729".into(),
        0x92 | 0x2000 => "AC-3".into(),
        0x130..=0x133 => "ACELP".into(),
        0x160..=0x163 => "WMA".into(),
        0x270 => "ATRAC3".into(),
        0xff | 0x706d | 0xa106 => "AAC inside wav".into(),
        0x2001 => "DTS".into(),
        0x566f | 0x674f..=0x6771 => "Vorbis inside wav".into(),
        0xa109 => "Speex".into(),
        0xf1ac => "FLAC inside wav".into(),
        _ => format!("encoding {tag:#06x}"),
    }
}

/// Name of a codec by its four letters in MP4 or CAF.
pub(super) fn four_letters(letters: &[u8]) -> String {
    match letters {
        b"samr" => "AMR".into(),
        b"sawb" | b"sawp" => "AMR-WB".into(),
        b"ac-3" => "AC-3".into(),
        b"ec-3" => "E-AC-3".into(),
        b"dtsc" | b"dtsh" | b"dtsl" => "DTS".into(),
        b"ima4" => "IMA ADPCM (QuickTime)".into(),
        b"MAC3" | b"MAC6" => "MACE".into(),
        b"agsm" => "GSM 6.10".into(),
        b"QDM2" | b"QDMC" => "QDesign Music".into(),
        b"Qclp" | b"sqcp" => "Qualcomm PureVoice".into(),
        b"ilbc" => "iLBC".into(),
        b"drms" | b"enca" => "protected (encrypted) sound".into(),
        b"mp4a" => "this kind of AAC".into(),
        b"alac" => "ALAC as QuickTime keeps it".into(),
        _ => format!("codec {}", String::from_utf8_lossy(letters).escape_debug()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_is_a_command_that_a_shell_takes_as_it_stands() {
        for (path, wav) in
            [("a/memo.amr", "a/memo.wav"), ("my memo's.wma", "my memo's.wav"), ("-x.amr", "-x.wav"), ("gsm.wav", "gsm.pcm.wav")]
        {
            let command = format!(": ffmpeg -i {} -vn {}", shell(Path::new(path)), shell(Path::new(wav)));
            assert_eq!(advice(Path::new(path)), command);
        }
        assert_eq!(advice(Path::new("-x.amr")), ": ffmpeg -i ./-x.amr -vn ./-x.wav");
        assert_ne!(shell(Path::new("my memo's.wma")), "my memo's.wma");
        assert_eq!(advice(Path::new("-")), ": ffmpeg -i - -vn -f wav -");
    }

    #[test]
    fn codecs_are_named() {
        let stream = [&b"OggS"[..], &[0; 24], b"Speex   "].concat();
        let mut transport = vec![0; 200];
        (transport[0], transport[188]) = (0x47, 0x47);
        for (head, word, convertible) in [
            (&b"#!AMR\n"[..], "AMR", true),
            (b"\x30\x26\xb2\x75\x8e\x66", "WMA", true),
            (b"RIFF\0\0\0\0AVI LIST", "AVI", true),
            (b"\x02#!SILK_V3", "SILK", false),
            (&stream, "Speex", true),
            (&transport, "transport stream", true),
            (b"PK\x03\x04", "a zip archive: unpack it", false),
            (b"Rar!\x1a\x07\x01", "a rar archive: unpack it", false),
            (b"\n<HTML><head>", "a web page", false),
            (b"version https://git-lfs.github.com", "Git LFS", false),
            (b"\0\x05\x16\x07\0\x02", "resource file", false),
        ] {
            let reason = named(head).unwrap();
            assert!(reason.contains(word) && reason.ends_with(CONVERT) == convertible, "{reason}");
        }
        assert_eq!(named(b"RIFF"), None);
        assert!(wav_tag(0x31).contains("GSM") && four_letters(b"samr") == "AMR" && wav_tag(0x1234).contains("0x1234"));
    }
}
