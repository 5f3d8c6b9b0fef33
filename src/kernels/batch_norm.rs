//! Launches of `batch_norm.wgsl`.

use super::{POINTWISE, alone, lanes, reduction, shader, walk};
use crate::gpu::{Capabilities, Launch};

shader!("batch_norm", [("WG", 8)], [("WG", 8), ("LANES", 2)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

/// Extents and flavour of a batch norm over (n, c, inner).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Norm {
    /// Batch.
    pub n: usize,
    /// Channels.
    pub c: usize,
    /// Elements per channel and image.
    pub inner: usize,
    /// ReLU follows.
    pub relu: bool,
    /// Added to the variance.
    pub eps: f32,
    /// Batch statistics rather than running ones.
    pub train: bool,
}

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    n: u32,
    c: u32,
    inner: u32,
    relu: u32,
    eps: f32,
    momentum: f32,
    train: u32,
    alone: u32,
    count: f32,
    _pad: [u32; 3],
}

impl Norm {
    fn launch<B>(&self, entry: &'static str, momentum: f32, lanes: usize, alone: bool) -> Launch<B> {
        let [n, c, inner] = [self.n, self.c, self.inner / lanes].map(|v| v as u32);
        let (relu, train, alone) = (u32::from(self.relu), u32::from(self.train), u32::from(alone));
        let count = (self.n * self.inner) as f32;
        Launch::new(&SHADER, entry, &Params { n, c, inner, relu, eps: self.eps, momentum, train, alone, count, _pad: [0; 3] })
    }

    /// One workgroup per channel.
    fn by_channel<B>(&self, caps: &Capabilities, entry: &'static str) -> Launch<B> {
        let lanes = lanes(caps, &[self.inner]);
        let launch = self.launch(entry, 0.0, lanes, false).tune("WG", reduction(caps, self.inner / lanes));
        launch.tune("LANES", lanes as u32).linear(self.c as u64)
    }

    /// One lane or one workgroup per image and channel.
    fn by_row<B>(&self, caps: &Capabilities, entry: &'static str) -> Launch<B> {
        let (lanes, rows) = (lanes(caps, &[self.inner]), self.n * self.c);
        walk(caps, self.launch(entry, 0.0, lanes, alone(caps, rows)), rows, self.inner / lanes, lanes)
    }

    fn elements(&self) -> u64 {
        (self.n * self.c * self.inner) as u64
    }

    /// Bytes of `y` that a backward pass reads per element.
    fn read_y(&self) -> u64 {
        if self.relu { 4 } else { 0 }
    }

    /// `mean`, `rstd` of each channel of `x`.
    pub fn stats<B>(&self, caps: &Capabilities, x: B, mean: B, rstd: B) -> Launch<B> {
        let n = self.elements();
        let launch = self.by_channel(caps, "batch_norm_stats");
        launch.bind("x", x).bind("mean", mean).bind("rstd", rstd).cost(8 * n, 4 * n)
    }

    /// `y = γ x̂ + β`; `spread` is the reciprocal deviation (train) or the variance (eval).
    #[expect(clippy::too_many_arguments, reason = "operands of one launch")]
    pub fn forward<B>(&self, caps: &Capabilities, x: B, weight: B, bias: B, mean: B, spread: B, y: B) -> Launch<B> {
        let n = self.elements();
        let launch = self.by_row(caps, "batch_norm_fwd").bind("x", x).bind("weight", weight).bind("bias", bias);
        let launch = launch.bind("mean_in", mean).bind("spread", spread).bind("y", y);
        launch.cost(8 * n, 4 * n)
    }

    /// `dweight`, `dbias`. Without ReLU `y` is bound but not read.
    #[expect(clippy::too_many_arguments, reason = "operands of one launch")]
    pub fn sums<B>(&self, caps: &Capabilities, x: B, y: B, mean: B, spread: B, dy: B, dweight: B, dbias: B) -> Launch<B> {
        let n = self.elements();
        let launch = self.by_channel(caps, "batch_norm_bwd_sums");
        let launch = launch.bind("x", x).bind("y_saved", y).bind("mean_s", mean).bind("spread_s", spread);
        launch.bind("dy", dy).bind("dweight", dweight).bind("dbias", dbias).cost((8 + self.read_y()) * n, 4 * n)
    }

    /// The coefficients of [`Norm::backward`], four per channel. In evaluation `dweight` and `dbias` are bound but not read.
    pub fn record<B>(&self, weight: B, mean: B, spread: B, dweight: B, dbias: B, record: B) -> Launch<B> {
        let launch =
            self.launch("batch_norm_bwd_record", 0.0, 1, false).bind("weight_k", weight).bind("mean_k", mean).bind("spread_k", spread);
        let launch = launch.bind("dweight_k", dweight).bind("dbias_k", dbias).bind("record", record);
        launch.linear((self.c as u64).div_ceil(u64::from(POINTWISE))).cost(36 * self.c as u64, 8 * self.c as u64)
    }

    /// `dx`. Without ReLU `y` is bound but not read.
    pub fn backward<B>(&self, caps: &Capabilities, x: B, y: B, record: B, dy: B, dx: B) -> Launch<B> {
        let n = self.elements();
        let launch = self.by_row(caps, "batch_norm_bwd").bind("x", x).bind("y_saved", y).bind("record_in", record);
        launch.bind("dy_in", dy).bind("dx", dx).cost((12 + self.read_y()) * n, 5 * n)
    }

    /// Running statistics after this batch, which `momentum` weighs.
    pub fn running<B>(&self, momentum: f32, old: [B; 2], batch: [B; 2], new: [B; 2]) -> Launch<B> {
        let ([old_mean, old_var], [mean, rstd], [new_mean, new_var]) = (old, batch, new);
        let launch = self.launch("batch_norm_running", momentum, 1, false).bind("running_mean", old_mean).bind("running_var", old_var);
        let launch = launch.bind("batch_mean", mean).bind("batch_rstd", rstd).bind("new_mean", new_mean).bind("new_var", new_var);
        launch.linear((self.c as u64).div_ceil(u64::from(POINTWISE))).cost(24 * self.c as u64, 10 * self.c as u64)
    }
}
