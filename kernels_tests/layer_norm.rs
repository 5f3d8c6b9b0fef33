//! Cases of `layer_norm.wgsl`: layer_norm_fwd layer_norm_bwd layer_norm_bwd_params
//! layer_norm_bwd_params_sum.

use crate::case::{In, awkward, check, normal, tol};
use emotone::ops::{self, LayerNormMode};
use emotone::reference::layer_norm as reference;

fn case(name: &str, x: In, mode: LayerNormMode) {
    let n = *x.shape.last().expect("rows");
    let (unbiased, eps) = if mode == LayerNormMode::UnbiasedStd { (true, 1e-6) } else { (false, 1e-5) };
    check(
        &format!("layer norm {mode:?}, {name}"),
        2.0 * tol::SUM,
        &[x, normal(2, [n]), normal(3, [n])],
        |g, x| Ok(vec![ops::layer_norm(g, x[0], x[1], x[2], mode, eps as f32)?]),
        |x| vec![reference::forward(&x[0], &x[1], &x[2], eps, unbiased)],
        |x, dy| {
            let (dx, dw, db) = reference::backward(&x[0], &x[1], eps, unbiased, &dy[0]);
            vec![Some(dx), Some(dw), Some(db)]
        },
    );
}

const MODES: [LayerNormMode; 2] = [LayerNormMode::Standard, LayerNormMode::UnbiasedStd];

#[test]
fn both_modes() {
    for mode in MODES {
        for n in awkward(128).into_iter().filter(|&n| n > 1 || mode == LayerNormMode::Standard) {
            for rows in [1, 6, 65] {
                case(&format!("{rows}x{n}"), normal(1, [rows, n]), mode);
            }
        }
    }
}

/// Enough rows that the parameters' gradients are summed in slices, the last of them short.
#[test]
fn slices_of_rows() {
    for (rows, n) in [(128, 5), (129, 5), (1001, 33), (8300, 3)] {
        for mode in MODES {
            case(&format!("{rows}x{n}"), normal(1, [rows, n]), mode);
        }
    }
}

/// Silence and padding make rows of one value.
#[test]
fn rows_without_spread() {
    for mode in MODES {
        for value in [0.0, 0.1f32, 3.0, -700.7] {
            for n in [2, 64, 129] {
                let mut x = normal(1, [3, n]);
                x.values[n..2 * n].fill(f64::from(value));
                case(&format!("a row of {value}, n = {n}"), x, mode);
            }
        }
    }
}
