//! The state of a run on disk: enough to go on to the same bits.

use super::config::Config;
use super::early_stop::EarlyStop;
use super::events::EpochRecord;
use super::report::StageResult;
use super::step::Position;
use crate::kernels::TunedCache;
use crate::nn::{Weights, file};
use crate::{Error, Result, storage, text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a run stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Index of the stage in the configuration's list.
    pub stage: usize,
    /// Where the stage stands.
    #[serde(flatten)]
    pub at: Position,
    /// The stage's best epoch and patience.
    pub early: Option<EarlyStop>,
    /// Epoch records of all stages.
    pub history: Vec<EpochRecord>,
    /// Completed stages.
    pub results: BTreeMap<String, StageResult>,
    /// Speaker accuracy of the stage that was judged by speakers.
    pub speaker_accuracy: Option<f64>,
    /// Variants chosen by measurement when the run began.
    #[serde(rename = "choices", default)]
    pub tuned: TunedCache,
    /// Hash of configuration, data and adapter.
    pub identity: String,
    /// Hash of the data, and how they are divided; none in states of earlier versions, as the adapter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The adapter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// What was otherwise than before when the run went on, sentence by sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub continued: Vec<String>,
}

impl Progress {
    /// Moves to the beginning of the next stage; history, results, tuned variants and identity stay.
    pub fn next_stage(&mut self) {
        (self.stage, self.at, self.early) = (self.stage + 1, Position::default(), None);
    }
}

/// The files of a run's folder.
#[derive(Debug, Clone)]
pub struct Folder(pub PathBuf);

