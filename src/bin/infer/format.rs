//! The forms in which results are written.

use clap::ValueEnum;
use std::path::Path;

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line per recording or window.
    Text,
    /// One JSON array.
    Json,
    /// A JSON object per line.
    Jsonl,
    /// A header and a line per recording or window.
    Csv,
    /// Labels for Audacity (File, Import, Labels).
    Audacity,
    /// A TextGrid for Praat.
    Textgrid,
    /// Lines with tabs between values, as ELAN imports them.
    Elan,
    /// Subtitles.
    Srt,
}

impl Format {
    /// The form that the name of a file calls for.
    pub fn of_file(path: &Path) -> Option<Self> {
        let suffix = path.extension()?.to_str()?.to_ascii_lowercase();
        let known = <Self as ValueEnum>::value_variants().iter().find(|f| f.suffixes().contains(&suffix.as_str()));
        known.copied()
    }

    /// Suffixes of its files. Audacity's labels have that of any text, so they are asked for by name.
    fn suffixes(self) -> &'static [&'static str] {
        match self {
            Format::Text => &["txt"],
            Format::Json => &["json"],
            Format::Jsonl => &["jsonl", "ndjson"],
            Format::Csv => &["csv"],
            Format::Audacity => &[],
            Format::Textgrid => &["textgrid"],
            Format::Elan => &["tsv", "tab"],
            Format::Srt => &["srt"],
        }
    }

    /// The suffix of a file for one recording.
    pub fn suffix(self) -> &'static str {
        match self {
            Format::Textgrid => "TextGrid",
            other => other.suffixes().first().copied().unwrap_or("txt"),
        }
    }

    /// Whether a file is the timeline of one recording, so that several need several files.
    pub fn is_timeline(self) -> bool {
        matches!(self, Format::Audacity | Format::Textgrid | Format::Elan | Format::Srt)
    }
}
