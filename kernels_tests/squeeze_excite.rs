//! A NaN in the squeezed values.

use crate::case::{outputs, values};
use emotone::check::normal;
use emotone::ops;

/// Through the ReLU between the products.
#[test]
fn a_nan_reaches_every_gate_of_its_image() {
    let mut m: Vec<f32> = normal(1, [14]).values(0).iter().map(|&v| v as f32).collect();
    m[3] = f32::NAN;
    let inputs = [values([2, 7], &m), values([2, 7], &[0.5; 14]), values([7, 2], &[-0.5; 14])];
    let Some(s) = outputs(inputs, |g, x| ops::squeeze_excite(g, x[0], x[1], x[2])) else { return };
    assert!(s[0][..7].iter().all(|v| v.is_nan()) && s[0][7..].iter().all(|v| v.is_finite()), "{:?}", s[0]);
}
