//! Files that are not where a manifest says: written on another machine, with other separators, or without their extension.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::data::sides::{Side, side};
use crate::data::walk::walk;
use crate::data::{Corpus, Utterance};

/// Looks for each recording that is not there, by the manifest's folder and by names below another; one that is not found keeps its path, and is unreadable.
pub(super) fn settle(corpus: &mut Corpus, folder: &Path, below: &Path) {
    let missing: Vec<usize> = (0..corpus.utterances.len()).filter(|&i| !there(&corpus.utterances[i].path)).collect();
    let (mut index, mut moved) = (None, Vec::new());
    for i in missing {
        let u = &mut corpus.utterances[i];
        let said = u.path.strip_prefix(folder).unwrap_or(&u.path).to_string_lossy().replace('\\', "/");
        if there(&folder.join(&said)) {
            u.path = folder.join(said);
            continue;
        }
        let index = index.get_or_insert_with(|| Index::of(below));
        let found = near(&said, folder).or_else(|| index.find(&said, u));
        if let Some(found) = found {
            moved.push((said, found.clone()));
            u.path = found;
        }
    }
    if let Some((said, found)) = moved.first() {
        let (n, all) = (moved.len(), corpus.utterances.len());
        corpus.notes.push(format!("{n} of {all} paths are not there, and found by their names: {} for {said}, ...", found.display()));
    }
}

fn there(path: &Path) -> bool {
    std::fs::metadata(path).is_ok()
}

/// The file as it is seen from where the program was started, or by the last parts of its path from the manifest's folder on.
fn near(said: &str, folder: &Path) -> Option<PathBuf> {
    let here = PathBuf::from(said);
    if there(&here) {
        return Some(here);
    }
    let parts: Vec<&str> = said.split('/').filter(|p| !p.is_empty() && !p.ends_with(':')).collect();
    (1..parts.len().max(1)).map(|from| folder.join(parts[from..].join("/"))).find(|path| there(path))
}

/// Recordings below a folder by their names without capitals, with and without the extension.
struct Index(HashMap<String, Vec<PathBuf>>);

impl Index {
    fn of(folder: &Path) -> Self {
        let mut names: HashMap<String, Vec<PathBuf>> = HashMap::new();
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        for path in walk(folder).map(|tree| tree.recordings).unwrap_or_default() {
            let own = [path.file_name(), path.file_stem()].into_iter().flatten().map(|n| n.to_string_lossy().to_lowercase());
            for name in own.collect::<BTreeSet<String>>() {
                names.entry(name).or_default().push(folder.join(&path));
            }
        }
        Index(names)
    }

    /// The only recording of that name; of several, the one in a folder of the utterance's side, or the one whose folders agree best.
    fn find(&self, said: &str, u: &Utterance) -> Option<PathBuf> {
        let name = said.rsplit('/').next()?.to_lowercase();
        let stem = name.rsplit_once('.').map(|(stem, _)| stem);
        let found = self.0.get(&name).or_else(|| self.0.get(stem?))?;
        let wanted = u.split.as_deref().and_then(side);
        let of_side: Vec<&PathBuf> = found.iter().filter(|p| wanted.is_none() || side_of(p) == wanted).collect();
        let choice = if of_side.is_empty() { found.iter().collect() } else { of_side };
        let agree = |p: &Path| {
            let own: Vec<String> = p.iter().rev().skip(1).map(|f| f.to_string_lossy().to_lowercase()).collect();
            said.to_lowercase().rsplit('/').skip(1).zip(&own).take_while(|(a, b)| a == b).count()
        };
        let best = choice.iter().map(|p| agree(p)).max()?;
        match choice.iter().filter(|p| agree(p) == best).collect::<Vec<_>>()[..] {
            [only] => Some((*only).clone()),
            _ => None,
        }
    }
}

/// The side that the folders of a recording name, the nearest first: `test`, `train_splits`, `output_repeated_splits_test`.
fn side_of(path: &Path) -> Option<Side> {
    let mut folders = path.parent()?.iter().rev().filter_map(|f| f.to_str());
    folders.find_map(|f| f.split(['_', '-', '.', ' ']).rev().find_map(side))
}
