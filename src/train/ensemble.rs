//! Models asked together: their probabilities are added up. A model alone is an ensemble of one, and says what it says alone.

use super::adapt::{Adaptation, Statistics};
use super::metrics::argmax;
use super::predictor::{Prediction, Predictor, located};
use super::recipe::Recipe;
use crate::frontend::Inputs;
use crate::gpu::Device;
use crate::nn::Weights;
use crate::nn::file::{self, Metadata};
use crate::{Error, Result, error::one_line};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Metadata key of the list of members, which makes a file an ensemble.
const KEY: &str = "ensemble";

/// A member as a file of an ensemble lists it: its tensors are `members.NUMBER.NAME`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    /// The model file it was.
    name: String,
    /// That file's metadata.
    metadata: Metadata,
}

/// A model as files hold it.
struct Stored {
    entry: Entry,
    weights: Weights,
}

/// What precedes the names of a member's tensors.
fn prefix(member: usize) -> String {
    format!("members.{member}.")
}

/// The models in a file's contents: the one, or the members of an ensemble.
fn stored(path: &Path, (mut weights, metadata): (Weights, Metadata)) -> Result<Vec<Stored>> {
    let bad = |reason: String| Error::Checkpoint { path: path.to_path_buf(), reason };
    let Some(text) = metadata.get(KEY) else {
        return Ok(vec![Stored { entry: Entry { name: path.display().to_string(), metadata }, weights }]);
    };
    let entries: Vec<Entry> = serde_json::from_str(text).map_err(|e| bad(format!("members: {}", one_line(e.to_string()))))?;
    if entries.is_empty() {
        return Err(bad("an ensemble without members".into()));
    }
    let mut all = Vec::with_capacity(entries.len());
    for (i, entry) in entries.into_iter().enumerate() {
        let start = prefix(i);
        let (own, others): (Weights, Weights) = weights.into_iter().partition(|(name, _)| name.starts_with(&start));
        weights = others;
        let own = own.into_iter().map(|(name, tensor)| (name[start.len()..].to_string(), tensor)).collect();
        all.push(Stored { entry, weights: own });
    }
    match weights.keys().next() {
        Some(name) => Err(bad(format!("tensor {name} belongs to no member"))),
        None => Ok(all),
    }
}

/// One of the models of an [`Ensemble`].
struct Member {
    name: String,
    predictor: Predictor,
}

/// Logits by member, clip and output.
pub type Logits = Vec<Vec<Vec<f32>>>;

/// What members make of clips.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// Logits by member, clip and output.
    pub logits: Logits,
    /// Embeddings by member and clip, of members that learn from recordings, where they were asked for.
    pub embeddings: Vec<Vec<Vec<f32>>>,
}

impl Heard {
    /// Whether a member can learn from it.
    pub fn teaches(&self) -> bool {
        self.embeddings.iter().any(|all| !all.is_empty())
    }

    /// Leaves nothing that a member could learn from.
    pub fn forget(&mut self) {
        self.embeddings.iter_mut().for_each(|all| *all = Vec::new());
    }
}

/// Models that are asked together.
pub struct Ensemble {
    members: Vec<Member>,
}

impl Ensemble {
    /// Whether metadata are those of a model file, of one model or of several.
    pub fn is_model(metadata: &Metadata) -> bool {
        metadata.contains_key(KEY) || metadata.contains_key(Recipe::KEY)
    }

    /// Loads model files, each of one model or of an ensemble, which may differ in everything but the classes they tell apart.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] as for [`Predictor::load`], and naming the classes that one model knows and another does not; device faults.
    pub fn load(device: &Arc<Device>, paths: &[PathBuf], batch: usize) -> Result<Self> {
        let files = paths.iter().map(|path| Ok((path.as_path(), file::read(path)?)));
        Self::of(device, files, batch)
    }

    /// The same of the bytes of one file, which errors call `name`.
    ///
    /// # Errors
    /// As [`Ensemble::load`].
    pub fn parse(device: &Arc<Device>, name: &Path, bytes: &[u8], batch: usize) -> Result<Self> {
        let contents = file::parse(bytes).map_err(|reason| Error::Checkpoint { path: name.to_path_buf(), reason })?;
        Self::of(device, [Ok((name, contents))].into_iter(), batch)
    }

