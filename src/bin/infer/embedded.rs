//! Embeddings of recordings: of each the mean over its windows, where it is cut.

use anyhow::Result;
use emotone::graph::Shape;
use emotone::nn::{Weights, file};
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

/// Sums of embeddings and how many they are of, by recording.
#[derive(Default)]
pub struct Embedded(BTreeMap<Rc<str>, (usize, Vec<f32>)>);

impl Embedded {
    /// Takes in the embedding of a recording or of a window of it.
    pub fn add(&mut self, name: &Rc<str>, values: Vec<f32>) {
        match self.0.get_mut(name) {
            Some((count, sum)) => {
                *count += 1;
                sum.iter_mut().zip(values).for_each(|(sum, v)| *sum += v);
            }
            None => _ = self.0.insert(name.clone(), (1, values)),
        }
    }

    /// Writes them as safetensors, a tensor per recording.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mean = |(name, (count, sum)): (&Rc<str>, &(usize, Vec<f32>))| {
            (name.to_string(), (Shape(vec![sum.len()]), sum.iter().map(|v| v / *count as f32).collect()))
        };
        let weights: Weights = self.0.iter().map(mean).collect();
        Ok(file::write(path, &weights, &file::Metadata::new())?)
    }
}
