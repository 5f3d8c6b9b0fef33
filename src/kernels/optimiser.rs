//! Launches of `optimiser.wgsl`.

use super::{shader, stream_vec, vector_width};
use crate::gpu::{Capabilities, Launch};

shader!(
    "optimiser",
    [("PER", 8)],
    [("WG", 8), ("PER", 256)],
    [("WG", 8), ("PER", 16)],
    [("WG", 8), ("PER", 256), ("VEC", 2)],
    [("WG", 8), ("PER", 16), ("VEC", 2)]
);

/// What an update reads and overwrites.
pub struct Operands<B> {
    /// Parameters (n), overwritten.
    pub param: B,
    /// Gradients (n).
    pub grad: B,
    /// First moment or momentum (n), overwritten.
    pub m: B,
    /// Second moment (n), overwritten.
    pub v: Option<B>,
    /// Eight numbers; see the shader.
    pub scalars: B,
    /// Factor of the gradients (1).
    pub clip: Option<B>,
}

/// One launch of `entry` (its `_clipped` twin is `clipped`) over `n` elements.
fn launch<B>(caps: &Capabilities, n: usize, (entry, clipped): (&'static str, &'static str), flops: u64, o: Operands<B>) -> Launch<B> {
    let vec = vector_width(caps, &[n]);
    let entry = if o.clip.is_some() { clipped } else { entry };
    let moments = 1 + u64::from(o.v.is_some());
    let mut launch = stream_vec(caps, Launch::new(&SHADER, entry).set("n", n / vec), n, vec)
        .cost(4 * n as u64 * (3 + 2 * moments), flops * n as u64)
        .bind("param", o.param)
        .bind("grad", o.grad)
        .bind("m", o.m)
        .bind("scalars", o.scalars);
    if let Some(v) = o.v {
        launch = launch.bind("v", v);
    }
    if let Some(clip) = o.clip {
        launch = launch.bind("clip", clip);
    }
    launch
}

/// AdamW.
pub fn adamw<B>(caps: &Capabilities, n: usize, operands: Operands<B>) -> Launch<B> {
    launch(caps, n, ("adamw", "adamw_clipped"), 15, operands)
}

/// Gradient descent with momentum.
pub fn sgd<B>(caps: &Capabilities, n: usize, operands: Operands<B>) -> Launch<B> {
    launch(caps, n, ("sgd", "sgd_clipped"), 7, operands)
}

/// RMSprop with momentum.
pub fn rmsprop<B>(caps: &Capabilities, n: usize, operands: Operands<B>) -> Launch<B> {
    launch(caps, n, ("rmsprop", "rmsprop_clipped"), 13, operands)
}
