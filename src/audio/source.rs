//! A recording as a stream of frames, whatever its container and encoding.

use std::io::Read;

use super::{
    clip::{MAX_FILE_BYTES, Reason},
    compressed,
    input::Input,
    notes::Notes,
    sniff::{self, Kind},
    wav,
};

/// Frames of a recording, in order.
pub(super) trait Source: Send {
    /// Rate in Hz and number of channels.
    fn format(&self) -> (u32, usize);

    /// Frames in all, where the file says so; untrusted.
    fn frames(&self) -> Option<u64>;

    /// Appends the next interleaved frames to `block`; false behind the last.
    fn next(&mut self, block: &mut Vec<f32>) -> Result<bool, Reason>;

    /// Goes forward by up to `frames` frames without decoding them, and says by how many.
    fn skip(&mut self, _frames: u64) -> Result<u64, Reason> {
        Ok(0)
    }

    /// What is to be said of the frames so far; `ended` where the last was read. An error where too little of the recording is there.
    fn notes(&self, ended: bool) -> Result<Notes, Reason>;
}

/// Opens the recording that `input` holds.
///
/// # Errors
/// What it is instead, or why it cannot be read.
pub(super) fn open<'a>(mut input: Input<'a>) -> Result<Box<dyn Source + 'a>, Reason> {
    if input.peek(1).map_err(|e| e.to_string())?.is_empty() {
        return Err("the file is empty".into());
    }
    let mut input = sniff::skip_id3(input)?;
    let head = input.peek(sniff::HEAD).map_err(|e| e.to_string())?;
    Ok(match sniff::kind(&head)? {
        Kind::Wav => Box::new(wav::open(input)?),
        Kind::Compressed(codec) => Box::new(compressed::open(input.seekable(MAX_FILE_BYTES)?, codec)?),
    })
}

/// Reads until `bytes` is full or the input ends; how many came.
pub(super) fn fill(input: &mut Input<'_>, bytes: &mut [u8]) -> Result<usize, Reason> {
    let mut have = 0;
    while have < bytes.len() {
        match input.read(&mut bytes[have..]) {
            Ok(0) => break,
            Ok(n) => have += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.to_string()),
        }
    }
    Ok(have)
}
