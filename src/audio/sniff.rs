//! What a file is, by its first bytes.

use super::{clip::Reason, foreign, input::Input};
use crate::hash::hex;

/// Bytes that [`kind`] looks at.
pub(super) const HEAD: usize = 192;

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// RIFF, RF64 or BW64 with form WAVE.
    Wav,
    /// Sun audio.
    Au,
    /// NIST SPHERE.
    Sphere,
    /// Read by symphonia.
    Container(Container),
}

/// A container that symphonia reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    /// Native FLAC.
    Flac,
    /// MPEG audio, layers I to III.
    Mpeg,
    /// AAC frames.
    Adts,
    /// Ogg; the codec inside is checked later, as in the following.
    Ogg,
    /// MP4, M4A and QuickTime.
    Mp4,
    /// Matroska and WebM.
    Mkv,
    /// AIFF and AIFF-C.
    Aiff,
    /// Apple's Core Audio Format.
    Caf,
}

impl Container {
    /// Its name in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Container::Flac => "flac",
            Container::Mpeg => "mp3",
            Container::Adts => "aac",
            Container::Ogg => "ogg",
            Container::Mp4 => "mp4",
            Container::Mkv => "mkv",
            Container::Aiff => "aiff",
            Container::Caf => "caf",
        }
    }
}

/// What is decoded, in words.
const SUPPORTED: &str = "wav, flac, mp3, m4a and mp4, ogg, opus, mkv and webm, aac, aiff, caf, au and sphere are read";

/// Recognises the container.
///
/// # Errors
/// What the bytes look like instead.
pub(super) fn kind(bytes: &[u8]) -> Result<Kind, Reason> {
    use Container::{Adts, Aiff, Caf, Flac, Mkv, Mp4, Mpeg, Ogg};
    let form = bytes.get(8..12);
    if let Some(reason) = foreign::named(bytes) {
        return Err(reason);
    }
    Ok(match bytes {
        [b'R', b'I', b'F', b'F', ..] | [b'R', b'F', b'6', b'4', ..] | [b'B', b'W', b'6', b'4', ..] => match form {
            Some(b"WAVE") => Kind::Wav,
            Some(_) => return Err(format!("a RIFF file, but not a wav; {SUPPORTED}")),
            None => return Err("wav: the file ends inside its first header".into()),
        },
        [b'.', b's', b'n', b'd', ..] => Kind::Au,
        [b'N', b'I', b'S', b'T', b'_', b'1', b'A', ..] => Kind::Sphere,
        [b'f', b'L', b'a', b'C', ..] => Kind::Container(Flac),
        [b'O', b'g', b'g', b'S', ..] => Kind::Container(Ogg),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Kind::Container(Mp4),
        // QuickTime of before 2001 begins with its index or its sound.
        [_, _, _, _, b'm', b'o', b'o', b'v', ..] | [_, _, _, _, b'm', b'd', b'a', b't', ..] => Kind::Container(Mp4),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => Kind::Container(Mkv),
        [b'c', b'a', b'f', b'f', ..] => Kind::Container(Caf),
        [b'F', b'O', b'R', b'M', ..] if matches!(form, Some(b"AIFF" | b"AIFC")) => Kind::Container(Aiff),
        // Frame sync, not the reserved version and layer, neither the free nor the bad bitrate, not the reserved rate.
        [0xff, b, c, ..] if b & 0xe0 == 0xe0 && b & 0x18 != 0x08 && b & 0x06 != 0 && !matches!(c >> 4, 0 | 15) && c & 0x0c != 0x0c => {
            Kind::Container(Mpeg)
        }
        [0xff, b, ..] if b & 0xf6 == 0xf0 => Kind::Container(Adts),
        _ => {
            let start = hex(&bytes[..bytes.len().min(4)]);
            return Err(format!("not a recording of a known kind (first bytes {start}); {SUPPORTED}"));
        }
    })
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
        let container = |bytes: &[u8]| match kind(bytes) {
            Ok(Kind::Container(container)) => container.name(),
            other => panic!("{other:?}"),
        };
        assert_eq!(kind(b"RIFF\0\0\0\0WAVEfmt "), Ok(Kind::Wav));
        assert_eq!(kind(b"RF64\xff\xff\xff\xffWAVEds64"), Ok(Kind::Wav));
        for (bytes, name) in [
            (&b"fLaC\0\0"[..], "flac"),
            (b"OggS\0\0", "ogg"),
            (&[0xff, 0xfb, 0x90, 0x64], "mp3"),
            (&[0xff, 0xfd, 0x90, 0x64], "mp3"),
            (&[0xff, 0xf1, 0x50, 0x80], "aac"),
            (b"\0\0\0\x20ftypM4A ", "mp4"),
            (b"\0\0\0\x20ftypqt  ", "mp4"),
            (b"\x1a\x45\xdf\xa3\x01", "mkv"),
            (b"FORM\0\0\0\0AIFC", "aiff"),
            (b"caff\0\x01\0\0", "caf"),
        ] {
            assert_eq!(container(bytes), name);
        }
        for (bytes, word) in [
            (&b"RIFF\0\0\0\0AVI "[..], "AVI"),
            (b"RIFF\0\0\0\0ACON", "not a wav"),
            (b"RIFF", "ends inside"),
            (b"FORM\0\0\0\08SVX", "known kind"),
            (b"<!DOCTYPE html>", "a web page"),
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
