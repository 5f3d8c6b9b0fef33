//! What is wrong with recordings, told in few lines when all are heard.

use emotone::audio::Flaw;
use emotone::text::printable;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Names that are told of each flaw.
const NAMES: usize = 3;

#[derive(Default)]
struct Found {
    recordings: BTreeSet<Rc<str>>,
    first: Vec<Rc<str>>,
    windows: usize,
}

/// Recordings by what is wrong with them.
#[derive(Default)]
pub struct Flawed(BTreeMap<Flaw, Found>);

impl Flawed {
    /// Takes in a recording, or a window of one. What its file lacks is told when that is read.
    pub fn add(&mut self, name: &Rc<str>, windowed: bool, flaws: &[Flaw]) {
        for flaw in flaws.iter().filter(|flaw| **flaw != Flaw::CutShort) {
            let found = self.0.entry(*flaw).or_default();
            found.windows += usize::from(windowed);
            if found.recordings.insert(name.clone()) && found.first.len() < NAMES {
                found.first.push(name.clone());
            }
        }
    }

    /// A line for each flaw.
    pub fn lines(&self) -> Vec<String> {
        let line = |(flaw, found): (&Flaw, &Found)| {
            let names: Vec<_> = found.first.iter().map(|n| printable(n)).collect();
            let more = found.recordings.len() - names.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let windows = match found.windows {
                0 => String::new(),
                1 => " in a window".into(),
                n => format!(" in {n} windows"),
            };
            let answer = if flaw.is_fatal() { ", so there is no answer" } else { "" };
            format!("{}{more}: {}{windows}{answer}", names.join(", "), words(&[*flaw]))
        };
        self.0.iter().map(line).collect()
    }
}

/// Flaws in plain words.
pub fn words(flaws: &[Flaw]) -> String {
    flaws.iter().map(|f| f.name().replace('_', " ")).collect::<Vec<_>>().join(", ")
}
