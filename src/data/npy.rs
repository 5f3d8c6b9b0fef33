//! NumPy arrays: `.npy` files and the arrays of an `.npz` archive, read with bounds on hostile ones.
//!
//! Formats: NumPy's NEP 1 (versions 1 to 3 of the header) and the ZIP file format, of which an archive uses stored and deflated entries.

use std::io::Read;

use flate2::read::DeflateDecoder;
use half::f16;

/// Most bytes of an array, after unpacking.
const MAX_BYTES: u64 = 256 << 20;
/// Longest header.
const MAX_HEADER: usize = 64 << 10;
const MAGIC: &[u8] = b"\x93NUMPY";

/// An array of numbers in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Extents; none of a scalar.
    pub shape: Vec<usize>,
    /// Values.
    pub values: Vec<f64>,
}

/// Reads the bytes of a `.npy` file: integers and real numbers of any width, either byte order, either memory order.
///
/// # Errors
/// What is wrong.
pub fn parse_npy(bytes: &[u8]) -> Result<Array, String> {
    let version = bytes.strip_prefix(MAGIC).and_then(|rest| rest.first()).ok_or("not a NumPy array")?;
    let (start, length) = match version {
        1 => (10, bytes.get(8..10).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])))),
        2 | 3 => (12, bytes.get(8..12).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize)),
        other => return Err(format!("version {other} of the NumPy format")),
    };
    let length = length.filter(|n| *n <= MAX_HEADER).ok_or("the header is cut short or too long")?;
    let header = bytes.get(start..start + length).and_then(|h| std::str::from_utf8(h).ok()).ok_or("the header is cut short")?;
    let value = |key: &str| {
        let (_, rest) = header.split_once(&format!("'{key}'"))?;
        Some(rest.trim_start().strip_prefix(':')?.trim_start())
    };
    let kind = value("descr").and_then(|v| v.strip_prefix('\'')?.split('\'').next()).ok_or("the header names no single type of number")?;
    let columns = value("fortran_order").map(|v| v.starts_with("True")).ok_or("the header names no memory order")?;
    let extents = value("shape").and_then(|v| v.strip_prefix('(')?.split(')').next()).ok_or("the header names no shape")?;
    let extents = extents.split(',').map(str::trim).filter(|e| !e.is_empty());
    let shape = extents.map(|e| e.parse::<usize>().map_err(|_| format!("{e:?} in the shape"))).collect::<Result<Vec<_>, _>>()?;
    let (size, decode) = number(kind)?;
    let elements = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
    let elements = elements.filter(|n| n.checked_mul(size).is_some_and(|bytes| bytes as u64 <= MAX_BYTES));
    let elements = elements.ok_or_else(|| format!("an array of shape {shape:?} is more than {MAX_BYTES} bytes"))?;
    let data = &bytes[start + length..];
    if data.len() != elements * size {
        return Err(format!("{} bytes for {elements} values of {size} bytes", data.len()));
    }
    let values: Vec<f64> = data.chunks_exact(size.max(1)).map(decode).collect();
    Ok(Array { values: if columns { rows_first(&shape, &values) } else { values }, shape })
}

/// Bytes of a type of number, and how they are read.
#[allow(clippy::type_complexity, reason = "a closure per type")]
fn number(kind: &str) -> Result<(usize, Box<dyn Fn(&[u8]) -> f64>), String> {
    let big = kind.starts_with('>');
    macro_rules! of {
        ($t:ty, $n:literal, $to:expr) => {
            Ok((
                $n,
                Box::new(move |b: &[u8]| {
                    let mut raw = [0u8; $n];
                    raw.copy_from_slice(b);
                    let to: fn($t) -> f64 = $to;
                    to(if big { <$t>::from_be_bytes(raw) } else { <$t>::from_le_bytes(raw) })
                }),
            ))
        };
    }
    match kind.trim_start_matches(['<', '>', '|', '=']) {
        "f2" => of!(f16, 2, |v| v.to_f64()),
        "f4" => of!(f32, 4, f64::from),
        "f8" => of!(f64, 8, |v| v),
        "i1" => of!(i8, 1, f64::from),
        "u1" => of!(u8, 1, f64::from),
        "i2" => of!(i16, 2, f64::from),
        "u2" => of!(u16, 2, f64::from),
        "i4" => of!(i32, 4, f64::from),
        "u4" => of!(u32, 4, f64::from),
        "i8" => of!(i64, 8, |v| v as f64),
        "u8" => of!(u64, 8, |v| v as f64),
        _ => Err(format!("values of type {kind:?}; integers and real numbers are read")),
    }
}

