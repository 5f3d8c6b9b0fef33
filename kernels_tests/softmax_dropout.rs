//! Cases of `softmax_dropout.wgsl`: softmax_dropout_fwd softmax_dropout_bwd softmax_dropout_row_fwd softmax_dropout_row_bwd.

use crate::case::{In, check, given, normal, tol};
use emotone::ops;
use emotone::reference::{dropout, softmax};

/// Few long rows have a workgroup each, others on software adapters an invocation; uneven rows share draws with their neighbours.
#[test]
fn rows_of_any_length() {
    for [rows, cols] in [[1, 1], [3, 1], [5, 4], [9, 7], [130, 33], [65, 64], [3, 65], [2, 777], [7, 128], [300, 130]] {
        let around = (rows, cols, 1);
        let words = [11u32, 22, 33, 0];
        let rng = In { values: words.map(|w| f64::from(f32::from_bits(w))).to_vec(), ..given([4], &[0.0; 4]) };
        let mask = dropout::mask(rows * cols, words, 0.25, 9);
        let masked = |y: &[f64]| y.iter().zip(&mask).map(|(y, m)| y * m).collect::<Vec<f64>>();
        check(
            &format!("softmax and dropout of {rows} rows of {cols}"),
            tol::FUNCTION,
            &[normal(1, [rows, cols]), rng],
            |g, x| Ok(vec![ops::softmax_dropout(g, x[0], Some((x[1], 0.25, 9)))?]),
            |x| vec![masked(&softmax::forward(around, &x[0]))],
            |x, dy| vec![Some(softmax::backward(around, &softmax::forward(around, &x[0]), &masked(&dy[0]))), None],
        );
    }
}
