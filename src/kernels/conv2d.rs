//! 2-D convolution: the variants, which one is taken, and its launches.

use super::cooperative::Fragments;
use super::panel::Panel;
use super::product::SUBGROUP;
use super::tuned::Variants;
use super::winograd::{self, Tiling};
use super::{Target, conv2d_bwd_input_subgroup, conv2d_bwd_weight_subgroup, conv2d_fwd_subgroup};
use super::{conv2d_panel, conv2d_stem, conv2d_tile, reduce};
use crate::gpu::{Capabilities, Launch};

pub use super::conv2d_geometry::{Epilogue, Geometry, Launches, Pass};

/// Which kernels compute a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Operands distributed by subgroup broadcast.
    Subgroup,
    /// The same; forward by the shader for stems, which must [fit](conv2d_stem::fits).
    Stem,
    /// Tiles in workgroup memory.
    Tile,
    /// Blocks of sums in registers or cooperative matrices, for GPUs; must [fit](conv2d_panel::fits).
    Panel(Panel),
    /// Tiles by cooperative matrices of counted subgroups, operands rounded to half precision.
    Cooperative(Fragments),
    /// Winograd's minimal filtering.
    Winograd(Tiling),
}

/// A pass of a convolution: what is computed by one of several variants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConvolutionProblem {
    /// Its extents.
    pub geometry: Geometry,
    /// Forward, or a gradient.
    pub pass: Pass,
}

impl Variant {
    /// Whether operands are rounded to half precision.
    pub fn halves(&self) -> bool {
        matches!(self, Variant::Cooperative(_)) || matches!(self, Variant::Panel(panel) if panel.fragments().is_some())
    }
}

impl Variants for ConvolutionProblem {
    type Variant = Variant;

    fn key(&self, target: &Target) -> String {
        let Geometry { n, groups, cin, cout, input, kernel, stride, padding, dilation, .. } = self.geometry;
        let (pass, precision) = (self.pass, target.precision());
        format!(
            "conv2d {pass:?} {n}x{groups}x{cin}->{cout} {input:?} kernel{kernel:?} stride{stride:?} padding{padding:?} \
             dilation{dilation:?} {precision}"
        )
    }

    fn name(variant: Variant) -> String {
        match variant {
            Variant::Subgroup => "subgroup".into(),
            Variant::Stem => "stem".into(),
            Variant::Tile => "tile".into(),
            Variant::Panel(panel) => panel.name(),
            Variant::Cooperative(_) => "cooperative".into(),
            Variant::Winograd(_) => "winograd".into(),
        }
    }

    fn heuristic(&self, target: &Target) -> Variant {
        let ConvolutionProblem { geometry: g, pass } = self;
        if let Some(t) = winograd::faster(target, g, *pass) {
            return Variant::Winograd(t);
        }
        match target.software && target.subgroup_size == Some(SUBGROUP) {
            true if *pass == Pass::Forward && conv2d_stem::fits(target, g) => Variant::Stem,
            true => Variant::Subgroup,
            false if !target.software && conv2d_panel::fits(g) => Variant::Panel(conv2d_panel::fastest(Panel::given(target), g, *pass)),
            false => Variant::Tile,
        }
    }

    fn others(&self, target: &Target) -> Vec<Variant> {
        let ConvolutionProblem { geometry: g, pass } = self;
        let subgroups = target.software && target.subgroup_size == Some(SUBGROUP);
        let cooperative = Fragments::of(target).filter(|_| target.half);
        let others = [
            winograd::fits(target, g).map(Variant::Winograd),
            (subgroups && *pass == Pass::Forward && conv2d_stem::fits(target, g)).then_some(Variant::Stem),
            subgroups.then_some(Variant::Subgroup),
            target.software.then_some(Variant::Tile),
            cooperative.filter(Fragments::counts).map(Variant::Cooperative),
        ];
        let panels = Panel::ALL.into_iter().chain(cooperative.into_iter().flat_map(Panel::cooperative));
        let panels = panels.filter(|_| !target.software && conv2d_panel::fits(g)).map(Variant::Panel);
        others.into_iter().flatten().chain(panels).collect()
    }
}

