//! Cases of `resize.wgsl`: entry points resize_nearest, resize_bilinear, resize_area.

use crate::case::{check, given, tol};
use crate::stft::counts;
use emotone::ops::{self, Resize};
use emotone::reference::{noise, resize as reference};
use reference::Filter;

const MODES: [(Resize, Filter); 3] =
    [(Resize::Nearest, Filter::Nearest), (Resize::Bilinear, Filter::Bilinear), (Resize::Area, Filter::Area)];

#[test]
fn whole_images() {
    for ((rows, cols), size) in [((1, 1), (3, 5)), ((8, 101), (64, 32)), ((64, 20), (16, 64)), ((7, 300), (7, 9)), ((5, 3), (129, 31))] {
        for (mode, filter) in MODES {
            check(
                &format!("resize {rows} x {cols} to {size:?}, {mode}"),
                tol::SUM,
                &[given([2, 3, rows, cols], &noise(1, 6 * rows * cols))],
                |g, x| Ok(vec![ops::resize(g, x[0], size, mode)?]),
                |x| vec![reference::forward(filter, (rows, cols), size, |_| (cols, cols), &x[0])],
                |_, _| vec![None],
            );
        }
    }
}

#[test]
fn clips_of_different_length() {
    let (rows, cols, hop, channels) = (6, 50, 160, 2);
    for shown in [None, Some(17), Some(80)] {
        for (mode, filter) in MODES {
            for size in [(16, 32), (4, 9)] {
                // Columns 50, 1, 0, 23; garbage behind each clip's own.
                let own = [50, 1, 0, 23];
                let mut x = noise(2, 4 * channels * rows * cols);
                for line in 0..4 * channels * rows {
                    x[line * cols + own[line / (channels * rows)]..(line + 1) * cols].fill(1e30);
                }
                let lengths = counts(&own.map(|n| if n == 0 { 0 } else { (n - 1) * hop + hop / 2 }));
                check(
                    &format!("{mode} of clips to {size:?}, {shown:?} columns shown"),
                    tol::SUM,
                    &[given([4, channels, rows, cols], &x), lengths],
                    |g, x| Ok(vec![ops::resize_clips(g, x[0], x[1], hop, shown, size, mode)?]),
                    |x| {
                        let columns = |plane: usize| (own[plane / channels], shown.unwrap_or(own[plane / channels]));
                        vec![reference::forward(filter, (rows, cols), size, columns, &x[0])]
                    },
                    |_, _| vec![None, None],
                );
            }
        }
    }
}
