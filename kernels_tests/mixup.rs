//! Cases of `mixup.wgsl`.

use crate::case::{awkward, check, given, tol};
use crate::stft::counts;
use emotone::ops::{self, Curve};
use emotone::reference::{mixup as reference, noise};

const PARTNER: [usize; 4] = [2, 1, 0, 0];
const ON: [f64; 4] = [1.0, 0.0, 1.0, 1.0];

#[test]
fn mixup() {
    let on = ON.map(|v| v > 0.0);
    for cols in awkward(32) {
        let x = given([4, 2, 3, cols], &noise(1, 24 * cols));
        let w = given([4], &[0.3, 0.9, 1.0, 0.0]);
        check(
            &format!("mixup of {cols} columns"),
            tol::EXACT,
            &[x, counts(&PARTNER), given([4], &ON), w],
            |g, x| Ok(vec![ops::mixup_rows(g, x[0], x[0], x[1], x[2], x[3])?, ops::mixup(g, x[0], x[0], x[3])?]),
            |x| {
                let weight = |i: usize, _| (x[3][i], 1.0 - x[3][i]);
                vec![reference::forward((6, cols), &PARTNER, &on, weight, &x[0], &x[0]), x[0].clone()]
            },
            |_, _| vec![None; 4],
        );
    }
}

#[test]
fn horizontal_mixup() {
    let on = ON.map(|v| v > 0.0);
    for (a, b, c) in [(0.05, 1.25, 1.0), (1.0, 0.0, 0.5), (0.1, 0.75, 1.0)] {
        for cols in awkward(64) {
            let curve = Curve { a: a as f32, b: b as f32, c: c as f32 };
            let weight = |_, t| reference::curve((a, b, c), t, cols);
            let x1 = given([4, 5, cols], &noise(1, 20 * cols));
            let x2 = given([4, 5, cols], &noise(2, 20 * cols));
            check(
                &format!("horizontal_mixup of {cols} columns, {curve:?}"),
                tol::EXACT,
                &[x1, x2, counts(&PARTNER), given([4], &ON)],
                |g, x| {
                    Ok(vec![ops::horizontal_mixup(g, x[0], x[1], curve)?, ops::horizontal_mixup_rows(g, x[0], x[1], x[2], x[3], curve)?])
                },
                |x| {
                    let two = reference::forward((5, cols), &[0, 1, 2, 3], &[true; 4], weight, &x[0], &x[1]);
                    vec![two, reference::forward((5, cols), &PARTNER, &on, weight, &x[0], &x[1])]
                },
                |_, _| vec![None; 4],
            );
        }
    }
}
