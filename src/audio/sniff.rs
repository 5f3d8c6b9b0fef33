//! What a file is, by its first bytes.

use super::{clip::Reason, input::Input};
use crate::hash::hex;

/// Bytes that [`kind`] looks at.
pub(super) const HEAD: usize = 64;

/// A supported container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// RIFF, RF64 or BW64 with form WAVE.
    Wav,
    /// Read by symphonia.
    Compressed(Codec),
}

/// A container of compressed sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    /// Native FLAC.
    Flac,
    /// MPEG audio layer III.
    Mp3,
    /// Ogg; the codec inside is checked later.
    Ogg,
}

impl Codec {
    /// Its name in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Codec::Flac => "flac",
            Codec::Mp3 => "mp3",
            Codec::Ogg => "ogg",
        }
    }
}

const SUPPORTED: &str = "wav, flac, mp3 and ogg vorbis are supported";

/// First bytes of what is often mistaken for a supported recording: (offset, magic, name).
const KNOWN: &[(usize, &[u8], &str)] = &[
    (0, b"RIFX", "a big-endian wav (RIFX)"),
    (0, b"FORM", "an AIFF"),
    (0, b".snd", "a Sun audio"),
    (0, b"caff", "an Apple CAF"),
    (0, b"NIST_1A", "a NIST SPHERE"),
    (4, b"ftyp", "an MP4 or M4A"),
    (0, b"\x1a\x45\xdf\xa3", "a Matroska or WebM"),
    (0, b"#!AMR", "an AMR"),
    (0, b"MAC ", "a Monkey's Audio"),
    (0, b"wvpk", "a WavPack"),
    (0, b"\x30\x26\xb2\x75", "a Windows Media"),
    (0, b"PK\x03\x04", "a zip"),
    (0, b"\x1f\x8b", "a gzip"),
    (0, b"version https://git-lfs", "a Git LFS pointer (the recording itself was not downloaded)"),
    (0, b"<!DOCTYPE", "an HTML"),
    (0, b"<html", "an HTML"),
];

/// Recognises the container.
///
/// # Errors
/// What the bytes look like instead.
pub(super) fn kind(bytes: &[u8]) -> Result<Kind, Reason> {
    let form = bytes.get(8..12);
    match bytes {
        [b'R', b'I', b'F', b'F', ..] | [b'R', b'F', b'6', b'4', ..] | [b'B', b'W', b'6', b'4', ..] => match form {
            Some(b"WAVE") => Ok(Kind::Wav),
            Some(_) => Err(format!("a RIFF file, but not a wav; {SUPPORTED}")),
            None => Err("wav: the file ends inside its first header".into()),
        },
        [b'f', b'L', b'a', b'C', ..] => Ok(Kind::Compressed(Codec::Flac)),
        [b'O', b'g', b'g', b'S', ..] => Ok(Kind::Compressed(Codec::Ogg)),
        // Frame sync, not the reserved version, layer III, neither the free nor the bad bitrate, not the reserved rate.
        [0xff, b, c, ..] if b & 0xe0 == 0xe0 && b & 0x18 != 0x08 && b & 0x06 == 0x02 && !matches!(c >> 4, 0 | 15) && c & 0x0c != 0x0c => {
            Ok(Kind::Compressed(Codec::Mp3))
        }
        [0xff, b, ..] if b & 0xf6 == 0xf0 => Err(format!("an AAC (ADTS) file; {SUPPORTED}")),
        _ => Err(match KNOWN.iter().find(|(at, magic, _)| bytes.get(*at..).is_some_and(|b| b.starts_with(magic))) {
            Some((_, _, name)) => format!("{name} file; {SUPPORTED}"),
            None => {
                let start = hex(&bytes[..bytes.len().min(4)]);
                format!("not a recording of a known kind (first bytes {start}); {SUPPORTED}")
            }
        }),
    }
}

/// Skips ID3v2 tags (id3.org, ID3v2.4 §3.1: a 28-bit size, 7 bits a byte), which may precede FLAC, MP3 and AAC, and the zeros
/// some writers leave after them.
pub(super) fn skip_id3(mut input: Input<'_>) -> Result<Input<'_>, Reason> {
    let io = |e: std::io::Error| e.to_string();
    while let [b'I', b'D', b'3', _, _, flags, a, b, c, d] = input.peek(10).map_err(io)?[..] {
        let size = [a, b, c, d].iter().fold(0u64, |n, &byte| n << 7 | u64::from(byte & 0x7f));
        let footer = if flags & 0x10 != 0 { 10 } else { 0 };
        let nothing = || format!("an ID3 tag of {size} bytes is longer than the file, or nothing follows it");
        if !input.skip(10 + size + footer).map_err(io)? {
            return Err(nothing());
        }
        loop {
            let ahead = input.peek(64).map_err(io)?;
            let zeros = ahead.iter().take_while(|&&b| b == 0).count();
            if ahead.is_empty() {
                return Err(nothing());
            }
            input.skip(zeros as u64).map_err(io)?;
            if zeros < ahead.len() {
                break;
            }
        }
    }
    Ok(input.rebase(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_content() {
        assert_eq!(kind(b"RIFF\0\0\0\0WAVEfmt "), Ok(Kind::Wav));
        assert_eq!(kind(b"RF64\xff\xff\xff\xffWAVEds64"), Ok(Kind::Wav));
        assert_eq!(kind(b"fLaC\0\0"), Ok(Kind::Compressed(Codec::Flac)));
        assert_eq!(kind(b"OggS\0\0"), Ok(Kind::Compressed(Codec::Ogg)));
        assert_eq!(kind(&[0xff, 0xfb, 0x90, 0x64]), Ok(Kind::Compressed(Codec::Mp3)));
        for (bytes, word) in [
            (&b"\0\0\0\x20ftypM4A "[..], "M4A"),
            (b"RIFF\0\0\0\0AVI ", "not a wav"),
            (b"RIFF", "ends inside"),
            (&[0xff, 0xf1, 0x50, 0x80], "AAC"),
            (b"<!DOCTYPE html>", "HTML"),
            (b"hello", "68656c6c"),
        ] {
            let reason = kind(bytes).unwrap_err();
            assert!(reason.contains(word), "{reason}");
        }
    }

    #[test]
    fn skips_tags() {
        let tagged = [b"ID3\x04\0\0\0\0\x01\x02".to_vec(), vec![7; 130], b"fLaC".to_vec()].concat();
        let mut rest = skip_id3(Input::memory(tagged)).ok().unwrap();
        assert_eq!((rest.left(), rest.peek(9).unwrap()), (Some(4), b"fLaC".to_vec()));
        for bad in [&b"ID3\x04\0\0\x7f\x7f\x7f\x7fabc"[..], b"ID3\x04\0\0\0\0\0\x01a\0\0"] {
            assert!(skip_id3(Input::memory(bad)).is_err());
        }
    }
}
