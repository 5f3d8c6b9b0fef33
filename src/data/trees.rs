//! What tests of folders share.

use super::Corpus;

/// A folder with these files, all empty.
pub(super) fn tree(files: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    dir
}

/// Label and speaker of each utterance.
pub(super) fn summary(corpus: &Corpus) -> Vec<(&str, &str)> {
    corpus.utterances.iter().map(|u| (u.label.as_str(), u.speaker.as_str())).collect()
}
