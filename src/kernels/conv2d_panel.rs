//! Launches of `conv2d_panel.wgsl`.

use super::conv2d_geometry::{Epilogue, Geometry, Pass, grid};
use super::panel::{Panel, SLICE, panel_shader};
use crate::gpu::Launch;

panel_shader!("conv2d_panel");

/// Numbers that the shader divides stay below, so that single precision is exact.
const EXACT: usize = 1 << 21;
/// Groups times phases of a stride, which are counted along one axis of the grid.
const LAYERS: usize = 1 << 15;

/// Whether the shader can count the convolution's terms, lines and columns.
pub fn fits(g: &Geometry) -> bool {
    let (taps, phases) = (g.kernel[0] * g.kernel[1], phases(g));
    // Where there are phases, the shader divides by their taps in single precision too: below half of the bound.
    let counted = [g.cin * taps, g.cout * taps * phases.min(2), g.output[0] * g.output[1]];
    let sides = [0, 1].map(|axis| g.input[axis] + 2 * g.padding[axis]);
    counted.into_iter().chain(sides).chain(g.stride).all(|n| n + 8 < EXACT) && g.groups * phases < LAYERS
}

/// Phases of the stride that have pixels, in the input gradient.
fn phases(g: &Geometry) -> usize {
    g.stride[0].min(g.input[0]) * g.stride[1].min(g.input[1])
}

