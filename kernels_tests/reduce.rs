//! Cases of `reduce.wgsl`: entries reduce_block, reduce_lane, reduce_row and reduce_bwd.

use crate::case::{awkward, check, normal, tol};
use emotone::ops;
use emotone::reference::reduce as reference;

#[test]
fn sum_and_mean_along_any_axis() {
    for n in awkward(64) {
        for (shape, dim) in [([3, n, 1], 1), ([2, n, 9], 1), ([n, 1, 5], 0), ([2, 3, n], 2), ([2, n, 70], 1), ([9, 8, n], 2)] {
            for mean in [false, true] {
                let x = normal(n as u64, shape);
                let around = x.shape.around(dim);
                let scale = if mean { 1.0 / around.1 as f64 } else { 1.0 };
                check(
                    &format!("{} of {} along {dim}", if mean { "mean" } else { "sum" }, x.shape),
                    tol::SUM,
                    &[x],
                    |g, x| Ok(vec![if mean { ops::mean(g, x[0], dim)? } else { ops::sum(g, x[0], dim)? }]),
                    |x| vec![reference::forward(around, scale, &x[0])],
                    |_, dy| vec![Some(reference::backward(around, scale, &dy[0]))],
                );
            }
        }
    }
}
