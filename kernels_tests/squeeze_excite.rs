//! Cases of `squeeze_excite.wgsl`: squeeze_excite_fwd squeeze_excite_bwd squeeze_excite_bwd_weights.

use crate::case::{check, normal, outputs, tol};
use emotone::ops;
use emotone::reference::squeeze_excite as reference;

/// The last has more hidden values than there is workgroup memory for.
#[test]
fn gates_of_any_size() {
    for e in [[1, 1, 1], [3, 7, 2], [2, 16, 1], [16, 128, 8], [5, 65, 33], [2, 300, 20], [2, 9, 256], [2, 9, 257]] {
        let [b, c, r] = e;
        check(
            &format!("squeeze-excitation {e:?}"),
            tol::SUM,
            &[normal(1, [b, c]), normal(2, [r, c]), normal(3, [c, r])],
            |g, x| Ok(vec![ops::squeeze_excite(g, x[0], x[1], x[2])?]),
            |x| vec![reference::forward(e, &x[0], &x[1], &x[2]).1],
            |x, dy| reference::backward(e, &x[0], &x[1], &x[2], &dy[0]).into_iter().map(Some).collect(),
        );
    }
}

/// Through the ReLU between the products.
#[test]
fn a_nan_reaches_every_gate_of_its_image() {
    let mut m: Vec<f32> = normal(1, [14]).values.iter().map(|&v| v as f32).collect();
    m[3] = f32::NAN;
    let (w1, w2) = (vec![0.5; 2 * 7], vec![-0.5; 7 * 2]);
    let inputs = [([2, 7].into(), &m[..]), ([2, 7].into(), &w1[..]), ([7, 2].into(), &w2[..])];
    let Some(s) = outputs(&inputs, |g, x| Ok(vec![ops::squeeze_excite(g, x[0], x[1], x[2])?])) else { return };
    assert!(s[0][..7].iter().all(|v| v.is_nan()) && s[0][7..].iter().all(|v| v.is_finite()), "{:?}", s[0]);
}
