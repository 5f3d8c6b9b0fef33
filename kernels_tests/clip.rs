//! Norms that are not finite, and arguments that are refused.

use crate::case::{outputs, values};
use emotone::graph::Graph;
use emotone::ops;

#[test]
fn a_norm_that_is_not_finite_is_seen() {
    for (bad, good) in [(f32::NAN, false), (f32::INFINITY, false), (1e30, false), (3.0, true), (0.0, true)] {
        let mut x = vec![0.0; 1000];
        x[777] = bad;
        let Some(got) = outputs([values([1000], &x)], |g, x| ops::clip(g, x[0], f32::INFINITY)) else { return };
        let (norm, scale) = (got[0][0], got[1][0]);
        if good {
            assert_eq!((norm, scale), (bad, 1.0));
        } else {
            assert!(!norm.is_finite() && scale.is_nan(), "{bad}: norm {norm}, scale {scale}");
        }
    }
}

#[test]
fn wrong_arguments_are_refused() {
    let mut g = Graph::new();
    let x = g.input("x", [4, 4]);
    assert!(ops::clip(&mut g, x, 1.0).unwrap_err().to_string().contains("clip"));
    let x = g.input("y", [4]);
    assert!(ops::clip(&mut g, x, 0.0).unwrap_err().to_string().contains("max_norm"));
    assert!(ops::clip(&mut g, x, f32::NAN).unwrap_err().to_string().contains("max_norm"));
}
