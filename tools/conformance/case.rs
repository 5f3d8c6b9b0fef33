//! A case file: inputs, attributes, expected outputs and gradients.

use crate::{build, optimise};
use anyhow::{Context as _, Result, anyhow};
use emotone::compile::{Options, Program, States};
use emotone::gpu::Device;
use emotone::graph::{Graph, Shape, Var};
use emotone::nn::{Weights, file};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

#[derive(Deserialize)]
struct Meta {
    op: String,
    attrs: Value,
    inputs: Vec<String>,
    outputs: Vec<String>,
    upstream: BTreeMap<String, String>,
    grads: BTreeMap<String, String>,
    tol: f64,
}

/// One case with its tensors.
pub struct Case {
    /// File stem.
    pub name: String,
    /// Op name.
    pub op: String,
    /// Attributes.
    pub attrs: Value,
    meta: Meta,
    tensors: Weights,
}

impl Case {
    /// Reads a case file.
    pub fn read(path: &Path) -> Result<Case> {
        let (tensors, metadata) = file::read(path)?;
        let text = metadata.get("case").with_context(|| format!("{}: no `case` in the metadata", path.display()))?;
        let meta: Meta = serde_json::from_str(text).with_context(|| path.display().to_string())?;
        let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Case { name, op: meta.op.clone(), attrs: meta.attrs.clone(), meta, tensors })
    }

    /// Names of the inputs in order.
    pub fn inputs(&self) -> &[String] {
        &self.meta.inputs
    }

    /// A tensor of the file.
    pub fn tensor(&self, name: &str) -> Result<&(Shape, Vec<f32>)> {
        self.tensors.get(name).ok_or_else(|| anyhow!("the case has no tensor {name}"))
    }

    /// A number among the attributes.
    pub fn number(&self, key: &str) -> Result<f64> {
        self.attrs[key].as_f64().with_context(|| format!("attribute {key}"))
    }

    /// A count among the attributes.
    pub fn count(&self, key: &str) -> Result<usize> {
        Ok(self.attrs[key].as_u64().with_context(|| format!("attribute {key}"))? as usize)
    }

    /// A flag among the attributes.
    pub fn flag(&self, key: &str) -> Result<bool> {
        self.attrs[key].as_bool().with_context(|| format!("attribute {key}"))
    }

    /// A word among the attributes.
    pub fn word(&self, key: &str) -> Result<&str> {
        self.attrs[key].as_str().with_context(|| format!("attribute {key}"))
    }

    /// A list of counts among the attributes.
    pub fn counts<const N: usize>(&self, key: &str) -> Result<[usize; N]> {
        let list = self.attrs[key].as_array().with_context(|| format!("attribute {key}"))?;
        let list: Option<Vec<usize>> = list.iter().map(|v| v.as_u64().map(|v| v as usize)).collect();
        list.and_then(|l| l.try_into().ok()).with_context(|| format!("attribute {key}"))
    }

    /// Runs the case; returns a line for each tensor that is wrong.
    pub fn run(&self, device: &Arc<Device>) -> Result<Vec<String>> {
        if let Some(got) = optimise::run(self, device)? {
            return Ok(self.compare("param_out", "param_out", &got)?.into_iter().collect());
        }
        let mut states = States::new(device);
        let mut g = Graph::new();
        let mut vars = BTreeMap::new();
        for name in &self.meta.inputs {
            vars.insert(name.clone(), g.input(name, self.tensor(name)?.0.clone()));
        }
        let Some(built) = build::build(self, &mut g, &mut vars, &mut states)? else {
            return Ok(vec!["unsupported".into()]);
        };
        for (name, v) in &built.outputs {
            g.output(name, *v);
        }
        let mut upstream = Vec::new();
        for (output, name) in &self.meta.upstream {
            let y = *built.outputs.get(output).with_context(|| format!("no output {output}"))?;
            let shape = g.shape(y).clone();
            upstream.push((y, g.input(name, shape)));
        }
        let wanted: Vec<(&String, &String)> = self.meta.grads.iter().collect();
        let leaves = wanted.iter().map(|(input, _)| vars.get(*input).copied().with_context(|| format!("no input {input}")));
        let leaves: Vec<Var> = leaves.collect::<Result<_>>()?;
        if !wanted.is_empty() {
            for ((_, name), d) in wanted.iter().zip(g.grad_from(&upstream, &leaves)?) {
                g.output(name, d);
            }
        }
        let program = Program::new(&g, &states, Options { poison: true, ..Options::default() })?;
        for name in self.meta.inputs.iter().chain(self.meta.upstream.values()) {
            if program.has_input(name) {
                program.write(name, &self.tensor(name)?.1)?;
            }
        }
        for (name, words) in &built.words {
            program.write_u32(name, words)?;
        }
        program.run()?;
        let mut failures = Vec::new();
        for name in self.meta.outputs.iter().chain(self.meta.grads.values()) {
            failures.extend(self.compare(name, name, &program.read(name)?)?);
        }
        if program.overruns()? > 0 {
            failures.push("a kernel wrote past the end of a value".into());
        }
        Ok(failures)
    }

    fn compare(&self, label: &str, want: &str, got: &[f32]) -> Result<Option<String>> {
        let want = &self.tensor(want)?.1;
        if want.len() != got.len() {
            return Ok(Some(format!("{label} has {} elements, expected {}", got.len(), want.len())));
        }
        let scale = want.iter().fold(1e-3f64, |m, w| m.max(f64::from(w.abs())));
        let error = got.iter().zip(want).fold(0.0, |m: f64, (g, w)| {
            let e = (f64::from(*g) - f64::from(*w)).abs() / scale;
            if e.is_nan() { f64::INFINITY } else { m.max(e) }
        });
        Ok((error > self.meta.tol).then(|| format!("{label} err {error:.1e} > tol {:.1e}", self.meta.tol)))
    }
}
