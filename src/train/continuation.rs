//! What a run that goes on may have otherwise than when it began, and what it may not.

use super::clips::{Change, Clips};
use super::config::{Config, Difference, Target};
use super::state::{self, Folder, Progress};
use crate::hash::sha256;
use crate::nn::Weights;
use crate::{Error, Result};

/// What a run is made of, as it is now.
#[derive(Clone, Copy)]
pub(super) struct Now<'a> {
    /// Configuration.
    pub config: &'a Config,
    /// Hash of the data, and how they are divided.
    pub data: &'a str,
    /// The recordings.
    pub clips: &'a Clips,
    /// The adapter.
    pub adapter: &'a str,
    /// Whether its stages are solved from all recordings at once.
    pub solved: bool,
}

/// Keys of which another value is as good in the middle of a run as at its beginning.
const FREE: &[&str] = &["train.early_stopping", "train.clip_norm", "train.tta"];
/// The same of every stage.
const FREE_OF_STAGES: &[&str] = &["epochs", "lr", "trunk_lr"];

/// The stage and the key in it that a dotted key names.
fn of_stage(key: &str) -> Option<(&str, &str)> {
    key.strip_prefix("stage.")?.split_once('.')
}

fn is_free(key: &str) -> bool {
    FREE.contains(&key) || of_stage(key).is_some_and(|(_, key)| FREE_OF_STAGES.contains(&key))
}

/// Whether what lies in a folder may go on with this configuration, as far as that is concerned.
///
/// # Errors
/// Those of reading the folder.
pub(super) fn may_go_on(folder: &Folder, config: &Config) -> Result<bool> {
    Ok(folder.stored()?.0.differences(config)?.iter().all(|d| is_free(&d.key)))
}

/// The configuration with which the run in a folder goes on: stages that are complete keep their own values. Says what they are.
///
/// # Errors
/// Those of reading the folder.
pub(super) fn settled(config: &Config, folder: &Folder) -> Result<(Config, Vec<String>)> {
    let (mut config, mut notes) = (config.clone(), Vec::new());
    let (stored, progress) = (folder.stored()?.0, state::load(&folder.state())?.0);
    for name in stored.train.stages.iter().take(progress.stage) {
        if let (Some(own), Some(now)) = (stored.stage.get(name), config.stage.get_mut(name))
            && (own.epochs, own.lr, own.trunk_lr) != (now.epochs, now.lr, now.trunk_lr)
        {
            (now.epochs, now.lr, now.trunk_lr) = (own.epochs, own.lr, own.trunk_lr);
            notes.push(format!("stage {name} is complete, of {} epochs with a learning rate of {}: it stays as it is", own.epochs, own.lr));
        }
    }
    Ok((config, notes))
}

