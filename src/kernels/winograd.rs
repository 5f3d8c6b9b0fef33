//! 3 x 3 convolutions by Winograd's minimal filtering F(4x4, 3x3): transforms around one batched matrix product over 36 positions.

use super::conv2d_geometry::{Epilogue, Launches};
use super::panel::{Panel, SLICE};
use super::product::{Operands, Product};
use super::winograd_tiling::Scratch;
use super::{matmul, winograd_input, winograd_output, winograd_weight};
use crate::gpu::{Capabilities, Launch};

pub use super::winograd_tiling::{Tiling, faster, fits};

/// The product over positions; `scratch` is for sums in parts.
fn product<B: Copy>(t: &Tiling, caps: &Capabilities, p: &Product, [a, b, c]: [B; 3], scratch: impl FnOnce(usize) -> B) -> Vec<Launch<B>> {
    let variant = match t.packed {
        true => matmul::Variant::Wide,
        false => matmul::Variant::Panel(Panel::fastest(Panel::ALL.into(), p.extents(), Some(SLICE))),
    };
    let parts = matmul::parts(variant, p);
    let part = (parts > 0).then(|| scratch(parts));
    matmul::launches(caps, variant, p, Operands { a, b, bias: None, c }, part)
}

/// `m` of a convolution from the transformed operands.
fn sums<B: Copy>(t: &Tiling, caps: &Capabilities, reversed: bool, s: Scratch<B>, scratch: impl FnOnce(usize) -> B) -> Vec<Launch<B>> {
    let [a, b] = if t.few() { [s.input, s.weights] } else { [s.weights, s.input] };
    product(t, caps, &t.product(reversed), [a, b, s.output], scratch)
}

/// `y = epilogue(x * weight)`; `scratch` reserves memory for so many elements.
pub fn forward<B: Copy>(
    t: &Tiling,
    caps: &Capabilities,
    epilogue: Epilogue<B>,
    [x, weight, y]: [B; 3],
    mut scratch: impl FnMut(usize) -> B,
) -> Launches<B> {
    let s = t.scratch(&mut scratch);
    let mut run = vec![winograd_input::forward(t, x, s.input)];
    run.extend(sums(t, caps, false, s, scratch));
    run.push(winograd_output::forward(t, epilogue, s.output, y));
    Launches { weight: Some(winograd_weight::forward(t, false, weight, s.weights)), run }
}

/// `dx` from `weight` and `dy`: the convolution of `dy` with the reversed weights.
pub fn backward_input<B: Copy>(
    t: &Tiling,
    caps: &Capabilities,
    [weight, dy, dx]: [B; 3],
    mut scratch: impl FnMut(usize) -> B,
) -> Launches<B> {
    let back = t.reversed();
    let s = back.scratch(&mut scratch);
    let mut run = vec![winograd_input::forward(&back, dy, s.input)];
    run.extend(sums(&back, caps, true, s, scratch));
    run.push(winograd_output::forward(&back, Epilogue::None, s.output, dx));
    Launches { weight: Some(winograd_weight::forward(t, true, weight, s.weights)), run }
}

/// `dw` from `x` and `dy`.
pub fn backward_weight<B: Copy>(
    t: &Tiling,
    caps: &Capabilities,
    [x, dy, dw]: [B; 3],
    mut scratch: impl FnMut(usize) -> B,
) -> Vec<Launch<B>> {
    let s = t.scratch(&mut scratch);
    let mut run = vec![winograd_input::forward(t, x, s.input), winograd_output::backward(t, dy, s.output)];
    run.extend(product(t, caps, &t.weight_product(), [s.output, s.input, s.weights], scratch));
    run.push(winograd_weight::backward(t, s.weights, dw));
    run
}