/// Values in column-major order, put in row-major order.
fn rows_first(shape: &[usize], values: &[f64]) -> Vec<f64> {
    let mut strides = vec![1; shape.len()];
    (1..shape.len()).for_each(|d| strides[d] = strides[d - 1] * shape[d - 1]);
    let place = |mut i: usize| {
        let mut at = 0;
        for d in (0..shape.len()).rev() {
            at += i % shape[d] * strides[d];
            i /= shape[d];
        }
        at
    };
    (0..values.len()).map(|i| values[place(i)]).collect()
}

/// Reads the arrays of the bytes of an `.npz` archive by their names, without `.npy`.
///
/// # Errors
/// What is wrong, with the array's name.
pub fn parse_npz(bytes: &[u8]) -> Result<Vec<(String, Array)>, String> {
    let u16_at = |at: usize| bytes.get(at..at + 2).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])));
    let u32_at = |at: usize| bytes.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize);
    let cut = "the archive is cut short";
    let last = bytes.len().checked_sub(22).ok_or(cut)?;
    let end = (last.saturating_sub(65_535)..=last).rev().find(|&at| bytes[at..].starts_with(b"PK\x05\x06")).ok_or("not a zip archive")?;
    let (count, mut at) = (u16_at(end + 10).ok_or(cut)?, u32_at(end + 16).ok_or(cut)?);
    let (mut arrays, mut left) = (Vec::new(), MAX_BYTES);
    for _ in 0..count {
        if bytes.get(at..at + 4) != Some(&b"PK\x01\x02"[..]) {
            return Err(cut.into());
        }
        let field = |offset| u16_at(at + offset).ok_or(cut);
        let (flags, method, name, extra, comment) = (field(8)?, field(10)?, field(28)?, field(30)?, field(32)?);
        let (packed, local) = (u32_at(at + 20).ok_or(cut)?, u32_at(at + 42).ok_or(cut)?);
        let text = String::from_utf8_lossy(bytes.get(at + 46..at + 46 + name).ok_or(cut)?).into_owned();
        let bad = |what: &str| format!("{text}: {what}");
        if flags & 1 == 1 || packed == u32::MAX as usize {
            return Err(bad("encrypted, or larger than 4 GiB"));
        }
        if bytes.get(local..local + 4) != Some(&b"PK\x03\x04"[..]) {
            return Err(bad(cut));
        }
        let start = local + 30 + u16_at(local + 26).ok_or(cut)? + u16_at(local + 28).ok_or(cut)?;
        let data = bytes.get(start..start.saturating_add(packed)).ok_or_else(|| bad(cut))?;
        let unpacked = match method {
            0 => data.to_vec(),
            8 => {
                let mut out = Vec::new();
                DeflateDecoder::new(data).take(left + 1).read_to_end(&mut out).map_err(|e| bad(&e.to_string()))?;
                out
            }
            _ => return Err(bad("packed in another way than NumPy's")),
        };
        left = left.checked_sub(unpacked.len() as u64).ok_or_else(|| bad("more than 256 MiB"))?;
        if let Some(array) = text.strip_suffix(".npy") {
            arrays.push((array.to_string(), parse_npy(&unpacked).map_err(|e| bad(&e))?));
        }
        at += 46 + name + extra + comment;
    }
    Ok(arrays)
}

