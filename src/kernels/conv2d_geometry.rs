//! What the kernels of a convolution share: its extents, its passes, what is done to its sums.

use crate::gpu::{Launch, MAX_GROUPS, Shader};

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
    /// Sets its parameters and binds the operands it has.
    pub(super) fn apply(&self, launch: Launch<B>) -> Launch<B> {
        let (code, eps) = match *self {
            Epilogue::None => (0, 0.0),
            Epilogue::Bias(_) => (1, 0.0),
            Epilogue::Norm { eps, relu, .. } => (2 + u32::from(relu), eps),
        };
        let [bias, scale, mean, variance] = match *self {
            Epilogue::None => [None; 4],
            Epilogue::Bias(bias) => [Some(bias), None, None, None],
            Epilogue::Norm { scale, bias, mean, var, .. } => [bias, scale, mean, var].map(Some),
        };
        let launch = launch.set("epilogue", code).set("eps", eps);
        launch.bind_any("bias", bias).bind_any("scale", scale).bind_any("mean", mean).bind_any("variance", variance)
    }
}

/// Column tiles folded over x and z: `[x, rows, groups·folds]`.
pub(super) fn grid(columns: usize, rows: usize, groups: usize) -> [u32; 3] {
    let folds = columns.div_ceil(MAX_GROUPS as usize).max(1);
    [columns.div_ceil(folds).max(1) as u32, rows as u32, (groups * folds) as u32]
}

/// What a convolution's launches compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// The convolution.
    Forward,
    /// The gradient of its input.
    Input,
    /// The gradient of its weight.
    Weight,
}

/// Launches of a pass.
#[derive(Debug)]
pub struct Launches<B> {
    /// Comes first and depends on the weight alone.
    pub weight: Option<Launch<B>>,
    /// In order.
    pub run: Vec<Launch<B>>,
}

impl<B> From<Launch<B>> for Launches<B> {
    fn from(launch: Launch<B>) -> Self {
        Launches { weight: None, run: vec![launch] }
    }
}
