//! Zeros behind the valid positions of sequences: none, one, some and all of them, with garbage behind.

use super::{Case, awkward, counts, normal, tol};
use crate::kernels::Target;
use crate::ops;
use crate::reference::time_mask as reference;

/// (4·`own`, `cols`) with so many valid values in the rows of each input, of which a length counts `per` for one.
fn case(own: usize, cols: usize, per: usize, spread: bool) -> Case {
    let valid = [cols, cols.div_ceil(2), 0, 1];
    let rows: Vec<usize> = valid.iter().flat_map(|n| vec![*n; own]).collect();
    let (of_rows, again) = (rows.clone(), rows.clone());
    let x = normal(1, [4 * own, cols]).each(move |i, v| if i % cols < rows[i / cols] { v } else { 1e30 });
    // Lengths need not be multiples, and may say more than there is room for.
    let lengths = counts(&valid.map(|n| if n == cols { n * per + 3 * per } else { n * per + per - 1 }));
    let name = format!("4 x {own} rows of {cols}, {per} each{}", if spread { ", spread" } else { "" });
    Case::new("time mask", name, [x, lengths], move |g, x| ops::time_mask(g, x[0], x[1], per, spread))
        .forward(move |x| reference::forward(cols, &of_rows, spread, &x[0]))
        .backward(move |_, dy| reference::forward(cols, &again, spread, &dy[0]))
        .tolerance(tol::SUM)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let sizes = awkward(64).into_iter().flat_map(|cols| [(1, cols, 1, true), (37, cols, 2, false), (37, cols, 4, true)]);
    let sizes = sizes.chain([(2, 777, 2, false), (640, 150, 2, true)]);
    sizes.map(|(own, cols, per, spread)| case(own, cols, per, spread).doctor(cols == 65)).collect()
}
