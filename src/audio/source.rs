//! A recording as a stream of frames, whatever its container and encoding.

use std::io::Read;

use super::{clip::Reason, input::Input, notes::Notes};

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
