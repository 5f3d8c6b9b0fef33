//! Launches of `matmul_panel.wgsl`.

use super::matmul_row;
use super::panel::{Panel, SLICE, panel_shader};
use super::product::{Operands, Product};
use crate::gpu::{Capabilities, Launch};

panel_shader!("matmul_panel");

/// Slices of the sum: more than one where blocks are few.
pub fn slices(panel: Panel, p: &Product) -> usize {
    panel.slices(panel.blocks(p.batch, p.m, p.n), p.k, SLICE)
}

/// The product, a block per workgroup; with several [`slices`] in `part`, of `slices·batch·m·n` elements, which are then added.
pub fn matmul<B: Copy>(caps: &Capabilities, panel: Panel, p: &Product, o: Operands<B>, part: Option<B>) -> Vec<Launch<B>> {
    let (blocks, slices) = (panel.blocks(p.batch, p.m, p.n), slices(panel, p));
    let launch = |p: &Product, slices: usize, o: Operands<B>| {
        let launch = p.launch(&SHADER, "matmul_panel").set("flags", p.flags()).set("slices", slices).set("span", p.k.div_ceil(slices));
        panel.tune(o.bind(launch)).linear((slices * blocks) as u64)
    };
    match part {
        Some(part) if slices > 1 => {
            let plain = Product { alpha: 1.0, bias: false, relu: false, ..*p };
            vec![launch(&plain, slices, Operands { c: part, ..o }), matmul_row::sum(caps, p, slices, part, o)]
        }
        _ => vec![launch(p, 1, o)],
    }
}
