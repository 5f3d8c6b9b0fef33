//! Weight files: safetensors, read strictly and written atomically.

use super::params::Weights;
use crate::foreign::{self, Foreign};
use crate::graph::Shape;
use crate::{Error, Result, error::one_line, hash::hex, storage, text};
use half::slice::{HalfBitsSliceExt as _, HalfFloatSliceExt as _};
use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, TensorView};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

/// Free text stored with the tensors.
pub type Metadata = BTreeMap<String, String>;

/// Largest file read, bytes. Far above any model of this crate; bounds memory on hostile input.
const MAX_BYTES: u64 = 4 << 30;

/// Name of the file of weights in a folder, whether a run wrote it or a model was published so.
const IN_FOLDER: &str = "model.safetensors";

/// Reads a safetensors file: F32, F16 or BF16 tensors as f32. A folder stands for the `model.safetensors` in it.
///
/// Stricter than the format: duplicate names and non-finite values are errors.
///
/// # Errors
/// [`Error::Checkpoint`] naming the file and the tensor, and what a file is that is none of weights.
pub fn read(path: &Path) -> Result<(Weights, Metadata)> {
    let path = &located(path)?;
    let bad = |reason: String| Error::Checkpoint { path: path.to_path_buf(), reason };
    let meta = fs::metadata(path).map_err(Error::io(path))?;
    if !meta.is_file() {
        return Err(bad("not a regular file".into()));
    }
    if meta.len() > MAX_BYTES {
        return Err(bad(format!("{} bytes is more than the {MAX_BYTES} read", meta.len())));
    }
    let bytes = fs::read(path).map_err(Error::io(path))?;
    parse_at(path, &bytes)
}

/// The bytes of the file at `path`; see [`read`].
///
/// # Errors
/// As [`read`].
pub fn parse_at(path: &Path, bytes: &[u8]) -> Result<(Weights, Metadata)> {
    let reason = |reason| mistaken(path, bytes).unwrap_or(reason);
    parse(bytes).map_err(|e| Error::Checkpoint { path: path.to_path_buf(), reason: reason(e) })
}

/// The file of weights that a path names: itself, or the one in the folder that it is.
///
/// # Errors
/// [`Error::Checkpoint`] for a folder without one, naming what lies there and below that could be meant.
pub fn located(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_path_buf());
    }
    let own = path.join(IN_FOLDER);
    if own.exists() {
        return Ok(own);
    }
    let entries = |folder: &Path| {
        let mut entries: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
        entries.sort();
        entries
    };
    let below = entries(path).into_iter().map(|folder| folder.join(IN_FOLDER)).filter(|file| file.exists());
    let files = entries(path).into_iter().filter(|file| file.extension().is_some_and(|e| e == "safetensors"));
    let meant: Vec<String> = below.chain(files).map(|file| text::shell(&file)).collect();
    let reason = match meant.as_slice() {
        [] => format!("a folder without {IN_FOLDER}: name the file of a model, or the folder of a run that is complete"),
        meant => format!("a folder without {IN_FOLDER}: name one of {}", meant[..meant.len().min(SHOWN)].join(", ")),
    };
    Err(Error::Checkpoint { path: path.to_path_buf(), reason })
}

/// Files that a message names.
const SHOWN: usize = 5;

