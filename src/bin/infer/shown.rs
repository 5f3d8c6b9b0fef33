//! Names that others gave, for terminals and shells: paths and labels may hold line breaks, escape sequences, any script.

use std::borrow::Cow;
use std::path::Path;

/// Whether a character would not be shown but do something: move to another line, drive the terminal, turn the direction of what follows.
fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The text with what would not be shown written out (`\n`, `\u{1b}`), so that it stays in its line and drives no terminal.
pub fn printable(text: &str) -> Cow<'_, str> {
    match text.contains(acts) {
        true => text.chars().map(|c| if acts(c) { c.escape_default().to_string() } else { c.to_string() }).collect::<String>().into(),
        false => text.into(),
    }
}

/// A path, printable.
pub fn path(path: &Path) -> String {
    printable(&path.to_string_lossy()).into_owned()
}

/// A message of several lines, printable but for its line breaks.
pub fn lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}
