//! Weight files: safetensors, read strictly and written atomically.

use super::params::Weights;
use crate::graph::Shape;
use crate::{Error, Result};
use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// Free text stored with the tensors.
pub type Metadata = BTreeMap<String, String>;

/// Largest file read, bytes. Far above any model of this crate; bounds memory on hostile input.
const MAX_BYTES: u64 = 4 << 30;

/// Reads a safetensors file: F32, F16 or BF16 tensors as f32.
///
/// Stricter than the format: duplicate names and non-finite values are errors.
///
/// # Errors
/// [`Error::Checkpoint`] naming the file and the tensor.
pub fn read(path: &Path) -> Result<(Weights, Metadata)> {
    let bad = |reason: String| Error::Checkpoint { path: path.to_path_buf(), reason };
    let meta = fs::metadata(path).map_err(Error::io(path))?;
    if !meta.is_file() {
        return Err(bad("not a regular file".into()));
    }
    if meta.len() > MAX_BYTES {
        return Err(bad(format!("{} bytes is more than the {MAX_BYTES} read", meta.len())));
    }
    let bytes = fs::read(path).map_err(Error::io(path))?;
    parse(&bytes).map_err(bad)
}

/// Reads the bytes of a safetensors file; see [`read`].
///
/// # Errors
/// What is wrong, with the tensor's name.
pub fn parse(bytes: &[u8]) -> Result<(Weights, Metadata), String> {
    let (header, parsed) = SafeTensors::read_metadata(bytes).map_err(|e| format!("not a safetensors file: {e}"))?;
    let text = bytes.get(8..8 + header).ok_or("header is cut short")?;
    unique_keys(text)?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| format!("not a safetensors file: {e}"))?;
    let mut weights = Weights::new();
    for (name, view) in file.tensors() {
        let values = floats(&view).ok_or_else(|| format!("tensor {name} has type {:?}; F32, F16 and BF16 are read", view.dtype()))?;
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            return Err(format!("tensor {name} holds {} at element {i}", values[i]));
        }
        weights.insert(name, (Shape(view.shape().to_vec()), values));
    }
    let metadata: Metadata = parsed.metadata().clone().unwrap_or_default().into_iter().collect();
    let metadata = match metadata.get(PACKED) {
        Some(text) => serde_json::from_str(text).map_err(|e| format!("metadata: {e}"))?,
        None => metadata,
    };
    Ok((weights, metadata))
}

fn floats(view: &TensorView) -> Option<Vec<f32>> {
    let b = view.data();
    Some(match view.dtype() {
        Dtype::F32 => bytemuck::pod_collect_to_vec(&b[..b.len() / 4 * 4]),
        Dtype::F16 => b.chunks_exact(2).map(|c| f16::from_le_bytes([c[0], c[1]]).to_f32()).collect(),
        Dtype::BF16 => b.chunks_exact(2).map(|c| bf16::from_le_bytes([c[0], c[1]]).to_f32()).collect(),
        _ => return None,
    })
}

/// Refuses a JSON object that names a key twice: the format's readers disagree on which one counts.
fn unique_keys(json: &[u8]) -> Result<(), String> {
    struct Keys;
    impl<'de> Visitor<'de> for Keys {
        type Value = ();
        fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            let mut seen = BTreeSet::new();
            while let Some(key) = map.next_key::<String>()? {
                map.next_value::<IgnoredAny>()?;
                if !seen.insert(key.clone()) {
                    return Err(serde::de::Error::custom(format!("the header names {key} twice")));
                }
            }
            Ok(())
        }
    }
    serde_json::Deserializer::from_slice(json).deserialize_map(Keys).map_err(|e| e.to_string())
}

