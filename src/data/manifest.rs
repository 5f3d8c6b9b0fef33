//! Manifests: one utterance a row, as CSV with any separator, JSON in lines or one document, a list of paths, or Kaldi's `wav.scp`.
//!
//! | column | also called | |
//! |---|---|---|
//! | `path` | [`PATH_ALIASES`] | required where there is no signal; relative to the manifest's folder |
//! | `ecg`, `eeg` | | files of signals, for networks that take them; relative to the manifest's folder |
//! | `label` | `emotion`, `class`, `emo`, ... | required to learn classes; rows without one are left out |
//! | `speaker` | `speaker_id`, `spk`, `actor`, ... | unknown speakers where absent or empty |
//! | `split`, `fold` | `set`, `partition`, ... | optional; a split is used by default |
//! | `start`, `end`, `duration` | `begin`, `stop`, `offset`, ... | seconds or clock times: the part of the recording that the row is about |
//! | `weight` | `sample_weight`, `loss_weight` | optional: how much the row counts in training; 1 where empty |
//! | `channel` | | mix, left, right, or a number from 1 |
//!
//! All other columns are kept under their own names, and a note says that nothing reads them. Files that are not where the manifest says are
//! looked for by their names below its folder, which is noted.

mod columns;
mod kaldi;
mod numbers;
mod place;
mod table;
mod text;

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use super::{Corpus, Utterance, corpus::folder_name, reading::Reading, sides::side};
use crate::{Error, Result, error::one_line, frontend::Signals};
pub use columns::PATH_ALIASES;
use table::{Cells, Table};

/// The largest manifest read, in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// Extensions by which a file is taken for a manifest.
pub const EXTENSIONS: &[&str] = &["csv", "json", "jsonl", "lst", "scp", "tsv", "txt"];

/// Reads the manifest at `path`; the corpus is named after its folder.
///
/// # Errors
/// [`Error::Manifest`] with the line: no text, a missing column or value, a row of another length, a path named twice.
pub fn read(path: &Path) -> Result<Corpus> {
    read_as(path, &Reading::default())
}

/// Reads the manifest at `path` without its labels, which it need not have.
///
/// # Errors
/// As [`read`].
pub fn read_unlabelled(path: &Path) -> Result<Corpus> {
    let mut corpus = read_as(path, &Reading { unlabelled: true, ..Reading::default() })?;
    corpus.utterances.iter_mut().for_each(|u| u.label.clear());
    Ok(corpus)
}

/// Reads the manifest at `path` for a model to hear: labels where there are some.
///
/// # Errors
/// As [`read`].
pub(super) fn read_heard(path: &Path) -> Result<Corpus> {
    let mut corpus = read_as(path, &Reading { unlabelled: true, ..Reading::default() })?;
    corpus.notes.extend(unread_note(&corpus.unread, &BTreeSet::new()));
    Ok(corpus)
}

/// Reads the manifest at `path` as a user says.
///
/// # Errors
/// As [`read`].
pub(super) fn read_as(path: &Path, reading: &Reading) -> Result<Corpus> {
    read_below(path, path.parent().unwrap_or(Path::new("")), reading)
}

/// The same with recordings that are looked for below another folder than the manifest's.
///
/// # Errors
/// As [`read`].
pub(super) fn read_below(path: &Path, below: &Path, reading: &Reading) -> Result<Corpus> {
    let fail = |line: usize, reason: String| Error::Manifest { path: path.into(), line, reason: one_line(reason) };
    let size = std::fs::metadata(path).map_err(Error::io(path))?;
    if !size.is_file() || size.len() > MAX_BYTES {
        return Err(fail(1, format!("a regular file of at most {MAX_BYTES} bytes is expected")));
    }
    let bytes = std::fs::read(path).map_err(Error::io(path))?;
    let (mut table, notes) = rows(path, &bytes, reading).map_err(|(line, reason)| fail(line, reason))?;
    if extension(path) == "scp" {
        kaldi::complete(&mut table, path.parent().unwrap_or(Path::new("")))?;
    }
    let mut corpus = corpus(path, table, reading).map_err(|(line, reason)| fail(line, reason))?;
    place::settle(&mut corpus, path.parent().unwrap_or(Path::new("")), below);
    corpus.notes.splice(0..0, notes);
    Ok(corpus)
}

/// Reads the bytes of the manifest that lies at `path`, and nothing else; see [`read`].
///
/// # Errors
/// As [`read`].
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Corpus> {
    let fail = |(line, reason): (usize, String)| Error::Manifest { path: path.into(), line, reason: one_line(reason) };
    let (table, _) = rows(path, bytes, &Reading::default()).map_err(fail)?;
    corpus(path, table, &Reading::default()).map_err(fail)
}

/// What to tell of columns that nothing reads, but for those that something else does.
pub(crate) fn unread_note(unread: &[String], used: &BTreeSet<String>) -> Option<String> {
    let names: Vec<&str> = unread.iter().filter(|name| !used.contains(*name)).map(String::as_str).collect();
    (!names.is_empty()).then(|| one_line(format!("columns that are not used: {}", names.join(", "))))
}