    /// The models in some files' contents.
    fn of<'a>(device: &Arc<Device>, files: impl Iterator<Item = Result<(&'a Path, (Weights, Metadata))>>, batch: usize) -> Result<Self> {
        let mut members: Vec<Member> = Vec::new();
        for file in files {
            let (path, contents) = file?;
            for Stored { entry, weights } in stored(path, contents)? {
                let mut predictor = Predictor::of(device, (&weights, &entry.metadata), batch).map_err(|e| located(path, e))?;
                if let Some(first) = members.first() {
                    agree(first, &entry.name, &predictor).map_err(|reason| Error::Checkpoint { path: path.to_path_buf(), reason })?;
                    predictor.choose(first.predictor.classes())?;
                }
                members.push(Member { name: entry.name, predictor });
            }
        }
        match members.is_empty() {
            true => Err(Error::Config("an ensemble has at least one model".into())),
            false => Ok(Ensemble { members }),
        }
    }

    /// Writes model files into one, which is loaded as they are together.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] naming a file that is no model; [`Error::Io`].
    pub fn store(paths: &[PathBuf], out: &Path) -> Result<()> {
        let mut all = Vec::new();
        for path in paths {
            all.extend(stored(path, file::read(path)?)?);
        }
        let mut weights = Weights::new();
        for (i, member) in all.iter().enumerate() {
            let start = prefix(i);
            weights.extend(member.weights.iter().map(|(name, tensor)| (format!("{start}{name}"), tensor.clone())));
        }
        let entries: Vec<&Entry> = all.iter().map(|m| &m.entry).collect();
        let text = serde_json::to_string(&entries).map_err(|e| Error::Config(e.to_string()))?;
        let version = env!("CARGO_PKG_VERSION").to_string();
        file::write(out, &weights, &Metadata::from([(KEY.to_string(), text), ("version".to_string(), version)]))
    }

    /// From now on all members answer by the views of each clip; see [`Predictor::look_at_views`].
    ///
    /// # Errors
    /// [`Error::Config`] naming a member that takes no images.
    pub fn look_at_views(&mut self) -> Result<()> {
        self.members.iter_mut().try_for_each(|m| {
            m.predictor.look_at_views().map_err(|e| match e {
                Error::Config(reason) => Error::Config(format!("{}: {reason}", m.name)),
                other => other,
            })
        })
    }

    /// Names of the members: the files they were.
    pub fn names(&self) -> Vec<&str> {
        self.members.iter().map(|m| m.name.as_str()).collect()
    }

    /// The first member.
    pub fn first(&mut self) -> &mut Predictor {
        &mut self.members[0].predictor
    }

    /// What its answers are about: classes in the order of [`Prediction::probabilities`].
    pub fn classes(&self) -> &[String] {
        self.members[0].predictor.classes()
    }

    /// Whether it answers with numbers, not with a class.
    pub fn says_numbers(&self) -> bool {
        self.members[0].predictor.says_numbers()
    }

    /// From now on answers are about these classes alone; see [`Predictor::choose`].
    ///
    /// # Errors
    /// As [`Predictor::choose`].
    pub fn choose(&mut self, classes: &[String]) -> Result<()> {
        self.members.iter_mut().try_for_each(|m| m.predictor.choose(classes))
    }

    /// The logits of each clip by each member, over the member's own outputs, and where asked for the embeddings that members learn from. Members
    /// with the same front end share their inputs.
    ///
    /// # Errors
    /// Empty clips; device faults.
    pub fn hear<S: AsRef<[f32]> + Sync>(&mut self, clips: &[S], embeddings: bool) -> Result<Heard> {
        let mut made: Vec<(Inputs, Vec<Vec<f32>>)> = Vec::new();
        let mut all = Heard::default();
        for Member { predictor, .. } in &mut self.members {
            let kind = predictor.recipe.config.inputs()?;
            let at = match made.iter().position(|(other, _)| *other == kind) {
                Some(at) => at,
                None => {
                    made.push((kind, predictor.looks(clips)?));
                    made.len() - 1
                }
            };
            let looks = &made[at].1;
            let [logits, embeddings] = match embeddings && predictor.self_trains()? {
                true => predictor.logits_and_embeddings(looks)?,
                false => [predictor.logits(looks)?, Vec::new()],
            };
            all.logits.push(logits);
            all.embeddings.push(embeddings);
        }
        Ok(all)
    }

    /// What each member says of clips with these logits, in the order of [`Ensemble::classes`].
    pub fn opinions(&self, logits: &Logits) -> Vec<Vec<Prediction>> {
        self.members.iter().zip(logits).map(|(m, logits)| logits.iter().map(|l| m.predictor.say(l)).collect()).collect()
    }

    /// What recordings come to that members heard so, whose speakers are named where they are known; see [`Predictor::statistics`].
    ///
    /// # Errors
    /// Device faults.
    pub fn statistics(&self, heard: &Heard, speakers: &[Option<&str>], insists: bool) -> Result<Adaptation> {
        let of =
            |(m, logits): (usize, &Vec<Vec<f32>>)| self.members[m].predictor.statistics(logits, &heard.embeddings[m], speakers, insists);
        Ok(Adaptation { models: heard.logits.iter().enumerate().map(of).collect::<Result<_>>()? })
    }

    /// Whether answers can be adapted.
    ///
    /// # Errors
    /// [`Error::Config`] naming a member that answers numbers, or whose file does not say from where.
    pub fn adaptable(&self) -> Result<()> {
        let Some(m) = self.members.iter().find(|m| m.predictor.centre().is_none()) else { return Ok(()) };
        let why = match m.predictor.says_numbers() {
            true => "it answers numbers, and adaptation is of classes",
            false => {
                "its file does not say where answers to validation clips lie, as a run's final model does; train it again, with such clips"
            }
        };
        Err(Error::Config(format!("{}: answers cannot be adapted: {why}", m.name)))
    }

    /// Whether an adaptation is that of these models.
    ///
    /// # Errors
    /// What differs, with both values; device faults.
    pub fn fits(&self, adaptation: &Adaptation) -> Result<()> {
        self.adaptable()?;
        let models = self.members.iter().map(|m| Ok((m.predictor.weights_sha256()?, m.predictor.outputs()))).collect::<Result<Vec<_>>>()?;
        adaptation.fits(&models, self.classes()).map_err(Error::Config)
    }

    /// Logits of recordings adapted by statistics of these or of earlier ones; as they are by a member without a centre.
    ///
    /// # Errors
    /// [`Error::Config`] for statistics of a model with other features.
    pub fn adapted(&self, heard: &Heard, adaptation: &Adaptation, speakers: &[Option<&str>]) -> Result<Logits> {
        let of = |(m, statistics): (usize, &Statistics)| {
            self.members[m].predictor.adapted(&heard.logits[m], &heard.embeddings[m], statistics, speakers)
        };
        adaptation.models.iter().enumerate().map(of).collect()
    }

    /// Probabilities for each clip: the members' sum over their number. The class is the first of the largest sum.
    ///
    /// # Errors
    /// Empty clips; device faults.
    pub fn predict<S: AsRef<[f32]> + Sync>(&mut self, clips: &[S]) -> Result<Vec<Prediction>> {
        let heard = self.hear(clips, false)?;
        Ok(combine(&self.opinions(&heard.logits)))
    }

    /// The members' embeddings of each clip, one after the other.
    ///
    /// # Errors
    /// Empty clips; device faults.
    pub fn embeddings<S: AsRef<[f32]> + Sync>(&mut self, clips: &[S]) -> Result<Vec<Vec<f32>>> {
        let mut all = vec![Vec::new(); clips.len()];
        for member in &mut self.members {
            let own = member.predictor.embeddings(clips)?;
            all.iter_mut().zip(own).for_each(|(all, own): (&mut Vec<f32>, _)| all.extend(own));
        }
        Ok(all)
    }
}

