//! 3 x 3 convolutions by Winograd's minimal filtering F(4x4, 3x3): transforms around one batched matrix product over 36 positions.

use super::conv2d_geometry::{Epilogue, Launches};
use super::product::Operands;
use super::winograd_tiling::Scratch;
use super::{matmul_wide, winograd_input, winograd_output, winograd_weight};
use crate::gpu::Launch;

pub use super::winograd_tiling::{Tiling, faster, fits};

fn product<B: Copy>(t: &Tiling, reversed: bool, s: Scratch<B>) -> Launch<B> {
    let (a, b) = if t.few() { (s.input, s.weights) } else { (s.weights, s.input) };
    matmul_wide::matmul(&t.product(reversed), Operands { a, b, bias: None, c: s.output })
}

/// `y = epilogue(x * weight)`; `scratch` reserves memory for so many elements.
pub fn forward<B: Copy>(t: &Tiling, epilogue: Epilogue<B>, x: B, weight: B, y: B, scratch: impl FnMut(usize) -> B) -> Launches<B> {
    let s = t.scratch(scratch);
    let run = vec![winograd_input::forward(t, x, s.input), product(t, false, s), winograd_output::forward(t, epilogue, s.output, y)];
    Launches { weight: Some(winograd_weight::forward(t, false, weight, s.weights)), run }
}

/// `dx` from `weight` and `dy`: the convolution of `dy` with the reversed weights.
pub fn backward_input<B: Copy>(t: &Tiling, weight: B, dy: B, dx: B, scratch: impl FnMut(usize) -> B) -> Launches<B> {
    let back = t.reversed();
    let s = back.scratch(scratch);
    let run = vec![
        winograd_input::forward(&back, dy, s.input),
        product(&back, true, s),
        winograd_output::forward(&back, Epilogue::None, s.output, dx),
    ];
    Launches { weight: Some(winograd_weight::forward(t, true, weight, s.weights)), run }
}

/// `dw` from `x` and `dy`.
pub fn backward_weight<B: Copy>(t: &Tiling, x: B, dy: B, dw: B, scratch: impl FnMut(usize) -> B) -> Vec<Launch<B>> {
    let s = t.scratch(scratch);
    vec![
        winograd_input::forward(t, x, s.input),
        winograd_output::backward(t, dy, s.output),
        matmul_wide::matmul(&t.weight_product(), Operands { a: s.output, b: s.input, bias: None, c: s.weights }),
        winograd_weight::backward(t, s.weights, dw),
    ]
}
