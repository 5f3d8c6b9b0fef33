//! What is to be said of how recordings were read, once for all of which it is to be said.

use std::collections::BTreeMap;

use crate::audio::Notes;

/// Remarks, each with how many recordings it is of and the first of them.
#[derive(Default)]
pub(super) struct Remarks(BTreeMap<String, (usize, String)>);

impl Remarks {
    /// Adds those of a recording; what is damaged is told elsewhere, as left out in part.
    pub(super) fn add(&mut self, notes: &Notes, name: impl Fn() -> String) {
        for remark in notes.remarks() {
            self.0.entry(remark).or_insert_with(|| (0, name())).0 += 1;
        }
    }

    /// One line for each.
    pub(super) fn lines(self) -> impl Iterator<Item = String> {
        self.0.into_iter().map(|(remark, (n, first))| match n {
            1 => format!("{first}: {remark}"),
            _ => format!("{first} and {} more: {remark}", n - 1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_of_many_is_said_once() {
        let film = Notes { tracks: 2, cut: true, ..Notes::default() };
        let narrow = Notes { band_limit_hz: Some(8000), tracks: 2, ..Notes::default() };
        let mut all = Remarks::default();
        for (name, notes) in [("a.m4a", &film), ("b.m4a", &Notes::default()), ("c.m4a", &narrow), ("d.m4a", &film)] {
            all.add(notes, || name.to_string());
        }
        let lines: Vec<String> = all.lines().collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0], "a.m4a and 2 more: 2 audio tracks, the first is read");
        assert!(lines[1].starts_with("c.m4a: HE-AAC") && lines[1].ends_with("8000 Hz"), "{}", lines[1]);
    }
}
