//! Times and channels as tables write them.

use crate::audio::{Channel, Part};
use std::collections::BTreeMap;

/// Seconds in a cell: `1.5`, `1,5`, `0 days 00:00:01.5`, `00:01,500`; none where there is no time in it.
///
/// # Errors
/// The text, where it is no time.
pub(super) fn seconds(text: &str) -> Result<Option<f64>, String> {
    let text = text.trim();
    if ["", "nat", "nan", "none", "null", "-"].iter().any(|none| text.eq_ignore_ascii_case(none)) {
        return Ok(None);
    }
    let bad = || format!("{text:?} is no time: seconds (12.5) or hours, minutes and seconds (0:00:12.5) are expected");
    let plain = text.trim_end_matches(['s', 'S']).trim().replace(',', ".");
    if let Ok(seconds) = plain.parse::<f64>() {
        return Ok(Some(seconds));
    }
    let (days, clock) = match plain.split_once("day") {
        Some((days, clock)) => (days.trim().parse::<f64>().map_err(|_| bad())?, clock.trim_start_matches(['s', '.', ' '])),
        None => (0.0, plain.as_str()),
    };
    let parts: Vec<f64> = clock.split(':').map(|p| p.trim().parse::<f64>().map_err(|_| bad())).collect::<Result<_, _>>()?;
    match parts.len() {
        2 | 3 => Ok(Some(days * 86_400.0 + parts.iter().fold(0.0, |sum, part| sum * 60.0 + part))),
        _ => Err(bad()),
    }
}

/// What of a recording a row is about; takes the columns that say so out of it.
///
/// # Errors
/// A cell that is no time or a stretch that cannot be.
pub(super) fn part(row: &mut BTreeMap<String, String>) -> Result<Part, String> {
    let mut time = |name: &str| match row.remove(name) {
        Some(text) => seconds(&text).map_err(|e| format!("column {name:?}: {e}")),
        None => Ok(None),
    };
    let thousandth = |ms: Option<f64>| ms.map(|ms| ms / 1000.0);
    let start = time("start")?.or(thousandth(time("start_ms")?));
    let end = time("end")?.or(thousandth(time("end_ms")?));
    let (offset, duration) = (time("offset")?, time("duration")?);
    // Some begin at an offset and last a while, others have an onset and an offset. A duration alone is that of the file.
    let (start, end) = match (start, end, offset) {
        (Some(start), None, Some(offset)) if duration.is_none() => (Some(start), Some(offset)),
        (start, end, offset) => (start.or(offset), end),
    };
    let end = end.or_else(|| start.and_then(|start| duration.map(|d| start + d)));
    let channel = row.get("channel").and_then(|text| text.parse::<Channel>().ok());
    if channel.is_some() {
        row.remove("channel");
    }
    let part = Part { start_s: start.unwrap_or(0.0), end_s: end, channel: channel.unwrap_or_default() };
    part.check().map(|()| part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        for (text, want) in [
            ("1.5", Some(1.5)),
            (" 1,5 ", Some(1.5)),
            ("0 days 00:01:02.5", Some(62.5)),
            ("1 day, 0:00:01", Some(86_401.0)),
            ("00:16:16,059", Some(976.059)),
            ("1:02", Some(62.0)),
            ("2 s", Some(2.0)),
            ("NaT", None),
            ("", None),
        ] {
            let got = seconds(text).unwrap();
            assert!(got.zip(want).map_or(got == want, |(a, b)| (a - b).abs() < 1e-9), "{text}: {got:?}");
        }
        assert!(seconds("soon").is_err() && seconds("1:2:3:4").is_err());
    }

    #[test]
    fn parts_of_rows() {
        let of = |cells: &[(&str, &str)]| {
            let mut row: BTreeMap<String, String> = cells.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
            part(&mut row).map(|p| (p.start_s, p.end_s, p.channel, row.len()))
        };
        let mix = Channel::Mix;
        assert_eq!(of(&[("start", "1"), ("end", "2.5"), ("channel", "right")]), Ok((1.0, Some(2.5), Channel::RIGHT, 0)));
        assert_eq!(of(&[("offset", "1"), ("duration", "2")]), Ok((1.0, Some(3.0), mix, 0)));
        assert_eq!(of(&[("start", "1"), ("offset", "2")]), Ok((1.0, Some(2.0), mix, 0)));
        assert_eq!(of(&[("start_ms", "1500"), ("end_ms", "2500")]), Ok((1.5, Some(2.5), mix, 0)));
        assert_eq!(of(&[("duration", "7")]), Ok((0.0, None, mix, 0)));
        assert!(of(&[("start", "0 days"), ("end", "NaT"), ("channel", "speech")]).is_err());
        assert_eq!(of(&[("start", "0 days 00:00:00"), ("end", "NaT"), ("channel", "speech")]), Ok((0.0, None, mix, 1)));
        assert!(of(&[("start", "2"), ("end", "1")]).unwrap_err().contains("cannot end") && of(&[("start", "-1")]).is_err());
        assert!(of(&[("end", "x")]).unwrap_err().contains("\"end\""));
    }
}
