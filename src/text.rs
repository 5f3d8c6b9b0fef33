//! Names that others gave, for terminals and shells: paths, labels and speakers may hold line breaks, escape sequences, any script.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;
use unicode_width::UnicodeWidthStr as _;

/// Whether a character would not be shown but do something: move to another line, drive the terminal, turn the direction of what follows.
fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}' | '\u{2067}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
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

/// A path as a shell takes it: quoted where it has to be, and never taken for a flag.
pub fn shell(path: &Path) -> String {
    let quoted = quoted(path.as_os_str());
    if quoted.starts_with('-') { format!("./{quoted}") } else { quoted }
}

/// An argument as a shell takes it: quoted where it has to be.
pub fn quoted(argument: &OsStr) -> String {
    let bytes = argument.as_encoded_bytes();
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(acts) => shlex::try_quote(text).map_or_else(|_| text.to_string(), Cow::into_owned),
        // What cannot be shown is written out in the form that bash, zsh and ksh read.
        _ => {
            let mut quoted = String::from("$'");
            for chunk in bytes.utf8_chunks() {
                chunk.valid().chars().for_each(|c| match c {
                    '\'' | '\\' => quoted.extend(['\\', c]),
                    '\n' => quoted.push_str("\\n"),
                    c if acts(c) => c.to_string().bytes().for_each(|b| _ = write!(quoted, "\\x{b:02x}")),
                    c => quoted.push(c),
                });
                chunk.invalid().iter().for_each(|b| _ = write!(quoted, "\\x{b:02x}"));
            }
            quoted + "'"
        }
    }
}

/// Columns that a name takes on a terminal.
pub fn width(name: &str) -> usize {
    printable(name).width()
}

/// A name with blanks behind it, `columns` wide.
pub fn left(name: &str, columns: usize) -> String {
    format!("{}{}", isolated(&printable(name)), " ".repeat(columns.saturating_sub(width(name))))
}

/// A name with blanks before it, `columns` wide.
pub fn right(name: &str, columns: usize) -> String {
    format!("{}{}", " ".repeat(columns.saturating_sub(width(name))), isolated(&printable(name)))
}

/// Names with commas between.
pub fn names<S: AsRef<str>>(names: &[S]) -> String {
    names.iter().map(|name| left(name.as_ref(), 0)).collect::<Vec<_>>().join(", ")
}

/// Whether a text has letters that are written from right to left.
pub fn right_to_left(text: &str) -> bool {
    let of = |c| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}');
    text.contains(of)
}

/// The text kept apart from its neighbours where it is written from right to left: numbers beside it would change places.
pub fn isolated(text: &str) -> Cow<'_, str> {
    if right_to_left(text) { format!("\u{2068}{text}\u{2069}").into() } else { text.into() }
}

/// The text for XML and HTML, in elements and in attributes.
pub fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    printable(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_act_is_written_out() {
        assert_eq!(printable("Ärger 喜び غضب क्रोध"), "Ärger 喜び غضب क्रोध");
        assert_eq!(printable("a\nb\r\x1b[31mred\t"), "a\\nb\\r\\u{1b}[31mred\\t");
        assert_eq!(printable("gpj.\u{202e}wav"), "gpj.\\u{202e}wav");
        assert_eq!(path(Path::new("a\u{9b}b/c\u{2028}")), "a\\u{9b}b/c\\u{2028}");
        assert_eq!(lines("one\x07\ntwo"), "one\\u{7}\ntwo");
        assert_eq!(escape("<a & 'b\"\u{1b}>"), "&lt;a &amp; 'b&quot;\\u{1b}&gt;");
    }

    #[test]
    fn columns_are_those_of_a_terminal() {
        assert_eq!(["abc", "喜び", "क्रोध", "e\u{301}"].map(width), [3, 4, width("क्रोध"), 1]);
        assert_eq!((left("喜び", 6), right("怒り", 6)), ("喜び  ".into(), "  怒り".into()));
        assert_eq!(right("غضب", 5), "  \u{2068}غضب\u{2069}");
        assert!(!right_to_left("Печаль क्रोध") && right_to_left("a שלום"));
    }

    /// What a shell makes of it is the path.
    #[cfg(unix)]
    #[test]
    fn shells_read_paths_back() {
        use std::os::unix::ffi::OsStrExt as _;
        let hard: &[&[u8]] = &[
            b"plain/run-1",
            b"my runs/it's \"one\"",
            b"$HOME;`x`",
            b"-n",
            b"a\nb",
            b"tab\tand'\\",
            b"\xff\xfe",
            "Ärger 喜び".as_bytes(),
            b"",
        ];
        for bytes in hard {
            let given = Path::new(std::ffi::OsStr::from_bytes(bytes));
            let quoted = shell(given);
            assert!(!quoted.contains('\n'), "{quoted}");
            let Ok(said) = std::process::Command::new("bash").args(["-c", &format!("printf %s {quoted}")]).output() else { return };
            let want = if bytes.starts_with(b"-") { [b"./", *bytes].concat() } else { bytes.to_vec() };
            assert_eq!(said.stdout, want, "{quoted}");
        }
        assert_eq!(shell(Path::new("plain/run-1")), "plain/run-1");
    }
}