/// What members say together, of the opinions of each: the sums of their probabilities over their number.
pub fn combine(opinions: &[Vec<Prediction>]) -> Vec<Prediction> {
    let clips = opinions.first().map_or(0, Vec::len);
    let together = |clip: usize| {
        let mut sum = vec![0.0; opinions[0][clip].probabilities.len()];
        for member in opinions {
            sum.iter_mut().zip(&member[clip].probabilities).for_each(|(s, p)| *s += p);
        }
        let class = argmax(&sum);
        Prediction { class, probabilities: sum.into_iter().map(|s| s / opinions.len() as f32).collect() }
    };
    (0..clips).map(together).collect()
}

/// Whether `other` tells the classes of the first member apart.
fn agree(first: &Member, name: &str, other: &Predictor) -> Result<(), String> {
    let (ours, theirs) = (first.predictor.classes(), other.classes());
    if first.predictor.says_numbers() != other.says_numbers() {
        let what = |p: &Predictor| if p.says_numbers() { "numbers" } else { "classes" };
        return Err(format!("{name} answers with {}, {} with {}", what(other), first.name, what(&first.predictor)));
    }
    let without = |of: &[String], others: &[String]| of.iter().filter(|c| !others.contains(c)).cloned().collect::<Vec<_>>().join(", ");
    let (lacking, more) = (without(ours, theirs), without(theirs, ours));
    let known = |what: &str, classes: String| if classes.is_empty() { String::new() } else { format!("; {what} {classes}") };
    if lacking.is_empty() && more.is_empty() {
        return Ok(());
    }
    Err(format!(
        "models asked together tell the same classes apart, but {name} and {} do not{}{}",
        first.name,
        known("it does not know", lacking),
        known("it alone knows", more)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opinions_are_added_up_and_the_first_of_equals_wins() {
        let said = |p: [f32; 3]| Prediction { class: argmax(&p), probabilities: p.to_vec() };
        let one = vec![said([0.5, 0.25, 0.25]), said([0.0, 1.0, 0.0])];
        let two = vec![said([0.125, 0.375, 0.5]), said([1.0, 0.0, 0.0])];
        let both = combine(&[one.clone(), two]);
        assert_eq!(both[0], Prediction { class: 2, probabilities: vec![0.3125, 0.3125, 0.375] });
        assert_eq!(both[1], Prediction { class: 0, probabilities: vec![0.5, 0.5, 0.0] });
        assert_eq!(combine(std::slice::from_ref(&one)), one, "a model alone says what it says alone");
    }
}
