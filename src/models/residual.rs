//! Residual blocks and trunks (He et al. 2016) with optional squeeze-excitation before the addition; torchvision's parameter names.

use crate::graph::Var;
use crate::nn::layers::{Conv, batch_norm, conv2d, squeeze_excite};
use crate::nn::{Context, Weights};
use crate::ops::PoolSpec;
use crate::{Error, Result, ops};

/// The trunk: (B, C, H, W) -> (B, 8·width, H/32, W/32), of bottlenecks (B, 32·width, H/32, W/32).
#[derive(Debug, Clone, Copy)]
pub struct Trunk {
    /// Channels of the stem (64 in the paper); each of the four stages doubles them.
    pub width: usize,
    /// Residual blocks of each stage: two each in ResNet-18; 3, 4, 6 and 3 in ResNet-34 and ResNet-50.
    pub blocks: [usize; 4],
    /// Blocks are [bottlenecks](bottleneck), as in ResNet-50, not [basic](basic_block).
    pub bottleneck: bool,
    /// Squeeze-excitation reduction; 0 leaves it out.
    pub reduction: usize,
}

/// Output channels of a bottleneck of a [`Trunk`] by its inner ones.
const EXPANSION: usize = 4;

impl Trunk {
    /// Builds the trunk in the current scope.
    ///
    /// # Errors
    /// Shape errors of the ops.
    pub fn build(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let x = cx.scoped("conv1", |cx| conv2d(cx, x, Conv::new(self.width, 7).stride(2).padding(3)))?;
        let x = cx.scoped("bn1", |cx| batch_norm(cx, x, true))?;
        let x = ops::max_pool2d(cx.g, x, PoolSpec::new([3, 3], [2, 2], [1, 1]))?;
        let reduction = self.reduction;
        stages(cx, x, &self.blocks, layer, |cx, x, stage, stride| {
            let channels = self.width << stage;
            match self.bottleneck {
                true => bottleneck(cx, x, Bottleneck { width: channels, out: EXPANSION * channels, stride, groups: 1, reduction }),
                false => basic_block(cx, x, Basic { channels, stride, reduction, bias: false }),
            }
        })
    }
}

/// Stages of so many `blocks`, one after the other; the first block of each but the first stage has stride 2. `scope` names a stage, and
/// `build` builds a block of it from the input, the stage and the stride.
///
/// # Errors
/// Those of `build`.
pub fn stages(
    cx: &mut Context,
    mut x: Var,
    blocks: &[usize],
    scope: fn(usize) -> String,
    build: impl Fn(&mut Context, Var, usize, usize) -> Result<Var>,
) -> Result<Var> {
    for (stage, blocks) in blocks.iter().enumerate() {
        for block in 0..*blocks {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            x = cx.scoped(&scope(stage), |cx| cx.block(&block.to_string(), |cx| build(cx, x, stage, stride)))?;
        }
    }
    Ok(x)
}

/// torchvision's name of a stage.
pub fn layer(stage: usize) -> String {
    format!("layer{}", stage + 1)
}

/// Extents of a [`basic_block`].
#[derive(Debug, Clone, Copy)]
pub struct Basic {
    /// Channels.
    pub channels: usize,
    /// Stride, of the first convolution.
    pub stride: usize,
    /// Squeeze-excitation reduction; 0 leaves it out.
    pub reduction: usize,
    /// Convolutions have a bias.
    pub bias: bool,
}

/// `relu(se(bn(conv(relu(bn(conv(x)))))) + shortcut(x))`; the shortcut is a strided 1x1 convolution where the shape changes.
///
/// # Errors
/// Shape errors of the ops.
pub fn basic_block(cx: &mut Context, x: Var, b: Basic) -> Result<Var> {
    let convolution = |kernel: usize| {
        let conv = Conv::new(b.channels, kernel);
        if b.bias { conv.bias() } else { conv }
    };
    let u = cx.scoped("conv1", |cx| conv2d(cx, x, convolution(3).stride(b.stride).padding(1)))?;
    let u = cx.scoped("bn1", |cx| batch_norm(cx, u, true))?;
    let u = cx.scoped("conv2", |cx| conv2d(cx, u, convolution(3).padding(1)))?;
    let mut u = cx.scoped("bn2", |cx| batch_norm(cx, u, false))?;
    if b.reduction > 0 {
        u = cx.scoped("se", |cx| squeeze_excite(cx, u, b.reduction))?;
    }
    let shortcut = shortcut(cx, x, b.stride, convolution(1), b.channels)?;
    let sum = ops::add(cx.g, u, shortcut)?;
    ops::relu(cx.g, sum)
}

