//! Cases of `pool2d.wgsl`: max_pool2d_fwd max_pool2d_bwd avg_pool2d_fwd avg_pool2d_bwd.

use crate::case::{check, normal, outputs, tol};
use emotone::kernels::pool2d::Pool;
use emotone::ops::{self, PoolSpec};
use emotone::reference::pool2d as reference;

const SIZES: [[usize; 2]; 5] = [[6, 7], [9, 16], [17, 8], [7, 7], [1, 3]];

/// What `spec` makes of six planes of `size`; `None` where the window does not fit.
fn pool(size: [usize; 2], spec: &PoolSpec) -> Option<Pool> {
    let mut output = [0; 2];
    for a in 0..2 {
        let span = (size[a] + 2 * spec.padding[a]).checked_sub(spec.kernel[a])?;
        output[a] = span / spec.stride[a] + 1;
        // One more that starts in the image or its leading margin.
        let rest = !span.is_multiple_of(spec.stride[a]) && output[a] * spec.stride[a] < size[a] + spec.padding[a];
        output[a] += usize::from(spec.ceil_mode && rest);
    }
    let PoolSpec { kernel, stride, padding, count_include_pad: count_pad, .. } = *spec;
    Some(Pool { rows: 6, input: size, output, kernel, stride, padding, count_pad })
}

fn max_and_average(size: [usize; 2], spec: PoolSpec) {
    let Some(p) = pool(size, &spec) else { return };
    let x = || normal(1, [2, 3, size[0], size[1]]);
    check(
        &format!("average {p:?}"),
        tol::SUM,
        &[x()],
        |g, x| Ok(vec![ops::avg_pool2d(g, x[0], spec)?]),
        |x| vec![reference::avg(&p, &x[0])],
        |_, dy| vec![Some(reference::avg_backward(&p, &dy[0]))],
    );
    // Few distinct values, so that windows have ties.
    let mut tied = x();
    tied.values.iter_mut().for_each(|v| *v = v.round());
    for x in [x(), tied] {
        check(
            &format!("max {p:?}"),
            tol::EXACT,
            &[x],
            |g, x| Ok(vec![ops::max_pool2d(g, x[0], spec)?]),
            |x| vec![reference::max(&p, &x[0])],
            |x, dy| vec![Some(reference::max_backward(&p, &x[0], &dy[0]))],
        );
    }
}

#[test]
fn square_windows() {
    for size in SIZES {
        for (k, s, pad, ceil_mode, count_include_pad) in
            [(2, 2, 0, false, true), (3, 2, 1, false, true), (3, 1, 1, false, false), (3, 2, 0, false, true), (2, 2, 0, true, false)]
        {
            let spec = PoolSpec { ceil_mode, count_include_pad, ..PoolSpec::new([k; 2], [s; 2], [pad; 2]) };
            max_and_average(size, spec);
        }
    }
}

#[test]
fn oblong_windows() {
    for size in SIZES {
        for (kernel, stride, padding) in [([2, 3], [1, 2], [0, 1]), ([3, 2], [2, 1], [1, 0]), ([5, 3], [3, 2], [2, 1])] {
            for (ceil_mode, count_include_pad) in [(false, true), (false, false), (true, true), (true, false)] {
                max_and_average(size, PoolSpec { ceil_mode, count_include_pad, ..PoolSpec::new(kernel, stride, padding) });
            }
        }
    }
}

#[test]
fn global_average() {
    for size in [[1, 1], [1, 3], [7, 9], [16, 16], [31, 17]] {
        let spec = PoolSpec::new(size, [1, 1], [0, 0]);
        let p = pool(size, &spec).expect("one window");
        check(
            &format!("global average of {size:?}"),
            tol::SUM,
            &[normal(1, [2, 3, size[0], size[1]])],
            |g, x| Ok(vec![ops::global_avg_pool(g, x[0])?]),
            |x| vec![reference::avg(&p, &x[0])],
            |_, dy| vec![Some(reference::avg_backward(&p, &dy[0]))],
        );
    }
}

#[test]
fn a_nan_wins_every_window_that_holds_it() {
    for (nan, spec) in [(f32::NAN, PoolSpec::new([3, 3], [2, 2], [1, 1])), (-f32::NAN, PoolSpec::new([2, 3], [1, 2], [0, 1]))] {
        for at in [0, 17, 40, 62] {
            let mut x: Vec<f32> = normal(1, [63]).values.iter().map(|&v| v as f32).collect();
            (x[at], x[(at + 30) % 63]) = (nan, f32::INFINITY);
            let Some(y) = outputs(&[([1, 1, 7, 9].into(), &x)], |g, x| Ok(vec![ops::max_pool2d(g, x[0], spec)?])) else { return };
            let p = Pool { rows: 1, ..pool([7, 9], &spec).expect("windows") };
            let want = reference::max(&p, &x);
            assert!(want.iter().any(|v| v.is_nan()) && want.iter().any(|v| !v.is_nan()));
            for (i, (got, want)) in y[0].iter().zip(&want).enumerate() {
                assert!(got == want || got.is_nan() && want.is_nan(), "NaN at {at}, window {i}: {got}, not {want}");
            }
        }
    }
}

#[test]
fn windows_that_do_not_fit_are_refused() {
    let mut g = emotone::graph::Graph::new();
    let x = g.input("x", [1, 1, 3, 3]);
    for spec in [PoolSpec::new([2, 4], [1, 1], [0, 0]), PoolSpec::new([2, 2], [1, 0], [0, 0]), PoolSpec::new([3, 3], [1, 1], [2, 0])] {
        for message in [ops::max_pool2d(&mut g, x, spec).unwrap_err(), ops::avg_pool2d(&mut g, x, spec).unwrap_err()].map(|e| e.to_string())
        {
            assert!(message.contains("_pool2d: expected") && message.contains("(1, 1, 3, 3)"), "{message}");
        }
    }
}
