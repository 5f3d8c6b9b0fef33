//! Cases of `permute.wgsl`.

use crate::case::{check, normal, tol};
use emotone::ops;
use emotone::reference::permute as reference;

#[test]
fn permute() {
    let orders: [&[usize]; 7] = [&[0], &[1, 0], &[0, 2, 1], &[2, 0, 1], &[0, 2, 1, 3], &[3, 1, 0, 2], &[0, 1, 2, 3]];
    for dims in orders {
        for shape in [[1, 3, 8, 13], [13, 8, 1, 3], [5, 2, 3, 7]] {
            let shape = &shape[4 - dims.len()..];
            let mut inverse = vec![0; dims.len()];
            dims.iter().enumerate().for_each(|(to, &from)| inverse[from] = to);
            let out: Vec<usize> = dims.iter().map(|&d| shape[d]).collect();
            check(
                &format!("{shape:?} in order {dims:?}"),
                tol::EXACT,
                &[normal(1, shape)],
                |g, x| Ok(vec![ops::permute(g, x[0], dims)?]),
                |x| vec![reference::forward(shape, dims, &x[0])],
                |_, dy| vec![Some(reference::forward(&out, &inverse, &dy[0]))],
            );
        }
    }
}
