//! Cases of `softmax.wgsl`: softmax_row_fwd softmax_row_bwd, and those of few long rows, softmax_fwd softmax_bwd.

use crate::case::{awkward, check, normal, tol};
use emotone::ops;
use emotone::reference::softmax as reference;

#[test]
fn along_any_axis() {
    for n in awkward(128) {
        for (shape, dim) in [([2, n, 1], 1), ([1, 3, n], 2), ([n, 2, 3], 0), ([2, 5, n], 1), ([16, n, 5], 1)] {
            let x = normal(n as u64, shape);
            let around = x.shape.around(dim);
            check(
                &format!("softmax {} dim {dim}", x.shape),
                tol::FUNCTION,
                &[x],
                |g, x| Ok(vec![ops::softmax(g, x[0], dim)?]),
                |x| vec![reference::forward(around, &x[0])],
                |x, dy| vec![Some(reference::backward(around, &reference::forward(around, &x[0]), &dy[0]))],
            );
        }
    }
}
