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
}

impl Norm {
    fn launch<B>(&self, entry: &'static str, wg: u32, groups: usize, passes: u64, flops: u64) -> Launch<B> {
        let elements = (self.rows * self.n) as u64;
        let params = Params { rows: self.rows as u32, n: self.n as u32, eps: self.eps, unbiased: u32::from(self.unbiased) };
        let launch = Launch::new(&SHADER, entry, &params).tune("WG", wg).linear(groups as u64);
        launch.cost(4 * passes * elements, flops * elements)
    }

    /// `y`, `mean`, `rstd`.
    #[expect(clippy::too_many_arguments, reason = "operands of one launch")]
    pub fn forward<B>(&self, caps: &Capabilities, x: B, weight: B, bias: B, y: B, mean: B, rstd: B) -> Launch<B> {
        let launch = self.launch("layer_norm_fwd", reduction(caps, self.n), self.rows, 2, 7);
        launch.bind("x", x).bind("weight", weight).bind("bias", bias).bind("y", y).bind("mean", mean).bind("rstd", rstd)
    }

    /// `dx`.
    #[expect(clippy::too_many_arguments, reason = "operands of one launch")]
    pub fn backward<B>(&self, caps: &Capabilities, x: B, weight: B, mean: B, rstd: B, dy: B, dx: B) -> Launch<B> {
        let launch = self.launch("layer_norm_bwd", reduction(caps, self.n), self.rows, 3, 9);
        launch.bind("x", x).bind("weight", weight).bind("mean_s", mean).bind("rstd_s", rstd).bind("dy", dy).bind("dx", dx)
    }

    /// `dweight`, `dbias`.
    #[expect(clippy::too_many_arguments, reason = "operands of one launch")]
    pub fn backward_params<B>(&self, caps: &Capabilities, x: B, mean: B, rstd: B, dy: B, dweight: B, dbias: B) -> Launch<B> {
        let wg = if caps.software { 8 } else { 32 };
        let launch = self.launch("layer_norm_bwd_params", wg, self.n.div_ceil(wg as usize), 2, 5);
        let launch = launch.bind("x", x).bind("mean_c", mean).bind("rstd_c", rstd).bind("dy_c", dy);
        launch.bind("dweight", dweight).bind("dbias", dbias)
    }
}
