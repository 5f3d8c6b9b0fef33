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

/// Inputs between two looks at whether to go on, and inputs whose features a file keeps.
const AT_ONCE: usize = 256;
const KEPT_TOGETHER: usize = 512;
/// Trunks that features are kept of, and bytes of those of one; the oldest beyond these go.
const TRUNKS: usize = 8;
const BYTES: u64 = 4 << 30;
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
    /// The features of each input, none of those that are empty. Those that `folder` has of this trunk ([`Frozen::hash`]) and
    /// of the very same inputs are taken from there, and the others added to them as they are made. What cannot
    /// be read there is said, and computed again.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when asked to stop; device faults.
    pub fn features(&self, inputs: &[&Vec<f32>], folder: Option<&Path>, observe: &mut Observer) -> Result<Vec<Vec<f32>>> {
        let own = folder.map(|folder| Ok::<_, Error>(folder.join(self.hash()?))).transpose()?;
        let mut kept = own.as_ref().map_or_else(|| Ok(Weights::new()), |own| self.read(own, observe))?;
        let names = parallel::map(parallel::cores(), inputs.len(), |i| sha256(bytemuck::cast_slice(inputs[i])));
        let mut met = BTreeSet::new();
        let there = inputs.iter().filter(|input| !input.is_empty()).count();
        let known = (0..inputs.len()).filter(|&i| kept.contains_key(&names[i])).count();
        if known > 0 {
            observe(Event::Summary(&format!("{WHAT}: {known} of {there} are known from an earlier run")));
        }
        let missing = |i: &usize| !inputs[*i].is_empty() && !kept.contains_key(&names[*i]) && met.insert(&names[*i]);
        let mut missing: Vec<usize> = (0..inputs.len()).filter(missing).collect();
        missing.sort_by_key(|&i| inputs[i].len());
        let mut failed = None;
        if !missing.is_empty() {
            let mut done = |n: usize| observe(Event::Preparing(WHAT, n, missing.len()));
            let computing = self.computing()?;
            for (part, which) in missing.chunks(KEPT_TOGETHER).enumerate() {
                let new = self.compute(&computing, inputs, which, &mut |n| done(part * KEPT_TOGETHER + n))?;
                let new: Weights = which.iter().zip(new).map(|(&i, own)| (names[i].clone(), (Shape(vec![own.len()]), own))).collect();
                if failed.is_none() {
                    failed = own.as_ref().and_then(|own| write(own, &new).err());
                }
                kept.extend(new);
            }
        }
        if let Some(e) = failed {
            observe(Event::Warning(&format!("the {WHAT} are not kept for the next run: {e}")));
        }
        let of = |name: &String| kept.get(name).map(|(_, own)| own.clone()).unwrap_or_default();
        Ok(names.iter().map(of).collect())
    }

    /// What computes features.
    fn computing(&self) -> Result<Inference> {
        let rows = self.recipe.config.train.rows();
        let inference = Inference::new(self.device, self.recipe, self.weights, rows, &[io::FEATURES], self.options())?;
        Ok(inference.in_whole_batches())
    }

    /// The features of the inputs `which`, which are in the order of their lengths.
    fn compute(&self, computing: &Inference, inputs: &[&Vec<f32>], which: &[usize], done: &mut dyn FnMut(usize)) -> Result<Vec<Vec<f32>>> {
        let mut features = Vec::with_capacity(which.len());
        for part in which.chunks(AT_ONCE) {
            done(features.len());
            if self.stop.load(Ordering::Relaxed) {
                return Err(Error::Interrupted);
            }
            features.extend(computing.run(io::FEATURES, part.len(), &|p| inputs[part[p]].as_slice())?);
        }
        done(features.len());
        Ok(features)
    }

    fn options(&self) -> Options {
        self.recipe.options().in_half(self.recipe.config.train.precision == Precision::F16)
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

    /// What the files of a trunk keep; nothing of those that are no use.
    fn read(&self, folder: &Path, observe: &mut Observer) -> Result<Weights> {
        let width = self.recipe.input_shape(Source::Features)?.iter().product::<usize>();
        let fits = |path: &Path, kept: Weights| match kept.values().find(|(_, own)| own.len() != width) {
            Some((_, own)) => Err(Error::shape(path.display().to_string(), format!("{width} values"), own.len().to_string())),
            None => Ok(kept),
        };
        let mut all = Weights::new();
        for path in by_age(folder) {
            match file::read(&path).and_then(|(kept, _)| fits(&path, kept)) {
                Ok(kept) => all.extend(kept),
                Err(e) => observe(Event::Warning(&format!("the {WHAT} of an earlier run are no use, and are computed again: {e}"))),
            }
        }
        Ok(all)
    }
}

/// Adds a file to those of a trunk, and lets the oldest go where there are too many.
fn write(folder: &Path, new: &Weights) -> Result<()> {
    let bytes = file::to_bytes(new, &file::Metadata::new()).map_err(Error::Graph)?;
    std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
    let name = sha256(new.keys().map(String::as_str).collect::<String>().as_bytes());
    // Programs that run at once may write the same file.
    storage::replace(&mut Files, &folder.join(format!("{name}.safetensors")), &bytes, &format!(".{}", std::process::id()))?;
    let mut room = BYTES;
    for old in by_age(folder) {
        let size = std::fs::metadata(&old).map_or(0, |m| m.len());
        match room.checked_sub(size) {
            Some(left) => room = left,
            None => std::fs::remove_file(&old).map_err(Error::io(&old))?,
        }
    }
    let trunks = by_age(folder.parent().unwrap_or(Path::new(".")));
    trunks.iter().skip(TRUNKS).try_for_each(|old| {
        let gone = if old.is_dir() { std::fs::remove_dir_all(old) } else { std::fs::remove_file(old) };
        gone.map_err(Error::io(old))
    })
}

/// What is in a folder of features, the newest first; nothing where there is none.
fn by_age(folder: &Path) -> Vec<PathBuf> {
    let written = |path: &PathBuf| std::fs::metadata(path).and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let ours = |path: &PathBuf| path.is_dir() || path.extension().is_some_and(|e| e == "safetensors");
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).filter(ours).collect();
    all.sort_by_key(|path| std::cmp::Reverse(written(path)));
    all
}
