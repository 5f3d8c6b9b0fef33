//! Cases of `pool2d.wgsl`: max_pool2d_fwd max_pool2d_bwd avg_pool2d_fwd avg_pool2d_bwd.

use crate::case::{check, normal, tol};
use emotone::kernels::pool2d::Pool;
use emotone::ops::{self, PoolSpec};
use emotone::reference::pool2d as reference;

#[test]
fn max_and_average_windows() {
    for size in [[6, 7], [9, 16], [17, 8], [7, 7], [1, 3]] {
        // kernel, stride, padding, ceil_mode, count_include_pad
        let windows =
            [(2, 2, 0, false, true), (3, 2, 1, false, true), (3, 1, 1, false, false), (3, 2, 0, false, true), (2, 2, 0, true, false)];
        for (k, s, pad, ceil_mode, count) in windows {
            if size.iter().any(|v| v + 2 * pad < k) {
                continue;
            }
            let output = size.map(|v: usize| {
                let span = v + 2 * pad - k;
                let floor = span / s + 1;
                floor + usize::from(ceil_mode && !span.is_multiple_of(s) && floor * s < v + pad)
            });
            let p = Pool { rows: 6, input: size, output, kernel: [k; 2], stride: [s; 2], padding: [pad; 2], count_pad: count };
            let x = || normal(1, [2, 3, size[0], size[1]]);
            let spec = PoolSpec { kernel: [k; 2], stride: [s; 2], padding: [pad; 2], ceil_mode, count_include_pad: count };
            check(
                &format!("average {p:?}"),
                tol::SUM,
                &[x()],
                |g, x| Ok(vec![ops::avg_pool2d(g, x[0], spec)?]),
                |x| vec![reference::avg(&p, &x[0])],
                |_, dy| vec![Some(reference::avg_backward(&p, &dy[0]))],
            );
            if ceil_mode {
                continue;
            }
            // Few distinct values, so that windows have ties.
            let mut tied = x();
            tied.values.iter_mut().for_each(|v| *v = v.round());
            for x in [x(), tied] {
                check(
                    &format!("max {p:?}"),
                    tol::EXACT,
                    &[x],
                    |g, x| Ok(vec![ops::max_pool2d(g, x[0], [k; 2], [s; 2], [pad; 2])?]),
                    |x| vec![reference::max(&p, &x[0])],
                    |x, dy| vec![Some(reference::max_backward(&p, &x[0], &dy[0]))],
                );
            }
        }
    }
}
