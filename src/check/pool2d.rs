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

/// The maximum of each window, of which `x` has those of `p`.
pub fn max(x: Input, spec: PoolSpec, p: Pool) -> Case {
    Case::new("max pool", format!("{p:?}"), [x], move |g, x| ops::max_pool2d(g, x[0], spec))
        .forward(move |x| reference::max(&p, &x[0]))
        .backward(move |x, dy| reference::max_backward(&p, &x[0], &dy[0]))
}

/// The average of each window of `p`.
fn average(case: Case, p: Pool) -> Case {
    let case = case.forward(move |x| reference::avg(&p, &x[0])).backward(move |_, dy| reference::avg_backward(&p, &dy[0]));
    case.tolerance(tol::SUM)
}

/// The average of each plane.
pub fn global([b, c, h, w]: [usize; 4]) -> Case {
    let case = Case::new("global average", format!("{b}x{c}x{h}x{w}"), [normal(1, [b, c, h, w])], |g, x| ops::global_avg_pool(g, x[0]));
    let (input, output) = ([h, w], [1, 1]);
    average(case, Pool { rows: b * c, input, output, kernel: input, stride: [1, 1], padding: [0, 0], count_pad: true })
}

/// The maximum and the average of each window; none where the window does not fit.
fn both(size: [usize; 2], spec: PoolSpec) -> Vec<Case> {
    let Some(p) = pool(6, size, &spec) else { return Vec::new() };
    let x = || normal(1, [2, 3, size[0], size[1]]);
    let of_windows = Case::new("average pool", format!("{p:?}"), [x()], move |g, x| ops::avg_pool2d(g, x[0], spec));
    vec![max(x(), spec, p), average(of_windows, p)]
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
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
            all.extend(both(size, spec));
            // Few distinct values, so that windows have ties.
            let tied = normal(1, [2, 3, size[0], size[1]]).map(f64::round);
            all.extend(pool(6, size, &spec).map(|p| max(tied, spec, p)));
        }
    }
    // Planes enough for a thread each on software adapters.
    for spec in [PoolSpec::new([3; 2], [2; 2], [1; 2]), PoolSpec::new([3, 2], [2, 1], [1, 0])] {
        let tied = normal(1, [9, 8, 9, 7]).map(f64::round);
        all.extend(pool(72, [9, 7], &spec).map(|p| max(tied, spec, p)));
    }
    all.extend([[1, 1], [1, 3], [7, 9], [16, 16], [31, 17]].map(|[h, w]| global([2, 3, h, w])));
    for (size, k, s, pad) in [([6, 7], 2, 2, 0), ([17, 8], 3, 2, 1), ([9, 16], 3, 1, 1)] {
        let spec = PoolSpec { count_include_pad: true, ..PoolSpec::new([k; 2], [s; 2], [pad; 2]) };
        all.extend(both(size, spec).into_iter().map(|c| c.doctor(true)));
    }
    all
}
