//! What to listen to.

use anyhow::Result;
use emotone::{audio, data};
use std::io::Read;
use std::path::{Path, PathBuf};

/// One recording.
pub struct Item {
    /// Path, or `-`.
    pub name: String,
    /// Label, where a corpus gives one.
    pub label: Option<String>,
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
    Item { name: path.display().to_string(), label: None, source: Source::File(path.to_path_buf()) }
}

/// Everything the arguments name, and how many of them name nothing. Folders and manifests are read as corpora, which gives labels; a
/// folder that is none is searched for recordings.
pub fn collect(paths: &[PathBuf]) -> Result<(Vec<Item>, usize)> {
    let (mut items, mut bad) = (Vec::new(), 0);
    for path in paths {
        let manifest = path.extension().is_some_and(|e| ["csv", "tsv", "jsonl"].iter().any(|m| e.eq_ignore_ascii_case(m)));
        if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            std::io::stdin().take(audio::MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
            items.push(Item { name: "-".into(), label: None, source: Source::Bytes(bytes) });
        } else if path.is_dir() || manifest {
            match data::open(path) {
                Ok(corpus) => items.extend(corpus.utterances.into_iter().map(|u| Item { label: Some(u.label), ..file(&u.path) })),
                Err(e) => match recordings(path) {
                    found if found.is_empty() => {
                        eprintln!("error: {e}");
                        bad += 1;
                    }
                    found => items.extend(found.iter().map(|p| file(p))),
                },
            }
        } else {
            items.push(file(path));
        }
    }
    Ok((items, bad))
}

/// Recordings in a folder, by extension, in the order of their names.
fn recordings(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path());
    let known = |p: &PathBuf| p.extension().is_some_and(|e| ["wav", "flac", "mp3", "ogg"].iter().any(|k| e.eq_ignore_ascii_case(k)));
    let mut found: Vec<PathBuf> = entries.filter(known).collect();
    found.sort();
    found
}