/// The bytes of a `.npy` file of f32 values.
pub fn npy_bytes(shape: &[usize], values: &[f32]) -> Vec<u8> {
    let extents: String = shape.iter().map(|d| format!("{d}, ")).collect();
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({extents}), }}");
    // The data begin at a multiple of 64 bytes, behind a line's end.
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 11;
    let text = format!("{header:padded$}\n");
    let length = (text.len() as u16).to_le_bytes();
    [MAGIC, &[1, 0], &length, text.as_bytes(), bytemuck::cast_slice(values)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
    }

    /// An archive of one entry, as `zipfile` writes it.
    fn zip(name: &str, method: u16, data: &[u8]) -> Vec<u8> {
        let (n, size) = ((name.len() as u16).to_le_bytes(), (data.len() as u32).to_le_bytes());
        let local =
            [b"PK\x03\x04\x14\0\0\0".as_slice(), &method.to_le_bytes(), &[0; 8], &size, &size, &n, &[0, 0], name.as_bytes(), data].concat();
        let central =
            [b"PK\x01\x02\x14\0\x14\0\0\0".as_slice(), &method.to_le_bytes(), &[0; 8], &size, &size, &n, &[0; 16], name.as_bytes()]
                .concat();
        let place = [(central.len() as u32).to_le_bytes(), (local.len() as u32).to_le_bytes()].concat();
        [local, central, b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec(), place, vec![0, 0]].concat()
    }

    #[test]
    fn types_orders_and_what_we_write() {
        let two = |kind: &str, order: &str, data: &[u8]| {
            parse_npy(&npy(&format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': (2,), }}\n"), data))
        };
        assert_eq!(two("<f4", "False", &[0, 0, 128, 63, 0, 0, 0, 192]).unwrap().values, [1.0, -2.0]);
        assert_eq!(two(">i2", "False", &[0, 3, 255, 254]).unwrap().values, [3.0, -2.0]);
        assert_eq!(two("|u1", "False", &[7, 255]).unwrap().values, [7.0, 255.0]);
        assert_eq!(two("<f2", "False", &[0, 0x3c, 0, 0xc0]).unwrap().values, [1.0, -2.0]);
        let header = "{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3), }";
        assert_eq!(parse_npy(&npy(header, &[1, 4, 2, 5, 3, 6])).unwrap().values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let written = npy_bytes(&[2, 2], &[1.0, 2.0, -3.0, 0.5]);
        assert_eq!(parse_npy(&written).unwrap(), Array { shape: vec![2, 2], values: vec![1.0, 2.0, -3.0, 0.5] });
        assert_eq!((written.len() - 16) % 64, 0);
        let archive = parse_npz(&zip("ecg.npy", 0, &written)).unwrap();
        assert_eq!((archive[0].0.as_str(), archive[0].1.shape.clone()), ("ecg", vec![2, 2]));
    }

    /// 2^61 values of 8 bytes are 2^64 bytes, which a word of 64 bits holds as 0.
    #[test]
    fn sizes_beyond_a_word_are_refused() {
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952,), }";
        assert!(parse_npy(&npy(header, &[])).unwrap_err().contains("is more than"));
    }

    /// As `np.savez_compressed(f, rate=128)` packs a scalar.
    #[test]
    fn deflated_archives_are_read() {
        use std::io::Write;
        let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(&npy("{'descr': '<i8', 'fortran_order': False, 'shape': (), }\n", &128i64.to_le_bytes())).unwrap();
        let archive = parse_npz(&zip("rate.npy", 8, &packed.finish().unwrap())).unwrap();
        assert_eq!(archive, [("rate".to_string(), Array { shape: vec![], values: vec![128.0] })]);
        // A bomb: a gigabyte of zeros in a megabyte.
        let mut bomb = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        let zeros = vec![0u8; 1 << 20];
        (0..260).for_each(|_| bomb.write_all(&zeros).unwrap());
        assert!(parse_npz(&zip("x.npy", 8, &bomb.finish().unwrap())).unwrap_err().contains("more than 256 MiB"));
    }

    /// Whatever is cut off or changed, there is an answer and no panic.
    #[test]
    fn hostile_files_are_refused() {
        let good = npy_bytes(&[2, 3], &[1.0; 6]);
        (0..good.len()).for_each(|n| assert!(parse_npy(&good[..n]).is_err(), "{n} bytes"));
        let archive = zip("ecg.npy", 0, &good);
        (0..archive.len()).for_each(|n| assert!(parse_npz(&archive[..n]).is_err(), "{n} bytes of the archive"));
        for at in 0..archive.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bytes = archive.clone();
                bytes[at] = value;
                let _ = parse_npz(&bytes);
            }
        }
        for (header, wanted) in [
            ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", "no single type"),
            ("{'descr': '<c8', 'fortran_order': False, 'shape': (2,), }", "\"<c8\""),
            ("{'descr': '<f4', 'shape': (2,), }", "memory order"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", "\"-2\" in the shape"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999), }", "more than"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", "8 bytes for 3 values"),
        ] {
            let said = parse_npy(&npy(header, &[0; 8])).unwrap_err();
            assert!(said.contains(wanted), "{said:?} lacks {wanted:?}");
        }
    }
}
