//! Cases of `row_mean.wgsl`: entries row_mean_fwd and row_mean_bwd.

use crate::case::{awkward, check, given, normal, tol};
use emotone::ops;
use emotone::reference::row_mean as reference;

/// Row weights of which some are 0.
pub fn weights(rows: usize) -> Vec<f64> {
    (0..rows).map(|b| [0.5, 0.0, 1.0, 0.25][b % 4]).collect()
}

#[test]
fn weighted_mean_of_rows() {
    for n in awkward(64) {
        for w in [vec![1.0; n], weights(n), vec![0.0; n]] {
            check(
                &format!("row_mean ({n})"),
                tol::SUM,
                &[normal(n as u64, [n]), given([n], &w)],
                |g, x| Ok(vec![ops::row_mean(g, x[0], Some(x[1]))?]),
                |x| vec![vec![reference::forward(&x[0], &x[1])]],
                |x, dy| vec![Some(reference::backward(&x[1], dy[0][0])), None],
            );
        }
        check(
            &format!("row_mean ({n}) without weights"),
            tol::SUM,
            &[normal(n as u64, [n])],
            |g, x| Ok(vec![ops::row_mean(g, x[0], None)?]),
            |x| vec![vec![reference::forward(&x[0], &vec![1.0; n])]],
            |_, dy| vec![Some(reference::backward(&vec![1.0; n], dy[0][0]))],
        );
    }
}

/// The filling of a short batch may be anything.
#[test]
fn rows_of_weight_zero_do_not_count() {
    check(
        "row_mean with a NaN row",
        tol::EXACT,
        &[given([3], &[1.0, f64::NAN, 3.0]), given([3], &[1.0, 0.0, 1.0])],
        |g, x| Ok(vec![ops::row_mean(g, x[0], Some(x[1]))?]),
        |_| vec![vec![2.0]],
        |_, _| vec![None, None],
    );
}

#[test]
fn wrong_shapes_are_refused() {
    let mut g = emotone::graph::Graph::new();
    let (l, w) = (g.input("l", [4]), g.input("w", [5]));
    let e = ops::row_mean(&mut g, l, Some(w)).unwrap_err().to_string();
    assert!(e.contains("row_mean") && e.contains("(4)") && e.contains("(5)"), "{e}");
}
