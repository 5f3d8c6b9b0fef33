//! The text of a manifest's bytes, whatever program wrote them.

use chardetng::EncodingDetector;
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

/// What is mistaken for a table: first bytes, and what it is.
const BINARY: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "an Excel or LibreOffice workbook, or a zip; save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save the sheet as CSV"),
    (b"RIFF", "a recording, not a list of recordings"),
    (b"fLaC", "a recording, not a list of recordings"),
    (b"\x1f\x8b", "a gzip; unpack it first"),
    (b"PAR1", "a Parquet table; write it as CSV"),
    (b"SQLite format 3", "an SQLite database; write the table as CSV"),
];

/// Decodes a manifest: UTF-8, UTF-16 with or without a mark, or else what its bytes look most like, which the note says.
///
/// # Errors
/// What the bytes are instead of a text.
pub(super) fn decode(bytes: &[u8]) -> Result<(String, Option<String>), String> {
    if let Some((_, what)) = BINARY.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err((*what).into());
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return converted(encoding, &bytes[mark..]).map(|text| (text, None));
    }
    let zeros = |odd: usize| bytes.iter().skip(odd).step_by(2).filter(|b| **b == 0).count() * 4 > bytes.len();
    match bytes.len() >= 4 && bytes.len().is_multiple_of(2) {
        true if zeros(1) => return converted(UTF_16LE, bytes).map(|text| (text, None)),
        true if zeros(0) => return converted(UTF_16BE, bytes).map(|text| (text, None)),
        _ => {}
    }
    if bytes.contains(&0) {
        return Err("not a text: it holds zero bytes".into());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok((text.into(), None));
    }
    let mut detector = EncodingDetector::new();
    detector.feed(bytes, true);
    let encoding = detector.guess(None, false);
    let text = converted(encoding, bytes)?;
    Ok((text, Some(format!("not UTF-8: read as {}; save it as UTF-8 if names come out wrong", encoding.name()))))
}

fn converted(encoding: &'static Encoding, bytes: &[u8]) -> Result<String, String> {
    let (text, bad) = encoding.decode_without_bom_handling(bytes);
    match bad {
        true => Err(format!("not a text in {}, which it begins as or looks like; save it as UTF-8", encoding.name())),
        false => Ok(text.trim_start_matches('\u{feff}').to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_apart() {
        let text = "path;label\nmüde.wav;glücklich\nzoë.wav;ärgerlich\n";
        let wide = |of: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(of).collect::<Vec<u8>>();
        let latin: Vec<u8> = text.chars().map(|c| c as u32 as u8).collect();
        for (bytes, noted) in [
            (text.as_bytes().to_vec(), false),
            ([b"\xef\xbb\xbf", text.as_bytes()].concat(), false),
            ([b"\xff\xfe".to_vec(), wide(u16::to_le_bytes)].concat(), false),
            ([b"\xfe\xff".to_vec(), wide(u16::to_be_bytes)].concat(), false),
            (wide(u16::to_le_bytes), false),
            (wide(u16::to_be_bytes), false),
            (latin, true),
        ] {
            let (got, note) = decode(&bytes).unwrap();
            assert_eq!((got.as_str(), note.is_some()), (text, noted));
        }
        for (bytes, word) in
            [(&b"PK\x03\x04rest"[..], "workbook"), (b"RIFF0000WAVE", "recording"), (b"a\0b,c", "zero"), (b"\xff\xfea\0b", "UTF-16")]
        {
            assert!(decode(bytes).unwrap_err().contains(word), "{word}");
        }
    }
}
