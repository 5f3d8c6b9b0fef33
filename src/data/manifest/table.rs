//! Rows of a manifest, whatever its form: separated values, JSON, a list of paths, or `wav.scp`.

use std::collections::BTreeMap;

use super::columns::{columns, is_known};
use crate::data::reading::{Origin, Reading};
use crate::data::walk::is_named_as_sound;

/// A line number and the row's cells.
pub(super) type Row = (usize, Cells);
/// Cells by column.
pub(super) type Cells = BTreeMap<String, String>;
type Failure = (usize, String);

/// Rows, and the columns that they have.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
    pub(super) columns: Vec<String>,
}

/// Reads `text`, which a file with the extension `extension` holds.
///
/// # Errors
/// The line, and what is wrong with it.
pub(super) fn read(extension: &str, text: &str, reading: &Reading) -> Result<Table, Failure> {
    let start = text.trim_start();
    if start.starts_with('{') || start.starts_with('[') {
        return json(text, reading);
    }
    match extension {
        "scp" => scp(text),
        "txt" | "lst" | "list" if plain_list(text) => list(text),
        _ => separated(text, extension, reading),
    }
}

fn headings(names: &[&str], reading: &Reading) -> Result<Vec<String>, String> {
    let asked = |origin: &Option<Origin>| match origin {
        Some(Origin::Column(name)) => Some(name.clone()),
        _ => None,
    };
    columns(names, asked(&reading.emotion).as_deref(), asked(&reading.speaker).as_deref())
}

/// Whether each line of a text is a path, perhaps with a label behind it.
fn plain_list(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with('#')).unwrap_or_default();
    !first.contains([',', ';', '\t', '|']) && !is_known(first)
}

/// A path in each line, and behind its extension a label or nothing.
fn list(text: &str) -> Result<Table, Failure> {
    let mut table = Table { columns: vec!["path".into(), "label".into()], ..Table::default() };
    for (i, line) in text.lines().enumerate().map(|(i, l)| (i, l.trim())).filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
        let mut cut = line.char_indices().filter(|(_, c)| c.is_whitespace()).map(|(at, _)| line.split_at(at));
        let labelled = cut.rfind(|(path, _)| is_named_as_sound(path)).filter(|_| !is_named_as_sound(line));
        let (path, label) = labelled.unwrap_or((line, ""));
        table.rows.push((i + 1, [("path".into(), path.trim_matches('"').into()), ("label".into(), label.trim().into())].into()));
    }
    Ok(table)
}

/// `wav.scp`: a key and a path in each line.
fn scp(text: &str) -> Result<Table, Failure> {
    let mut table = Table { columns: vec!["key".into(), "path".into()], ..Table::default() };
    for (i, line) in text.lines().enumerate().map(|(i, l)| (i, l.trim())).filter(|(_, l)| !l.is_empty()) {
        let (key, path) = line.split_once(char::is_whitespace).ok_or((i + 1, format!("{line:?} is no key and path")))?;
        if path.trim_end().ends_with('|') {
            let reason = format!("{key} is made by a command ({path}), which is not run; write the recordings into files and list these");
            return Err((i + 1, reason));
        }
        table.rows.push((i + 1, [("key".into(), key.into()), ("path".into(), path.trim().into())].into()));
    }
    Ok(table)
}

/// The separator that divides the first line best: that with which most headings are known, then that which occurs most.
fn separator(first: &str, extension: &str) -> u8 {
    let score = |separator: &u8| {
        let cells: Vec<&str> = first.split(char::from(*separator)).map(|c| c.trim().trim_matches('"')).collect();
        let fits = u8::from(extension == "tsv" && *separator == b'\t');
        (cells.iter().filter(|c| is_known(c)).count(), cells.len(), fits)
    };
    // Of equals the last: a comma.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(score).unwrap_or(b',')
}

