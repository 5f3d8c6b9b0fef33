//! Manifests: one utterance a row, as CSV, TSV or JSON lines.
//!
//! | column | also called | |
//! |---|---|---|
//! | `path` | `file`, `file_name`, `filename`, `audio` | required where there is no signal; relative to the manifest's folder |
//! | `ecg`, `eeg` | | files of signals, for networks that take them; relative to the manifest's folder |
//! | `label` | `emotion`, `class` | required |
//! | `speaker` | `speaker_id`, `spk` | unknown speakers where absent or empty |
//! | `split`, `fold` | | optional |
//!
//! All other columns are kept under their own names.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

use super::{Corpus, Utterance, corpus::folder_name};
use crate::{Error, Result, error::one_line, frontend::Signals};

/// The largest manifest read, in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// Other names of the column `path`.
pub const PATH_ALIASES: &[&str] = &["file", "file_name", "filename", "audio"];

const ALIASES: &[(&str, &[&str])] = &[("path", PATH_ALIASES), ("label", &["emotion", "class"]), ("speaker", &["speaker_id", "spk"])];

/// Reads the manifest at `path`; the corpus is named after its folder.
///
/// # Errors
/// [`Error::Manifest`] with the line: not UTF-8, a missing column or value, a row of another length, a path named twice.
pub fn read(path: &Path) -> Result<Corpus> {
    parse(path, &bytes(path)?)
}

/// Reads the manifest at `path` without its labels, which it need not have.
///
/// # Errors
/// As [`read`].
pub fn read_unlabelled(path: &Path) -> Result<Corpus> {
    parse_with(path, &bytes(path)?, false)
}

/// Reads the manifest at `path` for a model to hear: labels where there are some.
///
/// # Errors
/// As [`read`].
pub(super) fn read_heard(path: &Path) -> Result<Corpus> {
    read(path).or_else(|_| read_unlabelled(path))
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    let fail = |line: usize, reason: String| Error::Manifest { path: path.into(), line, reason };
    let size = std::fs::metadata(path).map_err(Error::io(path))?;
    if !size.is_file() || size.len() > MAX_BYTES {
        return Err(fail(1, format!("a regular file of at most {MAX_BYTES} bytes is expected")));
    }
    std::fs::read(path).map_err(Error::io(path))
}

/// Reads the bytes of the manifest that lies at `path`; see [`read`].
///
/// # Errors
/// As [`read`].
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Corpus> {
    parse_with(path, bytes, true)
}

fn parse_with(path: &Path, bytes: &[u8], labelled: bool) -> Result<Corpus> {
    let fail = |line: usize, reason: String| Error::Manifest { path: path.into(), line, reason: one_line(reason) };
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let line = 1 + bytes[..e.valid_up_to()].iter().filter(|&&b| b == b'\n').count();
        fail(line, "not UTF-8 text".into())
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let rows = if text.trim_start().starts_with('{') {
        json_rows(text)
    } else {
        let tabs = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("tsv"));
        csv_rows(text, if tabs { b'\t' } else { b',' }, if labelled { &["path", "label"] } else { &["path"] })
    }
    .map_err(|(line, reason)| fail(line, reason))?;

    let folder = path.parent().unwrap_or(Path::new(""));
    let mut seen = HashSet::new();
    let mut utterances = Vec::with_capacity(rows.len());
    for (line, mut row) in rows {
        let mut take = |name: &str| row.remove(name).map(|v: String| v.trim().to_string()).filter(|v| !v.is_empty());
        let required = |name: &str, value: Option<String>| value.ok_or_else(|| fail(line, format!("no value in column {name:?}")));
        let signals: Vec<(&str, String)> = Signals::NAMES.into_iter().filter_map(|name| Some((name, take(name)?))).collect();
        let file = required("path", take("path").or_else(|| signals.first().map(|(_, file)| file.clone())))?;
        let label = take("label").filter(|_| labelled);
        let label = if labelled { required("label", label)? } else { String::new() };
        let (speaker, split, fold) = (take("speaker").unwrap_or_default(), take("split"), take("fold"));
        if !seen.insert(file.clone()) {
            return Err(fail(line, format!("{file:?} is listed twice")));
        }
        row.extend(signals.into_iter().map(|(name, file)| (name.to_string(), folder.join(file).to_string_lossy().into_owned())));
        utterances.push(Utterance { path: folder.join(file), label, speaker, split, fold, extra: row });
    }
    if utterances.is_empty() {
        return Err(fail(1, "no rows".into()));
    }
    let unknown = utterances.iter().filter(|u| u.speaker.is_empty()).count();
    let notes = if unknown == 0 { vec![] } else { vec![format!("{unknown} of {} speakers are unknown", utterances.len())] };
    Ok(Corpus { name: folder_name(folder), utterances, notes, ..Corpus::default() })
}

type Row = (usize, BTreeMap<String, String>);

fn canonical(name: &str) -> String {
    let name = name.trim();
    let found = ALIASES.iter().find(|(_, others)| others.iter().any(|o| name.eq_ignore_ascii_case(o)));
    match found {
        Some((canonical, _)) => (*canonical).into(),
        None if ["path", "label", "speaker", "split", "fold", "ecg", "eeg"].iter().any(|c| name.eq_ignore_ascii_case(c)) => {
            name.to_ascii_lowercase()
        }
        None => name.into(),
    }
}

