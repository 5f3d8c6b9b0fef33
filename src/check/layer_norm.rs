//! Layer norm in both modes: lengths around a workgroup, many rows, rows of one value.

use super::{Case, Input, LENGTHS, awkward, normal, tol};
use crate::kernels::Target;
use crate::ops::{self, LayerNormMode};
use crate::reference::layer_norm as reference;

const MODES: [LayerNormMode; 2] = [LayerNormMode::Standard, LayerNormMode::UnbiasedStd];

/// Layer norm of the rows of `x`.
pub fn case(name: impl Into<String>, x: Input, mode: LayerNormMode) -> Case {
    let n = x.shape[1];
    let (unbiased, eps) = if mode == LayerNormMode::UnbiasedStd { (true, 1e-6) } else { (false, 1e-5) };
    let name = format!("{}, {mode:?}", name.into());
    let build = move |g: &mut _, x: &mut [_]| ops::layer_norm(g, x[0], x[1], x[2], mode, eps as f32);
    Case::new("layer norm", name, [x, normal(2, [n]), normal(3, [n])], build)
        .forward(move |x| reference::forward(&x[0], &x[1], &x[2], eps, unbiased))
        .backward(move |x, dy| reference::backward(&x[0], &x[1], eps, unbiased, &dy[0]))
        .tolerance(2.0 * tol::SUM)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let plain = |rows, n, mode| case(format!("{rows}x{n}"), normal(1, [rows, n]), mode);
    let mut all = Vec::new();
    for mode in MODES {
        for n in awkward(128).into_iter().filter(|&n| n > 1 || mode == LayerNormMode::Standard) {
            all.extend([1, 6, 65].map(|rows| plain(rows, n, mode)));
        }
        // Enough rows that the parameters' gradients are summed in slices, the last of them short.
        all.extend([(128, 5), (129, 5), (1001, 33), (8300, 3)].map(|(rows, n)| plain(rows, n, mode)));
        // Silence and padding make rows of one value.
        for value in [0.0, 0.1, 3.0, -700.7] {
            all.extend([2, 64, 129].map(|n| {
                let x = normal(1, [3, n]).each(move |i, v| if (n..2 * n).contains(&i) { value } else { v });
                case(format!("a row of {value}, n = {n}"), x, mode)
            }));
        }
    }
    all.extend(LENGTHS.map(|n| plain(65, n, LayerNormMode::Standard).doctor(true)));
    all
}
