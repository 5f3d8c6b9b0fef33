//! Cases of `layer_norm.wgsl`: layer_norm_fwd layer_norm_bwd layer_norm_bwd_params.

use crate::case::{awkward, check, normal, tol};
use emotone::ops::{self, LayerNormMode};
use emotone::reference::layer_norm as reference;

#[test]
fn both_modes() {
    for n in awkward(128) {
        for rows in [1, 6, 65] {
            for (mode, eps) in [(LayerNormMode::Standard, 1e-5), (LayerNormMode::UnbiasedStd, 1e-6)] {
                let unbiased = mode == LayerNormMode::UnbiasedStd;
                if unbiased && n < 2 {
                    continue;
                }
                check(
                    &format!("layer norm {mode:?} {rows}x{n}"),
                    2.0 * tol::SUM,
                    &[normal(1, [rows, n]), normal(2, [n]), normal(3, [n])],
                    |g, x| Ok(vec![ops::layer_norm(g, x[0], x[1], x[2], mode, eps as f32)?]),
                    |x| vec![reference::forward(&x[0], &x[1], &x[2], eps, unbiased)],
                    |x, dy| {
                        let (dx, dw, db) = reference::backward(&x[0], &x[1], eps, unbiased, &dy[0]);
                        vec![Some(dx), Some(dw), Some(db)]
                    },
                );
            }
        }
    }
}