fn separated(text: &str, extension: &str, reading: &Reading) -> Result<Table, Failure> {
    // Excel may say in the first line what separates.
    let (said, body) = match text.split_once('\n') {
        Some((first, rest)) if first.trim().len() == 5 && first.starts_with("sep=") => (first.as_bytes().get(4).copied(), rest),
        _ => (None, text),
    };
    let skipped = usize::from(said.is_some());
    let first = body.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
    let delimiter = said.unwrap_or_else(|| separator(first, extension));
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(body.as_bytes());
    let describe = |e: csv::Error| {
        let line = skipped + e.position().map_or(1, |p| p.line() as usize);
        match e.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => (line, format!("{len} values for {expected_len} columns")),
            _ => (line, e.to_string()),
        }
    };
    let (mut table, mut headed) = (Table::default(), false);
    for record in reader.records() {
        let record = record.map_err(describe)?;
        let line = skipped + record.position().map_or(0, |p| p.line() as usize);
        let cells: Vec<&str> = record.iter().collect();
        if !headed {
            headed = true;
            let (columns, is_heading) = first_line(&cells, reading).map_err(|reason| (line, reason))?;
            table.columns = columns;
            if is_heading {
                continue;
            }
        }
        // What a spreadsheet leaves below its last row.
        if cells.iter().any(|c| !c.trim().is_empty()) {
            table.rows.push((line, table.columns.iter().cloned().zip(cells.iter().map(ToString::to_string)).collect()));
        }
    }
    Ok(table)
}

/// Columns by the first line, and whether it is one of headings. Without headings a recording and a label can be told apart.
fn first_line(cells: &[&str], reading: &Reading) -> Result<(Vec<String>, bool), String> {
    let sound: Vec<usize> = (0..cells.len()).filter(|&i| is_named_as_sound(cells[i].trim())).collect();
    match (cells.len(), sound.as_slice()) {
        (_, []) => Ok((headings(cells, reading)?, true)),
        (1, [0]) => Ok((vec!["path".into()], false)),
        (2, [0]) => Ok((vec!["path".into(), "label".into()], false)),
        (2, [1]) => Ok((vec!["label".into(), "path".into()], false)),
        _ => Err(format!("the first line has no headings: put one before it, such as path,label,speaker for {}", cells.join(","))),
    }
}

/// A JSON object in each line, or one document: a list of objects, or objects by their keys.
fn json(text: &str, reading: &Reading) -> Result<Table, Failure> {
    use serde_json::Value;
    let first = text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
    let lines = serde_json::from_str::<Value>(first).is_ok_and(|v| v.as_object().is_some_and(|o| !nested(o)));
    let mut objects: Vec<(usize, serde_json::Map<String, Value>)> = Vec::new();
    if lines || serde_json::from_str::<Value>(text).is_err() {
        for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
            objects.push((i + 1, serde_json::from_str(line).map_err(|e| (i + 1, e.to_string()))?));
        }
    } else {
        let document: Value = serde_json::from_str(text).map_err(|e| (e.line(), e.to_string()))?;
        let document = match document {
            Value::Object(mut map) if map.get("data").is_some_and(Value::is_array) => map.remove("data").unwrap_or_default(),
            other => other,
        };
        let entries: Vec<(Option<String>, Value)> = match document {
            Value::Array(list) => list.into_iter().map(|v| (None, v)).collect(),
            Value::Object(map) if nested(&map) => map.into_iter().map(|(k, v)| (Some(k), v)).collect(),
            other => vec![(None, other)],
        };
        for (i, (key, entry)) in entries.into_iter().enumerate() {
            let Value::Object(mut object) = entry else { return Err((1, format!("entry {} is no object", i + 1))) };
            if let Some(key) = key {
                object.entry("key").or_insert(Value::String(key));
            }
            objects.push((i + 1, object));
        }
    }
    rows_of(objects, reading)
}

fn nested(object: &serde_json::Map<String, serde_json::Value>) -> bool {
    !object.is_empty() && object.values().all(serde_json::Value::is_object)
}

fn rows_of(objects: Vec<(usize, serde_json::Map<String, serde_json::Value>)>, reading: &Reading) -> Result<Table, Failure> {
    use serde_json::Value;
    let mut table = Table::default();
    for (line, object) in objects {
        let given: Vec<&str> = object.keys().map(String::as_str).collect();
        let names = headings(&given, reading).or_else(|e| match reading.emotion {
            // Not every line of JSON has every column.
            Some(_) => headings(&given, &Reading::default()),
            None => Err(e),
        });
        let names = names.map_err(|reason| (line, reason))?;
        let mut row = BTreeMap::new();
        for (name, value) in names.into_iter().zip(object.values()) {
            let value = match value {
                Value::String(s) => s.clone(),
                Value::Null => continue,
                list @ (Value::Array(_) | Value::Object(_)) if is_known(&name) => {
                    return Err((line, format!("{name:?} is a list or an object ({list}); text or a number is expected")));
                }
                other => other.to_string(),
            };
            if !table.columns.contains(&name) {
                table.columns.push(name.clone());
            }
            row.insert(name, value);
        }
        table.rows.push((line, row));
    }
    Ok(table)
}
