//! A [`Case`] from a file: what it expects takes the reference's place.

use crate::file::File;
use crate::ops::{self, Inputs};
use crate::{layers, optimise};
use anyhow::{Context as _, Result};
use emotone::check::{Case, Role, given};
use emotone::gpu::Device;
use emotone::graph::{Graph, Var};
use std::rc::Rc;
use std::sync::Arc;

/// The case of a file; `None` when the engine has no such op.
fn case(file: &Rc<File>) -> Result<Option<Case>> {
    let meta = &file.meta;
    if optimise::is_rule(&meta.op) {
        return Ok(Some(optimise::case(file)?));
    }
    let mut inputs = Vec::new();
    for name in &meta.inputs {
        let (shape, values) = (file.tensor(name)?.0.clone(), file.values(name)?);
        let input = given(shape, values);
        inputs.push(if meta.grads.contains_key(name) { input.differentiable() } else { input });
    }
    let case = if layers::is_layer(&meta.op) {
        let (f, parameters) = (file.clone(), file.clone());
        Case::new(meta.op.clone(), file.name.clone(), inputs, move |g, x| layer(&f, g, x).map_err(error)).prepare(move |states| {
            let mut scratch = Graph::new();
            let x = scratch.input("x", parameters.tensor("x").map_err(error)?.0.clone());
            let params = layers::build(&parameters, &mut scratch, x).map_err(error)?.params;
            params.allocate(states)?;
            let mut values = params.initial(0);
            for name in &parameters.meta.inputs[1..] {
                values.insert(name.clone(), parameters.tensor(name).map_err(error)?.clone());
            }
            params.upload(states, &values, true)
        })
    } else {
        let Some(op) = ops::find(&meta.op) else { return Ok(None) };
        let f = file.clone();
        Case::new(meta.op.clone(), file.name.clone(), inputs, move |g, x| {
            op(&f, g, &Inputs { names: &f.meta.inputs, vars: x }).map_err(error)
        })
    };
    let expected = meta.outputs.iter().map(|name| Ok(Some(file.values(name)?))).collect::<Result<Vec<_>>>()?;
    let wanted = meta.inputs.iter().filter_map(|name| meta.grads.get(name));
    let gradients = wanted.map(|name| Ok(Some(file.values(name)?))).collect::<Result<Vec<_>>>()?;
    let upstream = meta.outputs.iter().map(|o| meta.upstream.get(o).map(|name| file.values(name)).transpose());
    let upstream = upstream.collect::<Result<Vec<_>>>()?;
    Ok(Some(case.forward(move |_| expected.clone()).backward(move |_, _| gradients.clone()).upstream(upstream)))
}

/// Adds a layer to a graph; its parameters' values take the place of the inputs of their names.
fn layer(file: &File, g: &mut Graph, x: &mut [Var]) -> Result<Var> {
    let layer = layers::build(file, g, x[0])?;
    for (name, x) in file.meta.inputs.iter().zip(x).skip(1) {
        *x = *layer.used.get(name).with_context(|| format!("the layer has no parameter {name}"))?;
    }
    Ok(layer.y)
}

fn error(e: anyhow::Error) -> emotone::Error {
    emotone::Error::Graph(format!("{e:#}"))
}

/// Runs the case of a file; a line for each tensor that is wrong.
pub fn run(file: File, device: &Arc<Device>) -> Result<Vec<String>> {
    let file = Rc::new(file);
    let Some(case) = case(&file)? else { return Ok(vec!["unsupported".into()]) };
    let meta = &file.meta;
    let name = |role| match role {
        Role::Output(o) => meta.outputs[o].clone(),
        Role::Gradient(i) => meta.grads[&meta.inputs[i]].clone(),
        Role::State(_) => meta.outputs[0].clone(),
    };
    let wrong = case.compare(device)?.into_iter().map(|c| (name(c.role), c.error())).filter(|(_, e)| *e > meta.tol);
    Ok(wrong.map(|(name, e)| format!("{name} err {e:.1e} > tol {:.1e}", meta.tol)).collect())
}