/// How far apart the taps are that reach a phase of the stride, in the input gradient.
fn steps(g: &Geometry) -> [usize; 2] {
    [0, 1].map(|axis| g.stride[axis] / gcd(g.stride[axis], g.dilation[axis]))
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A pass as products: their number, rows, columns, terms of a sum. Of the input gradient those of the largest phase.
fn extents(g: &Geometry, pass: Pass) -> [usize; 4] {
    let taps = g.kernel[0] * g.kernel[1];
    let pixels = |size: [usize; 2]| g.n * size[0] * size[1];
    match pass {
        Pass::Forward => [g.groups, g.cout, pixels(g.output), g.cin * taps],
        Pass::Input => {
            let of_phase = |all: [usize; 2], apart: [usize; 2]| [all[0].div_ceil(apart[0]), all[1].div_ceil(apart[1])];
            let [ky, kx] = of_phase(g.kernel, steps(g));
            [g.groups * phases(g), g.cin, pixels(of_phase(g.input, g.stride)), g.cout * ky * kx]
        }
        Pass::Weight => [g.groups, g.cout, g.cin * taps, pixels(g.output)],
    }
}

/// Fewest terms of a slice of a pass's sums. Pixels are few where sums are long, so they are cut finer than the weights, which are many then.
fn least(pass: Pass) -> usize {
    if pass == Pass::Weight { SLICE } else { SLICE * 3 / 4 }
}

/// The one of `sizes` of blocks that should be fastest for a pass. What may follow a forward pass keeps its sums in one piece.
pub fn fastest(sizes: Vec<Panel>, g: &Geometry, pass: Pass) -> Panel {
    Panel::fastest(sizes, extents(g, pass), (pass != Pass::Forward).then(|| least(pass)))
}

/// The time of a pass by the size that is fastest, as [`Panel::time_of`] counts it, where nothing follows.
pub(super) fn time(g: &Geometry, pass: Pass) -> f64 {
    Panel::least_time(extents(g, pass), Some(least(pass)))
}

/// Slices of a pass's sums: more than one where blocks are few.
pub fn slices(g: &Geometry, pass: Pass, panel: Panel) -> usize {
    let [groups, rows, columns, terms] = extents(g, pass);
    panel.slices(panel.blocks(groups, rows, columns), terms, least(pass))
}

/// What the entry points share: a product of a factor and an image, in which taps reach; pixels are counted over the other operand.
fn launch<B>(g: &Geometry, pass: Pass, entry: &'static str, panel: Panel, slices: usize) -> Launch<B> {
    let [_, rows, columns, terms] = extents(g, pass);
    let taps = g.kernel[0] * g.kernel[1];
    let plane = g.output[0] * g.output[1];
    let weights = [g.cin * taps, taps, g.cout * g.cin * taps];
    let negative = |n: usize| 0u32.wrapping_sub(n as u32);
    let back = pass == Pass::Input;
    let (channels, image, pixels) = if back { (g.cout, g.output, g.input) } else { (g.cin, g.input, g.output) };
    let (up, down) = if back { ([1, 1], g.stride) } else { (g.stride, [1, 1]) };
    let step = if back { steps(g) } else { [1, 1] };
    let tap =
        [0, 1].map(|axis| if back { negative(g.dilation[axis] / gcd(g.stride[axis], g.dilation[axis])) } else { g.dilation[axis] as u32 });
    let columns = if back { g.n * g.input[0] * g.input[1] } else { columns };
    let shift = g.padding.map(|n| if back { n as u32 } else { negative(n) });
    let point = taps == 1 && g.stride == [1, 1];
    let [row, channel, group] = match pass {
        Pass::Forward => weights,
        Pass::Input => [weights[1], weights[0], weights[2]],
        Pass::Weight => [plane, g.groups * g.cout * plane, g.cout * plane],
    };
    let per = |n: usize| 1.0 / n as f32;
    let launch = Launch::new(&SHADER, entry).set("groups", g.groups).set("rows", rows).set("columns", columns).set("terms", terms);
    let launch = launch.set("span", terms.div_ceil(slices));
    let launch = launch.set("channels", channels).set("h", image[0]).set("w", image[1]);
    let launch = launch.set("inside", g.padding == [0, 0] && (!back || point)).set("taps", taps).set("kw", g.kernel[1]);
    let launch = launch.set("tap_y", tap[0]).set("tap_x", tap[1]).set("ph", pixels[0]).set("pw", pixels[1]);
    let launch = launch.set("up_y", up[0]).set("up_x", up[1]).set("shift_y", shift[0]).set("shift_x", shift[1]);
    let launch = launch.set("down_y", down[0]).set("down_x", down[1]).set("step_y", step[0]).set("step_x", step[1]);
    let launch = launch.set("dil_y", g.dilation[0]).set("dil_x", g.dilation[1]);
    let launch = launch.set("factor_row", row).set("factor_channel", channel).set("factor_group", group);
    let launch = launch.set("per_taps", per(taps)).set("per_kw", per(g.kernel[1])).set("per_pw", per(pixels[1]));
    panel.tune(launch).cost(g.bytes(), g.flops())
}

/// The grid of a pass whose columns are pixels. With slices there are too few for folds.
fn over_pixels(g: &Geometry, pass: Pass, panel: Panel, slices: usize) -> [u32; 3] {
    let [groups, rows, columns, _] = extents(g, pass);
    grid(columns.div_ceil(panel.columns()), rows.div_ceil(panel.rows()), groups * slices)
}

/// `y = epilogue(x * weight)`, or without one the sums of each of `slices`.
pub fn forward<B: Copy>(g: &Geometry, panel: Panel, slices: usize, epilogue: Epilogue<B>, x: B, weight: B, y: B) -> Launch<B> {
    let launch = launch(g, Pass::Forward, "conv2d_fwd_panel", panel, slices).grid(over_pixels(g, Pass::Forward, panel, slices));
    epilogue.apply(launch.bind("image", x).bind("factor", weight).bind("out", y))
}

/// `dx` from `weight` and `dy`, or the sums of each of `slices`.
pub fn backward_input<B>(g: &Geometry, panel: Panel, slices: usize, weight: B, dy: B, dx: B) -> Launch<B> {
    let launch = launch(g, Pass::Input, "conv2d_bwd_input_panel", panel, slices).grid(over_pixels(g, Pass::Input, panel, slices));
    launch.bind("image", dy).bind("factor", weight).bind("out", dx)
}

/// `dw` from `x` and `dy`, or the sums of each of `slices`.
pub fn backward_weight<B>(g: &Geometry, panel: Panel, slices: usize, x: B, dy: B, dw: B) -> Launch<B> {
    let [groups, rows, columns, _] = extents(g, Pass::Weight);
    let blocks = [columns.div_ceil(panel.columns()), rows.div_ceil(panel.rows()), groups * slices];
    let launch = launch(g, Pass::Weight, "conv2d_bwd_weight_panel", panel, slices);
    launch.bind("image", x).bind("factor", dy).bind("out", dw).grid(blocks.map(|n| n as u32))
}
