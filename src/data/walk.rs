//! One walk over a folder, for training and answering alike: every recording below it, and by name what else was not read.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::LeftOut;
use crate::{Error, Result, audio};

/// Extensions of sound and of video with sound. What a file holds, and whether it can be decoded, is found out when it is read.
const SOUND: &[&str] = &[
    "3g2", "3gp", "aac", "ac3", "aif", "aifc", "aiff", "alac", "amr", "ape", "asf", "au", "avi", "awb", "caf", "dss", "flac", "flv", "gsm",
    "m2ts", "m4a", "m4b", "m4v", "mka", "mkv", "mov", "mp1", "mp2", "mp3", "mp4", "mpa", "mpeg", "mpg", "mpga", "mts", "nist", "oga",
    "ogg", "ogv", "opus", "pcm", "qta", "ra", "ram", "raw", "rf64", "rm", "sln", "snd", "sph", "spx", "tta", "vob", "voc", "vox", "w64",
    "wav", "wave", "webm", "wma", "wmv", "wv",
];
/// Extensions of what may hold recordings and is not opened.
const ARCHIVES: &[&str] = &["7z", "bz2", "dmg", "gz", "iso", "rar", "tar", "tgz", "xz", "zip", "zst"];
/// Extensions of downloads that were not finished, and of copies that programs keep.
const UNFINISHED: &[&str] = &["crdownload", "download", "part", "partial"];
const KEPT: &[&str] = &["bak", "old", "orig", "tmp"];
/// What systems leave in folders and archives, beside everything that begins with a dot.
const JUNK: &[&str] = &["$recycle.bin", "@eadir", "__macosx", "desktop.ini", "lost+found", "system volume information", "thumbs.db"];
/// Extensions of texts that layouts and manifests are read from.
const TEXTS: &[&str] = &["csv", "json", "jsonl", "scp", "tsv", "txt"];
const MAX_DEPTH: usize = 64;
const MAX_FILES: usize = 2_000_000;
/// Bytes from which a file of an unknown extension is recognised.
const HEAD: u64 = 64;

/// What lies below a folder; paths are relative to it, sorted folder by folder.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Recordings, by extension, or by content where the extension says nothing.
    pub(super) recordings: Vec<PathBuf>,
    /// Texts.
    pub(super) texts: Vec<PathBuf>,
    /// What could not be entered or is not opened, by its whole path.
    pub(super) left_out: LeftOut,
    /// How many files of each extension are no recordings.
    others: BTreeMap<String, usize>,
    /// Hidden recordings.
    hidden: usize,
}

impl Tree {
    /// What to tell of files that are no recordings.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.others.is_empty() {
            let kinds: Vec<String> = self.others.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
            notes.push(format!("files that are no recordings: {}", kinds.join(", ")));
        }
        if self.hidden > 0 {
            notes.push(format!("{} hidden recordings, whose names begin with a dot, are passed over", self.hidden));
        }
        notes
    }
}

/// Walks over everything below `root`. Links are followed, each folder is entered once.
///
/// # Errors
/// [`Error::Io`] where `root` cannot be read; [`Error::Data`] for more files than anybody has.
pub(super) fn walk(root: &Path) -> Result<Tree> {
    let mut walk = Walk { root, entered: HashSet::new(), tree: Tree::default() };
    walk.enter(Path::new(""), 0)?;
    Ok(walk.tree)
}

/// Whether a text ends as names of recordings do.
pub(super) fn is_named_as_sound(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, e)| !stem.is_empty() && SOUND.contains(&e.to_ascii_lowercase().as_str()))
}

struct Walk<'a> {
    root: &'a Path,
    entered: HashSet<PathBuf>,
    tree: Tree,
}

