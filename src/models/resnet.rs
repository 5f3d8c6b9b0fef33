//! Trunks of residual networks (He et al. 2016) with optional squeeze-excitation before the addition; torchvision's parameter names.

use crate::graph::Var;
use crate::nn::layers::{Conv, batch_norm, conv2d, squeeze_excite};
use crate::nn::{Context, Weights};
use crate::ops::PoolSpec;
use crate::{Error, Result, ops};

/// The trunk: (B, C, H, W) -> (B, 8·width, H/32, W/32).
#[derive(Debug, Clone, Copy)]
pub struct Trunk {
    /// Channels of the stem (64 in the paper); each of the four stages doubles them.
    pub width: usize,
    /// Residual blocks of each stage: two each in ResNet-18, 3, 4, 6 and 3 in ResNet-34.
    pub blocks: [usize; 4],
    /// Squeeze-excitation reduction; 0 leaves it out.
    pub reduction: usize,
}

impl Trunk {
    /// Builds the trunk in the current scope.
    ///
    /// # Errors
    /// Shape errors of the ops.
    pub fn build(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let x = cx.scoped("conv1", |cx| conv2d(cx, x, Conv::new(self.width, 7).stride(2).padding(3)))?;
        let x = cx.scoped("bn1", |cx| batch_norm(cx, x, true))?;
        let mut x = ops::max_pool2d(cx.g, x, PoolSpec::new([3, 3], [2, 2], [1, 1]))?;
        for (stage, blocks) in self.blocks.into_iter().enumerate() {
            let channels = self.width << stage;
            for block in 0..blocks {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let name = block.to_string();
                x = cx.scoped(&format!("layer{}", stage + 1), |cx| {
                    cx.block(&name, |cx| basic_block(cx, x, channels, stride, self.reduction))
                })?;
            }
        }
        Ok(x)
    }
}

/// `relu(se(bn(conv(relu(bn(conv(x)))))) + shortcut(x))`; the shortcut is a strided 1x1 convolution where the shape changes.
///
/// # Errors
/// Shape errors of the ops.
pub fn basic_block(cx: &mut Context, x: Var, channels: usize, stride: usize, reduction: usize) -> Result<Var> {
    let cin = cx.g.shape(x).get(1).copied().unwrap_or(0);
    let u = cx.scoped("conv1", |cx| conv2d(cx, x, Conv::new(channels, 3).stride(stride).padding(1)))?;
    let u = cx.scoped("bn1", |cx| batch_norm(cx, u, true))?;
    let u = cx.scoped("conv2", |cx| conv2d(cx, u, Conv::new(channels, 3).padding(1)))?;
    let mut u = cx.scoped("bn2", |cx| batch_norm(cx, u, false))?;
    if reduction > 0 {
        u = cx.scoped("se", |cx| squeeze_excite(cx, u, reduction))?;
    }
    let mut shortcut = x;
    if stride != 1 || cin != channels {
        shortcut = cx.scoped("downsample", |cx| {
            let s = cx.scoped("0", |cx| conv2d(cx, x, Conv::new(channels, 1).stride(stride)))?;
            cx.scoped("1", |cx| batch_norm(cx, s, false))
        })?;
    }
    let sum = ops::add(cx.g, u, shortcut)?;
    ops::relu(cx.g, sum)
}

/// Renames a torchvision ResNet-18's tensors to the trunk at `prefix` and fits its RGB stem to `channels` inputs: one channel gets the
/// sum over RGB, which answers a grey image as the original would. The classifier `fc` is left out.
///
/// # Errors
/// When a tensor of the trunk is missing or the stem is not RGB.
pub fn import_torchvision(weights: &Weights, prefix: &str, channels: usize) -> Result<Weights> {
    let missing = |name: &str| Error::Graph(format!("a torchvision ResNet-18 has a tensor named {name}; this file has not"));
    let mut out = Weights::new();
    for (name, (shape, values)) in weights {
        if name.starts_with("fc.") || name.ends_with("num_batches_tracked") {
            continue;
        }
        out.insert(format!("{prefix}.{name}"), (shape.clone(), values.clone()));
    }
    let stem = format!("{prefix}.conv1.weight");
    let (shape, values) = out.get(&stem).cloned().ok_or_else(|| missing("conv1.weight"))?;
    let [o, 3, h, w] = *shape.0.as_slice() else {
        return Err(Error::shape("import of conv1.weight", "(64, 3, 7, 7)", shape.to_string()));
    };
    if channels == 1 {
        let plane = h * w;
        let grey = (0..o * plane).map(|i| (0..3).map(|c| values[(i / plane * 3 + c) * plane + i % plane]).sum()).collect();
        out.insert(stem, ([o, 1, h, w].into(), grey));
    }
    for name in ["bn1.weight", "layer4.1.bn2.running_var"] {
        if !out.contains_key(&format!("{prefix}.{name}")) {
            return Err(missing(name));
        }
    }
    Ok(out)
}