/// What a file is that holds no safetensors, where that is known, and the way out.
fn mistaken(path: &Path, bytes: &[u8]) -> Option<String> {
    if bytes.get(8) == Some(&b'{') {
        use SafeTensorError::{InvalidHeaderLength, MetadataIncompleteBuffer};
        let short = SafeTensors::read_metadata(bytes).is_err_and(|e| matches!(e, InvalidHeaderLength | MetadataIncompleteBuffer));
        return short
            .then(|| format!("not a safetensors file as a whole, its {} bytes are not all of it: copy or download it again", bytes.len()));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let foreign = foreign::what(bytes, &name)?;
    let way = match foreign {
        Foreign::Torch | Foreign::Pickle => {
            format!("weights are read from safetensors; convert it once, where PyTorch is: {CONVERT} {}", text::shell(path))
        }
        Foreign::Zip | Foreign::Archive(_) => "unpack it, and name the safetensors file in it".into(),
        Foreign::LfsPointer => "fetch the file itself (git lfs pull), then try again".into(),
        Foreign::Empty | Foreign::Page => "download the file again, and look at its size".into(),
        Foreign::Network(_) => "weights are read from safetensors: export them there with the program that made them".into(),
        Foreign::Recording => "a model is named here; recordings are named without a flag, or in training after --data".into(),
        Foreign::Document(_) | Foreign::Text => {
            "a model is a safetensors file, such as the model.safetensors in the folder of a run".into()
        }
    };
    Some(format!("not a safetensors file but {foreign}: {way}"))
}

/// Converts the weights of PyTorch in the file that follows.
const CONVERT: &str = "python3 -c 'import sys, torch; from safetensors.torch import save_file; w = torch.load(sys.argv[1], map_location=\"cpu\", \
                       weights_only=True); w = w.get(\"state_dict\", w); save_file({k: v.clone().contiguous() for k, v in w.items() if torch.is_tensor(v)}, \
                       \"weights.safetensors\")'";

/// Reads the bytes of a safetensors file; see [`read`].
///
/// # Errors
/// What is wrong, with the tensor's name.
pub fn parse(bytes: &[u8]) -> Result<(Weights, Metadata), String> {
    parse_strictly(bytes).map_err(one_line)
}

fn parse_strictly(bytes: &[u8]) -> Result<(Weights, Metadata), String> {
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
    let mut metadata = match metadata.get(PACKED) {
        Some(text) => serde_json::from_str(text).map_err(|e| format!("metadata: {e}"))?,
        None => metadata,
    };
    if metadata.remove(CHECKSUM).is_some_and(|sum| sum != sha256(&weights)) {
        return Err("the tensors do not match their checksum: the file is damaged".into());
    }
    Ok((weights, metadata))
}

fn floats(view: &TensorView) -> Option<Vec<f32>> {
    let b = view.data();
    Some(match view.dtype() {
        Dtype::F32 => bytemuck::pod_collect_to_vec(&b[..b.len() / 4 * 4]),
        // By the slice, which the processor widens several at a time.
        Dtype::F16 => bytemuck::pod_collect_to_vec::<u8, u16>(&b[..b.len() / 2 * 2]).reinterpret_cast::<f16>().to_f32_vec(),
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
    let bytes = to_bytes(weights, metadata).map_err(|reason| Error::Checkpoint { path: path.to_path_buf(), reason })?;
    storage::write(path, &bytes)
}

/// The same, with tensors as F16 that lose no bit by it: those that came from half precision, such as published encoders.
///
/// # Errors
/// As [`write()`].
pub fn write_compact(path: &Path, weights: &Weights, metadata: &Metadata) -> Result<()> {
    let half = weights.iter().filter_map(|(name, (_, values))| Some((name.as_str(), halved(values)?))).collect();
    let bytes = bytes(weights, &half, metadata).map_err(|reason| Error::Checkpoint { path: path.to_path_buf(), reason })?;
    storage::write(path, &bytes)
}

/// Values in half precision, if that is what they are to the bit.
fn halved(values: &[f32]) -> Option<Vec<u8>> {
    let half: Vec<f16> = values.iter().map(|&v| f16::from_f32(v)).collect();
    let same = half.iter().zip(values).all(|(h, v)| h.to_f32().to_bits() == v.to_bits());
    same.then(|| half.iter().flat_map(|h| h.to_le_bytes()).collect())
}

/// The bytes of a safetensors file; see [`write()`].
///
/// # Errors
/// What the format cannot hold.
pub fn to_bytes(weights: &Weights, metadata: &Metadata) -> Result<Vec<u8>, String> {
    bytes(weights, &BTreeMap::new(), metadata)
}

/// The bytes of a file in which some tensors are in half precision.
fn bytes(weights: &Weights, half: &BTreeMap<&str, Vec<u8>>, metadata: &Metadata) -> Result<Vec<u8>, String> {
    let views = weights
        .iter()
        .map(|(name, (shape, values))| {
            let (kind, data) = match half.get(name.as_str()) {
                Some(data) => (Dtype::F16, data.as_slice()),
                None => (Dtype::F32, bytemuck::cast_slice(values)),
            };
            TensorView::new(kind, shape.0.clone(), data).map(|v| (name.clone(), v))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| e.to_string())?;
    // The format's writer takes a HashMap, whose order would change the bytes from run to run; one packed entry keeps equal
    // weights in equal files.
    let mut metadata = metadata.clone();
    metadata.insert(CHECKSUM.into(), sha256(weights));
    let text = serde_json::to_string(&metadata).map_err(|e| e.to_string())?;
    let packed = Some(HashMap::from([(PACKED.to_string(), text)]));
    safetensors::serialize(views, packed).map_err(|e| e.to_string())
}

/// Packed entry that holds the [`sha256`] of the tensors.
const CHECKSUM: &str = "sha256";

/// Metadata key under which all entries are packed as one JSON object.
const PACKED: &str = "emotone";

/// SHA-256 over names, shapes and values in the order of the names.
pub fn sha256(weights: &Weights) -> String {
    let mut h = Sha256::new();
    for (name, (shape, values)) in weights {
        h.update(name.as_bytes());
        h.update(shape.to_string().as_bytes());
        h.update(bytemuck::cast_slice::<f32, u8>(values));
    }
    hex(&h.finalize())
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

    /// Every single bit of a file that this crate wrote: changed, it is an error, or nothing that matters changed.
    #[test]
    fn a_flipped_bit_is_never_read_as_other_weights() {
        let dir = tempfile::tempdir().unwrap();
        let p = dir.path().join("p");
        write(&p, &sample(), &Metadata::from([("classes".into(), "x".into())])).unwrap();
        let bytes = fs::read(&p).unwrap();
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok((weights, _)) = parse(&damaged) {
                assert_eq!(weights, sample(), "bit {bit}");
            }
        }
    }

    #[test]
    fn half_precision_is_widened() {
        let data: Vec<u8> = [f16::from_f32(1.5), f16::from_f32(-2.0)].iter().flat_map(|h| h.to_le_bytes()).collect();
        let view = TensorView::new(Dtype::F16, vec![2], &data).unwrap();
        let bytes = safetensors::serialize([("h", view)], None).unwrap();
        assert_eq!(parse(&bytes).unwrap().0["h"].1, vec![1.5, -2.0]);
    }

    /// What fits is halved, what does not is left as it is, and everything reads back to the bit.
    #[test]
    fn compact_files_hold_the_same_bits() {
        let mut rng = crate::random::Rng::at(3);
        let fits: Vec<f32> =
            (0..5000).map(|_| f16::from_f32(8.0 * rng.unit() as f32 - 4.0).to_f32()).chain([-0.0, 2f32.powi(-24), 65504.0]).collect();
        let off: Vec<f32> = fits.iter().enumerate().map(|(i, v)| if i == 4711 { v + 1e-5 } else { *v }).collect();
        let weights = Weights::from([("fits".into(), (Shape(vec![5003]), fits)), ("off".into(), (Shape(vec![5003]), off))]);
        let dir = tempfile::tempdir().unwrap();
        let (full, compact) = (dir.path().join("full"), dir.path().join("compact"));
        let meta = Metadata::from([("recipe".into(), "x".into())]);
        write(&full, &weights, &meta).unwrap();
        write_compact(&compact, &weights, &meta).unwrap();
        let size = |p: &Path| fs::metadata(p).unwrap().len();
        assert!((10_000..10_012).contains(&(size(&full) - size(&compact))), "{} and {} bytes", size(&full), size(&compact));
        let (read, metadata) = read(&compact).unwrap();
        let bits = |w: &Weights| w.values().flat_map(|(_, v)| v.iter().map(|v| v.to_bits())).collect::<Vec<_>>();
        assert!(bits(&read) == bits(&weights) && metadata == meta);
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
        assert!(read(&dir.path().join("absent")).is_err());
    }

    /// What people name in the place of a model is named, with the way out.
    #[test]
    fn other_files_are_called_what_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let told = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            fs::write(&path, bytes).unwrap();
            read(&path).unwrap_err().to_string()
        };
        for (name, bytes, parts) in [
            ("m.pth", &b"PK\x03\x04....archive/data.pkl"[..], ["PyTorch", "torch.load"]),
            ("c.zip", b"PK\x03\x04....a.wav", ["a zip archive", "unpack it"]),
            ("m.gguf", b"GGUF\x03\0\0\0....", ["GGUF", "export them"]),
            ("m.onnx", b"\x08\x07\x12\x07pytorch", ["ONNX", "export them"]),
            ("none", b"", ["an empty file", "download"]),
            ("page", b"<!DOCTYPE html>", ["a web page", "download"]),
            ("lfs", b"version https://git-lfs.github.com/spec/v1", ["Git LFS", "git lfs pull"]),
            ("a.wav", b"RIFF\x24\0\0\0WAVEfmt ", ["a recording", "--data"]),
        ] {
            let said = told(name, bytes);
            assert!(parts.iter().all(|part| said.contains(part)) && said.contains(name), "{said}");
        }
        let whole = to_bytes(&sample(), &Metadata::new()).unwrap();
        for length in [40, whole.len() - 1] {
            assert!(told("cut.safetensors", &whole[..length]).contains("not all of it: copy or download it again"));
        }
    }

    #[test]
    fn a_folder_stands_for_the_model_in_it() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read(dir.path()).unwrap_err().to_string().contains("a folder without model.safetensors"));
        fs::create_dir(dir.path().join("fold-1")).unwrap();
        write(&dir.path().join("fold-1/model.safetensors"), &sample(), &Metadata::new()).unwrap();
        write(&dir.path().join("best-single.safetensors"), &sample(), &Metadata::new()).unwrap();
        let said = read(dir.path()).unwrap_err().to_string();
        assert!(["fold-1/model.safetensors", "best-single.safetensors"].iter().all(|file| said.contains(file)), "{said}");
        assert_eq!(read(&dir.path().join("fold-1")).unwrap().0, sample());
    }
}
