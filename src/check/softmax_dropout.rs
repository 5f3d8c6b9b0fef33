//! Softmax of rows followed by dropout. Few long rows have a workgroup each, others on software adapters an invocation; uneven rows
//! share draws with their neighbours.

use super::dropout::{RNG, masked};
use super::{Case, normal, tol, words};
use crate::kernels::Target;
use crate::ops;
use crate::reference::{dropout, softmax};

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let sizes = [[1, 1], [3, 1], [5, 4], [9, 7], [130, 33], [65, 64], [3, 65], [2, 777], [7, 128], [300, 130]];
    let case = |[rows, cols]: [usize; 2]| {
        let around = (rows, cols, 1);
        let mask = dropout::mask(rows * cols, RNG, 0.25, 9);
        let again = mask.clone();
        let inputs = [normal(1, [rows, cols]), words(&RNG)];
        Case::new("softmax dropout", format!("{rows} rows of {cols}"), inputs, |g, x| ops::softmax_dropout(g, x[0], Some((x[1], 0.25, 9))))
            .forward(move |x| masked(&softmax::forward(around, &x[0]), &mask))
            .backward(move |x, dy| softmax::backward(around, &softmax::forward(around, &x[0]), &masked(&dy[0], &again)))
            .tolerance(tol::FUNCTION)
    };
    sizes.map(case).into()
}