/// Writes tensors as F32 safetensors, atomically: a temporary sibling is written, flushed, read back and renamed into place, so that
/// after any interruption `path` holds the old file or the new one, whole.
///
/// # Errors
/// [`Error::Io`] with the path; the old file is untouched.
pub fn write(path: &Path, weights: &Weights, metadata: &Metadata) -> Result<()> {
    let bad = |reason: String| Error::Checkpoint { path: path.to_path_buf(), reason };
    let views = weights
        .iter()
        .map(|(name, (shape, values))| {
            TensorView::new(Dtype::F32, shape.0.clone(), bytemuck::cast_slice(values)).map(|v| (name.clone(), v))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| bad(e.to_string()))?;
    // The format's writer takes a HashMap, whose order would change the bytes from run to run; one packed entry keeps equal
    // weights in equal files.
    let text = serde_json::to_string(metadata).map_err(|e| bad(e.to_string()))?;
    let packed = (!metadata.is_empty()).then(|| HashMap::from([(PACKED.to_string(), text)]));
    let bytes = safetensors::serialize(views, packed).map_err(|e| bad(e.to_string()))?;
    write_atomic(path, &bytes)
}

/// Metadata key under which all entries are packed as one JSON object.
const PACKED: &str = "emotone";

/// Replaces `path` by `bytes` so that an interruption leaves the old or the new content, whole.
///
/// # Errors
/// [`Error::Io`] with the path.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut tmp = tempfile::NamedTempFile::new_in(dir).map_err(Error::io(dir))?;
    tmp.write_all(bytes).map_err(Error::io(path))?;
    tmp.as_file().sync_all().map_err(Error::io(path))?;
    if fs::read(tmp.path()).map_err(Error::io(path))? != bytes {
        return Err(Error::Checkpoint { path: path.to_path_buf(), reason: "what was written does not read back".into() });
    }
    tmp.persist(path).map_err(|e| Error::Io { path: path.to_path_buf(), cause: e.error })?;
    // The rename itself must reach the disk; not every platform lets a folder be opened, and then the file system orders it.
    if let Ok(d) = File::open(dir) {
        let _ = d.sync_all();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Weights {
        Weights::from([
            ("a.w".to_string(), (Shape(vec![2, 3]), vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
            ("b".to_string(), (Shape(vec![1]), vec![-0.5])),
        ])
    }

    #[test]
    fn round_trip_is_exact_and_bytes_are_reproducible() {
        let dir = tempfile::tempdir().unwrap();
        let (p, q) = (dir.path().join("p"), dir.path().join("q"));
        let meta = Metadata::from([("classes".into(), "[\"x\"]".into()), ("config".into(), "y".into())]);
        write(&p, &sample(), &meta).unwrap();
        write(&q, &sample(), &meta).unwrap();
        assert_eq!(fs::read(&p).unwrap(), fs::read(&q).unwrap());
        let (w, m) = read(&p).unwrap();
        assert_eq!(w, sample());
        assert_eq!(m, meta);
    }

    #[test]
    fn half_precision_is_widened() {
        let data: Vec<u8> = [f16::from_f32(1.5), f16::from_f32(-2.0)].iter().flat_map(|h| h.to_le_bytes()).collect();
        let view = TensorView::new(Dtype::F16, vec![2], &data).unwrap();
        let bytes = safetensors::serialize([("h", view)], None).unwrap();
        assert_eq!(parse(&bytes).unwrap().0["h"].1, vec![1.5, -2.0]);
    }

    fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
        let mut b = (header.len() as u64).to_le_bytes().to_vec();
        b.extend_from_slice(header.as_bytes());
        b.extend_from_slice(data);
        b
    }

    #[test]
    fn hostile_files_are_refused_with_a_reason() {
        let entry = r#""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
        let twice = with_header(&format!("{{{entry},{entry}}}"), &[0; 4]);
        assert!(parse(&twice).unwrap_err().contains("twice"), "{:?}", parse(&twice));
        let nan = with_header(&format!("{{{entry}}}"), &f32::NAN.to_le_bytes());
        assert!(parse(&nan).unwrap_err().contains("a holds NaN"));
        let int = with_header(r#"{"a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}"#, &[0; 4]);
        assert!(parse(&int).unwrap_err().contains("I32"));
        for junk in [&b""[..], b"1234", &u64::MAX.to_le_bytes(), &with_header("{", &[])] {
            assert!(parse(junk).is_err());
        }
        let dir = tempfile::tempdir().unwrap();
        assert!(read(dir.path()).unwrap_err().to_string().contains("not a regular file"));
        assert!(read(&dir.path().join("absent")).is_err());
    }
}
