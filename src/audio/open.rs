//! The one place where it is decided who reads a recording.

use super::{
    clip::{MAX_FILE_BYTES, Reason},
    headers,
    input::Input,
    sniff::{self, Kind},
    source::Source,
    track, wav,
};

/// Opens the recording that `input` holds.
///
/// # Errors
/// What it is instead, or why it cannot be read.
pub(super) fn source<'a>(mut input: Input<'a>) -> Result<Box<dyn Source + 'a>, Reason> {
    let io = |e: std::io::Error| e.to_string();
    if input.peek(1).map_err(io)?.is_empty() {
        return Err("the file is empty".into());
    }
    let mut input = sniff::skip_id3(input)?;
    Ok(match sniff::kind(&input.peek(sniff::HEAD).map_err(io)?)? {
        Kind::Wav => wav::open(input)?,
        Kind::Au => Box::new(headers::au(input)?),
        Kind::Sphere => Box::new(headers::sphere(input)?),
        Kind::Container(container) => Box::new(track::open(input.seekable(MAX_FILE_BYTES)?, container, None)?),
    })
}
