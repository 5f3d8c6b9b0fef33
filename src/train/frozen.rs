//! Features of a frozen trunk: computed once for all utterances, and kept on disk for later runs.

use super::config::Precision;
use super::events::{Event, Observer};
use super::inference::Inference;
use super::recipe::{Recipe, Source, io};
use super::rooms::Rooms;
use crate::compile::{Options, Plan};
use crate::gpu::Device;
use crate::graph::{NodeKind, Shape};
use crate::models::TRUNK;
use crate::nn::{Params, Weights, file};
use crate::storage::{self, Files};
use crate::{Error, Result, hash::sha256, parallel};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

/// Inputs between two looks at whether to go on.
const AT_ONCE: usize = 256;
/// Files that are kept, each of a trunk, and the values of one; beyond these only those of the last run are kept.
const FILES: usize = 8;
const VALUES: usize = 1 << 28;
/// What is being prepared.
const WHAT: &str = "features of the frozen trunk";

/// A trunk that is not trained, with the weights of the whole network.
pub(super) struct Frozen<'a> {
    pub device: &'a Arc<Device>,
    pub recipe: &'a Recipe,
    pub weights: &'a Weights,
    /// Set from outside to stop.
    pub stop: &'a AtomicBool,
}

impl Frozen<'_> {
    /// The features of each input. Those that `folder` has of this trunk ([`Frozen::hash`]) and of the very same inputs are taken from there, and
    /// the others added to them. What cannot be read there is said, and computed again.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when asked to stop; device faults.
    pub fn features(&self, inputs: &[Vec<f32>], folder: Option<&Path>, observe: &mut Observer) -> Result<Vec<Vec<f32>>> {
        let Some(folder) = folder else { return self.compute(inputs, &(0..inputs.len()).collect::<Vec<_>>(), observe) };
        let path = folder.join(format!("{}.safetensors", self.hash()?));
        let mut kept = self.read(&path, observe)?;
        let names = parallel::map(parallel::cores(), inputs.len(), |i| sha256(bytemuck::cast_slice(&inputs[i])));
        let mut met = BTreeSet::new();
        let missing: Vec<usize> = (0..inputs.len()).filter(|&i| !kept.contains_key(&names[i]) && met.insert(&names[i])).collect();
        if missing.len() < inputs.len() {
            observe(Event::Summary(&format!("{WHAT}: {} of {} are known from an earlier run", inputs.len() - missing.len(), inputs.len())));
        }
        if !missing.is_empty() {
            let made = self.compute(inputs, &missing, observe)?;
            kept.extend(missing.iter().zip(made).map(|(&i, own)| (names[i].clone(), (Shape(vec![own.len()]), own))));
            if kept.values().map(|(_, own)| own.len()).sum::<usize>() > VALUES {
                let ours: BTreeSet<&String> = names.iter().collect();
                kept.retain(|name, _| ours.contains(name));
            }
            if let Err(e) = write(&path, &kept) {
                observe(Event::Warning(&format!("the {WHAT} are not kept for the next run: {e}")));
            }
        }
        Ok(names.iter().map(|name| kept[name].1.clone()).collect())
    }

    /// The features of the inputs `which`, in batches of inputs of similar length.
    fn compute(&self, inputs: &[Vec<f32>], which: &[usize], observe: &mut Observer) -> Result<Vec<Vec<f32>>> {
        observe(Event::Preparing(WHAT, 0, which.len()));
        let inference =
            Inference::new(self.device, self.recipe, self.weights, self.recipe.config.train.rows(), &[io::FEATURES], self.options())?;
        let inference = inference.in_whole_batches();
        let mut order: Vec<usize> = (0..which.len()).collect();
        order.sort_by_key(|&w| inputs[which[w]].len());
        let (mut features, mut done) = (vec![Vec::new(); which.len()], 0);
        for part in order.chunks(AT_ONCE) {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Error::Interrupted);
            }
            let made = inference.run(io::FEATURES, part.len(), &|p| &inputs[which[part[p]]])?;
            part.iter().zip(made).for_each(|(&w, own)| features[w] = own);
            done += part.len();
            observe(Event::Preparing(WHAT, done, which.len()));
        }
        Ok(features)
    }

    fn options(&self) -> Options {
        Options { half: self.recipe.config.train.precision == Precision::F16, ..self.recipe.options() }
    }

    /// Hash of all that features follow from besides their inputs: the trunk's weights, what the adapter computes of them, and how many at a time.
    ///
    /// # Errors
    /// Shape errors of the network.
    pub fn hash(&self) -> Result<String> {
        let params = self.recipe.parameters()?;
        let trunk = self.weights.iter().filter(|(name, _)| params.group(name) == Some(TRUNK));
        let weights = file::sha256(&trunk.map(|(name, values)| (name.clone(), values.clone())).collect());
        let train = &self.recipe.config.train;
        let tuned = serde_json::to_string(&self.recipe.tuned).map_err(|e| Error::Graph(format!("hash of the {WHAT}: {e}")))?;
        let numbers = (train.precision, train.rows());
        let (version, adapter) = (env!("CARGO_PKG_VERSION"), self.device.caps().headline());
        Ok(sha256(format!("{version}|{adapter}|{weights}|{tuned}|{numbers:?}|{}", self.computation()?).as_bytes()))
    }

    /// What computes features of a batch, the shortest there is where inputs differ in length: the graph, whose constants hold the normalisation,
    /// and its launches with the text of their kernels. Settings that say nothing of features (of heads, of training) say nothing of it either.
    fn computation(&self) -> Result<String> {
        let recipe = self.recipe;
        let source = Rooms::of(&recipe.config.inputs()?).map_or(Source::Raw, |rooms| Source::Frames(rooms.least(1)));
        let graph = recipe.inference(&mut Params::new(|_| false), recipe.config.train.rows(), source, &[io::FEATURES])?;
        let plan = Plan::new(&graph, self.device, self.options())?;
        let mut text = String::new();
        // Heads are built behind the features.
        let own = graph.outputs().iter().map(|(_, v)| v.node + 1).max().unwrap_or_default();
        for node in &graph.nodes()[..own] {
            text.push_str(&format!("{} {} {:?} {:?}\n", node.scope, node.name(), node.inputs, node.shapes));
            if let NodeKind::Constant(values) = &node.kind {
                text.push_str(&sha256(bytemuck::cast_slice(values)));
            }
        }
        let launches = plan.nodes.iter().flat_map(|n| n.once.iter().chain(&n.launches));
        launches.for_each(|launch| text.push_str(&format!("{launch:?}\n")));
        Ok(text)
    }

    /// What a file keeps; nothing where there is none, or it is no use.
    fn read(&self, path: &Path, observe: &mut Observer) -> Result<Weights> {
        if !path.exists() {
            return Ok(Weights::new());
        }
        let width = self.recipe.input_shape(Source::Features)?.iter().product::<usize>();
        let fits = |kept: Weights| match kept.values().find(|(_, own)| own.len() != width) {
            Some((_, own)) => Err(Error::shape(path.display().to_string(), format!("{width} values"), own.len().to_string())),
            None => Ok(kept),
        };
        Ok(file::read(path).and_then(|(kept, _)| fits(kept)).unwrap_or_else(|e| {
            observe(Event::Warning(&format!("the {WHAT} of an earlier run are no use, and are computed again: {e}")));
            Weights::new()
        }))
    }
}

/// Puts a file in its place, and lets the oldest go where there are too many.
fn write(path: &Path, kept: &Weights) -> Result<()> {
    let bytes = file::to_bytes(kept, &file::Metadata::new()).map_err(Error::Graph)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
    // Programs that run at once may write the same file.
    storage::replace(&mut Files, path, &bytes, &format!(".{}", std::process::id()))?;
    let entries = std::fs::read_dir(folder).map_err(Error::io(folder))?;
    let written = |path: &PathBuf| std::fs::metadata(path).and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "safetensors")).collect();
    files.sort_by_key(|p| std::cmp::Reverse(written(p)));
    files.iter().skip(FILES).try_for_each(|old| std::fs::remove_file(old).map_err(Error::io(old)))
}
