//! What a program was given and did not use: why, and which.

use std::path::{Path, PathBuf};

use crate::error::one_line;
use crate::{Error, Result, storage};

/// Reasons that are told one by one.
const REASONS: usize = 8;
/// Names that are told of each.
const NAMES: usize = 3;

/// Inputs that were left out, with the reason of each. Programs tell it by [`LeftOut::lines`], write all of it with [`LeftOut::write`], and end
/// with exit code 2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    items: Vec<(String, PathBuf)>,
}

impl LeftOut {
    /// Adds an input: `why` reads on from "left out, ".
    pub fn add(&mut self, why: impl Into<String>, path: impl Into<PathBuf>) {
        self.items.push((why.into(), path.into()));
    }

    /// Adds all of `other`.
    pub fn extend(&mut self, other: LeftOut) {
        self.items.extend(other.items);
    }

    /// Keeps those whose path `keep` says yes to.
    pub fn retain(&mut self, keep: impl Fn(&Path) -> bool) {
        self.items.retain(|(_, path)| keep(path));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Each reason with how many inputs it is of and the first of them. `file` is where all are written, if they are.
    pub fn lines(&self, file: Option<&Path>) -> Vec<String> {
        let mut reasons: Vec<(&str, Vec<&Path>)> = Vec::new();
        for (why, path) in &self.items {
            match reasons.iter_mut().find(|(known, _)| known == why) {
                Some((_, paths)) => paths.push(path),
                None => reasons.push((why, vec![path])),
            }
        }
        reasons.sort_by_key(|(_, paths)| std::cmp::Reverse(paths.len()));
        let told = |(why, paths): &(&str, Vec<&Path>)| {
            let names: Vec<String> = paths.iter().take(NAMES).map(|p| one_line(p.display())).collect();
            let more = if paths.len() > NAMES { format!(" and {} more", paths.len() - NAMES) } else { String::new() };
            format!("{} left out, {}: {}{more}", paths.len(), one_line(why), names.join(", "))
        };
        let mut lines: Vec<String> = reasons.iter().take(REASONS).map(told).collect();
        let rest: usize = reasons.iter().skip(REASONS).map(|(_, paths)| paths.len()).sum();
        if rest > 0 {
            lines.push(format!("{rest} left out for {} other reasons", reasons.len() - REASONS));
        }
        if let Some(file) = file.filter(|_| !self.is_empty()) {
            lines.push(format!("all {} that were left out, with the reason of each, are in {}", self.len(), file.display()));
        }
        lines
    }

    /// Writes all of them as CSV, a row each: path and reason. Where there is none, a file of an earlier run is taken away.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        if self.is_empty() {
            return match std::fs::remove_file(file) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(file)(e)),
                _ => Ok(()),
            };
        }
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        }
        let mut writer = csv::Writer::from_writer(Vec::new());
        let rows = self.items.iter().map(|(why, path)| [path.to_string_lossy().into_owned(), why.clone()]);
        let written = std::iter::once(["path".to_string(), "reason".to_string()]).chain(rows).try_for_each(|row| writer.write_record(row));
        let text = written.map_err(|e| e.to_string()).and_then(|()| writer.into_inner().map_err(|e| e.to_string()));
        storage::write(file, &text.map_err(|e| Error::Data(format!("{}: {e}", file.display())))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted_and_written() {
        let mut left = LeftOut::default();
        (0..5).for_each(|i| left.add("an archive", format!("{i}.zip")));
        left.add("no \"sound\", it says", "a\nb.wav");
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("left_out.csv");
        left.write(&file).unwrap();
        let lines = left.lines(Some(&file));
        assert_eq!(lines[0], "5 left out, an archive: 0.zip, 1.zip, 2.zip and 2 more");
        assert_eq!(lines[1], "1 left out, no \"sound\", it says: a b.wav");
        assert!(lines[2].starts_with("all 6") && lines[2].ends_with("left_out.csv") && lines.len() == 3, "{lines:?}");
        let rows: Vec<csv::StringRecord> = csv::Reader::from_path(&file).unwrap().records().map(|r| r.unwrap()).collect();
        assert_eq!((rows.len(), &rows[5][0], &rows[5][1]), (6, "a\nb.wav", "no \"sound\", it says"));
        LeftOut::default().write(&file).unwrap();
        assert!(!file.exists() && LeftOut::default().lines(Some(&file)).is_empty());
        let mut many = LeftOut::default();
        (0..20).for_each(|i| many.add(format!("reason {i}"), "x"));
        assert_eq!((many.lines(None).len(), many.lines(None)[REASONS].as_str()), (REASONS + 1, "12 left out for 12 other reasons"));
    }
}
