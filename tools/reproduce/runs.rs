//! Runs in order, each resumed where it stopped, under one progress bar; and what they left.

use crate::experiment::{Setup, VOICEPRINT};
use anyhow::{Context as _, Result, bail};
use emotone::Error;
use emotone::gpu::Device;
use emotone::models::TRUNK;
use emotone::nn::{Weights, file};
use emotone::train::config::Config;
use emotone::train::dataset::DataSpec;
use emotone::train::events::{Done, Event};
use emotone::train::predictions::Predictions;
use emotone::train::recipe::Recipe;
use emotone::train::report::{RunResult, TestResult};
use emotone::train::run::{self, RunSpec};
use emotone::train::start::Start;
use emotone::train::state::Folder;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Positions of the bar per run.
const PARTS: u64 = 1000;

/// What all runs share.
pub struct Bench {
    pub device: Arc<Device>,
    /// The preset with the overrides for all runs.
    pub base: Config,
    /// Data; the split is each run's own.
    pub data: DataSpec,
    pub splits: Vec<String>,
    pub seeds: Vec<u64>,
    pub out: PathBuf,
    pub stop: Arc<AtomicBool>,
}

/// A setup with a seed and a split.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub setup: Setup,
    pub seed: u64,
    /// Index of the split.
    pub split: usize,
}

impl Run {
    fn name(&self) -> String {
        format!("{}/seed{}-split{}", self.setup.key, self.seed, self.split)
    }
}

/// What a run left.
pub struct Outcome {
    pub split: usize,
    pub seed: u64,
    pub test: TestResult,
    pub predictions: Predictions,
    pub parameters: usize,
    /// Seconds of training, the stage it started from included.
    pub seconds: f64,
    /// Training clips per second of the last stage.
    pub clips_per_s: Option<f64>,
}

/// Outcomes by the key of their setup.
pub type Outcomes = BTreeMap<String, Vec<Outcome>>;

/// All runs of some setups, the speaker stages that they start from first; a setup has as many seeds as `seeds` says.
pub fn plan(setups: &[(Setup, usize)], voiceprint: &Setup, all_seeds: &[u64], splits: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut add = |setup: &Setup, seeds: usize| {
        for split in 0..splits {
            for &seed in all_seeds.iter().take(seeds) {
                let run = Run { setup: setup.clone(), seed, split };
                if !runs.contains(&run) {
                    runs.push(run);
                }
            }
        }
    };
    let most = setups.iter().filter(|(setup, _)| setup.start.is_some()).map(|(_, seeds)| *seeds).max();
    most.into_iter().for_each(|seeds| add(voiceprint, seeds));
    setups.iter().for_each(|(setup, seeds)| add(setup, *seeds));
    runs
}

