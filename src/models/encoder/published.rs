//! Whisper's parameters by the names under which Hugging Face publishes them.

use crate::nn::Weights;
use crate::{Error, Result};
use std::collections::BTreeSet;

/// Mel bands of a frame.
pub(super) const BANDS: usize = 80;

/// Sizes of an encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    pub blocks: usize,
    pub width: usize,
    pub mlp: usize,
    pub positions: usize,
}

/// Names without the prefixes under which Hugging Face has them.
fn own_name(name: &str) -> &str {
    let name = name.strip_prefix("model.").unwrap_or(name);
    name.strip_prefix("encoder.").unwrap_or(name)
}

/// The number of a block's parameter.
pub(super) fn block_of(name: &str) -> Option<usize> {
    name.strip_prefix("layers.")?.split('.').next()?.parse().ok()
}

impl Sizes {
    /// Whether tensors are an encoder's.
    pub fn known(weights: &Weights) -> bool {
        weights.keys().any(|name| own_name(name) == "embed_positions.weight")
    }

    /// Those of an encoder's weights.
    ///
    /// # Errors
    /// [`Error::Config`] when they are no Whisper's, or one that takes another number of mel bands.
    pub fn of(weights: &Weights) -> Result<Self> {
        let extents = |wanted: &str| {
            let found = weights.iter().find(|(name, _)| own_name(name) == wanted);
            let shape = found.map(|(_, (shape, _))| shape.0.clone());
            shape.filter(|s| s.len() >= 2).ok_or_else(|| Error::Config(format!("no Whisper encoder: the weights have no matrix {wanted}")))
        };
        let (stem, positions, fc1) = (extents("conv1.weight")?, extents("embed_positions.weight")?, extents("layers.0.fc1.weight")?);
        if stem[1] != BANDS {
            return Err(Error::Config(format!("this Whisper takes {} mel bands; those of {BANDS} are supported (all but large-v3)", stem[1])));
        }
        let blocks = weights.keys().filter_map(|name| block_of(own_name(name))).max().map_or(0, |last| last + 1);
        Ok(Sizes { blocks, width: stem[0], mlp: fc1[0], positions: positions[0] })
    }

    /// Names and shapes of the parameters.
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        let (d, mlp) = (self.width, self.mlp);
        let mut all: Vec<(String, Vec<usize>)> = Vec::new();
        let mut pair = |name: &str, weight: &[usize], bias: bool| {
            all.push((format!("{name}.weight"), weight.to_vec()));
            all.extend(bias.then(|| (format!("{name}.bias"), vec![weight[0]])));
        };
        pair("conv1", &[d, BANDS, 3], true);
        pair("conv2", &[d, d, 3], true);
        pair("embed_positions", &[self.positions, d], false);
        for i in 0..self.blocks {
            let name = |leaf: &str| format!("layers.{i}.{leaf}");
            for leaf in ["q", "k", "v", "out"] {
                pair(&name(&format!("self_attn.{leaf}_proj")), &[d, d], leaf != "k");
            }
            pair(&name("self_attn_layer_norm"), &[d], true);
            pair(&name("fc1"), &[mlp, d], true);
            pair(&name("fc2"), &[d, mlp], true);
            pair(&name("final_layer_norm"), &[d], true);
        }
        all
    }

    /// The weights of an encoder of these sizes: from the whole model's, the encoder's, or its first blocks'. What is not wanted (more blocks,
    /// positions further on, the decoder) is left out.
    ///
    /// # Errors
    /// [`Error::Config`] for other sizes, and naming a tensor that is not there; other shapes.
    pub fn read(&self, foreign: &Weights) -> Result<Weights> {
        let theirs = Sizes::of(foreign)?;
        let theirs = Sizes { blocks: theirs.blocks.min(self.blocks), ..theirs };
        let pairs = [("width", self.width, theirs.width), ("mlp", self.mlp, theirs.mlp), ("blocks", self.blocks, theirs.blocks)];
        if let Some((key, own, their)) = pairs.iter().find(|(_, own, their)| own != their) {
            let reason = format!("the weights have {their}: --set model.{key}={their}");
            return Err(Error::Config(format!("model.{key} = {own}, but {reason}")));
        }
        if self.positions > theirs.positions {
            let reason = format!("model.positions = {}, but the weights have {1}: --set model.positions={1}", self.positions, theirs.positions);
            return Err(Error::Config(reason));
        }
        let wanted: BTreeSet<String> = self.parameters().into_iter().map(|(name, _)| name).collect();
        let mut own = Weights::new();
        for (name, tensor) in foreign.iter().filter(|(name, _)| wanted.contains(own_name(name))) {
            own.insert(own_name(name).to_string(), tensor.clone());
        }
        for (name, shape) in self.parameters() {
            let Some((found, values)) = own.get_mut(&name) else {
                return Err(Error::Config(format!("the weights have no tensor {name}")));
            };
            if name == "embed_positions.weight" {
                found.0[0] = self.positions;
                values.truncate(self.positions * self.width);
            }
            if found.0 != shape {
                return Err(Error::shape(name, format!("{shape:?}"), found.to_string()));
            }
        }
        Ok(own)
    }
}
