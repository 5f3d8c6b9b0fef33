//! Corpora, manifests, speaker-independent splits, loading and batches.
//!
//! [`open`] reads a corpus from a manifest or a folder, [`merge`] joins several, [`load_clips`] decodes the recordings,
//! [`Loaded::split`] divides them by speaker, and [`Batches`] deals them out.

mod also;
mod batches;
mod built_in;
mod corpus;
mod emotions;
mod folder;
mod folds;
mod iemocap;
mod labels;
mod layout;
mod left_out;
mod load;
pub mod manifest;
mod merge;
mod mistaken;
mod names;
mod npy;
mod physiology;
mod reading;
#[cfg(test)]
mod real_tests;
mod remarks;
mod sides;
pub mod signal;
mod split;
mod split_spec;
pub mod synth;
#[cfg(test)]
mod trees;
mod unlabelled;
mod walk;
mod weights;
mod windows;

use std::path::Path;

pub use also::also;
pub use batches::Batches;
pub use built_in::built_in;
pub use corpus::{Corpus, LabelMap, Utterance, parse_label_map};
pub(crate) use emotions::number;
pub use emotions::{noun, same_emotion};
pub use folds::{Fold, FoldSpec, choose};
pub(crate) use labels::numbers as numbered;
pub use left_out::LeftOut;
pub use load::{Loaded, load, load_clips};
pub(crate) use manifest::unread_note as unread;
pub use merge::merge;
pub use reading::{Origin, Reading};
pub use sides::chosen;
pub use split::Split;
pub use split_spec::SplitSpec;
pub use unlabelled::unlabelled;
pub use weights::{WEIGHT, weights};

use crate::{Error, Result};

/// Opens the corpus at `path`: a manifest (CSV, TSV or JSON lines), or a folder.
///
/// A folder is read by the first of these that fits:
/// 1. `manifest.csv`, `.tsv`, `.jsonl` or `.json` in it, or `metadata`, `labels` or `annotations`, or `wav.scp`, that name recordings;
/// 2. MELD's tables, or the IEMOCAP layout, labels from its `EmoEvaluation` files;
/// 3. file names of RAVDESS, CREMA-D, the Res-Trans paper's corpus, EMOVO, TESS, ESD, CASIA, JL, SUBESCO, CaFE, Urdu, ShEMO, SAVEE or EmoDB (at least 19 of
///    20 recordings; the others are left out);
/// 4. emotion words, in several languages: the folder that holds them is the class, wherever it stands (`SPEAKER/CLASS/`,
///    `CLASS/SPEAKER/`, also under `train/`, `valid/` and `test/`), or they stand in names of files. Other words are classes where
///    one folder alone tells recordings apart; where nothing decides, the error asks for `--emotion-from`. The speaker is the
///    folder above the class, or below it, or else the file name up to its first `_` or `-`, believed only where that makes at
///    least two speakers, most of whom speak in several classes. Otherwise speakers are unknown.
///
/// # Errors
/// [`Error::Data`], [`Error::Manifest`] or [`Error::Io`]: nothing there, nothing recognised, or a broken manifest.
pub fn open(path: &Path) -> Result<Corpus> {
    open_as(path, &Reading::default())
}

/// Opens the corpus at `path` as [`open`], with what a user says of where emotions and speakers stand.
///
/// # Errors
/// As [`open`].
pub fn open_as(path: &Path, reading: &Reading) -> Result<Corpus> {
    let meta = std::fs::metadata(path).map_err(Error::io(path))?;
    if meta.is_file() {
        mistaken::refuse(path)?;
        return manifest::read_as(path, reading);
    }
    if !meta.is_dir() {
        return Err(Error::Data(format!("{}: neither a folder nor a manifest", path.display())));
    }
    match folder::manifest_in(path) {
        Some(manifest) => {
            let mut corpus = manifest::read_as(&manifest, reading)?;
            corpus.notes.extend(folder::unlisted(path, &corpus)?);
            Ok(corpus)
        }
        None => folder::read(path, reading),
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
