//! Cases of layers, whose inputs but the first are parameters, by PyTorch's names, in state.

use crate::file::File;
use anyhow::Result;
use emotone::graph::{Graph, Var};
use emotone::models::residual::{Basic, basic_block};
use emotone::nn::transformer::EncoderLayer;
use emotone::nn::{Context, Params};
use emotone::ops::LayerNormMode;
use std::collections::BTreeMap;

/// Whether an op is one of these layers.
pub fn is_layer(op: &str) -> bool {
    ["se_basic_block", "transformer_encoder_layer"].contains(&op)
}

/// A layer in a graph.
pub struct Layer {
    /// Its output.
    pub y: Var,
    /// Its parameters, and their values in the graph.
    pub params: Params,
    pub used: BTreeMap<String, Var>,
}

/// Adds the layer of a file on `x`.
pub fn build(file: &File, g: &mut Graph, x: Var) -> Result<Layer> {
    let mut params = Params::new(|_| true);
    let mut cx = Context::new(g, &mut params, true);
    let y = if file.meta.op == "se_basic_block" {
        let channels = file.tensor("conv1.weight")?.0[0];
        basic_block(&mut cx, x, Basic { channels, stride: file.count("stride")?, reduction: file.count("reduction")?, bias: false })?
    } else {
        let layer = EncoderLayer {
            heads: file.count("heads")?,
            ff: file.tensor("linear1.weight")?.0[0],
            dropout: 0.0,
            norm_first: file.flag("norm_first")?,
            norm: LayerNormMode::Standard,
        };
        layer.build(&mut cx, x)?
    };
    let used = cx.used().clone();
    Ok(Layer { y, params, used })
}
