//! Squeeze-excitation's gates.

use super::{Case, normal, tol};
use crate::kernels::Target;
use crate::ops;
use crate::reference::squeeze_excite as reference;

fn case(e @ [b, c, r]: [usize; 3]) -> Case {
    let inputs = [normal(1, [b, c]), normal(2, [r, c]), normal(3, [c, r])];
    Case::new("squeeze-excitation", format!("{e:?}"), inputs, |g, x| ops::squeeze_excite(g, x[0], x[1], x[2]))
        .forward(move |x| reference::forward(e, &x[0], &x[1], &x[2]).1)
        .backward(move |x, dy| reference::backward(e, &x[0], &x[1], &x[2], &dy[0]))
        .tolerance(tol::SUM)
}

/// The cases. The last has more hidden values than there is workgroup memory for.
pub fn cases(_: &Target) -> Vec<Case> {
    [[1, 1, 1], [3, 7, 2], [2, 16, 1], [16, 128, 8], [5, 65, 33], [2, 300, 20], [2, 9, 256], [2, 9, 257]].map(case).into()
}
