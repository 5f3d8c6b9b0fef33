//! Ops that are computed together, after differentiation: one row per consumer and producer, tried in order.

use super::activation::Activation;
use super::batch_norm::BatchNorm;
use super::channel_scale::{ChannelScale, ScaleAdd, ScaleBroadcastAdd};
use super::conv2d::Forward as Conv2dForward;
use super::layer_norm::Backward as LayerNormBackward;
use super::matmul::MatMul;
use super::pointwise::Add;
use super::reduce::ReduceBackward;
use crate::graph::{Op, Shape};
use std::any::Any;
use std::sync::Arc;

/// An op and the maker of one of its inputs, which nothing else reads.
pub(crate) struct Pair<'a> {
    /// The reader.
    pub consumer: &'a dyn Op,
    /// The maker; it has one output.
    pub producer: &'a dyn Op,
    /// Which input of the consumer it makes.
    pub input: usize,
    /// Number of the producer's inputs.
    pub arity: usize,
    /// Whether the consumer sees the value under another shape.
    pub through_view: bool,
    /// Shapes of the producer's inputs and of the consumer's others.
    pub shapes: &'a [Shape],
}

/// One op that computes the consumer's output from the producer's inputs followed by the consumer's others, where there is one.
pub(crate) fn fused(pair: &Pair) -> Option<Arc<dyn Op>> {
    // max(s x + a, 0)
    row(pair, |relu: &Activation, _: &ScaleAdd| relu.is_relu().then_some(ScaleAdd { relu: true }))
        // max(a + b, 0)
        .or_else(|| row(pair, |relu: &Activation, _: &Add| relu.is_relu().then_some(Add { relu: true })))
        // max(A B, 0)
        .or_else(|| row(pair, |relu: &Activation, product: &MatMul| relu.is_relu().then(|| product.with_relu())))
        // s x + a
        .or_else(|| row(pair, |sum: &Add, _: &ChannelScale| (!sum.relu).then_some(ScaleAdd { relu: false })))
        // The gradient of a layer norm beside a residual path: its op adds a sixth input.
        .or_else(|| row(pair, |sum: &Add, norm: &LayerNormBackward| (!sum.relu && pair.arity == 5).then_some(*norm)))
        // s x + factor t: what is added is one value per row, as the gradient of the rows' means is.
        .or_else(|| {
            row(pair, |sum: &ScaleAdd, mean: &ReduceBackward| {
                let factor = mean.factor_of_rows(pair.shapes.get(2)?.elements())?;
                (!sum.relu && pair.input == 2).then_some(ScaleBroadcastAdd { factor })
            })
        })
        // Batch norm by running statistics of a convolution without bias.
        .or_else(|| {
            row(pair, |norm: &BatchNorm, conv: &Conv2dForward| {
                let fits = !norm.train && pair.input == 0 && !pair.through_view && pair.arity == 2;
                fits.then(|| conv.with_norm(norm.eps, norm.relu))?
            })
        })
}

/// What `fuse` makes of a consumer and a producer of these types.
fn row<C: Op, P: Op, F: Op>(pair: &Pair, fuse: impl FnOnce(&C, &P) -> Option<F>) -> Option<Arc<dyn Op>> {
    let consumer = (pair.consumer as &dyn Any).downcast_ref()?;
    let producer = (pair.producer as &dyn Any).downcast_ref()?;
    Some(Arc::new(fuse(consumer, producer)?))
}
