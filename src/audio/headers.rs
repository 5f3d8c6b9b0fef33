//! Sun audio (au) and NIST SPHERE: a short header, then samples.

use super::{
    clip::{Reason, check_format, check_shortfall},
    foreign,
    input::Input,
    pcm::{Encoding, Layout, Pcm},
    source::fill,
};

/// The longest SPHERE header accepted.
const SPHERE_BYTES: usize = 1 << 16;

/// Opens Sun audio: offset of the samples, their bytes, encoding, rate and channels, all big-endian.
///
/// # Errors
/// An encoding that is not read, or too little of the file.
pub(super) fn au(mut input: Input<'_>) -> Result<Pcm<'_>, Reason> {
    let mut header = [0; 24];
    if fill(&mut input, &mut header)? < header.len() {
        return Err("au: the file ends inside its header".into());
    }
    let field = |n: usize| u32::from_be_bytes([header[4 * n], header[4 * n + 1], header[4 * n + 2], header[4 * n + 3]]);
    let encoding = match field(3) {
        1 => Encoding::MuLaw,
        2 => Encoding::Signed8,
        3 => Encoding::SignedBig(2),
        4 => Encoding::SignedBig(3),
        5 => Encoding::SignedBig(4),
        27 => Encoding::ALaw,
        other => return Err(format!("au: {}", foreign::undecoded(&format!("encoding {other}")))),
    };
    input.skip(u64::from(field(1)).saturating_sub(24)).map_err(|e| e.to_string())?;
    // A recorder that does not know the size beforehand leaves ones.
    let declared = Some(u64::from(field(2))).filter(|&size| size != u64::from(u32::MAX));
    samples(input, "au", encoding, field(4), field(5) as usize, declared)
}

/// Opens NIST SPHERE: lines of name, type and value in a header whose size is in its second line.
///
/// # Errors
/// As [`au`].
pub(super) fn sphere(mut input: Input<'_>) -> Result<Pcm<'_>, Reason> {
    let head = input.peek(16).map_err(|e| e.to_string())?;
    let size = std::str::from_utf8(head.get(8..16).unwrap_or_default()).ok().and_then(|n| n.trim().parse::<usize>().ok());
    let size = size.filter(|n| (16..=SPHERE_BYTES).contains(n)).ok_or("sphere: the header does not say its size")?;
    let mut header = vec![0; size];
    if fill(&mut input, &mut header)? < size {
        return Err("sphere: the file ends inside its header".into());
    }
    let text = String::from_utf8_lossy(&header);
    let value = |name: &str| {
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(name))?;
        line.split_whitespace().nth(2).map(str::to_string)
    };
    let number = |name: &str| value(name).and_then(|v| v.parse::<u64>().ok());
    let missing = |name: &str| format!("sphere: the header does not say {name}");
    let rate = number("sample_rate").ok_or_else(|| missing("sample_rate"))?;
    let channels = number("channel_count").unwrap_or(1) as usize;
    let bytes = number("sample_n_bytes").ok_or_else(|| missing("sample_n_bytes"))?;
    let big = value("sample_byte_format").is_some_and(|order| order.starts_with("10"));
    let encoding = match (value("sample_coding").as_deref().unwrap_or("pcm"), bytes) {
        ("pcm", 1) => Encoding::Signed8,
        ("pcm", 2..=4) if big => Encoding::SignedBig(bytes as usize),
        ("pcm", 2..=4) => Encoding::Signed(bytes as usize),
        ("ulaw" | "mu-law", 1) => Encoding::MuLaw,
        ("alaw", 1) => Encoding::ALaw,
        (coding, _) => return Err(format!("sphere: {}", foreign::undecoded(coding))),
    };
    let declared = number("sample_count").filter(|&n| n > 0).map(|n| n.saturating_mul(channels as u64).saturating_mul(bytes));
    samples(input, "sphere", encoding, u32::try_from(rate).unwrap_or(0), channels, declared)
}

fn samples<'a>(
    input: Input<'a>,
    name: &'static str,
    encoding: Encoding,
    rate: u32,
    channels: usize,
    declared: Option<u64>,
) -> Result<Pcm<'a>, Reason> {
    check_format(rate, channels)?;
    let layout = Layout { encoding, channels, rate, container: encoding.bytes() };
    if let Some(there) = input.left() {
        check_shortfall("bytes of samples", declared.unwrap_or(0), there).map_err(|e| format!("{name}: {e}"))?;
        if declared.unwrap_or(there).min(there) < layout.frame() as u64 {
            return Err(format!("{name}: no samples in the file"));
        }
    }
    Ok(Pcm::new(input, layout, declared, name))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::load_bytes;

    fn au(encoding: u32, size: u32, samples: &[u8]) -> Vec<u8> {
        let fields = [28, size, encoding, 16_000, 1].map(u32::to_be_bytes).concat();
        [b".snd", fields.as_slice(), b"note", samples].concat()
    }

    fn sphere(coding: &str, bytes: u32, order: &str, count: u32, samples: &[u8]) -> Vec<u8> {
        let fields = format!(
            "NIST_1A\n   1024\nchannel_count -i 1\nsample_count -i {count}\nsample_rate -i 16000\nsample_n_bytes -i {bytes}\n\
             sample_byte_format -s2 {order}\nsample_coding -s3 {coding}\nend_head\n"
        );
        [format!("{fields:<1024}").as_bytes(), samples].concat()
    }

    #[test]
    fn samples_behind_a_short_header() {
        let half_and_minus_one = [0x40, 0, 0x80, 0];
        for (name, file) in [
            ("au", au(3, 4, &half_and_minus_one)),
            ("au of unknown size", au(3, u32::MAX, &half_and_minus_one)),
            ("sphere, big-endian", sphere("pcm", 2, "10", 2, &half_and_minus_one)),
            ("sphere, little-endian", sphere("pcm", 2, "01", 2, &[0, 0x40, 0, 0x80])),
        ] {
            let clip = load_bytes(Path::new(name), &file).unwrap();
            assert_eq!((clip.samples.as_slice(), clip.source_rate, clip.notes.cut), (&[0.5, -1.0][..], 16_000, false), "{name}");
        }
        for file in [au(3, 6, &half_and_minus_one), sphere("pcm", 2, "10", 3, &half_and_minus_one)] {
            assert!(load_bytes(Path::new("cut"), &file).unwrap().notes.cut);
        }
    }

    #[test]
    fn what_is_wrong_with_a_short_header_is_named() {
        for (file, word) in [
            (au(23, 4, &[0; 4]), "encoding 23 is not decoded"),
            (au(3, 400, &[0; 4]), "declares 400"),
            (au(3, 0, &[]), "no samples"),
            (b".snd\0\0\0\x18".to_vec(), "ends inside"),
            (sphere("pcm,embedded-shorten-v2.00", 2, "10", 2, &[0; 4]), "shorten-v2.00 is not decoded"),
            (b"NIST_1A\n   9999999\n".to_vec(), "its size"),
            (b"NIST_1A\n   1024\n".to_vec(), "ends inside"),
            (sphere("pcm", 9, "10", 2, &[0; 4]), "not decoded"),
        ] {
            let error = load_bytes(Path::new("bad"), &file).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
