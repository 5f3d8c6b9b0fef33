//! What to listen to: files, folders, manifests, lists, and what comes on standard input.

use crate::args::Args;
use crate::sound::{Piped, Sound};
use crate::tell::tell;
use anyhow::{Result, bail};
use emotone::Error;
use emotone::audio::{Blocks, Channel, Part, Raw};
use emotone::data::{self, LeftOut, Utterance, manifest};
use emotone::text;
use std::cell::RefCell;
use std::fs::File;
use std::io::{Cursor, Read};
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
    part: Part,
    raw: Option<Raw>,
}

enum Source {
    File(PathBuf),
    /// What comes on standard input, until it is read.
    Stream(RefCell<Option<Box<dyn Read + Send + Sync>>>),
}

impl Item {
    fn of(path: &Path, flags: &Flags) -> Self {
        let part = Part { channel: flags.channel, ..Part::default() };
        let (name, source) = (path.to_string_lossy().into(), Source::File(path.into()));
        Item { name, label: None, speaker: None, source, part, raw: flags.raw }
    }

    /// Its sound, mono at 16 kHz.
    pub fn open(&self) -> emotone::Result<Sound> {
        let raw = |path: &Path, reader: Box<dyn Read + Send + Sync>| Blocks::of_reader(path, reader, self.raw, self.part.channel);
        let blocks = match (&self.source, self.raw) {
            (Source::File(path), None) => Blocks::open(path, &self.part),
            (Source::File(path), Some(_)) => raw(path, Box::new(File::open(path).map_err(Error::io(path))?)),
            (Source::Stream(stream), _) => match stream.take() {
                Some(stream) => raw(Path::new("-"), stream),
                None => Err(Error::Data("standard input can be read once".into())),
            },
        };
        blocks.map(Sound::new)
    }

    /// Where in its file it begins, in seconds.
    pub fn start(&self) -> f64 {
        self.part.start_s
    }

    /// An error about it, without its name.
    pub fn reason(&self, error: &Error) -> String {
        match error {
            Error::Audio { reason, .. } => reason.clone(),
            Error::Io { cause, .. } => cause.to_string(),
            other => other.to_string(),
        }
    }
}

/// What flags say of every recording.
struct Flags {
    channel: Channel,
    raw: Option<Raw>,
    /// Whether there are several inputs, so that speakers of one name in two of them are told apart.
    several: bool,
}

/// All recordings that the arguments name.
pub struct Inputs {
    /// In their order.
    pub items: Vec<Item>,
    /// What is not among them.
    pub left_out: LeftOut,
}

impl Inputs {
    /// Looks at every argument. One that names nothing is told and left out.
    pub fn collect(args: &Args) -> Result<Self> {
        let flags = Flags { channel: args.channel, raw: args.raw()?, several: args.inputs.len() > 1 };
        let mut inputs = Inputs { items: Vec::new(), left_out: LeftOut::default() };
        if args.inputs.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
            bail!("- is named twice: standard input can be read once");
        }
        for path in &args.inputs {
            if path.as_os_str() == "-" {
                inputs.standard_input(&flags)?;
            } else if path.is_dir() || is_manifest(path) {
                inputs.corpus(path, &flags, args.quiet);
            } else {
                inputs.items.push(Item::of(path, &flags));
            }
        }
        inputs.left_out.lines(None).iter().for_each(|line| tell!("warning: {line}"));
        Ok(inputs)
    }

    /// The recordings of a folder or a manifest, with labels and speakers where there are some.
    fn corpus(&mut self, path: &Path, flags: &Flags, quiet: bool) {
        let corpus = match data::heard(path) {
            Ok(corpus) => corpus,
            Err(e) => {
                tell!("error: {e}");
                return self.left_out.add("an input that names no recordings", path);
            }
        };
        let name = if flags.several { format!("{}/", corpus.name) } else { String::new() };
        let known = |text: String| (!text.is_empty()).then_some(text);
        let item = |u: Utterance| {
            let mut item = Item { name: u.name().into(), ..Item::of(&u.path, flags) };
            // A channel that a row names comes before the flag, which is for all.
            item.part = Part { channel: if u.part.channel == Channel::default() { flags.channel } else { u.part.channel }, ..u.part };
            Item { label: known(u.label).map(Rc::from), speaker: known(u.speaker).map(|s| format!("{name}{s}")), ..item }
        };
        self.items.extend(corpus.utterances.into_iter().map(item));
        self.left_out.extend(corpus.left_out);
        // Whether speakers are known is of no use here.
        corpus.notes.iter().filter(|_| !quiet).for_each(|note| tell!("note: {}: {note}", text::path(path)));
    }

    /// A recording, or names of recordings, one a line, as `find` writes them.
    fn standard_input(&mut self, flags: &Flags) -> Result<()> {
        let mut stream = Piped::standard_input();
        let head = stream.first()?;
        if flags.raw.is_some() || !names_a_file(&head) {
            let stream: Box<dyn Read + Send + Sync> = Box::new(Cursor::new(head).chain(stream));
            self.items.push(Item {
                name: "-".into(),
                source: Source::Stream(RefCell::new(Some(stream))),
                ..Item::of(Path::new("-"), flags)
            });
            return Ok(());
        }
        let mut list = head;
        stream.read_to_end(&mut list)?;
        self.items.extend(names(&String::from_utf8_lossy(&list)).map(|name| Item::of(Path::new(name), flags)));
        Ok(())
    }
}

/// Whether a file lists recordings, by its name.
fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|e| manifest::EXTENSIONS.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

/// Names in a list: one a line, or with zeros behind them.
fn names(list: &str) -> impl Iterator<Item = &str> {
    let separator = if list.contains('\0') { '\0' } else { '\n' };
    list.split(separator).map(|name| name.trim_end_matches('\r')).filter(|name| !name.trim().is_empty())
}

/// Whether what begins so is a list of names: its first names a file.
fn names_a_file(head: &[u8]) -> bool {
    let first = head.split(|b| [b'\n', b'\r', 0].contains(b)).next().unwrap_or_default();
    std::str::from_utf8(first).is_ok_and(|name| !name.is_empty() && Path::new(name).is_file())
}
