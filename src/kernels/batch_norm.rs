//! Launches of `batch_norm.wgsl`.

use super::{by_row, reduce_workgroup, shader, vector_width};
use crate::gpu::{Capabilities, Launch};

shader!("batch_norm", [("WG", 8)], [("WG", 8), ("VEC", 2)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

/// Extents and flavour of a batch norm over (n, c, inner), or of a piece of one. Its launches come without operands; those to bind are
/// listed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Norm {
    /// Batch.
    pub n: usize,
    /// Channels, of the piece.
    pub c: usize,
    /// Channels of the tensor whose first ones x and dx are.
    pub stored: usize,
    /// Channels of the whole, as y, dy and the parameters have them.
    pub whole: usize,
    /// First channel of the piece there.
    pub first: usize,
    /// Elements per channel and image.
    pub inner: usize,
    /// ReLU follows.
    pub relu: bool,
    /// Added to the variance.
    pub eps: f32,
    /// Batch statistics rather than running ones.
    pub train: bool,
}

impl Norm {
    /// `vec` floats per access.
    fn launch<B>(&self, entry: &'static str, vec: usize) -> Launch<B> {
        let launch = Launch::new(&SHADER, entry).set("n", self.n).set("c", self.c).set("inner", self.inner / vec);
        let launch = launch.set("relu", self.relu).set("train", self.train);
        let launch = launch.set("stored", self.stored).set("whole", self.whole).set("first", self.first);
        launch.set("eps", self.eps).set("count", (self.n * self.inner) as f32)
    }

    /// One workgroup per channel.
    fn by_channel<B>(&self, caps: &Capabilities, entry: &'static str) -> Launch<B> {
        let vec = vector_width(caps, &[self.inner]);
        let launch = self.launch(entry, vec).tune("WG", reduce_workgroup(caps, self.inner / vec));
        launch.tune("VEC", vec as u32).linear(self.c as u64)
    }

    /// One invocation or one workgroup per image and channel.
    fn by_row<B>(&self, caps: &Capabilities, entry: &'static str) -> Launch<B> {
        let vec = vector_width(caps, &[self.inner]);
        by_row(caps, self.launch(entry, vec).tune("VEC", vec as u32), self.n * self.c, (self.inner / vec).div_ceil(4))
    }

    fn elements(&self) -> u64 {
        (self.n * self.c * self.inner) as u64
    }

    /// Bytes of `y` that a backward pass reads per element.
    fn read_y(&self) -> u64 {
        if self.relu { 4 } else { 0 }
    }

    /// Mean and `rstd` of each channel: x, mean, rstd.
    pub fn stats<B>(&self, caps: &Capabilities) -> Launch<B> {
        let n = self.elements();
        self.by_channel(caps, "batch_norm_stats").cost(8 * n, 4 * n)
    }

    /// `y = γ x̂ + β`: x, weight, bias, mean_in, rstd_or_var, y.
    pub fn forward<B>(&self, caps: &Capabilities) -> Launch<B> {
        let n = self.elements();
        self.by_row(caps, "batch_norm_fwd").cost(8 * n, 4 * n)
    }

    /// Gradients of weight and bias: x, y_saved (read after ReLU only), mean_s, rstd_or_var_s, dy, dweight, dbias.
    pub fn backward_params<B>(&self, caps: &Capabilities) -> Launch<B> {
        let n = self.elements();
        self.by_channel(caps, "batch_norm_bwd_params").cost((8 + self.read_y()) * n, 4 * n)
    }

    /// The coefficients of [`Norm::backward`], four per channel: weight_k, mean_k, rstd_or_var_k, dweight_k and dbias_k (read in training
    /// only), coefficients.
    pub fn coefficients<B>(&self) -> Launch<B> {
        self.launch("batch_norm_bwd_coefficients", 1).invocations(self.c).cost(36 * self.c as u64, 8 * self.c as u64)
    }

    /// `dx`, added to what is there where `accumulate`: x, y_saved (read after ReLU only), coefficients_in, dy_in, dx.
    pub fn backward<B>(&self, caps: &Capabilities, accumulate: bool) -> Launch<B> {
        let n = self.elements();
        let more = u64::from(accumulate);
        let launch = self.by_row(caps, "batch_norm_bwd").set("accumulate", accumulate);
        launch.cost((12 + 4 * more + self.read_y()) * n, (5 + more) * n)
    }

    /// Running statistics after a batch, which `momentum` weighs: running_mean, running_var, batch_mean, batch_rstd, new_mean, new_var.
    pub fn running<B>(&self, momentum: f32) -> Launch<B> {
        let launch = self.launch("batch_norm_running", 1).set("momentum", momentum);
        launch.invocations(self.c).cost(24 * self.c as u64, 10 * self.c as u64)
    }
}
