//! A recording of any length, or one that is still going on, block by block in bounded memory.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use super::{
    clip::{Clip, Reason, fail},
    guard,
    input::Input,
    notes::Notes,
    open,
    part::{Channel, Part},
    pcm::{Pcm, Raw},
    resample::Mono16k,
    source::Source,
};
use crate::Result;

/// Mono 16 kHz samples of a recording, in blocks of no particular size as they are decoded. Put together they are the samples of
/// [`Clip`], to the bit. Memory does not depend on the length of the recording, for which there is no limit.
///
/// After an error there are no more blocks.
pub struct Blocks {
    name: PathBuf,
    source: Box<dyn Source>,
    mono: Mono16k,
    /// Frames to come before the part, and behind its end.
    start: u64,
    end: u64,
    /// Frames passed.
    at: u64,
    block: Vec<f32>,
    notes: Notes,
    ended: bool,
}

impl Blocks {
    /// Opens the recording at `path`.
    ///
    /// # Errors
    /// [`Error::Audio`](crate::Error::Audio), as [`load_part`](super::load_part).
    pub fn open(path: &Path, part: &Part) -> Result<Self> {
        let input = super::open_file(path)?;
        Self::new(path, part, || open::source(input))
    }

    /// Reads a recording as it arrives on `reader`; `name` stands for it in errors. With `raw` it has no header. A wav or raw recording is
    /// passed on at once. Any other must come to its end first, and is kept in memory till then.
    ///
    /// # Errors
    /// [`Error::Audio`](crate::Error::Audio) with the name and one line of reason.
    pub fn of_reader(name: &Path, reader: impl Read + Send + Sync + 'static, raw: Option<Raw>, channel: Channel) -> Result<Self> {
        let input = Input::stream(Box::new(reader));
        Self::new(name, &Part { channel, ..Part::default() }, || match raw {
            Some(raw) => Ok(Box::new(Pcm::raw(input, raw)) as Box<dyn Source>),
            None => open::source(input),
        })
    }

    fn new(name: &Path, part: &Part, open: impl FnOnce() -> std::result::Result<Box<dyn Source>, Reason>) -> Result<Self> {
        let made = part.check().and_then(|()| guard::catch(open)?).and_then(|source| {
            let (rate, channels) = source.format();
            let (start, end) = part.frames(rate);
            let mono = Mono16k::new(rate, channels, part.channel)?;
            let (name, block, notes) = (name.to_path_buf(), Vec::new(), Notes::default());
            Ok(Self { name, source, mono, start, end, at: 0, block, notes, ended: false })
        });
        made.map_err(|reason| fail(name, reason))
    }

    /// Rate in Hz and number of channels of the recording.
    pub fn format(&self) -> (u32, usize) {
        self.source.format()
    }

    /// Length of the recording in seconds, where it is known beforehand.
    pub fn declared_s(&self) -> Option<f64> {
        self.source.frames().map(|frames| frames as f64 / f64::from(self.mono.rate()))
    }

    /// Seconds of the recording that were decoded so far.
    pub fn decoded_s(&self) -> f64 {
        self.mono.frames() as f64 / f64::from(self.mono.rate())
    }

    /// What is to be said of the recording; complete when there are no more blocks.
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    /// All that is still to come, as one clip.
    ///
    /// # Errors
    /// Those of the blocks.
    pub fn collect_clip(mut self) -> Result<Clip> {
        let mut samples = Vec::new();
        for block in self.by_ref() {
            samples.append(&mut block?);
        }
        let (source_rate, source_channels) = self.format();
        let duration_s = self.decoded_s();
        Ok(Clip { samples, sample_rate: super::SAMPLE_RATE, source_rate, source_channels, duration_s, notes: self.notes })
    }

    /// The next samples; empty at the end alone.
    fn step(&mut self) -> std::result::Result<Vec<f32>, Reason> {
        let channels = self.source.format().1;
        while self.at < self.end {
            if self.at < self.start {
                self.at += self.source.skip(self.start - self.at)?;
            }
            self.block.clear();
            if !self.source.next(&mut self.block)? {
                break;
            }
            let frames = (self.block.len() / channels) as u64;
            let inside = |frame: u64| (frame.clamp(self.at, self.at + frames) - self.at) as usize * channels;
            let wanted = inside(self.start)..inside(self.end);
            if !wanted.is_empty() {
                self.mono.push(&self.block[wanted])?;
            }
            self.at += frames;
            self.notes = self.said(false)?;
            let made = self.mono.take();
            if !made.is_empty() {
                return Ok(made);
            }
        }
        self.ended = true;
        self.notes = self.said(self.at < self.end)?;
        self.mono.finish()
    }

    fn said(&self, ended: bool) -> std::result::Result<Notes, Reason> {
        Ok(Notes { cancelled: self.mono.cancelled(), ..self.source.notes(ended)? })
    }
}

impl Iterator for Blocks {
    type Item = Result<Vec<f32>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match guard::catch(|| self.step()).and_then(|made| made) {
            Ok(made) if made.is_empty() => None,
            Ok(made) => Some(Ok(made)),
            Err(reason) => {
                self.ended = true;
                Some(Err(fail(&self.name, reason)))
            }
        }
    }
}
