//! Recordings that are longer than one answer can be about, as windows that are learnt from one by one, as `infer` hears them.

use sha2::{Digest, Sha256};

use super::Utterance;
use crate::audio::{Clip, Cutter, Part, SAMPLE_RATE, WHOLE_S, WINDOW_S, flaws};

/// A window of a recording: its utterance, its sound, and the digest by which copies of it are found.
pub(super) type Window = (Utterance, Clip, [u8; 32]);

/// What became of the long recordings of a corpus.
#[derive(Default)]
pub(super) struct Windows {
    recordings: usize,
    windows: usize,
    silent: usize,
    first: String,
}

impl Windows {
    /// Windows of a recording of more than [`WHOLE_S`], each with the name of the recording that it is of, in order; else the recording itself.
    /// `digest` is that of its samples. Windows without sound are left out, unless there are no others: a pause says nothing of a label.
    pub(super) fn of(&mut self, utterance: &Utterance, clip: Clip, digest: [u8; 32]) -> Vec<Window> {
        let mut cutter = Cutter::new(None);
        let mut pieces = cutter.push(&clip.samples);
        if pieces.is_empty() {
            return vec![(utterance.clone(), clip, digest)];
        }
        pieces.extend(cutter.finish());
        let (all, name) = (pieces.len(), utterance.name());
        let heard: Vec<bool> = pieces.iter().map(|piece| !flaws(&piece.samples).iter().any(|flaw| flaw.is_fatal())).collect();
        let any = heard.contains(&true);
        let window = |(i, piece): (usize, crate::audio::Piece)| {
            let (from, to) = piece.span();
            let start = utterance.part.start_s;
            let part = Part { start_s: start + from, end_s: Some(start + to), ..utterance.part };
            let utterance = Utterance { part, window_of: Some(name.clone()), ..utterance.clone() };
            // Digital silence is the same in many recordings: a window is a copy where its recording is one.
            let digest = Sha256::new().chain_update(digest).chain_update((i as u64).to_le_bytes()).finalize().into();
            let duration_s = piece.samples.len() as f64 / f64::from(SAMPLE_RATE);
            (utterance, Clip { samples: piece.samples, duration_s, ..clip.clone_without_samples() }, digest)
        };
        let kept = pieces.into_iter().enumerate().filter(|(i, _)| heard[*i] || !any).map(window).collect::<Vec<Window>>();
        if self.recordings == 0 {
            self.first = name.clone();
        }
        self.recordings += 1;
        self.windows += kept.len();
        self.silent += all - kept.len();
        kept
    }

    /// What to tell of them; nothing where all recordings are short.
    pub(super) fn note(&self) -> Option<String> {
        let (recordings, windows, first) = (self.recordings, self.windows, &self.first);
        let silent = if self.silent > 0 { format!("; {} more are silent and left out", self.silent) } else { String::new() };
        let are = match recordings {
            0 => return None,
            1 => format!("1 recording is longer than {WHOLE_S} s ({first}): it is learnt from"),
            n => format!("{n} recordings are longer than {WHOLE_S} s (the first is {first}): they are learnt from"),
        };
        Some(format!("{are} in windows of {WINDOW_S} s, {windows} in all, those of one recording on one side of the split{silent}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{self, Channel};

    fn recording(dir: &std::path::Path, seconds: usize, silent: std::ops::Range<usize>) -> (Utterance, Clip) {
        let sound = |i: usize| if silent.contains(&(i / 16_000)) { 0.0 } else { 0.3 * (i as f32 * 0.07).sin() };
        let path = dir.join("long.wav");
        audio::write_wav(&path, &(0..seconds * 16_000).map(sound).collect::<Vec<f32>>(), 16_000).unwrap();
        let part = Part { start_s: 2.0, end_s: None, channel: Channel::LEFT };
        let clip = audio::load_part(&path, &part).unwrap();
        (Utterance { path, part, label: "joy".into(), speaker: "ann".into(), ..Utterance::default() }, clip)
    }

    #[test]
    fn long_recordings_become_windows() {
        let dir = tempfile::tempdir().unwrap();
        let (utterance, clip) = recording(dir.path(), 43, 12..18);
        let mut all = Windows::default();
        let windows = all.of(&utterance, clip, [7; 32]);
        // 41 s: eight windows and an end of a second, heard with what is before it; that from 12 to 17 s of the file is silent.
        let spans: Vec<(f64, Option<f64>)> = windows.iter().map(|(u, ..)| (u.part.start_s, u.part.end_s)).collect();
        let want = [2.0, 7.0, 17.0, 22.0, 27.0, 32.0, 37.0, 38.0].map(|start| (start, Some(start + 5.0)));
        assert_eq!(spans, want);
        for (u, clip, _) in &windows {
            assert_eq!((u.window_of.as_deref(), u.label.as_str(), u.part.channel), (Some(&*utterance.name()), "joy", Channel::LEFT));
            // A window is what its name says.
            assert_eq!(clip.samples, audio::load_part(&u.path, &u.part).unwrap().samples);
            assert_eq!(clip.duration_s, 5.0);
        }
        let digests: std::collections::BTreeSet<[u8; 32]> = windows.iter().map(|w| w.2).collect();
        assert_eq!(digests.len(), 8);
        let note = all.note().unwrap();
        assert!(
            note.contains("1 recording is longer than 30 s") && note.contains("8 in all") && note.contains("1 more are silent"),
            "{note}"
        );
    }

    #[test]
    fn short_and_silent_recordings_stay() {
        let dir = tempfile::tempdir().unwrap();
        let mut all = Windows::default();
        let (utterance, clip) = recording(dir.path(), 32, 0..0);
        assert_eq!(all.of(&utterance, clip.clone(), [7; 32]), [(utterance.clone(), clip, [7; 32])]);
        assert_eq!(all.note(), None);
        let (utterance, clip) = recording(dir.path(), 43, 0..43);
        assert_eq!(all.of(&utterance, clip, [7; 32]).len(), 9);
    }
}
