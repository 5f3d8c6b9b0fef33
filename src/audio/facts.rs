//! What a container says of its sound besides the packets: where its file must end, what to drop at both ends, the codec's name.
//! Symphonia reads the packets; of these facts it gives none.

use std::io::{Read, Seek, SeekFrom};

use super::{
    clip::Reason,
    foreign,
    input::Input,
    mpeg,
    sniff::{Container, HEAD},
};

/// What a container says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Facts {
    /// Bytes that the file must have, where the container says.
    pub(super) ends_at: u64,
    /// Whether it ends inside a frame, a page or a block.
    pub(super) open_end: bool,
    /// Where the frames begin, in a container of frames alone.
    pub(super) starts_at: Option<u64>,
    /// Seconds to drop before the sound, the encoder's delay, and seconds of sound after that.
    pub(super) start_s: f64,
    pub(super) length_s: Option<f64>,
    /// What the first audio track is encoded as, where that is not decoded.
    pub(super) codec: Option<String>,
    /// Whether the frames are counted in a header.
    pub(super) counted: bool,
}

/// The most of a header that is read.
const HEADER: u64 = 16 << 20;

/// Looks through the container that `input` holds, and goes back to its beginning.
///
/// # Errors
/// An index that was cut off.
pub(super) fn of(input: &mut Input<'_>, container: Container) -> Result<Facts, Reason> {
    let io = |e: std::io::Error| e.to_string();
    let facts = match container {
        Container::Mp4 => mp4(input)?,
        Container::Mkv => mkv(input).map_err(io)?,
        Container::Caf => caf(input).map_err(io)?,
        Container::Aiff => Facts { ends_at: u64::from(u32_at(&input.peek(8).map_err(io)?, 4)) + 8, counted: true, ..Facts::default() },
        Container::Ogg => Facts { open_end: !ogg_ends(&tail(input).map_err(io)?), ..Facts::default() },
        Container::Mpeg => {
            let counted = mpeg::declares_length(&input.peek(HEAD).map_err(io)?);
            Facts { counted, open_end: !counted && mpeg::ends_inside(&tail(input).map_err(io)?, mpeg::frame), ..Facts::default() }
        }
        Container::Adts => Facts { open_end: mpeg::ends_inside(&tail(input).map_err(io)?, mpeg::adts), ..Facts::default() },
        Container::Flac => Facts { counted: true, starts_at: Some(flac(input).map_err(io)?), ..Facts::default() },
    };
    input.seek(SeekFrom::Start(0)).map_err(io)?;
    Ok(facts)
}

/// The last bytes.
fn tail(input: &mut Input<'_>) -> std::io::Result<Vec<u8>> {
    let left = input.left().unwrap_or(0);
    input.seek(SeekFrom::Start(left.saturating_sub(mpeg::TAIL * 4)))?;
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether the last page (RFC 3533 §6) is whole. Some recorders do not mark the last as such, so that says nothing.
fn ogg_ends(tail: &[u8]) -> bool {
    let Some(last) = tail.windows(4).rposition(|w| w == b"OggS") else { return false };
    let page = &tail[last..];
    let segments = usize::from(page.get(26).copied().unwrap_or(255));
    let Some(sizes) = page.get(27..27 + segments) else { return false };
    page.len() >= 27 + segments + sizes.iter().map(|&n| usize::from(n)).sum::<usize>()
}

/// Where the frames of a FLAC file begin (RFC 9639 §8).
fn flac(input: &mut Input<'_>) -> std::io::Result<u64> {
    let mut at = 4;
    loop {
        input.seek(SeekFrom::Start(at))?;
        let header = input.peek(4)?;
        at += 4 + u64::from(u32_at(&header, 0) & 0xff_ffff);
        if header.len() < 4 || header[0] & 0x80 != 0 {
            return Ok(at);
        }
    }
}

/// Walks the boxes of an MP4 (ISO 14496-12 §4.2).
fn mp4(input: &mut Input<'_>) -> Result<Facts, Reason> {
    let io = |e: std::io::Error| e.to_string();
    let length = input.left().unwrap_or(0);
    let (mut at, mut facts, mut index) = (0u64, Facts::default(), false);
    while at < length {
        input.seek(SeekFrom::Start(at)).map_err(io)?;
        let header = input.peek(16).map_err(io)?;
        let Some((name, head, size)) = mp4_box(&header, length - at) else { break };
        let end = at.saturating_add(size);
        facts.ends_at = facts.ends_at.max(end);
        if name == *b"moov" && end <= length {
            index = true;
            let mut moov = Vec::new();
            input.by_ref().take(size.min(HEADER)).read_to_end(&mut moov).map_err(io)?;
            movie(moov.get(head..).unwrap_or_default(), &mut facts);
        }
        at = end.max(at + 8);
    }
    if !index {
        return Err("mp4: cut short: the file ends before its index (moov), without which nothing of it can be read".into());
    }
    Ok(facts)
}

/// Name, bytes of the header and bytes in all of the box that `bytes` begins with, of which `left` are there.
fn mp4_box(bytes: &[u8], left: u64) -> Option<([u8; 4], usize, u64)> {
    let name = bytes.get(4..8)?.try_into().ok()?;
    Some(match u32_at(bytes, 0) {
        0 => (name, 8, left),
        1 => (name, 16, u64::from_be_bytes(bytes.get(8..16)?.try_into().ok()?).max(16)),
        size => (name, 8, u64::from(size).max(8)),
    })
}

/// Calls `each` with name and content of the boxes in `bytes`.
fn boxes<'a>(mut bytes: &'a [u8], mut each: impl FnMut([u8; 4], &'a [u8])) {
    while let Some((name, head, size)) = mp4_box(bytes, bytes.len() as u64) {
        let end = usize::try_from(size).unwrap_or(usize::MAX).min(bytes.len());
        each(name, bytes.get(head..end).unwrap_or_default());
        bytes = &bytes[end..];
    }
}

/// The content of the first box called `name` in `bytes`.
fn inner<'a>(bytes: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    let mut found = None;
    boxes(bytes, |n, content| found = found.or((n == *name).then_some(content)));
    found
}

