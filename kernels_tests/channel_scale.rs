//! Cases of `channel_scale.wgsl`: channel_scale_fwd, channel_scale_bwd.

use crate::case::{awkward, check, normal, tol};
use emotone::ops;
use emotone::reference::channel_scale as reference;

#[test]
fn channel_scale() {
    for n in awkward(64) {
        for (b, c) in [(1, 1), (2, 3), (3, 17), (4, 33)] {
            check(
                &format!("channel scale {b}x{c}x{n}"),
                tol::SUM,
                &[normal(1, [b, c, n, 1]), normal(2, [b, c])],
                |g, x| Ok(vec![ops::channel_scale(g, x[0], x[1])?]),
                |x| vec![reference::forward(n, &x[0], &x[1])],
                |x, dy| {
                    let (dx, ds) = reference::backward(n, &x[0], &x[1], &dy[0]);
                    vec![Some(dx), Some(ds)]
                },
            );
        }
    }
}
