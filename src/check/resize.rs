//! Images of another size: whole ones, and those of clips of different length.

use super::{Case, counts, fixed, tol};
use crate::kernels::Target;
use crate::ops::{self, Resize};
use crate::reference::resize::{self as reference, Filter};

const MODES: [(Resize, Filter); 3] =
    [(Resize::Nearest, Filter::Nearest), (Resize::Bilinear, Filter::Bilinear), (Resize::Area, Filter::Area)];

fn whole((rows, cols): (usize, usize), size: (usize, usize), (mode, filter): (Resize, Filter)) -> Case {
    let name = format!("{rows} x {cols} to {size:?}, {mode}");
    Case::new("resize", name, [fixed(1, [2, 3, rows, cols])], move |g, x| ops::resize(g, x[0], size, mode))
        .forward(move |x| reference::forward(filter, (rows, cols), size, |_| (cols, cols), &x[0]))
        .tolerance(tol::SUM)
}

fn of_clips(shown: Option<usize>, size: (usize, usize), (mode, filter): (Resize, Filter)) -> Case {
    let (rows, cols, hop, channels) = (6, 50, 160, 2);
    // Garbage behind each clip's own columns.
    let own = [50, 1, 0, 23];
    let x = fixed(2, [4, channels, rows, cols]).each(move |i, v| if i % cols < own[i / (channels * rows * cols)] { v } else { 1e30 });
    let lengths = counts(&own.map(|n| if n == 0 { 0 } else { (n - 1) * hop + hop / 2 }));
    let name = format!("clips to {size:?}, {mode}, {shown:?} columns shown");
    Case::new("resize", name, [x, lengths], move |g, x| ops::resize_clips(g, x[0], x[1], hop, shown, size, mode))
        .forward(move |x| {
            let columns = |plane: usize| (own[plane / channels], shown.unwrap_or(own[plane / channels]));
            reference::forward(filter, (rows, cols), size, columns, &x[0])
        })
        .tolerance(tol::SUM)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let mut all = Vec::new();
    for mode in MODES {
        let sizes = [((1, 1), (3, 5)), ((8, 101), (64, 32)), ((64, 20), (16, 64)), ((7, 300), (7, 9)), ((5, 3), (129, 31))];
        all.extend(sizes.map(|(from, to)| whole(from, to, mode)));
        for shown in [None, Some(17), Some(80)] {
            all.extend([(16, 32), (4, 9)].map(|size| of_clips(shown, size, mode)));
        }
    }
    all
}
