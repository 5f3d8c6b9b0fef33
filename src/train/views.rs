//! What a network sees of a clip: the centre of an image where it sees a part, and several views at test time, over which answers are
//! averaged.

use super::inference::Inference;
use super::recipe::{Recipe, io};
use crate::frontend::views::VIEWS;
use crate::frontend::{Extractor, Inputs};
use crate::gpu::Device;
use crate::graph::{Graph, Var};
use crate::{Result, ops};
use std::sync::Arc;

/// What makes the views of clips.
pub struct Views(Extractor);

impl Views {
    /// Of the images that `inputs` describes.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for inputs that are no images.
    pub fn new(device: &Arc<Device>, inputs: &Inputs) -> Result<Self> {
        Ok(Views(Extractor::of_views(device, inputs)?))
    }

    /// The views of each clip, one after the other.
    ///
    /// # Errors
    /// Empty clips; device faults.
    pub fn of<S: AsRef<[f32]> + Sync>(&mut self, clips: &[S]) -> Result<Vec<Vec<f32>>> {
        self.0.extract(clips)
    }
}

/// What a network says of the views of each clip, averaged: the [answers](Recipe::answer) of a task's head by `inference`.
///
/// # Errors
/// Device faults.
pub fn average(inference: &Inference, recipe: &Recipe, task: &str, views: &[Vec<f32>]) -> Result<Vec<Vec<f32>>> {
    let view = |i: usize| {
        let clip = &views[i / VIEWS];
        let n = clip.len() / VIEWS;
        &clip[i % VIEWS * n..][..n]
    };
    let all = inference.run(&io::logits(task), VIEWS * views.len(), &view)?;
    let mean = |of: &[Vec<f32>]| {
        let mut sum = vec![0.0; of[0].len()];
        for logits in of {
            sum.iter_mut().zip(recipe.answer(task, logits)).for_each(|(s, p)| *s += p);
        }
        sum.into_iter().map(|s| s / VIEWS as f32).collect()
    };
    Ok(all.chunks(VIEWS).map(mean).collect())
}

impl Recipe {
    /// What the network sees of an image, from its centre, where nothing has cut it yet.
    pub(super) fn centre(&self, g: &mut Graph, x: Var) -> Result<Var> {
        let (seen, shape) = (self.config.seen_shape()?, g.shape(x).clone());
        if seen[..] == shape[1..] || !matches!(self.config.inputs()?, Inputs::Images(..)) {
            return Ok(x);
        }
        let mut y = x;
        for dim in 2..shape.rank() {
            let start = (shape[dim] - seen[dim - 1]) / 2;
            y = ops::slice(g, y, dim, start, start + seen[dim - 1])?;
        }
        Ok(y)
    }
}
