//! Weighted sums of two images.

use super::{Case, awkward, counts, fixed, given};
use crate::kernels::Target;
use crate::ops::{self, Curve};
use crate::reference::mixup as reference;

const PARTNER: [usize; 4] = [2, 1, 0, 0];
const ON: [bool; 4] = [true, false, true, true];

fn mixup(cols: usize) -> Case {
    let inputs = [fixed(1, [4, 2, 3, cols]), counts(&PARTNER), given([4], ON.map(|on| f64::from(u8::from(on)))), given([4], [0.3, 0.9, 1.0, 0.0])];
    let build = |g: &mut _, x: &mut [_]| Ok([ops::mixup_rows(g, x[0], x[0], x[1], x[2], x[3])?, ops::mixup(g, x[0], x[0], x[3])?]);
    Case::new("mixup", format!("{cols} columns"), inputs, build).forward(move |x| {
        let weight = |i: usize, _| (x[3][i], 1.0 - x[3][i]);
        [reference::forward((6, cols), &PARTNER, &ON, weight, &x[0], &x[0]), x[0].clone()]
    })
}

fn horizontal(cols: usize, (a, b, c): (f64, f64, f64)) -> Case {
    let curve = Curve { a: a as f32, b: b as f32, c: c as f32 };
    let inputs = [fixed(1, [4, 5, cols]), fixed(2, [4, 5, cols]), counts(&PARTNER), given([4], ON.map(|on| f64::from(u8::from(on))))];
    let build = move |g: &mut _, x: &mut [_]| {
        Ok([ops::horizontal_mixup(g, x[0], x[1], curve)?, ops::horizontal_mixup_rows(g, x[0], x[1], x[2], x[3], curve)?])
    };
    Case::new("horizontal mixup", format!("{cols} columns, {curve:?}"), inputs, build).forward(move |x| {
        let weight = |_, t| reference::curve((a, b, c), t, cols);
        let two = |partner, on| reference::forward((5, cols), partner, on, weight, &x[0], &x[1]);
        [two(&[0, 1, 2, 3], &[true; 4]), two(&PARTNER, &ON)]
    })
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let curves = [(0.05, 1.25, 1.0), (1.0, 0.0, 0.5), (0.1, 0.75, 1.0)];
    let horizontal = curves.into_iter().flat_map(|curve| awkward(64).map(|cols| horizontal(cols, curve)));
    awkward(32).map(mixup).into_iter().chain(horizontal).collect()
}
