//! What to listen to.

use anyhow::Result;
use emotone::data::Utterance;
use emotone::{audio, data};
use std::io::Read;
use std::path::{Path, PathBuf};

/// One recording.
pub struct Item {
    /// Path, or `-`.
    pub name: String,
    /// Label, where a corpus gives one.
    pub label: Option<String>,
    /// Speaker, where a corpus names one.
    pub speaker: Option<String>,
    source: Source,
}

enum Source {
    File(PathBuf),
    Bytes(Vec<u8>),
}

impl Item {
    /// Mono samples at 16 kHz. Warns of silence, of which a network still says something.
    pub fn load(&self) -> emotone::Result<Vec<f32>> {
        let clip = match &self.source {
            Source::File(path) => audio::load(path)?,
            Source::Bytes(bytes) => audio::load_bytes(Path::new("-"), bytes)?,
        };
        if audio::is_silent(&clip.samples) {
            eprintln!("warning: {}: silent; the answer means nothing", self.name);
        }
        Ok(clip.samples)
    }
}

fn file(path: &Path) -> Item {
    Item { name: path.display().to_string(), label: None, speaker: None, source: Source::File(path.to_path_buf()) }
}

/// The recordings of a folder or a manifest. Read as a corpus it gives labels and speakers; one that is none is searched for recordings.
/// As one of several, its speakers are told apart from others of the same name.
fn corpus(path: &Path, one_of_several: bool) -> emotone::Result<Vec<Item>> {
    let corpus = data::open(path).or_else(|e| data::unlabelled(&[path.to_path_buf()]).map_err(|_| e))?;
    let name = if one_of_several { format!("{}/", corpus.name) } else { String::new() };
    let known = |text: String| (!text.is_empty()).then_some(text);
    let item = |u: Utterance| Item { label: known(u.label), speaker: known(u.speaker).map(|s| format!("{name}{s}")), ..file(&u.path) };
    Ok(corpus.utterances.into_iter().map(item).collect())
}

/// Everything the arguments name, and how many of them name nothing.
pub fn collect(paths: &[PathBuf]) -> Result<(Vec<Item>, usize)> {
    let (mut items, mut bad) = (Vec::new(), 0);
    for path in paths {
        let manifest = path.extension().is_some_and(|e| ["csv", "tsv", "jsonl"].iter().any(|m| e.eq_ignore_ascii_case(m)));
        if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            std::io::stdin().take(audio::MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
            items.push(Item { name: "-".into(), label: None, speaker: None, source: Source::Bytes(bytes) });
        } else if path.is_dir() || manifest {
            match corpus(path, paths.len() > 1) {
                Ok(found) => items.extend(found),
                Err(e) => {
                    eprintln!("error: {e}");
                    bad += 1;
                }
            }
        } else {
            items.push(file(path));
        }
    }
    Ok((items, bad))
}
