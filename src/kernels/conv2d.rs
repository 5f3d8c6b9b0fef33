//! 2-D convolution: the variants, which one is taken, and its launches.

use super::cooperative::Fragments;
use super::product::SUBGROUP;
use super::tuned::Variants;
use super::winograd::{self, Tiling};
use super::{Target, conv2d_bwd_input_subgroup, conv2d_bwd_weight_subgroup, conv2d_fwd_subgroup, conv2d_stem, conv2d_tile, reduce};
use crate::gpu::{Capabilities, Launch};

pub use super::convolution::{Epilogue, Geometry, Launches, Pass};

/// Which kernels compute a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Operands distributed by subgroup broadcast.
    Subgroup,
    /// The same; forward by the shader for stems, which must [fit](conv2d_stem::fits).
    Stem,
    /// Tiles in workgroup memory.
    Tile,
    /// The same by cooperative matrices, operands rounded to half precision.
    Cooperative(Fragments),
    /// Winograd's minimal filtering.
    Winograd(Tiling),
}

/// A pass of a convolution: what is computed by one of several variants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Convolution {
    /// Its extents.
    pub geometry: Geometry,
    /// Forward, or a gradient.
    pub pass: Pass,
}

impl Variants for Convolution {
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
            Variant::Subgroup => "subgroup",
            Variant::Stem => "stem",
            Variant::Tile => "tile",
            Variant::Cooperative(_) => "cooperative",
            Variant::Winograd(_) => "winograd",
        }
        .into()
    }

    fn heuristic(&self, target: &Target) -> Variant {
        let Convolution { geometry: g, pass } = self;
        if let Some(f) = Fragments::of(target).filter(|_| target.half) {
            return Variant::Cooperative(f);
        }
        if let Some(t) = winograd::faster(target, g, *pass) {
            return Variant::Winograd(t);
        }
        match target.software && target.subgroup_size == Some(SUBGROUP) {
            true if *pass == Pass::Forward && conv2d_stem::fits(target, g) => Variant::Stem,
            true => Variant::Subgroup,
            false => Variant::Tile,
        }
    }

    fn others(&self, target: &Target) -> Vec<Variant> {
        let Convolution { geometry: g, pass } = self;
        if target.half && Fragments::of(target).is_some() {
            return Vec::new();
        }
        let subgroups = target.software && target.subgroup_size == Some(SUBGROUP);
        let others = [
            winograd::fits(target, g).map(Variant::Winograd),
            (subgroups && *pass == Pass::Forward && conv2d_stem::fits(target, g)).then_some(Variant::Stem),
            subgroups.then_some(Variant::Subgroup),
            Some(Variant::Tile),
        ];
        others.into_iter().flatten().collect()
    }
}

/// Scratch regions a pass needs, in elements.
pub fn scratch(v: Variant, caps: &Capabilities, g: &Geometry, pass: Pass) -> Vec<usize> {
    match (v, pass) {
        (Variant::Winograd(t), _) => t.scratch().to_vec(),
        (_, Pass::Forward | Pass::Input) => Vec::new(),
        (_, Pass::Weight) => match slices(v, caps, g) {
            1 => Vec::new(),
            slices => vec![slices * g.elements()[1]],
        },
    }
}

/// `y = epilogue(x * weight)`, with the regions of [`scratch`].
pub fn forward<B: Copy>(v: Variant, g: &Geometry, epilogue: Epilogue<B>, x: B, weight: B, y: B, scratch: &[B]) -> Launches<B> {
    match (v, scratch) {
        (Variant::Winograd(t), &[u, v, m]) => winograd::forward(&t, epilogue, x, weight, y, [u, v, m]),
        (Variant::Stem, _) => conv2d_stem::forward(g, epilogue, x, weight, y).into(),
        (Variant::Cooperative(f), _) => conv2d_tile::forward(g, Some(f), epilogue, x, weight, y).into(),
        (Variant::Tile, _) => conv2d_tile::forward(g, None, epilogue, x, weight, y).into(),
        _ => conv2d_fwd_subgroup::forward(g, epilogue, x, weight, y).into(),
    }
}

/// `dx` from `weight` and `dy`, with the regions of [`scratch`].
pub fn backward_input<B: Copy>(v: Variant, g: &Geometry, weight: B, dy: B, dx: B, scratch: &[B]) -> Launches<B> {
    match (v, scratch) {
        (Variant::Winograd(t), &[u, v, m]) => winograd::backward_input(&t, weight, dy, dx, [u, v, m]),
        (Variant::Cooperative(f), _) => conv2d_tile::backward_input(g, Some(f), weight, dy, dx).into(),
        (Variant::Tile, _) => conv2d_tile::backward_input(g, None, weight, dy, dx).into(),
        _ => conv2d_bwd_input_subgroup::backward(g, weight, dy, dx).into(),
    }
}

/// Slices the sum of the weight gradient is cut into, so that a small weight still fills the device: of the images by the subgroup
/// variant (at least eight workgroups for the processor's cores), of the pixels by tiles.
fn slices(v: Variant, caps: &Capabilities, g: &Geometry) -> usize {
    match v {
        Variant::Subgroup | Variant::Stem => 8usize.div_ceil(conv2d_bwd_weight_subgroup::tiles(g).max(1)).clamp(1, g.n.max(1)),
        Variant::Tile | Variant::Cooperative(_) => {
            let tiles = g.groups * g.cout.div_ceil(64) * (g.cin * g.kernel[0] * g.kernel[1]).div_ceil(64);
            let pixels = g.n * g.output[0] * g.output[1];
            let wanted = if caps.software { 4 } else { 512 };
            (wanted / tiles.max(1)).clamp(1, pixels.div_ceil(256).max(1))
        }
        Variant::Winograd(_) => 1,
    }
}

/// `dw` from `x` and `dy`, with the regions of [`scratch`].
pub fn backward_weight<B: Copy>(v: Variant, caps: &Capabilities, g: &Geometry, x: B, dy: B, dw: B, scratch: &[B]) -> Vec<Launch<B>> {
    let partial = |slices: usize, out: B| match v {
        Variant::Cooperative(f) => conv2d_tile::backward_weight(g, Some(f), slices, x, dy, out),
        Variant::Tile => conv2d_tile::backward_weight(g, None, slices, x, dy, out),
        _ => conv2d_bwd_weight_subgroup::backward(g, slices, x, dy, out),
    };
    match (v, scratch) {
        (Variant::Winograd(t), &[u, v, m]) => winograd::backward_weight(&t, x, dy, dw, [u, v, m]),
        (_, &[part]) => {
            let slices = slices(v, caps, g);
            vec![partial(slices, part), reduce::forward(caps, (1, slices, g.elements()[1]), 1.0, part, dw)]
        }
        _ => vec![partial(1, dw)],
    }
}
