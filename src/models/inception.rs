//! Inception modules (Szegedy et al. 2015 and 2016): parallel branches of convolutions, whose channels are put one after the other.

use crate::Result;
use crate::graph::Var;
use crate::nn::Context;
use crate::nn::layers::{Conv, batch_norm_eps, conv2d};
use crate::ops::{self, PoolSpec};

/// Batch norm's `eps` in Inception networks.
const EPS: f32 = 1e-3;

/// `relu(bn(conv(x)))` in the scope `name`, without bias, padded to keep the size at stride 1.
///
/// # Errors
/// Shape errors of the ops.
pub fn unit(cx: &mut Context, name: &str, x: Var, out: usize, kernel: usize, stride: usize) -> Result<Var> {
    cx.scoped(name, |cx| {
        let y = cx.scoped("conv", |cx| conv2d(cx, x, Conv::new(out, kernel).stride(stride).padding(kernel / 2)))?;
        cx.scoped("bn", |cx| batch_norm_eps(cx, y, true, EPS))
    })
}

/// Inception-A: 1x1 | 1x1, 5x5 | 1x1, 3x3, 3x3 | average of 3 (margin counted), 1x1; `w + w + 3w/2 + w/4` channels.
///
/// # Errors
/// Shape errors of the ops.
pub fn inception_a(cx: &mut Context, x: Var, w: usize) -> Result<Var> {
    let one = unit(cx, "branch1x1", x, w, 1, 1)?;
    let five = unit(cx, "branch5x5_1", x, 3 * w / 4, 1, 1)?;
    let five = unit(cx, "branch5x5_2", five, w, 5, 1)?;
    let three = unit(cx, "branch3x3dbl_1", x, w, 1, 1)?;
    let three = unit(cx, "branch3x3dbl_2", three, 3 * w / 2, 3, 1)?;
    let three = unit(cx, "branch3x3dbl_3", three, 3 * w / 2, 3, 1)?;
    let pool = ops::avg_pool2d(cx.g, x, PoolSpec::new([3, 3], [1, 1], [1, 1]))?;
    let pool = unit(cx, "branch_pool", pool, w / 4, 1, 1)?;
    ops::concat(cx.g, &[one, five, three, pool], 1)
}

/// Channels of the branches of a GoogLeNet module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Module {
    /// The 1x1 branch.
    pub one: usize,
    /// Into and out of the 3x3 convolution.
    pub three: [usize; 2],
    /// Into and out of the 5x5 convolution.
    pub five: [usize; 2],
    /// The pooled branch.
    pub pool: usize,
}

impl Module {
    /// 1x1 | 1x1, 3x3 | 1x1, 5x5 | maximum of 3 at stride 1, 1x1.
    ///
    /// # Errors
    /// Shape errors of the ops.
    pub fn build(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let one = unit(cx, "branch1", x, self.one, 1, 1)?;
        let two = |cx: &mut Context, branch: &str, [inner, out]: [usize; 2], kernel: usize| {
            cx.scoped(branch, |cx| {
                let y = unit(cx, "0", x, inner, 1, 1)?;
                unit(cx, "1", y, out, kernel, 1)
            })
        };
        let three = two(cx, "branch2", self.three, 3)?;
        let five = two(cx, "branch3", self.five, 5)?;
        let pool = ops::max_pool2d(cx.g, x, PoolSpec::new([3, 3], [1, 1], [1, 1]))?;
        let pool = cx.scoped("branch4", |cx| unit(cx, "1", pool, self.pool, 1, 1))?;
        ops::concat(cx.g, &[one, three, five, pool], 1)
    }
}
