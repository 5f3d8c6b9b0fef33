//! The state of a run on disk: enough to go on to the same bits.

use super::early_stop::EarlyStop;
use super::events::EpochRecord;
use super::loss_scale::LossScale;
use super::report::StageResult;
use crate::kernels::choices::Choices;
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
    /// Epochs completed in the stage.
    pub epoch: usize,
    /// Steps completed in the epoch.
    pub step: usize,
    /// Updates made in the stage.
    pub updates: u64,
    /// Factor of the loss, with half precision.
    pub loss_scale: Option<LossScale>,
    /// Sum of losses in the epoch so far.
    pub loss_sum: f64,
    /// Sum of gradient norms in the epoch so far.
    pub norm_sum: f64,
    /// The stage's best epoch and patience.
    pub early: Option<EarlyStop>,
    /// Seconds trained in the stage.
    pub seconds: f64,
    /// Clips trained on in the stage.
    pub clips: u64,
    /// Epoch records of all stages.
    pub history: Vec<EpochRecord>,
    /// Completed stages.
    pub results: BTreeMap<String, StageResult>,
    /// Speaker accuracy of the speaker stage.
    pub speaker_accuracy: Option<f64>,
    /// Variants chosen by measurement when the run began.
    #[serde(default)]
    pub choices: Choices,
    /// Hash of configuration and data; a resumed run must have the same.
    pub identity: String,
}

impl Progress {
    /// Moves to the beginning of the next stage; history, results, choices and identity stay.
    pub fn next_stage(&mut self) {
        let fresh = Progress { stage: self.stage + 1, ..Progress::default() };
        let old = std::mem::replace(self, fresh);
        (self.history, self.results, self.identity) = (old.history, old.results, old.identity);
        self.choices = old.choices;
        self.speaker_accuracy = old.speaker_accuracy;
    }
}

/// The files of a run's folder.
#[derive(Debug, Clone)]
pub struct Folder(pub PathBuf);

impl Folder {
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
    let text = metadata.get(KEY).ok_or_else(|| bad("holds no training state".into()))?;
    let progress: Progress = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
    if progress.identity != identity {
        return Err(bad("was made with another configuration, other data or another adapter; start without --resume".into()));
    }
    Ok((progress, snapshot))
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
        let choices = Choices::from([("matmul".into(), "tile".into())]);
        let progress = Progress { epoch: 3, loss_sum: 0.1 + 0.2, seconds: 0.5, identity: "a".into(), choices, ..Default::default() };
        let snapshot = Weights::from([("w".into(), ([2].into(), vec![1.0, -2.0]))]);
        save(&path, &progress, &snapshot).unwrap();
        assert_eq!(load(&path, "a").unwrap(), (progress, snapshot));
        assert!(load(&path, "b").unwrap_err().to_string().contains("another configuration"));
    }

    #[test]
    fn the_next_stage_keeps_what_belongs_to_the_run() {
        let choices = Choices::from([("matmul".into(), "tile".into())]);
        let mut progress = Progress { epoch: 3, updates: 9, identity: "a".into(), choices: choices.clone(), ..Default::default() };
        progress.next_stage();
        assert_eq!(progress, Progress { stage: 1, identity: "a".into(), choices, ..Default::default() });
    }
}
