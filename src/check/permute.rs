//! Reordered dimensions.

use super::{Case, normal};
use crate::kernels::Target;
use crate::ops;
use crate::reference::permute as reference;

fn case(shape: Vec<usize>, dims: &'static [usize]) -> Case {
    let mut inverse = vec![0; dims.len()];
    dims.iter().enumerate().for_each(|(to, &from)| inverse[from] = to);
    let out: Vec<usize> = dims.iter().map(|&d| shape[d]).collect();
    let name = format!("{shape:?} in order {dims:?}");
    Case::new("permute", name, [normal(1, shape.clone())], move |g, x| ops::permute(g, x[0], dims))
        .forward(move |x| reference::forward(&shape, dims, &x[0]))
        .backward(move |_, dy| reference::forward(&out, &inverse, &dy[0]))
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let orders: [&[usize]; 7] = [&[0], &[1, 0], &[0, 2, 1], &[2, 0, 1], &[0, 2, 1, 3], &[3, 1, 0, 2], &[0, 1, 2, 3]];
    let shapes = [[1, 3, 8, 13], [13, 8, 1, 3], [5, 2, 3, 7]];
    orders.into_iter().flat_map(|dims| shapes.map(|shape| case(shape[4 - dims.len()..].to_vec(), dims))).collect()
}
