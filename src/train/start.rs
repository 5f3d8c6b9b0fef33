//! What a run starts from: weights of a model, and whether its heads fit the classes of the run's data.

use super::recipe::Recipe;
use crate::Result;
use crate::graph::Shape;
use crate::nn::Weights;
use crate::nn::file::Metadata;
use std::collections::{BTreeMap, BTreeSet};

/// Weights to start from.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// By name.
    pub weights: Weights,
    /// What the outputs of the heads among them stand for, by the name of their task; none where nobody knows.
    pub heads: BTreeMap<String, Vec<String>>,
    /// The recordings that they have been trained on, by the first bytes of their samples' SHA-256; none where nobody knows.
    pub heard: BTreeSet<[u8; HEARD]>,
}

/// Bytes by which a recording is known.
pub const HEARD: usize = 8;
/// Metadata key of the list of recordings.
const KEY: &str = "heard";

impl Start {
    /// The contents of a model file.
    pub fn of(weights: Weights, metadata: &Metadata) -> Self {
        let heads = Recipe::from_metadata(metadata).map(|recipe| recipe.heads).unwrap_or_default();
        let text = metadata.get(KEY).map_or("", String::as_str);
        let byte = |at: usize| text.get(2 * at..2 * at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let heard = (0..text.len() / (2 * HEARD)).filter_map(|i| {
            let bytes: Option<Vec<u8>> = (i * HEARD..(i + 1) * HEARD).map(byte).collect();
            bytes?.try_into().ok()
        });
        Start { weights, heads, heard: heard.collect() }
    }

    /// How metadata list the recordings with these digests.
    pub fn list<'a>(digests: impl Iterator<Item = &'a [u8; 32]>) -> (String, String) {
        let heard: BTreeSet<[u8; HEARD]> = digests.map(known_by).collect();
        (KEY.into(), heard.iter().flatten().map(|byte| format!("{byte:02x}")).collect())
    }

    /// How many of these recordings it has been trained on.
    pub fn heard_of(&self, digests: &[[u8; 32]]) -> usize {
        digests.iter().filter(|digest| self.heard.contains(&known_by(digest))).count()
    }

    /// The same without the heads of a run's tasks: the trunk alone.
    ///
    /// # Errors
    /// Shape errors of the network.
    pub fn trunk(&self, recipe: &Recipe) -> Result<Self> {
        let params = recipe.parameters()?;
        let of_trunk = |name: &str| params.group(name) == Some(crate::models::TRUNK);
        let weights = self.weights.iter().filter(|(name, _)| of_trunk(name)).map(|(name, values)| (name.clone(), values.clone()));
        Ok(Start { weights: weights.collect(), ..Start::default() })
    }

    /// The weights for the classes of a run: a head for other classes keeps what it knows of those of the same name, and for others begins as
    /// the seed says, or where it is solved, with zeros.
    ///
    /// # Errors
    /// Shape errors of the network.
    pub fn fitted(&self, recipe: &Recipe) -> Result<Weights> {
        let mut weights = self.weights.clone();
        let (params, solved) = (recipe.parameters()?, recipe.config.network()?.solver().is_some());
        let mut fresh = None;
        for (task, theirs) in &self.heads {
            let ours = recipe.outputs(task);
            if theirs == ours || ours.is_empty() {
                continue;
            }
            for (name, (shape, values)) in &mut weights {
                let per_output = |shape: &Shape| shape.0.first() == Some(&theirs.len());
                if params.group(name) != Some(task.as_str()) || !per_output(shape) {
                    continue;
                }
                let start = match &fresh {
                    Some(start) => start,
                    None => fresh.insert(params.initial(recipe.config.train.seed)),
                };
                let Some((wanted, initial)) = start.get(name).filter(|(wanted, _)| wanted.0[1..] == shape.0[1..]) else { continue };
                let width = values.len() / theirs.len().max(1);
                let mut own = if solved { vec![0.0; initial.len()] } else { initial.clone() };
                for (i, class) in ours.iter().enumerate() {
                    if let Some(at) = theirs.iter().position(|their| their == class) {
                        own[i * width..(i + 1) * width].copy_from_slice(&values[at * width..(at + 1) * width]);
                    }
                }
                (*shape, *values) = (wanted.clone(), own);
            }
        }
        Ok(weights)
    }
}

fn known_by(digest: &[u8; 32]) -> [u8; HEARD] {
    std::array::from_fn(|i| digest[i])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::config::Config;

    fn names(of: &[&str]) -> Vec<String> {
        of.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn heads_keep_the_classes_they_know() {
        let mut config = Config::preset("tiny").unwrap();
        config.set("train.stages=single").unwrap();
        let recipe = Recipe::untrained(config, &names(&["joy", "fear", "calm"]), &[]).unwrap();
        let params = recipe.parameters().unwrap();
        let initial = params.initial(recipe.config.train.seed);
        let head = |name: &String| params.group(name) == Some("emotion") && initial[name].0.0[0] == 3;
        let (name, (shape, before)) = initial.iter().find(|(name, (shape, _))| head(name) && shape.rank() == 2).expect("a head");
        let width = shape.0[1];
        let theirs: Vec<f32> = (0..2 * width).map(|i| i as f32).collect();
        let start = Start {
            weights: Weights::from([(name.clone(), (Shape(vec![2, width]), theirs.clone()))]),
            heads: BTreeMap::from([("emotion".into(), names(&["anger", "joy"]))]),
            ..Start::default()
        };
        let got = &start.fitted(&recipe).unwrap()[name];
        assert_eq!(got.0, *shape);
        assert_eq!(got.1[..width], theirs[width..], "joy is known");
        assert_eq!(got.1[width..], before[width..], "fear and calm are new");
        assert!(start.trunk(&recipe).unwrap().weights.is_empty());
    }

    #[test]
    fn recordings_are_known_again() {
        let digests: Vec<[u8; 32]> = (0..5u8).map(|i| std::array::from_fn(|j| i * 40 + j as u8)).collect();
        let (key, text) = Start::list(digests[..3].iter());
        let start = Start::of(Weights::new(), &Metadata::from([(key, text)]));
        assert_eq!((start.heard.len(), start.heard_of(&digests), start.heard_of(&digests[3..])), (3, 3, 0));
        assert!(Start::of(Weights::new(), &Metadata::new()).heard.is_empty());
    }
}