/// The facts of the first audio track of a movie.
fn movie(moov: &[u8], facts: &mut Facts) {
    let scale = |header: Option<&[u8]>| header.map_or(0, |h| u32_at(h, if h.first() == Some(&1) { 20 } else { 12 }));
    let movie_scale = f64::from(scale(inner(moov, b"mvhd")).max(1));
    let mut seen = false;
    boxes(moov, |name, trak| {
        let Some(mdia) = inner(trak, b"mdia").filter(|_| name == *b"trak" && !seen) else { return };
        if inner(mdia, b"hdlr").and_then(|h| h.get(8..12)) != Some(b"soun") {
            return;
        }
        seen = true;
        let media_scale = f64::from(scale(inner(mdia, b"mdhd")).max(1));
        let table = inner(mdia, b"minf").and_then(|m| inner(m, b"stbl")).and_then(|t| inner(t, b"stsd"));
        let codec = table.and_then(|t| t.get(12..16)).unwrap_or_default();
        facts.codec = Some(foreign::four_letters(codec));
        // Opus says its delay in its own header.
        if let Some(list) = inner(trak, b"edts").and_then(|e| inner(e, b"elst")) {
            (facts.start_s, facts.length_s) = edit(list, movie_scale, media_scale);
        } else if let Some((delay, frames)) = itunes(moov) {
            (facts.start_s, facts.length_s) = (delay / media_scale, Some(frames / media_scale));
        }
        if codec == b"Opus" {
            facts.start_s = 0.0;
        }
    });
}

/// Begin and length in seconds of the only edit that shows something (§8.6.6).
fn edit(list: &[u8], movie_scale: f64, media_scale: f64) -> (f64, Option<f64>) {
    let wide = list.first() == Some(&1);
    let entries = list.get(8..).unwrap_or_default().chunks_exact(if wide { 20 } else { 12 });
    let shown: Vec<(f64, f64)> = entries
        .map(|e| {
            if wide { (u64_at(e, 0) as f64, u64_at(e, 8) as i64 as f64) } else { (f64::from(u32_at(e, 0)), f64::from(u32_at(e, 4) as i32)) }
        })
        .filter(|&(_, start)| start >= 0.0)
        .collect();
    match shown[..] {
        [(duration, start)] => (start / media_scale, (duration > 0.0).then_some(duration / movie_scale)),
        [(_, start), ..] => (start / media_scale, None),
        [] => (0.0, None),
    }
}

