//! Whole recordings and parts of them, in one pass over their frames.

use super::{
    clip::{Clip, Reason, SAMPLE_RATE, check_length},
    guard,
    input::Input,
    notes::Notes,
    open,
    part::Part,
    resample::Mono16k,
    source::Source,
};

/// How much of a part may lie behind the end of the recording without a word: times are often rounded.
const ROUNDING_S: f64 = 0.05;

/// Decodes `parts` of the recording that `input` holds; each succeeds or fails for itself.
///
/// # Errors
/// Why nothing of the recording can be read.
pub(super) fn parts(input: Input<'_>, parts: &[Part]) -> Result<Vec<Result<Clip, Reason>>, Reason> {
    guard::catch(|| open::source(input).and_then(|mut source| all(source.as_mut(), parts)))?
}

fn all(source: &mut dyn Source, parts: &[Part]) -> Result<Vec<Result<Clip, Reason>>, Reason> {
    let mut wanted: Vec<Wanted> = parts.iter().map(|part| Wanted::new(part, source)).collect();
    let channels = source.format().1;
    let (mut at, mut ended, mut block) = (0, false, Vec::new());
    while let Some(next) = wanted.iter().filter_map(|w| w.next_frame(at)).min() {
        if next > at {
            at += source.skip(next - at)?;
        }
        block.clear();
        if !source.next(&mut block)? {
            ended = true;
            break;
        }
        wanted.iter_mut().for_each(|w| w.take(at, &block, channels));
        at += (block.len() / channels) as u64;
    }
    let notes = source.notes(ended)?;
    Ok(wanted.into_iter().map(|w| w.finish(at, &notes)).collect())
}

/// A part while it is collected.
struct Wanted {
    start: u64,
    end: u64,
    part: Part,
    channels: usize,
    /// What became of it, or why nothing did.
    mono: Result<(Mono16k, Vec<f32>), Reason>,
}

impl Wanted {
    fn new(part: &Part, source: &dyn Source) -> Self {
        let (rate, channels) = source.format();
        let (start, end) = part.frames(rate);
        let mono = part.check().and_then(|()| {
            let mono = Mono16k::new(rate, channels, part.channel)?;
            let most = source.frames().unwrap_or(0).min(end).saturating_sub(start);
            check_length(most, rate)?;
            Ok((mono, Vec::new()))
        });
        Self { start, end, part: *part, channels, mono }
    }

    /// The first frame from `at` on that it needs.
    fn next_frame(&self, at: u64) -> Option<u64> {
        (self.mono.is_ok() && at < self.end).then_some(self.start.max(at))
    }

    /// Takes what belongs to it of a block that begins at frame `at`.
    fn take(&mut self, at: u64, block: &[f32], channels: usize) {
        let frames = (block.len() / channels) as u64;
        let (from, to) = (self.start.clamp(at, at + frames) - at, self.end.clamp(at, at + frames) - at);
        if let Ok((mono, samples)) = &mut self.mono
            && from < to
        {
            let pushed = mono.push(&block[from as usize * channels..to as usize * channels]);
            match pushed.and_then(|()| check_length(mono.frames(), mono.rate())) {
                Ok(()) => samples.append(&mut mono.take()),
                Err(reason) => self.mono = Err(reason),
            }
        }
    }

    /// The clip, of a recording that ended at frame `at` or was left there.
    fn finish(self, at: u64, notes: &Notes) -> Result<Clip, Reason> {
        let (mut mono, mut samples) = self.mono?;
        let rate = mono.rate();
        let seconds = |frames: u64| frames as f64 / f64::from(rate);
        if mono.frames() == 0 && self.start > 0 {
            return Err(format!("a part that begins at {} s, of a recording of {:.2} s", self.part.start_s, seconds(at)));
        }
        samples.append(&mut mono.finish()?);
        samples.shrink_to_fit();
        let missing_s = self.part.end_s.map_or(0.0, |end| (end - seconds(at)).max(0.0));
        let notes = Notes {
            // What lies behind a part is not its damage.
            cut: notes.cut && self.end > at,
            missing_s: if missing_s > ROUNDING_S { missing_s } else { 0.0 },
            cancelled: mono.cancelled(),
            ..notes.clone()
        };
        let duration_s = seconds(mono.frames());
        Ok(Clip { samples, sample_rate: SAMPLE_RATE, source_rate: rate, source_channels: self.channels, duration_s, notes })
    }
}
