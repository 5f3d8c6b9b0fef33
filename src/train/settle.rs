//! What a network finds on validation inputs after a stage, where it finds anything.

use super::config::Head;
use super::dataset::Dataset;
use super::inference::Inference;
use super::recipe::Recipe;
use super::state::Folder;
use crate::Result;
use crate::gpu::Device;
use crate::nn::{Weights, file};
use std::sync::Arc;

/// The weights after a stage with what the network finds on the validation set put in their place, in the stage's file too; as they are
/// where it finds nothing, or the stage does not learn by its own head.
///
/// # Errors
/// Device faults; those of [`Network::settle`](crate::models::Network::settle) and of writing the file.
pub fn settle(device: &Arc<Device>, recipe: &Recipe, data: &Dataset, folder: &Folder, stage: &str, weights: Weights) -> Result<Weights> {
    let network = recipe.config.network()?;
    let (names, task) = (network.settled_by(), recipe.judged_task(recipe.config.stage(stage)?));
    let rows: Vec<usize> = data.split.valid.iter().copied().filter(|&i| data.targets[task].known(i)).collect();
    if names.is_empty() || rows.is_empty() || recipe.config.task[task].head != Head::Main {
        return Ok(weights);
    }
    let results: Vec<&str> = names.iter().map(String::as_str).collect();
    // A stage need not have trained every head there is.
    let mut all = recipe.complete_weights(&weights)?;
    let inference = Inference::new(device, recipe, &all, recipe.config.train.batch, &results, recipe.options())?;
    let read = results.iter().map(|name| inference.run(name, rows.len(), &|r| &data.inputs[rows[r]])).collect::<Result<Vec<_>>>()?;
    let targets: Vec<Vec<f32>> = rows.iter().map(|&i| data.targets[task].row(i)).collect();
    all.extend(network.settle(&read, &targets)?);
    file::write(&folder.best(stage), &all, &recipe.to_metadata()?)?;
    Ok(all)
}
