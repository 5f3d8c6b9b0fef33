//! Launches of `layer_norm.wgsl`.

use super::{shader, stream_workgroup, vector_width};
use crate::gpu::{Capabilities, Launch};

shader!("layer_norm", [("WG", 8)], [("WG", 8), ("VEC", 2)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

/// Extents and flavour of a layer norm. Its launches come without operands; those to bind are listed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Norm {
    /// Rows.
    pub rows: usize,
    /// Values per row.
    pub n: usize,
    /// Added to the variance, or to the standard deviation.
    pub eps: f32,
    /// Unbiased standard deviation with `eps` outside the root.
    pub unbiased: bool,
}

impl Norm {
    /// Slices of rows whose parameter gradients are summed apart: few columns alone would leave a GPU idle through a long loop.
    pub fn slices(&self) -> usize {
        self.rows.div_ceil(128).clamp(1, 64)
    }

    /// The launch, and the accesses of a row.
    fn launch<B>(&self, caps: &Capabilities, entry: &'static str) -> (Launch<B>, usize) {
        let vec = vector_width(caps, &[self.n]);
        let launch = Launch::new(&SHADER, entry).set("rows", self.rows).set("n", self.n / vec).set("slices", self.slices());
        let launch = launch.set("eps", self.eps).set("unbiased", self.unbiased).set("count", self.n as f32);
        (launch.tune("VEC", vec as u32), self.n / vec)
    }

    /// One workgroup per row.
    fn by_row<B>(&self, caps: &Capabilities, entry: &'static str, passes: u64, flops: u64) -> Launch<B> {
        let elements = (self.rows * self.n) as u64;
        let (launch, n) = self.launch(caps, entry);
        launch.tune("WG", stream_workgroup(caps, n)).linear(self.rows as u64).cost(4 * passes * elements, flops * elements)
    }

    /// One invocation per column of each slice.
    fn by_column<B>(&self, caps: &Capabilities, entry: &'static str, slices: usize) -> Launch<B> {
        let (launch, n) = self.launch(caps, entry);
        launch.tune("WG", if caps.software { 8 } else { 32 }).invocations(n * slices)
    }

    /// x, weight, bias, y, mean, rstd.
    pub fn forward<B>(&self, caps: &Capabilities) -> Launch<B> {
        self.by_row(caps, "layer_norm_fwd", 2, 7)
    }

    /// `dx`, to which `other` is added where `plus` (else it is not read): x, weight, mean_s, rstd_s, dy, other, dx.
    pub fn backward<B>(&self, caps: &Capabilities, plus: bool) -> Launch<B> {
        self.by_row(caps, "layer_norm_bwd", 3 + u64::from(plus), 9).set("plus", plus)
    }

    /// Sums of each slice: x, mean_c, rstd_c, dy_c, part_w, part_b of `slices·n` elements.
    pub fn backward_params<B>(&self, caps: &Capabilities) -> Launch<B> {
        let elements = (self.rows * self.n) as u64;
        self.by_column(caps, "layer_norm_bwd_params", self.slices()).cost(8 * elements, 5 * elements)
    }

    /// Their sums: sum_w, sum_b, dweight, dbias.
    pub fn sum_slices<B>(&self, caps: &Capabilities) -> Launch<B> {
        let n = (self.slices() * self.n) as u64;
        self.by_column(caps, "layer_norm_bwd_params_sum", 1).cost(8 * n, 2 * n)
    }
}
