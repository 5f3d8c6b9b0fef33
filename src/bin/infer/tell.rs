//! Words on standard error, which nobody may be reading.

/// Prints a line on standard error; what would drive a terminal is written out. Goes on where nobody reads it.
macro_rules! tell {
    ($($arg:tt)*) => { $crate::tell::line(&format!($($arg)*)) };
}
pub(crate) use tell;

/// See [`tell!`].
pub fn line(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "{}", emotone::text::lines(text));
}
