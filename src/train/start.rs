//! What a run starts from: weights of a model, and whether its heads fit the classes of the run's data.

use super::recipe::Recipe;
use crate::data::same_emotion;
use crate::models::TRUNK;
use crate::nn::Weights;
use crate::nn::file::Metadata;
use crate::{Error, Result, text};
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
        let of_trunk = |name: &str| params.group(name) == Some(TRUNK);
        let weights = self.weights.iter().filter(|(name, _)| of_trunk(name)).map(|(name, values)| (name.clone(), values.clone()));
        Ok(Start { weights: weights.collect(), ..Start::default() })
    }

    /// The weights for the classes of a run: a head for other classes keeps what it knows of those of the same name, and for others begins as
    /// the seed says, or where it is solved, with zeros. A head that cannot be taken apart by classes begins anew. Says of each which.
    ///
    /// # Errors
    /// [`Error::Config`] where the network is of another shape than the weights; shape errors of the network.
    pub fn fitted(&self, recipe: &Recipe) -> Result<(Weights, Vec<String>)> {
        let mut weights = self.weights.clone();
        let (params, solved) = (recipe.parameters()?, recipe.config.network()?.solver().is_some());
        let initial = params.initial(recipe.config.train.seed);
        let mut anew: BTreeMap<String, usize> = BTreeMap::new();
        for (name, (wanted, values)) in &initial {
            let Some((shape, theirs)) = weights.get(name).cloned() else { continue };
            let task = params.group(name).unwrap_or(TRUNK);
            let classes = self.heads.get(task).filter(|theirs| theirs.as_slice() != recipe.outputs(task));
            if shape == *wanted && classes.is_none() {
                continue;
            }
            if task == TRUNK {
                return Err(Error::Config(format!(
                    "the weights to start from are of another network: {name} is {shape} there and {wanted} here; leave out --preset, --config and \
                     the values of model, image and frames, and a run takes those of the model it starts from"
                )));
            }
            let known = classes.filter(|c| shape.0.first() == Some(&c.len()) && wanted.0.get(1..) == shape.0.get(1..));
            let (own, kept) = match known {
                Some(classes) => {
                    rows(&theirs, classes, recipe.outputs(task), if solved { vec![0.0; values.len()] } else { values.clone() })
                }
                // Values that are not of a class stay where they fit.
                None if shape == *wanted => continue,
                None => (values.clone(), 0),
            };
            weights.insert(name.clone(), (wanted.clone(), own));
            let entry = anew.entry(task.to_string()).or_insert(kept);
            *entry = kept.min(*entry);
        }
        let told = anew.iter().map(|(task, kept)| self.told(recipe, task, *kept)).collect();
        Ok((weights, told))
    }

    /// What became of the head of a task.
    fn told(&self, recipe: &Recipe, task: &str, kept: usize) -> String {
        let (ours, empty) = (recipe.outputs(task), Vec::new());
        let theirs = self.heads.get(task).unwrap_or(&empty);
        let (known, new): (Vec<&String>, Vec<&String>) = ours.iter().partition(|class| kept > 0 && same(theirs, class).is_some());
        let of = |names: Vec<&String>| if task == SPEAKER { names.len().to_string() } else { text::names(&names) };
        let parts = [
            (!known.is_empty()).then(|| format!("what it knows of {} is kept", of(known))),
            (!new.is_empty()).then(|| format!("{} {} new", of(new.clone()), if new.len() == 1 { "is" } else { "are" })),
        ];
        let parts = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        format!(
            "the head of task {task} is made for {} outputs ({} in the model to start from): {parts}; the rest is loaded",
            ours.len(),
            theirs.len()
        )
    }
}

/// Name of the task whose outputs are many and say nothing to a reader.
const SPEAKER: &str = "speaker";

/// Which of some classes is `class`: of the same name, or else of the same emotion by another (`angry`, `anger`).
fn same(theirs: &[String], class: &str) -> Option<usize> {
    theirs.iter().position(|their| their == class).or_else(|| theirs.iter().position(|their| same_emotion(their, class)))
}

/// The rows of a head for `ours`, with those of the classes that `theirs` has too, and how many these are.
fn rows(values: &[f32], theirs: &[String], ours: &[String], mut own: Vec<f32>) -> (Vec<f32>, usize) {
    let (width, mut kept) = (values.len() / theirs.len().max(1), 0);
    for (i, class) in ours.iter().enumerate() {
        if let Some(at) = same(theirs, class) {
            own[i * width..(i + 1) * width].copy_from_slice(&values[at * width..(at + 1) * width]);
            kept += 1;
        }
    }
    (own, kept)
}

fn known_by(digest: &[u8; 32]) -> [u8; HEARD] {
    std::array::from_fn(|i| digest[i])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Shape;
    use crate::train::config::Config;

    fn names(of: &[&str]) -> Vec<String> {
        of.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn heads_keep_the_classes_they_know() {
        let mut config = Config::preset("tiny").unwrap();
        config.set("train.stages=single").unwrap();
        let recipe = Recipe::untrained(config, &names(&["Happy", "fear", "calm"]), &[]).unwrap();
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
        let (fitted, told) = start.fitted(&recipe).unwrap();
        let got = &fitted[name];
        assert_eq!(got.0, *shape);
        assert_eq!(got.1[..width], theirs[width..], "joy is known");
        assert_eq!(got.1[width..], before[width..], "fear and calm are new");
        assert!(start.trunk(&recipe).unwrap().weights.is_empty());
        let said = "made for 3 outputs (2 in the model to start from): what it knows of Happy is kept, fear, calm are new";
        assert!(matches!(&told[..], [one] if one.contains(said)), "{told:?}");
        // Weights whose classes nobody knows: a head of another size is made anew. A trunk of another size is refused.
        let unknown = Start { heads: BTreeMap::new(), ..start.clone() };
        let (fitted, told) = unknown.fitted(&recipe).unwrap();
        assert_eq!((&fitted[name], told.len()), (&initial[name], 1));
        let trunk = initial.keys().find(|name| params.group(name) == Some(TRUNK)).expect("a trunk").clone();
        let other = Start { weights: Weights::from([(trunk.clone(), (Shape(vec![1]), vec![0.0]))]), ..Start::default() };
        let said = other.fitted(&recipe).unwrap_err().to_string();
        assert!(said.contains(&trunk) && said.contains("leave out --preset"), "{said}");
        assert_eq!(Start::default().fitted(&recipe).unwrap(), (Weights::new(), Vec::new()));
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
