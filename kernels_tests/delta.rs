//! Cases of `delta.wgsl`: entry points delta_slope, delta_stack.

use crate::case::{check, given, tol};
use crate::stft::counts;
use emotone::ops;
use emotone::reference::{delta::slope, noise};

#[test]
fn slopes_of_slopes() {
    for frames in [1usize, 3, 8, 9, 31, 130] {
        let (bands, hop) = (5, 100);
        let own = [frames, frames.div_ceil(2), 0];
        let mut x = noise(1, 3 * bands * frames);
        for row in 0..3 * bands {
            x[row * frames + own[row / bands]..(row + 1) * frames].fill(1e30);
        }
        let lengths = counts(&own.map(|n| if n == 0 { 0 } else { (n - 1) * hop + 1 }));
        check(
            &format!("delta of {frames} frames"),
            tol::SUM,
            &[given([3, bands, frames], &x), lengths],
            |g, x| Ok(vec![ops::delta(g, x[0], x[1], hop, 8.0)?]),
            |x| {
                let own = |row: usize| own[row / bands];
                let d = slope(frames, own, 8.0, &x[0]);
                let dd = slope(frames, own, 8.0, &d);
                let plane = bands * frames;
                let values = |b: usize| (0..plane).map(move |i| if i % frames < own(b * bands) { i } else { usize::MAX });
                let mut y = Vec::new();
                for b in 0..3 {
                    y.extend(values(b).map(|i| if i == usize::MAX { 0.0 } else { x[0][b * plane + i] }));
                    y.extend(&d[b * plane..(b + 1) * plane]);
                    y.extend(&dd[b * plane..(b + 1) * plane]);
                }
                vec![y]
            },
            |_, _| vec![None, None],
        );
    }
}