impl Walk<'_> {
    fn enter(&mut self, relative: &Path, depth: usize) -> Result<()> {
        let folder = self.root.join(relative);
        let listed = std::fs::canonicalize(&folder).and_then(|real| {
            let entries: Vec<_> = std::fs::read_dir(&folder)?.collect::<std::io::Result<_>>()?;
            Ok((real, entries))
        });
        let (real, mut entries) = match listed {
            Ok(listed) => listed,
            Err(e) if depth == 0 => return Err(Error::io(&folder)(e)),
            Err(e) => {
                self.tree.left_out.add(format!("a folder that cannot be entered ({e})"), folder);
                return Ok(());
            }
        };
        // Links may lead to a folder that was entered already, or to one above this.
        if !self.entered.insert(real) {
            return Ok(());
        }
        if depth > MAX_DEPTH {
            self.tree.left_out.add(format!("a folder more than {MAX_DEPTH} deep"), folder);
            return Ok(());
        }
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            self.entry(&relative.join(entry.file_name()), depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, depth: usize) -> Result<()> {
        let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
        let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        let sound = SOUND.contains(&extension.as_str());
        if name.starts_with('.') {
            // `._take.wav` is what macOS keeps beside take.wav, and no recording.
            self.tree.hidden += usize::from(sound && !name.starts_with("._"));
            return Ok(());
        }
        if JUNK.contains(&name.as_str()) || name == "icon\r" {
            return Ok(());
        }
        let whole = self.root.join(path);
        match std::fs::metadata(&whole) {
            Ok(meta) if meta.is_dir() => return self.enter(path, depth + 1),
            Ok(meta) if meta.is_file() => self.file(path, &whole, &extension),
            Ok(_) => self.tree.left_out.add("a pipe, socket or device", whole),
            Err(e) => self.tree.left_out.add(format!("a link that leads nowhere, or a file that cannot be reached ({e})"), whole),
        }
        if self.tree.recordings.len() > MAX_FILES {
            return Err(Error::Data(format!("{}: more than {MAX_FILES} recordings", self.root.display())));
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, whole: &Path, extension: &str) {
        let tree = &mut self.tree;
        if TEXTS.contains(&extension) {
            tree.texts.push(path.into());
        }
        if SOUND.contains(&extension) {
            tree.recordings.push(path.into());
        } else if ARCHIVES.contains(&extension) {
            tree.left_out.add("an archive that is not unpacked", whole);
        } else if UNFINISHED.contains(&extension) {
            tree.left_out.add("a download that was not finished", whole);
        } else if (KEPT.contains(&extension) || extension.ends_with('~')) && is_sound(whole) {
            tree.left_out.add("a copy that a program kept, by its name", whole);
        } else if is_sound(whole) {
            tree.recordings.push(path.into());
        } else {
            let kind = if extension.is_empty() { "without an extension".to_string() } else { format!(".{extension}") };
            *tree.others.entry(kind).or_default() += 1;
        }
    }
}

/// Whether the first bytes of a file are those of sound.
fn is_sound(path: &Path) -> bool {
    let mut head = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head)).is_ok() && audio::is_sound(&head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::heard;

    const WAV: &[u8] = b"RIFF\x24\0\0\0WAVEfmt ";

    fn tree(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (file, bytes) in files {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        dir
    }

    fn names(paths: &[PathBuf]) -> Vec<String> {
        paths.iter().map(|p| p.display().to_string()).collect()
    }

    #[test]
    fn recordings_are_found_and_the_rest_is_named() {
        let dir = tree(&[
            ("a/deep/er/x.WAV", WAV),
            ("a/voice.m4a", b""),
            ("a/film.mkv", b""),
            ("b/take", WAV),
            ("b/take.dat", WAV),
            ("b/._x.wav", b""),
            ("b/.DS_Store", b""),
            ("b/.old.wav", WAV),
            ("__MACOSX/b/y.wav", b""),
            (".git/y.wav", b""),
            ("b/Thumbs.db", b""),
            ("notes.txt", b"RIFF but a text"),
            ("notes.md", b""),
            ("LICENSE", b""),
            ("b/more.zip", b"PK"),
            ("b/y.wav.part", b"RIFF"),
            ("b/y.wav.bak", WAV),
            ("b/z.bak", b"text"),
        ]);
        let found = walk(dir.path()).unwrap();
        assert_eq!(names(&found.recordings), ["a/deep/er/x.WAV", "a/film.mkv", "a/voice.m4a", "b/take", "b/take.dat"]);
        assert_eq!(names(&found.texts), ["notes.txt"]);
        let lines = found.left_out.lines(None).join("\n");
        assert_eq!(found.left_out.len(), 3, "{lines}");
        for (word, file) in [("archive", "more.zip"), ("not finished", "y.wav.part"), ("a program kept", "y.wav.bak")] {
            assert!(lines.lines().any(|l| l.contains(word) && l.ends_with(file)), "{lines}");
        }
        let notes = found.notes();
        assert_eq!(notes[0], "files that are no recordings: 1 .bak, 1 .md, 1 .txt, 1 without an extension");
        assert!(notes[1].starts_with("1 hidden"), "{notes:?}");
    }

    #[test]
    #[cfg(unix)]
    fn links_are_followed_once() {
        use std::os::unix::fs::symlink;
        let (dir, other) = (tree(&[("joy/a.wav", WAV)]), tree(&[("b.wav", WAV)]));
        symlink(dir.path(), dir.path().join("joy/again")).unwrap();
        symlink(other.path(), dir.path().join("fear")).unwrap();
        symlink(other.path(), dir.path().join("more")).unwrap();
        symlink(dir.path().join("nowhere"), dir.path().join("joy/lost.wav")).unwrap();
        let found = walk(dir.path()).unwrap();
        assert_eq!(names(&found.recordings), ["fear/b.wav", "joy/a.wav"]);
        assert!(found.left_out.len() == 1 && found.left_out.lines(None)[0].ends_with("lost.wav"), "{:?}", found.left_out);
    }

    #[test]
    #[cfg(unix)]
    fn folders_that_cannot_be_entered_are_named() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tree(&[("joy/a.wav", WAV), ("shut/b.wav", WAV)]);
        let shut = dir.path().join("shut");
        std::fs::set_permissions(&shut, std::fs::Permissions::from_mode(0o0)).unwrap();
        let (found, enters) = (walk(dir.path()).unwrap(), std::fs::read_dir(&shut).is_ok());
        std::fs::set_permissions(&shut, std::fs::Permissions::from_mode(0o755)).unwrap();
        match enters {
            true => eprintln!("NOT TESTED: this user enters every folder"),
            false => assert!(found.recordings.len() == 1 && found.left_out.lines(None)[0].contains("cannot be entered"), "{found:?}"),
        }
        assert!(walk(&dir.path().join("none")).is_err());
    }

    /// Whatever the layout, every recording is heard, with labels where the layout says some.
    #[test]
    fn every_recording_of_a_folder_is_heard() {
        let rows = |files: &[&str]| -> Vec<(String, String)> {
            let dir = tree(&files.iter().map(|f| (*f, WAV)).collect::<Vec<_>>());
            let heard = heard(dir.path()).unwrap();
            let name = |p: &Path| p.strip_prefix(dir.path()).unwrap().display().to_string();
            heard.utterances.iter().map(|u| (name(&u.path), u.label.clone())).collect()
        };
        let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect::<Vec<_>>();
        let mixed = rows(&["joy/1.wav", "fear/2.wav", "loose.wav"]);
        assert_eq!(mixed.len(), 3, "{mixed:?}");
        assert_eq!(rows(&["2024/05/call.m4a", "loose.wav"]), pairs(&[("2024/05/call.m4a", ""), ("loose.wav", "")]));
        let mut known: Vec<String> = (1..=24).map(|a| format!("Actor_{a:02}/03-01-05-01-02-01-{a:02}.wav")).collect();
        known.push("Actor_01/extra.wav".into());
        let known = rows(&known.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(known.iter().filter(|(_, label)| label == "anger").count(), 24);
        assert!(known.len() == 25 && known.contains(&("Actor_01/extra.wav".into(), String::new())), "{known:?}");
    }
}
