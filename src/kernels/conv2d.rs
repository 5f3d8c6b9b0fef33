//! 2-D convolution: geometry, parameters, the choice of family, and its launches.

use super::cooperative::Fragments;
use super::winograd::{self, Tiling};
use super::{
    Target, choices, conv2d_bwd_input_subgroup, conv2d_bwd_weight_subgroup, conv2d_fwd_subgroup, conv2d_stem, conv2d_tile,
    matmul::SUBGROUP, reduce,
};
use crate::gpu::{Capabilities, Launch, MAX_GROUPS, Shader};

/// Extents of a convolution; channels are counted per group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Images.
    pub n: usize,
    /// Groups.
    pub groups: usize,
    /// Input channels per group.
    pub cin: usize,
    /// Output channels per group.
    pub cout: usize,
    /// Height and width of the input.
    pub input: [usize; 2],
    /// Height and width of the output.
    pub output: [usize; 2],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Stride along height and width.
    pub stride: [usize; 2],
    /// Zeros added at each edge along height and width.
    pub padding: [usize; 2],
    /// Distance between taps along height and width.
    pub dilation: [usize; 2],
}

impl Geometry {
    /// Elements of input, weight, output.
    pub fn elements(&self) -> [usize; 3] {
        let taps = self.kernel[0] * self.kernel[1];
        [
            self.n * self.groups * self.cin * self.input[0] * self.input[1],
            self.groups * self.cout * self.cin * taps,
            self.n * self.groups * self.cout * self.output[0] * self.output[1],
        ]
    }

    /// Bytes of all three operands.
    pub fn bytes(&self) -> u64 {
        4 * self.elements().iter().sum::<usize>() as u64
    }

    /// Multiply-adds times two, padding counted.
    pub fn flops(&self) -> u64 {
        2 * (self.elements()[2] * self.cin * self.kernel[0] * self.kernel[1]) as u64
    }

    /// A launch of one of the direct kernels.
    pub(super) fn launch<B>(&self, shader: &'static Shader, entry: &'static str) -> Launch<B> {
        Launch::new(shader, entry)
            .set("n", self.n)
            .set("groups", self.groups)
            .set("cin", self.cin)
            .set("cout", self.cout)
            .set("h", self.input[0])
            .set("w", self.input[1])
            .set("oh", self.output[0])
            .set("ow", self.output[1])
            .set("kh", self.kernel[0])
            .set("kw", self.kernel[1])
            .set("stride_y", self.stride[0])
            .set("stride_x", self.stride[1])
            .set("pad_y", self.padding[0])
            .set("pad_x", self.padding[1])
            .set("dil_y", self.dilation[0])
            .set("dil_x", self.dilation[1])
            .cost(self.bytes(), self.flops())
    }
}

/// What a convolution does to its sums before it stores them.
#[derive(Debug, Clone, Copy)]
pub enum Epilogue<B> {
    /// Nothing.
    None,
    /// A bias per channel is added.
    Bias(B),
    /// Batch norm by running statistics: `γ (sum − mean) / √(var + eps) + β`.
    Norm {
        /// γ per channel.
        scale: B,
        /// β per channel.
        bias: B,
        /// Running mean.
        mean: B,
        /// Running variance.
        var: B,
        /// Added to the variance.
        eps: f32,
        /// ReLU follows.
        relu: bool,
    },
}

impl<B: Copy> Epilogue<B> {
    /// Sets its parameters and binds its operands, `any` where there is none.
    pub(super) fn apply(&self, launch: Launch<B>, any: B) -> Launch<B> {
        let (code, eps) = match *self {
            Epilogue::None => (0, 0.0),
            Epilogue::Bias(_) => (1, 0.0),
            Epilogue::Norm { eps, relu, .. } => (2 + u32::from(relu), eps),
        };
        let [bias, scale, mean, variance] = match *self {
            Epilogue::None => [any; 4],
            Epilogue::Bias(bias) => [bias, any, any, any],
            Epilogue::Norm { scale, bias, mean, var, .. } => [bias, scale, mean, var],
        };
        let launch = launch.set("epilogue", code).set("eps", eps);
        launch.bind("bias", bias).bind("scale", scale).bind("mean", mean).bind("variance", variance)
    }
}

/// Column tiles folded over x and z: `[x, rows, groups·folds]`.
pub(super) fn grid(columns: usize, rows: usize, groups: usize) -> [u32; 3] {
    let folds = columns.div_ceil(MAX_GROUPS as usize).max(1);
    [columns.div_ceil(folds).max(1) as u32, rows as u32, (groups * folds) as u32]
}

/// Which family computes a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
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

impl Family {
    /// The name by which a choice is recorded.
    pub fn name(&self) -> &'static str {
        match self {
            Family::Subgroup => "subgroup",
            Family::Stem => "stem",
            Family::Tile => "tile",
            Family::Cooperative(_) => "cooperative",
            Family::Winograd(_) => "winograd",
        }
    }
}

/// Picks the family for this adapter, convolution and pass: the one recorded in [`Target::tuned`], else by the [`table`].
pub fn choose(target: &Target, g: &Geometry, pass: Pass) -> Family {
    choices::convolution(target, g, pass).unwrap_or_else(|| table(target, g, pass))
}

