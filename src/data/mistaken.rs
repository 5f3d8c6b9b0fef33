//! Files that people name in the place of a manifest.

use crate::foreign::{self, Foreign};
use crate::{Error, Result, text};
use std::io::Read as _;
use std::path::Path;

/// Bytes by which a file is known.
const HEAD: u64 = 4096;

/// Refuses a file that can be no manifest, with what it is and the way out.
///
/// # Errors
/// [`Error::Data`] that says both; [`Error::Io`].
pub(super) fn refuse(path: &Path) -> Result<()> {
    let mut head = Vec::new();
    let file = std::fs::File::open(path).map_err(Error::io(path))?;
    file.take(HEAD).read_to_end(&mut head).map_err(Error::io(path))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let way = match foreign::what(&head, &name) {
        None | Some(Foreign::Text) => return Ok(()),
        // Its rows are data all the same, or an error of the manifest's own.
        Some(Foreign::Empty) if head.is_empty() => "an empty file: write the manifest, or download it again",
        Some(Foreign::Empty) => return Ok(()),
        Some(Foreign::Zip | Foreign::Archive(_)) => "unpack it, and name the folder",
        Some(Foreign::Recording) => "name the folder it is in, or a manifest (CSV) that lists recordings with their labels",
        Some(Foreign::Document(_)) => "save its table as CSV, and name that",
        Some(Foreign::LfsPointer) => "fetch the file itself (git lfs pull), then try again",
        Some(Foreign::Page) => "download the file again",
        Some(Foreign::Torch | Foreign::Pickle | Foreign::Network(_)) => "recordings are named here; weights are named after --weights",
    };
    let what = foreign::what(&head, &name).filter(|f| *f != Foreign::Empty).map_or(String::new(), |f| format!("{f}, no manifest: "));
    Err(Error::Data(format!("{}: {what}{way}", text::path(path))))
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_no_manifest_is_called_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let told = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            crate::data::open(&path).unwrap_err().to_string()
        };
        for (name, bytes, parts) in [
            ("c.zip", &b"PK\x03\x04....a.wav"[..], ["a zip archive", "unpack it"]),
            ("c.tar.gz", b"\x1f\x8b\x08", ["a gzip archive", "unpack it"]),
            ("a.wav", b"RIFF\x24\0\0\0WAVEfmt ", ["a recording", "name the folder"]),
            ("labels.xlsx", b"PK\x03\x04....xl/workbook.xml", ["Excel", "as CSV"]),
            ("m.csv", b"version https://git-lfs.github.com/spec/v1", ["Git LFS", "git lfs pull"]),
            ("m.csv", b"<!DOCTYPE html><html>", ["a web page", "download"]),
            ("m.csv", b"", ["an empty file", "m.csv"]),
            ("m.pth", b"PK\x03\x04", ["PyTorch", "--weights"]),
        ] {
            let said = told(name, bytes);
            assert!(parts.iter().all(|part| said.contains(part)) && said.contains(name), "{said}");
        }
    }
}
