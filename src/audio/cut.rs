//! Cuts sound into windows while it comes. No more of it is kept than the last windows need.

use super::clip::SAMPLE_RATE;

/// Seconds up to which a recording is heard as a whole.
pub const WHOLE_S: f64 = 30.0;
/// Seconds of the windows into which a longer one is cut.
pub const WINDOW_S: f64 = 5.0;
/// The shortest end that is heard, in seconds: the shortest recording that is answered.
const END: f64 = 0.2;

/// A recording, or a window of one.
#[derive(Debug, PartialEq)]
pub struct Piece {
    /// Its first sample in the recording.
    pub from: usize,
    /// The sample behind its last one.
    pub to: usize,
    /// Whether it is a window.
    pub windowed: bool,
    /// Mono, 16 kHz.
    pub samples: Vec<f32>,
}

impl Piece {
    /// Start and end in seconds.
    pub fn span(&self) -> (f64, f64) {
        (seconds(self.from), seconds(self.to))
    }
}

/// Samples of a recording on their way into pieces.
pub struct Cutter {
    /// Samples of a window and from window to window; none while the recording may still be answered as a whole.
    window: Option<(usize, usize)>,
    /// The first sample that is kept, and all from there on.
    start: usize,
    kept: Vec<f32>,
    /// Where the next window starts, and where the last one ended.
    next: usize,
    covered: usize,
}

impl Cutter {
    /// Cuts into windows of so many seconds, so many seconds apart. Without them a recording of up to [`WHOLE_S`] stays whole, and a longer one is
    /// cut into windows of [`WINDOW_S`] one after the other.
    pub fn new(windows: Option<(f64, f64)>) -> Self {
        let window = windows.map(|(length, hop)| (samples(length), samples(hop)));
        Cutter { window, start: 0, kept: Vec::new(), next: 0, covered: 0 }
    }

    /// Takes samples in; the windows that are full now.
    pub fn push(&mut self, block: &[f32]) -> Vec<Piece> {
        self.kept.extend_from_slice(block);
        if self.window.is_none() && self.kept.len() > samples(WHOLE_S) {
            self.window = Some((samples(WINDOW_S), samples(WINDOW_S)));
        }
        let Some((length, hop)) = self.window else { return Vec::new() };
        let mut full = Vec::new();
        while self.next + length <= self.total() {
            full.push(self.piece(self.next, self.next + length));
            self.next += hop;
        }
        // The last window may have to reach back to the start of the one before it.
        let needed = self.covered.saturating_sub(length).min(self.next);
        self.kept.drain(..needed - self.start);
        self.start = needed;
        full
    }

    /// What is left at the end: the recording, or its last window, which is at least half a window long or ends with the recording.
    pub fn finish(mut self) -> Option<Piece> {
        let total = self.total();
        let Some((length, _)) = self.window else { return (total > 0).then(|| Piece { windowed: false, ..self.piece(0, total) }) };
        if self.covered == 0 {
            return (total > 0).then(|| self.piece(0, total));
        }
        if total > self.next + length / 2 && total > self.covered {
            return Some(self.piece(self.next, total));
        }
        (total >= self.next.max(self.covered) + samples(END)).then(|| self.piece(total - length, total))
    }

    /// Samples taken in so far.
    fn total(&self) -> usize {
        self.start + self.kept.len()
    }

    fn piece(&mut self, from: usize, to: usize) -> Piece {
        self.covered = to;
        Piece { from, to, windowed: true, samples: self.kept[from - self.start..to - self.start].to_vec() }
    }
}

/// Seconds to samples, at least one.
fn samples(seconds: f64) -> usize {
    ((seconds * f64::from(SAMPLE_RATE)).round() as usize).max(1)
}

fn seconds(samples: usize) -> f64 {
    samples as f64 / f64::from(SAMPLE_RATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Start and end of the windows of a recording of so many tenths of a second, in tenths, whatever blocks it comes in.
    fn windows(asked: Option<(f64, f64)>, tenths: usize) -> Vec<(usize, usize)> {
        let sound: Vec<f32> = (0..tenths * 1600).map(|i| i as f32).collect();
        let of = |block: usize| -> Vec<Piece> {
            let mut cutter = Cutter::new(asked);
            let mut pieces: Vec<Piece> = Vec::new();
            for block in sound.chunks(block) {
                pieces.extend(cutter.push(block));
                assert!(cutter.kept.len() <= samples(WHOLE_S) + block.len() + samples(1.0), "{} samples are kept", cutter.kept.len());
            }
            pieces.extend(cutter.finish());
            pieces
        };
        let pieces = of(1234);
        assert_eq!(pieces, of(sound.len().max(1)));
        for piece in &pieces {
            assert_eq!(piece.samples, &sound[piece.from..piece.to]);
            assert_eq!(piece.windowed, pieces.len() > 1 || asked.is_some());
        }
        pieces.iter().map(|p| (p.from / 1600, p.to / 1600)).collect()
    }

    #[test]
    fn windows_reach_from_start_to_end() {
        assert_eq!(windows(Some((1.0, 0.5)), 20), [(0, 10), (5, 15), (10, 20)]);
        assert_eq!(windows(Some((1.0, 1.0)), 26), [(0, 10), (10, 20), (20, 26)]);
        // An end of less than half a window is heard with what comes before it.
        assert_eq!(windows(Some((1.0, 1.0)), 24), [(0, 10), (10, 20), (14, 24)]);
        assert_eq!(windows(Some((1.0, 1.0)), 21), [(0, 10), (10, 20)]);
        assert_eq!(windows(Some((1.0, 3.0)), 26), [(0, 10)]);
        assert_eq!(windows(Some((1.0, 3.0)), 33), [(0, 10), (23, 33)]);
        assert_eq!(windows(Some((1.0, 0.5)), 4), [(0, 4)]);
        assert_eq!(windows(Some((1.0, 0.5)), 0), []);
    }

    #[test]
    fn recordings_are_cut_where_one_answer_cannot_be_about_all() {
        assert_eq!(windows(None, 0), []);
        assert_eq!(windows(None, 300), [(0, 300)]);
        assert_eq!(windows(None, 322), [(0, 50), (50, 100), (100, 150), (150, 200), (200, 250), (250, 300), (272, 322)]);
    }
}
