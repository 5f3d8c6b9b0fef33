//! Launches of `layer_norm.wgsl`.

use super::{lanes, reduction, shader};
use crate::gpu::{Capabilities, Launch};

shader!("layer_norm", [("WG", 8)], [("WG", 8), ("LANES", 2)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

/// Extents and flavour of a layer norm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Norm {
    /// Rows.
    pub rows: usize,
    /// Values per row.
    pub n: usize,
    /// Added to the variance, or to the deviation.
    pub eps: f32,
    /// Unbiased deviation with `eps` outside the root.
    pub unbiased: bool,
}

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    rows: u32,
    n: u32,
    eps: f32,
    unbiased: u32,
    slices: u32,
    plus: u32,
    count: f32,
    _pad: u32,
}

impl Norm {
    /// Slices of rows whose parameter gradients are summed apart: few columns alone would leave a GPU idle through a long loop.
    pub fn slices(&self) -> usize {
        self.rows.div_ceil(128).clamp(1, 64)
    }

    fn launch<B>(&self, caps: &Capabilities, entry: &'static str, plus: bool) -> (usize, Launch<B>) {
        let lanes = lanes(caps, &[self.n]);
        let [rows, n, slices] = [self.rows, self.n / lanes, self.slices()].map(|v| v as u32);
        let (unbiased, plus, count) = (u32::from(self.unbiased), u32::from(plus), self.n as f32);
        let params = Params { rows, n, eps: self.eps, unbiased, slices, plus, count, _pad: 0 };
        (self.n / lanes, Launch::new(&SHADER, entry, &params).tune("LANES", lanes as u32))
    }

    /// One workgroup per row.
    fn by_row<B>(&self, caps: &Capabilities, entry: &'static str, passes: u64, flops: u64, plus: bool) -> Launch<B> {
        let elements = (self.rows * self.n) as u64;
        let (n, launch) = self.launch(caps, entry, plus);
        launch.tune("WG", reduction(caps, n)).linear(self.rows as u64).cost(4 * passes * elements, flops * elements)
    }

    /// One invocation per column of each slice.
    fn by_column<B>(&self, caps: &Capabilities, entry: &'static str, slices: usize) -> Launch<B> {
        let wg = if caps.software { 8 } else { 32 };
        let (n, launch) = self.launch(caps, entry, false);
        launch.tune("WG", wg).linear((n * slices).div_ceil(wg as usize) as u64)
    }

    /// `y`, `mean`, `rstd`.
    #[expect(clippy::too_many_arguments, reason = "operands of one launch")]
    pub fn forward<B>(&self, caps: &Capabilities, x: B, weight: B, bias: B, y: B, mean: B, rstd: B) -> Launch<B> {
        let launch = self.by_row(caps, "layer_norm_fwd", 2, 7, false);
        launch.bind("x", x).bind("weight", weight).bind("bias", bias).bind("y", y).bind("mean", mean).bind("rstd", rstd)
    }

    /// `dx`, to which `other` is added.
    #[expect(clippy::too_many_arguments, reason = "operands of one launch")]
    pub fn backward<B: Copy>(&self, caps: &Capabilities, x: B, weight: B, mean: B, rstd: B, dy: B, other: Option<B>, dx: B) -> Launch<B> {
        let plus = other.is_some();
        let launch = self.by_row(caps, "layer_norm_bwd", 3 + u64::from(plus), 9, plus);
        let launch = launch.bind("other", other.unwrap_or(dy));
        launch.bind("x", x).bind("weight", weight).bind("mean_s", mean).bind("rstd_s", rstd).bind("dy", dy).bind("dx", dx)
    }

    /// `dweight`, `dbias`; `parts` is two scratch regions of `slices·n` elements, needed where there is more than one slice.
    #[expect(clippy::too_many_arguments, reason = "operands of one gradient")]
    pub fn backward_params<B: Copy>(
        &self,
        caps: &Capabilities,
        x: B,
        mean: B,
        rstd: B,
        dy: B,
        parts: Option<[B; 2]>,
        dweight: B,
        dbias: B,
    ) -> Vec<Launch<B>> {
        let elements = (self.rows * self.n) as u64;
        let [part_w, part_b] = parts.unwrap_or([dweight, dbias]);
        let slices = self.by_column(caps, "layer_norm_bwd_params", self.slices()).cost(8 * elements, 5 * elements);
        let slices = slices.bind("x", x).bind("mean_c", mean).bind("rstd_c", rstd).bind("dy_c", dy);
        let mut launches = vec![slices.bind("part_w", part_w).bind("part_b", part_b)];
        if parts.is_some() {
            let sum = self.by_column(caps, "layer_norm_bwd_params_sum", 1);
            let n = (self.slices() * self.n) as u64;
            launches.push(sum.bind("sum_w", part_w).bind("sum_b", part_b).bind("dweight", dweight).bind("dbias", dbias).cost(8 * n, 2 * n));
        }
        launches
    }
}