/// `y = epilogue(x * weight)`; `scratch` reserves memory for so many elements.
pub fn forward<B: Copy>(
    v: Variant,
    caps: &Capabilities,
    g: &Geometry,
    epilogue: Epilogue<B>,
    [x, weight, y]: [B; 3],
    scratch: impl FnMut(usize) -> B,
) -> Launches<B> {
    match v {
        Variant::Winograd(t) => winograd::forward(&t, caps, epilogue, [x, weight, y], scratch),
        Variant::Stem => conv2d_stem::forward(g, epilogue, x, weight, y).into(),
        Variant::Cooperative(f) => conv2d_tile::forward(g, Some(f), epilogue, x, weight, y).into(),
        Variant::Panel(panel) => {
            // What is put behind the sums needs them whole.
            let slices = if matches!(epilogue, Epilogue::None) { conv2d_panel::slices(g, Pass::Forward, panel) } else { 1 };
            let sums = |out| conv2d_panel::forward(g, panel, slices, epilogue, x, weight, out);
            Launches { weight: None, run: sliced(caps, slices, g.elements()[2], y, scratch, sums) }
        }
        Variant::Tile => conv2d_tile::forward(g, None, epilogue, x, weight, y).into(),
        Variant::Subgroup => conv2d_fwd_subgroup::forward(g, epilogue, x, weight, y).into(),
    }
}

/// `dx` from `weight` and `dy`, with scratch as [`forward`]'s.
pub fn backward_input<B: Copy>(
    v: Variant,
    caps: &Capabilities,
    g: &Geometry,
    weight: B,
    dy: B,
    dx: B,
    scratch: impl FnMut(usize) -> B,
) -> Launches<B> {
    match v {
        Variant::Winograd(t) => winograd::backward_input(&t, caps, [weight, dy, dx], scratch),
        Variant::Cooperative(f) => conv2d_tile::backward_input(g, Some(f), weight, dy, dx).into(),
        Variant::Panel(panel) => {
            let slices = conv2d_panel::slices(g, Pass::Input, panel);
            let sums = |out| conv2d_panel::backward_input(g, panel, slices, weight, dy, out);
            Launches { weight: None, run: sliced(caps, slices, g.elements()[0], dx, scratch, sums) }
        }
        Variant::Tile => conv2d_tile::backward_input(g, None, weight, dy, dx).into(),
        Variant::Subgroup | Variant::Stem => conv2d_bwd_input_subgroup::backward(g, weight, dy, dx).into(),
    }
}

/// `dw` from `x` and `dy`, with scratch as [`forward`]'s. The direct variants cut the sum into slices, so that a small weight still fills
/// the device.
pub fn backward_weight<B: Copy>(
    v: Variant,
    caps: &Capabilities,
    g: &Geometry,
    x: B,
    dy: B,
    dw: B,
    scratch: impl FnMut(usize) -> B,
) -> Vec<Launch<B>> {
    let slices = match v {
        Variant::Winograd(t) => return winograd::backward_weight(&t, caps, [x, dy, dw], scratch),
        Variant::Tile | Variant::Cooperative(_) => slices_of_pixels(caps, g),
        Variant::Panel(panel) => conv2d_panel::slices(g, Pass::Weight, panel),
        Variant::Subgroup | Variant::Stem => slices_of_images(g),
    };
    let sums = |out| match v {
        Variant::Cooperative(f) => conv2d_tile::backward_weight(g, Some(f), slices, x, dy, out),
        Variant::Panel(panel) => conv2d_panel::backward_weight(g, panel, slices, x, dy, out),
        Variant::Tile => conv2d_tile::backward_weight(g, None, slices, x, dy, out),
        Variant::Subgroup | Variant::Stem | Variant::Winograd(_) => conv2d_bwd_weight_subgroup::backward(g, slices, x, dy, out),
    };
    sliced(caps, slices, g.elements()[1], dw, scratch, sums)
}

/// A launch that makes the sums of `elements` in slices, and where these are several, what adds them in order.
fn sliced<B: Copy>(
    caps: &Capabilities,
    slices: usize,
    elements: usize,
    whole: B,
    mut scratch: impl FnMut(usize) -> B,
    sums: impl FnOnce(B) -> Launch<B>,
) -> Vec<Launch<B>> {
    if slices == 1 {
        return vec![sums(whole)];
    }
    let parts = scratch(slices * elements);
    vec![sums(parts), reduce::forward(caps, (1, slices, elements), 1.0, parts, whole)]
}

/// Slices for the subgroup kernel: at least eight workgroups for the processor's cores.
fn slices_of_images(g: &Geometry) -> usize {
    8usize.div_ceil(conv2d_bwd_weight_subgroup::tiles(g).max(1)).clamp(1, g.n.max(1))
}

/// Slices for tiles.
fn slices_of_pixels(caps: &Capabilities, g: &Geometry) -> usize {
    let tiles = g.groups * g.cout.div_ceil(64) * (g.cin * g.kernel[0] * g.kernel[1]).div_ceil(64);
    let pixels = g.n * g.output[0] * g.output[1];
    let wanted = if caps.software { 4 } else { 512 };
    (wanted / tiles.max(1)).clamp(1, pixels.div_ceil(256).max(1))
}
