//! Softmax over the valid values of rows: none, one, some and all of them, with garbage behind.

use super::{Case, awkward, counts, normal, tol};
use crate::kernels::Target;
use crate::ops;
use crate::reference::masked_softmax as reference;

/// (B·`own`, `cols`) with so many valid values in the rows of each input, of which a length counts `per` for one.
fn case(own: usize, cols: usize, per: usize) -> Case {
    let valid = [cols, cols.div_ceil(2), 0, 1];
    let rows: Vec<usize> = valid.iter().flat_map(|n| vec![*n; own]).collect();
    let (of_rows, again) = (rows.clone(), rows.clone());
    let x = normal(1, [4 * own, cols]).each(move |i, v| if i % cols < rows[i / cols] { v } else { 1e30 });
    // Lengths need not be multiples, and may say more than there is room for.
    let lengths = counts(&valid.map(|n| if n == cols { n * per + 3 * per } else { n * per + per - 1 }));
    let name = format!("4 x {own} rows of {cols}, {per} each");
    Case::new("masked softmax", name, [x, lengths], move |g, x| ops::masked_softmax(g, x[0], x[1], per))
        .forward(move |x| reference::forward(cols, &of_rows, &x[0]))
        .backward(move |x, dy| reference::backward(cols, &again, &reference::forward(cols, &again, &x[0]), &dy[0]))
        .tolerance(tol::FUNCTION)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let sizes = awkward(64).into_iter().flat_map(|cols| [(1, cols, 1), (37, cols, 2)]);
    sizes.chain([(2, 777, 2), (3, 1500, 2)]).map(|(own, cols, per)| case(own, cols, per).doctor(cols == 65 || cols == 777)).collect()
}