fn extension(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

/// The rows of a manifest, and what to tell of its text.
fn rows(path: &Path, bytes: &[u8], reading: &Reading) -> Result<(Table, Vec<String>), (usize, String)> {
    let (text, note) = text::decode(bytes).map_err(|reason| (1, reason))?;
    Ok((table::read(&extension(path), &text, reading)?, note.into_iter().collect()))
}

/// Utterances of rows.
fn corpus(path: &Path, table: Table, reading: &Reading) -> Result<Corpus, (usize, String)> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let has = |name: &str| table.columns.iter().any(|c| c == name);
    let dialogues = !has("path") && has("dialogue_id") && has("utterance_id");
    let signals = Signals::NAMES.iter().any(|name| has(name));
    let named = || table.columns.join(", ");
    if table.rows.is_empty() && !table.columns.is_empty() {
        return Err((1, format!("no rows below the columns {}", named())));
    }
    if !has("path") && !dialogues && !signals {
        return Err((1, format!("no column \"path\" (or file, filename, audio, wav); there are {}", named())));
    }
    if !reading.unlabelled && !has("label") {
        return Err((1, no_label(&table)));
    }
    let own_side = path.file_name().and_then(|n| side(n.to_str()?.split(['_', '-', '.']).next()?)).filter(|_| dialogues);
    let mut out = Corpus { name: folder_name(folder), ..Corpus::default() };
    let (mut seen, total) = (HashMap::new(), table.rows.len());
    for (line, row) in table.rows {
        let mut u = utterance(folder, row, dialogues).map_err(|reason| (line, reason))?;
        u.split = u.split.or(own_side.map(|side| side.name().to_string()));
        if u.label.is_empty() && !reading.unlabelled {
            out.left_out.add(format!("a row of {} without a label", path.display()), u.path);
            continue;
        }
        match seen.insert(u.name(), u.label.clone()) {
            None => out.utterances.push(u),
            Some(before) if before == u.label => out.left_out.add("listed twice with the same label, used once", u.path),
            Some(before) => {
                let (name, now) = (u.name(), &u.label);
                return Err((line, format!("{name:?} is listed twice, as {before:?} and as {now:?}: keep one row of it")));
            }
        }
    }
    if out.utterances.is_empty() {
        return Err((1, format!("none of {total} rows has a value in column \"label\"")));
    }
    let meant = [
        "path", "label", "speaker", "split", "fold", "start", "end", "start_ms", "end_ms", "offset", "duration", "channel", "ecg", "eeg",
        "key",
    ];
    let rate = |c: &str| c.strip_suffix("_rate").is_some_and(|s| Signals::NAMES.contains(&s));
    out.unread = table.columns.into_iter().filter(|c| !meant.contains(&c.as_str()) && !rate(c)).collect();
    let unknown = out.utterances.iter().filter(|u| u.speaker.is_empty()).count();
    if unknown > 0 && !reading.unlabelled {
        out.speaker_notes.push(format!("{unknown} of {} speakers are unknown", out.utterances.len()));
    }
    Ok(out)
}

/// What to say of a table without labels.
fn no_label(table: &Table) -> String {
    let numeric = |name: &&String| {
        let mut cells = table.rows.iter().filter_map(|(_, row)| row.get(*name)).filter(|c| !c.trim().is_empty()).peekable();
        cells.peek().is_some() && cells.all(|c| super::emotions::number(c).is_some())
    };
    let numbers: Vec<&str> = table.columns.iter().filter(numeric).map(String::as_str).collect();
    let way = match numbers.first() {
        Some(first) => format!("; to learn the numbers of a column (of {}): --target {first}", numbers.join(", ")),
        None => String::new(),
    };
    format!(
        "no column \"label\" (or emotion, class, emo); there are {}: --emotion-from column:NAME says which holds the classes{way}",
        table.columns.join(", ")
    )
}

/// The utterance of a row.
fn utterance(folder: &Path, mut row: Cells, dialogues: bool) -> Result<Utterance, String> {
    if dialogues {
        let id = |row: &Cells, name: &str| {
            row.get(name).map(|v| v.trim().to_string()).filter(|v| !v.is_empty()).ok_or(format!("no value in column {name:?}"))
        };
        // Where an utterance lies in its episode is not where it lies in its own file.
        ["start", "end", "duration"].iter().for_each(|name| _ = row.remove(*name));
        row.insert("path".into(), format!("dia{}_utt{}", id(&row, "dialogue_id")?, id(&row, "utterance_id")?));
    }
    let part = numbers::part(&mut row)?;
    let mut take = |name: &str| row.remove(name).map(|v: String| v.trim().to_string()).filter(|v| !v.is_empty());
    let signals: Vec<(&str, String)> = Signals::NAMES.into_iter().filter_map(|name| Some((name, take(name)?))).collect();
    let file = take("path").or_else(|| signals.first().map(|(_, file)| file.clone())).ok_or("no value in column \"path\"")?;
    let (label, speaker) = (take("label").unwrap_or_default(), take("speaker").unwrap_or_default());
    let (split, fold) = (take("split"), take("fold"));
    row.extend(signals.into_iter().map(|(name, file)| (name.to_string(), folder.join(file).to_string_lossy().into_owned())));
    Ok(Utterance { path: folder.join(plain(&file)), part, label, speaker, split, fold, extra: row, ..Utterance::default() })
}

/// A path without what programs put before it: a placeholder for a folder, or the name of a scheme.
fn plain(file: &str) -> PathBuf {
    let file = file.strip_prefix("file://").unwrap_or(file);
    let rest = file.strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(_, rest)| rest.trim_start_matches(['/', '\\']));
    PathBuf::from(rest.unwrap_or(file))
}

#[cfg(test)]
mod tests;