/// The families that can compute a pass on this adapter.
pub fn candidates(target: &Target, g: &Geometry, pass: Pass) -> Vec<Family> {
    let table = table(target, g, pass);
    if matches!(table, Family::Cooperative(_)) {
        return vec![table];
    }
    let lanes = target.software && target.subgroup_size == Some(SUBGROUP);
    let mut all = vec![table];
    let others = [
        winograd::fits(target, g).map(Family::Winograd),
        (lanes && pass == Pass::Forward && conv2d_stem::fits(target, g)).then_some(Family::Stem),
        lanes.then_some(Family::Subgroup),
        Some(Family::Tile),
    ];
    for f in others.into_iter().flatten() {
        if !all.contains(&f) {
            all.push(f);
        }
    }
    all
}

/// The family for this adapter, convolution and pass where nothing was measured.
pub fn table(target: &Target, g: &Geometry, pass: Pass) -> Family {
    if let Some(f) = Fragments::of(target).filter(|_| target.half) {
        return Family::Cooperative(f);
    }
    if let Some(t) = winograd::tiling(target, g, pass) {
        return Family::Winograd(t);
    }
    match target.software && target.subgroup_size == Some(SUBGROUP) {
        true if pass == Pass::Forward && conv2d_stem::fits(target, g) => Family::Stem,
        true => Family::Subgroup,
        false => Family::Tile,
    }
}

/// What a convolution's launches compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// [`forward`].
    Forward,
    /// [`backward_input`].
    Input,
    /// [`backward_weight`].
    Weight,
}

/// Scratch regions a pass needs, in elements.
pub fn scratch(f: Family, caps: &Capabilities, g: &Geometry, pass: Pass) -> Vec<usize> {
    match (f, pass) {
        (Family::Winograd(t), _) => t.scratch().to_vec(),
        (_, Pass::Forward | Pass::Input) => Vec::new(),
        (_, Pass::Weight) => match slices(f, caps, g) {
            1 => Vec::new(),
            slices => vec![slices * g.elements()[1]],
        },
    }
}

/// `y = epilogue(x * weight)`, with the regions of [`scratch`]; the first launch depends on the weight alone where there are
/// [`several`](winograd::forward).
pub fn forward<B: Copy>(f: Family, g: &Geometry, epilogue: Epilogue<B>, x: B, weight: B, y: B, scratch: &[B]) -> Vec<Launch<B>> {
    match (f, scratch) {
        (Family::Winograd(t), &[u, v, m]) => winograd::forward(&t, epilogue, x, weight, y, [u, v, m]),
        (Family::Stem, _) => vec![conv2d_stem::forward(g, epilogue, x, weight, y)],
        (Family::Cooperative(f), _) => vec![conv2d_tile::forward(g, Some(f), epilogue, x, weight, y)],
        (Family::Tile, _) => vec![conv2d_tile::forward(g, None, epilogue, x, weight, y)],
        _ => vec![conv2d_fwd_subgroup::forward(g, epilogue, x, weight, y)],
    }
}

/// `dx` from `weight` and `dy`, with the regions of [`scratch`].
pub fn backward_input<B: Copy>(f: Family, g: &Geometry, weight: B, dy: B, dx: B, scratch: &[B]) -> Vec<Launch<B>> {
    match (f, scratch) {
        (Family::Winograd(t), &[u, v, m]) => winograd::backward_input(&t, weight, dy, dx, [u, v, m]),
        (Family::Cooperative(f), _) => vec![conv2d_tile::backward_input(g, Some(f), weight, dy, dx)],
        (Family::Tile, _) => vec![conv2d_tile::backward_input(g, None, weight, dy, dx)],
        _ => vec![conv2d_bwd_input_subgroup::backward(g, weight, dy, dx)],
    }
}

/// Slices the sum of the weight gradient is cut into, so that a small weight still fills the device: of the images in the subgroup
/// family (at least eight workgroups for the processor's cores), of the pixels in the tile family.
fn slices(f: Family, caps: &Capabilities, g: &Geometry) -> usize {
    match f {
        Family::Subgroup | Family::Stem => 8usize.div_ceil(conv2d_bwd_weight_subgroup::tiles(g).max(1)).clamp(1, g.n.max(1)),
        Family::Tile | Family::Cooperative(_) => {
            let tiles = g.groups * g.cout.div_ceil(64) * (g.cin * g.kernel[0] * g.kernel[1]).div_ceil(64);
            let pixels = g.n * g.output[0] * g.output[1];
            let wanted = if caps.software { 4 } else { 512 };
            (wanted / tiles.max(1)).clamp(1, pixels.div_ceil(256).max(1))
        }
        Family::Winograd(_) => 1,
    }
}

/// `dw` from `x` and `dy`, with the regions of [`scratch`].
pub fn backward_weight<B: Copy>(f: Family, caps: &Capabilities, g: &Geometry, x: B, dy: B, dw: B, scratch: &[B]) -> Vec<Launch<B>> {
    let partial = |slices: usize, out: B| match f {
        Family::Cooperative(f) => conv2d_tile::backward_weight(g, Some(f), slices, x, dy, out),
        Family::Tile => conv2d_tile::backward_weight(g, None, slices, x, dy, out),
        _ => conv2d_bwd_weight_subgroup::backward(g, slices, x, dy, out),
    };
    match (f, scratch) {
        (Family::Winograd(t), &[u, v, m]) => winograd::backward_weight(&t, x, dy, dw, [u, v, m]),
        (_, &[part]) => {
            let slices = slices(f, caps, g);
            vec![partial(slices, part), reduce::forward(caps, (1, slices, g.elements()[1]), 1.0, part, dw)]
        }
        _ => vec![partial(1, dw)],
    }
}
