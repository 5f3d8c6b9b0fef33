//! The end of a run: probabilities are calibrated on validation clips, the model is written and tested, and the result reported.

use super::calibration::{Calibration, expected_error, reliability, sure};
use super::config::{Metric, Precision};
use super::dataset::Dataset;
use super::drawing::write_confusion;
use super::events::{Event, Observer};
use super::frozen::Frozen;
use super::inference::Inference;
use super::metrics::bootstrap;
use super::predictions::Predictions;
use super::recipe::{Recipe, io};
use super::report::{RunResult, TestResult};
use super::start::Start;
use super::state::{Folder, Progress};
use super::task::Measure;
use super::trainer::rows;
use super::views::{Views, average};
use crate::Result;
use crate::gpu::Device;
use crate::nn::{Weights, file};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Clips whose views are looked at at once.
const AT_ONCE: usize = 32;
/// Resamples of the bootstrap and its level.
const RESAMPLES: usize = 1000;
const LEVEL: f64 = 0.95;

/// What a run has when its last stage is done.
pub(super) struct Trained<'a> {
    pub device: &'a Arc<Device>,
    pub recipe: Recipe,
    pub data: &'a Dataset,
    pub folder: &'a Folder,
    pub weights: &'a Weights,
    pub progress: &'a Progress,
}

impl Trained<'_> {
    /// Calibrates and tests the weights and writes model, reports and result.
    ///
    /// # Errors
    /// Device faults; what keeps a file from being written.
    pub fn finish(mut self, observe: &mut Observer) -> Result<RunResult> {
        let task = self.recipe.answered_task()?.to_string();
        self.calibrate(&task, observe)?;
        let Trained { device, ref recipe, data, folder, weights, progress } = self;
        let mut metadata = recipe.to_metadata()?;
        metadata.extend([Start::list(data.split.train.iter().chain(&data.split.valid).map(|&i| &data.digests[i]))]);
        file::write(&folder.model(), weights, &metadata)?;
        let rows = &data.split.test;
        let (mut measure, mut viewed, mut ece) = (None, None, None);
        if rows.iter().any(|&i| data.targets[&task].known(i)) {
            let answers = self.answers(&task, rows)?;
            measure = data.targets[&task].measure(rows, &answers)?;
            viewed = self.by_views(&task)?;
            ece = self.error(&task, rows, &answers);
            Predictions::new(recipe, &task, data, rows, &answers).write(&folder.predictions())?;
        }
        let mut test = None;
        if let Some(matrix) = measure.as_ref().and_then(Measure::confusion) {
            let intervals = bootstrap(matrix, RESAMPLES, LEVEL, recipe.config.train.seed)?;
            write_confusion(matrix, &folder.0)?;
            test = Some(TestResult { ece, ..TestResult::new(matrix, data.split.description.clone(), Some(intervals)) });
        }
        let viewed = viewed.as_ref().and_then(Measure::confusion);
        let result = RunResult {
            adapter: device.caps().adapter.clone(),
            config_hash: recipe.config.hash()?,
            weights_sha256: file::sha256(weights),
            stages: progress.results.clone(),
            calibration: recipe.calibration.get(&task).cloned(),
            test,
            test_tta: viewed.map(|matrix| TestResult::new(matrix, data.split.description.clone(), None)),
            test_ccc: measure.as_ref().and_then(|m| m.value(Metric::Ccc)),
            speaker_accuracy: progress.speaker_accuracy,
            continued: progress.continued.clone(),
            taught: recipe.taught.clone(),
        };
        result.write(&folder.result())?;
        Ok(result)
    }

    /// The network with its final weights, to be asked for a task's logits.
    fn inference(&self, task: &str) -> Result<Inference> {
        let (recipe, logits) = (&self.recipe, io::logits(task));
        Inference::new(self.device, recipe, self.weights, recipe.config.train.rows(), &[&logits], recipe.options())
    }

    /// A task's logits of some utterances: from their features, where a stage has had these of the same trunk.
    fn answers(&self, task: &str, rows: &[usize]) -> Result<Vec<Vec<f32>>> {
        let (recipe, logits) = (&self.recipe, io::logits(task));
        let frozen = Frozen { device: self.device, recipe, weights: self.weights, stop: &AtomicBool::new(false) };
        // In half precision they are rounded otherwise.
        let single = recipe.config.train.precision == Precision::F32;
        match if single { self.data.features.known(&frozen)? } else { None } {
            Some(features) => {
                let batch = recipe.config.train.rows();
                let inference = Inference::on_features(self.device, recipe, self.weights, batch, &[&logits], recipe.options())?;
                inference.run(&logits, rows.len(), &|r| &features[0][rows[r]])
            }
            None => self.inference(task)?.run(&logits, rows.len(), &|r| &self.data.inputs[rows[r]]),
        }
    }

    /// Finds temperature and centre on the clips that validated the task's last stage, where solving has not found them.
    fn calibrate(&mut self, task: &str, observe: &mut Observer) -> Result<()> {
        if !self.recipe.calibration.contains_key(task) && !self.recipe.config.task[task].loss.of_numbers() {
            let stages = self.recipe.config.stages()?;
            let stage = stages.iter().rev().find(|(_, stage)| self.recipe.judged_task(stage) == task);
            let valid = stage.map_or_else(Vec::new, |(_, stage)| rows(&self.recipe, self.data, stage).1);
            let known = valid.into_iter().filter_map(|i| Some((i, self.data.targets[task].class(i)?)));
            let (valid, classes): (Vec<usize>, Vec<usize>) = known.unzip();
            if !valid.is_empty() {
                let logits = self.answers(task, &valid)?;
                let found = Calibration::find(self.recipe.config.task[task].loss, &logits, &classes);
                self.recipe.calibration.extend(found.map(|c| (task.to_string(), c)));
            }
        }
        if let Some(Calibration { temperature, clips, ece_before: Some(before), ece: Some(after), .. }) = self.recipe.calibration.get(task)
        {
            observe(Event::Summary(&format!(
                "calibrated on {clips} clips: temperature {temperature:.3}, expected calibration error {before:.3} -> {after:.3}"
            )));
        }
        Ok(())
    }

    /// Expected calibration error of what the task's head says, where it answers classes.
    fn error(&self, task: &str, rows: &[usize], logits: &[Vec<f32>]) -> Option<f64> {
        let targets = &self.data.targets[task];
        let class = |(i, logits): (&usize, &Vec<f32>)| Some(sure(&self.recipe.answer(task, logits), targets.class(*i)?));
        expected_error(&reliability(rows.iter().zip(logits).filter_map(class)))
    }

    /// How well a task's head does on the views of the test clips, where the data have these.
    fn by_views(&self, task: &str) -> Result<Option<Measure>> {
        if self.data.test_clips.is_empty() {
            return Ok(None);
        }
        let (mut views, inference) = (Views::new(self.device, &self.recipe.config.inputs()?)?, self.inference(task)?);
        let mut answers = Vec::with_capacity(self.data.test_clips.len());
        for clips in self.data.test_clips.chunks(AT_ONCE) {
            answers.extend(average(&inference, &self.recipe, task, &views.of(clips)?)?);
        }
        self.data.targets[task].measure(&self.data.split.test, &answers)
    }
}
