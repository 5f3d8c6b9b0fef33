//! What to listen to.

use crate::args::Args;
use crate::shown as text;
use crate::sound::Sound;
use crate::tell::tell;
use anyhow::Result;
use emotone::data::{self, LeftOut, Utterance};
use emotone::{Error, audio};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// One recording.
pub struct Item {
    /// Path, or `-`.
    pub name: Rc<str>,
    /// Label, where a corpus gives one.
    pub label: Option<Rc<str>>,
    /// Speaker, where a corpus names one.
    pub speaker: Option<String>,
    source: Source,
}

enum Source {
    File(PathBuf),
    Bytes(Vec<u8>),
}

impl Item {
    /// Its sound, mono at 16 kHz.
    pub fn open(&self) -> emotone::Result<Sound> {
        let clip = match &self.source {
            Source::File(path) => audio::load(path)?,
            Source::Bytes(bytes) => audio::load_bytes(Path::new("-"), bytes)?,
        };
        Ok(Sound::of(clip))
    }

    /// An error about it, without its name.
    pub fn reason(&self, error: &Error) -> String {
        match error {
            Error::Audio { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }
}

fn file(path: &Path) -> Item {
    Item { name: path.to_string_lossy().into(), label: None, speaker: None, source: Source::File(path.to_path_buf()) }
}

/// All recordings that the arguments name.
#[derive(Default)]
pub struct Inputs {
    /// In their order.
    pub items: Vec<Item>,
    /// What is not among them.
    pub left_out: LeftOut,
}

impl Inputs {
    /// Looks at every argument. One that names nothing is told and left out.
    pub fn collect(args: &Args) -> Result<Self> {
        let mut inputs = Inputs::default();
        for path in &args.inputs {
            if path.as_os_str() == "-" {
                let mut bytes = Vec::new();
                std::io::stdin().take(audio::MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
                inputs.items.push(Item { name: "-".into(), label: None, speaker: None, source: Source::Bytes(bytes) });
            } else if path.is_dir() || is_list(path) {
                inputs.corpus(path, args);
            } else {
                inputs.items.push(file(path));
            }
        }
        inputs.left_out.lines(None).iter().for_each(|line| tell!("warning: {line}"));
        Ok(inputs)
    }

    /// The recordings of a folder or a manifest, with labels and speakers where there are some. As one of several, its speakers are told
    /// apart from others of the same name.
    fn corpus(&mut self, path: &Path, args: &Args) {
        let corpus = match data::heard(path) {
            Ok(corpus) => corpus,
            Err(e) => {
                tell!("error: {e}");
                return self.left_out.add("an input that names no recordings", path);
            }
        };
        let name = if args.inputs.len() > 1 { format!("{}/", corpus.name) } else { String::new() };
        let known = |text: String| (!text.is_empty()).then_some(text);
        let item = |u: Utterance| {
            let (label, speaker) = (known(u.label).map(Rc::from), known(u.speaker).map(|s| format!("{name}{s}")));
            Item { label, speaker, ..file(&u.path) }
        };
        self.items.extend(corpus.utterances.into_iter().map(item));
        self.left_out.extend(corpus.left_out);
        // Whether speakers are known is of no use here.
        let notes = corpus.notes.iter().filter(|note| !args.quiet && !note.contains("speakers"));
        notes.for_each(|note| tell!("note: {}: {note}", text::path(path)));
    }
}

/// Whether a file lists recordings, by its name.
fn is_list(path: &Path) -> bool {
    path.extension().is_some_and(|e| ["csv", "tsv", "jsonl"].iter().any(|l| e.eq_ignore_ascii_case(l)))
}
