//! A value that the host writes or reads: where it is, and how its elements are kept.

use crate::gpu::Region;
use crate::graph::Shape;
use half::f16;
use std::borrow::Cow;

/// A value in device memory.
#[derive(Debug, Clone)]
pub(super) struct Tensor {
    pub region: Region,
    pub shape: Shape,
    /// Kept in half precision.
    pub half: bool,
}

/// Bytes of `n` elements, which is a multiple of 4 because a binding's size is.
pub(super) fn bytes(n: usize, half: bool) -> u64 {
    if half { (2 * n as u64).next_multiple_of(4) } else { 4 * n as u64 }
}

impl Tensor {
    /// Floats as they are kept.
    pub fn encode<'a>(&self, values: &'a [f32]) -> Cow<'a, [u8]> {
        if !self.half {
            return bytemuck::cast_slice(values).into();
        }
        let mut bytes: Vec<u8> = values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.into()
    }

    /// The floats of what was read from its region.
    pub fn decode(&self, bytes: &[u8]) -> Vec<f32> {
        floats(bytes, self.shape.elements(), self.half)
    }
}

/// The first `n` elements of what was read. The region of an empty value holds four bytes, because a binding cannot be empty.
fn floats(bytes: &[u8], n: usize, half: bool) -> Vec<f32> {
    match half {
        true => bytes.chunks_exact(2).take(n).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
        false => bytemuck::pod_collect_to_vec(&bytes[..4 * n]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_value_is_read_as_none() {
        let region = 1f32.to_le_bytes();
        for (half, n, all) in [(false, 0, vec![]), (true, 0, vec![]), (false, 1, vec![1.0])] {
            assert_eq!(floats(&region, n, half), all);
        }
    }

    #[test]
    fn an_odd_number_of_halves_fills_words() {
        assert_eq!([bytes(3, true), bytes(4, true), bytes(3, false)], [8, 8, 12]);
        assert_eq!([1.0, -2.5, 65_504.0].map(|v| f16::from_f32(v).to_f32()), [1.0, -2.5, 65_504.0]);
    }
}
