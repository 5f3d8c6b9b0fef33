//! Cases of `heads.wgsl`.

use crate::case::{check, normal, tol};
use emotone::ops;
use emotone::reference::heads as reference;

const EXTENTS: [[usize; 4]; 5] = [[1, 1, 1, 1], [2, 3, 5, 7], [3, 8, 4, 16], [1, 2, 65, 33], [2, 5, 3, 129]];

#[test]
fn qkv_split_qkv_merge() {
    for e in EXTENTS {
        let [b, h, t, d] = e;
        check(
            &format!("queries, keys and values {e:?}"),
            tol::EXACT,
            &[normal(1, [b, t, 3 * h * d])],
            |g, x| Ok(ops::split_qkv(g, x[0], h)?.to_vec()),
            |x| (0..3).map(|p| reference::split(e, 3, p, &x[0])).collect(),
            |x, dy| {
                let mut dx = vec![0.0; x[0].len()];
                (0..3).for_each(|p| reference::merge(e, 3, p, &dy[p], &mut dx));
                vec![Some(dx)]
            },
        );
    }
}

/// Keys alone have a gradient.
#[test]
fn missing_gradients_are_zeros() {
    let e = [2, 3, 5, 7];
    check(
        "keys",
        tol::EXACT,
        &[normal(1, [2, 5, 63])],
        |g, x| Ok(vec![ops::split_qkv(g, x[0], 3)?[1]]),
        |x| vec![reference::split(e, 3, 1, &x[0])],
        |x, dy| {
            let mut dx = vec![0.0; x[0].len()];
            reference::merge(e, 3, 1, &dy[0], &mut dx);
            vec![Some(dx)]
        },
    );
}

#[test]
fn heads_merge_heads_split() {
    for e in EXTENTS {
        check(
            &format!("heads {e:?}"),
            tol::EXACT,
            &[normal(1, e)],
            |g, x| Ok(vec![ops::merge_heads(g, x[0])?]),
            |x| {
                let mut y = vec![0.0; x[0].len()];
                reference::merge(e, 1, 0, &x[0], &mut y);
                vec![y]
            },
            |_, dy| vec![Some(reference::split(e, 1, 0, &dy[0]))],
        );
    }
}