impl Bench {
    /// Carries out what is not done yet.
    pub fn carry_out(&self, runs: &[Run]) -> Result<()> {
        let bar = ProgressBar::new(runs.len() as u64 * PARTS);
        bar.set_style(ProgressStyle::with_template("{bar:30} {percent}%, {elapsed} so far  {msg}")?);
        let mut warned = BTreeSet::new();
        for (i, run) in runs.iter().enumerate() {
            bar.set_position(i as u64 * PARTS);
            bar.set_message(format!("run {} of {}: {}", i + 1, runs.len(), run.setup.name));
            if self.done(run)?.is_some() {
                continue;
            }
            let result = self.train(
                run,
                &mut |event| match event {
                    Event::Warning(text) if warned.insert(text.to_string()) => bar.suspend(|| eprintln!("warning: {text}")),
                    Event::Preparing(_, _, _) | Event::Step { .. } => bar.tick(),
                    _ => {}
                },
                &|share| bar.set_position(i as u64 * PARTS + (share * PARTS as f64) as u64),
            );
            match result {
                Ok(result) => {
                    let uar = result.test.as_ref().and_then(|t| t.uar).map_or(String::new(), |u| format!(": UAR {u:.3}"));
                    bar.suspend(|| println!("{} of {}  {}{uar}", i + 1, runs.len(), run.name()));
                }
                Err(Error::Interrupted) => {
                    bar.finish_and_clear();
                    bail!("stopped; the same command goes on from here");
                }
                Err(e) => return Err(e).with_context(|| format!("run {}", run.name())),
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    fn folder(&self, run: &Run) -> Folder {
        Folder(self.out.join("runs").join(run.name()))
    }

    fn config(&self, run: &Run) -> Result<Config, Error> {
        let mut config = self.base.clone();
        for set in &run.setup.sets {
            config.set(set)?;
        }
        config.train.seed = run.seed;
        config.check()?;
        Ok(config)
    }

    /// The result of a run that is complete. A configuration that an earlier version wrote counts by its values.
    fn done(&self, run: &Run) -> Result<Option<RunResult>> {
        let folder = self.folder(run);
        let path = folder.result();
        if !path.exists() {
            return Ok(None);
        }
        folder.check(&self.config(run)?)?;
        Ok(Some(RunResult::read(&path)?))
    }

    fn train(&self, run: &Run, observe: &mut dyn FnMut(&Event), share: &dyn Fn(f64)) -> Result<RunResult, Error> {
        let (config, folder) = (self.config(run)?, self.folder(run));
        let start = match run.setup.start {
            Some(_) => self.trunk(run, &config)?,
            None => Weights::new(),
        };
        let data = DataSpec { split: self.splits[run.split].clone(), ..self.data.clone() };
        let resume = folder.state().exists();
        let all: usize = config.stages()?.iter().map(|(_, stage)| stage.epochs).sum();
        let mut done = Done::new(all);
        let spec = RunSpec { start: Start { weights: start, ..Start::default() }, resume, ..RunSpec::new(config, data, folder.0) };
        run::run(&self.device, &spec, &self.stop, &mut |event| {
            done.after(&event).into_iter().for_each(share);
            observe(&event);
        })
    }

    /// The trunk that the speaker stage of the same seed and split has trained.
    fn trunk(&self, run: &Run, config: &Config) -> Result<Weights, Error> {
        let (mut weights, _) = file::read(&self.speaker_stage(run).model())?;
        let scope = format!("{}.", config.network()?.scope(TRUNK));
        weights.retain(|name, _| name.starts_with(&scope));
        Ok(weights)
    }

    fn speaker_stage(&self, run: &Run) -> Folder {
        let setup = Setup { key: VOICEPRINT.into(), ..run.setup.clone() };
        self.folder(&Run { setup, ..run.clone() })
    }

    /// What the runs left, by setup.
    pub fn outcomes(&self, runs: &[Run]) -> Result<Outcomes> {
        let mut all = Outcomes::new();
        for run in runs.iter().filter(|r| r.setup.key != VOICEPRINT) {
            let folder = self.folder(run);
            let result = self.done(run)?.with_context(|| format!("run {} is not complete", run.name()))?;
            let test = result.test.clone().with_context(|| format!("run {}: the split leaves no test clips", run.name()))?;
            let (_, metadata) = file::read(&folder.model())?;
            let recipe = Recipe::from_metadata(&metadata).map_err(anyhow::Error::msg)?;
            let before = match &run.setup.start {
                Some(_) => RunResult::read(&self.speaker_stage(run).result())?.stages,
                None => BTreeMap::new(),
            };
            let last = recipe.config.train.stages.last().and_then(|s| result.stages.get(s));
            let outcome = Outcome {
                split: run.split,
                seed: run.seed,
                test,
                predictions: Predictions::read(&folder.predictions())?,
                parameters: recipe.parameters()?.count(),
                seconds: result.stages.values().chain(before.values()).map(|s| s.train_seconds).sum(),
                clips_per_s: last.map(|s| s.clips_per_s).filter(|v| *v > 0.0),
            };
            all.entry(run.setup.key.clone()).or_default().push(outcome);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_is_planned_once_after_what_it_starts_from() {
        let setup =
            |key: &str, start: Option<&str>| Setup { key: key.into(), name: key.into(), sets: vec![], start: start.map(String::from) };
        let (first, a, b) = (setup(VOICEPRINT, None), setup("a", None), setup("b", Some(VOICEPRINT)));
        let runs = plan(&[(a.clone(), 1), (b.clone(), 1), (a, 1), (b, 3)], &first, &[5, 6, 7], 2);
        let names: Vec<String> = runs.iter().map(Run::name).collect();
        assert_eq!(names.len(), 6 + 2 + 6);
        assert_eq!(
            (names[0].as_str(), names[6].as_str(), names[7].as_str()),
            ("voiceprint/seed5-split0", "a/seed5-split0", "a/seed5-split1")
        );
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }
}