/// Delay and length in frames as iTunes notes them: hexadecimal numbers of which the second is the delay and the fourth the length.
fn itunes(moov: &[u8]) -> Option<(f64, f64)> {
    let at = moov.windows(8).position(|w| w == b"iTunSMPB")? + 8;
    let data = &moov[at..moov.len().min(at + 200)];
    let text = data.windows(4).position(|w| w == b"data").and_then(|at| data.get(at + 12..))?;
    let numbers: Vec<u64> = text.split(|&b| b == b' ').filter_map(|n| u64::from_str_radix(std::str::from_utf8(n).ok()?, 16).ok()).collect();
    match numbers[..] {
        [_, delay, _, frames, ..] if frames > 0 => Some((delay as f64, frames as f64)),
        _ => None,
    }
}

/// Reads the size of the segment of a Matroska file (RFC 8794 §4), and the name of a codec that is not decoded.
fn mkv(input: &mut Input<'_>) -> std::io::Result<Facts> {
    let head = input.peek(1 << 16)?;
    let mut facts = Facts::default();
    let mut at = 0;
    while let Some((id, id_bytes)) = head.get(at..).and_then(|b| ebml(b, false)) {
        let Some((size, size_bytes)) = head.get(at + id_bytes..).and_then(|b| ebml(b, true)) else { break };
        let content = (at + id_bytes + size_bytes) as u64;
        if id == 0x1853_8067 {
            // A size of ones is not known: a live recording.
            if size == (1 << (7 * size_bytes)) - 1 {
                facts.open_end = !mkv_ends(input, content)?;
            } else {
                facts.ends_at = content.saturating_add(size);
            }
            break;
        }
        at = usize::try_from(content.saturating_add(size)).unwrap_or(usize::MAX);
    }
    let name = head.windows(3).position(|w| matches!(w, [b'A', b'_', b'A'..=b'Z'])).map(|at| &head[at + 2..]);
    facts.codec = name.map(|n| {
        let end = n.iter().position(|&b| !(b.is_ascii_alphanumeric() || b"/_.".contains(&b))).unwrap_or(n.len());
        String::from_utf8_lossy(&n[..end.min(32)]).into_owned()
    });
    Ok(facts)
}

/// Whether the last block of a live recording, whose segment begins at `at`, is whole.
fn mkv_ends(input: &mut Input<'_>, mut at: u64) -> std::io::Result<bool> {
    const CLUSTER: u64 = 0x1f43_b675;
    let length = input.left().unwrap_or(0) + input.at();
    while at < length {
        input.seek(SeekFrom::Start(at))?;
        let head = input.peek(16)?;
        let Some((id, id_bytes)) = ebml(&head, false) else { return Ok(false) };
        let Some((size, size_bytes)) = head.get(id_bytes..).and_then(|b| ebml(b, true)) else { return Ok(false) };
        // What lies in a cluster is looked at one by one.
        let content = if id == CLUSTER { 0 } else { size };
        at = (at + (id_bytes + size_bytes) as u64).saturating_add(content);
    }
    Ok(at == length)
}

/// A number of variable length, and how many bytes it takes; without the marker of its length where it is `plain`.
fn ebml(bytes: &[u8], plain: bool) -> Option<(u64, usize)> {
    let n = bytes.first()?.leading_zeros() as usize + 1;
    let value = bytes.get(..n).filter(|_| n <= 8)?.iter().fold(0u64, |v, &b| v << 8 | u64::from(b));
    Some((if plain { value & ((1u64 << (7 * n)) - 1) } else { value }, n))
}

/// Walks the chunks of a CAF file (Apple, Core Audio Format 1.0).
fn caf(input: &mut Input<'_>) -> std::io::Result<Facts> {
    let (mut at, mut facts, mut rate) = (8u64, Facts::default(), 0.0);
    let length = input.left().unwrap_or(0);
    while at + 12 <= length {
        input.seek(SeekFrom::Start(at))?;
        let chunk = input.peek(12 + 32)?;
        let (size, body) = (u64_at(&chunk, 4), chunk.get(12..).unwrap_or_default());
        match &chunk[..4] {
            // To the end of the file.
            b"data" if size == u64::MAX => break,
            b"desc" => {
                rate = f64::from_bits(u64_at(body, 0));
                facts.codec = body.get(8..12).map(foreign::four_letters);
            }
            b"pakt" if rate >= 1.0 => {
                facts.start_s = f64::from(u32_at(body, 16)) / rate;
                facts.length_s = Some(u64_at(body, 8) as f64 / rate).filter(|&s| s > 0.0);
            }
            _ => {}
        }
        at = at.saturating_add(12).saturating_add(size);
        facts.ends_at = facts.ends_at.max(at);
    }
    Ok(facts)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_be_bytes)
}