fn csv_rows(text: &str, delimiter: u8, needed: &[&str]) -> Result<Vec<Row>, (usize, String)> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    let describe = |e: csv::Error| {
        let line = e.position().map_or(1, |p| p.line() as usize);
        match e.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => (line, format!("{len} values for {expected_len} columns")),
            _ => (line, e.to_string()),
        }
    };
    let names: Vec<String> = reader.headers().map_err(describe)?.iter().map(canonical).collect();
    for wanted in needed {
        let signals = *wanted == "path" && names.iter().any(|n| Signals::NAMES.contains(&n.as_str()));
        if !signals && !names.iter().any(|n| n == wanted) {
            return Err((1, format!("no column {wanted:?}; the first line names {}", names.join(", "))));
        }
    }
    if let Some(twice) = names.iter().enumerate().find(|(i, n)| names[..*i].contains(n)) {
        return Err((1, format!("column {:?} is named twice", twice.1)));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(describe)?;
        let line = record.position().map_or(0, |p| p.line() as usize);
        rows.push((line, names.iter().cloned().zip(record.iter().map(String::from)).collect()));
    }
    Ok(rows)
}

fn json_rows(text: &str) -> Result<Vec<Row>, (usize, String)> {
    let mut rows = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).map_err(|e| (i + 1, e.to_string()))?;
        let mut row = BTreeMap::new();
        for (name, value) in object {
            let value = match value {
                serde_json::Value::String(s) => s,
                serde_json::Value::Null => continue,
                serde_json::Value::Number(n) => n.to_string(),
                serde_json::Value::Bool(b) => b.to_string(),
                _ => return Err((i + 1, format!("{name:?} is a list or an object; text, numbers and booleans are expected"))),
            };
            if row.insert(canonical(&name), value).is_some() {
                return Err((i + 1, format!("{:?} is given twice", canonical(&name))));
            }
        }
        rows.push((i + 1, row));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(name: &str, text: impl AsRef<[u8]>) -> Result<Corpus> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let corpus = read(&path)?;
        assert!(corpus.utterances.iter().all(|u| u.path.starts_with(dir.path())));
        Ok(corpus)
    }

    #[test]
    fn csv_tsv_and_json_lines_agree() {
        let csv =
            read_text("m.csv", "\u{feff}File,emotion,Speaker,split,fold,room\na.wav,joy,s1,train,1,hall\n\"b,c.wav\",fear,,,2,\n").unwrap();
        let tsv = read_text("m.tsv", "file\temotion\tspeaker\tsplit\tfold\troom\na.wav\tjoy\ts1\ttrain\t1\thall\nb,c.wav\tfear\t\t\t2\t\n")
            .unwrap();
        let json = read_text(
            "m.jsonl",
            "{\"path\":\"a.wav\",\"label\":\"joy\",\"speaker\":\"s1\",\"split\":\"train\",\"fold\":1,\"room\":\"hall\"}\n\n{\"path\":\"b,c.wav\",\"label\":\"fear\",\"speaker\":null,\"fold\":2,\"room\":\"\"}",
        )
        .unwrap();
        for corpus in [&csv, &tsv, &json] {
            let [a, b] = corpus.utterances.as_slice() else { panic!("{corpus:?}") };
            assert_eq!((a.label.as_str(), a.speaker.as_str(), a.split.as_deref()), ("joy", "s1", Some("train")));
            assert_eq!((a.column("fold"), a.column("room"), b.column("room"), b.column("speaker")), (Some("1"), Some("hall"), None, None));
            assert!(b.path.ends_with("b,c.wav") && b.split.is_none());
            assert_eq!(corpus.notes.len(), 1);
            assert!(corpus.columns().contains("room") && corpus.columns().contains("fold"));
        }
    }

    #[test]
    fn bad_manifests_name_their_line() {
        for (name, text, line, word) in [
            ("a.csv", &b"path,speaker\nx,1\n"[..], 1, "label"),
            ("b.csv", b"path,label\nx.wav,joy\ny.wav\n", 3, "1 values for 2"),
            ("c.csv", b"path,label\nx.wav,joy\nx.wav,fear\n", 3, "twice"),
            ("d.csv", b"path,label\nx.wav,\n", 2, "label"),
            ("e.csv", b"path,label\n,joy\n", 2, "path"),
            ("f.csv", b"path,label\nx.wav,joy\n\xff\xfe,joy\n", 3, "UTF-8"),
            ("g.csv", b"path,label\n", 1, "no rows"),
            ("h.csv", b"", 1, "path"),
            ("i.csv", b"path,label,file\nx,y,z\n", 1, "twice"),
            ("j.jsonl", b"{\"path\":\"x\",\"label\":\"y\"}\n{\"path\":\n", 2, "EOF"),
            ("k.jsonl", b"{\"path\":\"x\",\"label\":[1]}", 1, "list"),
            ("l.jsonl", b"{\"path\":\"x\"}", 1, "label"),
        ] {
            match read_text(name, text) {
                Err(Error::Manifest { line: got, reason, .. }) => assert!(got == line && reason.contains(word), "{name}: {got}: {reason}"),
                other => panic!("{name}: {other:?}"),
            }
        }
        assert!(read(Path::new("/no/such/manifest.csv")).is_err());
    }
}
