//! Files that people name in the place of others: what they are, by their first bytes.

/// What a file is that is none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// Nothing in it.
    Empty,
    /// A zip with a pickle: weights as PyTorch saves them.
    Torch,
    /// A bare pickle, as PyTorch saved weights once, and scikit-learn its models.
    Pickle,
    /// Any other zip.
    Zip,
    /// Another archive, or a compressed file, by its name.
    Archive(&'static str),
    /// A network of another program, by its name.
    Network(&'static str),
    /// A page that a server sent in the place of the file.
    Page,
    /// What Git LFS has in the place of a file that it has not fetched.
    LfsPointer,
    /// A recording.
    Recording,
    /// A spreadsheet or another document, by its name.
    Document(&'static str),
    /// Readable text.
    Text,
}

impl std::fmt::Display for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            Foreign::Empty => "an empty file",
            Foreign::Torch => "weights of PyTorch (a zip with a pickle)",
            Foreign::Pickle => "a Python pickle",
            Foreign::Zip => "a zip archive",
            Foreign::Archive(name) | Foreign::Network(name) | Foreign::Document(name) => name,
            Foreign::Page => "a web page (what a server sent in the place of the file, an error or a login)",
            Foreign::LfsPointer => "a pointer of Git LFS (the file itself was not downloaded)",
            Foreign::Recording => "a recording",
            Foreign::Text => "a text file",
        })
    }
}

/// First bytes, where they stand, and what they mean.
const MAGIC: &[(usize, &[u8], Foreign)] = &[
    (0, b"version https://git-lfs", Foreign::LfsPointer),
    (0, b"\x1f\x8b", Foreign::Archive("a gzip archive")),
    (0, b"BZh", Foreign::Archive("a bzip2 archive")),
    (0, b"\xfd7zXZ\0", Foreign::Archive("an xz archive")),
    (0, b"\x28\xb5\x2f\xfd", Foreign::Archive("a zstd archive")),
    (0, b"7z\xbc\xaf\x27\x1c", Foreign::Archive("a 7z archive")),
    (0, b"Rar!\x1a\x07", Foreign::Archive("a rar archive")),
    (257, b"ustar", Foreign::Archive("a tar archive")),
    (0, b"GGUF", Foreign::Network("a GGUF file (llama.cpp, whisper.cpp)")),
    (0, b"lmgg", Foreign::Network("a GGML file (whisper.cpp)")),
    (0, b"\x89HDF\r\n\x1a\n", Foreign::Network("an HDF5 file (Keras, TensorFlow)")),
    (4, b"TFL3", Foreign::Network("a TensorFlow Lite file")),
    (0, b"\x93NUMPY", Foreign::Network("an array of NumPy")),
    (0, b"%PDF", Foreign::Document("a PDF")),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Foreign::Document("a document of an older Office (xls, doc)")),
    (0, b"\x89PNG", Foreign::Document("a picture")),
    (0, b"\xff\xd8\xff", Foreign::Document("a picture")),
    (8, b"WAVE", Foreign::Recording),
    (0, b"fLaC", Foreign::Recording),
    (0, b"OggS", Foreign::Recording),
    (0, b"ID3", Foreign::Recording),
    (0, b"#!AMR", Foreign::Recording),
    (0, b"caff", Foreign::Recording),
    (4, b"ftyp", Foreign::Recording),
    (8, b"AIFF", Foreign::Recording),
    (8, b"AIFC", Foreign::Recording),
    (0, b"\x1a\x45\xdf\xa3", Foreign::Recording),
];

/// Bytes in which text and names in an archive are looked for.
const LOOKED_AT: usize = 4096;

/// What a file is, where that is known. `name` is the end of its name, for formats that have no first bytes of their own.
pub(crate) fn what(bytes: &[u8], name: &str) -> Option<Foreign> {
    let head = &bytes[..bytes.len().min(LOOKED_AT)];
    let has = |needle: &[u8]| head.windows(needle.len()).any(|w| w == needle);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Some(Foreign::Empty);
    }
    if let Some((.., foreign)) = MAGIC.iter().find(|(at, magic, _)| head.get(*at..*at + magic.len()) == Some(magic)) {
        return Some(*foreign);
    }
    let ends = |suffixes: &[&str]| suffixes.iter().any(|s| name.to_ascii_lowercase().ends_with(s));
    if head.starts_with(b"PK") {
        return Some(match () {
            _ if has(b"/data.pkl") || has(b"/byteorder") || ends(&[".pt", ".pth", ".ckpt", ".bin"]) => Foreign::Torch,
            _ if has(b"xl/") || ends(&[".xlsx"]) => Foreign::Document("an Excel workbook"),
            _ if has(b"spreadsheet") || ends(&[".ods"]) => Foreign::Document("a LibreOffice spreadsheet"),
            _ if has(b"word/") || ends(&[".docx"]) => Foreign::Document("a Word document"),
            _ if ends(&[".keras"]) => Foreign::Network("a network of Keras"),
            _ if ends(&[".npz"]) => Foreign::Network("arrays of NumPy"),
            _ => Foreign::Zip,
        });
    }
    if matches!(head, [0x80, 2..=5, ..]) {
        return Some(Foreign::Pickle);
    }
    if ends(&[".onnx"]) {
        return Some(Foreign::Network("an ONNX network"));
    }
    if ends(&[".pb", ".tflite", ".mlmodel", ".h5", ".keras"]) {
        return Some(Foreign::Network("a network of another program"));
    }
    let text = head.trim_ascii_start().to_ascii_lowercase();
    if [&b"<!doctype"[..], b"<html", b"<?xml", b"<error"].iter().any(|start| text.starts_with(start)) {
        return Some(Foreign::Page);
    }
    let plain = |c: char| !c.is_control() || c.is_ascii_whitespace();
    head.utf8_chunks().next().filter(|c| c.valid().len() + 4 > head.len() && c.valid().chars().all(plain)).map(|_| Foreign::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_what_they_hold() {
        let of = |bytes: &[u8], name| what(bytes, name).map(|f| f.to_string()).unwrap_or_default();
        assert_eq!(of(b" \n", "a"), "an empty file");
        assert!(of(b"PK\x03\x04....archive/data.pkl", "m.zip").contains("PyTorch") && of(b"PK\x03\x04", "m.PTH").contains("PyTorch"));
        assert_eq!(of(b"PK\x03\x04....corpus/a.wav", "c.zip"), "a zip archive");
        assert!(of(b"PK\x03\x04....xl/workbook.xml", "c").contains("Excel"));
        assert!(of(b"\x80\x02}q\x00", "m.pt").contains("pickle") && of(b"GGUF\x03", "m").contains("GGUF"));
        assert!(of(b"\x08\x07\x12\x07pytorch", "m.onnx").contains("ONNX"));
        assert!(of(b"  <!DOCTYPE html><html>", "m").contains("web page") && of(b"{\"error\": \"not found\"}", "m") == "a text file");
        assert!(of(b"version https://git-lfs.github.com/spec/v1\n", "m").contains("Git LFS"));
        assert!(of(b"RIFF\x00\x00\x00\x00WAVEfmt ", "m") == "a recording");
        // Bytes that say nothing, and a file of ours.
        assert!(of(&[1, 2, 3, 0, 0, 0, 0, 0, b'{'], "m").is_empty() && of(b"\x40\0\0\0\0\0\0\0{\"a\":{", "m").is_empty());
        assert_eq!(of("Ärger; 喜び\n".as_bytes(), "m"), "a text file");
    }
}
