//! Launches of `layer_norm.wgsl`.

use super::{reduction, shader};
use crate::gpu::{Capabilities, Launch};

shader!("layer_norm", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

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
    _pad: [u32; 2],
}

impl Norm {
    /// Slices of rows whose parameter gradients are summed apart: few columns alone would leave a GPU idle through a long loop.
    pub fn slices(&self) -> usize {
        self.rows.div_ceil(128).clamp(1, 64)
    }

    fn launch<B>(&self, entry: &'static str, wg: u32, groups: usize, passes: u64, flops: u64) -> Launch<B> {
        self.launch_plus(entry, wg, groups, passes, flops, false)
    }

    fn launch_plus<B>(&self, entry: &'static str, wg: u32, groups: usize, passes: u64, flops: u64, plus: bool) -> Launch<B> {
        let elements = (self.rows * self.n) as u64;
        let [rows, n, slices] = [self.rows, self.n, self.slices()].map(|v| v as u32);
        let params = Params { rows, n, eps: self.eps, unbiased: u32::from(self.unbiased), slices, plus: u32::from(plus), _pad: [0; 2] };
        let launch = Launch::new(&SHADER, entry, &params).tune("WG", wg).linear(groups as u64);
        launch.cost(4 * passes * elements, flops * elements)
    }

    /// `y`, `mean`, `rstd`.
    #[expect(clippy::too_many_arguments, reason = "operands of one launch")]
    pub fn forward<B>(&self, caps: &Capabilities, x: B, weight: B, bias: B, y: B, mean: B, rstd: B) -> Launch<B> {
        let launch = self.launch("layer_norm_fwd", reduction(caps, self.n), self.rows, 2, 7);
        launch.bind("x", x).bind("weight", weight).bind("bias", bias).bind("y", y).bind("mean", mean).bind("rstd", rstd)
    }

    /// `dx`, to which `other` is added.
    #[expect(clippy::too_many_arguments, reason = "operands of one launch")]
    pub fn backward<B: Copy>(&self, caps: &Capabilities, x: B, weight: B, mean: B, rstd: B, dy: B, other: Option<B>, dx: B) -> Launch<B> {
        let plus = other.is_some();
        let launch = self.launch_plus("layer_norm_bwd", reduction(caps, self.n), self.rows, 3 + u64::from(plus), 9, plus);
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
        let wg = if caps.software { 8 } else { 32 };
        let groups = |columns: usize| columns.div_ceil(wg as usize);
        let [part_w, part_b] = parts.unwrap_or([dweight, dbias]);
        let slices = self.launch("layer_norm_bwd_params", wg, groups(self.n * self.slices()), 2, 5);
        let slices = slices.bind("x", x).bind("mean_c", mean).bind("rstd_c", rstd).bind("dy_c", dy);
        let mut launches = vec![slices.bind("part_w", part_w).bind("part_b", part_b)];
        if parts.is_some() {
            let sum = self.launch("layer_norm_bwd_params_sum", wg, groups(self.n), 0, 0);
            let n = (self.slices() * self.n) as u64;
            launches.push(sum.bind("sum_w", part_w).bind("sum_b", part_b).bind("dweight", dweight).bind("dbias", dbias).cost(8 * n, 2 * n));
        }
        launches
    }
}