/// Extents of a [`bottleneck`].
#[derive(Debug, Clone, Copy)]
pub struct Bottleneck {
    /// Channels inside.
    pub width: usize,
    /// Channels of the result.
    pub out: usize,
    /// Stride, of the 3x3 convolution.
    pub stride: usize,
    /// Groups of the 3x3 convolution (Xie et al. 2017).
    pub groups: usize,
    /// Squeeze-excitation reduction; 0 leaves it out.
    pub reduction: usize,
}

/// `relu(se(bn(conv1x1(relu(bn(conv3x3(relu(bn(conv1x1(x)))))))) + shortcut(x))`.
///
/// # Errors
/// Shape errors of the ops.
pub fn bottleneck(cx: &mut Context, x: Var, b: Bottleneck) -> Result<Var> {
    let u = cx.scoped("conv1", |cx| conv2d(cx, x, Conv::new(b.width, 1)))?;
    let u = cx.scoped("bn1", |cx| batch_norm(cx, u, true))?;
    let u = cx.scoped("conv2", |cx| conv2d(cx, u, Conv::new(b.width, 3).stride(b.stride).padding(1).groups(b.groups)))?;
    let u = cx.scoped("bn2", |cx| batch_norm(cx, u, true))?;
    let u = cx.scoped("conv3", |cx| conv2d(cx, u, Conv::new(b.out, 1)))?;
    let mut u = cx.scoped("bn3", |cx| batch_norm(cx, u, false))?;
    if b.reduction > 0 {
        u = cx.scoped("se", |cx| squeeze_excite(cx, u, b.reduction))?;
    }
    let shortcut = shortcut(cx, x, b.stride, Conv::new(b.out, 1), b.out)?;
    let sum = ops::add(cx.g, u, shortcut)?;
    ops::relu(cx.g, sum)
}

/// The input itself, or a strided 1x1 convolution and batch norm where the shape changes.
fn shortcut(cx: &mut Context, x: Var, stride: usize, conv: Conv, channels: usize) -> Result<Var> {
    if stride == 1 && cx.g.shape(x).get(1) == Some(&channels) {
        return Ok(x);
    }
    cx.scoped("downsample", |cx| {
        let s = cx.scoped("0", |cx| conv2d(cx, x, conv.stride(stride)))?;
        cx.scoped("1", |cx| batch_norm(cx, s, false))
    })
}

/// Renames a torchvision ResNet's tensors to the trunk at `prefix` (none where it is empty) and fits its RGB stem to `channels` inputs: one
/// channel gets the sum over RGB, which answers a grey image as the original would. The classifier `fc` is left out.
///
/// # Errors
/// When a tensor of the trunk is missing or the stem is not RGB.
pub fn import_torchvision(weights: &Weights, trunk: &Trunk, prefix: &str, channels: usize) -> Result<Weights> {
    let missing = |name: &str| Error::Graph(format!("a torchvision ResNet of this depth has a tensor named {name}; this file has not"));
    let own = |name: &str| if prefix.is_empty() { name.to_string() } else { format!("{prefix}.{name}") };
    let mut out = Weights::new();
    for (name, (shape, values)) in weights {
        if name.starts_with("fc.") || name.ends_with("num_batches_tracked") {
            continue;
        }
        out.insert(own(name), (shape.clone(), values.clone()));
    }
    let stem = own("conv1.weight");
    let (shape, values) = out.get(&stem).cloned().ok_or_else(|| missing("conv1.weight"))?;
    let [o, 3, h, w] = *shape.0.as_slice() else {
        return Err(Error::shape("import of conv1.weight", "(64, 3, 7, 7)", shape.to_string()));
    };
    if channels == 1 {
        let plane = h * w;
        let grey = (0..o * plane).map(|i| (0..3).map(|c| values[(i / plane * 3 + c) * plane + i % plane]).sum()).collect();
        out.insert(stem, ([o, 1, h, w].into(), grey));
    }
    let last = format!("layer4.{}.bn{}.running_var", trunk.blocks[3].saturating_sub(1), if trunk.bottleneck { 3 } else { 2 });
    for name in ["bn1.weight", &last] {
        if !out.contains_key(&own(name)) {
            return Err(missing(name));
        }
    }
    Ok(out)
}