impl Now<'_> {
    /// Hash of all that determines the bits of a run. Where the folder of a run that goes on holds the same configuration as an earlier version
    /// wrote it, that is what counts.
    pub fn identity(&self, goes_on: Option<&Folder>) -> Result<String> {
        let hash = match goes_on.and_then(|folder| folder.holds(self.config)) {
            Some(written) => sha256(written.as_bytes()),
            None => self.config.hash()?,
        };
        Ok(self.with(&hash))
    }

    /// The same of a configuration's hash.
    fn with(&self, config: &str) -> String {
        sha256(format!("{config}|{}|{}", self.data, self.adapter).as_bytes())
    }

    /// A run's position at its beginning.
    pub fn begin(&self) -> Result<Progress> {
        let (data, adapter) = (Some(self.data.to_string()), Some(self.adapter.to_string()));
        Ok(Progress { identity: self.identity(None)?, data, adapter, ..Progress::default() })
    }

    /// Position and state of the run in a folder, and what is otherwise now, in words.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] naming what differs where the run cannot go on with it, and the way out.
    pub fn go_on(&self, folder: &Folder) -> Result<(Progress, Weights, Vec<String>)> {
        let (mut progress, snapshot) = state::load(&folder.state())?;
        let identity = self.identity(Some(folder))?;
        let mut notes = Vec::new();
        if progress.identity != identity {
            let (stored, text) = folder.stored()?;
            let keys = stored.differences(self.config)?;
            let bad = |reason: String| Err(Error::Checkpoint { path: folder.state(), reason });
            if let Some(reason) = self.refused(&keys) {
                return bad(reason);
            }
            // An earlier version wrote down no more than the hash of all.
            let described = progress.data.is_some() && progress.adapter.is_some();
            if !described && progress.identity != self.with(&sha256(text.as_bytes())) {
                let what = "was made with other data, another split, another teacher or another adapter";
                return bad(format!(
                    "{what}, and an earlier version did not write down which; name those of the run, or choose another --out"
                ));
            }
            // What is said of stages that the run has not is of no use to anybody.
            let own = |d: &&Difference| of_stage(&d.key).is_none_or(|(name, _)| self.config.train.stages.iter().any(|stage| stage == name));
            notes.extend(keys.iter().filter(own).map(|key| format!("goes on with {key}")));
            notes.extend(self.other_data(folder, &mut progress)?);
            if let Some(before) = progress.adapter.as_deref().filter(|before| *before != self.adapter) {
                notes.push(format!("goes on on {}, begun on {before}: its last bits are not those of a run on one adapter", self.adapter));
                // Variants were measured there.
                progress.tuned.clear();
            }
            if let Some(early) = &mut progress.early {
                early.patience = self.config.train.early_stopping;
            }
            progress.continued.extend(notes.iter().cloned());
            (progress.identity, progress.data, progress.adapter) = (identity, Some(self.data.into()), Some(self.adapter.into()));
        }
        Ok((progress, snapshot, notes))
    }

    /// Why the run cannot go on with these differences of its configuration.
    fn refused(&self, keys: &[Difference]) -> Option<String> {
        let list = |of: &mut dyn Iterator<Item = &Difference>| of.map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let fixed: Vec<&Difference> = keys.iter().filter(|d| !is_free(&d.key)).collect();
        if !fixed.is_empty() {
            let keys = list(&mut fixed.into_iter());
            return Some(format!(
                "a run cannot go on with another configuration, {keys}: leave that out, for --resume takes the run's own, or choose another --out"
            ));
        }
        keys.first().filter(|d| self.solved && d.key.starts_with("stage.")).map(|first| {
            format!("{first}: {} is solved from all recordings at once, in no epochs; leave that out", self.config.model.name())
        })
    }

    /// What to say of other data; a run that gets more to learn from begins its epoch again.
    fn other_data(&self, folder: &Folder, progress: &mut Progress) -> Result<Option<String>> {
        let Some(before) = progress.data.as_deref().filter(|before| *before != self.data) else { return Ok(None) };
        let change = Clips::read(&folder.clips()).map(|clips| clips.compare(self.clips)).unwrap_or_default();
        let ((ours, taught), (theirs, teaches)) = (divided(before), divided(self.data));
        let split = (ours != theirs).then(|| format!("split {theirs}, {ours} before"));
        let split: Vec<String> = split.into_iter().chain((taught != teaches).then(|| "another teacher".to_string())).collect();
        let speakers =
            self.config.stages()?.iter().any(|(_, s)| s.tasks().any(|(task, _)| self.config.task[task].target == Target::Speaker));
        if split.is_empty() && change.only_adds(speakers) && !self.solved {
            let Change { more, moved, .. } = &change;
            (progress.at.step, progress.at.loss_sum, progress.at.norm_sum) = (0, 0.0, 0.0);
            let moved = if *moved > 0 { format!("; {moved} others are in another part of the split now") } else { String::new() };
            let more = Change { more: more.clone(), ..Change::default() }.describe();
            let stages = self.config.stages()?;
            let complete = stages.get(progress.stage).is_some_and(|(_, stage)| progress.at.epoch >= stage.epochs);
            return Ok(Some(match complete {
                true => format!("{more}{moved}: the stage is complete; with more epochs (--epochs) it learns from them"),
                false => format!("{more}{moved}: goes on with all of them from the beginning of epoch {}", progress.at.epoch + 1),
            }));
        }
        let what: Vec<String> = split.into_iter().chain(Some(change.describe()).filter(|d| !d.is_empty())).collect();
        let what = if what.is_empty() { "other recordings".to_string() } else { what.join("; ") };
        let why = if self.solved { " (it is solved from all of them at once)" } else { "" };
        let weights = crate::text::shell(&folder.weights());
        Err(Error::Checkpoint {
            path: folder.state(),
            reason: format!(
                "a run cannot go on with other data{why}: {what}; put that back, or begin a run from its weights: --weights {weights} with another --out"
            ),
        })
    }
}

/// The split in a description of data (`HASH/SPLIT` or `HASH/SPLIT/TEACHER`), and the teacher's hash.
fn divided(data: &str) -> (&str, Option<&str>) {
    let rest = data.split_once('/').map_or("", |(_, rest)| rest);
    let of_teacher = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    match rest.rsplit_once('/') {
        Some((split, teacher)) if of_teacher(teacher) => (split, Some(teacher)),
        _ => (rest, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_free_is_what_may_change() {
        assert!(["stage.single.epochs", "stage.my-own.lr", "train.early_stopping"].iter().all(|key| is_free(key)));
        assert!(["stage.single.tasks.emotion", "train.batch", "model.width", "stage.epochs"].iter().all(|key| !is_free(key)));
        assert_eq!(divided("abc/loso:a/b"), ("loso:a/b", None));
        let teacher = "0".repeat(64);
        assert_eq!(divided(&format!("abc/random/{teacher}")), ("random", Some(&*teacher)));
    }
}
