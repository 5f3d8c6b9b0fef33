//! What a user says of where emotions and speakers stand.

use std::{fmt, str::FromStr};

use super::emotions::word_in;
use crate::Error;

/// Where something stands: in a folder's name, a part of the file's name, or a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `folder:N`: the N-th folder below the corpus's, or with `-N` the N-th above the file.
    Folder(isize),
    /// `name:N`: the N-th part of the file's name between what is neither letter nor digit.
    Name(usize),
    /// `name`: an emotion word anywhere in the file's name.
    Stem,
    /// `column:NAME` of a manifest.
    Column(String),
    /// `none`: nowhere.
    Nowhere,
}

/// What a user says of a corpus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Where the emotion stands; found by emotion words if nothing is said.
    pub emotion: Option<Origin>,
    /// Where the speaker stands.
    pub speaker: Option<Origin>,
    /// Whether utterances need no label.
    pub unlabelled: bool,
}

impl Origin {
    /// What stands there for the recording `stem` in `folders`, if there is such a place.
    pub(super) fn of<'a>(&self, folders: &[&'a str], stem: &'a str) -> Option<&'a str> {
        match self {
            Origin::Folder(n) if *n > 0 => folders.get(n.unsigned_abs() - 1).copied(),
            Origin::Folder(n) => folders.len().checked_sub(n.unsigned_abs()).and_then(|at| folders.get(at)).copied(),
            Origin::Name(n) => stem.split(|c: char| !c.is_alphanumeric()).filter(|p| !p.is_empty()).nth(n - 1),
            Origin::Stem => word_in(stem),
            Origin::Column(_) | Origin::Nowhere => None,
        }
    }
}

impl FromStr for Origin {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || {
            Error::Data(format!("{text:?} is none of folder:N (folder:-1 is the one that holds the file), name, name:N, column:NAME, none"))
        };
        match text.trim().split_once(':') {
            None if text.trim() == "none" => Ok(Origin::Nowhere),
            None if text.trim() == "name" => Ok(Origin::Stem),
            Some(("folder", n)) => n.parse().ok().filter(|n| *n != 0).map(Origin::Folder).ok_or_else(bad),
            Some(("name", n)) => n.parse().ok().filter(|n| *n != 0).map(Origin::Name).ok_or_else(bad),
            Some(("column", name)) if !name.trim().is_empty() => Ok(Origin::Column(name.trim().into())),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Folder(n) => write!(f, "folder:{n}"),
            Origin::Name(n) => write!(f, "name:{n}"),
            Origin::Stem => f.write_str("name"),
            Origin::Column(name) => write!(f, "column:{name}"),
            Origin::Nowhere => f.write_str("none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_named_and_found() {
        for (text, want) in [
            ("folder:1", Some("ann")),
            ("folder:-1", Some("angry")),
            ("folder:3", None),
            ("name:2", Some("03")),
            ("none", None),
            ("column:x", None),
        ] {
            let origin: Origin = text.parse().unwrap();
            assert_eq!((origin.to_string().as_str(), origin.of(&["ann", "angry"], "take-03 (b)")), (text, want));
        }
        for text in ["", "folder", "folder:0", "folder:x", "name:-1", "column:", "nowhere"] {
            assert!(text.parse::<Origin>().unwrap_err().to_string().contains("folder:N"), "{text}");
        }
    }
}
