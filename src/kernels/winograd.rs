//! 3 x 3 convolutions by Winograd's minimal filtering F(4x4, 3x3): transforms around one batched matrix product over 36 positions.

use super::convolution::{Epilogue, Launches};
use super::product::Operands;
use super::{matmul_wide, winograd_input, winograd_output, winograd_weight};
use crate::gpu::Launch;

pub use super::winograd_tiling::{Tiling, faster, fits};

fn product<B: Copy>(t: &Tiling, reversed: bool, u: B, v: B, m: B) -> Launch<B> {
    let (a, b) = if t.few() { (v, u) } else { (u, v) };
    matmul_wide::matmul(&t.product(reversed), Operands { a, b, bias: a, c: m })
}

/// `y = epilogue(x * weight)` with scratch of [`Tiling::scratch`].
pub fn forward<B: Copy>(t: &Tiling, epilogue: Epilogue<B>, x: B, weight: B, y: B, [u, v, m]: [B; 3]) -> Launches<B> {
    let run = vec![winograd_input::forward(t, x, v), product(t, false, u, v, m), winograd_output::forward(t, epilogue, m, y)];
    Launches { weight: Some(winograd_weight::forward(t, false, weight, u)), run }
}

/// `dx` from `weight` and `dy`: the convolution of `dy` with the reversed weights; scratch as [`forward`]'s with the last two exchanged.
pub fn backward_input<B: Copy>(t: &Tiling, weight: B, dy: B, dx: B, [u, m, v]: [B; 3]) -> Launches<B> {
    let back = t.reversed();
    let run =
        vec![winograd_input::forward(&back, dy, v), product(&back, true, u, v, m), winograd_output::forward(&back, Epilogue::None, m, dx)];
    Launches { weight: Some(winograd_weight::forward(t, true, weight, u)), run }
}

/// `dw` from `x` and `dy` with scratch of [`Tiling::scratch`].
pub fn backward_weight<B: Copy>(t: &Tiling, x: B, dy: B, dw: B, [u, v, m]: [B; 3]) -> Vec<Launch<B>> {
    vec![
        winograd_input::forward(t, x, v),
        winograd_output::backward(t, dy, m),
        matmul_wide::matmul(&t.weight_product(), Operands { a: m, b: v, bias: m, c: u }),
        winograd_weight::backward(t, u, dw),
    ]
}
