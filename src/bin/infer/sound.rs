//! Sound as it comes, block by block.

use emotone::audio::Clip;

/// Samples of a block: a minute.
const BLOCK: usize = 960_000;

/// A recording that is read.
pub struct Sound {
    clip: Clip,
    at: usize,
}

impl Sound {
    /// Of a clip in memory.
    pub fn of(clip: Clip) -> Self {
        Sound { clip, at: 0 }
    }

    /// The next samples; none behind the last.
    pub fn next(&mut self) -> emotone::Result<Option<Vec<f32>>> {
        let rest = &self.clip.samples[self.at..];
        let block = rest[..rest.len().min(BLOCK)].to_vec();
        self.at += block.len();
        Ok((!block.is_empty()).then_some(block))
    }

    /// Whether nothing of what the file should hold is missing.
    pub fn is_complete(&self) -> bool {
        !self.clip.notes.is_damaged()
    }
}
