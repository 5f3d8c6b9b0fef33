//! Maxima and averages of windows.

use super::{Case, Input, normal, tol};
use crate::kernels::Target;
use crate::kernels::pool2d::Pool;
use crate::ops::{self, PoolSpec};
use crate::reference::pool2d as reference;

/// What `spec` makes of `planes` planes of `size`; `None` where the window does not fit.
pub fn pool(planes: usize, size: [usize; 2], spec: &PoolSpec) -> Option<Pool> {
    let mut output = [0; 2];
    for a in 0..2 {
        let span = (size[a] + 2 * spec.padding[a]).checked_sub(spec.kernel[a])?;
        output[a] = span / spec.stride[a] + 1;
        // One more that starts in the image or its leading margin.
        let rest = !span.is_multiple_of(spec.stride[a]) && output[a] * spec.stride[a] < size[a] + spec.padding[a];
        output[a] += usize::from(spec.ceil_mode && rest);
    }
    let PoolSpec { kernel, stride, padding, count_include_pad: count_pad, .. } = *spec;
    Some(Pool { rows: planes, input: size, output, kernel, stride, padding, count_pad })
}

fn around(x: &Input, spec: &PoolSpec) -> Option<Pool> {
    pool(x.shape[0] * x.shape[1], [x.shape[2], x.shape[3]], spec)
}

/// The maximum of each window; `None` where the window does not fit.
pub fn max(x: Input, spec: PoolSpec) -> Option<Case> {
    let p = around(&x, &spec)?;
    let case = Case::new("max pool", format!("{p:?}"), [x], move |g, x| ops::max_pool2d(g, x[0], spec));
    Some(case.forward(move |x| reference::max(&p, &x[0])).backward(move |x, dy| reference::max_backward(&p, &x[0], &dy[0])))
}

fn average(x: Input, spec: PoolSpec) -> Option<Case> {
    let p = around(&x, &spec)?;
    let case = Case::new("average pool", format!("{p:?}"), [x], move |g, x| ops::avg_pool2d(g, x[0], spec)).tolerance(tol::SUM);
    Some(case.forward(move |x| reference::avg(&p, &x[0])).backward(move |_, dy| reference::avg_backward(&p, &dy[0])))
}

/// The average of each plane.
pub fn global(shape: [usize; 4]) -> Option<Case> {
    let x = normal(1, shape);
    let p = around(&x, &PoolSpec::new([shape[2], shape[3]], [1, 1], [0, 0]))?;
    let case = Case::new("global average", format!("{shape:?}"), [x], |g, x| ops::global_avg_pool(g, x[0])).tolerance(tol::SUM);
    Some(case.forward(move |x| reference::avg(&p, &x[0])).backward(move |_, dy| reference::avg_backward(&p, &dy[0])))
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let x = |size: [usize; 2]| normal(1, [2, 3, size[0], size[1]]);
    let mut specs = Vec::new();
    for (k, s, pad, ceil_mode, count_include_pad) in
        [(2, 2, 0, false, true), (3, 2, 1, false, true), (3, 1, 1, false, false), (3, 2, 0, false, true), (2, 2, 0, true, false)]
    {
        specs.push(PoolSpec { ceil_mode, count_include_pad, ..PoolSpec::new([k; 2], [s; 2], [pad; 2]) });
    }
    for (kernel, stride, padding) in [([2, 3], [1, 2], [0, 1]), ([3, 2], [2, 1], [1, 0]), ([5, 3], [3, 2], [2, 1])] {
        for (ceil_mode, count_include_pad) in [(false, true), (false, false), (true, true), (true, false)] {
            specs.push(PoolSpec { ceil_mode, count_include_pad, ..PoolSpec::new(kernel, stride, padding) });
        }
    }
    let mut all = Vec::new();
    for size in [[6, 7], [9, 16], [17, 8], [7, 7], [1, 3]] {
        for &spec in &specs {
            all.extend(average(x(size), spec));
            all.extend(max(x(size), spec));
            // Few distinct values, so that windows have ties.
            all.extend(max(x(size).map(f64::round), spec));
        }
    }
    all.extend([[1, 1], [1, 3], [7, 9], [16, 16], [31, 17]].into_iter().filter_map(|[h, w]| global([2, 3, h, w])));
    for (size, k, s, pad) in [([6, 7], 2, 2, 0), ([17, 8], 3, 2, 1), ([9, 16], 3, 1, 1)] {
        let spec = PoolSpec { count_include_pad: true, ..PoolSpec::new([k; 2], [s; 2], [pad; 2]) };
        all.extend(max(x(size), spec).into_iter().chain(average(x(size), spec)).map(|c| c.doctor(true)));
    }
    all
}
