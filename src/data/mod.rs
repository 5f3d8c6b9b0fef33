//! Corpora, manifests, speaker-independent splits, loading and batches.
//!
//! [`open`] reads a corpus from a manifest or a folder, [`merge`] joins several, [`load_clips`] decodes the recordings,
//! [`Loaded::split`] divides them by speaker, and [`Batches`] deals them out.

mod also;
mod batches;
mod built_in;
mod corpus;
mod folder;
mod folds;
mod iemocap;
mod left_out;
mod load;
pub mod manifest;
mod names;
mod npy;
mod physiology;
#[cfg(test)]
mod real_tests;
pub mod signal;
mod split;
mod split_spec;
pub mod synth;
mod unlabelled;
mod walk;

use std::path::{Path, PathBuf};

pub use also::also;
pub use batches::Batches;
pub use built_in::built_in;
pub use corpus::{Corpus, LabelMap, Utterance, merge, parse_label_map};
pub use folds::{Fold, FoldSpec, choose};
pub use left_out::LeftOut;
pub use load::{Loaded, load, load_clips};
pub use split::Split;
pub use split_spec::SplitSpec;
pub use unlabelled::unlabelled;

use crate::{Error, Result};

/// Opens the corpus at `path`: a manifest (CSV, TSV or JSON lines), or a folder.
///
/// A folder is read by the first of these that fits:
/// 1. `manifest.csv`, `manifest.tsv` or `manifest.jsonl` in it;
/// 2. the IEMOCAP layout, labels from its `EmoEvaluation` files;
/// 3. file names of RAVDESS, CREMA-D, the Res-Trans paper's corpus, EMOVO, TESS, ESD, CASIA, SAVEE or EmoDB (at least 19 of
///    20 recordings; the others are left out with a note);
/// 4. a folder per class: `CLASS/...`, also under `train/`, `valid/` and `test/`. The speaker is the next folder,
///    `CLASS/SPEAKER/file`, or else the file name up to its first `_` or `-`, believed only where that makes at least two
///    speakers, most of whom speak in several classes. Otherwise speakers are unknown, and only a split that does not need
///    them is possible.
///
/// # Errors
/// [`Error::Data`], [`Error::Manifest`] or [`Error::Io`]: nothing there, nothing recognised, or a broken manifest.
pub fn open(path: &Path) -> Result<Corpus> {
    let meta = std::fs::metadata(path).map_err(Error::io(path))?;
    if meta.is_file() {
        return manifest::read(path);
    }
    if !meta.is_dir() {
        return Err(Error::Data(format!("{}: neither a folder nor a manifest", path.display())));
    }
    match manifest_in(path) {
        Some(manifest) => manifest::read(&manifest),
        None => folder::read(path),
    }
}

/// Every recording that the folder or manifest at `path` names, for a model to hear: with labels, speakers and notes where [`open`] finds
/// some, and without where it does not. Nothing of a folder is left out for its name or place.
///
/// # Errors
/// [`Error::Data`], [`Error::Manifest`] or [`Error::Io`]: nothing there, no recording, or a broken manifest.
pub fn heard(path: &Path) -> Result<Corpus> {
    match std::fs::metadata(path).map_err(Error::io(path))?.is_dir() {
        true => folder::heard(path),
        false => manifest::read_heard(path),
    }
}

/// The manifest of a folder.
fn manifest_in(folder: &Path) -> Option<PathBuf> {
    ["manifest.csv", "manifest.tsv", "manifest.jsonl"].iter().map(|n| folder.join(n)).find(|p| p.is_file())
}
