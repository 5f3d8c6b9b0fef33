//! Timelines of one recording as other programs read them: intervals that follow each other and do not overlap.

use crate::format::Format;
use crate::print::{Answered, flaws, label};
use crate::record::Record;
use std::fmt::Write as _;

/// The tier that intervals lie in.
const TIER: &str = "emotion";

/// Makes intervals of windows. Where windows overlap, each moment belongs to the one whose middle is nearer.
pub struct Timeline {
    format: Format,
    /// The interval whose end is not known yet.
    open: Option<Interval>,
    /// Intervals written.
    count: usize,
    /// Those of a TextGrid, which says first how many there are.
    grid: Vec<Interval>,
}

#[derive(Clone, Debug, PartialEq)]
struct Interval {
    from: f64,
    to: f64,
    text: String,
}

impl Timeline {
    /// An empty one.
    pub fn new(format: Format) -> Self {
        Timeline { format, open: None, count: 0, grid: Vec::new() }
    }

    /// Takes a record in; the text of what is complete now.
    pub fn push(&mut self, record: &Record, answered: &Answered) -> String {
        if record.error.is_some() {
            return String::new();
        }
        let mut next = Interval { from: record.span.0, to: record.span.1, text: words(record, answered) };
        let Some(mut open) = self.open.take() else {
            self.open = Some(next);
            return String::new();
        };
        if open.to > next.from {
            let between = (open.to + next.from) / 2.0;
            (open.to, next.from) = (between, between);
        }
        self.open = Some(next);
        self.write(open)
    }

    /// The text of what is left; nothing for forms that are no timelines.
    pub fn finish(&mut self) -> String {
        let mut text = self.open.take().map_or_else(String::new, |last| self.write(last));
        if self.format == Format::Textgrid {
            text += &text_grid(&std::mem::take(&mut self.grid));
        }
        self.count = 0;
        text
    }

    fn write(&mut self, interval: Interval) -> String {
        let Interval { from, to, text } = &interval;
        self.count += 1;
        match self.format {
            Format::Audacity => format!("{from:.6}\t{to:.6}\t{text}\n"),
            Format::Elan => {
                let header = "Tier\tBegin Time - ss.msec\tEnd Time - ss.msec\tDuration - ss.msec\tAnnotation\n";
                let header = if self.count == 1 { header } else { "" };
                format!("{header}{TIER}\t{from:.3}\t{to:.3}\t{:.3}\t{text}\n", to - from)
            }
            Format::Srt => format!("{}\n{} --> {}\n{text}\n\n", self.count, clock(*from), clock(*to)),
            _ => {
                self.grid.push(interval);
                String::new()
            }
        }
    }
}

/// A record in a few words of one line: its label, or that there is none and why.
fn words(record: &Record, answered: &Answered) -> String {
    let flaws = flaws(&record.flaws, ", ");
    let Some(answer) = &record.answer else { return format!("({flaws})") };
    let numbers = || answered.names.iter().zip(&answer.probabilities).map(|(c, p)| format!("{c} {p:.2}")).collect::<Vec<_>>().join(", ");
    let said = label(record, answered).map_or_else(numbers, String::from);
    let said: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if flaws.is_empty() { said } else { format!("{said} ({flaws})") }
}

/// Seconds as subtitles count them.
fn clock(seconds: f64) -> String {
    let ms = (seconds * 1000.0).round() as u64;
    format!("{:02}:{:02}:{:02},{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

/// Praat's long text form. A tier covers all time, so gaps are intervals without text.
fn text_grid(intervals: &[Interval]) -> String {
    let mut all: Vec<Interval> = Vec::with_capacity(intervals.len());
    let mut end = 0.0;
    for interval in intervals {
        if interval.from > end {
            all.push(Interval { from: end, to: interval.from, text: String::new() });
        }
        end = interval.to;
        all.push(interval.clone());
    }
    let mut text = format!(
        "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\nxmax = {end}\ntiers? <exists>\nsize = 1\nitem []:\n    item [1]:\n        \
         class = \"IntervalTier\"\n        name = \"{TIER}\"\n        xmin = 0\n        xmax = {end}\n        intervals: size = {}\n",
        all.len()
    );
    for (i, Interval { from, to, text: said }) in all.iter().enumerate() {
        let said = said.replace('"', "\"\"");
        let _ = write!(
            text,
            "        intervals [{}]:\n            xmin = {from}\n            xmax = {to}\n            text = \"{said}\"\n",
            i + 1
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use emotone::audio::Flaw;
    use emotone::train::predictor::Prediction;

    fn records() -> (Vec<Record>, Answered) {
        let record = |from: f64, to: f64, class: Option<usize>| Record {
            name: "x.wav".into(),
            span: (from, to),
            windowed: true,
            truth: None,
            flaws: if class.is_none() { vec![Flaw::Silent] } else { vec![] },
            answer: class.map(|class| Prediction { probabilities: vec![0.5, 0.5], class }),
            error: None,
            windows: 1,
        };
        let answered = Answered { names: vec!["fear".into(), "the \"joy\"\tof".into()], numbers: false };
        (vec![record(0.0, 2.0, Some(0)), record(1.0, 3.0, Some(1)), record(3601.0, 3602.5, None)], answered)
    }

    fn all(format: Format) -> String {
        let (records, answered) = records();
        let mut timeline = Timeline::new(format);
        let mut text: String = records.iter().map(|r| timeline.push(r, &answered)).collect();
        text += &timeline.finish();
        assert_eq!(timeline.finish().lines().filter(|l| l.contains("fear")).count(), 0, "nothing is left for the next recording");
        text
    }

    #[test]
    fn windows_become_intervals_of_each_form() {
        assert_eq!(
            all(Format::Audacity),
            "0.000000\t1.500000\tfear\n1.500000\t3.000000\tthe \"joy\" of\n3601.000000\t3602.500000\t(silent)\n"
        );
        let elan = all(Format::Elan);
        assert_eq!(elan.lines().count(), 4);
        assert_eq!(elan.lines().nth(1), Some("emotion\t0.000\t1.500\t1.500\tfear"));
        let srt = all(Format::Srt);
        assert!(srt.starts_with("1\n00:00:00,000 --> 00:00:01,500\nfear\n\n2\n"), "{srt}");
        assert!(srt.ends_with("3\n01:00:01,000 --> 01:00:02,500\n(silent)\n\n"), "{srt}");
        let grid = all(Format::Textgrid);
        assert!(grid.starts_with("File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n"), "{grid}");
        assert!(grid.contains("intervals: size = 4") && grid.contains("xmax = 3602.5\n"), "{grid}");
        assert!(grid.contains("text = \"the \"\"joy\"\" of\"\n"), "{grid}");
        let gap = "            xmin = 3\n            xmax = 3601\n            text = \"\"\n";
        assert!(grid.contains(gap), "{grid}");
    }
}
