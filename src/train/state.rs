//! The state of a run on disk: enough to go on to the same bits.

use super::config::Config;
use super::early_stop::EarlyStop;
use super::events::EpochRecord;
use super::report::StageResult;
use super::step::Position;
use crate::kernels::TunedCache;
use crate::nn::{Weights, file};
use crate::{Error, Result, storage};
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
    /// Hash of configuration and data; a resumed run must have the same.
    pub identity: String,
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

    /// Epoch records.
    pub fn metrics(&self) -> PathBuf {
        self.0.join("metrics.jsonl")
    }

    /// What the final model said of each test clip.
    pub fn predictions(&self) -> PathBuf {
        self.0.join("predictions.csv")
    }

    /// The result, which is written last: a run that has it is complete.
    pub fn result(&self) -> PathBuf {
        self.0.join("result.json")
    }

    /// The text of the configuration, where it has the values of `config`, whichever version wrote it.
    pub fn holds(&self, config: &Config) -> Option<String> {
        let text = std::fs::read_to_string(self.config()).ok()?;
        let stored = text.parse().ok().and_then(|table| Config::stored(table).ok())?;
        stored.same_values(config).then_some(text)
    }

    /// Checks that what lies here was made with `config`.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] naming the configuration, and the way out.
    pub fn check(&self, config: &Config) -> Result<()> {
        let reason = "another configuration; choose another --out, or remove that folder to make it again".to_string();
        self.holds(config).map(drop).ok_or_else(|| Error::Checkpoint { path: self.config(), reason })
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

/// Loads what [`save`] wrote and checks that it belongs to this configuration and data.
///
/// # Errors
/// [`Error::Checkpoint`] naming the file and what differs.
pub fn load(path: &Path, identity: &str) -> Result<(Progress, Weights)> {
    let bad = |reason: String| Error::Checkpoint { path: path.to_path_buf(), reason };
    let (snapshot, metadata) = file::read(path)?;
    let snapshot = snapshot.into_iter().map(|(name, values)| (modern(&name), values)).collect();
    let text = metadata.get(KEY).ok_or_else(|| bad("holds no training state".into()))?;
    let progress: Progress = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
    if progress.identity != identity {
        return Err(bad(
            "was made with another configuration, other data, another teacher or another adapter; start without --resume".into()
        ));
    }
    Ok((progress, snapshot))
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
    fn state_round_trips_and_refuses_another_run() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.safetensors");
        let tuned = TunedCache::from([("matmul".into(), "tile".into())]);
        let at = Position { epoch: 3, loss_sum: 0.1 + 0.2, seconds: 0.5, ..Default::default() };
        let progress = Progress { at, identity: "a".into(), tuned, ..Default::default() };
        let snapshot = Weights::from([("w".into(), ([2].into(), vec![1.0, -2.0]))]);
        save(&path, &progress, &snapshot).unwrap();
        assert_eq!(load(&path, "a").unwrap(), (progress.clone(), snapshot.clone()));
        assert!(load(&path, "b").unwrap_err().to_string().contains("another configuration"));
        // As an earlier version named the optimiser's buffers.
        let old = ["w", "moment1/w", "moment2/w", "average/w"].map(|n| (n.to_string(), snapshot["w"].clone()));
        save(&path, &progress, &Weights::from(old)).unwrap();
        let names: Vec<String> = load(&path, "a").unwrap().1.into_keys().collect();
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
