//! What lies beside Kaldi's `wav.scp`: speakers, emotions and segments by the keys of utterances.

use std::collections::BTreeMap;
use std::path::Path;

use super::table::{Cells, Table};
use crate::{Error, Result};

/// Files of a value per utterance, and the column that they fill; of several the first.
const FILES: &[(&str, &[&str])] = &[
    ("speaker", &["utt2spk"]),
    ("label", &["utt2emo", "utt2emotion", "utt2label", "utt2lab", "utt2class", "emo", "emotion", "label", "labels"]),
    ("split", &["utt2split", "utt2set"]),
];

/// Adds columns from the files in `folder` to the rows of `wav.scp`; where there are segments, they become the rows.
///
/// # Errors
/// [`Error::Io`] for a file that cannot be read; [`Error::Manifest`] for segments of no recording.
pub(super) fn complete(table: &mut Table, folder: &Path) -> Result<()> {
    let segments = folder.join("segments");
    if segments.is_file() {
        segmented(table, &segments)?;
    }
    for (column, names) in FILES {
        let Some(file) = names.iter().map(|name| folder.join(name)).find(|file| file.is_file()) else { continue };
        let values: BTreeMap<String, String> = pairs(&file)?.into_iter().collect();
        let of = |row: &Cells| row.get("key").and_then(|key| values.get(key)).cloned();
        for (_, row) in &mut table.rows {
            if let Some(value) = of(row) {
                row.insert((*column).into(), value);
            }
        }
        table.columns.push((*column).into());
    }
    Ok(())
}

fn pairs(file: &Path) -> Result<Vec<(String, String)>> {
    let bytes = std::fs::read(file).map_err(Error::io(file))?;
    let text = String::from_utf8_lossy(&bytes);
    let pair = |line: &str| line.trim().split_once(char::is_whitespace).map(|(key, value)| (key.to_string(), value.trim().to_string()));
    Ok(text.lines().filter_map(pair).collect())
}

/// `segments`: key, key of the recording, start and end in seconds.
fn segmented(table: &mut Table, file: &Path) -> Result<()> {
    let fail = |line: usize, reason: String| Error::Manifest { path: file.into(), line, reason };
    let cell = |row: &Cells, name: &str| row.get(name).cloned().unwrap_or_default();
    let recordings: BTreeMap<String, String> = table.rows.iter().map(|(_, row)| (cell(row, "key"), cell(row, "path"))).collect();
    let mut rows = Vec::new();
    for (i, (key, rest)) in pairs(file)?.into_iter().enumerate() {
        let [recording, start, end] = rest.split_whitespace().collect::<Vec<_>>()[..] else {
            return Err(fail(i + 1, format!("{rest:?} is no recording, start and end")));
        };
        let path = recordings.get(recording).ok_or_else(|| fail(i + 1, format!("no recording {recording:?} in wav.scp")))?;
        // -1 stands for the end of the recording.
        let end = if end.starts_with('-') { String::new() } else { end.to_string() };
        let cells = [("key", key), ("path", path.clone()), ("start", start.into()), ("end", end)];
        rows.push((i + 1, cells.into_iter().map(|(name, value)| (name.to_string(), value)).collect()));
    }
    table.rows = rows;
    table.columns.extend(["start".into(), "end".into()]);
    Ok(())
}