impl Folder {
    /// The configuration, as it was written.
    pub fn config(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// Snapshot for resuming.
    pub fn state(&self) -> PathBuf {
        self.0.join("state.safetensors")
    }

    /// Best weights of a stage.
    pub fn best(&self, stage: &str) -> PathBuf {
        self.0.join(format!("best-{stage}.safetensors"))
    }

    /// The final model.
    pub fn model(&self) -> PathBuf {
        self.0.join("model.safetensors")
    }

    /// What the run was asked for besides its configuration; see [`RunSpec::request`](super::run::RunSpec::request).
    pub fn request(&self) -> PathBuf {
        self.0.join("request.json")
    }

    /// The recordings, and what each is for.
    pub fn clips(&self) -> PathBuf {
        self.0.join("clips.csv")
    }

    /// The best weights there are so far: the final ones, those of the latest stage, or else those of the state.
    pub fn weights(&self) -> PathBuf {
        let stages = self.stored().map(|(config, _)| config.train.stages).unwrap_or_default();
        let best = stages.iter().rev().map(|stage| self.best(stage));
        std::iter::once(self.model()).chain(best).find(|path| path.exists()).unwrap_or_else(|| self.state())
    }

    /// Epoch records.
    pub fn metrics(&self) -> PathBuf {
        self.0.join("metrics.jsonl")
    }

    /// What the final model said of each test clip.
    pub fn predictions(&self) -> PathBuf {
        self.0.join("predictions.csv")
    }

    /// What a network that is solved answered to its training clips without their speakers ([`crate::models::Solver::holds_out`]).
    pub fn held_out(&self) -> PathBuf {
        self.0.join("held_out.csv")
    }

    /// What the folds come to, where the folder is one of several runs.
    pub fn folds(&self) -> PathBuf {
        self.0.join("folds.json")
    }

    /// The result, which is written last: a run that has it is complete.
    pub fn result(&self) -> PathBuf {
        self.0.join("result.json")
    }

    /// The configuration, and its text, whichever version wrote it.
    ///
    /// # Errors
    /// [`Error::Io`] where there is none, [`Error::Config`] for what is none.
    pub fn stored(&self) -> Result<(Config, String)> {
        let path = self.config();
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
        let table = text.parse().map_err(|e| Error::Config(format!("{}: {e}", text::path(&path))))?;
        Config::stored(table).map(|config| (config, text))
    }

    /// The text of the configuration, where it has the values of `config`, whichever version wrote it.
    pub fn holds(&self, config: &Config) -> Option<String> {
        self.stored().ok().filter(|(stored, _)| stored.same_values(config)).map(|(_, text)| text)
    }

    /// Checks that what lies here was made with `config`.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] naming the configuration, what differs, and the way out.
    pub fn check(&self, config: &Config) -> Result<()> {
        let different = match self.stored() {
            Ok((stored, _)) if stored.same_values(config) => return Ok(()),
            Ok((stored, _)) => stored.differences(config)?.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            Err(e) => e.to_string(),
        };
        let reason = format!("another configuration: {different}; choose another --out, or remove that folder to make it again");
        Err(Error::Checkpoint { path: self.config(), reason })
    }
}

/// Metadata key of [`Progress`].
const KEY: &str = "progress";

/// Saves progress and snapshot in one file, so that they can never disagree.
///
/// # Errors
/// [`Error::Io`]; the previous state is untouched.
pub fn save(path: &Path, progress: &Progress, snapshot: &Weights) -> Result<()> {
    let text = serde_json::to_string(progress).map_err(|e| Error::Checkpoint { path: path.to_path_buf(), reason: e.to_string() })?;
    file::write(path, snapshot, &file::Metadata::from([(KEY.to_string(), text)]))
}

/// Loads what [`save`] wrote.
///
/// # Errors
/// [`Error::Checkpoint`] naming the file where it is no state.
pub fn load(path: &Path) -> Result<(Progress, Weights)> {
    let bad = |reason: String| Error::Checkpoint { path: path.to_path_buf(), reason };
    let (snapshot, metadata) = file::read(path)?;
    let snapshot = snapshot.into_iter().map(|(name, values)| (modern(&name), values)).collect();
    let text = metadata.get(KEY).ok_or_else(|| bad("holds no training state".into()))?;
    Ok((serde_json::from_str(text).map_err(|e| bad(e.to_string()))?, snapshot))
}

/// Prefixes of tensors in states of earlier versions, and those of today.
const RENAMED: [(&str, &str); 3] = [("moment1/", "exp_avg/"), ("moment2/", "exp_avg_sq/"), ("average/", "ema/")];

fn modern(name: &str) -> String {
    let renamed = RENAMED.iter().find_map(|(old, new)| Some(format!("{new}{}", name.strip_prefix(old)?)));
    renamed.unwrap_or_else(|| name.to_string())
}

/// Writes the epoch records, one JSON object a line.
///
/// # Errors
/// [`Error::Io`].
pub fn write_history(path: &Path, history: &[EpochRecord]) -> Result<()> {
    let mut text = String::new();
    for record in history {
        text.push_str(&serde_json::to_string(record).map_err(|e| Error::Checkpoint { path: path.to_path_buf(), reason: e.to_string() })?);
        text.push('\n');
    }
    storage::write(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_round_trips() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.safetensors");
        let tuned = TunedCache::from([("matmul".into(), "tile".into())]);
        let at = Position { epoch: 3, loss_sum: 0.1 + 0.2, seconds: 0.5, ..Default::default() };
        let progress = Progress { at, identity: "a".into(), tuned, ..Default::default() };
        let snapshot = Weights::from([("w".into(), ([2].into(), vec![1.0, -2.0]))]);
        save(&path, &progress, &snapshot).unwrap();
        assert_eq!(load(&path).unwrap(), (progress.clone(), snapshot.clone()));
        // As an earlier version named the optimiser's buffers.
        let old = ["w", "moment1/w", "moment2/w", "average/w"].map(|n| (n.to_string(), snapshot["w"].clone()));
        save(&path, &progress, &Weights::from(old)).unwrap();
        let names: Vec<String> = load(&path).unwrap().1.into_keys().collect();
        assert_eq!(names, ["ema/w", "exp_avg/w", "exp_avg_sq/w", "w"]);
    }

    #[test]
    fn the_next_stage_keeps_what_belongs_to_the_run() {
        let tuned = TunedCache::from([("matmul".into(), "tile".into())]);
        let at = Position { epoch: 3, updates: 9, ..Default::default() };
        let mut progress = Progress { at, identity: "a".into(), tuned: tuned.clone(), ..Default::default() };
        progress.next_stage();
        assert_eq!(progress, Progress { stage: 1, identity: "a".into(), tuned, ..Default::default() });
    }
}
