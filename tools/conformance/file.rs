//! A case file: inputs, attributes, expected outputs and gradients.

use anyhow::{Context as _, Result, anyhow};
use emotone::graph::Shape;
use emotone::nn::{Weights, file};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// What a file says of its case.
#[derive(Deserialize)]
pub struct Meta {
    /// Op name.
    pub op: String,
    /// Attributes.
    pub attrs: Value,
    /// Inputs in the order of the op's operands.
    pub inputs: Vec<String>,
    /// Expected outputs.
    pub outputs: Vec<String>,
    /// Output -> gradient that arrives there.
    pub upstream: BTreeMap<String, String>,
    /// Input -> expected gradient.
    pub grads: BTreeMap<String, String>,
    /// Largest error of a tensor.
    pub tol: f64,
}

/// One file with its tensors.
pub struct File {
    /// File stem.
    pub name: String,
    /// What it says.
    pub meta: Meta,
    tensors: Weights,
}

impl File {
    /// Reads a case file.
    pub fn read(path: &Path) -> Result<Self> {
        let (tensors, metadata) = file::read(path)?;
        let text = metadata.get("case").with_context(|| format!("{}: no `case` in the metadata", path.display()))?;
        let meta: Meta = serde_json::from_str(text).with_context(|| path.display().to_string())?;
        let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(File { name, meta, tensors })
    }

    /// A tensor of the file.
    pub fn tensor(&self, name: &str) -> Result<&(Shape, Vec<f32>)> {
        self.tensors.get(name).ok_or_else(|| anyhow!("the case has no tensor {name}"))
    }

    /// The values of a tensor.
    pub fn values(&self, name: &str) -> Result<Vec<f64>> {
        Ok(self.tensor(name)?.1.iter().map(|&v| f64::from(v)).collect())
    }

    /// A number among the attributes.
    pub fn number(&self, key: &str) -> Result<f64> {
        self.meta.attrs[key].as_f64().with_context(|| format!("attribute {key}"))
    }

    /// A count among the attributes.
    pub fn count(&self, key: &str) -> Result<usize> {
        Ok(self.meta.attrs[key].as_u64().with_context(|| format!("attribute {key}"))? as usize)
    }

    /// A flag among the attributes.
    pub fn flag(&self, key: &str) -> Result<bool> {
        self.meta.attrs[key].as_bool().with_context(|| format!("attribute {key}"))
    }

    /// A word among the attributes.
    pub fn word(&self, key: &str) -> Result<&str> {
        self.meta.attrs[key].as_str().with_context(|| format!("attribute {key}"))
    }

    /// A list of counts among the attributes.
    pub fn counts<const N: usize>(&self, key: &str) -> Result<[usize; N]> {
        let list = self.meta.attrs[key].as_array().with_context(|| format!("attribute {key}"))?;
        let list: Option<Vec<usize>> = list.iter().map(|v| v.as_u64().map(|v| v as usize)).collect();
        list.and_then(|l| l.try_into().ok()).with_context(|| format!("attribute {key}"))
    }
}
